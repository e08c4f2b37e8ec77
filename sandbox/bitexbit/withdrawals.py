"""Withdrawals of the simulated bitexbit: debit at acceptance, a way through the statuses, money back at a bad end."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox import accounts, transactions
from sandbox.bitexbit import addresses, errors, listing, orders
from sandbox.bitexbit.calls import Context
from sandbox.bitexbit.methods import Method
from sandbox.bitexbit.telling import tell
from sandbox.bitexbit.wallets import moment
from sandbox.ledger import next_number
from sandbox.routes import ControlError, text_of
from sandbox.transactions import Transaction
from sandbox.wire import plain

if TYPE_CHECKING:
    from sandbox.bitexbit.provider import Bitexbit

KIND = "withdrawal"
PATH = "/api/gateway/withdraw/history"
FILTERS = ("ticker", "network", "status", "txid", "address")
TAGS = ("payment_id", "memo", "destination_tag")
PARAMETERS = (
    *("ticker", "network", "address", "card", "amount", "callback_url", "comment", "client_order_id"),
    *("fee_payer", "auto_buy_ticker", "auto_buy_percent", *TAGS),
)
#: The document's table, by what brings a withdrawal there.
STATUSES = {
    "renew": "10",
    "confirm": "20",
    "verify": "23",
    "moderate": "25",
    "approve": "26",
    "suspend": "27",
    "done": "30",
    "refuse": "40",
    "cancel": "50",
}
GIVEN_BACK, FINAL = ("40", "50"), ("30", "40", "50")
STEP = "step"


def create(context: Context) -> dict[str, Any]:
    """`withdraw/create`: check everything, debit the balance, keep it, answer. Raises Refusal."""
    target = context.method()
    if not target.withdraw.enabled:
        raise errors.field("network", errors.DISABLED)
    amount, where = context.amount(target.withdraw), _payee(context, target)
    url, reference = context.url("callback_url"), context.text("client_order_id")
    comment = context.text("comment")
    if reference and context.setting("dedup"):
        used = transactions.find(
            context.db,
            provider="bitexbit",
            uniqueid=reference,
            account_id=context.account.id,
            kind=KIND,
            limit=1,
        )
        if used:
            raise errors.field("client_order_id", errors.ID_USED)
    payer = _fee_payer(context, target)
    fee = target.withdraw.fee(amount)
    costs: dict[str, Decimal] = {}
    orders.add(costs, target.ticker, amount)
    if payer == "1":
        orders.add(costs, target.withdraw.fee_currency, fee)
    order = _auto_buy(context, target, amount)
    if order:
        orders.add(costs, target.ticker, -Decimal(order["get"]))
        orders.add(costs, context.text("auto_buy_ticker"), Decimal(order["give"]))
    have = accounts.balances(context.db, context.account.id)
    if any(cost > have.get(currency, Decimal(0)) for currency, cost in costs.items()):
        raise errors.detail(400, errors.NO_BALANCE)

    row = transactions.accept(
        context.db,
        account=context.account,
        kind=KIND,
        now=context.now,
        params=context.params,
        currency=target.ticker,
        amount=amount,
        status=context.setting("withdraw_first"),
        uniqueid=reference,
        number=next_number(context.db, "bitexbit.withdraw"),
        data={
            "network": target.network,
            **where,
            "comment": comment,
            "callback_url": url,
            "fee_payer": payer,
            "order": order,
            "costs": {currency: plain(cost) for currency, cost in costs.items()},
            "txid": "",
            "step": 0,
        },
    )
    _book(context.db, row, context.now)
    answer = describe(context.provider, row)
    _go_on(context.provider, context.db, row)
    return answer


def _payee(context: Context, target: Method) -> dict[str, str]:
    """Address or card, and the tags. Raises Refusal."""
    if target.fiat:
        card = context.text("card", required=True)
        if not addresses.is_card(card):
            raise errors.field("card", errors.WRONG_CARD)
        found = {"address": "", "card": card}
    else:
        address = context.text("address", required=True)
        if not addresses.is_wellformed(address, target.address):
            raise errors.field("address", errors.WRONG_ADDRESS)
        found = {"address": address, "card": ""}
    return {**found, **{name: context.text(name, required=name == target.tag) for name in TAGS}}


def _fee_payer(context: Context, target: Method) -> str:
    """1 or 2, which is possible only in the fee's own currency. Raises Refusal."""
    value = context.params.get("fee_payer")
    payer = "1" if value is None or value == "" else str(value)
    if payer not in ("1", "2"):
        raise errors.field("fee_payer", errors.NOT_A_CHOICE)
    if payer == "2" and target.withdraw.fee_currency != target.ticker:
        raise errors.field("fee_payer", errors.FEE_ELSEWHERE)
    return payer


def _auto_buy(context: Context, target: Method, amount: Decimal) -> dict[str, Any] | None:
    """The order that gets what is sent. Raises Refusal."""
    ticker = context.check_pair("auto_buy_ticker", target.ticker)
    percent = context.number("auto_buy_percent")
    if not ticker:
        return None
    return orders.order(
        context.setting("pairs"),
        give=ticker,
        get=target.ticker,
        percent=Decimal(5) if percent is None else percent,
        amount=amount,
        of=target.ticker,
    )


def describe(provider: Bitexbit, row: Transaction, *, listed: bool = False) -> dict[str, Any]:
    """A withdrawal as `withdraw/create` and (`listed`) `withdraw/history` tell it, in the order of the samples."""
    seen = {
        "txid": row.data["txid"] or None,
        "aml_success": provider.setting("aml_success"),
        "aml_risk": provider.setting("aml_risk"),
        "aml_url": None,
    }
    return {
        "id": row.number,
        "ticker": row.currency,
        "network": row.data["network"],
        "address": row.data["address"] or None,
        **({"card": row.data["card"]} if row.data["card"] else {}),
        "payment_id": row.data["payment_id"] or None,
        "memo": row.data["memo"] or None,
        "comment": row.data["comment"] or None,
        "destination_tag": row.data["destination_tag"] or None,
        "amount": provider.number(row.amount),
        "callback_url": row.data["callback_url"] or None,
        "client_order_id": row.uniqueid or None,
        "fee_payer": int(row.data["fee_payer"]),
        "status": provider.code(row.status, number=True),
        "auto_buy": orders.shown(row.data["order"]),
        **(seen if listed else {}),
        "created_at": moment(row.accepted_at),
    }


def _go_on(provider: Bitexbit, db: sqlite3.Connection, row: Transaction) -> Transaction:
    """Let the next status of the way come, in its share of the time; without any time all of them now."""
    path = provider.setting("withdraw_path")
    if row.data["step"] >= len(path):
        return row
    delay = float(provider.setting("withdraw_delay"))
    if not delay:
        return _step(provider, db, row)
    transactions.schedule(db, row, at=provider.engine.clock.after(delay / len(path)), verb=STEP)
    provider.engine.wake()
    return row


def _step(provider: Bitexbit, db: sqlite3.Connection, row: Transaction) -> Transaction:
    path, step = provider.setting("withdraw_path"), int(row.data["step"])
    if step >= len(path):
        return transactions.change(db, row, status=row.status, now=provider.engine.timestamp())
    row = _become(provider, db, row, str(path[step]), {"step": step + 1})
    return _go_on(provider, db, row)


def move(
    provider: Bitexbit, db: sqlite3.Connection, row: Transaction, verb: str, options: Mapping[str, Any]
) -> Transaction:
    """To any status of the table by its verb, or to any word by `odd` (`status`); it stays there. Raises ControlError."""
    if verb == STEP:
        return _step(provider, db, row)
    if verb == "odd":
        return _become(provider, db, row, text_of(options, "status") or "99", {})
    if verb not in STATUSES:
        raise ControlError(f"A withdrawal can {', '.join(STATUSES)} or odd, not {verb}.", 404)
    return _become(provider, db, row, STATUSES[verb], {})


def _become(
    provider: Bitexbit, db: sqlite3.Connection, row: Transaction, status: str, data: Mapping[str, Any]
) -> Transaction:
    now = provider.engine.timestamp()
    txid = row.data["txid"] or (secrets.token_hex(32) if status == "30" else "")
    row = transactions.change(db, row, status=status, now=now, data={**data, "txid": txid})
    _book(db, row, now)
    tell(
        provider,
        db,
        row,
        url=row.data["callback_url"],
        uniqueid=row.uniqueid,
        body=describe(provider, row, listed=True),
        final=status in FINAL,
    )
    return row


def _book(db: sqlite3.Connection, row: Transaction, now: str) -> None:
    """Let the balances be what the status says: debited, or given back."""
    back = row.status in GIVEN_BACK
    totals = {} if back else {currency: -Decimal(cost) for currency, cost in row.data["costs"].items()}
    orders.book(db, row, totals, reason=f"withdrawal {row.status}", now=now)


def made_elsewhere(
    provider: Bitexbit, db: sqlite3.Connection, account: accounts.Account, options: Mapping[str, Any]
) -> Transaction:
    """A withdrawal that somebody made in the panel: done, without a client_order_id, on no balance."""
    return transactions.accept(
        db,
        account=account,
        kind=KIND,
        now=provider.engine.timestamp(),
        params={},
        currency=text_of(options, "ticker") or "USDT",
        amount=Decimal(5),
        status="30",
        number=next_number(db, "bitexbit.withdraw"),
        data={
            "network": text_of(options, "network") or "tron",
            "address": text_of(options, "address") or addresses.make("trc20", secrets.token_hex(8)),
            "card": "",
            **dict.fromkeys(TAGS, ""),
            "comment": "panel",
            "callback_url": "",
            "fee_payer": "1",
            "order": None,
            "costs": {},
            "txid": secrets.token_hex(32),
            "step": 10**6,
        },
    )


def history(context: Context) -> dict[str, Any]:
    """`withdraw/history`. Raises Refusal."""
    provider = context.provider
    for _one in range(int(context.setting("arrivals_per_page"))):
        made_elsewhere(provider, context.db, context.account, {})
    rows = transactions.find(context.db, provider="bitexbit", account_id=context.account.id, kind=KIND)
    return listing.page(
        context, rows, lambda row: describe(provider, row, listed=True), path=PATH, filters=FILTERS
    )
