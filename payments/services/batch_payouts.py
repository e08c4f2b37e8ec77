"""Batch payouts: requesting, approving, creating once, asking. Deals floor.

What a report means stands in batch_reports, how the deposit is paid in batch_payments, what people decide about a lost
answer in batch_decisions.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import wake
from backoffice.kit.states import IllegalMove
from backoffice.permissions import APPROVER, guarded, roles
from payments.models import Approval, BatchPayout, BatchRow, ProviderAccount, ProviderCall, Reference
from payments.providers.batches import BatchReport, could_be
from payments.providers.errors import (
    Denied,
    Invalid,
    NotSupported,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    Unavailable,
)

from . import accounts, approvals, batch_fields, batch_reports, calls, freeze, references, schedule
from .failpoints import hit

Status = BatchPayout.Status
Way = audit.Way
OPERATION = "createTransaction"
REQUEST_LIFETIME = dt.timedelta(days=7)


# --- Requesting ---
@guarded("payments.request_batchpayout")
def request(
    *, actor: Any, account: ProviderAccount, fields: dict[str, Any], form_token: UUID | None = None
) -> BatchPayout:
    """Make a request that another person approves. The same form (actor and token) twice gives the same row.

    `fields` are under the provider's parameter names: `payouts` as text, one line per payee, amounts in BTC; and ours:
    `_max_fee`, `_note`, `_confirm_similar`. Asks the provider about the addresses, for 5 s at most.
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
def bound(batch_payout: BatchPayout) -> str:
    """The digest of what would leave now."""
    return approvals.digest(
        reference=batch_payout.reference,
        account=batch_payout.account,
        payload=batch_fields.payload(batch_payout),
        max_debit=batch_payout.total,
    )


@guarded("payments.approve_batchpayout")
def approve(*, actor: Any, batch_payout: BatchPayout, seen: str = "") -> BatchPayout:
    """Approve exactly what is stored, and let a worker create it. Its deposit needs an approval of its own.

    `seen`: the digest (`bound`) of what the person was shown; another one now is refused. Raises ValidationError or
    IllegalMove.
    """
    with transaction.atomic():
        locked = batch_reports.lock(batch_payout.pk)
        approvals.check_person(actor=actor, requester=locked.created_by)
        if refusal := accounts.why_no_batches(locked.account):
            raise ValidationError(refusal)
        if locked.status != Status.AWAITING_APPROVAL:
            raise IllegalMove(locked.status, Status.APPROVED)
        digest = bound(locked)
        if seen and seen != digest:
            raise ValidationError(_("Something has changed since you opened this page. Read it again."))
        approvals.grant(reference=locked.reference, step=Approval.Step.SEND, digest=digest, approver=actor)
        batch_reports.move(
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
    locked = batch_reports.lock(batch_payout.pk)
    approvals.check_person(actor=actor, requester=locked.created_by)
    batch_reports.move(locked, Status.REJECTED, way=Way.STAFF, actor=actor, note=reason)
    return locked


@guarded("payments.cancel_batchpayout")
@transaction.atomic
def cancel(*, actor: Any, batch_payout: BatchPayout) -> BatchPayout:
    """Take a request back before it is created: the requester, or any approver. Raises IllegalMove, PermissionDenied."""
    locked = batch_reports.lock(batch_payout.pk)
    if locked.created_by_id != actor.pk and APPROVER not in roles(actor):
        raise PermissionDenied(_("Only the requester or an approver may cancel this."))
    batch_reports.move(locked, Status.CANCELED, way=Way.STAFF, actor=actor)
    return locked


# --- Creating ---
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
        locked = batch_reports.lock(batch_payout_id)
        locked.fence = fence
        if locked.status != Status.APPROVED:
            return None
        refusal = accounts.why_no_batches(locked.account)
        if refusal or freeze.stops(locked.account_id):
            _wait(locked, refusal or _("Sending is frozen."))
            return None
        if why := approvals.why_not(reference=locked.reference, digest=bound(locked)):
            batch_reports.move(
                locked, Status.AWAITING_APPROVAL, way=Way.SYSTEM, last_error=why[:300], note=why
            )
            return None
        batch_reports.move(locked, Status.CREATING, way=Way.SYSTEM, keep_claim=True, sent_at=timezone.now())
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
            batch_reports.fail(**told, error=wrong, way=Way.REPLY)
            return
        client = calls.client(
            batch.account, reference=batch.reference, priority="money", guard=guard, fence=fence
        )
        report = client.create(batch_fields.to_send(batch))
    except (Unavailable, RateLimited, Denied) as error:
        batch_reports.not_sent(**told, error=error)
    except (Refused, Invalid, NotSupported) as error:
        if calls.may_have_left(batch.reference, OPERATION, but=fence):
            batch_reports.doubt(**told, error=calls.explain(error), way=Way.REPLY)
        else:
            batch_reports.fail(**told, error=error, way=Way.REPLY)
    except OutcomeUnknown as error:
        if calls.may_have_left(batch.reference, OPERATION, fence=fence):
            batch_reports.doubt(**told, error=calls.explain(error), way=Way.REPLY)
        else:  # an address could not be checked: nothing was created
            batch_reports.not_sent(**told, error=error)
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
            batch_reports.doubt(**told, error=_("The attempt was interrupted."), way=Way.SYSTEM)
        else:
            error = Unavailable(
                "interrupted", staff=gettext_noop("The attempt was interrupted before anything was sent.")
            )
            batch_reports.not_sent(**told, error=error)


# --- Asking ---
def refresh(*, batch_payout_id: int, way: str = Way.POLL, priority: str = "poll") -> BatchPayout:
    """Ask the provider about one batch payout and apply its answer through the door. After a lost answer its list is
    read; one that fits exactly, and no other of ours has, is adopted.

    Raises ProviderError when it cannot be asked or does not know it; the row then says so and stays.
    """
    batch = BatchPayout.objects.select_related("reference", "account").get(pk=batch_payout_id)
    if batch.status not in batch_reports.ASKED or batch.status == Status.CREATING:
        return batch
    asked_at = timezone.now()
    try:
        client = calls.client(batch.account, reference=batch.reference, priority=priority)
        hit("F12")
        provider_id = batch.provider_id
        if not provider_id:
            found = look(client, batch)
            if len(found) != 1 or not batch_reports.adopt(
                batch_payout_id=batch_payout_id, provider_id=found[0].provider_id
            ):
                return batch_reports.not_found(
                    batch_payout_id=batch_payout_id, candidates=found, way=way, asked_at=asked_at
                )
            provider_id = found[0].provider_id
        report = client.find(provider_id)
    except ProviderError as error:
        batch_reports.not_answered(batch_payout_id=batch_payout_id, error=error, asked_at=asked_at)
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
    since = (first.started_at if first else batch.sent_at or batch.created_at) - batch_reports.SKEW
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
            locked = batch_reports.lock(pk)
            why = approvals.why_not(reference=locked.reference, digest=bound(locked))
            if locked.status == Status.APPROVED and why:
                batch_reports.move(
                    locked, Status.AWAITING_APPROVAL, way=Way.SYSTEM, last_error=why[:300], note=why
                )
                count += 1
    late = BatchPayout.objects.filter(
        status=Status.AWAITING_APPROVAL, created_at__lte=timezone.now() - REQUEST_LIFETIME
    )
    for pk in list(late.values_list("pk", flat=True)[:500]):
        with transaction.atomic():
            locked = batch_reports.lock(pk)
            if locked.status == Status.AWAITING_APPROVAL:
                batch_reports.move(locked, Status.CANCELED, way=Way.CLOCK)
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
