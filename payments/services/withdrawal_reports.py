"""What the provider's word means for a withdrawal: the one door for its state, its booking and its holds. Deals floor.

Every way in (reply, poll, staff, clock) ends in `move`, `apply`, `doubt`, `fail`, `not_sent` or `not_answered` here.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.kit.fields import mask_card
from backoffice.kit.states import check_move
from payments import addresses
from payments.models import ExceptionItem, Movement, Withdrawal
from payments.providers.base import WithdrawalReport
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, Refused
from payments.providers.wallets import ListedWithdrawalReport

from . import (
    approvals,
    balances,
    batch_deposits,
    calls,
    exceptions,
    listed_reports,
    movements,
    references,
    reservations,
    schedule,
    withdrawal_fields,
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
    _note_facts(withdrawal, report, asked_at)
    _note_told(withdrawal, report, way)
    if report.status is None and report.provider_status:
        _tell(
            withdrawal,
            Kind.UNKNOWN_WORD,
            _("The provider uses a status word that we do not know: %s") % report.provider_status[:80],
            way,
            key=report.provider_status[:40],
        )
    reasons = [r for r in _differences(withdrawal, report) if r not in withdrawal.reference.accepted]
    if reasons and references.reason(reasons) not in withdrawal.reference.accepted:
        _hold(withdrawal, report, reasons, way)
        return withdrawal
    if withdrawal.reference.held_at is not None:
        _note_seen(withdrawal)
        return withdrawal
    _follow(withdrawal, report, way)
    return withdrawal


def _note_facts(withdrawal: Withdrawal, report: WithdrawalReport, asked_at: dt.datetime | None) -> None:
    changes: dict[str, Any] = {"check_failures": 0, "last_error": ""}
    if asked_at is not None:
        changes["checked_at"] = asked_at
    if report.provider_status:
        changes["provider_status"] = report.provider_status[:64]
    for name, value in (
        ("provider_id", report.provider_id[:64]),
        ("transaction_id", report.transaction_id[:120]),
    ):
        if value and not getattr(withdrawal, name):
            changes[name] = value
            wake.later("backoffice.index_object", "withdrawal", withdrawal.pk)
    if any(getattr(withdrawal, name) != value for name, value in changes.items() if name != "checked_at"):
        changes["version"] = withdrawal.version + 1
    for name, value in changes.items():
        setattr(withdrawal, name, value)
    withdrawal.save(update_fields=[*changes, "updated_at"])


def _note_told(withdrawal: Withdrawal, report: WithdrawalReport, way: str) -> None:
    """What some providers say besides: their check of the money, the order they placed. A warning is an item."""
    if not isinstance(report, ListedWithdrawalReport):
        return
    told = listed_reports.told(aml=report.aml, order=report.auto_buy)
    if told == withdrawal.told and not withdrawal.misses:
        return
    withdrawal.told, withdrawal.misses, withdrawal.missed_at = told, 0, None
    withdrawal.version += 1
    withdrawal.save(update_fields=["told", "misses", "missed_at", "version", "updated_at"])
    if report.aml.success is False:
        _tell(withdrawal, Kind.AML_FLAG, listed_reports.aml_title(report.aml), way, key="aml")
    if report.auto_buy is not None and withdrawal.fields.get("auto_buy_ticker"):
        # What it bought and for how much is nowhere documented, so nothing is booked by guess.
        _tell(
            withdrawal,
            Kind.AMBIGUOUS,
            _("The provider placed an order for it: %s. Compare the balances and book what is missing.")
            % listed_reports.order_text(report.auto_buy),
            way,
            key=f"order:{report.auto_buy.state[:20]}",
        )


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


def _differences(withdrawal: Withdrawal, report: WithdrawalReport) -> list[str]:
    """Where the claim is not what was approved, as sentences. They are also what a person lets go."""
    found = []
    if report.reference and report.reference != withdrawal.reference.value:
        found.append(_("The answer speaks of another reference: %s.") % report.reference)
    if report.method and report.method != withdrawal.method:
        found.append(
            _("It pays to %(theirs)s, approved was %(ours)s.")
            % {"theirs": report.method, "ours": withdrawal.method}
        )
    if report.currency and report.currency != withdrawal.balance_currency:
        found.append(
            _("It is paid from %(theirs)s, approved was %(ours)s.")
            % {"theirs": report.currency, "ours": withdrawal.balance_currency}
        )
    if report.purse and not listed_reports.same_purse(report, withdrawal):
        is_card = withdrawal.is_card or addresses.looks_like_card(report.purse)
        theirs = mask_card(report.purse) if is_card else report.purse[:80]
        found.append(_("It pays to another destination: %s.") % theirs)
    if report.tag and report.tag != withdrawal.tag:
        found.append(
            _("The tag is %(theirs)s, approved was %(ours)s.")
            % {"theirs": report.tag, "ours": withdrawal.tag}
        )
    if report.amount != withdrawal.amount:
        found.append(
            _("The payee gets %(theirs)s %(currency)s, approved was %(ours)s.")
            % {
                "theirs": money.plain(report.amount),
                "ours": money.plain(withdrawal.amount),
                "currency": withdrawal.currency,
            }
        )
    if isinstance(report, ListedWithdrawalReport):
        found += listed_reports.differences(withdrawal, report)
    if report.amount_from <= 0 or report.debit < report.amount_from:
        found.append(_("The debit %s makes no sense.") % money.plain(report.debit))
    return found


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
            book_computed(withdrawal, way=way)
        return
    if withdrawal.debit is not None:
        if withdrawal.debit != report.debit:
            _tell(
                withdrawal,
                Kind.MISMATCH,
                _("The provider now says it debited %(theirs)s %(currency)s, booked were %(ours)s.")
                % {
                    "theirs": money.plain(report.debit),
                    "ours": money.plain(withdrawal.debit),
                    "currency": withdrawal.balance_currency,
                },
                way,
            )
        return
    withdrawal.amount_from, withdrawal.debit = report.amount_from, report.debit
    withdrawal.save(update_fields=["amount_from", "debit"])
    book(withdrawal, amount=report.amount_from, fee=report.fee, way=way, label=gettext_noop("as stated"))
    if report.debit > withdrawal.max_debit:
        _tell(
            withdrawal,
            Kind.OVER_DEBIT,
            _("%(debit)s %(currency)s were debited, approved were at most %(most)s.")
            % {
                "debit": money.plain(report.debit),
                "most": money.plain(withdrawal.max_debit),
                "currency": withdrawal.balance_currency,
            },
            way,
        )


def book_computed(withdrawal: Withdrawal, *, way: str, actor: Any = None) -> None:
    """Nobody states the debit: amount and the fee of the payment method, as it was when this was approved."""
    without, debit, fee = withdrawal_fields.parts(withdrawal)
    withdrawal.amount_from, withdrawal.debit = without, debit
    withdrawal.save(update_fields=["amount_from", "debit"])
    label = (
        gettext_noop("computed")
        if withdrawal.fee_quoted is not None
        else gettext_noop("computed, fee not known")
    )
    for currency in sorted({withdrawal.balance_currency, withdrawal.fee_currency} - {""}):
        balances.computed(account=withdrawal.account, currency=currency)
    book(
        withdrawal,
        amount=without,
        fee=fee,
        fee_currency=withdrawal.fee_currency,
        way=way,
        label=label,
        actor=actor,
    )


def book(
    withdrawal: Withdrawal,
    *,
    amount: Decimal,
    fee: Decimal,
    way: str,
    label: str,
    fee_currency: str = "",
    actor: Any = None,
) -> None:
    """Write the debit and its fee (positive; the fee in the balance's currency unless said otherwise), and end the
    reservation.
    """
    common: dict[str, Any] = {
        "account": withdrawal.account,
        "currency": withdrawal.balance_currency,
        "reference": withdrawal.reference,
        "way": way,
        "label": label,
        "actor": actor,
        "tag": batch_deposits.tag_of(withdrawal),
    }
    number = withdrawal.reference.value
    movements.book(key=f"withdrawal:{number}", kind=Movement.Kind.WITHDRAWAL, amount=-amount, **common)
    if fee:
        common["currency"] = fee_currency or withdrawal.balance_currency
        movements.book(key=f"withdrawal-fee:{number}", kind=Movement.Kind.FEE, amount=-fee, **common)
    reservations.end(reference=withdrawal.reference)
    wake.later("payments.refresh_balance", withdrawal.account_id)


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
    take_back(withdrawal, way=way)
    move(
        withdrawal,
        Status.FAILED,
        way=way,
        last_error=_("The provider says: %s") % report.provider_status[:80],
    )


def _second_look() -> dt.timedelta:
    return dt.timedelta(seconds=settings.FAILED_SECOND_LOOK)


def take_back(withdrawal: Withdrawal, *, way: str, actor: Any = None) -> None:
    """Write a reversal of each booked movement, once."""
    for movement in Movement.objects.filter(
        reference=withdrawal.reference, kind__in=[Movement.Kind.WITHDRAWAL, Movement.Kind.FEE]
    ):
        movements.book(
            key=f"reversal:{movement.pk}",
            account=withdrawal.account,
            kind=Movement.Kind.REVERSAL,
            currency=movement.currency,
            amount=-movement.amount,
            way=way,
            reference=withdrawal.reference,
            corrects=movement,
            actor=actor,
            tag=movement.tag,
        )


def _after_the_end(withdrawal: Withdrawal, report: WithdrawalReport, way: str) -> None:
    """A final state is never changed by a machine: a person is told when the provider says otherwise."""
    _note_seen(withdrawal)
    if report.status is None or report.status == withdrawal.status:
        return
    _tell(
        withdrawal,
        Kind.TAKEN_BACK,
        _("This is %(ours)s here, but the provider now says %(theirs)s.")
        % {"ours": withdrawal.get_status_display(), "theirs": report.provider_status},
        way,
        key=str(report.status),
    )


def _tell(withdrawal: Withdrawal, kind: str, title: str, way: str, *, key: str = "") -> None:
    exceptions.open_item(
        kind=kind,
        key=f"{withdrawal.reference.value}:{key}",
        title=title,
        account=withdrawal.account,
        reference=withdrawal.reference,
        way=way,
    )


# --- What went wrong ---
def _mine(withdrawal_id: int, fence: int) -> Withdrawal | None:
    """The locked row, if it is still `sending` and nobody has taken it over."""
    withdrawal = lock(withdrawal_id)
    return withdrawal if withdrawal.status == Status.SENDING and withdrawal.fence == fence else None


@transaction.atomic
def doubt(*, withdrawal_id: int, fence: int, error: str, way: str) -> None:
    """The request may have arrived: unknown, in amber, and the provider will be asked."""
    withdrawal = _mine(withdrawal_id, fence)
    if withdrawal is not None:
        move(withdrawal, Status.UNKNOWN, way=way, last_error=error[:300], check_failures=1)


@transaction.atomic
def fail(*, withdrawal_id: int, fence: int, error: ProviderError, way: str) -> None:
    """The provider refused in documented words: nothing happened there."""
    withdrawal = _mine(withdrawal_id, fence)
    if withdrawal is not None:
        move(withdrawal, Status.FAILED, way=way, last_error=calls.explain(error)[:300])


@transaction.atomic
def not_sent(*, withdrawal_id: int, fence: int, error: ProviderError) -> None:
    """Proven not sent: back to approved by itself, and tried again later under the same approval."""
    withdrawal = _mine(withdrawal_id, fence)
    if withdrawal is None:
        return
    failures = withdrawal.check_failures + 1
    move(
        withdrawal,
        Status.APPROVED,
        way=audit.Way.SYSTEM,
        last_error=calls.explain(error)[:300],
        check_failures=failures,
        next_check_at=schedule.after_failures(failures, at_least=schedule.asked_to_wait(error)),
        note=calls.explain(error)[:300],
    )


@transaction.atomic
def not_answered(*, withdrawal_id: int, error: ProviderError, asked_at: dt.datetime) -> None:
    """A look-up gave nothing to apply: the row keeps its state, says why, and is asked again later."""
    withdrawal = lock(withdrawal_id)
    words = calls.explain(error)[:300]
    changes: dict[str, Any] = {
        "last_error": words,
        "check_failures": withdrawal.check_failures + 1,
        "version": withdrawal.version + (words != withdrawal.last_error),
    }
    if isinstance(error, (Refused, Denied, OutcomeUnknown)):
        changes["checked_at"] = asked_at
    if withdrawal.status not in FINAL:
        changes["next_check_at"] = schedule.after_failures(changes["check_failures"])
    Withdrawal.objects.filter(pk=withdrawal.pk).update(**changes)
