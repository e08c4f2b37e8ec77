"""Withdrawals: requesting, approving, sending once, asking. Deals floor.

What a report means stands in withdrawal_reports, what people decide about unknown outcomes in withdrawal_decisions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import wake
from backoffice.kit.states import IllegalMove
from backoffice.permissions import APPROVER, guarded, roles
from payments.models import Approval, ProviderAccount, Reference, Withdrawal
from payments.providers.base import WithdrawalRequest
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
    approvals,
    batch_deposits,
    callback_tokens,
    calls,
    freeze,
    references,
    reservations,
    schedule,
    withdrawal_attempts,
    withdrawal_fields,
    withdrawal_reports,
    withdrawal_scans,
)
from .failpoints import hit

Status = Withdrawal.Status
Way = audit.Way
OPERATION = "withdraw"
REQUEST_LIFETIME = dt.timedelta(days=7)


# --- Requesting ---
@guarded("payments.request_withdrawal")
def request(
    *,
    actor: Any,
    account: ProviderAccount,
    fields: dict[str, Any],
    form_token: UUID | None = None,
    link: Callable[[Withdrawal], None] | None = None,
) -> Withdrawal:
    """Make a request that another person approves. The same form (actor and token) twice gives the same row.

    `fields` are under the provider's parameter names, amounts as text, and ours: `_max_debit` (balance currency),
    `_customer_reference`, `_note`, `_confirm_similar`, `_confirm_own`. `link` ties the new row to what it pays, in its transaction;
    where that refuses, there is no request. Raises ValidationError by field.
    """
    earlier = _by_token(actor, form_token)
    if earlier is not None:
        return earlier
    values = withdrawal_fields.check(account=account, fields=fields)
    hit("F0")
    try:
        with transaction.atomic(durable=True):
            reference = references.take(account=account, kind=Reference.Kind.WITHDRAWAL)
            withdrawal = Withdrawal.objects.create(
                reference=reference, account=account, created_by=actor, form_token=form_token, **values
            )
            callback_tokens.object_token(reference)
            if link is not None:
                link(withdrawal)
            _check_bar(withdrawal)
            audit.record(actor, "withdrawal.requested", withdrawal, **withdrawal_fields.facts(withdrawal))
            wake.later("backoffice.index_object", "withdrawal", withdrawal.pk)
    except IntegrityError:
        earlier = _by_token(actor, form_token)
        if earlier is None:
            raise
        return earlier
    return withdrawal


def _check_bar(withdrawal: Withdrawal) -> None:
    if why := batch_deposits.bar(withdrawal):
        raise ValidationError(why)


def _by_token(actor: Any, form_token: UUID | None) -> Withdrawal | None:
    if form_token is None:
        return None
    return Withdrawal.objects.filter(created_by=actor, form_token=form_token).first()


# --- Deciding before it is sent ---
def bound(withdrawal: Withdrawal) -> str:
    """The digest of what would leave now."""
    return approvals.digest(
        reference=withdrawal.reference,
        account=withdrawal.account,
        payload=withdrawal_fields.to_bind(withdrawal),
        max_debit=withdrawal.max_debit,
    )


@guarded("payments.approve_withdrawal")
def approve(*, actor: Any, withdrawal: Withdrawal, seen: str = "") -> Withdrawal:
    """Approve exactly what is stored, reserve its cost, and let a worker send it.

    `seen`: the digest (`bound`) of what the person was shown; another one now is refused. Raises ValidationError (own
    request, role given by the requester, not enough available, account may not pay out, not what was seen) or
    IllegalMove.
    """
    with transaction.atomic():
        locked = withdrawal_reports.lock(withdrawal.pk)
        approvals.check_person(actor=actor, requester=locked.created_by)
        if batch := batch_deposits.paid_by(locked):
            approvals.check_person(actor=actor, requester=batch.created_by)
        if refusal := withdrawal_fields.may_pay_out(locked.account):
            raise ValidationError(refusal)
        _check_bar(locked)
        if (
            locked.status != Status.AWAITING_APPROVAL
        ):  # what is unknown may be approved again, but not by this door
            raise IllegalMove(locked.status, Status.APPROVED)
        withdrawal_fields.check_fee(locked)
        reservations.reserve_all(
            account=locked.account,
            amounts=withdrawal_fields.to_reserve(locked),
            reference=locked.reference,
        )
        digest = bound(locked)
        if seen and seen != digest:
            raise ValidationError(_("Something has changed since you opened this page. Read it again."))
        approvals.grant(reference=locked.reference, step=Approval.Step.SEND, digest=digest, approver=actor)
        withdrawal_reports.move(
            locked, Status.APPROVED, way=Way.STAFF, actor=actor, next_check_at=timezone.now(), digest=digest
        )
        transaction.on_commit(lambda: hit("F1"))  # committed, and nobody is woken yet
        wake.later("payments.submit_withdrawal", locked.pk)
    return locked


@guarded("payments.approve_withdrawal")
@transaction.atomic
def reveal(*, actor: Any, withdrawal: Withdrawal) -> str:
    """The whole destination, for the page where it is approved. A card is shown to nobody without a trace.

    Raises ValidationError for what is decided already and for one's own request.
    """
    if withdrawal.status != Status.AWAITING_APPROVAL:
        raise ValidationError(_("This is decided already."))
    approvals.check_person(actor=actor, requester=withdrawal.created_by)
    if withdrawal.is_card:
        audit.record(actor, "withdrawal.revealed", withdrawal, to=withdrawal.shown)
    return withdrawal.purse


@guarded("payments.approve_withdrawal")
@transaction.atomic
def reject(*, actor: Any, withdrawal: Withdrawal, reason: str) -> Withdrawal:
    """Refuse a request, with a reason. Raises ValidationError or IllegalMove."""
    reason = (reason or "").strip()
    if not reason:
        raise ValidationError({"reason": _("Write why.")})
    locked = withdrawal_reports.lock(withdrawal.pk)
    approvals.check_person(actor=actor, requester=locked.created_by)
    withdrawal_reports.move(locked, Status.REJECTED, way=Way.STAFF, actor=actor, note=reason)
    return locked


@guarded("payments.cancel_withdrawal")
@transaction.atomic
def cancel(*, actor: Any, withdrawal: Withdrawal) -> Withdrawal:
    """Take a request back before it is sent: the requester, or any approver. Raises IllegalMove or PermissionDenied."""
    locked = withdrawal_reports.lock(withdrawal.pk)
    if locked.created_by_id != actor.pk and APPROVER not in roles(actor):
        raise PermissionDenied(_("Only the requester or an approver may cancel this."))
    if locked.status == Status.APPROVED and calls.may_have_left(locked.reference, OPERATION):
        raise ValidationError(
            _("It was sent before and may have arrived, so it cannot be taken back any more.")
        )
    withdrawal_reports.move(locked, Status.CANCELED, way=Way.STAFF, actor=actor)
    return locked


# --- Sending ---
def submit(*, withdrawal_id: int) -> None:
    """Send an approved withdrawal once, or find out what became of an interrupted attempt.

    Called by workers; harmless when called twice, late or in parallel. Never sends what may have left.
    """
    hit("F2")
    row = Withdrawal.objects.filter(pk=withdrawal_id).values("status", "reference__held_at").get()
    if row["status"] == Status.SENDING:
        _recover(withdrawal_id)
    elif row["status"] == Status.APPROVED and row["reference__held_at"] is None:
        claimed = _claim(withdrawal_id)
        if claimed is not None:
            _send(claimed)


def _claim(withdrawal_id: int) -> Withdrawal | None:
    """The first transaction: the row is `sending` before anything leaves. None: not now, or not any more."""
    with transaction.atomic(durable=True):
        fence = schedule.claim(Withdrawal, withdrawal_id, status=Status.APPROVED)
        if fence is None:
            return None
        locked = withdrawal_reports.lock(withdrawal_id)
        locked.fence = fence
        if locked.status != Status.APPROVED:
            return None
        refusal = withdrawal_fields.may_pay_out(locked.account)
        if refusal or freeze.stops(locked.account_id):
            _wait(locked, refusal or _("Sending is frozen."))
            return None
        if why := batch_deposits.bar(locked):
            back_to_approval(locked, why)
            return None
        if why := approvals.why_not(reference=locked.reference, digest=bound(locked)):
            back_to_approval(locked, why)
            return None
        withdrawal_reports.move(
            locked, Status.SENDING, way=Way.SYSTEM, keep_claim=True, sent_at=timezone.now()
        )
    return locked


def _wait(locked: Withdrawal, why: str) -> None:
    schedule.unclaim(
        Withdrawal,
        locked.pk,
        locked.fence,
        **schedule.bump(last_error=why[:300], next_check_at=timezone.now() + dt.timedelta(seconds=5)),
    )


def back_to_approval(locked: Withdrawal, why: str) -> None:
    """The approval does not hold any more: void it, let the reservation go, ask for a new one.

    What was to be sent again may have arrived the first time: it keeps its reservation and is in doubt as before.
    """
    approvals.void(reference=locked.reference, reason=why)
    before = calls.may_have_left(locked.reference, OPERATION)
    status = Status.UNKNOWN if before else Status.AWAITING_APPROVAL
    withdrawal_reports.move(locked, status, way=Way.SYSTEM, last_error=why[:300], note=why)


def _send(withdrawal: Withdrawal) -> None:
    pk, fence = withdrawal.pk, withdrawal.fence

    def guard() -> None:
        freeze.check(withdrawal.account_id)
        if withdrawal_fields.may_pay_out(ProviderAccount.objects.get(pk=withdrawal.account_id)):
            raise Unavailable("may not pay out", staff=gettext_noop("This account may not pay out any more."))
        if batch_deposits.bar(withdrawal):
            raise Unavailable(
                "deposit", staff=gettext_noop("The batch payout that it pays may not be paid any more.")
            )
        if not schedule.holds(Withdrawal, pk, fence, status=Status.SENDING):
            raise Unavailable("claim lost", staff=gettext_noop("Another worker has taken this over."))
        if approvals.why_not(reference=withdrawal.reference, digest=bound(withdrawal)):
            raise Unavailable("not approved", staff=gettext_noop("The approval does not hold any more."))

    try:
        client = calls.client(
            withdrawal.account, reference=withdrawal.reference, priority="money", guard=guard, fence=fence
        )
        request = WithdrawalRequest(
            reference=withdrawal.reference.value,
            fields=withdrawal_fields.to_send(withdrawal),
            callback_url=callback_tokens.object_callback_url(withdrawal.reference),
        )
        report = client.withdraw(request)
    except (Unavailable, RateLimited) as error:
        withdrawal_attempts.not_sent(withdrawal_id=pk, fence=fence, error=error)
    except Refused as error:
        if error.reason == "exists":
            withdrawal_attempts.doubt(
                withdrawal_id=pk, fence=fence, error=calls.explain(error), way=Way.REPLY
            )
        else:
            _refused(withdrawal, error)
    except Denied as error:
        # Nothing happened there and nothing will until an admin acts: the request keeps its place.
        withdrawal_attempts.not_sent(withdrawal_id=pk, fence=fence, error=error)
    except (Invalid, NotSupported) as error:
        _refused(withdrawal, error)
    except OutcomeUnknown as error:
        withdrawal_attempts.doubt(withdrawal_id=pk, fence=fence, error=calls.explain(error), way=Way.REPLY)
    else:
        hit("F9")
        withdrawal_reports.apply(withdrawal_id=pk, report=report, way=Way.REPLY)
        hit("F10")


def _refused(withdrawal: Withdrawal, error: ProviderError) -> None:
    """This attempt had no effect. One before it may have had: then nobody knows more than before."""
    told: dict[str, Any] = {"withdrawal_id": withdrawal.pk, "fence": withdrawal.fence, "way": Way.REPLY}
    if calls.may_have_left(withdrawal.reference, OPERATION, but=withdrawal.fence):
        withdrawal_attempts.doubt(error=calls.explain(error), **told)
    else:
        withdrawal_attempts.fail(error=error, **told)


def _recover(withdrawal_id: int) -> None:
    """A worker vanished between the two transactions: by its attempt we know whether bytes may have left.

    Claim and decision are one transaction: if this worker vanishes too, the next finds the same evidence.
    """
    with transaction.atomic(durable=True):
        fence = schedule.claim(Withdrawal, withdrawal_id, status=Status.SENDING)
        if fence is None:
            return
        hit("F13")
        reference = Reference.objects.get(withdrawal=withdrawal_id)
        if calls.may_have_left(reference, OPERATION, fence=fence - 1):
            withdrawal_attempts.doubt(
                withdrawal_id=withdrawal_id,
                fence=fence,
                error=_("The attempt was interrupted."),
                way=Way.SYSTEM,
            )
        else:
            error = Unavailable(
                "interrupted", staff=gettext_noop("The attempt was interrupted before anything was sent.")
            )
            withdrawal_attempts.not_sent(withdrawal_id=withdrawal_id, fence=fence, error=error)


# --- Asking ---
def refresh(*, withdrawal_id: int, way: str = Way.POLL, priority: str = "poll") -> Withdrawal:
    """Ask the provider about one withdrawal and apply its answer through the door.

    Raises ProviderError when it cannot be asked or does not know it; the row then says so and stays.
    """
    withdrawal = Withdrawal.objects.select_related("reference", "account").get(pk=withdrawal_id)
    if withdrawal.status not in (Status.UNKNOWN, Status.PENDING, Status.COMPLETE, Status.FAILED):
        return withdrawal
    if withdrawal_scans.is_scanned(withdrawal.account):
        return withdrawal_scans.look(withdrawal, way=way, priority=priority)
    asked_at = timezone.now()
    try:
        client = calls.client(withdrawal.account, reference=withdrawal.reference, priority=priority)
        hit("F12")
        report = client.find_withdrawal(withdrawal.reference.value)
    except ProviderError as error:
        withdrawal_attempts.not_answered(withdrawal_id=withdrawal_id, error=error, asked_at=asked_at)
        raise
    return withdrawal_reports.apply(withdrawal_id=withdrawal_id, report=report, way=way, asked_at=asked_at)


@guarded("payments.refresh_withdrawal")
def ask_now(*, actor: Any, withdrawal: Withdrawal) -> None:
    """Let a worker ask about this withdrawal now."""
    wake.later("payments.refresh_withdrawal", withdrawal.pk)


# --- The clock ---
def expire() -> int:
    """Approvals older than 24 h go back to be approved, requests older than 7 days are canceled. Gives how many."""
    count = 0
    stale = Approval.objects.filter(
        step=Approval.Step.SEND, used_at__isnull=True, voided_at__isnull=True, expires_at__lte=timezone.now()
    ).values("reference")
    old = Withdrawal.objects.filter(status=Status.APPROVED, reference__in=stale).values_list("pk", flat=True)[
        :500
    ]
    for pk in list(old):
        with transaction.atomic():
            locked = withdrawal_reports.lock(pk)
            if locked.status == Status.APPROVED and approvals.why_not(
                reference=locked.reference, digest=bound(locked)
            ):
                back_to_approval(locked, _("The approval is older than 24 hours."))
                count += 1
    late = Withdrawal.objects.filter(
        status=Status.AWAITING_APPROVAL, created_at__lte=timezone.now() - REQUEST_LIFETIME
    ).values_list("pk", flat=True)[:500]
    for pk in list(late):
        with transaction.atomic():
            locked = withdrawal_reports.lock(pk)
            if locked.status == Status.AWAITING_APPROVAL:
                withdrawal_reports.move(locked, Status.CANCELED, way=Way.CLOCK)
                count += 1
    return count


def search_text(withdrawal: Withdrawal) -> str:
    """What people find a withdrawal by: our number, theirs, payee, destination (never a card), what for."""
    parts = [
        withdrawal.reference.value,
        withdrawal.provider_id,
        withdrawal.transaction_id,
        withdrawal.payee,
        "" if withdrawal.is_card else withdrawal.shown,
        withdrawal.purpose,
        *(withdrawal.fields.get(name, "") for name in ("name", "surname")),
    ]
    return " ".join(part for part in parts if part)
