"""What becomes of a batch payout when the provider's answer is lost, refuses or says nothing. Deals floor.

The order may exist: it is looked for and adopted, or stays unknown until people decide; it is never created again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from backoffice import audit
from payments.models import BatchPayout, ExceptionItem
from payments.providers.batches import BatchReport
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, Refused

from . import batch_alarms, calls, schedule
from .batch_states import FINAL, lock, move

Status = BatchPayout.Status


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
        batch_alarms.tell(
            batch,
            ExceptionItem.Kind.AMBIGUOUS,
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
