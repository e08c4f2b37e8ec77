"""Deposits to wallets of the simulated bitexbit: arriving, confirmations, the balance, conversion and the history."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox import accounts, transactions
from sandbox.bitexbit import listing, orders
from sandbox.bitexbit.calls import Context
from sandbox.bitexbit.methods import eight, method
from sandbox.bitexbit.telling import tell
from sandbox.bitexbit.wallets import KIND as WALLET
from sandbox.bitexbit.wallets import moment
from sandbox.routes import ControlError, amount_of, text_of, truth_of, whole_of
from sandbox.transactions import Transaction
from sandbox.wire import plain

if TYPE_CHECKING:
    from sandbox.bitexbit.provider import Bitexbit

KIND = "deposit"
PENDING, CONFIRMED, REJECTED = "1", "5", "6"
PATH = "/api/gateway/wallet/history"
FILTERS = ("ticker", "network", "status", "txid", "address", "payment_id", "memo", "destination_tag")
VERBS = {"confirm": CONFIRMED, "reject": REJECTED, "unconfirm": PENDING}


def arrive(
    provider: Bitexbit, db: sqlite3.Connection, wallet: Transaction, options: Mapping[str, Any]
) -> Transaction:
    """Money comes to a wallet: `amount` (default the least), `txid`, `aml_*`, `confirmations`. Raises ControlError."""
    code = f"{wallet.currency}:{wallet.data['network']}"
    known = provider.setting("methods").get(code)
    if known is None:
        raise ControlError(f"There is no method {code} any more.", 409)
    side, way = method(code, known).deposit, method(code, known)
    sent = amount_of(options, "amount")
    sent = side.least or Decimal(1) if sent is None else sent
    if sent <= 0:
        raise ControlError("amount: a number above zero, please.")
    fee = min(side.fee(sent), sent)
    success = truth_of(options, "aml_success", provider.setting("aml_success"))
    risk = amount_of(options, "aml_risk")
    seconds = float(provider.setting("deposit_seconds"))
    txid = text_of(options, "txid") or secrets.token_hex(32)
    now = provider.engine.timestamp()
    row = transactions.accept(
        db,
        account=accounts.by_id(db, wallet.account_id),
        kind=KIND,
        now=now,
        params={},
        currency=wallet.currency,
        amount=sent,
        status=PENDING,
        uniqueid=txid,
        data={
            "wallet": wallet.public_id,
            "network": wallet.data["network"],
            "address": wallet.data["address"],
            "tag": wallet.data["tag"],
            "fee": plain(fee),
            "required": str(way.confirmations),
            "confirmations": whole_of(options, "confirmations", 0),
            "begun": provider.engine.clock.stamp(),
            "seconds": provider.engine.clock.pause(seconds),
            "aml_success": success,
            "aml_risk": plain(provider.setting("aml_risk") if risk is None else risk),
            "aml_url": text_of(options, "aml_url"),
            "order": None,
        },
    )
    if seconds:
        transactions.schedule(db, row, at=provider.engine.clock.after(seconds), verb="confirm")
        _tell(provider, db, row)
        provider.engine.wake()
        return row
    return move(provider, db, row, "confirm")


def move(provider: Bitexbit, db: sqlite3.Connection, row: Transaction, verb: str) -> Transaction:
    """confirm, reject, or unconfirm (back to pending): final words are taken back too. Raises ControlError."""
    if verb not in VERBS:
        raise ControlError(f"A deposit can confirm, reject or unconfirm, not {verb}.", 404)
    now, wallet = provider.engine.timestamp(), _wallet(db, row)
    order = None
    if VERBS[verb] == CONFIRMED and wallet.data["convert_ticker"]:
        order = convert(provider, wallet, net(row))
    row = transactions.change(db, row, status=VERBS[verb], now=now, data={"order": order})
    totals: dict[str, Decimal] = {}
    if row.status == CONFIRMED:
        orders.add(totals, row.currency, net(row))
        if order:
            orders.add(totals, row.currency, -Decimal(order["give"]))
            orders.add(totals, wallet.data["convert_ticker"], Decimal(order["get"]))
    orders.book(db, row, totals, reason=f"deposit {row.status}", now=now)
    _tell(provider, db, row)
    return row


def net(row: Transaction) -> Decimal:
    """What comes to the balance."""
    return row.amount - Decimal(row.data["fee"])


def convert(provider: Bitexbit, source: Transaction, amount: Decimal) -> dict[str, Any] | None:
    """The order for what came to a wallet or invoice, within its limit."""
    limit = source.data["convert_limit"]
    return orders.order(
        provider.setting("pairs"),
        give=source.currency,
        get=source.data["convert_ticker"],
        percent=Decimal(source.data["convert_percent"]),
        amount=min(amount, Decimal(limit)) if limit else amount,
        of=source.currency,
    )


def _wallet(db: sqlite3.Connection, row: Transaction) -> Transaction:
    wallet = transactions.by_public_id(db, row.data["wallet"])
    if wallet is None or wallet.kind != WALLET:
        raise LookupError(f"no wallet {row.data['wallet']}")
    return wallet


def confirmations(provider: Bitexbit, row: Transaction) -> int | None:
    """How many blocks stand on it: growing while it is pending; the document's sample of a confirmed one has none."""
    if row.status != PENDING:
        return None
    required, seconds = int(row.data["required"]), float(row.data["seconds"])
    if row.data["confirmations"]:
        return int(row.data["confirmations"])
    passed = provider.engine.clock.stamp() - float(row.data["begun"])
    return max(0, min(required - 1, int(required * passed / seconds))) if seconds else 0


def describe(provider: Bitexbit, row: Transaction) -> dict[str, Any]:
    """A deposit as `wallet/history` tells it, in the order of the document's sample."""
    return {
        "address": row.data["address"],
        **row.data["tag"],
        "wallet_slug": row.data["wallet"],
        "date": moment(row.accepted_at),
        "amount": eight(net(row)),
        "fee": eight(Decimal(row.data["fee"])),
        "ticker": row.currency,
        "network": row.data["network"],
        "status": provider.code(row.status, number=False),
        "txid": row.uniqueid,
        "actual_confirmations": confirmations(provider, row),
        "required_confirmations": int(row.data["required"]),
        "aml_success": row.data["aml_success"],
        "aml_risk": Decimal(row.data["aml_risk"]),
        "aml_url": row.data["aml_url"] or None,
        "created_at": moment(row.accepted_at),
    }


def _tell(provider: Bitexbit, db: sqlite3.Connection, row: Transaction) -> None:
    wallet = _wallet(db, row)
    tell(
        provider,
        db,
        row,
        url=wallet.data["callback_url"],
        uniqueid=wallet.uniqueid,
        body=describe(provider, row),
        final=row.status != PENDING,
    )


def history(context: Context) -> dict[str, Any]:
    """`wallet/history`. Raises Refusal."""
    provider = context.provider
    found = transactions.find(
        context.db, provider="bitexbit", account_id=context.account.id, kind=WALLET, limit=1
    )
    for _one in range(int(context.setting("arrivals_per_page")) if found else 0):
        arrive(provider, context.db, found[0], {})
    rows = transactions.find(context.db, provider="bitexbit", account_id=context.account.id, kind=KIND)
    return listing.page(context, rows, lambda row: describe(provider, row), path=PATH, filters=FILTERS)
