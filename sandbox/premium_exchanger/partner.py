"""The partner programme of the simulated exchanger: balance, visitors, rewards and payouts.
Holds no bids of the partner's own key."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from sandbox import accounts, transactions
from sandbox.accounts import Account
from sandbox.ledger import next_number
from sandbox.premium_exchanger import errors, listing, witness
from sandbox.premium_exchanger.access import user_id
from sandbox.premium_exchanger.calls import Context
from sandbox.premium_exchanger.catalog import Currency
from sandbox.premium_exchanger.errors import Refusal
from sandbox.routes import ControlError
from sandbox.transactions import Transaction
from sandbox.wire import plain

if TYPE_CHECKING:
    from sandbox.premium_exchanger.provider import PremiumExchanger

REFERRAL, PAYOUT = "referral", "payout"
PENDING, PAID, CANCELED, WITHDRAWN = "0", "1", "2", "3"
PAYOUT_VERBS = {"pay": PAID, "cancel": CANCELED, "withdraw": WITHDRAWN}
HUNDRED = Decimal(100)


def _partner(context: Context) -> int:
    """The partner of a key. Raises Refusal."""
    if not context.setting("partner_program"):
        raise Refusal(errors.NO_PROGRAM)
    found = user_id(context.account)
    if found == 0:
        raise Refusal(errors.NO_PARTNER)
    return found


def _balance(context: Context) -> Decimal:
    balances = accounts.balances(context.db, context.account.id)
    return balances.get(context.setting("partner_currency"), Decimal(0))


def _worth(context: Context, balance: Decimal, currency: Currency) -> Decimal:
    """The balance in another currency, after the fee."""
    rates = context.setting("rates")
    rate = Decimal(str(rates[context.setting("partner_currency")])) / Decimal(str(rates[currency.code]))
    worth = balance * rate * (1 - currency.payout_fee / HUNDRED)
    return worth.quantize(Decimal(1).scaleb(-currency.places), rounding=ROUND_DOWN)


def _payable(context: Context) -> dict[str, Currency]:
    rates = context.setting("rates")
    return {id: one for id, one in context.currencies().items() if one.payout and one.code in rates}


def info(context: Context) -> dict[str, Any]:
    """Method get_partner_info. Raises Refusal."""
    partner_id, balance = _partner(context), _balance(context)
    items = []
    for one in _payable(context).values():
        worth = _worth(context, balance, one)
        if balance > 0 and one.reserve >= worth:
            items.append(
                {
                    "id": one.id,
                    "title": one.title,
                    context.setting("commission_name"): f"{plain(one.payout_fee)}%",
                    "amount": worth,
                }
            )
    return {
        "partner_id": partner_id,
        "balance": balance,
        "min_payout": context.setting("min_payout"),
        "items": items,
    }


def links(context: Context) -> Any:
    """Method get_partner_links. Raises Refusal."""
    _partner(context)
    rows = [
        row
        for row in witness.visits(context.db, context.account.id)
        if context.is_within(row["at"]) and context.text("ip") in ("", row["ip"])
    ]
    names = ("browser", "ip", "referrer", "user_hash", "query_string")
    return context.listed(
        [{**context.local(row["at"]), **{name: row[name] for name in names}} for row in context.page(rows)]
    )


def exchanges(context: Context) -> Any:
    """Method get_partner_exchanges: bids of those whom the partner brought. Raises Refusal."""
    _partner(context)
    rows = transactions.find(
        context.db, provider=context.provider.name, kind=REFERRAL, account_id=context.account.id
    )
    found = [row for row in listing.latest_first(rows) if listing.fits(context, row)]
    shown = []
    for row in context.page(found):
        line = listing.line(context, row, with_api_id=False)
        reward = {
            "accrued": int(bool(accounts.effects(context.db, row.id))),
            "partner_reward": Decimal(row.data["reward"]),
        }
        shown.append({**line, **reward, **listing.history(context, row)})
    return context.listed(shown)


def payouts(context: Context) -> Any:
    """Method get_partner_payouts. Raises Refusal."""
    _partner(context)
    ids = [part.strip() for part in context.text("id").split(",") if part.strip()]
    rows = transactions.find(
        context.db, provider=context.provider.name, kind=PAYOUT, account_id=context.account.id
    )
    found = [
        row for row in rows if context.is_within(row.accepted_at) and (not ids or str(row.number) in ids)
    ]
    return context.listed(
        [
            {
                "id": str(row.number),
                **context.local(row.accepted_at),
                "method_id": row.data["method_id"],
                "account": row.data["account"],
                "pay_amount": Decimal(row.data["pay_amount"]),
                "pay_currency_code": row.data["pay_currency"],
                "original_amount": row.amount,
                "original_currency_code": row.currency,
                "status": row.status,
            }
            for row in context.page(found)
        ]
    )


def request(context: Context) -> dict[str, Any]:
    """Method add_partner_payout: the whole balance goes. Nothing says which request it was. Raises Refusal."""
    _partner(context)
    one = _payable(context).get(str(context.whole("method_id")))
    if one is None:
        raise Refusal("Error! Currency of the payout is not selected")
    if not context.text("account"):
        raise Refusal("Error! Account is not entered")
    balance = _balance(context)
    if balance <= 0 or balance < context.setting("min_payout"):
        raise Refusal(f"Error! Minimum sum of the payout: <b>{plain(context.setting('min_payout'))}</b>")
    row = transactions.accept(
        context.db,
        account=context.account,
        kind=PAYOUT,
        now=context.now,
        params=context.params,
        currency=context.setting("partner_currency"),
        amount=balance,
        status=PENDING,
        number=next_number(context.db, "premium_exchanger.payout"),
        data={
            "method_id": one.id,
            "account": context.text("account"),
            "pay_amount": plain(_worth(context, balance, one)),
            "pay_currency": one.code,
        },
    )
    _book(context.db, row, -balance, "payout", context.now)
    return {"payout_id": str(row.number)}


def _book(db: sqlite3.Connection, row: Transaction, total: Decimal, reason: str, now: str) -> None:
    accounts.book_to(
        db,
        account_id=row.account_id,
        transaction_id=row.id,
        currency=row.currency if row.kind == PAYOUT else row.data["reward_currency"],
        total=total,
        reason=reason,
        now=now,
    )


# --- What the exchanger does ---
def move_payout(
    provider: PremiumExchanger, db: sqlite3.Connection, row: Transaction, verb: str
) -> Transaction:
    """pay, cancel (by the exchanger) or withdraw (by the partner); the last two give the money back.

    Raises ControlError.
    """
    if verb not in PAYOUT_VERBS:
        raise ControlError(f"A payout can {', '.join(PAYOUT_VERBS)}, not {verb}.", 404)
    now = provider.engine.timestamp()
    row = transactions.change(db, row, status=PAYOUT_VERBS[verb], now=now)
    _book(db, row, -row.amount if row.status == PAID else Decimal(0), f"payout {verb}", now)
    return row


def paid_out_elsewhere(
    provider: PremiumExchanger, db: sqlite3.Connection, account: Account, amount: Decimal
) -> Transaction:
    """A payout that the partner once asked for on the exchanger's pages, and that is over: on no balance."""
    return transactions.accept(
        db,
        account=account,
        kind=PAYOUT,
        now=provider.engine.timestamp(),
        params={},
        currency=provider.setting("partner_currency"),
        amount=amount,
        status=PAID,
        number=next_number(db, "premium_exchanger.payout"),
        data={
            "method_id": "2",
            "account": "on its page",
            "pay_amount": plain(amount),
            "pay_currency": "USDT",
        },
    )


def refer(
    provider: PremiumExchanger, db: sqlite3.Connection, account: Account, options: Mapping[str, Any]
) -> Transaction:
    """A bid of somebody whom a partner brought; `status` success accrues its `reward`. Raises ControlError."""
    now, reward = provider.engine.timestamp(), options["reward"]
    status = options["status"]
    row = transactions.accept(
        db,
        account=account,
        kind=REFERRAL,
        now=now,
        params={},
        currency="RUB",
        amount=Decimal(9240),
        status=status,
        public_id=secrets.token_hex(8),
        number=next_number(db, "premium_exchanger.bid"),
        data={
            "amount_get": "99",
            "currency_get": "USDT",
            "psys_give": "Sberbank",
            "psys_get": "Tether TRC20",
            "course_give": "92.4",
            "course_get": "1",
            "user_ip": "198.51.100.7",
            "user_hash": "u9c",
            "reward": plain(reward),
            "reward_currency": provider.setting("partner_currency"),
        },
    )
    witness.became(db, transaction_id=row.id, status=status, now=now)
    if status == "success" and reward:
        _book(db, row, reward, "reward", now)
    return row
