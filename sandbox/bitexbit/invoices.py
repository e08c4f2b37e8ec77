"""Fiat invoices of the simulated bitexbit: making, listing and paying them. Holds no page (see payer)."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox import accounts, transactions
from sandbox.bitexbit import errors, listing, orders
from sandbox.bitexbit.calls import Context
from sandbox.bitexbit.deposits import CONFIRMED, FILTERS, PENDING, VERBS, convert, net
from sandbox.bitexbit.methods import eight, method
from sandbox.bitexbit.telling import slug, tell, witness
from sandbox.bitexbit.wallets import conversion, moment
from sandbox.routes import ControlError, amount_of
from sandbox.transactions import Transaction
from sandbox.wire import plain

if TYPE_CHECKING:
    from sandbox.bitexbit.provider import Bitexbit

KIND, PAYMENT = "invoice", "payment"
OPEN, PAID, CANCELED = "open", "paid", "canceled"
PATH, HISTORY_PATH = "/api/gateway/invoices", "/api/gateway/invoice/history"
PARAMETERS = (
    *("ticker", "network", "amount", "callback_url", "payment_url", "cancel_url"),
    *("convert_ticker", "client_ip", "convert_limit", "convert_percent"),
)


def create(context: Context) -> dict[str, Any]:
    """`invoice/create`: check everything, keep it, answer with the payer's address. Raises Refusal."""
    target = context.method()
    if not target.fiat:
        raise errors.field("network", errors.NO_NETWORK)
    if not target.deposit.enabled:
        raise errors.field("network", errors.DISABLED)
    amount, address = context.amount(target.deposit), context.ip("client_ip")
    urls = {name: context.url(name) for name in ("callback_url", "payment_url", "cancel_url")}
    wanted = context.conversion(target.ticker)
    name = slug()
    row = transactions.accept(
        context.db,
        account=context.account,
        kind=KIND,
        now=context.now,
        params=context.params,
        currency=target.ticker,
        amount=amount,
        status=OPEN,
        uniqueid=witness(urls["callback_url"], name),
        public_id=name,
        data={"network": target.network, "client_ip": address, **urls, **wanted},
    )
    return {
        "slug": row.public_id,
        "ticker": row.currency,
        "network": row.data["network"],
        "amount": context.provider.number(row.amount),
        "proceed_url": payer_url(context.provider, row),
        "payment_url": row.data["payment_url"] or None,
        **conversion(row),
        "created_at": moment(row.accepted_at),
    }


def payer_url(provider: Bitexbit, row: Transaction) -> str:
    """The page that the payer opens."""
    return f"{provider.engine.url}/bitexbit/pay/{row.public_id}"


def describe(provider: Bitexbit, row: Transaction) -> dict[str, Any]:
    """An invoice as `invoices` tells it, in the order of the document's sample."""
    return {
        "slug": row.public_id,
        "ticker": row.currency,
        "network": row.data["network"],
        "amount": provider.number(row.amount),
        "callback_url": row.data["callback_url"] or None,
        **conversion(row),
        "created_at": moment(row.accepted_at),
    }


def every(context: Context) -> dict[str, Any]:
    """`invoices`. Raises Refusal."""
    rows = transactions.find(context.db, provider="bitexbit", account_id=context.account.id, kind=KIND)
    return listing.page(context, rows, lambda row: describe(context.provider, row), path=PATH, whole=True)


# --- Paying ---
def fee(provider: Bitexbit, row: Transaction, amount: Decimal) -> Decimal:
    """What a payment of that amount costs, part of it."""
    code = f"{row.currency}:{row.data['network']}"
    known = provider.setting("methods").get(code)
    return min(method(code, known).deposit.fee(amount), amount) if known else Decimal(0)


def move(
    provider: Bitexbit, db: sqlite3.Connection, row: Transaction, verb: str, options: Mapping[str, Any]
) -> Transaction:
    """pay (also twice, with another `amount`, or after canceling: all of it happens) or cancel. Raises ControlError."""
    now = provider.engine.timestamp()
    if verb == "cancel":
        return transactions.change(db, row, status=CANCELED, now=now)
    if verb != "pay":
        raise ControlError(f"An invoice can pay or cancel, not {verb}.", 404)
    amount = amount_of(options, "amount")
    amount = row.amount if amount is None else amount
    if amount <= 0:
        raise ControlError("amount: a number above zero, please.")
    row = transactions.change(db, row, status=PAID, now=now)
    payment = transactions.accept(
        db,
        account=accounts.by_id(db, row.account_id),
        kind=PAYMENT,
        now=now,
        params={},
        currency=row.currency,
        amount=amount,
        status=PENDING,
        uniqueid=str(secrets.randbelow(9 * 10**8) + 10**8),
        data={
            "invoice": row.public_id,
            "network": row.data["network"],
            "fee": plain(fee(provider, row, amount)),
            "order": None,
        },
    )
    seconds = float(provider.setting("payment_seconds"))
    if seconds:
        transactions.schedule(db, payment, at=provider.engine.clock.after(seconds), verb="confirm")
        _tell(provider, db, payment)
        provider.engine.wake()
    else:
        move_payment(provider, db, payment, "confirm")
    return row


def move_payment(provider: Bitexbit, db: sqlite3.Connection, row: Transaction, verb: str) -> Transaction:
    """confirm, reject or unconfirm. Raises ControlError."""
    if verb not in VERBS:
        raise ControlError(f"A payment can confirm, reject or unconfirm, not {verb}.", 404)
    now, invoice = provider.engine.timestamp(), _invoice(db, row)
    order = None
    if VERBS[verb] == CONFIRMED and invoice.data["convert_ticker"]:
        order = convert(provider, invoice, net(row))
    row = transactions.change(db, row, status=VERBS[verb], now=now, data={"order": order})
    totals: dict[str, Decimal] = {}
    if row.status == CONFIRMED:
        orders.add(totals, row.currency, net(row))
        if order:
            orders.add(totals, row.currency, -Decimal(order["give"]))
            orders.add(totals, invoice.data["convert_ticker"], Decimal(order["get"]))
    orders.book(db, row, totals, reason=f"payment {row.status}", now=now)
    _tell(provider, db, row)
    return row


def _invoice(db: sqlite3.Connection, row: Transaction) -> Transaction:
    found = transactions.by_public_id(db, row.data["invoice"])
    if found is None or found.kind != KIND:
        raise LookupError(f"no invoice {row.data['invoice']}")
    return found


def describe_payment(provider: Bitexbit, row: Transaction) -> dict[str, Any]:
    """A payment as `invoice/history` tells it, in the order of the document's sample: it does not say of which invoice."""
    return {
        "date": moment(row.accepted_at),
        "amount": eight(net(row)),
        "fee": eight(Decimal(row.data["fee"])),
        "ticker": row.currency,
        "network": row.data["network"],
        "status": provider.code(row.status, number=False),
        "txid": row.uniqueid,
        "convert": orders.shown(row.data["order"]),
        "created_at": moment(row.accepted_at),
    }


def _tell(provider: Bitexbit, db: sqlite3.Connection, row: Transaction) -> None:
    invoice = _invoice(db, row)
    tell(
        provider,
        db,
        row,
        url=invoice.data["callback_url"],
        uniqueid=invoice.uniqueid,
        body={"slug": invoice.public_id, **describe_payment(provider, row)},
        final=row.status != PENDING,
    )


def history(context: Context) -> dict[str, Any]:
    """`invoice/history`. Raises Refusal."""
    provider, account = context.provider, context.account.id
    found = transactions.find(context.db, provider="bitexbit", account_id=account, kind=KIND, limit=1)
    for _one in range(int(context.setting("arrivals_per_page")) if found else 0):
        move(provider, context.db, found[0], "pay", {})
    rows = transactions.find(context.db, provider="bitexbit", account_id=account, kind=PAYMENT)
    return listing.page(
        context, rows, lambda row: describe_payment(provider, row), path=HISTORY_PATH, filters=FILTERS
    )
