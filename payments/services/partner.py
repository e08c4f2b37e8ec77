"""Partner payouts: requesting, approving, sending once, asking. Deals floor.

The exchanger takes no amount (the whole balance leaves), no reference, and is never asked twice by a machine. What is
checked before it is asked for stands in payout_fields, what became of an attempt in payout_attempts, what a line of its
list means in payout_reports, what people decide in payout_decisions, the balance in partner_programs.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.kit.states import IllegalMove
from backoffice.permissions import APPROVER, guarded, roles
from payments.models import Approval, PartnerPayout, ProviderAccount, Reference
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
from payments.providers.partner import Partner, PartnerPayoutReport, PartnerPayoutRequest

from . import (
    approvals,
    calls,
    freeze,
    partner_payees,
    partner_programs,
    payout_attempts,
    payout_fields,
    payout_reports,
    references,
    schedule,
)
from .failpoints import hit
from .payout_fields import may_pay_out, to_send

Status = PartnerPayout.Status
Way = audit.Way
OPERATION = "add_partner_payout"
REQUEST_LIFETIME = dt.timedelta(days=7)


# --- Requesting ---
@guarded("payments.request_partnerpayout")
def request_payout(
    *, actor: Any, account: ProviderAccount, fields: dict[str, Any], form_token: UUID | None = None
) -> PartnerPayout:
    """Ask that the whole partner balance be paid out; another person approves it. One at a time per account.

    `fields`: `method_id` and `account` (where it goes), and ours: `_note`, `_confirm_account` (an address that cannot be
    checked, or that is new, is right all the same). Raises ValidationError by field.
    """
    earlier = _by_token(actor, form_token)
    if earlier is not None:
        return earlier
    values = payout_fields.check(account=account, fields=fields)
    try:
        with transaction.atomic(durable=True):
            reference = references.take(account=account, kind=Reference.Kind.PARTNER_PAYOUT)
            payout = PartnerPayout.objects.create(
                reference=reference, account=account, created_by=actor, form_token=form_token, **values
            )
            audit.record(
                actor,
                "partnerpayout.requested",
                payout,
                method=payout.method,
                to=payout.shown,
                balance=money.plain(payout.expected),
                currency=payout.currency,
            )
            wake.later("backoffice.index_object", "partner_payout", payout.pk)
    except IntegrityError:
        earlier = _by_token(actor, form_token)
        if earlier is not None:
            return earlier
        raise ValidationError(_("A payout of this account is under way already.")) from None
    return payout


def _by_token(actor: Any, form_token: UUID | None) -> PartnerPayout | None:
    if form_token is None:
        return None
    return PartnerPayout.objects.filter(created_by=actor, form_token=form_token).first()


# --- Deciding before it is sent ---
def bound(payout: PartnerPayout) -> str:
    """The digest of what would leave now."""
    return approvals.digest(
        reference=payout.reference,
        account=payout.account,
        payload=to_send(payout),
        max_debit=payout.max_debit,
    )


@guarded("payments.approve_partnerpayout")
def approve(*, actor: Any, payout: PartnerPayout, seen: str = "") -> PartnerPayout:
    """Approve exactly what is stored, and let a worker send it. Raises ValidationError or IllegalMove."""
    with transaction.atomic():
        locked = payout_reports.lock(payout.pk)
        approvals.check_person(actor=actor, requester=locked.created_by)
        if refusal := may_pay_out(locked.account):
            raise ValidationError(refusal)
        if locked.status != Status.AWAITING_APPROVAL:
            raise IllegalMove(locked.status, Status.APPROVED)
        if partner_payees.is_retired(locked.payee_account):
            raise ValidationError(_(partner_payees.RETIRED))
        digest = bound(locked)
        if seen and seen != digest:
            raise ValidationError(_("Something has changed since you opened this page. Read it again."))
        approvals.grant(reference=locked.reference, step=Approval.Step.SEND, digest=digest, approver=actor)
        payout_reports.move(
            locked, Status.APPROVED, way=Way.STAFF, actor=actor, next_check_at=timezone.now(), digest=digest
        )
        transaction.on_commit(lambda: hit("F1"))  # committed, and nobody is woken yet
        wake.later("payments.submit_partner_payout", locked.pk)
    return locked


@guarded("payments.approve_partnerpayout")
@transaction.atomic
def reveal(*, actor: Any, payout: PartnerPayout) -> str:
    """The whole account, for the page where it is approved. A number is shown to nobody without a trace.

    Raises ValidationError for what is decided already and for one's own request.
    """
    if payout.status != Status.AWAITING_APPROVAL:
        raise ValidationError(_("This is decided already."))
    approvals.check_person(actor=actor, requester=payout.created_by)
    audit.record(actor, "partnerpayout.revealed", payout, to=payout.shown)
    return payout.payee_account


@guarded("payments.approve_partnerpayout")
@transaction.atomic
def reject(*, actor: Any, payout: PartnerPayout, reason: str) -> PartnerPayout:
    """Refuse a request, with a reason. Raises ValidationError or IllegalMove."""
    reason = (reason or "").strip()
    if not reason:
        raise ValidationError({"reason": _("Write why.")})
    locked = payout_reports.lock(payout.pk)
    approvals.check_person(actor=actor, requester=locked.created_by)
    payout_reports.move(locked, Status.REJECTED, way=Way.STAFF, actor=actor, note=reason)
    return locked


@guarded("payments.cancel_partnerpayout")
@transaction.atomic
def cancel(*, actor: Any, payout: PartnerPayout) -> PartnerPayout:
    """Take a request back before it is sent: the requester, or any approver. Raises IllegalMove or PermissionDenied."""
    locked = payout_reports.lock(payout.pk)
    if locked.created_by_id != actor.pk and APPROVER not in roles(actor):
        raise PermissionDenied(_("Only the requester or an approver may cancel this."))
    payout_reports.move(locked, Status.CANCELED, way=Way.STAFF, actor=actor)
    return locked


# --- Sending ---
def submit(*, partner_payout_id: int) -> None:
    """Send an approved payout once, or find out what became of an interrupted attempt. Called by workers.

    Harmless when called twice, late or in parallel. Never sends what may have left.
    """
    hit("F2")
    row = PartnerPayout.objects.values("status", "reference__held_at").get(pk=partner_payout_id)
    if row["status"] == Status.SENDING:
        _recover(partner_payout_id)
    elif row["status"] == Status.APPROVED and row["reference__held_at"] is None:
        claimed = _claim(partner_payout_id)
        if claimed is not None:
            _send(claimed)


def _claim(payout_id: int) -> PartnerPayout | None:
    with transaction.atomic(durable=True):
        fence = schedule.claim(PartnerPayout, payout_id, status=Status.APPROVED)
        if fence is None:
            return None
        locked = payout_reports.lock(payout_id)
        locked.fence = fence
        if locked.status != Status.APPROVED:
            return None
        refusal = may_pay_out(locked.account)
        if refusal or freeze.stops(locked.account_id):
            again = timezone.now() + dt.timedelta(seconds=5)
            why = refusal or _("Sending is frozen.")
            schedule.unclaim(
                PartnerPayout,
                payout_id,
                fence,
                **schedule.bump(last_error=why[:300], next_check_at=again),
            )
            return None
        if why := approvals.why_not(reference=locked.reference, digest=bound(locked)):
            payout_reports.move(locked, Status.AWAITING_APPROVAL, way=Way.SYSTEM, last_error=why[:300])
            return None
        payout_reports.move(locked, Status.SENDING, way=Way.SYSTEM, keep_claim=True, sent_at=timezone.now())
    return locked


def _send(payout: PartnerPayout) -> None:
    pk, fence = payout.pk, payout.fence

    def guard() -> None:
        freeze.check(payout.account_id)
        if may_pay_out(ProviderAccount.objects.get(pk=payout.account_id)):
            raise Unavailable("may not pay out", staff=gettext_noop("This account may not pay out any more."))
        if not schedule.holds(PartnerPayout, pk, fence, status=Status.SENDING):
            raise Unavailable("claim lost", staff=gettext_noop("Another worker has taken this over."))
        if approvals.why_not(reference=payout.reference, digest=bound(payout)):
            raise Unavailable("not approved", staff=gettext_noop("The approval does not hold any more."))
        if partner_payees.is_retired(payout.payee_account):
            raise Invalid("destination", staff=partner_payees.RETIRED)

    try:
        if why := _look_before(payout):
            payout_attempts.back_to_approval(payout_id=pk, fence=fence, why=why)
            return
    except ProviderError as error:
        payout_attempts.not_sent(payout_id=pk, fence=fence, error=error)  # only questions have left
        return
    try:
        client = calls.client(
            payout.account, reference=payout.reference, priority="money", guard=guard, fence=fence
        )
        answer = client.request_payout(PartnerPayoutRequest(to_send(payout)))
    except (Unavailable, RateLimited, Denied) as error:
        payout_attempts.not_sent(payout_id=pk, fence=fence, error=error)
    except (Refused, Invalid, NotSupported) as error:
        payout_attempts.fail(payout_id=pk, fence=fence, error=error)
    except OutcomeUnknown as error:
        payout_attempts.doubt(payout_id=pk, fence=fence, error=calls.explain(error), way=Way.REPLY)
    else:
        hit("F9")
        payout_attempts.created(
            payout_id=pk, fence=fence, provider_id=answer.provider_id, complaint=answer.complaint
        )
        hit("F10")


def _look_before(payout: PartnerPayout) -> str:
    """The balance that would leave, and which payouts the exchanger has already. Why it must be approved anew, or ""."""
    client = calls.client(payout.account, reference=payout.reference, priority="money")
    if not isinstance(client, Partner):
        raise NotSupported("partner")
    balance = client.info().balance
    if balance > payout.max_debit or balance <= 0:
        return _("The balance there is %(now)s %(currency)s now, approved were %(then)s.") % {
            "now": money.plain(balance),
            "then": money.plain(payout.expected),
            "currency": payout.currency,
        }
    listed = partner_programs.all_payouts(client)
    if listed.has_stopped:  # after a doubt it must be known what was there before
        raise Unavailable(
            "list not read", staff=gettext_noop("The list of payouts could not be read to its end.")
        )
    known = [row.provider_id for row in listed.page.rows]
    known += filter(None, map(payout_reports.told_id, listed.page.unreadable))
    mine = PartnerPayout.objects.filter(pk=payout.pk, fence=payout.fence, status=Status.SENDING)
    if mine.update(known_before=known) != 1:
        raise Unavailable("claim lost", staff=gettext_noop("Another worker has taken this over."))
    return ""


def _recover(payout_id: int) -> None:
    """A worker vanished between the two transactions: by its attempt we know whether bytes may have left."""
    with transaction.atomic(durable=True):
        fence = schedule.claim(PartnerPayout, payout_id, status=Status.SENDING)
        if fence is None:
            return
        hit("F13")
        reference = Reference.objects.get(partner_payout=payout_id)
        if calls.may_have_left(reference, OPERATION, fence=fence - 1):
            payout_attempts.doubt(
                payout_id=payout_id, fence=fence, error=_("The attempt was interrupted."), way=Way.SYSTEM
            )
        else:
            error = Unavailable(
                "interrupted", staff=gettext_noop("The attempt was interrupted before anything was sent.")
            )
            payout_attempts.not_sent(payout_id=payout_id, fence=fence, error=error)


# --- Asking ---
def refresh(*, partner_payout_id: int, way: str = Way.POLL, priority: str = "poll") -> PartnerPayout:
    """Look for the payout in the exchanger's list and apply its line through the door. Raises ProviderError."""
    payout = PartnerPayout.objects.select_related("reference", "account").get(pk=partner_payout_id)
    if payout.status not in (Status.UNKNOWN, Status.PENDING, Status.COMPLETE, Status.FAILED):
        return payout
    if not payout.provider_id and payout.status != Status.UNKNOWN:
        return payout
    asked_at = timezone.now()
    try:
        client = calls.client(payout.account, reference=payout.reference, priority=priority)
        if not isinstance(client, Partner):
            raise NotSupported("partner")
        hit("F12")
        row = _line(client, payout, way, asked_at)
    except ProviderError as error:
        payout_attempts.not_answered(payout_id=partner_payout_id, error=error, asked_at=asked_at)
        raise
    if row is None:
        raise Refused("get_partner_payouts: not listed", reason="not_found", staff=NOT_LISTED)
    return payout_reports.apply(payout_id=partner_payout_id, report=row, way=way, asked_at=asked_at)


NOT_LISTED = gettext_noop("The exchanger’s list does not show it. That proves nothing yet.")


def _line(client: Any, payout: PartnerPayout, way: str, asked_at: dt.datetime) -> PartnerPayoutReport | None:
    if not payout.provider_id:
        listed = partner_programs.all_payouts(client)
        return payout_reports.found(payout_id=payout.pk, listed=listed, way=way, asked_at=asked_at)
    for row in client.payouts(provider_id=payout.provider_id, limit=500).rows:
        if row.provider_id == payout.provider_id:
            return row
    raise Refused("get_partner_payouts: not listed", reason="not_found", staff=NOT_LISTED)


@guarded("payments.refresh_partnerpayout")
def ask_now(*, actor: Any, payout: PartnerPayout) -> None:
    """Let a worker ask about this payout now."""
    wake.later("payments.refresh_partner_payout", payout.pk)


# --- The clock ---
def expire() -> int:
    """Approvals older than 24 h go back to be approved, requests older than 7 days are canceled. Gives how many."""
    count = 0
    now = timezone.now()
    stale = Approval.objects.filter(
        step=Approval.Step.SEND, used_at__isnull=True, voided_at__isnull=True, expires_at__lte=now
    ).values("reference")
    old = PartnerPayout.objects.filter(status=Status.APPROVED, reference__in=stale)
    late = PartnerPayout.objects.filter(
        status=Status.AWAITING_APPROVAL, created_at__lte=now - REQUEST_LIFETIME
    )
    for pk in list((old | late).values_list("pk", flat=True)[:500]):
        with transaction.atomic():
            locked = payout_reports.lock(pk)
            if locked.status == Status.AWAITING_APPROVAL:
                payout_reports.move(locked, Status.CANCELED, way=Way.CLOCK)
                count += 1
            elif locked.status == Status.APPROVED:
                why = _("The approval is older than 24 hours.")
                payout_reports.move(locked, Status.AWAITING_APPROVAL, way=Way.CLOCK, last_error=why)
                count += 1
    return count


def search_text(payout: PartnerPayout) -> str:
    """What people find a payout by: our number, theirs, way, account (never a card), what for."""
    parts = [
        payout.reference.value,
        payout.provider_id,
        payout.method,
        "" if payout.is_card else payout.shown,
        payout.purpose,
    ]
    return " ".join(part for part in parts if part)
