"""Vouchers: requesting, approving, handing over; and the names under which workers and pages reach the rest.

Making a code stands in creation, redeeming one in redemptions, the provider's list in listings, doubt in
voucher_decisions.
"""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import wake
from backoffice.kit.fields import keyed_digest
from backoffice.kit.states import IllegalMove
from backoffice.models import AuditEntry
from backoffice.permissions import APPROVER, guarded, roles
from codes.models import Voucher
from payments.models import Approval, ProviderAccount, Reference
from payments.services import approvals, references, reservations
from payments.services.failpoints import hit

from . import creation, listings, redemptions, voucher_fields
from . import voucher_states as states

Status = Voucher.Status
Way = audit.Way
REQUEST_LIFETIME = dt.timedelta(days=7)
CODE, PASSWORD = "code", "password"
WAITING = (Status.AWAITING_APPROVAL,)

redeem = redemptions.redeem
sync = listings.sync


# --- Requesting ---
@guarded("codes.request_voucher")
def request(
    *,
    actor: Any,
    account: ProviderAccount,
    fields: dict[str, Any],
    count: int = 1,
    form_token: UUID | None = None,
) -> list[Voucher]:
    """Request `count` vouchers of one amount under one approval. The same form (actor and token) twice gives the same.

    `fields` are under the provider's parameter names (amount as text), and ours: `_customer_reference`, `_note`,
    `_make_password` (each gets one that nobody has seen). Up to the account's `voucher_free_amount` in all they need
    no second person. Raises ValidationError by field.
    """
    earlier = _by_token(actor, form_token)
    if earlier:
        return earlier
    values = voucher_fields.check(account=account, fields=fields, count=count)
    hit("F0")
    try:
        with transaction.atomic(durable=True):
            bulk = uuid.uuid4()
            made = [_one(actor, account, values, bulk, number, form_token) for number in range(1, count + 1)]
            if voucher_fields.is_free(
                account=account, currency=values["currency"], total=values["amount"] * count
            ):
                _let_through(made)
    except IntegrityError:
        earlier = _by_token(actor, form_token)
        if not earlier:
            raise
        return earlier
    return made


def _by_token(actor: Any, form_token: UUID | None) -> list[Voucher]:
    if form_token is None:
        return []
    return list(Voucher.objects.filter(created_by=actor, form_token=form_token).order_by("position"))


def _one(
    actor: Any,
    account: ProviderAccount,
    values: dict[str, Any],
    bulk: UUID,
    number: int,
    form_token: UUID | None,
) -> Voucher:
    own = {"password": voucher_fields.made_password()} if values["password_made"] else {}
    voucher = Voucher.objects.create(
        reference=references.take(account=account, kind=Reference.Kind.VOUCHER),
        account=account,
        direction=Voucher.Direction.ISSUED,
        created_by=actor,
        form_token=form_token,
        bulk=bulk,
        position=number,
        **(values | own),
    )
    audit.record(actor, "voucher.requested", voucher, **voucher_fields.facts(voucher))
    wake.later("backoffice.index_object", "voucher", voucher.pk)
    return voucher


def _let_through(made: list[Voucher]) -> None:
    """Within the free amount: reserved and sent without a second person, bound to what was asked for."""
    for voucher in made:
        _reserve(voucher)
        states.move(
            voucher,
            Status.APPROVED,
            way=Way.SYSTEM,
            free_digest=voucher_fields.bound(voucher),
            next_check_at=timezone.now(),
            note=_("within the account's free amount"),
        )
    _wake(made)


def _reserve(voucher: Voucher) -> None:
    reservations.reserve(
        account=voucher.account,
        currency=voucher.currency,
        amount=voucher.amount or Decimal(0),
        reference=voucher.reference,
    )


def _wake(made: list[Voucher]) -> None:
    transaction.on_commit(lambda: hit("F1"))  # committed, and nobody is woken yet
    for voucher in made:
        wake.later("codes.submit_voucher", voucher.pk)


# --- Deciding before it is sent ---
def bound(vouchers: list[Voucher]) -> str:
    """The digest of everything that a yes to these vouchers would let go."""
    return keyed_digest("".join(voucher_fields.bound(one) for one in vouchers), "approval")


def requests_to_approve() -> QuerySet[Voucher]:
    """The first waiting voucher of each request: one yes is for all of it, also where only some wait again."""
    waiting = Voucher.objects.filter(status=Status.AWAITING_APPROVAL)
    earlier = waiting.filter(bulk=OuterRef("bulk"), position__lt=OuterRef("position"))
    return waiting.exclude(Exists(earlier))


def together(voucher: Voucher, statuses: tuple[str, ...] = WAITING) -> list[Voucher]:
    """The vouchers of the same request that are in these states."""
    rows = Voucher.objects.filter(bulk=voucher.bulk, status__in=statuses).order_by("position")
    return list(rows.select_related("reference", "account", "created_by"))


@guarded("codes.approve_voucher")
@transaction.atomic
def approve(*, actor: Any, voucher: Voucher, seen: str = "") -> Voucher:
    """Approve this voucher and all of the same request that still wait, reserve them, and let workers make them.

    `seen`: the digest (`bound`) of what the person was shown; another one now is refused. Raises ValidationError (own
    request, role given by the requester, not enough available, account may not pay out) or IllegalMove.
    """
    waiting = states.lock_bulk(voucher, WAITING)
    approvals.check_person(actor=actor, requester=voucher.created_by)
    if voucher.pk not in [one.pk for one in waiting]:
        raise IllegalMove(states.lock(voucher.pk).status, Status.APPROVED)
    if refusal := voucher_fields.may_issue(waiting[0].account):
        raise ValidationError(refusal)
    if seen and seen != bound(waiting):
        raise ValidationError(_("Something has changed since you opened this page. Read it again."))
    for one in waiting:
        _reserve(one)
        digest = voucher_fields.bound(one)
        approvals.grant(reference=one.reference, step=Approval.Step.SEND, digest=digest, approver=actor)
        states.move(
            one, Status.APPROVED, way=Way.STAFF, actor=actor, next_check_at=timezone.now(), digest=digest
        )
    _wake(waiting)
    return next(one for one in waiting if one.pk == voucher.pk)


@guarded("codes.approve_voucher")
@transaction.atomic
def reject(*, actor: Any, voucher: Voucher, reason: str) -> Voucher:
    """Refuse the request, with a reason: this voucher and all of it that still wait. Raises ValidationError, IllegalMove."""
    reason = (reason or "").strip()
    if not reason:
        raise ValidationError({"reason": _("Write why.")})
    waiting = states.lock_bulk(voucher, WAITING)
    approvals.check_person(actor=actor, requester=voucher.created_by)
    return _end(waiting, voucher, Status.REJECTED, actor=actor, note=reason)


@guarded("codes.cancel_voucher")
@transaction.atomic
def cancel(*, actor: Any, voucher: Voucher) -> Voucher:
    """Take back what of this request has not been sent: the requester, or any approver.

    Raises IllegalMove, PermissionDenied, or ValidationError for a code that may have left to be redeemed.
    """
    if voucher.created_by_id != actor.pk and APPROVER not in roles(actor):
        raise PermissionDenied(_("Only the requester or an approver may cancel this."))
    if not voucher.is_issued:
        locked = states.lock(voucher.pk)
        redemptions.take_back(locked, way=Way.STAFF, actor=actor)
        return locked
    waiting = states.lock_bulk(voucher, (Status.AWAITING_APPROVAL, Status.APPROVED))
    return _end(waiting, voucher, Status.CANCELED, actor=actor)


def _end(waiting: list[Voucher], voucher: Voucher, status: str, **told: Any) -> Voucher:
    """Close the password with it: what was never made needs none."""
    if voucher.pk not in [one.pk for one in waiting]:
        raise IllegalMove(states.lock(voucher.pk).status, status)
    for one in waiting:
        states.move(one, status, way=Way.STAFF, password="", **told)
    return next(one for one in waiting if one.pk == voucher.pk)


# --- Handing over ---
@guarded("codes.reveal_voucher")
@transaction.atomic
def reveal(*, actor: Any, voucher: Voucher, part: str) -> str:
    """The code or the password (`part`) in clear, written into the audit trail each time.

    Where the account hands over apart, nobody gets both: whoever has seen one, or typed the password, is refused the
    other. Raises ValidationError.
    """
    states.lock_bulk(voucher, ())  # what is known of the others of its request counts, too
    locked = states.lock(voucher.pk)
    if part not in (CODE, PASSWORD):
        raise ValidationError({"part": _("Choose the code or the password.")})
    secret = locked.code if part == CODE else locked.password
    if not secret:
        raise ValidationError(
            _("There is no code yet.") if part == CODE else _("There is no password to show.")
        )
    if locked.account.split_handover and locked.is_issued and _knows_other(actor, locked, part):
        raise ValidationError(
            _(
                "This account hands over code and password apart, and you know the other part. Ask another operator."
            )
        )
    audit.record(actor, "voucher.revealed", locked, part=part)
    return secret


def _knows_other(actor: Any, voucher: Voucher, part: str) -> bool:
    other = PASSWORD if part == CODE else CODE
    typed = voucher.created_by_id == actor.pk and voucher.has_password and not voucher.password_made
    if other == PASSWORD and (typed or not voucher.has_password):
        return typed
    same = [voucher.pk]
    if not voucher.password_made:  # typed once for the whole request: who has seen it at one knows it of all
        same = list(Voucher.objects.filter(bulk=voucher.bulk).values_list("pk", flat=True))
    seen = AuditEntry.objects.filter(
        verb="voucher.revealed", object_type=voucher._meta.label_lower, actor=actor, facts__part=other
    )
    return seen.filter(object_id__in=[str(pk) for pk in same]).exists()


# --- Workers ---
def submit(*, voucher_id: int) -> None:
    """Send an approved or redeeming voucher once, or find out what became of an interrupted attempt.

    Called by workers; harmless when called twice, late or in parallel. Never sends what may have left.
    """
    hit("F2")
    row = Voucher.objects.filter(pk=voucher_id).values("status", "reference__held_at").get()
    if row["status"] == Status.REDEEMING:
        redemptions.run(voucher_id=voucher_id)
    elif row["status"] == Status.CREATING or (
        row["status"] == Status.APPROVED and row["reference__held_at"] is None
    ):
        creation.run(voucher_id=voucher_id, status=row["status"])


def refresh(*, voucher_id: int, way: str = Way.POLL, priority: str = "poll") -> Voucher:
    """Ask the provider about one voucher: its line of the list, or for a redemption in doubt our balance there.

    Raises ProviderError when it cannot be asked; the row then says so and stays.
    """
    voucher = Voucher.objects.select_related("reference", "account").get(pk=voucher_id)
    if not voucher.is_issued:
        if voucher.status == Status.UNKNOWN:
            return redemptions.look_after(voucher=voucher, priority=priority)
        return voucher
    if voucher.has_code or voucher.status == Status.UNKNOWN:
        hit("F12")
        return listings.look_up(voucher=voucher, way=way, priority=priority)
    return voucher


@guarded("codes.refresh_voucher")
def ask_now(*, actor: Any, voucher: Voucher) -> None:
    """Let a worker ask about this voucher now."""
    wake.later("codes.refresh_voucher", voucher.pk)


# --- The clock ---
def expire() -> int:
    """Approvals older than 24 h go back to be approved, requests older than 7 days are canceled, codes that could not be
    sent for a day are given up. Gives how many.
    """
    count = redemptions.expire()
    stale = Approval.objects.filter(
        step=Approval.Step.SEND, used_at__isnull=True, voided_at__isnull=True, expires_at__lte=timezone.now()
    ).values("reference")
    old = Voucher.objects.filter(status=Status.APPROVED, reference__in=stale).values_list("pk", flat=True)
    for pk in list(old[:500]):
        with transaction.atomic():
            locked = states.lock(pk)
            why = voucher_fields.why_not(locked) if locked.status == Status.APPROVED else ""
            if why:
                creation.back_to_approval(locked, why)
                count += 1
    late = Voucher.objects.filter(
        status=Status.AWAITING_APPROVAL, created_at__lte=timezone.now() - REQUEST_LIFETIME
    ).values_list("pk", flat=True)
    for pk in list(late[:500]):
        with transaction.atomic():
            locked = states.lock(pk)
            if locked.status == Status.AWAITING_APPROVAL:
                states.move(locked, Status.CANCELED, way=Way.CLOCK, password="")
                count += 1
    return count


def search_text(voucher: Voucher) -> str:
    """What people find a voucher by: our number, for whom, the description, what for. Never the code."""
    parts = [voucher.reference.value, voucher.payee, voucher.description, voucher.purpose]
    return " ".join(part for part in parts if part)
