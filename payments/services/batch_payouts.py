"""Batch payouts: requesting, deciding before one is created, the clock. Deals floor.

How it is created stands in batch_orders, how it is asked about in batch_looks, what a report means in batch_reports, how
the deposit is paid in batch_payments, what people decide about a lost answer in batch_decisions.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import wake
from backoffice.kit.states import IllegalMove
from backoffice.permissions import APPROVER, guarded, roles
from payments.models import Approval, BatchPayout, BatchRow, ProviderAccount, Reference

from . import accounts, approvals, batch_fields, batch_states, references
from .batch_looks import ask_now, refresh
from .batch_orders import OPERATION, bound, submit
from .failpoints import hit

__all__ = [
    "OPERATION",
    "approve",
    "ask_now",
    "bound",
    "cancel",
    "expire",
    "refresh",
    "reject",
    "request",
    "search_text",
    "submit",
]

Status = BatchPayout.Status
Way = audit.Way
REQUEST_LIFETIME = dt.timedelta(days=7)


# --- Requesting ---
@guarded("payments.request_batchpayout")
def request(
    *, actor: Any, account: ProviderAccount, fields: dict[str, Any], form_token: UUID | None = None
) -> BatchPayout:
    """Make a request that another person approves. The same form (actor and token) twice gives the same row.

    `fields` are under the provider's parameter names: `payouts` as text, one line per payee, amounts in BTC; and ours:
    `_max_fee`, `_note`, `_confirm_similar`, `_confirm_own`. Asks the provider about the addresses, for 5 s at most.
    Raises ValidationError by field.
    """
    earlier = _by_token(actor, form_token)
    if earlier is not None:
        return earlier
    values, rows = batch_fields.check(account=account, fields=fields)
    hit("F0")
    try:
        with transaction.atomic(durable=True):
            reference = references.take(account=account, kind=Reference.Kind.BATCH_PAYOUT)
            batch = BatchPayout.objects.create(
                reference=reference, account=account, created_by=actor, form_token=form_token, **values
            )
            BatchRow.objects.bulk_create(
                BatchRow(
                    batch=batch,
                    position=number,
                    address=row.address,
                    amount=row.amount,
                    is_valid=row.is_valid,
                )
                for number, row in enumerate(rows, start=1)
            )
            audit.record(actor, "batch_payout.requested", batch, **batch_fields.facts(batch))
            wake.later("backoffice.index_object", "batch_payout", batch.pk)
    except IntegrityError:
        earlier = _by_token(actor, form_token)
        if earlier is None:
            raise
        return earlier
    return batch


def _by_token(actor: Any, form_token: UUID | None) -> BatchPayout | None:
    if form_token is None:
        return None
    return BatchPayout.objects.filter(created_by=actor, form_token=form_token).first()


# --- Deciding before it is created ---


@guarded("payments.approve_batchpayout")
def approve(*, actor: Any, batch_payout: BatchPayout, seen: str = "") -> BatchPayout:
    """Approve exactly what is stored, and let a worker create it. Its deposit needs an approval of its own.

    `seen`: the digest (`bound`) of what the person was shown; another one now is refused. Raises ValidationError or
    IllegalMove.
    """
    with transaction.atomic():
        locked = batch_states.lock(batch_payout.pk)
        approvals.check_person(actor=actor, requester=locked.created_by)
        if refusal := accounts.why_no_batches(locked.account):
            raise ValidationError(refusal)
        if locked.status != Status.AWAITING_APPROVAL:
            raise IllegalMove(locked.status, Status.APPROVED)
        digest = bound(locked)
        if seen and seen != digest:
            raise ValidationError(_("Something has changed since you opened this page. Read it again."))
        approvals.grant(reference=locked.reference, step=Approval.Step.SEND, digest=digest, approver=actor)
        batch_states.move(
            locked, Status.APPROVED, way=Way.STAFF, actor=actor, next_check_at=timezone.now(), digest=digest
        )
        transaction.on_commit(lambda: hit("F1"))
        wake.later("payments.submit_batch_payout", locked.pk)
    return locked


@guarded("payments.approve_batchpayout")
@transaction.atomic
def reject(*, actor: Any, batch_payout: BatchPayout, reason: str) -> BatchPayout:
    """Refuse a request, with a reason. Raises ValidationError or IllegalMove."""
    reason = (reason or "").strip()
    if not reason:
        raise ValidationError({"reason": _("Write why.")})
    locked = batch_states.lock(batch_payout.pk)
    approvals.check_person(actor=actor, requester=locked.created_by)
    batch_states.move(locked, Status.REJECTED, way=Way.STAFF, actor=actor, note=reason)
    return locked


@guarded("payments.cancel_batchpayout")
@transaction.atomic
def cancel(*, actor: Any, batch_payout: BatchPayout) -> BatchPayout:
    """Take a request back before it is created: the requester, or any approver. Raises IllegalMove, PermissionDenied."""
    locked = batch_states.lock(batch_payout.pk)
    if locked.created_by_id != actor.pk and APPROVER not in roles(actor):
        raise PermissionDenied(_("Only the requester or an approver may cancel this."))
    batch_states.move(locked, Status.CANCELED, way=Way.STAFF, actor=actor)
    return locked


# --- The clock ---
def expire() -> int:
    """Approvals older than 24 h go back to be approved, requests older than 7 days are canceled. Gives how many."""
    count = 0
    stale = Approval.objects.filter(
        step=Approval.Step.SEND, used_at__isnull=True, voided_at__isnull=True, expires_at__lte=timezone.now()
    ).values("reference")
    old = BatchPayout.objects.filter(status=Status.APPROVED, reference__in=stale)
    for pk in list(old.values_list("pk", flat=True)[:500]):
        with transaction.atomic():
            locked = batch_states.lock(pk)
            why = approvals.why_not(reference=locked.reference, digest=bound(locked))
            if locked.status == Status.APPROVED and why:
                batch_states.move(
                    locked, Status.AWAITING_APPROVAL, way=Way.SYSTEM, last_error=why[:300], note=why
                )
                count += 1
    late = BatchPayout.objects.filter(
        status=Status.AWAITING_APPROVAL, created_at__lte=timezone.now() - REQUEST_LIFETIME
    )
    for pk in list(late.values_list("pk", flat=True)[:500]):
        with transaction.atomic():
            locked = batch_states.lock(pk)
            if locked.status == Status.AWAITING_APPROVAL:
                batch_states.move(locked, Status.CANCELED, way=Way.CLOCK)
                count += 1
    return count


def search_text(batch_payout: BatchPayout) -> str:
    """What people find a batch payout by: our number, theirs, the deposit address, payees' addresses, transactions."""
    parts = [
        batch_payout.reference.value,
        batch_payout.provider_id,
        batch_payout.deposit_address,
        batch_payout.deposit_txid,
        batch_payout.txid,
        batch_payout.purpose,
        *batch_payout.rows.order_by("position").values_list("address", flat=True)[:100],
    ]
    return " ".join(part for part in parts if part)
