"""Wallets: making an address once, adopting what a doubt left behind, and saying whom it was made for. Deals floor.

What a report means stands in wallet_reports, what arrives at an address in deposits.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import wake
from backoffice.kit.states import IllegalMove
from backoffice.permissions import guarded
from payments.models import Approval, ProviderAccount, Reference, Wallet
from payments.providers.errors import (
    Denied,
    Invalid,
    NotSupported,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unavailable,
)
from payments.providers.wallets import WalletRequest

from . import (
    accounts,
    approvals,
    callback_tokens,
    calls,
    deposits,
    orders,
    references,
    schedule,
    wallet_fields,
    wallet_reports,
    wallet_scans,
)
from .failpoints import hit

Status = Wallet.Status
Way = audit.Way
OPERATION = wallet_reports.OPERATION
SENDS = (Status.APPROVED, Status.CREATING)


# --- Making ---
@guarded("payments.create_wallet", system=True)
def create(
    *, actor: Any, account: ProviderAccount, fields: dict[str, Any], form_token: UUID | None = None
) -> Wallet:
    """Make the intent of a wallet; a worker sends it, with a conversion only after another person's yes.

    The same form (actor and token) twice gives the same row. `fields` are under the provider's parameter names and ours:
    `_label`, `_customer_reference`, `_confirm_similar`. Raises ValidationError by field.
    """
    earlier = _by_token(actor, form_token)
    if earlier is not None:
        return earlier
    values = wallet_fields.check(account=account, fields=fields)
    converts = orders.is_chosen(values["fields"])
    hit("F0")
    try:
        with transaction.atomic(durable=True):
            reference = references.take(account=account, kind=Reference.Kind.WALLET)
            wallet = Wallet.objects.create(
                reference=reference,
                account=account,
                created_by=actor,
                form_token=form_token,
                status=Status.AWAITING_APPROVAL if converts else Status.CREATING,
                next_check_at=None if converts else Now(),
                **values,
            )
            callback_tokens.object_token(reference)
            way = Way.STAFF if actor else Way.SYSTEM
            verb = "wallet.requested" if converts else "wallet.created"
            audit.record(actor, verb, wallet, way=way, **wallet_fields.facts(wallet))
            wake.later("backoffice.index_object", "wallet", wallet.pk)
            if not converts:
                transaction.on_commit(lambda: hit("F1"))
                wake.later("payments.submit_wallet", wallet.pk)
    except IntegrityError:
        earlier = _by_token(actor, form_token)
        if earlier is None:
            raise
        return earlier
    return wallet


def _by_token(actor: Any, form_token: UUID | None) -> Wallet | None:
    if form_token is None or actor is None:
        return None
    return Wallet.objects.filter(created_by=actor, form_token=form_token).first()


# --- A conversion needs another person ---
def bound(wallet: Wallet) -> str:
    """The digest of what would leave now."""
    return approvals.digest(
        reference=wallet.reference,
        account=wallet.account,
        payload=wallet_fields.to_send(wallet),
        max_debit=Decimal(0),
    )


@guarded("payments.approve_wallet")
def approve(*, actor: Any, wallet: Wallet, seen: str = "") -> Wallet:
    """Let exactly what is stored be made, with its conversion. Raises ValidationError or IllegalMove."""
    with transaction.atomic():
        locked = wallet_reports.lock(wallet.pk)
        approvals.check_person(actor=actor, requester=locked.created_by)
        if locked.status != Status.AWAITING_APPROVAL:
            raise IllegalMove(locked.status, Status.APPROVED)
        digest = bound(locked)
        if seen and seen != digest:
            raise ValidationError(_("Something has changed since you opened this page. Read it again."))
        approvals.grant(reference=locked.reference, step=Approval.Step.SEND, digest=digest, approver=actor)
        wallet_reports.move(
            locked, Status.APPROVED, way=Way.STAFF, actor=actor, next_check_at=timezone.now(), digest=digest
        )
        wake.later("payments.submit_wallet", locked.pk)
    return locked


@guarded("payments.approve_wallet")
@transaction.atomic
def reject(*, actor: Any, wallet: Wallet, reason: str) -> Wallet:
    """Refuse it, with a reason. Raises ValidationError or IllegalMove."""
    reason = (reason or "").strip()
    if not reason:
        raise ValidationError({"reason": _("Write why.")})
    locked = wallet_reports.lock(wallet.pk)
    approvals.check_person(actor=actor, requester=locked.created_by)
    if locked.status != Status.AWAITING_APPROVAL:
        raise IllegalMove(locked.status, Status.REJECTED)
    wallet_reports.move(locked, Status.REJECTED, way=Way.STAFF, actor=actor, note=reason)
    return locked


# --- Sending ---
def submit(*, wallet_id: int) -> None:
    """Have the address made once. Called by workers; harmless when called twice, late or in parallel."""
    hit("F2")
    row = Wallet.objects.select_related("reference").get(pk=wallet_id)
    if row.status not in SENDS or row.reference.held_at is not None:
        return
    fence = _claim(wallet_id)
    if fence is not None:
        _send(Wallet.objects.select_related("reference", "account").get(pk=wallet_id), fence)


def _claim(wallet_id: int) -> int | None:
    """The row is `creating` before anything leaves. None: not now, or not any more."""
    with transaction.atomic(durable=True):
        fence = schedule.claim(Wallet, wallet_id)
        if fence is None:
            return None
        locked = wallet_reports.lock(wallet_id)
        if locked.status not in SENDS:
            return None
        if calls.may_have_left(locked.reference, OPERATION):
            # An earlier worker died or was cut off in the middle: look, never make another.
            hit("F13")
            wallet_reports.doubt(
                wallet_id=wallet_id, fence=fence, error=_("The attempt was interrupted."), way=Way.SYSTEM
            )
            return None
        if orders.is_chosen(locked.fields):
            if why := approvals.why_not(reference=locked.reference, digest=bound(locked)):
                wallet_reports.move(
                    locked, Status.AWAITING_APPROVAL, way=Way.SYSTEM, last_error=why[:300], note=why
                )
                return None
            if why := accounts.why_no_conversion(locked.account):
                again = timezone.now() + dt.timedelta(seconds=5)
                schedule.unclaim(
                    Wallet, wallet_id, fence, **schedule.bump(last_error=why[:300], next_check_at=again)
                )
                return None
        if locked.status == Status.APPROVED:
            wallet_reports.move(locked, Status.CREATING, way=Way.SYSTEM, keep_claim=True)
    return fence


def _send(wallet: Wallet, fence: int) -> None:
    pk = wallet.pk

    def guard() -> None:
        if not schedule.holds(Wallet, pk, fence, status=Status.CREATING):
            raise Unavailable("claim lost", staff=gettext_noop("Another worker has taken this over."))
        if orders.is_chosen(wallet.fields):
            accounts.check_conversion(row=wallet, digest=bound(wallet))

    try:
        client = calls.client(
            wallet.account, reference=wallet.reference, priority="money", guard=guard, fence=fence
        )
        report = client.create_wallet(
            WalletRequest(
                fields=wallet_fields.to_send(wallet),
                callback_url=callback_tokens.object_callback_url(wallet.reference),
            )
        )
    except (Unavailable, RateLimited, Denied) as error:
        wallet_reports.not_sent(wallet_id=pk, fence=fence, error=error)
    except (Refused, Invalid, NotSupported) as error:
        wallet_reports.fail(wallet_id=pk, fence=fence, error=error, way=Way.REPLY)
    except OutcomeUnknown as error:
        wallet_reports.doubt(wallet_id=pk, fence=fence, error=calls.explain(error), way=Way.REPLY)
    else:
        hit("F9")
        wallet_reports.apply(wallet_id=pk, report=report, way=Way.REPLY)
        hit("F10")


# --- Asking ---
def refresh(*, wallet_id: int, way: str = Way.POLL, priority: str = "poll") -> Wallet:
    """Of one in doubt: read the newest of the provider's list and adopt what is ours. Of an active one: what arrived.

    Raises ProviderError when it cannot be asked.
    """
    wallet = Wallet.objects.select_related("reference", "account").get(pk=wallet_id)
    if wallet.status == Status.ACTIVE:
        deposits.scan(account_id=wallet.account_id, way=way, priority=priority)
        Wallet.objects.filter(pk=wallet.pk).update(checked_at=timezone.now(), last_error="")
    if wallet.status != Status.UNKNOWN:
        return wallet
    return wallet_scans.look(wallet, way=way, priority=priority)


@guarded("payments.refresh_wallet")
def ask_now(*, actor: Any, wallet: Wallet) -> None:
    """Let a worker ask about this wallet now: whether it was made, or what arrived."""
    wake.later("payments.refresh_wallet", wallet.pk)


# --- The clock ---
def expire() -> int:
    """Approvals older than 24 hours go back to be approved. Gives how many."""
    stale = Approval.objects.filter(
        step=Approval.Step.SEND, used_at__isnull=True, voided_at__isnull=True, expires_at__lte=timezone.now()
    ).values("reference")
    count = 0
    for pk in list(
        Wallet.objects.filter(status=Status.APPROVED, reference__in=stale).values_list("pk", flat=True)[:500]
    ):
        with transaction.atomic():
            locked = wallet_reports.lock(pk)
            if locked.status == Status.APPROVED:
                why = _("The approval is older than 24 hours.")
                wallet_reports.move(locked, Status.AWAITING_APPROVAL, way=Way.CLOCK, last_error=why, note=why)
                count += 1
    return count


def search_text(wallet: Wallet) -> str:
    """What people find a wallet by: our number, theirs, the address, whom it was made for."""
    parts = [
        wallet.reference.value,
        wallet.provider_id,
        wallet.address,
        wallet.tag,
        wallet.label,
        wallet.customer,
    ]
    return " ".join(part for part in parts if part)
