"""Creating an approved batch payout at the provider, once. Deals floor.

What the answer means stands in batch_reports, what a lost one means in batch_doubts.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from payments.models import BatchPayout, ProviderAccount, Reference
from payments.providers.errors import (
    Denied,
    Invalid,
    NotSupported,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unavailable,
)

from . import (
    accounts,
    approvals,
    batch_doubts,
    batch_fields,
    batch_reports,
    batch_states,
    calls,
    freeze,
    schedule,
)
from .failpoints import hit

Status = BatchPayout.Status
Way = audit.Way
OPERATION = "createTransaction"


def bound(batch_payout: BatchPayout) -> str:
    """The digest of what would leave now."""
    return approvals.digest(
        reference=batch_payout.reference,
        account=batch_payout.account,
        payload=batch_fields.payload(batch_payout),
        max_debit=batch_payout.total,
    )


def submit(*, batch_payout_id: int) -> None:
    """Create an approved batch once, or find out what became of an interrupted attempt.

    Called by workers; harmless when called twice, late or in parallel. Never creates what may exist.
    """
    hit("F2")
    row = BatchPayout.objects.filter(pk=batch_payout_id).values("status", "reference__held_at").get()
    if row["status"] == Status.CREATING:
        _recover(batch_payout_id)
    elif row["status"] == Status.APPROVED and row["reference__held_at"] is None:
        claimed = _claim(batch_payout_id)
        if claimed is not None:
            _send(claimed)


def _claim(batch_payout_id: int) -> BatchPayout | None:
    """The first transaction: the row is `creating` before anything leaves. None: not now, or not any more."""
    with transaction.atomic(durable=True):
        fence = schedule.claim(BatchPayout, batch_payout_id, status=Status.APPROVED)
        if fence is None:
            return None
        locked = batch_states.lock(batch_payout_id)
        locked.fence = fence
        if locked.status != Status.APPROVED:
            return None
        refusal = accounts.why_no_batches(locked.account)
        if refusal or freeze.stops(locked.account_id):
            _wait(locked, refusal or _("Sending is frozen."))
            return None
        if why := approvals.why_not(reference=locked.reference, digest=bound(locked)):
            batch_states.move(
                locked, Status.AWAITING_APPROVAL, way=Way.SYSTEM, last_error=why[:300], note=why
            )
            return None
        batch_states.move(locked, Status.CREATING, way=Way.SYSTEM, keep_claim=True, sent_at=timezone.now())
    return locked


def _wait(locked: BatchPayout, why: str) -> None:
    schedule.unclaim(
        BatchPayout,
        locked.pk,
        locked.fence,
        **schedule.bump(last_error=why[:300], next_check_at=timezone.now() + dt.timedelta(seconds=5)),
    )


def _send(batch: BatchPayout) -> None:
    pk, fence = batch.pk, batch.fence

    def guard() -> None:
        freeze.check(batch.account_id)
        if accounts.why_no_batches(ProviderAccount.objects.get(pk=batch.account_id)):
            raise Unavailable(
                "batches", staff=gettext_noop("This account may not make batch payouts any more.")
            )
        if not schedule.holds(BatchPayout, pk, fence, status=Status.CREATING):
            raise Unavailable("claim lost", staff=gettext_noop("Another worker has taken this over."))
        if approvals.why_not(reference=batch.reference, digest=bound(batch)):
            raise Unavailable("not approved", staff=gettext_noop("The approval does not hold any more."))

    told: dict[str, Any] = {"batch_payout_id": pk, "fence": fence}
    try:
        if wrong := _wrong_addresses(batch):
            batch_doubts.fail(**told, error=wrong, way=Way.REPLY)
            return
        client = calls.client(
            batch.account, reference=batch.reference, priority="money", guard=guard, fence=fence
        )
        report = client.create(batch_fields.to_send(batch))
    except (Unavailable, RateLimited, Denied) as error:
        batch_doubts.not_sent(**told, error=error)
    except (Refused, Invalid, NotSupported) as error:
        if calls.may_have_left(batch.reference, OPERATION, but=fence):
            batch_doubts.doubt(**told, error=calls.explain(error), way=Way.REPLY)
        else:
            batch_doubts.fail(**told, error=error, way=Way.REPLY)
    except OutcomeUnknown as error:
        if calls.may_have_left(batch.reference, OPERATION, fence=fence):
            batch_doubts.doubt(**told, error=calls.explain(error), way=Way.REPLY)
        else:  # an address could not be checked: nothing was created
            batch_doubts.not_sent(**told, error=error)
    else:
        hit("F9")
        batch_reports.apply(batch_payout_id=pk, report=report, way=Way.REPLY)
        hit("F10")


def _wrong_addresses(batch: BatchPayout) -> str:
    """Ask about the addresses that were not asked about while they were typed: a sentence about one that is wrong."""
    for row in batch.rows.filter(is_valid__isnull=True).order_by("position"):
        client = calls.client(batch.account, reference=batch.reference, priority="read")
        row.is_valid = client.validate_address(row.address).valid is True
        row.save(update_fields=["is_valid"])
    wrong = batch.rows.filter(is_valid=False).order_by("position").first()
    if wrong is None:
        return ""
    return _("The provider says that the address of line %s is not valid.") % wrong.position


def _recover(batch_payout_id: int) -> None:
    """A worker vanished between the two transactions: by its attempt we know whether bytes may have left."""
    with transaction.atomic(durable=True):
        fence = schedule.claim(BatchPayout, batch_payout_id, status=Status.CREATING)
        if fence is None:
            return
        hit("F13")
        reference = Reference.objects.get(batch_payout=batch_payout_id)
        told: dict[str, Any] = {"batch_payout_id": batch_payout_id, "fence": fence}
        if calls.may_have_left(reference, OPERATION, fence=fence - 1):
            batch_doubts.doubt(**told, error=_("The attempt was interrupted."), way=Way.SYSTEM)
        else:
            error = Unavailable(
                "interrupted", staff=gettext_noop("The attempt was interrupted before anything was sent.")
            )
            batch_doubts.not_sent(**told, error=error)
