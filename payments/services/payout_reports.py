"""What the exchanger's word means for a partner payout: the one door for its state, its booking and its holds. Deals floor."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import money
from backoffice.kit.states import check_move
from payments.models import ExceptionItem, Movement, PartnerPayout, PartnerProgram
from payments.providers.partner import PartnerPayoutReport
from payments.providers.windows import Whole

from . import approvals, directions, exceptions, movements, references, schedule

Status = PartnerPayout.Status
Kind = ExceptionItem.Kind
VOIDS = {Status.FAILED, Status.REJECTED, Status.CANCELED, Status.AWAITING_APPROVAL}

PENDING_AGES: schedule.Ages = [
    (dt.timedelta(minutes=10), dt.timedelta(seconds=30)),
    (dt.timedelta(hours=6), dt.timedelta(minutes=10)),
    (dt.timedelta(days=90), dt.timedelta(hours=3)),
]
COMPLETE_AGES: schedule.Ages = [(dt.timedelta(days=1), dt.timedelta(hours=6))]


def lock(payout_id: int) -> PartnerPayout:
    """The row, locked, with what belongs to it read after the lock was had."""
    PartnerPayout.objects.select_for_update().only("pk").get(pk=payout_id)
    return PartnerPayout.objects.select_related("reference", "account", "created_by").get(pk=payout_id)


def move(
    payout: PartnerPayout,
    status: str,
    *,
    way: str,
    actor: Any = None,
    keep_claim: bool = False,
    **changes: Any,
) -> None:
    """Change the state of a locked payout. Raises IllegalMove. The audit line is in the same transaction."""
    old = payout.status
    check_move(PartnerPayout.TRANSITIONS, old, status)
    told = {name: changes.pop(name) for name in ("note", "digest") if name in changes}
    payout.status = status
    if status in PartnerPayout.FINAL:
        changes["ended_at"] = timezone.now()
    if status in (Status.APPROVED, Status.SENDING):
        changes.setdefault("next_check_at", timezone.now() + dt.timedelta(seconds=1))
    else:
        changes.setdefault("next_check_at", _next_check(payout))
    if not keep_claim:
        changes["claimed_until"] = None
    for name, value in changes.items():
        setattr(payout, name, value)
    payout.version += 1
    payout.save(update_fields=["status", "version", "updated_at", *changes])
    if status in VOIDS:
        approvals.void(reference=payout.reference, reason=str(Status(status).label))
    audit.record(
        actor, f"partnerpayout.{status}", payout, way=way, was=old, word=payout.provider_status, **told
    )


def _next_check(payout: PartnerPayout) -> dt.datetime | None:
    since = payout.sent_at or payout.created_at
    if payout.status == Status.UNKNOWN:
        return schedule.after_failures(max(payout.check_failures, 1))
    if payout.status == Status.PENDING:
        return schedule.next_by_age(PENDING_AGES, since)
    if payout.status == Status.COMPLETE and payout.provider_id:
        return schedule.next_by_age(COMPLETE_AGES, payout.ended_at or since)
    return None


def _note_seen(payout: PartnerPayout) -> None:
    PartnerPayout.objects.filter(pk=payout.pk).update(next_check_at=_next_check(payout))


# --- What the exchanger says ---
@transaction.atomic
def apply(
    *, payout_id: int, report: PartnerPayoutReport, way: str, asked_at: dt.datetime | None = None
) -> PartnerPayout:
    """Apply one line of the exchanger's list: compare, then book, move or hold. Safe to repeat."""
    payout = lock(payout_id)
    if schedule.is_overtaken(asked_at, payout.checked_at):
        return payout
    if payout.status not in (Status.UNKNOWN, Status.PENDING, Status.COMPLETE, Status.FAILED):
        return payout
    _note_facts(payout, report, asked_at)
    if report.status is None:
        _tell(
            payout,
            Kind.UNKNOWN_WORD,
            _("The exchanger uses a status word that we do not know: %s") % report.provider_status[:80],
            way,
            key=report.provider_status[:40],
        )
    reasons = [one for one in _differences(payout, report) if one not in payout.reference.accepted]
    if reasons and references.reason(reasons) not in payout.reference.accepted:
        _note_seen(payout)
        exceptions.hold(reference=payout.reference, obj=payout, reason=references.reason(reasons), way=way)
        return payout
    if payout.reference.held_at is not None or report.status is None:
        _note_seen(payout)
        return payout
    _follow(payout, report, way)
    return payout


def _note_facts(payout: PartnerPayout, report: PartnerPayoutReport, asked_at: dt.datetime | None) -> None:
    changes: dict[str, Any] = {
        "check_failures": 0,
        "last_error": "",
        "missed_at": None,
        "provider_status": report.provider_status[:64],
        "pay_amount": directions.kept(report.pay_amount),
        "pay_currency": report.pay_currency,
    }
    if asked_at is not None:
        changes["checked_at"] = asked_at
    if not payout.provider_id:
        changes["provider_id"] = report.provider_id[:64]
    if payout.original_amount is None:
        changes["original_amount"] = directions.kept(report.original_amount)
        changes["original_currency"] = report.original_currency[:16]
    if any(getattr(payout, name) != value for name, value in changes.items() if name != "checked_at"):
        changes["version"] = payout.version + 1
    for name, value in changes.items():
        setattr(payout, name, value)
    payout.save(update_fields=[*changes, "updated_at"])


def _differences(payout: PartnerPayout, report: PartnerPayoutReport) -> list[str]:
    found = []
    if report.provider_id != payout.provider_id:
        found.append(_("The line is about another payout: %s.") % report.provider_id)
    if report.method_id != payout.method_id:
        found.append(_("It is paid out in another way than approved: %s.") % report.method_id)
    theirs = report.account.replace(" ", "")
    if theirs and "*" not in theirs and theirs != payout.payee_account.replace(" ", ""):
        found.append(_("It is paid to another account than approved."))
    if _is_foreign(payout, report.original_amount, report.original_currency):
        amount = "?" if report.original_amount is None else money.plain(report.original_amount)
        found.append(
            _("It cost %(amount)s %(theirs)s, approved were %(expected)s %(ours)s.")
            % {
                "amount": amount,
                "theirs": report.original_currency[:16],
                "expected": money.plain(payout.expected),
                "ours": payout.currency,
            }
        )
    return found


def _cost_less(payout: PartnerPayout, report: PartnerPayoutReport) -> bool:
    """Whether it cost less than the balance that was to leave, as far as that was said in a currency we know."""
    cost, currency = report.original_amount, report.original_currency[:16]
    is_ours = not currency or payout.currency in (currency, PartnerProgram.UNTOLD)
    return is_ours and cost is not None and cost < payout.expected


def _is_foreign(payout: PartnerPayout, amount: Decimal | None, currency: str) -> bool:
    """Whether what it cost is said in another currency than that of the balance which was approved.

    Where the currency of the balance was never told, only a smaller amount shows that: the whole balance leaves.
    """
    if not currency or currency[:16] == payout.currency:
        return False
    return payout.currency != PartnerProgram.UNTOLD or (amount is not None and amount < payout.expected)


def _follow(payout: PartnerPayout, report: PartnerPayoutReport, way: str) -> None:
    words = {"pending": Status.PENDING, "complete": Status.COMPLETE, "canceled": Status.FAILED}
    status = words[str(report.status)]
    if payout.status in PartnerPayout.FINAL:
        _note_seen(payout)
        if status != payout.status:
            _tell(
                payout,
                Kind.TAKEN_BACK,
                _("This is %(ours)s here, but the exchanger now says %(theirs)s.")
                % {"ours": payout.get_status_display(), "theirs": report.provider_status},
                way,
                key=str(status),
            )
        return
    if status == Status.FAILED:
        take_back(payout, way=way)
        move(payout, status, way=way, last_error=_("The exchanger has canceled it."))
        return
    book(payout, way=way)
    if payout.status != status:
        move(payout, status, way=way)
    else:
        _note_seen(payout)


def book(payout: PartnerPayout, *, way: str, actor: Any = None) -> None:
    """Write what the balance lost, once: as stated in its currency, else what was approved. More opens an item."""
    stated = payout.original_amount
    if _is_foreign(payout, stated, payout.original_currency):
        stated = None
    amount = payout.expected if stated is None else stated
    if not amount:
        return
    booked = movements.book(
        key=f"partner-payout:{payout.reference.value}",
        account=payout.account,
        kind=Movement.Kind.PARTNER_PAYOUT,
        currency=payout.currency,
        amount=-amount,
        way=way,
        reference=payout.reference,
        label="" if stated is not None else _("as approved, nothing was stated in this currency"),
        actor=actor,
    )
    if booked is not None and amount > payout.max_debit:
        _tell(
            payout,
            Kind.OVER_DEBIT,
            _("%(theirs)s %(currency)s were paid out, approved were at most %(ours)s.")
            % {
                "theirs": money.plain(amount),
                "ours": money.plain(payout.max_debit),
                "currency": payout.currency,
            },
            way,
        )


def take_back(payout: PartnerPayout, *, way: str, actor: Any = None) -> None:
    """Write a reversal of what was booked, once."""
    for movement in Movement.objects.filter(reference=payout.reference, kind=Movement.Kind.PARTNER_PAYOUT):
        movements.book(
            key=f"reversal:{movement.pk}",
            account=payout.account,
            kind=Movement.Kind.REVERSAL,
            currency=movement.currency,
            amount=-movement.amount,
            way=way,
            reference=payout.reference,
            corrects=movement,
            actor=actor,
        )


def _tell(payout: PartnerPayout, kind: str, title: str, way: str, *, key: str = "") -> None:
    exceptions.open_item(
        kind=kind,
        key=f"{payout.reference.value}:{key}",
        title=title,
        account=payout.account,
        reference=payout.reference,
        way=way,
    )


# --- After a doubt ---
def told_id(raw: Any) -> str:
    """The exchanger's number of a line that could not be read; "" where it has none."""
    return str(raw.get("id", "")) if isinstance(raw, dict) else ""


@transaction.atomic
def found(
    *, payout_id: int, listed: Whole[PartnerPayoutReport], way: str, asked_at: dt.datetime
) -> PartnerPayoutReport | None:
    """Which of the exchanger's lines is the one in doubt: new since it was sent, to where it was to go, and of no less
    than the balance, which leaves whole. None: not there; or it may be more than one, or a line that cannot be read, or
    the list could not be read to its end, so that an old line may come into sight later: only people can tell then.
    """
    payout = lock(payout_id)
    if payout.status != Status.UNKNOWN or payout.provider_id:
        return None
    known = set(payout.known_before) | set(
        PartnerPayout.objects.filter(account=payout.account)
        .exclude(provider_id="")
        .values_list("provider_id", flat=True)
    )
    unread = [raw for raw in listed.page.unreadable if told_id(raw) not in known]
    account = payout.payee_account.replace(" ", "")
    fits = [
        row
        for row in listed.page.rows
        if row.provider_id not in known
        and row.method_id == payout.method_id
        and (row.account.replace(" ", "") == account or "*" in row.account)
    ]
    if len(fits) == 1 and listed.is_whole and not unread and not _cost_less(payout, fits[0]):
        return fits[0]
    if fits:
        numbers = ", ".join(row.provider_id for row in fits)
        words = (
            _("The exchanger’s list has more than one payout that this may be: %s.")
            if len(fits) > 1
            else _("This may be payout %s of the exchanger’s list, or another one: compare amount and time.")
        )
        _tell(payout, Kind.AMBIGUOUS, words % numbers, way)
    failures = payout.check_failures + 1
    PartnerPayout.objects.filter(pk=payout.pk).update(
        **schedule.bump(
            missed_at=asked_at if listed.is_whole and not unread and not fits else None,
            checked_at=asked_at,
            check_failures=failures,
            last_error=_("The exchanger’s list does not show it. That proves nothing yet."),
            next_check_at=schedule.after_failures(failures),
        )
    )
    return None
