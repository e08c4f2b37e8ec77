"""What the provider's word means for a withdrawal: the one door for its state, its booking and its holds. Deals floor.

Every way in (reply, poll, staff, clock) ends in `move`, `apply`, `doubt`, `fail`, `not_sent` or `not_answered` here.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import html
from backoffice.kit.states import check_move
from payments.models import ExceptionItem, Withdrawal
from payments.providers.base import WithdrawalReport
from payments.providers.wallets import ListedWithdrawalReport

from . import (
    approvals,
    exceptions,
    references,
    reservations,
    schedule,
    withdrawal_bookings,
    withdrawal_claims,
)
from .failpoints import hit

Status = Withdrawal.Status
Kind = ExceptionItem.Kind
FINAL = {Status.COMPLETE, Status.FAILED, Status.REJECTED, Status.CANCELED}
ENDS_RESERVATION = {Status.FAILED, Status.REJECTED, Status.CANCELED, Status.AWAITING_APPROVAL}

# Time since it was sent: pause until it is asked about again.
PENDING_AGES: schedule.Ages = [
    (dt.timedelta(minutes=2), dt.timedelta(seconds=5)),
    (dt.timedelta(minutes=30), dt.timedelta(seconds=30)),
    (dt.timedelta(hours=6), dt.timedelta(minutes=5)),
    (dt.timedelta(days=3), dt.timedelta(minutes=30)),
    (dt.timedelta(days=90), dt.timedelta(hours=6)),
]
# A complete one is looked at now and then for a day: a final word taken back must be seen.
COMPLETE_AGES: schedule.Ages = [(dt.timedelta(days=1), dt.timedelta(hours=6))]


def lock(withdrawal_id: int) -> Withdrawal:
    """The row, locked, with what belongs to it as it is now.

    Read after the lock was had, and not joined to it: of a row that was waited for only the row itself is read anew,
    so a hold or a moved account that came meanwhile would be overlooked.
    """
    Withdrawal.objects.select_for_update().only("pk").get(pk=withdrawal_id)
    return Withdrawal.objects.select_related("reference", "account", "created_by").get(pk=withdrawal_id)


def lock_free(withdrawal_id: int) -> Withdrawal:
    """The row as it is now, not locked."""
    return Withdrawal.objects.select_related("reference", "account").get(pk=withdrawal_id)


def check(withdrawal: Withdrawal, status: str) -> None:
    """Raise IllegalMove unless the locked row may go there."""
    check_move(Withdrawal.TRANSITIONS, withdrawal.status, status)


def move(
    withdrawal: Withdrawal,
    status: str,
    *,
    way: str,
    actor: Any = None,
    keep_claim: bool = False,
    **changes: Any,
) -> None:
    """Change the state of a locked withdrawal. Raises IllegalMove. Audit and reservation are in the same transaction."""
    old = withdrawal.status
    check(withdrawal, status)
    told = {name: changes.pop(name) for name in ("note", "digest") if name in changes}
    withdrawal.status = status
    if status in FINAL:
        changes["ended_at"] = timezone.now()
    if status in (Status.APPROVED, Status.SENDING):
        changes.setdefault("next_check_at", timezone.now() + dt.timedelta(seconds=1))
    else:
        changes.setdefault("next_check_at", _next_check(withdrawal))
    if not keep_claim:
        changes["claimed_until"] = None
    for name, value in changes.items():
        setattr(withdrawal, name, value)
    withdrawal.version += 1
    withdrawal.save(update_fields=["status", "version", "updated_at", *changes])
    if status in ENDS_RESERVATION:
        reservations.end(reference=withdrawal.reference)
        approvals.void(reference=withdrawal.reference, reason=str(Status(status).label))
    audit.record(
        actor, f"withdrawal.{status}", withdrawal, way=way, was=old, word=withdrawal.provider_status, **told
    )
    hit("F11")


def _next_check(withdrawal: Withdrawal) -> dt.datetime | None:
    since = withdrawal.sent_at or withdrawal.created_at
    if withdrawal.status == Status.UNKNOWN:
        return schedule.after_failures(max(withdrawal.check_failures, 1))
    if withdrawal.status == Status.PENDING:
        if withdrawal.failed_seen_at is not None:
            return withdrawal.failed_seen_at + _second_look()
        return schedule.next_by_age(PENDING_AGES, since)
    if withdrawal.status == Status.COMPLETE:
        return schedule.next_by_age(COMPLETE_AGES, since)
    return None


def _note_seen(withdrawal: Withdrawal, **changes: Any) -> None:
    Withdrawal.objects.filter(pk=withdrawal.pk).update(next_check_at=_next_check(withdrawal), **changes)


# --- What the provider says ---
@transaction.atomic
def apply(
    *, withdrawal_id: int, report: WithdrawalReport, way: str, asked_at: dt.datetime | None = None
) -> Withdrawal:
    """Apply one report: compare it with what was approved, then book, move or hold. Safe to repeat."""
    withdrawal = lock(withdrawal_id)
    if withdrawal.status not in (
        Status.SENDING,
        Status.UNKNOWN,
        Status.PENDING,
        Status.COMPLETE,
        Status.FAILED,
    ):
        return withdrawal
    if schedule.is_overtaken(asked_at, withdrawal.checked_at):
        return withdrawal
    withdrawal_claims.keep_facts(withdrawal, report, asked_at)
    withdrawal_claims.keep_told(withdrawal, report, way)
    if report.status is None and report.provider_status:
        withdrawal_claims.tell(
            withdrawal,
            Kind.UNKNOWN_WORD,
            _("The provider uses a status word that we do not know: %s") % report.provider_status[:80],
            way,
            key=report.provider_status[:40],
        )
    reasons = [
        r for r in withdrawal_claims.differences(withdrawal, report) if r not in withdrawal.reference.accepted
    ]
    if reasons and references.reason(reasons) not in withdrawal.reference.accepted:
        _hold(withdrawal, report, reasons, way)
        return withdrawal
    if withdrawal.reference.held_at is not None:
        _note_seen(withdrawal)
        return withdrawal
    _follow(withdrawal, report, way)
    return withdrawal


def _hold(withdrawal: Withdrawal, report: WithdrawalReport, reasons: list[str], way: str) -> None:
    if withdrawal.status == Status.SENDING:
        # It arrived: whatever it is that they have, it is not to be sent again.
        move(withdrawal, Status.UNKNOWN, way=way)
    _note_seen(withdrawal)
    exceptions.hold(
        reference=withdrawal.reference,
        obj=withdrawal,
        reason=references.reason(reasons),
        way=way,
        status=report.provider_status,
        amount=report.amount,
        debit=report.debit,
        currency=report.currency,
    )


def _follow(withdrawal: Withdrawal, report: WithdrawalReport, way: str) -> None:
    """Do what an undisputed report says."""
    if withdrawal.status in FINAL:
        _after_the_end(withdrawal, report, way)
        return
    if report.status == "failed":
        _failed(withdrawal, report, way)
        return
    if report.status is None:
        # It arrived, but we cannot read what it became: out of `sending`, and on with asking.
        if withdrawal.status == Status.SENDING:
            move(withdrawal, Status.UNKNOWN, way=way)
        else:
            _note_seen(withdrawal)
        return
    _acknowledge(withdrawal, report, way)
    if withdrawal.status != report.status:
        move(withdrawal, report.status, way=way, failed_seen_at=None)
    else:
        _note_seen(withdrawal, failed_seen_at=None)


def _acknowledge(withdrawal: Withdrawal, report: WithdrawalReport, way: str) -> None:
    """The provider has it: book amount and fee apart, once, and let the reservation go in the same transaction."""
    if isinstance(report, ListedWithdrawalReport) and not report.fee_stated:
        if withdrawal.debit is None:
            withdrawal_bookings.book_computed(withdrawal, way=way)
        return
    if withdrawal.debit is not None:
        if withdrawal.debit != report.debit:
            withdrawal_claims.tell(
                withdrawal,
                Kind.MISMATCH,
                _("The provider now says it debited %(theirs)s %(currency)s, booked were %(ours)s.")
                % {
                    "theirs": html.amount_text(report.debit, places=0),
                    "ours": html.amount_text(withdrawal.debit, places=0),
                    "currency": withdrawal.balance_currency,
                },
                way,
            )
        return
    withdrawal.amount_from, withdrawal.debit = report.amount_from, report.debit
    withdrawal.save(update_fields=["amount_from", "debit"])
    withdrawal_bookings.book(
        withdrawal, amount=report.amount_from, fee=report.fee, way=way, label=gettext_noop("as stated")
    )
    if report.debit > withdrawal.max_debit:
        withdrawal_claims.tell(
            withdrawal,
            Kind.OVER_DEBIT,
            _("%(debit)s %(currency)s were debited, approved were at most %(most)s.")
            % {
                "debit": html.amount_text(report.debit, places=0),
                "most": html.amount_text(withdrawal.max_debit, places=0),
                "currency": withdrawal.balance_currency,
            },
            way,
        )


def _failed(withdrawal: Withdrawal, report: WithdrawalReport, way: str) -> None:
    """Failed counts when a second look at least a minute later agrees: the money may have left all the same."""
    now = timezone.now()
    if withdrawal.status == Status.SENDING:
        move(withdrawal, Status.UNKNOWN, way=way, failed_seen_at=now, next_check_at=now + _second_look())
        return
    if withdrawal.failed_seen_at is None:
        withdrawal.failed_seen_at = now
        Withdrawal.objects.filter(pk=withdrawal.pk).update(
            **schedule.bump(failed_seen_at=now, next_check_at=now + _second_look())
        )
        return
    if now - withdrawal.failed_seen_at < _second_look():
        Withdrawal.objects.filter(pk=withdrawal.pk).update(
            next_check_at=withdrawal.failed_seen_at + _second_look()
        )
        return
    withdrawal_bookings.take_back(withdrawal, way=way)
    move(
        withdrawal,
        Status.FAILED,
        way=way,
        last_error=_("The provider says: %s") % report.provider_status[:80],
    )


def _second_look() -> dt.timedelta:
    return dt.timedelta(seconds=settings.FAILED_SECOND_LOOK)


def _after_the_end(withdrawal: Withdrawal, report: WithdrawalReport, way: str) -> None:
    """A final state is never changed by a machine: a person is told when the provider says otherwise."""
    _note_seen(withdrawal)
    if report.status is None or report.status == withdrawal.status:
        return
    withdrawal_claims.tell(
        withdrawal,
        Kind.TAKEN_BACK,
        _("This is %(ours)s here, but the provider now says %(theirs)s.")
        % {"ours": withdrawal.get_status_display(), "theirs": report.provider_status},
        way,
        key=str(report.status),
    )
