"""What the provider's word means for a batch payout: the one door for its state, its booking and its holds. Deals floor.

Every way in (reply, poll, staff, clock) ends in `move`, `apply`, `not_found`, `doubt`, `fail`, `not_sent` or
`not_answered` here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.kit.states import check_move
from payments.models import BatchPayout, ExceptionItem, Movement, Withdrawal
from payments.providers import PROVIDERS
from payments.providers.batches import BatchReport, differences
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, Refused

from . import approvals, batch_fields, calls, exceptions, movements, references, schedule
from .failpoints import hit

Status = BatchPayout.Status
Signature = BatchPayout.Signature
Kind = ExceptionItem.Kind
FINAL = {Status.COMPLETE, Status.EXPIRED, Status.FAILED, Status.REJECTED, Status.CANCELED}
#: In these it may be asked about; only in these a report counts.
ASKED = (
    *(Status.CREATING, Status.UNKNOWN, Status.AWAITING_DEPOSIT, Status.CONFIRMING, Status.PROCESSING),
    *(Status.COMPLETE, Status.EXPIRED),
)
DEPOSITED = (Status.CONFIRMING, Status.PROCESSING, Status.COMPLETE)
#: A withdrawal in these has not left and will not.
NEVER_LEFT = (Withdrawal.Status.REJECTED, Withdrawal.Status.CANCELED)
GONE_NOWHERE = (*NEVER_LEFT, Withdrawal.Status.FAILED)

# Time since it was created: pause until it is asked about again. There are no callbacks.
AGES: dict[str, schedule.Ages] = {
    Status.AWAITING_DEPOSIT: [
        (dt.timedelta(hours=1), dt.timedelta(seconds=30)),
        (dt.timedelta(days=1), dt.timedelta(minutes=5)),
        (dt.timedelta(days=14), dt.timedelta(minutes=30)),
        (dt.timedelta(days=90), dt.timedelta(hours=6)),
    ],
    Status.CONFIRMING: [
        (dt.timedelta(days=3), dt.timedelta(minutes=2)),
        (dt.timedelta(days=365), dt.timedelta(minutes=30)),
    ],
    Status.PROCESSING: [
        (dt.timedelta(days=3), dt.timedelta(minutes=5)),
        (dt.timedelta(days=365), dt.timedelta(hours=1)),
    ],
    Status.COMPLETE: [(dt.timedelta(days=10), dt.timedelta(hours=6))],
    # A deposit that comes after the end must be seen.
    Status.EXPIRED: [(dt.timedelta(days=30), dt.timedelta(hours=6))],
}
# Their clock and ours need not agree to the second when a lost answer is looked for.
SKEW = dt.timedelta(minutes=2)


def lock(batch_payout_id: int) -> BatchPayout:
    """The row, locked, with what belongs to it as it is now (see withdrawal_reports.lock)."""
    BatchPayout.objects.select_for_update().only("pk").get(pk=batch_payout_id)
    return BatchPayout.objects.select_related("reference", "account", "created_by", "withdrawal").get(
        pk=batch_payout_id
    )


def move(
    batch: BatchPayout, status: str, *, way: str, actor: Any = None, keep_claim: bool = False, **changes: Any
) -> None:
    """Change the state of a locked batch payout. Raises IllegalMove. The audit line is in the same transaction."""
    old = batch.status
    check_move(BatchPayout.TRANSITIONS, old, status)
    told = {name: changes.pop(name) for name in ("note", "digest") if name in changes}
    batch.status = status
    if status in FINAL:
        changes["ended_at"] = timezone.now()
    if status in (Status.APPROVED, Status.CREATING):
        changes.setdefault("next_check_at", timezone.now() + dt.timedelta(seconds=1))
    else:
        changes.setdefault("next_check_at", _next_check(batch))
    if not keep_claim:
        changes["claimed_until"] = None
    for name, value in changes.items():
        setattr(batch, name, value)
    batch.version += 1
    batch.save(update_fields=["status", "version", "updated_at", *changes])
    if status in (Status.REJECTED, Status.CANCELED, Status.FAILED, Status.AWAITING_APPROVAL):
        approvals.void(reference=batch.reference, reason=str(Status(status).label))
    audit.record(actor, f"batch_payout.{status}", batch, way=way, was=old, word=batch.provider_status, **told)
    hit("F11")


def _next_check(batch: BatchPayout) -> dt.datetime | None:
    if batch.status == Status.UNKNOWN:
        return schedule.after_failures(max(batch.check_failures, 1))
    ages = AGES.get(batch.status)
    return schedule.next_by_age(ages, batch.sent_at or batch.created_at) if ages else None


def note_seen(batch: BatchPayout, **changes: Any) -> None:
    """Nothing new: when it is asked about again."""
    BatchPayout.objects.filter(pk=batch.pk).update(next_check_at=_next_check(batch), **changes)


# --- What the provider says ---
@transaction.atomic
def apply(
    *, batch_payout_id: int, report: BatchReport, way: str, asked_at: dt.datetime | None = None
) -> BatchPayout:
    """Apply one report about just this batch (never a row of the list): compare, then book, move or hold. Safe to repeat."""
    batch = lock(batch_payout_id)
    if batch.status not in ASKED or schedule.is_overtaken(asked_at, batch.checked_at):
        return batch
    if not _is_ours(batch, report, way):
        return batch
    reasons = _reasons(batch, report)
    _note_facts(batch, report, reasons, asked_at)
    if report.status is None:
        _tell(
            batch,
            Kind.UNKNOWN_WORD,
            _("The provider uses a status word that we do not know: %s") % report.provider_status[:80],
            way,
            key=report.provider_status[:40],
        )
    fresh = [reason for reason in reasons.values() if reason not in batch.reference.accepted]
    if fresh and references.reason(fresh) not in batch.reference.accepted:
        _hold(batch, report, fresh, way)
        return batch
    if batch.reference.held_at is not None:
        _alarm(batch, report, way)
        note_seen(batch)
        return batch
    _follow(batch, report, way)
    return batch


def _is_ours(batch: BatchPayout, report: BatchReport, way: str) -> bool:
    """Whether the answer is about this batch: one about another, or about one that is another's of ours, holds."""
    if batch.provider_id and report.provider_id != batch.provider_id:
        why = _("The answer speaks of another transaction: %s.") % report.provider_id[:100]
    elif not batch.provider_id and _is_taken(batch, report.provider_id):
        why = _("Another batch payout of ours has this transaction already: %s.") % report.provider_id[:100]
    else:
        return True
    if batch.status == Status.CREATING:
        move(batch, Status.UNKNOWN, way=way)
    note_seen(batch)
    exceptions.hold(reference=batch.reference, obj=batch, reason=why, way=way, id=report.provider_id)
    return False


def _is_taken(batch: BatchPayout, provider_id: str) -> bool:
    return (
        BatchPayout.objects.filter(account=batch.account, provider_id=provider_id)
        .exclude(pk=batch.pk)
        .exists()
    )


def _reasons(batch: BatchPayout, report: BatchReport) -> dict[str, str]:
    """Where the provider's order is not what was approved, as sentences, by the name of what differs."""
    names = set(differences(batch_fields.to_send(batch), report))
    if batch.deposit_amount is not None and report.deposit_amount is None:
        names.discard("depositAmount")  # stated and compared before
    if batch.deposit_address and not report.deposit_address:
        names.discard("depositAddress")
    found = {}
    if "payouts" in names:
        found["payouts"] = _("It pays other payees or other amounts than were approved.")
    if "delay" in names:
        found["delay"] = _("The delay is %(theirs)s hours, approved were %(ours)s.") % {
            "theirs": "?" if report.delay is None else report.delay,
            "ours": batch.delay,
        }
    if "depositAddress" in names:
        found["depositAddress"] = _("There is no deposit address in the answer.")
    elif report.deposit_address and batch.deposit_address not in ("", report.deposit_address):
        found["depositAddress"] = _("The deposit address was %(ours)s, now it is %(theirs)s.") % {
            "ours": batch.deposit_address,
            "theirs": report.deposit_address[:100],
        }
    if "depositAmount" in names:
        found["depositAmount"] = _(
            "The deposit %(deposit)s is not the payouts %(total)s plus the fee %(fee)s."
        ) % {
            "deposit": _shown(report.deposit_amount),
            "total": _shown(report.payouts_total),
            "fee": _shown(report.fee),
        }
    elif report.deposit_amount is not None and batch.deposit_amount not in (None, report.deposit_amount):
        found["depositAmount"] = _("The deposit was %(ours)s, now it is %(theirs)s.") % {
            "ours": _shown(batch.deposit_amount),
            "theirs": _shown(report.deposit_amount),
        }
    if report.fee is not None and batch.max_fee is not None and report.fee > batch.max_fee:
        found["fee"] = _("The fee is %(theirs)s, at most %(ours)s was approved.") % {
            "theirs": _shown(report.fee),
            "ours": _shown(batch.max_fee),
        }
    # Once wrong, only a right one makes it good: an answer without any does not.
    if "signature" in names or (report.signature_ok is None and batch.signed == Signature.WRONG):
        found["signature"] = _("The signature of the answer is wrong: it may not be theirs.")
    return found


def _shown(amount: Any) -> str:
    return "?" if amount is None else money.plain(amount)


def _note_facts(
    batch: BatchPayout, report: BatchReport, reasons: dict[str, str], asked_at: dt.datetime | None
) -> None:
    """Keep what was said. Where and how much to pay is kept from the first answer: a later one that differs holds."""
    changes: dict[str, Any] = {"check_failures": 0, "last_error": "", "candidates": []}
    changes["differs"] = sorted(reasons)
    changes["checked_at"] = asked_at or timezone.now()
    if report.provider_status:
        changes["provider_status"] = report.provider_status[:64]
    known = {
        "provider_id": report.provider_id[:100],
        "deposit_address": report.deposit_address[:100],
        "deposit_amount": report.deposit_amount,
        "fee": report.fee,
        "deposit_txid": report.deposit_txid[:120],
        "txid": report.txid[:120],
    }
    changes |= {name: value for name, value in known.items() if value and not getattr(batch, name)}
    if report.fee is not None and batch.fee is None:
        changes["fee"] = report.fee
    if report.signature_ok is not None:
        changes["signed"] = Signature.SIGNED if report.signature_ok else Signature.WRONG
        if report.signature_form:
            changes["signature_form"] = report.signature_form[:8]
    elif batch.signed == Signature.NONE:
        changes["signed"] = Signature.UNSIGNED
    if batch.expires_at is None:
        begun = [moment for moment in (report.created, batch.sent_at, timezone.now()) if moment is not None]
        lifetime = dt.timedelta(hours=batch.account.batch_lifetime_hours)
        changes |= {"expires_at": min(begun) + lifetime, "pay_until": min(begun) + lifetime / 2}
    if any(getattr(batch, name) != value for name, value in changes.items() if name != "checked_at"):
        changes["version"] = batch.version + 1
        wake.later("backoffice.index_object", "batch_payout", batch.pk)
    for name, value in changes.items():
        setattr(batch, name, value)
    batch.save(update_fields=[*changes, "updated_at"])


def _hold(batch: BatchPayout, report: BatchReport, reasons: list[str], way: str) -> None:
    if batch.status == Status.CREATING:
        # It arrived: whatever it is that they have, it is not to be created again.
        move(batch, Status.UNKNOWN, way=way)
    _alarm(batch, report, way)
    note_seen(batch)
    exceptions.hold(
        reference=batch.reference,
        obj=batch,
        reason=references.reason(reasons),
        way=way,
        status=report.provider_status,
        id=report.provider_id,
        deposit=report.deposit_amount,
        fee=report.fee,
        rows=report.payouts_total,
    )


def _follow(batch: BatchPayout, report: BatchReport, way: str) -> None:
    """Do what an undisputed report says."""
    if report.status is None:
        if batch.status == Status.CREATING:
            move(batch, Status.UNKNOWN, way=way)
        else:
            note_seen(batch)
        return
    if batch.status in FINAL:
        _after_the_end(batch, report, way)
        return
    if _goes_back(batch, report):
        _tell_back(batch, report, way)
        note_seen(batch)
        return
    _book(batch, report, way)
    if batch.status != report.status:
        move(batch, report.status, way=way)
    else:
        note_seen(batch)
    _alarm(batch, report, way)


def _goes_back(batch: BatchPayout, report: BatchReport) -> bool:
    can = BatchPayout.TRANSITIONS[Status(batch.status)]
    return report.status != batch.status and report.status not in can


def _after_the_end(batch: BatchPayout, report: BatchReport, way: str) -> None:
    """A final state is never changed by a machine: a person is told when the provider says otherwise."""
    note_seen(batch)
    _alarm(batch, report, way)
    if report.status != batch.status:
        _tell_back(batch, report, way)


def _tell_back(batch: BatchPayout, report: BatchReport, way: str) -> None:
    _tell(
        batch,
        Kind.TAKEN_BACK,
        _("This is “%(ours)s” here, but the provider now says “%(theirs)s”.")
        % {"ours": batch.get_status_display(), "theirs": report.provider_status},
        way,
        key=str(report.status),
    )


def _alarm(batch: BatchPayout, report: BatchReport, way: str) -> None:
    """It has expired, and the deposit is there or on its way: nobody was paid for our money."""
    if "expired" not in (batch.status, report.status):
        return
    withdrawal = batch.withdrawal
    left = withdrawal is not None and withdrawal.sent_at is not None and withdrawal.status not in GONE_NOWHERE
    if not (batch.deposit_txid or report.deposit_txid or left or batch.paid_outside_at):
        return
    _tell(
        batch,
        Kind.EXPIRED_PAID,
        _(
            "It has expired, and its deposit of %(amount)s BTC was paid or is on its way. Write to the provider now."
        )
        % {"amount": _shown(batch.deposit_amount)},
        way,
    )


def _book(batch: BatchPayout, report: BatchReport, way: str) -> None:
    """Off the balances, each once: the deposit when the provider has seen it, payouts and fee when they are made.

    What it costs us on a balance is booked by the withdrawal that pays it.
    """
    seen = report.status in DEPOSITED or (report.status == "expired" and report.deposit_txid)
    if not seen or batch.deposit_amount is None or batch.fee is None:
        return
    common: dict[str, Any] = {
        "account": batch.account,
        "currency": batch.currency,
        "reference": batch.reference,
        "way": way,
        "on_balance": False,
        "tag": PROVIDERS[batch.account.provider].report_tag,
    }
    number = batch.reference.value
    movements.book(
        key=f"batch-deposit:{number}",
        kind=Movement.Kind.BATCH_DEPOSIT,
        amount=batch.deposit_amount,
        label=gettext_noop("deposit of the batch"),
        **common,
    )
    if report.status != "complete":
        return
    movements.book(
        key=f"batch-payout:{number}",
        kind=Movement.Kind.BATCH_PAYOUT,
        amount=-batch.total,
        label=gettext_noop("paid out to the payees"),
        **common,
    )
    if batch.fee:
        movements.book(
            key=f"batch-fee:{number}",
            kind=Movement.Kind.FEE,
            amount=-batch.fee,
            label=gettext_noop("the provider's fee"),
            **common,
        )


def _tell(batch: BatchPayout, kind: str, title: str, way: str, *, key: str = "") -> None:
    exceptions.open_item(
        kind=kind,
        key=f"{batch.reference.value}:{key}",
        title=title,
        account=batch.account,
        reference=batch.reference,
        way=way,
    )


# --- What went wrong ---
@transaction.atomic
def not_found(
    *, batch_payout_id: int, candidates: Sequence[BatchReport], way: str, asked_at: dt.datetime
) -> BatchPayout:
    """The list shows none, or several that may be it: it stays unknown, and with several a person is asked."""
    batch = lock(batch_payout_id)
    if batch.status != Status.UNKNOWN or batch.provider_id:
        return batch
    told = [
        {
            "id": one.provider_id,
            "created": one.created.isoformat() if one.created else "",
            "word": one.provider_status,
        }
        for one in candidates
    ]
    BatchPayout.objects.filter(pk=batch.pk).update(
        candidates=told,
        checked_at=asked_at,
        check_failures=batch.check_failures + 1,
        next_check_at=schedule.after_failures(batch.check_failures + 1),
        version=batch.version + (told != batch.candidates),
    )
    if told:
        _tell(
            batch,
            Kind.AMBIGUOUS,
            _("Several transactions at the provider may be this one: %s")
            % ", ".join(one["id"] for one in told),
            way,
        )
    return batch


def adopt(*, batch_payout_id: int, provider_id: str) -> bool:
    """Tie the one transaction that the list shows to a batch whose answer was lost. False: another of ours has it."""
    try:
        with transaction.atomic():
            batch = lock(batch_payout_id)
            if batch.status != Status.UNKNOWN or batch.provider_id:
                return batch.provider_id == provider_id
            BatchPayout.objects.filter(pk=batch.pk).update(
                **schedule.bump(provider_id=provider_id, candidates=[])
            )
            audit.record(None, "batch_payout.adopted", batch, way=audit.Way.POLL, id=provider_id)
    except IntegrityError:
        return False
    return True


def _mine(batch_payout_id: int, fence: int) -> BatchPayout | None:
    batch = lock(batch_payout_id)
    return batch if batch.status == Status.CREATING and batch.fence == fence else None


@transaction.atomic
def doubt(*, batch_payout_id: int, fence: int, error: str, way: str) -> None:
    """The order may exist: unknown, in amber, and the provider's list will be read."""
    batch = _mine(batch_payout_id, fence)
    if batch is not None:
        move(batch, Status.UNKNOWN, way=way, last_error=error[:300], check_failures=1)


@transaction.atomic
def fail(*, batch_payout_id: int, fence: int, error: ProviderError | str, way: str) -> None:
    """Refused in documented words, or by our own check: there is no order."""
    batch = _mine(batch_payout_id, fence)
    if batch is not None:
        words = error if isinstance(error, str) else calls.explain(error)
        move(batch, Status.FAILED, way=way, last_error=words[:300])


@transaction.atomic
def not_sent(*, batch_payout_id: int, fence: int, error: ProviderError) -> None:
    """Proven not sent: back to approved by itself, and tried again later under the same approval."""
    batch = _mine(batch_payout_id, fence)
    if batch is None:
        return
    failures = batch.check_failures + 1
    move(
        batch,
        Status.APPROVED,
        way=audit.Way.SYSTEM,
        last_error=calls.explain(error)[:300],
        check_failures=failures,
        next_check_at=schedule.after_failures(failures, at_least=schedule.asked_to_wait(error)),
        note=calls.explain(error)[:300],
    )


@transaction.atomic
def not_answered(*, batch_payout_id: int, error: ProviderError, asked_at: dt.datetime) -> None:
    """A look-up gave nothing to apply: the row keeps its state, says why, and is asked again later."""
    batch = lock(batch_payout_id)
    words = calls.explain(error)[:300]
    changes: dict[str, Any] = {
        "last_error": words,
        "check_failures": batch.check_failures + 1,
        "version": batch.version + (words != batch.last_error),
    }
    if batch.status == Status.UNKNOWN and isinstance(error, (Refused, Denied, OutcomeUnknown)):
        changes["checked_at"] = asked_at
    if batch.status not in FINAL:
        changes["next_check_at"] = schedule.after_failures(changes["check_failures"])
    BatchPayout.objects.filter(pk=batch.pk).update(**changes)
