"""What people decide about a bid whose outcome is unknown or that is held, and the second person's yes. Deals floor.

`complete` takes effect at once and is booked; `failed` and `refunded` when another approver confirms. A bid is never
sent a second time: a new one has a new rate, and a person sees it first.
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
from payments.models import Approval, Bid, BidAct

from . import approvals, bid_acts, bid_reports, bids, decisions, exceptions

Status = Bid.Status
Way = audit.Way
SAME_CUSTOMER = gettext_noop(
    "The account's keys were replaced since it was sent. What their list shows now proves nothing."
)
PROPOSED = (Status.FAILED, Status.REFUNDED)


def in_doubt(bid: Bid) -> bool:
    """Whether people may decide what became of it."""
    held = bid.reference.held_at is not None and bid.status in Bid.LIVE
    return bid.status == Status.UNKNOWN or held


def _decidable(locked: Bid) -> None:
    if not in_doubt(locked):
        raise ValidationError(_("Only an unknown outcome or a hold can be resolved."))


def _check_outsider(locked: Bid, actor: Any) -> None:
    decisions.check_outsider(row=locked, actor=actor)
    if BidAct.objects.filter(Q(created_by=actor) | Q(confirmed_by=actor), bid=locked).exists():
        raise ValidationError(
            _("You asked for something to be done with it. Somebody who had no part in it must decide.")
        )


def _clean_look(locked: Bid) -> None:
    """The exchanger's whole list was read a moment ago without finding it, and the attempt cannot arrive any more."""
    look = decisions.fresh_look(locked.reference)
    if locked.missed_at is None or locked.missed_at < timezone.now() - decisions.FRESH:
        raise ValidationError(
            _("Press “Check now” first: the whole list must have been read without finding it.")
        )
    decisions.check_settled(reference=locked.reference, operation=bids.OPERATION, look=look)
    decisions.check_same_customer(row=locked, operation=bids.OPERATION, why=_(SAME_CUSTOMER))


# --- Who may decide what now ---
def _may_complete(locked: Bid, actor: Any) -> None:
    _decidable(locked)
    _check_outsider(locked, actor)
    decisions.fresh_look(locked.reference)


def _may_refund(locked: Bid, actor: Any) -> None:
    _may_complete(locked, actor)
    if not locked.provider_id:
        raise ValidationError(_("The exchanger shows no such bid, so nothing can have been refunded."))


def _may_fail(locked: Bid, actor: Any) -> None:
    _may_complete(locked, actor)
    if not locked.provider_id:
        _clean_look(locked)


def _may_confirm(locked: Bid, actor: Any) -> Approval:
    found = decisions.check_second(row=locked, actor=actor, found=pending(locked), digest=bound(locked))
    _decidable(locked)
    decisions.fresh_look(locked.reference)
    if not locked.provider_id:
        _clean_look(locked)
    return found


CHECKS: dict[str, Callable[[Bid, Any], object]] = {
    "complete": _may_complete,
    "refunded": _may_refund,
    "failed": _may_fail,
    "confirm": _may_confirm,
}


def why_not(*, actor: Any, bid: Bid, step: str) -> str:
    """What bars this person from this step (of CHECKS) now, as a sentence; "" when nothing does. Reads only."""
    try:
        CHECKS[step](bid, actor)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def bound(bid: Bid) -> str:
    """The digest of what is decided about: this bid, as it stands."""
    return approvals.digest(
        reference=bid.reference,
        account=bid.account,
        payload={"bid": bid.provider_id, "word": bid.provider_status},
        max_debit=bid.amount_give or bid.expected_give or bids.NOTHING,
    )


# --- Deciding ---
@guarded("payments.resolve_bid")
@transaction.atomic
def resolve(*, actor: Any, bid: Bid, outcome: str, note: str) -> Bid:
    """Say what became of it: `complete` at once; `failed` or `refunded` once another approver confirms.

    Raises ValidationError (state, person, note, age of the look-up).
    """
    note = decisions.noted(note)
    locked = bid_reports.lock(bid.pk)
    if outcome not in CHECKS or outcome == "confirm":
        raise ValidationError({"outcome": _("Choose complete, refunded or failed.")})
    CHECKS[outcome](locked, actor)
    if outcome == Status.COMPLETE:
        _end(locked, Status.COMPLETE, actor, note)
        return locked
    decisions.propose(
        row=locked,
        actor=actor,
        step=Approval.Step.RESOLVE,
        digest=bound(locked),
        outcome=outcome,
        note=note,
    )
    Bid.objects.filter(pk=locked.pk).update(version=locked.version + 1)
    audit.record(actor, "bid.resolve_proposed", locked, note=note, outcome=outcome)
    return locked


def _end(locked: Bid, status: str, actor: Any, note: str) -> None:
    if locked.reference.held_at is not None:
        exceptions.end_hold(actor=actor, reference=locked.reference, note=note)
    approvals.void(reference=locked.reference, reason=_("resolved"))
    bid_reports.move(locked, status, way=Way.STAFF, actor=actor, note=note)


def pending(bid: Bid) -> Approval | None:
    """The proposal that waits for a second person, if there is one; none once the bid is out of doubt."""
    return decisions.proposal(bid.reference) if in_doubt(bid) else None


@guarded("payments.confirm_bid")
def confirm(*, actor: Any, bid: Bid, seen: str = "") -> Bid:
    """The second person's yes: to “complete” that is to be declared, or to a proposed end of a bid in doubt.

    `seen`: the digest of what the person was shown. Raises ValidationError.
    """
    if bid_acts.awaiting(bid) is not None:
        return bid_acts.confirm(actor=actor, bid=bid, seen=seen).bid
    with transaction.atomic():
        locked = bid_reports.lock(bid.pk)
        found = _may_confirm(locked, actor)
        if seen and seen != found.digest:
            raise ValidationError(_("Something has changed since you opened this page. Read it again."))
        approvals.use(found)
        _end(locked, found.outcome, actor, found.note)
    return locked


# --- What waits ---
def open_proposals() -> QuerySet[Approval]:
    """The proposals that still wait for a second person: those whose bid is still in doubt or held."""
    doubted = Q(reference__bid__status=Status.UNKNOWN)
    held = Q(reference__bid__status__in=Bid.LIVE, reference__held_at__isnull=False)
    return Approval.objects.standing(Approval.Step.RESOLVE).filter(doubted | held)


def waiting_for(user: Any) -> QuerySet[Bid]:
    """The bids that wait for this person's confirmation."""
    proposed = open_proposals().exclude(approver=user).values("reference")
    asked = BidAct.objects.filter(status=BidAct.Status.AWAITING).exclude(created_by=user).values("bid")
    return Bid.objects.filter(Q(reference__in=proposed) | Q(pk__in=asked)).exclude(created_by=user)


def minutes_left(bid: Bid) -> int:
    """How long the attempt to create it may still arrive, in begun minutes."""
    tries = decisions.attempts(bid.reference, bids.OPERATION)
    return decisions.minutes_left(tries[0] if tries else None)
