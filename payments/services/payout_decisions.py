"""What people decide about a partner payout whose outcome is unknown or that is held: two people, fresh evidence. Deals floor.

`complete` takes effect at once; `failed` only when another approver confirms. It is never sent a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.permissions import guarded
from payments.models import Approval, PartnerPayout

from . import approvals, decisions, exceptions, partner, payout_reports

Status = PartnerPayout.Status
Way = audit.Way
SAME_CUSTOMER = gettext_noop(
    "The account's keys were replaced since it was sent. What their list shows now proves nothing."
)


def in_doubt(payout: PartnerPayout) -> bool:
    """Whether people may decide what became of it."""
    held = payout.reference.held_at is not None and payout.status == Status.PENDING
    return payout.status == Status.UNKNOWN or held


def _may_complete(locked: PartnerPayout, actor: Any) -> None:
    if not in_doubt(locked):
        raise ValidationError(_("Only an unknown outcome or a hold can be resolved."))
    decisions.check_outsider(row=locked, actor=actor)
    decisions.fresh_look(locked.reference)


def _clean_look(locked: PartnerPayout) -> None:
    look = decisions.fresh_look(locked.reference)
    if locked.missed_at is None or locked.missed_at < timezone.now() - decisions.FRESH:
        raise ValidationError(_("Press “Check now” first: the list must have been read without finding it."))
    decisions.check_settled(reference=locked.reference, operation=partner.OPERATION, look=look)
    decisions.check_same_customer(row=locked, operation=partner.OPERATION, why=_(SAME_CUSTOMER))


def _may_fail(locked: PartnerPayout, actor: Any) -> None:
    _may_complete(locked, actor)
    if not locked.provider_id:
        _clean_look(locked)


def _may_confirm(locked: PartnerPayout, actor: Any) -> Approval:
    found = decisions.check_second(
        row=locked, actor=actor, found=pending(locked), digest=partner.bound(locked)
    )
    if not in_doubt(locked):
        raise ValidationError(_("Only an unknown outcome or a hold can be resolved."))
    if not locked.provider_id:
        _clean_look(locked)
    return found


CHECKS: dict[str, Callable[[PartnerPayout, Any], object]] = {
    "complete": _may_complete,
    "failed": _may_fail,
    "confirm": _may_confirm,
}


def why_not(*, actor: Any, payout: PartnerPayout, step: str) -> str:
    """What bars this person from this step (of CHECKS) now, as a sentence; "" when nothing does. Reads only."""
    try:
        CHECKS[step](payout, actor)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@guarded("payments.resolve_partnerpayout")
@transaction.atomic
def resolve(*, actor: Any, payout: PartnerPayout, outcome: str, note: str) -> PartnerPayout:
    """Say what became of it: `complete` at once, `failed` once another approver confirms. Raises ValidationError."""
    note = decisions.noted(note)
    locked = payout_reports.lock(payout.pk)
    if outcome == Status.COMPLETE:
        _may_complete(locked, actor)
        payout_reports.book(locked, way=Way.STAFF, actor=actor)
        _end(locked, Status.COMPLETE, actor, note)
    elif outcome == Status.FAILED:
        _may_fail(locked, actor)
        decisions.propose(
            row=locked,
            actor=actor,
            step=Approval.Step.RESOLVE,
            digest=partner.bound(locked),
            outcome=outcome,
            note=note,
        )
        PartnerPayout.objects.filter(pk=locked.pk).update(version=locked.version + 1)
        audit.record(actor, "partnerpayout.resolve_proposed", locked, note=note)
    else:
        raise ValidationError({"outcome": _("Choose complete or failed.")})
    return locked


def _end(locked: PartnerPayout, status: str, actor: Any, note: str) -> None:
    if locked.reference.held_at is not None:
        exceptions.end_hold(actor=actor, reference=locked.reference, note=note)
    approvals.void(reference=locked.reference, reason=_("resolved"))
    payout_reports.move(locked, status, way=Way.STAFF, actor=actor, note=note)


def pending(payout: PartnerPayout) -> Approval | None:
    """The proposal that waits for a second person, if there is one."""
    return decisions.proposal(payout.reference) if in_doubt(payout) else None


@guarded("payments.confirm_partnerpayout")
@transaction.atomic
def confirm(*, actor: Any, payout: PartnerPayout) -> PartnerPayout:
    """The second person's yes to `failed`, with evidence that is fresh again. Raises ValidationError."""
    locked = payout_reports.lock(payout.pk)
    found = _may_confirm(locked, actor)
    approvals.use(found)
    payout_reports.take_back(locked, way=Way.STAFF, actor=actor)
    _end(locked, Status.FAILED, actor, found.note)
    return locked


def waiting_for(user: Any) -> QuerySet[PartnerPayout]:
    """The payouts that wait for this person's confirmation."""
    doubted = Q(reference__partner_payout__status=Status.UNKNOWN)
    held = Q(reference__partner_payout__status=Status.PENDING, reference__held_at__isnull=False)
    proposed = Approval.objects.standing(Approval.Step.RESOLVE).filter(doubted | held).exclude(approver=user)
    return PartnerPayout.objects.filter(reference__in=proposed.values("reference")).exclude(created_by=user)
