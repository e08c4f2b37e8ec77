"""What the exchanger's word means for a bid: the one door for its state, its lines in the books and its holds. Deals floor.

Every way in (reply, poll, callback, import, staff, clock) ends in `move`, `apply` or `missed` here, or in bid_attempts.
Only the word of the status decides, never `exchange_success`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.kit.states import check_move
from payments.models import Approval, Bid, BidAct, ExceptionItem, Movement
from payments.providers.bids import BidReport, BidRow
from payments.providers.errors import ProviderError

from . import (
    approvals,
    bid_history,
    bid_variance,
    calls,
    directions,
    exceptions,
    movements,
    references,
    schedule,
)

Status = Bid.Status
Kind = ExceptionItem.Kind

# Time since it was sent: pause until it is asked about again.
LIVE_AGES: schedule.Ages = [
    (dt.timedelta(minutes=10), dt.timedelta(seconds=10)),
    (dt.timedelta(hours=1), dt.timedelta(seconds=30)),
    (dt.timedelta(hours=6), dt.timedelta(minutes=5)),
    (dt.timedelta(days=3), dt.timedelta(minutes=30)),
    (dt.timedelta(days=90), dt.timedelta(hours=6)),
]
# An ended one is looked at now and then for a day: a final word taken back must be seen.
ENDED_AGES: schedule.Ages = [(dt.timedelta(days=1), dt.timedelta(hours=6))]
# One that was made elsewhere is older than its row: nobody here waits for it with the page open.
IMPORTED_EARLIER = dt.timedelta(hours=6)
SHOWS_DONE = {
    BidAct.Act.CANCEL: {Status.CANCELED},
    BidAct.Act.PAY: {Status.PAID, Status.PROCESSING, Status.COMPLETE},
    BidAct.Act.COMPLETE: {Status.COMPLETE},
}


def lock(bid_id: int) -> Bid:
    """The row, locked, with what belongs to it read after the lock was had."""
    Bid.objects.select_for_update().only("pk").get(pk=bid_id)
    return Bid.objects.select_related("reference", "account", "created_by", "destination").get(pk=bid_id)


def move(bid: Bid, status: str, *, way: str, actor: Any = None, **changes: Any) -> None:
    """Change the state of a locked bid. Raises IllegalMove. Its lines in the books and the audit are in the same transaction."""
    old = bid.status
    check_move(Bid.TRANSITIONS, old, status)
    told = {name: changes.pop(name) for name in ("note",) if name in changes}
    bid.status = status
    if status in Bid.FINAL:
        changes["ended_at"] = timezone.now()
    changes.setdefault("next_check_at", _next_check(bid))
    changes["claimed_until"] = None
    for name, value in changes.items():
        setattr(bid, name, value)
    bid.version += 1
    bid.save(update_fields=["status", "version", "updated_at", *changes])
    audit.record(actor, f"bid.{status}", bid, way=way, was=old, word=bid.provider_status, **told)
    if status == Status.COMPLETE:
        book(bid, way=way, actor=actor)
    _settle_acts(bid)


def _next_check(bid: Bid) -> dt.datetime | None:
    since = bid.sent_at or bid.created_at
    if bid.is_imported:
        since -= IMPORTED_EARLIER
    if bid.status == Status.UNKNOWN and not bid.provider_id:
        return schedule.after_failures(max(bid.check_failures, 1))
    if bid.status == Status.UNKNOWN or bid.status in Bid.LIVE:
        return schedule.next_by_age(LIVE_AGES, since)
    if bid.status in (Status.COMPLETE, Status.CANCELED) and bid.provider_id:
        return schedule.next_by_age(ENDED_AGES, bid.ended_at or since)
    return None


def _note_seen(bid: Bid) -> None:
    Bid.objects.filter(pk=bid.pk).update(next_check_at=_next_check(bid))


def book(bid: Bid, *, way: str, actor: Any = None) -> None:
    """Write what was given and received, off balance: what pays for it is another movement of ours. Once."""
    number = bid.reference.value
    for side, kind, sign in (("give", Movement.Kind.BID_GIVE, -1), ("get", Movement.Kind.BID_GET, 1)):
        stated = getattr(bid, f"amount_{side}")
        amount = stated if stated is not None else getattr(bid, f"expected_{side}")
        if amount:
            movements.book(
                key=f"bid-{side}:{number}",
                account=bid.account,
                kind=kind,
                currency=getattr(bid, f"{side}_currency"),
                amount=sign * amount,
                way=way,
                reference=bid.reference,
                on_balance=False,
                label="" if stated is not None else _("as quoted, nothing was stated"),
                actor=actor,
            )


# --- What the exchanger says ---
@transaction.atomic
def apply(*, bid_id: int, report: BidReport, way: str, asked_at: dt.datetime | None = None) -> Bid:
    """Apply one report: compare it with what was asked for and quoted, then move or hold. Safe to repeat."""
    bid = lock(bid_id)
    if schedule.is_overtaken(asked_at, bid.checked_at):
        return bid
    if not _same_bid(bid, report, way):
        return bid
    _note_facts(bid, report, asked_at)
    bid_history.note_word(bid, report.provider_status, report.status)
    if report.status is None and report.provider_status and not report.needs_person:
        _unknown_word(bid, report.provider_status, way)
    differences = bid_variance.differences(bid, report)
    reasons = [reason for reason in differences.held if reason not in bid.reference.accepted]
    if differences.told:
        _tell(bid, Kind.MISMATCH, differences.told, way, key="variance")
    if reasons and references.reason(reasons) not in bid.reference.accepted:
        _hold(bid, report, reasons, way)
        return bid
    if bid.reference.held_at is not None:
        _out_of_creating(bid, way)
        _note_seen(bid)
        return bid
    _follow(bid, report, way)
    return bid


def _same_bid(bid: Bid, report: BidReport, way: str) -> bool:
    """Whether the answer can be about this bid. What is not is held, and none of it is kept."""
    reason = ""
    if report.reference and report.reference != bid.reference.value and not bid.is_imported:
        reason = _("The answer speaks of another reference: %s.") % report.reference
    elif bid.provider_id and report.provider_id != bid.provider_id:
        reason = _another(report.provider_id)
    elif bid.handle and report.hash and report.hash != bid.handle:
        reason = _("The answer carries another handle than this bid has.")
    elif not bid.provider_id and _is_taken(bid, report.provider_id):
        reason = (
            _("The answer names bid %s, which belongs to another reference of ours.") % report.provider_id
        )
    if reason and reason not in bid.reference.accepted:
        _hold(bid, report, [reason], way)
    return not reason


def _another(provider_id: str) -> str:
    return _("The answer is about another bid: %s.") % provider_id


@transaction.atomic
def other(*, bid_id: int, error: ProviderError, way: str) -> bool:
    """The question about this bid was answered about another: held, and nothing of the answer is kept.

    False where a person has accepted just that: then it is only told.
    """
    bid = lock(bid_id)
    reason = _another(error.params["other"])
    if reason in bid.reference.accepted:
        return False
    if bid.last_error != calls.explain(error)[:300]:
        Bid.objects.filter(pk=bid.pk).update(**schedule.bump(last_error=calls.explain(error)[:300]))
    _note_seen(bid)
    exceptions.hold(reference=bid.reference, obj=bid, reason=reason, way=way)
    return True


def _is_taken(bid: Bid, provider_id: str) -> bool:
    return Bid.objects.filter(account=bid.account, provider_id=provider_id).exclude(pk=bid.pk).exists()


def _note_facts(bid: Bid, report: BidReport, asked_at: dt.datetime | None) -> None:
    """What does not decide anything: id, handle, page, how to pay, what may be done, the exact numbers."""
    actions = report.actions
    changes: dict[str, Any] = {"check_failures": 0, "last_error": "", "missed_at": None}
    if asked_at is not None:
        changes["checked_at"] = asked_at
    if not bid.provider_id:
        changes["provider_id"] = report.provider_id[:64]
        wake.later("backoffice.index_object", "bid", bid.pk)
    if report.hash and not bid.handle:
        changes["handle"] = report.hash
    if report.provider_status:
        changes["provider_status"] = report.provider_status[:64]
    if report.url and report.url != bid.page_url:
        changes["page_url"] = report.url
    if report.status is not None or actions.type or actions.instruction:
        changes |= {
            "actions": {
                "type": actions.type,
                "can_cancel": actions.can_cancel,
                "can_pay": actions.can_pay,
            },
            "cancel_url": actions.cancel_url,
            "pay_url": actions.pay_url,
            "instruction": actions.instruction,
            "pay_amount": directions.kept(actions.pay_amount),
            "pay_amount_text": actions.pay_amount_text[:200]
            or ("" if actions.pay_amount is None else money.plain(actions.pay_amount)[:200]),
            "pay_address": actions.address,
            "pay_tag": actions.tag[:200],
        }
    changes["answer"] = bid.answer | bid_variance.texts(report)
    for side in ("give", "get"):
        amount = directions.kept(getattr(report, f"amount_{side}"))
        if amount is not None and bid.status not in Bid.FINAL:
            changes[f"amount_{side}"] = amount
    if report.status_title:
        changes["answer"]["status_title"] = report.status_title
    if any(getattr(bid, name) != value for name, value in changes.items() if name != "checked_at"):
        changes["version"] = bid.version + 1
    for name, value in changes.items():
        setattr(bid, name, value)
    bid.save(update_fields=[*changes, "updated_at"])


def _hold(bid: Bid, report: BidReport, reasons: list[str], way: str) -> None:
    _out_of_creating(bid, way)
    _note_seen(bid)
    exceptions.hold(
        reference=bid.reference,
        obj=bid,
        reason=references.reason(reasons),
        way=way,
        status=report.provider_status,
        **{
            name: value
            for name, value in bid_variance.texts(report).items()
            if name in ("amount_give", "amount_get", "give_currency", "get_currency")
        },
    )


def _out_of_creating(bid: Bid, way: str) -> None:
    """It arrived: whatever it is that they have, it is not to be sent again."""
    if bid.status == Status.CREATING:
        move(bid, Status.UNKNOWN, way=way)


def _follow(bid: Bid, report: BidReport, way: str) -> None:
    """Do what an undisputed report says."""
    if bid.status in Bid.FINAL:
        _note_seen(bid)
        if report.status is not None and report.status != bid.status:
            _tell(
                bid,
                Kind.TAKEN_BACK,
                _("This is %(ours)s here, but the exchanger now says %(theirs)s.")
                % {"ours": bid.get_status_display(), "theirs": report.provider_status},
                way,
                key=str(report.status),
            )
        return
    if report.status is None:
        # It is there, but we cannot read what it became: on with asking, at once if nothing was said at all.
        _out_of_creating(bid, way)
        if report.provider_status:
            _note_seen(bid)
        else:
            Bid.objects.filter(pk=bid.pk).update(next_check_at=timezone.now())
        return
    if bid.status != report.status:
        move(bid, report.status, way=way)
    else:
        _note_seen(bid)


def _settle_acts(bid: Bid) -> None:
    """An act whose answer never came is done once the bid shows its effect; one not yet sent is not any more."""
    acts = BidAct.objects.select_for_update().filter(bid=bid)
    for act in acts.filter(status=BidAct.Status.UNKNOWN):
        if bid.status in SHOWS_DONE[BidAct.Act(act.act)]:
            move_act(act, BidAct.Status.DONE, provider_status=bid.provider_status)
    if bid.status in Bid.FINAL:
        for act in acts.filter(status__in=[BidAct.Status.AWAITING, BidAct.Status.ASKED]):
            approvals.void(reference=bid.reference, reason=_("ended"), step=Approval.Step.COMPLETE)
            move_act(act, BidAct.Status.DROPPED, last_error=_("The bid has ended."), next_check_at=None)


def _unknown_word(bid: Bid, word: str, way: str) -> None:
    title = _("The exchanger uses a status word that we do not know: %s") % word[:80]
    if bid.is_imported:  # one word, once: a list may have it a thousand times
        key = f"{bid.account_id}:{word[:40]}"
        exceptions.open_item(kind=Kind.UNKNOWN_WORD, key=key, title=title, account=bid.account, way=way)
    else:
        _tell(bid, Kind.UNKNOWN_WORD, title, way, key=word[:40])


def _tell(bid: Bid, kind: str, title: str, way: str, *, key: str = "") -> None:
    exceptions.open_item(
        kind=kind,
        key=f"{bid.reference.value}:{key}",
        title=title,
        account=bid.account,
        reference=bid.reference,
        way=way,
    )


# --- Found in the list ---
@transaction.atomic
def adopt(*, bid_id: int, rows: list[BidRow], way: str) -> Bid:
    """A bid in doubt was found in the exchanger's list, by exactly our reference: now its number is known.

    Several with one reference are held: which of them is ours only people can tell.
    """
    bid = lock(bid_id)
    if bid.provider_id or bid.status not in (Status.UNKNOWN, Status.CREATING):
        return bid
    numbers = sorted({row.provider_id for row in rows if row.reference == bid.reference.value})
    if not numbers:
        return bid
    if len(numbers) > 1 or _is_taken(bid, numbers[0]):
        title = _("The exchanger has this reference on more than one bid: %s.") % ", ".join(numbers)
        _tell(bid, Kind.AMBIGUOUS, title, way)
        if title not in bid.reference.accepted:
            _out_of_creating(bid, way)
            exceptions.hold(reference=bid.reference, obj=bid, reason=title, way=way)
        return bid
    found = next(row for row in rows if row.provider_id == numbers[0])
    bid.provider_id, bid.provider_time = found.provider_id[:64], found.date_text or found.time_text
    if found.hash:
        bid.handle = found.hash
    try:
        with transaction.atomic():
            bid.save(update_fields=["provider_id", "provider_time", "handle", "updated_at"])
    except IntegrityError:  # another row took this number a moment ago
        bid.refresh_from_db()
        return bid
    audit.record(None, "bid.adopted", bid, way=way, number=bid.provider_id)
    wake.later("backoffice.index_object", "bid", bid.pk)
    return bid


def as_report(row: BidRow) -> BidReport:
    """A line of the exchanger's list as a report about one bid; how to pay is not told there."""
    return BidReport(
        row.reference,
        row.provider_id,
        row.hash,
        "",
        row.status,
        row.provider_status,
        needs_person=row.needs_person,
        give_system=row.give_system,
        get_system=row.get_system,
        give_currency=row.give_currency,
        get_currency=row.get_currency,
        amount_give=row.amount_give,
        amount_get=row.amount_get,
        raw=row.raw,
    )


@transaction.atomic
def missed(*, bid_id: int, asked_at: dt.datetime, is_whole: bool) -> None:
    """A look through the list did not find it. That proves nothing: it is noted if the list was read whole, and looked
    for again.
    """
    bid = lock(bid_id)
    if bid.provider_id or bid.status != Status.UNKNOWN:
        return
    failures = bid.check_failures + 1
    Bid.objects.filter(pk=bid.pk).update(
        **schedule.bump(
            missed_at=asked_at if is_whole else None,
            checked_at=asked_at,
            check_failures=failures,
            last_error=_("The exchanger’s list does not show it. That proves nothing yet.")[:300],
            next_check_at=schedule.after_failures(failures),
        )
    )


# --- Acts ---
def move_act(
    act: BidAct, status: str, *, actor: Any = None, way: str = audit.Way.SYSTEM, **changes: Any
) -> None:
    """Change the state of a locked act, with its line in the audit trail of the bid. Raises IllegalMove."""
    check_move(BidAct.TRANSITIONS, act.status, status)
    act.status = status
    changes["claimed_until"] = None if status != BidAct.Status.SENDING else act.claimed_until
    if not BidAct.TRANSITIONS[BidAct.Status(status)]:
        changes["ended_at"] = timezone.now()
    for name, value in changes.items():
        setattr(act, name, value)
    act.save(update_fields=["status", *changes])
    Bid.objects.filter(pk=act.bid_id).update(**schedule.bump())
    audit.record(actor, f"bid.{act.act}_{status}", act.bid, way=way, why=changes.get("last_error", ""))
