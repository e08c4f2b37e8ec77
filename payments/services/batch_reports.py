"""What the provider's word means for a batch payout: compared, then booked, followed or held. Deals floor.

Its state changes through batch_states alone; answers that say nothing go to batch_doubts.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.kit import wake
from payments.models import BatchPayout, ExceptionItem, Movement
from payments.providers import PROVIDERS
from payments.providers.batches import BatchReport

from . import (
    batch_alarms,
    batch_differences,
    batch_states,
    exceptions,
    movements,
    references,
    schedule,
)
from .batch_states import ASKED, DEPOSITED, FINAL, move, note_seen

Status = BatchPayout.Status
Signature = BatchPayout.Signature


@transaction.atomic
def apply(
    *, batch_payout_id: int, report: BatchReport, way: str, asked_at: dt.datetime | None = None
) -> BatchPayout:
    """Apply one report about just this batch (never a row of the list): compare, then book, move or hold. Safe to repeat."""
    batch = batch_states.lock(batch_payout_id)
    if batch.status not in ASKED or schedule.is_overtaken(asked_at, batch.checked_at):
        return batch
    if not _is_ours(batch, report, way):
        return batch
    reasons = batch_differences.reasons(batch, report)
    _note_facts(batch, report, reasons, asked_at)
    if report.status is None:
        batch_alarms.tell(
            batch,
            ExceptionItem.Kind.UNKNOWN_WORD,
            _("The provider uses a status word that we do not know: %s") % report.provider_status[:80],
            way,
            key=report.provider_status[:40],
        )
    fresh = [reason for reason in reasons.values() if reason not in batch.reference.accepted]
    if fresh and references.reason(fresh) not in batch.reference.accepted:
        _hold(batch, report, fresh, way)
        return batch
    if batch.reference.held_at is not None:
        batch_alarms.expired_paid(batch, report, way)
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
    batch_alarms.expired_paid(batch, report, way)
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
        batch_alarms.taken_back(batch, report, way)
        note_seen(batch)
        return
    _book(batch, report, way)
    if batch.status != report.status:
        move(batch, report.status, way=way)
    else:
        note_seen(batch)
    batch_alarms.expired_paid(batch, report, way)
    batch_alarms.unseen(batch, way)


def _goes_back(batch: BatchPayout, report: BatchReport) -> bool:
    can = BatchPayout.TRANSITIONS[Status(batch.status)]
    return report.status != batch.status and report.status not in can


def _after_the_end(batch: BatchPayout, report: BatchReport, way: str) -> None:
    """A final state is never changed by a machine: a person is told when the provider says otherwise."""
    note_seen(batch)
    batch_alarms.expired_paid(batch, report, way)
    if report.status != batch.status:
        batch_alarms.taken_back(batch, report, way)


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
