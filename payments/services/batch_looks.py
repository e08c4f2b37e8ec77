"""Asking what became of a batch payout; after a lost answer, looking for it in the provider's list. Deals floor."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from backoffice import audit
from backoffice.kit import wake
from backoffice.permissions import guarded
from payments.models import BatchPayout, ProviderCall
from payments.providers.batches import BatchReport, could_be
from payments.providers.errors import ProviderError

from . import batch_doubts, batch_fields, batch_reports, calls
from .batch_orders import OPERATION
from .batch_states import ASKED
from .failpoints import hit

Status = BatchPayout.Status
Way = audit.Way
# Their clock and ours need not agree to the second when a lost answer is looked for.
SKEW = dt.timedelta(minutes=2)


def refresh(*, batch_payout_id: int, way: str = Way.POLL, priority: str = "poll") -> BatchPayout:
    """Ask the provider about one batch payout and apply its answer through the door. After a lost answer its list is
    read; one that fits exactly, and no other of ours has, is adopted.

    Raises ProviderError when it cannot be asked or does not know it; the row then says so and stays.
    """
    batch = BatchPayout.objects.select_related("reference", "account").get(pk=batch_payout_id)
    if batch.status not in ASKED or batch.status == Status.CREATING:
        return batch
    asked_at = timezone.now()
    try:
        client = calls.client(batch.account, reference=batch.reference, priority=priority)
        hit("F12")
        provider_id = batch.provider_id
        if not provider_id:
            found = look(client, batch)
            if len(found) != 1 or not batch_doubts.adopt(
                batch_payout_id=batch_payout_id, provider_id=found[0].provider_id
            ):
                return batch_doubts.not_found(
                    batch_payout_id=batch_payout_id, candidates=found, way=way, asked_at=asked_at
                )
            provider_id = found[0].provider_id
        report = client.find(provider_id)
    except ProviderError as error:
        batch_doubts.not_answered(batch_payout_id=batch_payout_id, error=error, asked_at=asked_at)
        raise
    return batch_reports.apply(batch_payout_id=batch_payout_id, report=report, way=way, asked_at=asked_at)


def look(client: Any, batch: BatchPayout) -> list[BatchReport]:
    """What the provider's list shows that this batch may have become: equal payees, amounts and delay, made since it
    was sent, and not another batch of ours.
    """
    first = (
        ProviderCall.objects.filter(reference=batch.reference, operation=OPERATION, safe=False)
        .exclude(outcome__in=calls.NO_EFFECT)
        .order_by("started_at")
        .first()
    )
    since = (first.started_at if first else batch.sent_at or batch.created_at) - SKEW
    asked = batch_fields.to_send(batch)
    found = [one for one in client.scan(since=since) if could_be(asked, one, since=since)]
    ours = BatchPayout.objects.filter(
        account=batch.account, provider_id__in=[one.provider_id for one in found]
    ).exclude(pk=batch.pk)
    taken = set(ours.values_list("provider_id", flat=True))
    return [one for one in found if one.provider_id not in taken]


@guarded("payments.refresh_batchpayout")
def ask_now(*, actor: Any, batch_payout: BatchPayout) -> None:
    """Let a worker ask about this batch payout now."""
    wake.later("payments.refresh_batch_payout", batch_payout.pk)
