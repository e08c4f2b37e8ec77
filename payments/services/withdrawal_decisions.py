"""What people decide about a withdrawal whose outcome is unknown or that is held: two people, fresh evidence. Deals floor.

`complete` takes effect at once; `failed` and sending again only when another approver confirms.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from backoffice import audit
from backoffice.permissions import guarded
from payments.models import Approval, ProviderCall, Withdrawal
from payments.providers import PROVIDERS

from . import (
    approvals,
    decisions,
    exceptions,
    withdrawal_bookings,
    withdrawal_reports,
    withdrawal_scans,
    withdrawals,
)

Status = Withdrawal.Status
Way = audit.Way
SAME_CUSTOMER = gettext_noop(
    "The account's keys were replaced since it was sent. What is said to the new ones proves nothing about it, and sending"
    " again could pay twice."
)


def in_doubt(withdrawal: Withdrawal) -> bool:
    """Whether people may decide what became of it."""
    held = withdrawal.reference.held_at is not None and withdrawal.status == Status.PENDING
    return withdrawal.status == Status.UNKNOWN or held


def _decidable(locked: Withdrawal) -> None:
    if not in_doubt(locked):
        raise ValidationError(_("Only an unknown outcome or a hold can be resolved."))


def last_look(locked: Withdrawal) -> ProviderCall | None:
    """The newest look-up of this withdrawal at the provider."""
    if withdrawal_scans.is_scanned(locked.account):
        return decisions.after_attempts(locked.reference, withdrawal_scans.evidence(locked))
    return decisions.last_look(locked.reference)


def _fresh_look(locked: Withdrawal) -> ProviderCall:
    return decisions.check_fresh(last_look(locked))


def _clean_look(locked: Withdrawal) -> None:
    """The provider says now that it does not know the reference, and enough time has passed since the attempt."""
    look = _fresh_look(locked)
    if not look.says_not_found:
        raise ValidationError(
            _("The last look-up did not say “not found”. There is something to read first.")
        )
    if withdrawal_scans.is_scanned(locked.account) and (left := withdrawal_scans.looks_left(locked)):
        raise ValidationError(
            ngettext(
                "The whole list must be read %s more time, some minutes apart.",
                "The whole list must be read %s more times, some minutes apart.",
                left,
            )
            % left
        )
    decisions.check_settled(reference=locked.reference, operation=withdrawals.OPERATION, look=look)


# --- Who may decide what now ---
def _may_complete(locked: Withdrawal, actor: Any) -> None:
    _decidable(locked)
    decisions.check_outsider(row=locked, actor=actor)
    _fresh_look(locked)


def _may_fail(locked: Withdrawal, actor: Any) -> None:
    _decidable(locked)
    decisions.check_outsider(row=locked, actor=actor)
    _clean_look(locked)
    _same_customer(locked)


def _may_resend(locked: Withdrawal, actor: Any) -> None:
    if locked.status != Status.UNKNOWN:
        raise ValidationError(_("Only an unknown outcome can be sent again."))
    if PROVIDERS[locked.account.provider].dedupes != "A":
        raise ValidationError(_("This provider does not refuse repeats. Sending again could pay twice."))
    decisions.check_outsider(row=locked, actor=actor)
    _clean_look(locked)
    _same_customer(locked)


def _same_customer(locked: Withdrawal) -> None:
    """Another customer's list does not show what was paid, and repeats are refused only to the customer who sent it."""
    decisions.check_same_customer(row=locked, operation=withdrawals.OPERATION, why=_(SAME_CUSTOMER))


def _may_confirm(locked: Withdrawal, actor: Any) -> Approval:
    proposal = decisions.check_second(
        row=locked, actor=actor, found=pending(locked), digest=withdrawals.bound(locked)
    )
    _decidable(locked)
    _clean_look(locked)
    _same_customer(locked)
    return proposal


CHECKS: dict[str, Callable[[Withdrawal, Any], object]] = {
    "complete": _may_complete,
    "failed": _may_fail,
    "resend": _may_resend,
    "confirm": _may_confirm,
}


def why_not(*, actor: Any, withdrawal: Withdrawal, step: str) -> str:
    """What bars this person from this step (of CHECKS) now, as a sentence; "" when nothing does. Reads only."""
    try:
        CHECKS[step](withdrawal, actor)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@guarded("payments.resolve_withdrawal")
@transaction.atomic
def resolve(*, actor: Any, withdrawal: Withdrawal, outcome: str, note: str) -> Withdrawal:
    """Say what became of it: `complete` at once, `failed` once another approver confirms.

    Raises ValidationError (state, person, note, age of the look-up).
    """
    note = decisions.noted(note)
    locked = withdrawal_reports.lock(withdrawal.pk)
    if outcome == Status.COMPLETE:
        _may_complete(locked, actor)
        _complete(locked, actor, note)
    elif outcome == Status.FAILED:
        _may_fail(locked, actor)
        _propose(locked, actor, Approval.Step.RESOLVE, note)
    else:
        raise ValidationError({"outcome": _("Choose complete or failed.")})
    return locked


def _propose(locked: Withdrawal, actor: Any, step: str, note: str) -> None:
    outcome = Status.FAILED if step == Approval.Step.RESOLVE else ""
    decisions.propose(
        row=locked, actor=actor, step=step, digest=withdrawals.bound(locked), outcome=outcome, note=note
    )
    Withdrawal.objects.filter(pk=locked.pk).update(version=locked.version + 1)
    audit.record(actor, f"withdrawal.{step}_proposed", locked, note=note)


def _complete(locked: Withdrawal, actor: Any, note: str) -> None:
    if locked.debit is None and locked.fee_payer:
        withdrawal_bookings.book_computed(locked, way=Way.STAFF, actor=actor)
    elif locked.debit is None:
        # Nobody stated the debit: the estimate is booked and marked, the next balance shows the rest.
        debit = locked.estimate or locked.max_debit
        same = locked.balance_currency == locked.currency
        amount = min(locked.amount, debit) if same else debit
        locked.amount_from, locked.debit = amount, debit
        locked.save(update_fields=["amount_from", "debit"])
        withdrawal_bookings.book(
            locked,
            amount=amount,
            fee=debit - amount if debit > amount else Decimal(0),
            way=Way.STAFF,
            label=gettext_noop("assumed, resolved by a person"),
            actor=actor,
        )
    _release(locked, actor, note)
    approvals.void(reference=locked.reference, reason=_("resolved"))
    withdrawal_reports.move(locked, Status.COMPLETE, way=Way.STAFF, actor=actor, note=note)


def _release(locked: Withdrawal, actor: Any, note: str) -> None:
    if locked.reference.held_at is not None:
        exceptions.end_hold(actor=actor, reference=locked.reference, note=note)


@guarded("payments.resolve_withdrawal")
@transaction.atomic
def resend(*, actor: Any, withdrawal: Withdrawal, note: str) -> Withdrawal:
    """Propose to send the same reference again; takes effect when another approver confirms.

    Only where the provider refuses repeats (grade A), after a clean look-up and the settle window.
    Raises ValidationError.
    """
    note = decisions.noted(note)
    locked = withdrawal_reports.lock(withdrawal.pk)
    _may_resend(locked, actor)
    _propose(locked, actor, Approval.Step.RESEND, note)
    return locked


def pending(withdrawal: Withdrawal) -> Approval | None:
    """The proposal that waits for a second person, if there is one; none once it has healed."""
    return decisions.proposal(withdrawal.reference) if in_doubt(withdrawal) else None


@guarded("payments.confirm_withdrawal")
@transaction.atomic
def confirm(*, actor: Any, withdrawal: Withdrawal) -> Withdrawal:
    """The second person's yes to `failed` or to sending again, with evidence that is fresh again.

    Raises ValidationError for the proposer, the requester, or when a look-up has found something since.
    """
    locked = withdrawal_reports.lock(withdrawal.pk)
    proposal = _may_confirm(locked, actor)
    approvals.use(proposal)
    if proposal.step == Approval.Step.RESOLVE:
        withdrawal_bookings.take_back(locked, way=Way.STAFF, actor=actor)
        _release(locked, actor, proposal.note)
        withdrawal_reports.move(locked, Status.FAILED, way=Way.STAFF, actor=actor, note=proposal.note)
    else:
        approvals.grant(
            reference=locked.reference, step=Approval.Step.SEND, digest=proposal.digest, approver=actor
        )
        withdrawal_reports.move(
            locked,
            Status.APPROVED,
            way=Way.STAFF,
            actor=actor,
            note=proposal.note,
            next_check_at=timezone.now(),
        )
    return locked


def open_proposals() -> QuerySet[Approval]:
    """The proposals that still wait for a second person: those whose withdrawal is still in doubt or held."""
    doubted = Q(reference__withdrawal__status=Status.UNKNOWN)
    held = Q(reference__withdrawal__status=Status.PENDING, reference__held_at__isnull=False)
    return Approval.objects.standing(*decisions.PROPOSALS).filter(doubted | held)


def waiting_for(user: Any) -> QuerySet[Approval]:
    """The proposals that wait for this person's confirmation."""
    return open_proposals().exclude(approver=user).exclude(reference__withdrawal__created_by=user)
