"""Invoices of the simulated bitloga: making, describing and moving them. Holds no page (see payer)."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox import accounts, transactions
from sandbox.bitloga import deals, errors
from sandbox.bitloga.calls import Context
from sandbox.bitloga.errors import Refusal
from sandbox.bitloga.methods import Method, converted, method, rounded
from sandbox.bitloga.numbers import encode
from sandbox.bitloga.purses import requisites
from sandbox.ledger import next_number
from sandbox.routes import ControlError, amount_of
from sandbox.transactions import Transaction
from sandbox.wire import plain

if TYPE_CHECKING:
    from sandbox.bitloga.provider import Bitloga

KIND = "invoice"
PAID = ("Payed", "Complete")
TEXTS = (
    "uniqueid",
    "paysys",
    "purse",
    "paylist",
    "comis",
    "dtag",
    "email",
    "name",
    "surname",
    "desc",
    "callbackurl",
    "successurl",
    "failurl",
)


def create(context: Context) -> dict[str, Any]:
    """Action `invoice`: check everything, keep it, answer with the payer's address. Raises Refusal."""
    if not context.setting("invoice_api_enabled"):
        raise Refusal(errors.INVOICE_API_DISABLED)
    context.check_shapes(texts=TEXTS)
    if context.text("comis") not in ("", "payer", "payee"):
        raise Refusal(errors.BAD_DATA)
    for name in ("callbackurl", "successurl", "failurl"):
        context.check_url(name)
    context.check_email("email")
    target = context.method(context.text("paysys", errors.PAYSYSTEM_NOT_DEFINED), "invoice")
    amount, pay_amount, ways = _amounts(context, target)
    context.check_limits(amount, low=target.min, high=target.max, currency=target.currency)
    uniqueid = deals.check_uniqueid(context)
    purse = deals.check_recipient(context, target, purse_needed=not target.internal)
    deals.check_balance_enabled(context)

    row = transactions.accept(
        context.db,
        account=context.account,
        kind=KIND,
        now=context.now,
        params=context.params,
        currency=target.currency,
        amount=amount,
        status="Created",
        uniqueid=uniqueid,
        public_id=secrets.token_hex(15),
        number=next_number(context.db, "bitloga.invoiceid"),
        data={
            "paysys": target.code,
            "purse": purse,
            "internal": target.internal,
            "comis": context.text("comis") or "payer",
            "fee_rate": plain(target.invoice_fee_rate),
            "pay_amount": plain(pay_amount) if pay_amount is not None else "",
            "ways": ways,
            "pay_by": target.pay_by or target.code,
            **deals.given(context),
        },
    )
    lifetime = context.setting("invoice_lifetime_seconds")
    if lifetime is not None:
        clock = context.provider.engine.clock
        transactions.schedule(context.db, row, at=clock.after(float(lifetime)), verb="cancel")
    answer: dict[str, Any] = {"invoice": payer_url(context.provider, row)}
    details = requisites_of(context.provider, row)
    if details is not None:
        answer["requisites"] = [details] if context.setting("requisites_shape") == "list" else details
    return {**answer, "success": True}


def _amounts(context: Context, target: Method) -> tuple[Decimal, Decimal | None, list[str]]:
    """The amount, the payer's amount if that was fixed instead, and the ways to pay. Raises Refusal."""
    ways = [code.strip() for code in context.text("paylist").split(",") if code.strip()]
    if context.params.get("pay_amount") is None:
        amount = context.amount("amount")
        if amount is None:
            raise Refusal(errors.AMOUNT_NOT_DEFINED)
        for code in ways:
            context.method(code, "pay")
        return amount, None, ways
    if context.amount("amount") is not None:
        raise Refusal(errors.BAD_DATA)
    try:
        pay_amount = context.amount("pay_amount")
    except Refusal as error:
        raise Refusal(errors.PAY_AMOUNT_NOT_DEFINED) from error
    if pay_amount is None or pay_amount < 0 or pay_amount.adjusted() > 30:
        raise Refusal(errors.PAY_AMOUNT_NOT_DEFINED)
    if not ways:
        raise Refusal(errors.PAYLIST_NOT_DEFINED)
    if len(ways) != 1:
        raise Refusal(errors.PAYLIST_NOT_ONE)
    source = context.method(ways[0], "pay")
    converted_amount = context.converted(pay_amount, source.currency, target.currency)
    if not converted_amount:
        raise Refusal(errors.PAY_AMOUNT_UNABLE)
    return converted_amount, pay_amount, ways


# --- Describing ---
def payer_url(provider: Bitloga, row: Transaction) -> str:
    """The address that the payer opens."""
    return f"{provider.engine.url}/bitloga/exchange/id-{row.public_id}/step-4"


def ways_to_pay(provider: Bitloga, row: Transaction) -> list[Method]:
    """The payment systems from which an invoice can be paid, the likeliest first."""
    data = provider.setting("methods")
    usable = [method(code, value) for code, value in data.items() if "pay" in (value.get("operations") or ())]
    wanted = row.data["ways"]
    chosen = [way for way in usable if way.code in wanted] if wanted else usable
    payable = [way for way in chosen if due(provider, row, way) is not None]
    return sorted(payable, key=lambda way: way.code != row.data["pay_by"])


def due(provider: Bitloga, row: Transaction, way: Method) -> Decimal | None:
    """What the payer sends that way, in its currency, with the payer's fee; None without a rate."""
    scales = provider.setting("scales")
    fee = Decimal(row.data["fee_rate"]) if row.data["comis"] == "payer" else Decimal(0)
    if row.data["pay_amount"] and way.code in row.data["ways"]:
        return rounded(Decimal(row.data["pay_amount"]) * (1 + fee), way.currency, scales)
    amount = converted(row.amount, row.currency, way.currency, provider.setting("rates"), scales)
    return rounded(amount * (1 + fee), way.currency, scales) if amount else None


def requisites_of(provider: Bitloga, row: Transaction, code: str = "") -> dict[str, Any] | None:
    """The details for paying directly, by the given way or the one that is clear; None: there are none."""
    mode = provider.setting("requisites")
    ways = ways_to_pay(provider, row)
    wanted = code or (row.data["ways"] or [row.data["pay_by"]])[0]
    if not code and (mode == "never" or (mode == "auto" and len(row.data["ways"]) > 1)):
        return None
    way = next((way for way in ways if way.code == wanted), None)
    amount = due(provider, row, way) if way else None
    if way is None or amount is None:
        return None
    return requisites(
        kind=way.requisites,
        code=way.code,
        amount=amount,
        currency=way.currency,
        seed=row.public_id,
        page_url=f"{provider.engine.url}/bitloga/qr/{row.public_id}",
    )


def received(row: Transaction) -> Decimal:
    """The amount that the provider states: what was really paid, once that is known."""
    return Decimal(row.data.get("paid_amount") or row.amount)


def describe(provider: Bitloga, row: Transaction) -> dict[str, Any]:
    """An invoice as `details` and the callback tell it, in the order of the document's example."""
    as_text = provider.setting("id_style") == "string"
    return {
        "to": row.data["paysys"],
        "amount": received(row),
        "purse": row.data["purse"],
        "type": "Invoice",
        "status": row.status,
        **{name: row.data[name] for name in deals.OPTIONAL if row.data.get(name)},
        "invoiceid": str(row.number) if as_text else row.number,
        "uniqueid": row.uniqueid,
    }


# --- Moving ---
STATUSES = {"complete": "Complete", "cancel": "Canceled", "fail": "Error"}


def move(
    provider: Bitloga, db: sqlite3.Connection, row: Transaction, verb: str, options: Mapping[str, Any]
) -> Transaction:
    """pay (Pending first, if so set), confirm (paid at last), complete, cancel, fail. Raises ControlError.

    A paid invoice can be taken back (cancel, fail), and one that was canceled can be paid late: both happen.
    """
    engine, now = provider.engine, provider.engine.timestamp()
    if verb == "pay":
        if row.status in PAID:
            raise ControlError(f"Invoice {row.uniqueid} is paid already.", 409)
        amount = amount_of(options, "amount")
        if amount is not None and amount <= 0:
            raise ControlError("amount: a number above zero, please.")
        data = {"paid_amount": plain(amount)} if amount is not None else {}
        pending = float(provider.setting("invoice_pending_seconds"))
        if pending:
            row = transactions.change(db, row, status="Pending", now=now, data=data)
            transactions.schedule(db, row, at=engine.clock.after(pending), verb="confirm")
            return row
        row = transactions.change(db, row, status=row.status, now=now, data=data)
        verb = "confirm"
    if verb == "confirm":
        row = transactions.change(db, row, status="Payed", now=now)
        _tell(provider, db, row)
        completes = provider.setting("invoice_complete_seconds")
        if completes is not None:
            transactions.schedule(db, row, at=engine.clock.after(float(completes)), verb="complete")
    elif verb in STATUSES:
        row = transactions.change(db, row, status=STATUSES[verb], now=now)
    else:
        raise ControlError(f"An invoice can pay, complete, cancel or fail, not {verb}.", 404)
    _book(provider, db, row, now)
    return transactions.by_id(db, row.id)


def _book(provider: Bitloga, db: sqlite3.Connection, row: Transaction, now: str) -> None:
    """Let the balance be what the status says. Only invoices to an internal balance touch one."""
    if not row.data["internal"]:
        return
    total = Decimal(0)
    if row.status in PAID:
        amount = received(row)
        fee = amount * Decimal(row.data["fee_rate"]) if row.data["comis"] == "payee" else Decimal(0)
        total = amount - rounded(fee, row.currency, provider.setting("scales"))
    accounts.book_to(
        db,
        account_id=row.account_id,
        transaction_id=row.id,
        currency=row.currency,
        total=total,
        reason=f"invoice {row.status}",
        now=now,
    )


def _tell(provider: Bitloga, db: sqlite3.Connection, row: Transaction) -> None:
    """Queue the callback. There is one only for Payed, and only where an address was given."""
    url = row.params.get("callbackurl")
    if url:
        provider.engine.callbacks.queue(
            db,
            provider=provider.name,
            account_id=row.account_id,
            transaction_id=row.id,
            url=url,
            body=encode(describe(provider, row), provider.setting("number_style")),
            uniqueid=row.uniqueid,
        )
        provider.engine.wake()
