"""Payments of bills that a provider lists without saying of which: kept, matched where it is certain, else left to a person.

Deals floor.

What makes a match certain: only one bill in question has that method and amount; or a callback by the bill's own token
names the payment's transaction; or one bill alone was called back and one payment alone is open. Never a guess.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import money
from backoffice.permissions import guarded
from payments.models import Callback, ExceptionItem, Invoice, InvoicePayment, ProviderAccount
from payments.providers import answers
from payments.providers.base import InvoiceReport
from payments.providers.wallets import FiatInvoices, InvoicePaymentReport

from . import (
    calls,
    decisions,
    exceptions,
    invoice_reports,
    listed_reports,
    stated_methods,
)

Status = Invoice.Status
Kind = ExceptionItem.Kind
OPERATION = "invoice"
OVERLAP, PATIENCE = dt.timedelta(days=1), dt.timedelta(days=30)
#: The provider's clock and ours may differ by so much: a payment is not older than its bill beyond that.
SKEW = dt.timedelta(seconds=5)
#: A bill may be paid late; after that nobody takes a payment for its.
LATEST = dt.timedelta(days=90)
#: Bills that nobody can have paid: they were never sent.
NEVER_SENT = (Status.AWAITING_APPROVAL, Status.APPROVED, Status.REJECTED)
_RANK = {"confirmed": 0, "rejected": 1, "pending": 2}
Key = tuple[str, ...]


# --- What was paid ---
def read_payments(*, account_id: int, way: str, priority: str) -> None:
    """Read the history of payments and match what is new. Raises ProviderError when it cannot be read whole."""
    account = ProviderAccount.objects.get(pk=account_id)
    client = calls.client(account, priority=priority)
    if not isinstance(client, FiatInvoices):
        return
    began = timezone.now()
    bad: list[Any] = []
    listed = client.scan_invoice_payments(
        _begin(account), **stated_methods.takes_bad(client.scan_invoice_payments, bad)
    )
    stated_methods.told(account, bad, "invoice/history")
    keep(account=account, listed=listed, way=way, asked_at=began)


def _begin(account: ProviderAccount) -> dt.datetime:
    known = InvoicePayment.objects.filter(account=account)
    latest = known.order_by("-arrived_at").values_list("arrived_at", flat=True).first()
    pending = known.filter(status="pending", arrived_at__gt=timezone.now() - PATIENCE)
    oldest = pending.order_by("arrived_at").values_list("arrived_at", flat=True).first()
    begin = (latest or account.created_at) - OVERLAP
    return begin if oldest is None else min(begin, oldest)


def keep(
    *, account: ProviderAccount, listed: Iterable[InvoicePaymentReport], way: str, asked_at: dt.datetime
) -> None:
    """Store a list, match what is not matched, and apply what is. Safe to repeat and to run twice at once."""
    groups: dict[Key, list[InvoicePaymentReport]] = defaultdict(list)
    for report in listed:
        groups[report.identity].append(report)
    with transaction.atomic():
        # One at a time per account: matching looks at all open bills and payments together.
        ProviderAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=account.pk)
        changed = [row.pk for reports in groups.values() for row in _store(account, reports)]
        changed += [row.pk for row in _match(account, asked_at)]
    # Also what was matched and then not applied: its worker died, or its bill was held and has been let go.
    waiting = Q(status="confirmed") & ~Q(invoice__status__in=[Status.PAID, Status.FAILED])
    for row in InvoicePayment.objects.filter(
        Q(pk__in=changed) | waiting, account=account, invoice__isnull=False
    ):
        _apply(row, way)


def _store(account: ProviderAccount, reports: list[InvoicePaymentReport]) -> list[InvoicePayment]:
    """The rows of payments that are alike, brought up to date; those that changed."""
    one = reports[0]
    same: dict[str, Any] = {
        "account": account,
        "txid": one.transaction_id[:200],
        "method": f"{one.ticker}:{one.network}"[:64],
        "amount": one.amount,
        "arrived_at": one.created_at,
    }
    known = sorted(
        InvoicePayment.objects.filter(**same), key=lambda row: (_RANK.get(row.status, 2), row.ordinal)
    )
    changed = []
    ranked = sorted(reports, key=lambda report: (_RANK.get(report.status or "", 2), report.ordinal))
    for place, report in enumerate(ranked):
        says: dict[str, Any] = {
            "status": report.status or "",
            "provider_status": report.provider_status[:64],
            "fee": report.fee,
            "gross": report.gross,
            "told": listed_reports.order_told(report.conversion),
        }
        if place >= len(known):
            changed.append(
                InvoicePayment.objects.create(**same, **says, currency=one.ticker[:16], ordinal=place)
            )
            continue
        row = known[place]
        was = {name: getattr(row, name) for name in says}
        if was != says:
            for name, value in says.items():
                setattr(row, name, value)
            row.save(update_fields=list(says))
            changed.append(row)
    return changed


# --- Of which bill ---
def _match(account: ProviderAccount, asked_at: dt.datetime) -> list[InvoicePayment]:
    """Join payments to bills where it is certain. What stays open for a while becomes an item for a person."""
    groups: dict[tuple[str, Decimal], list[InvoicePayment]] = defaultdict(list)
    for row in InvoicePayment.objects.filter(account=account, invoice=None).order_by("arrived_at", "pk"):
        groups[row.method, money.read(row.gross)].append(row)
    joined = []
    for (method, gross), payments in groups.items():
        bills = candidates(account=account, method=method, gross=gross)
        for payment in list(payments):
            found, how = _certain(payment, payments, bills, asked_at)
            if found is not None:
                payment.invoice, payment.matched_by = found, how
                payment.save(update_fields=["invoice", "matched_by"])
                payments.remove(payment)
                joined.append(payment)
                exceptions.end(
                    kind=Kind.AMBIGUOUS, key=_key(payment), note=_("It could be matched after all.")
                )
        for payment in payments:
            if payment.created_at <= timezone.now() - dt.timedelta(seconds=settings.MATCH_PATIENCE_SECONDS):
                _unclear(payment, [bill for bill in bills if _in_time(payment, bill)])
    return joined


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


def _in_time(payment: InvoicePayment, bill: Invoice) -> bool:
    return bill.created_at - SKEW <= payment.arrived_at <= bill.created_at + LATEST


def _certain(
    payment: InvoicePayment, payments: list[InvoicePayment], bills: list[Invoice], asked_at: dt.datetime
) -> tuple[Invoice | None, str]:
    """The one bill that this payment is certainly of, and how that is known."""
    possible = [bill for bill in bills if _in_time(payment, bill)]
    taken = set(
        InvoicePayment.objects.filter(invoice__in=possible)
        .exclude(status="rejected")
        .values_list("invoice", flat=True)
    )
    free = [bill for bill in possible if bill.pk not in taken]
    if payment.txid and (named := [bill for bill in free if _names(bill, payment.txid)]):
        return (named[0], "token") if len(named) == 1 else (None, "")
    alone = [one for one in payments if one is not payment and any(_in_time(one, bill) for bill in free)]
    if len(possible) == 1 and len(free) == 1:
        # Several payments, one bill: the first is its, the others are nobody's.
        return (free[0], "amount") if not alone or payments[0] is payment else (None, "")
    called = [bill for bill in free if _was_called(bill, payment, asked_at)]
    if len(called) == 1 and not alone:
        return called[0], "token"
    return None, ""


def _names(bill: Invoice, txid: str) -> bool:
    """Whether a callback by this bill's own token names the transaction."""
    for body in Callback.objects.filter(token_reference=bill.reference_id).values_list("body", flat=True)[
        :50
    ]:
        data = answers.json_object(bytes(body)) or {}
        if txid in (str(data.get("txid") or ""), str(data.get("transaction_id") or "")):
            return True
    return False


def _was_called(bill: Invoice, payment: InvoicePayment, asked_at: dt.datetime) -> bool:
    """Whether a callback by its own token came after the payment was made and before the list was read."""
    return Callback.objects.filter(
        token_reference=bill.reference_id,
        received_at__gte=payment.arrived_at - SKEW,
        received_at__lte=asked_at,
    ).exists()


def _key(payment: InvoicePayment) -> str:
    return f"invoice-payment:{payment.pk}"


def _unclear(payment: InvoicePayment, possible: list[Invoice]) -> None:
    words = {"gross": money.plain(money.read(payment.gross)), "currency": payment.currency}
    title = (
        _("A payment of %(gross)s %(currency)s could be of several invoices. Say of which it is.") % words
        if possible
        else _("A payment of %(gross)s %(currency)s fits no invoice. Say of which it is.") % words
    )
    if ExceptionItem.objects.filter(key=f"{Kind.AMBIGUOUS}:{_key(payment)}").exists():
        return
    exceptions.open_item(
        kind=Kind.AMBIGUOUS,
        key=_key(payment),
        title=title,
        account=payment.account,
        payment=payment.pk,
        transaction=payment.txid,
        arrived=payment.arrived_at.isoformat(),
        invoices=", ".join(bill.reference.value for bill in possible[:20]),
    )


@guarded("payments.resolve_invoice")
def assign(*, actor: Any, payment: InvoicePayment, invoice: Invoice, note: str) -> InvoicePayment:
    """A person says of which bill a payment is. Raises ValidationError (matched already, another account or method, note)."""
    note = decisions.noted(note)
    with transaction.atomic():
        ProviderAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.account_id)
        locked = InvoicePayment.objects.select_for_update(of=("self",)).get(pk=payment.pk)
        if locked.invoice_id is not None:
            raise ValidationError(_("This payment is matched already."))
        if (invoice.account_id, invoice.method) != (locked.account_id, locked.method):
            raise ValidationError({"invoice": _("This invoice is of another account or payment system.")})
        if invoice.status in NEVER_SENT:
            raise ValidationError({"invoice": _("This invoice was never sent.")})
        if InvoicePayment.objects.filter(invoice=invoice).exclude(status="rejected").exists():
            raise ValidationError({"invoice": _("This invoice has its payment already.")})
        locked.invoice, locked.matched_by = invoice, "person"
        locked.save(update_fields=["invoice", "matched_by"])
        audit.record(actor, "invoice.payment_assigned", invoice, note=note, transaction=locked.txid)
        exceptions.end(kind=Kind.AMBIGUOUS, key=_key(locked), note=note, way=audit.Way.STAFF)
    _apply(locked, audit.Way.STAFF)
    return locked


# --- What a matched payment means ---
def _apply(payment: InvoicePayment, way: str) -> None:
    """Through the door of bills: confirmed pays it, rejected is told, pending only shows. Safe to repeat.

    Without the time of the question: the payment's row says what is known last, whichever list it came from.
    """
    invoice = Invoice.objects.select_related("reference", "account").get(payments=payment)
    if payment.status == "confirmed":
        report = InvoiceReport(
            reference=invoice.reference.value,
            status="paid",
            provider_status=payment.provider_status,
            method=payment.method,
            amount=money.read(payment.gross),
        )
        invoice_reports.apply(invoice_id=invoice.pk, report=report, way=way, fee=money.read(payment.fee))
        if payment.told.get("order"):
            _order_told(payment, invoice, way)
        return
    with transaction.atomic():
        invoice_reports.note_word(invoice_id=invoice.pk, word=payment.provider_status)
        if payment.status == "rejected":
            taken_back = invoice.status == Status.PAID
            exceptions.open_item(
                kind=Kind.TAKEN_BACK if taken_back else Kind.DEPOSIT_REJECTED,
                key=f"{invoice.reference.value}:payment:{payment.pk}",
                title=_("This is paid here, but the provider now says that its payment was rejected.")
                if taken_back
                else _("The payment of this invoice was rejected."),
                account=invoice.account,
                reference=invoice.reference,
                way=way,
            )
        elif payment.status == "":
            exceptions.open_item(
                kind=Kind.UNKNOWN_WORD,
                key=f"{invoice.reference.value}:{payment.provider_status[:40]}",
                title=_("The provider uses a status word that we do not know: %s")
                % payment.provider_status[:80],
                account=invoice.account,
                reference=invoice.reference,
                way=way,
            )


@transaction.atomic
def _order_told(payment: InvoicePayment, invoice: Invoice, way: str) -> None:
    """What it bought is nowhere documented, so nothing is booked by guess: a person compares the balances."""
    order = payment.told["order"]
    key = f"{invoice.reference.value}:order:{order.get('state', '')[:20]}"
    if ExceptionItem.objects.filter(key=f"{Kind.AMBIGUOUS}:{key}").exists():
        return
    exceptions.open_item(
        kind=Kind.AMBIGUOUS,
        key=key,
        title=_("The provider placed an order for it. Compare the balances and book what is missing."),
        account=invoice.account,
        reference=invoice.reference,
        way=way,
        **{f"order_{name}": value for name, value in order.items()},
    )
