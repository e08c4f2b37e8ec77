"""Invoices: creating, sending, asking, and the one door through which their state changes. Deals floor.

What a report means for an invoice stands in invoice_reports; the checks of the form's fields in invoice_fields.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import wake
from backoffice.kit.states import IllegalMove
from backoffice.permissions import guarded
from payments.models import Approval, Invoice, ProviderAccount, ProviderCall, Reference
from payments.providers.base import InvoiceRequest
from payments.providers.errors import (
    Denied,
    Invalid,
    NotSupported,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    Unavailable,
)

from . import (
    accounts,
    approvals,
    callback_tokens,
    calls,
    destinations,
    invoice_fields,
    invoice_reports,
    invoice_scans,
    orders,
    own_addresses,
    references,
    schedule,
)
from .failpoints import hit

Status = Invoice.Status
Way = audit.Way
OPERATION = "invoice"
SETTLE = dt.timedelta(minutes=20)
FRESH = dt.timedelta(seconds=60)


# --- Creating ---
@guarded("payments.create_invoice", system=True)
def create(
    *, actor: Any, account: ProviderAccount, fields: dict[str, Any], form_token: UUID | None = None
) -> Invoice:
    """Make the intent of an invoice; a worker sends it. The same form (actor and token) twice gives the same row.

    `fields` are under the provider's parameter names, amounts as text. Raises ValidationError by field.
    """
    earlier = _by_token(actor, form_token)
    if earlier is not None:
        return earlier
    values = invoice_fields.check(account=account, fields=fields)
    hit("F0")
    try:
        with transaction.atomic(durable=True):
            invoice = add(
                account=account, values=values, created_by=actor, actor=actor, form_token=form_token
            )
    except IntegrityError:
        earlier = _by_token(actor, form_token)
        if earlier is None:
            raise
        return earlier
    return invoice


def add(
    *,
    account: ProviderAccount,
    values: dict[str, Any],
    created_by: Any,
    actor: Any = None,
    form_token: UUID | None = None,
) -> Invoice:
    """The row of a new bill from checked columns (invoice_fields.check). In the transaction of its cause.

    `actor`: who does this now, for the audit; None: nobody of the staff, such as a payer with a link of `created_by`.
    """
    converts = orders.is_chosen(values["fields"])
    reference = references.take(account=account, kind=Reference.Kind.INVOICE)
    invoice = Invoice.objects.create(
        reference=reference,
        account=account,
        created_by=created_by,
        form_token=form_token,
        status=Status.AWAITING_APPROVAL if converts else Status.CREATING,
        next_check_at=None if converts else Now(),
        expires_at=timezone.now() + dt.timedelta(days=account.invoice_lifetime_days),
        **values,
    )
    callback_tokens.object_token(reference)
    audit.record(
        actor,
        "invoice.requested" if converts else "invoice.created",
        invoice,
        way=Way.STAFF if actor else Way.SYSTEM,
        **invoice_fields.facts(invoice),
    )
    if not converts:
        transaction.on_commit(lambda: hit("F1"))
        wake.later("payments.submit_invoice", invoice.pk)
    wake.later("backoffice.index_object", "invoice", invoice.pk)
    return invoice


def _by_token(actor: Any, form_token: UUID | None) -> Invoice | None:
    if form_token is None or actor is None:
        return None
    return Invoice.objects.filter(created_by=actor, form_token=form_token).first()


# --- A conversion needs another person ---
def bound(invoice: Invoice) -> str:
    """The digest of what would leave now."""
    return approvals.digest(
        reference=invoice.reference,
        account=invoice.account,
        payload=invoice_fields.to_send(invoice),
        max_debit=Decimal(0),
    )


@guarded("payments.approve_invoice")
@transaction.atomic
def approve(*, actor: Any, invoice: Invoice, seen: str = "") -> Invoice:
    """Let exactly what is stored be made, with its conversion. Raises ValidationError or IllegalMove."""
    locked = invoice_reports.lock(invoice.pk)
    approvals.check_person(actor=actor, requester=locked.created_by)
    if locked.status != Status.AWAITING_APPROVAL:
        raise IllegalMove(locked.status, Status.APPROVED)
    digest = bound(locked)
    if seen and seen != digest:
        raise ValidationError(_("Something has changed since you opened this page. Read it again."))
    approvals.grant(reference=locked.reference, step=Approval.Step.SEND, digest=digest, approver=actor)
    invoice_reports.move(locked, Status.APPROVED, way=Way.STAFF, actor=actor, digest=digest)
    wake.later("payments.submit_invoice", locked.pk)
    return locked


@guarded("payments.approve_invoice")
@transaction.atomic
def reject(*, actor: Any, invoice: Invoice, reason: str) -> Invoice:
    """Refuse it, with a reason. Raises ValidationError or IllegalMove."""
    reason = (reason or "").strip()
    if not reason:
        raise ValidationError({"reason": _("Write why.")})
    locked = invoice_reports.lock(invoice.pk)
    approvals.check_person(actor=actor, requester=locked.created_by)
    if locked.status != Status.AWAITING_APPROVAL:
        raise IllegalMove(locked.status, Status.REJECTED)
    invoice_reports.move(locked, Status.REJECTED, way=Way.STAFF, actor=actor, note=reason)
    return locked


def _begin(invoice_id: int) -> None:
    """An approved one becomes `creating`, if its yes still holds; if not, it must be approved again."""
    with transaction.atomic(durable=True):
        locked = invoice_reports.lock(invoice_id)
        if locked.status != Status.APPROVED:
            return
        if not _back_to_approval(locked):
            invoice_reports.move(locked, Status.CREATING, way=Way.SYSTEM)


def _back_to_approval(locked: Invoice) -> bool:
    """Ask for a new yes where the one that is there does not hold any more. Whether it went back."""
    why = approvals.why_not(reference=locked.reference, digest=bound(locked))
    if why:
        approvals.void(reference=locked.reference, reason=why)
        invoice_reports.move(locked, Status.AWAITING_APPROVAL, way=Way.SYSTEM, last_error=why[:300], note=why)
    return bool(why)


def _may_convert(invoice_id: int, fence: int) -> bool:
    """Whether a claimed one with a conversion, of which nothing has left, may be sent now. If not, it waits, or must be
    approved again.
    """
    with transaction.atomic(durable=True):
        locked = invoice_reports.lock(invoice_id)
        if (locked.status, locked.fence) != (Status.CREATING, fence) or _back_to_approval(locked):
            return False
        why = accounts.why_no_conversion(locked.account)
        if why:
            again = timezone.now() + dt.timedelta(seconds=5)
            schedule.unclaim(
                Invoice, invoice_id, fence, **schedule.bump(last_error=why[:300], next_check_at=again)
            )
    return not why


# --- Sending ---
def submit(*, invoice_id: int) -> None:
    """Send a `creating` invoice once. Called by workers; harmless when called twice, late or in parallel."""
    hit("F2")
    _begin(invoice_id)
    invoice = Invoice.objects.select_related("reference", "account", "destination").get(pk=invoice_id)
    if invoice.status != Status.CREATING or invoice.reference.held_at is not None:
        return
    fence = schedule.claim(Invoice, invoice_id, status=Status.CREATING)
    if fence is None:
        return
    if calls.may_have_left(invoice.reference, OPERATION):
        # An earlier worker died or was cut off in the middle: ask, never send again.
        invoice_reports.doubt(invoice_id=invoice_id, error=_("The attempt was interrupted."), way=Way.SYSTEM)
        return
    if orders.is_chosen(invoice.fields) and not _may_convert(invoice_id, fence):
        return

    def guard() -> None:
        if not schedule.holds(Invoice, invoice_id, fence, status=Status.CREATING):
            raise Unavailable("claim lost")
        if orders.is_chosen(invoice.fields):
            accounts.check_conversion(row=invoice, digest=bound(invoice))
        if invoice.destination_id and not destinations.is_approved(invoice.destination_id):
            raise Invalid(
                "destination", staff=gettext_noop("Its receiving address is not in our book any more.")
            )

    try:
        client = calls.client(
            invoice.account, reference=invoice.reference, priority="money", guard=guard, fence=fence
        )
        report = client.create_invoice(
            InvoiceRequest(
                reference=invoice.reference.value,
                fields=invoice_fields.to_send(invoice),
                callback_url=callback_tokens.object_callback_url(invoice.reference)
                or callback_tokens.callback_url(invoice.account),
            )
        )
    except (Unavailable, RateLimited) as error:
        _not_sent(invoice, fence, error)
    except Refused as error:
        if error.reason == "exists":
            invoice_reports.doubt(invoice_id=invoice_id, error=calls.explain(error), way=Way.REPLY)
        else:
            invoice_reports.fail(invoice_id=invoice_id, error=error, way=Way.REPLY)
    except (Denied, Invalid, NotSupported) as error:
        invoice_reports.fail(invoice_id=invoice_id, error=error, way=Way.REPLY)
    except OutcomeUnknown as error:
        invoice_reports.doubt(invoice_id=invoice_id, error=calls.explain(error), way=Way.REPLY)
    else:
        hit("F9")
        invoice_reports.apply(invoice_id=invoice_id, report=report, way=Way.REPLY)
        hit("F10")


def _not_sent(invoice: Invoice, fence: int, error: ProviderError) -> None:
    """Proven not sent: the row waits and is tried again by itself."""
    failures = invoice.check_failures + 1
    schedule.unclaim(
        Invoice,
        invoice.pk,
        fence,
        **schedule.bump(
            last_error=calls.explain(error)[:300],
            check_failures=failures,
            next_check_at=schedule.after_failures(failures, at_least=schedule.asked_to_wait(error)),
        ),
    )


# --- Asking ---
def refresh(*, invoice_id: int, way: str = Way.POLL, priority: str = "poll") -> Invoice:
    """Ask the provider about one invoice and apply its answer through the door.

    Raises ProviderError when it cannot be asked or does not know the invoice; the row then says so and stays.
    """
    invoice = Invoice.objects.select_related("reference", "account").get(pk=invoice_id)
    if invoice.status == Status.CREATING and not calls.may_have_left(invoice.reference, OPERATION):
        return invoice
    if invoice_scans.is_scanned(invoice.account):
        return invoice_scans.look(invoice, way=way, priority=priority)
    asked_at = timezone.now()
    try:
        client = calls.client(invoice.account, reference=invoice.reference, priority=priority)
        report = client.find_invoice(invoice.reference.value)
    except ProviderError as error:
        invoice_reports.not_answered(invoice_id=invoice_id, error=error, asked_at=asked_at)
        raise
    return invoice_reports.apply(invoice_id=invoice_id, report=report, way=way, asked_at=asked_at)


@guarded("payments.refresh_invoice")
def ask_now(*, actor: Any, invoice: Invoice) -> None:
    """Let a worker ask about this invoice now."""
    wake.later("payments.refresh_invoice", invoice.pk)


# --- Deciding ---
@guarded("payments.resolve_invoice")
def resolve(*, actor: Any, invoice: Invoice, note: str) -> Invoice:
    """Close an invoice whose creation stayed unknown as failed: the provider does not have it.

    Needs a note, the settle window of 20 minutes since the last attempt and a look-up younger than 60 s that said
    "not found". Raises ValidationError or IllegalMove.
    """
    note = (note or "").strip()
    if not note:
        raise ValidationError({"note": _("Write what you found and decided.")})
    with transaction.atomic():
        locked = (
            Invoice.objects.select_for_update(of=("self",))
            .select_related("reference", "account")
            .get(pk=invoice.pk)
        )
        if locked.status != Status.UNKNOWN:
            raise ValidationError(_("Only an unknown outcome can be resolved."))
        if invoice_scans.is_scanned(locked.account):
            if bar := invoice_scans.why_not_resolve(locked):
                raise ValidationError(bar)
            invoice_reports.move(
                locked, Status.FAILED, way=Way.STAFF, actor=actor, note=note, last_error=note[:300]
            )
            return locked
        now = timezone.now()
        tries = ProviderCall.objects.filter(reference=locked.reference)
        if tries.filter(operation=OPERATION, safe=False, started_at__gt=now - SETTLE).exists():
            raise ValidationError(
                _("Wait until 20 minutes have passed since the attempt: it may still arrive.")
            )
        last = tries.filter(safe=True, started_at__gt=now - FRESH).order_by("-started_at").first()
        if last is None or not last.says_not_found:
            raise ValidationError(_("Press “Check now” first: a fresh answer “not found” is needed."))
        if calls.was_sent_elsewhere(locked.reference, OPERATION, last):
            raise ValidationError(
                _(
                    "It was sent to another address than the one that is asked now. What is unknown here proves nothing."
                )
            )
        invoice_reports.move(
            locked, Status.FAILED, way=Way.STAFF, actor=actor, note=note, last_error=note[:300]
        )
    return locked


# --- The clock ---
def expire() -> int:
    """Turn open invoices whose lifetime is over into `expired`. Gives how many."""
    late = Invoice.objects.filter(
        status=Status.OPEN, expires_at__lte=timezone.now(), reference__held_at__isnull=True
    ).values_list("pk", flat=True)[:500]
    count = 0
    for pk in list(late):
        with transaction.atomic():
            locked = Invoice.objects.select_for_update(of=("self",)).select_related("reference").get(pk=pk)
            if locked.status == Status.OPEN:
                invoice_reports.move(locked, Status.EXPIRED, way=Way.CLOCK)
                count += 1
    stale = Approval.objects.filter(
        step=Approval.Step.SEND, used_at__isnull=True, voided_at__isnull=True, expires_at__lte=timezone.now()
    ).values("reference")
    old = Invoice.objects.filter(status=Status.APPROVED, reference__in=stale).values_list("pk", flat=True)
    for pk in list(old[:500]):
        _begin(pk)  # goes back to be approved, because its yes is too old
        count += 1
    return count


def search_text(invoice: Invoice) -> str:
    """What people find an invoice by: our number, theirs, the customer, the description, the payer's contact, and the
    addresses at which it is paid (never a card).
    """
    fields = invoice.fields
    parts = [
        invoice.reference.value,
        invoice.provider_id,
        invoice.customer,
        invoice.description,
        *(fields.get(name, "") for name in ("email", "name", "surname")),
        *own_addresses.requisites(invoice),
    ]
    return " ".join(part for part in parts if part)
