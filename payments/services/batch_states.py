"""Which state a batch payout is in: the one door for it, its lock, and when it is asked about next. Deals floor."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from backoffice import audit
from backoffice.kit.states import check_move
from payments.models import BatchPayout

from . import approvals, schedule
from .failpoints import hit

Status = BatchPayout.Status
FINAL = {Status.COMPLETE, Status.EXPIRED, Status.FAILED, Status.REJECTED, Status.CANCELED}
#: In these it may be asked about; only in these a report counts.
ASKED = (
    *(Status.CREATING, Status.UNKNOWN, Status.AWAITING_DEPOSIT, Status.CONFIRMING, Status.PROCESSING),
    *(Status.COMPLETE, Status.EXPIRED),
)
DEPOSITED = (Status.CONFIRMING, Status.PROCESSING, Status.COMPLETE)

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
        changes.setdefault("next_check_at", next_check(batch))
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


def next_check(batch: BatchPayout) -> dt.datetime | None:
    """When it is asked about again, by its state and age; None: never by itself."""
    if batch.status == Status.UNKNOWN:
        return schedule.after_failures(max(batch.check_failures, 1))
    ages = AGES.get(batch.status)
    return schedule.next_by_age(ages, batch.sent_at or batch.created_at) if ages else None


def note_seen(batch: BatchPayout, **changes: Any) -> None:
    """Nothing new: when it is asked about again."""
    BatchPayout.objects.filter(pk=batch.pk).update(next_check_at=next_check(batch), **changes)
