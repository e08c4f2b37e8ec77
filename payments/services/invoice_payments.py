"""Payments of bills that a provider lists without saying of which: kept, matched where it is certain, else left to a person.

Deals floor.
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
from payments.models import ExceptionItem, Invoice, InvoicePayment, ProviderAccount
from payments.providers.base import InvoiceReport
from payments.providers.wallets import BadRow, FiatInvoices, InvoicePaymentReport, method_code

from . import (
    bad_rows,
    calls,
    decisions,
    exceptions,
    invoice_matches,
    invoice_reports,
    listed_reports,
)

Status = Invoice.Status
Kind = ExceptionItem.Kind
OVERLAP, PATIENCE = dt.timedelta(days=1), dt.timedelta(days=30)
#: `matched_by` of one that no machine may match.
DOUBTED = "doubt"
LIST = "invoice/history"
Key = tuple[str, ...]


# --- What was paid ---
def read_payments(*, account_id: int, way: str, priority: str) -> None:
    """Read the history of payments and match what is new. Raises ProviderError when it cannot be read whole."""
    account = ProviderAccount.objects.get(pk=account_id)
    client = calls.client(account, priority=priority)
    if not isinstance(client, FiatInvoices):
        return
    began = timezone.now()
    bad: list[BadRow] = []
    listed = client.scan_invoice_payments(_begin(account), bad=bad)
    bad_rows.tell(account, bad, LIST)
    keep(account=account, listed=listed, way=way, asked_at=began)


def _begin(account: ProviderAccount) -> dt.datetime:
    known = InvoicePayment.objects.filter(account=account)
    # One that is dated in the future must not hide all that is paid until then.
    past = known.filter(arrived_at__lte=timezone.now())
    latest = past.order_by("-arrived_at").values_list("arrived_at", flat=True).first()
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
        listed_keys = {_key_of_report(reports[0]) for reports in groups.values()}
        changed = []
        for identity, reports in groups.items():
            with bad_rows.apart(account, LIST, identity, reports[0].raw):
                stored = _store(account, reports, listed_keys)
                for row in stored:
                    _tell_second(row, way)
                changed += [row.pk for row in stored]
        changed += [row.pk for row in _match(account, asked_at)]
    # Also what was matched and then not applied: its worker died, or its bill was held and has been let go.
    waiting = Q(status="confirmed") & ~Q(invoice__status__in=[Status.PAID, Status.FAILED])
    for row in InvoicePayment.objects.filter(
        Q(pk__in=changed) | waiting, account=account, invoice__isnull=False
    ):
        facts = {"payment": row.pk, "transaction": row.txid, "invoice": row.invoice_id}
        with bad_rows.apart(account, LIST, _key_of(row), facts):
            _apply(row, way)


def _key_of(row: InvoicePayment) -> Key:
    at = row.arrived_at.astimezone(dt.UTC).isoformat()
    return (row.method, money.plain(money.read(row.amount)), at)


def _key_of_report(report: InvoicePaymentReport) -> Key:
    ticker, network, *rest = report.identity
    return (method_code(ticker, network)[:64], *rest)


def _stood_here(account: ProviderAccount, report: InvoicePaymentReport, listed_keys: set[Key]) -> bool:
    """Whether the same transaction stood here otherwise and is not listed any more: it may be the same money."""
    if not report.transaction_id:
        return False
    others = InvoicePayment.objects.filter(account=account, txid=report.transaction_id[:200])
    return any(_key_of(other) not in listed_keys for other in others)


def _store(
    account: ProviderAccount, reports: list[InvoicePaymentReport], listed_keys: set[Key]
) -> list[InvoicePayment]:
    """The rows of payments that are alike, brought up to date; those that changed."""
    one = reports[0]
    same: dict[str, Any] = {
        "account": account,
        "method": method_code(one.ticker, one.network)[:64],
        "amount": one.amount,
        "arrived_at": one.created_at,
    }
    known = list(InvoicePayment.objects.filter(**same))
    pairs = listed_reports.paired(known, reports)
    # One that was alike in all but its transaction and is not listed any more may be the same money.
    is_doubted = any(row.status != "rejected" for row in known if row not in [ours for ours, _one in pairs])
    ordinal = max((row.ordinal for row in known), default=-1)
    changed = []
    for row, report in pairs:
        txid = report.transaction_id[:200] or (row.txid if row is not None else "")
        says: dict[str, Any] = {
            "txid": txid,
            "status": report.status or "",
            "provider_status": report.provider_status[:64],
            "fee": report.fee,
            "gross": report.gross,
            "told": listed_reports.order_told(report.conversion),
        }
        if row is None:
            ordinal += 1
            how = DOUBTED if is_doubted or _stood_here(account, report, listed_keys) else ""
            changed.append(
                InvoicePayment.objects.create(
                    **same, **says, currency=one.ticker[:16], ordinal=ordinal, matched_by=how
                )
            )
            continue
        was = {name: getattr(row, name) for name in says}
        if was != says:
            for name, value in says.items():
                setattr(row, name, value)
            row.save(update_fields=list(says))
            changed.append(row)
    return changed


def _tell_second(row: InvoicePayment, way: str) -> None:
    """Two payments of one bill are confirmed, such as one that had been rejected and another that came for it: only one
    is booked. In the transaction that keeps it, so that no worker that dies leaves it untold.
    """
    if row.status != "confirmed" or row.invoice is None:
        return
    both = InvoicePayment.objects.filter(invoice=row.invoice, status="confirmed").order_by("pk")
    if len(both) < 2:
        return
    exceptions.open_item(
        kind=Kind.OVERPAID,
        key=f"{row.invoice.reference.value}:payments:{len(both)}",
        title=_("%(n)s payments of this invoice are confirmed, and one is booked. Decide about the others.")
        % {"n": len(both)},
        account=row.account,
        reference=row.invoice.reference,
        way=way,
        transactions=", ".join(one.txid or str(one.pk) for one in both),
        amount=money.plain(money.read(row.gross)),
    )


# --- Of which bill ---
def _match(account: ProviderAccount, asked_at: dt.datetime) -> list[InvoicePayment]:
    """Join payments to bills where it is certain. What stays open for a while becomes an item for a person."""
    groups: dict[tuple[str, Decimal], list[InvoicePayment]] = defaultdict(list)
    for row in InvoicePayment.objects.filter(account=account, invoice=None).order_by("arrived_at", "pk"):
        groups[row.method, money.read(row.gross)].append(row)
    joined = []
    for (method, gross), payments in groups.items():
        bills = invoice_matches.candidates(account=account, method=method, gross=gross)
        for payment in list(payments):
            if payment.matched_by == DOUBTED:
                continue
            found, how = invoice_matches.certain(payment, payments, bills, asked_at)
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
                _unclear(payment, [bill for bill in bills if invoice_matches.is_in_time(payment, bill)])
    return joined


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
        if invoice.status in invoice_matches.NEVER_SENT:
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
    ticker = invoice.fields.get("convert_ticker")
    listed_reports.tell_order(
        account=invoice.account,
        reference=invoice.reference,
        order=payment.told["order"],
        way=way,
        names=(payment.currency, *([ticker] if ticker else [])),
    )
