"""What the provider's word means for an invoice: the one door for its state, its booking and its holds. Deals floor.

Every way in (reply, poll, callback, staff, clock) ends in `move`, `apply`, `doubt`, `fail` or `not_answered` here.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import html, money, wake
from backoffice.kit.fields import mask_card
from backoffice.kit.states import check_move
from payments import addresses
from payments.models import ExceptionItem, Invoice, Movement
from payments.providers.base import InvoiceReport
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, Refused

from . import balances, calls, exceptions, movements, references, schedule

Status = Invoice.Status
Kind = ExceptionItem.Kind

# Age of the invoice: pause until it is asked about again. After 90 days only the button asks.
OPEN_AGES: schedule.Ages = [
    (dt.timedelta(minutes=10), dt.timedelta(seconds=20)),
    (dt.timedelta(hours=1), dt.timedelta(minutes=1)),
    (dt.timedelta(hours=6), dt.timedelta(minutes=5)),
    (dt.timedelta(days=1), dt.timedelta(minutes=15)),
    (dt.timedelta(days=7), dt.timedelta(hours=1)),
    (dt.timedelta(days=90), dt.timedelta(days=1)),
]
# Paid, but perhaps not yet forwarded: asked seldom, for a week.
PAID_AGES: schedule.Ages = [
    (dt.timedelta(days=1), dt.timedelta(hours=1)),
    (dt.timedelta(days=7), dt.timedelta(hours=6)),
]
FINAL = {Status.PAID, Status.FAILED}


def lock(invoice_id: int) -> Invoice:
    """The row, locked, with what belongs to it as it is now."""
    # What belongs to it is read after the wait: joined to the lock it would be as it was before.
    Invoice.objects.select_for_update().only("pk").get(pk=invoice_id)
    return Invoice.objects.select_related("reference", "account", "destination").get(pk=invoice_id)


def move(invoice: Invoice, status: str, *, way: str, actor: Any = None, **changes: Any) -> None:
    """Change the state of a locked invoice. Raises IllegalMove. The audit line is in the same transaction."""
    old = invoice.status
    check_move(Invoice.TRANSITIONS, old, status)
    told = {name: changes.pop(name) for name in ("note", "said", "digest") if name in changes}
    invoice.status = status
    for name, value in changes.items():
        setattr(invoice, name, value)
    invoice.claimed_until = None
    invoice.version += 1
    invoice.next_check_at = _next_check(invoice)
    invoice.save(
        update_fields=["status", "claimed_until", "version", "next_check_at", "updated_at", *changes.keys()]
    )
    audit.record(actor, f"invoice.{status}", invoice, way=way, was=old, word=invoice.provider_status, **told)


def _next_check(invoice: Invoice) -> dt.datetime | None:
    if invoice.status in (Status.APPROVED, Status.CREATING):
        return timezone.now()
    if invoice.status in (Status.AWAITING_APPROVAL, Status.REJECTED):
        return None
    if invoice.status == Status.UNKNOWN:
        return schedule.after_failures(max(invoice.check_failures, 1))
    if invoice.status == Status.PAID:
        if invoice.is_forwarded or invoice.to_balance:
            return None
        return schedule.next_by_age(PAID_AGES, invoice.paid_at or invoice.created_at)
    if invoice.status in FINAL:
        return None
    return schedule.next_by_age(OPEN_AGES, invoice.created_at)


# --- What the provider says ---
@transaction.atomic
def apply(
    *,
    invoice_id: int,
    report: InvoiceReport,
    way: str,
    asked_at: dt.datetime | None = None,
    fee: Decimal | None = None,
) -> Invoice:
    """Apply one report: compare it with what we asked for, then move, book or hold. Safe to repeat.

    `fee`: what the provider says it keeps of the amount.
    """
    invoice = lock(invoice_id)
    if schedule.is_overtaken(asked_at, invoice.checked_at):
        return invoice
    _note_facts(invoice, report, asked_at)
    reasons = [] if report.status == "failed" else _differences(invoice, report)
    if report.status is None and report.provider_status:
        _unknown_word(invoice, report, way)
    open_reasons = [reason for reason in reasons if reason not in invoice.reference.accepted]
    if open_reasons and references.reason(open_reasons) not in invoice.reference.accepted:
        _note_seen(invoice)
        exceptions.hold(
            reference=invoice.reference,
            obj=invoice,
            reason=references.reason(open_reasons),
            way=way,
            **_claim(report),
        )
        return invoice
    if invoice.reference.held_at is not None or report.status is None:
        _note_seen(invoice)
        return invoice
    _follow(invoice, report, way, fee)
    return invoice


def _note_facts(invoice: Invoice, report: InvoiceReport, asked_at: dt.datetime | None) -> None:
    """What does not decide anything: the word, the number, the link, when we asked."""
    now = timezone.now()
    changes: dict[str, Any] = {"check_failures": 0, "last_error": "", "claimed_until": None}
    if asked_at is not None:
        changes["checked_at"] = asked_at
    if report.provider_status and report.provider_status != invoice.provider_status:
        changes["provider_status"] = report.provider_status[:64]
    if report.provider_id and not invoice.provider_id:
        changes["provider_id"] = report.provider_id[:64]
    if report.payment_url and not invoice.payment_url:
        changes["payment_url"] = report.payment_url[:500]
    if report.requisites and not invoice.requisites:
        changes["requisites"] = [_requisites(one) for one in report.requisites]
    if report.forwarded and not invoice.is_forwarded and invoice.status in (Status.PAID, Status.OPEN):
        changes["is_forwarded"] = True
    if (
        changes.keys() & {"provider_status", "payment_url", "requisites", "is_forwarded"}
        or invoice.last_error
    ):
        changes["version"] = invoice.version + 1
    for name, value in changes.items():
        setattr(invoice, name, value)
    if changes.keys() & {"provider_id", "requisites"}:
        wake.later("backoffice.index_object", "invoice", invoice.pk)
    invoice.updated_at = now
    invoice.save(update_fields=[*changes, "updated_at"])


def _requisites(one: Any) -> dict[str, str]:
    values = {name: "" if value is None else str(value) for name, value in dataclasses.asdict(one).items()}
    if one.amount is not None:
        values["amount"] = money.plain(one.amount)
    return values


def _note_seen(invoice: Invoice) -> None:
    Invoice.objects.filter(pk=invoice.pk).update(next_check_at=_next_check(invoice))


def _differences(invoice: Invoice, report: InvoiceReport) -> list[str]:
    """Where the claim is not what we asked for, as sentences. They are also what a person lets go."""
    found = []
    if report.reference and report.reference != invoice.reference.value:
        found.append(_("The answer speaks of another reference: %s.") % report.reference)
    if report.method and report.method != invoice.method:
        found.append(
            _("It pays to %(theirs)s, we asked for %(ours)s.")
            % {"theirs": report.method, "ours": invoice.method}
        )
    if invoice.destination is not None and report.purse and report.purse != invoice.destination.address:
        found.append(_("It pays to another address than ours: %s.") % _shown(report.purse, invoice))
    if invoice.tag and report.tag and report.tag != invoice.tag:
        found.append(
            _("The tag is %(theirs)s, we asked for %(ours)s.") % {"theirs": report.tag, "ours": invoice.tag}
        )
    if report.amount is not None and report.amount <= 0:
        found.append(_("The amount %s is not above zero.") % report.amount)
    elif report.amount is not None and invoice.expected is not None:
        # More than expected is paid and told; less, or another amount before it is paid, is held.
        less = report.amount < invoice.expected
        if less or (report.amount != invoice.expected and report.status != "paid"):
            found.append(
                _("The amount is %(theirs)s %(currency)s, expected was %(ours)s.")
                % {
                    "theirs": html.amount_text(report.amount, places=0),
                    "ours": html.amount_text(invoice.expected, places=0),
                    "currency": invoice.currency,
                }
            )
    if report.status == "paid" and report.amount is None:
        found.append(_("The provider says paid but names no amount."))
    return found


def _shown(purse: str, invoice: Invoice) -> str:
    is_card = (invoice.destination and invoice.destination.is_card) or addresses.looks_like_card(purse)
    return mask_card(purse) if is_card else purse[:80]


def _claim(report: InvoiceReport) -> dict[str, Any]:
    return {
        "status": report.provider_status,
        "amount": money.plain(report.amount) if report.amount is not None else "",
        "method": report.method,
    }


def _unknown_word(invoice: Invoice, report: InvoiceReport, way: str) -> None:
    exceptions.open_item(
        kind=Kind.UNKNOWN_WORD,
        key=f"{invoice.reference.value}:{report.provider_status[:40]}",
        title=_("The provider uses a status word that we do not know: %s") % report.provider_status[:80],
        account=invoice.account,
        reference=invoice.reference,
        way=way,
    )


def _follow(invoice: Invoice, report: InvoiceReport, way: str, fee: Decimal | None = None) -> None:
    """Do what an undisputed report says."""
    if invoice.expected is None and report.amount is not None:
        # An invoice by pay_amount learns what to expect from the first details (to and purse equal ours).
        invoice.expected = report.amount
        invoice.save(update_fields=["expected"])
    if report.status == invoice.status or (report.status == "open" and invoice.status in _STAYS_WHEN_OPEN):
        _note_seen(invoice)
        return
    if invoice.status in FINAL:
        _taken_back(invoice, report, way)
        return
    if report.status == "paid":
        _paid(invoice, report, way, fee)
        return
    if report.status not in Invoice.TRANSITIONS[Status(invoice.status)]:
        _note_seen(invoice)
        return
    move(invoice, str(report.status), way=way)


# "Open" at the provider does not undo what our clock or a cancellation decided.
_STAYS_WHEN_OPEN = {Status.EXPIRED, Status.CANCELED}


def _paid(invoice: Invoice, report: InvoiceReport, way: str, fee: Decimal | None = None) -> None:
    if report.amount is None:
        raise AssertionError("a payment without an amount is held before it comes here")
    late = invoice.status in (Status.EXPIRED, Status.CANCELED)
    was = invoice.get_status_display()
    move(
        invoice,
        Status.PAID,
        way=way,
        received=report.amount,
        paid_at=timezone.now(),
        claimed_paid_at=None,
        is_forwarded=report.forwarded,
        fee=fee,
    )
    if invoice.to_balance:
        balances.computed(account=invoice.account, currency=invoice.currency)
    movements.book(
        key=f"invoice:{invoice.reference.value}",
        account=invoice.account,
        kind=Movement.Kind.INVOICE,
        currency=invoice.currency,
        amount=report.amount,
        way=way,
        reference=invoice.reference,
        on_balance=invoice.to_balance,
        label=gettext_noop("fee assumed outside")
        if invoice.fee_payer == "payee" and fee is None
        else gettext_noop("as stated"),
    )
    if fee:
        movements.book(
            key=f"invoice-fee:{invoice.reference.value}",
            account=invoice.account,
            kind=Movement.Kind.FEE,
            currency=invoice.currency,
            amount=-fee,
            way=way,
            reference=invoice.reference,
            on_balance=invoice.to_balance,
            label=gettext_noop("as stated"),
        )
    if late:
        _tell(invoice, Kind.LATE_PAYMENT, _("Paid after it was closed (%s).") % was, way, report.amount)
    if invoice.expected is not None and report.amount > invoice.expected:
        over = report.amount - invoice.expected
        _tell(
            invoice,
            Kind.OVERPAID,
            _("Overpaid by %(over)s %(currency)s.")
            % {"over": html.amount_text(over, places=0), "currency": invoice.currency},
            way,
            report.amount,
        )
    wake.later("payments.refresh_balance", invoice.account_id)


def _tell(invoice: Invoice, kind: str, title: str, way: str, amount: Decimal) -> None:
    exceptions.open_item(
        kind=kind,
        key=invoice.reference.value,
        title=title,
        account=invoice.account,
        reference=invoice.reference,
        way=way,
        amount=amount,
    )


@transaction.atomic
def seen(*, invoice_id: int, asked_at: dt.datetime) -> None:
    """All lists were read and said nothing new of this invoice."""
    invoice = lock(invoice_id)
    Invoice.objects.filter(pk=invoice.pk).update(
        checked_at=asked_at, next_check_at=_next_check(invoice), check_failures=0, last_error=""
    )


def note_word(*, invoice_id: int, word: str) -> None:
    """The provider's word about a payment of it, which does not decide anything. In the caller's transaction."""
    invoice = lock(invoice_id)
    if word and invoice.provider_status != word[:64]:
        Invoice.objects.filter(pk=invoice.pk).update(**schedule.bump(provider_status=word[:64]))


def _taken_back(invoice: Invoice, report: InvoiceReport, way: str) -> None:
    """A final state is never changed by a machine: a person is told."""
    _note_seen(invoice)
    exceptions.open_item(
        kind=Kind.TAKEN_BACK,
        key=f"{invoice.reference.value}:{report.status}",
        title=_("This is %(ours)s here, but the provider now says %(theirs)s.")
        % {"ours": invoice.get_status_display(), "theirs": report.provider_status},
        account=invoice.account,
        reference=invoice.reference,
        way=way,
        **_claim(report),
    )


# --- What went wrong ---
@transaction.atomic
def doubt(*, invoice_id: int, error: str, way: str) -> None:
    """The request may have arrived: the invoice is unknown, and the provider will be asked."""
    invoice = lock(invoice_id)
    if invoice.status == Status.CREATING:
        move(invoice, Status.UNKNOWN, way=way, last_error=error[:300], check_failures=1)


@transaction.atomic
def fail(*, invoice_id: int, error: ProviderError, way: str) -> None:
    """The provider refused in documented words: nothing happened there."""
    invoice = lock(invoice_id)
    if invoice.status == Status.CREATING:
        move(invoice, Status.FAILED, way=way, last_error=calls.explain(error)[:300])


@transaction.atomic
def not_answered(*, invoice_id: int, error: ProviderError, asked_at: dt.datetime) -> None:
    """A look-up gave nothing to apply: the row keeps its state, says why, and is asked again later.

    A failed invoice keeps why it failed: that the provider does not know it adds nothing.
    """
    invoice = lock(invoice_id)
    answered = isinstance(error, (Refused, Denied, OutcomeUnknown))
    said = invoice.last_error if invoice.status == Status.FAILED else calls.explain(error)[:300]
    changes: dict[str, Any] = {
        "last_error": said,
        "check_failures": invoice.check_failures + 1,
        "version": invoice.version + (said != invoice.last_error),
    }
    if answered:
        changes["checked_at"] = asked_at
    if invoice.status not in FINAL:
        changes["next_check_at"] = schedule.after_failures(changes["check_failures"])
    Invoice.objects.filter(pk=invoice.pk).update(**changes)


@transaction.atomic
def claimed_paid(*, invoice_id: int) -> None:
    """A callback says paid and the provider cannot be asked yet: shown as such, nothing moves."""
    invoice = lock(invoice_id)
    if invoice.status not in FINAL and invoice.claimed_paid_at is None:
        Invoice.objects.filter(pk=invoice.pk).update(
            **schedule.bump(claimed_paid_at=timezone.now(), next_check_at=timezone.now())
        )
