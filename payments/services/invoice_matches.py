"""Of which bill a payment is that names none. Deals floor. Reads; joins nothing.

What makes a match certain: only one bill in question has that method and amount; or a callback by the bill's own token
names the payment's transaction; or one bill alone is not paid yet, it was called back, and one payment alone is open.
Never a guess.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from payments.models import Callback, Invoice, InvoicePayment, ProviderAccount
from payments.providers import answers

from . import calls

Status = Invoice.Status
OPERATION = "invoice"
#: The provider's clock and ours may differ by so much: a payment is not older than its bill beyond that.
SKEW = dt.timedelta(seconds=5)
#: A bill may be paid late; after that nobody takes a payment for its.
LATEST = dt.timedelta(days=90)
#: Bills that nobody can have paid: they were never sent.
NEVER_SENT = (Status.AWAITING_APPROVAL, Status.APPROVED, Status.REJECTED)


def candidates(*, account: ProviderAccount, method: str, gross: Decimal) -> list[Invoice]:
    """The bills of this method and amount that were sent, the oldest first; paid ones too."""
    found = Invoice.objects.filter(account=account, method=method, expected=gross).exclude(
        status__in=NEVER_SENT
    )
    rows = found.select_related("reference").order_by("created_at", "pk")
    return [
        row
        for row in rows
        if row.status not in (Status.CREATING, Status.FAILED) or calls.may_have_left(row.reference, OPERATION)
    ]


def is_in_time(payment: InvoicePayment, bill: Invoice) -> bool:
    """Whether the payment may be of this bill by its time."""
    return bill.created_at - SKEW <= payment.arrived_at <= bill.created_at + LATEST


def certain(
    payment: InvoicePayment, payments: list[InvoicePayment], bills: list[Invoice], asked_at: dt.datetime
) -> tuple[Invoice | None, str]:
    """The one bill that this payment is certainly of, and how that is known."""
    possible = [bill for bill in bills if is_in_time(payment, bill)]
    taken = set(
        InvoicePayment.objects.filter(invoice__in=possible)
        .exclude(status="rejected")
        .values_list("invoice", flat=True)
    )
    free = [bill for bill in possible if bill.pk not in taken]
    if payment.txid and (named := [bill for bill in free if _names(bill, payment.txid)]):
        return (named[0], "token") if len(named) == 1 else (None, "")
    alone = [one for one in payments if one is not payment and any(is_in_time(one, bill) for bill in free)]
    if len(possible) == 1 and len(free) == 1:
        # Several payments, one bill: the first is its, the others are nobody's.
        return (free[0], "amount") if not alone or payments[0] is payment else (None, "")
    # Of several bills a callback that names no transaction tells none apart: it may be of a payment that is not listed.
    if len(free) == 1 and not alone and _was_called(free[0], payment, asked_at):
        return free[0], "token"
    return None, ""


def _names(bill: Invoice, txid: str) -> bool:
    """Whether a callback by this bill's own token names the transaction."""
    bodies = Callback.objects.filter(token_reference=bill.reference_id).values_list("body", flat=True)
    return any(txid in _named(body) for body in bodies[:50])


def _named(body: bytes | memoryview) -> set[str]:
    """The transactions that a callback names."""
    data = answers.json_object(bytes(body)) or {}
    return {str(data[name]) for name in ("txid", "transaction_id") if data.get(name)}


def _was_called(bill: Invoice, payment: InvoicePayment, asked_at: dt.datetime) -> bool:
    """Whether a callback by its own token came after the payment was made and before the list was read. One that names
    another transaction is no call for this payment.
    """
    calls_of_it = Callback.objects.filter(
        token_reference=bill.reference_id,
        received_at__gte=payment.arrived_at - SKEW,
        received_at__lte=asked_at,
    )
    bodies = calls_of_it.values_list("body", flat=True)[:50]
    return any(not (named := _named(body)) or payment.txid in named for body in bodies)
