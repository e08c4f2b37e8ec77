"""The one door for a voucher's state, its booking and what became of an attempt. Knows no provider's words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from backoffice import audit
from backoffice.kit import wake
from backoffice.kit.states import check_move
from codes.models import Voucher
from payments.models import Movement
from payments.providers.errors import ProviderError
from payments.services import approvals, calls, exceptions, movements, reservations, schedule
from payments.services.failpoints import hit

Status = Voucher.Status
FINAL = {Status.REDEEMED, Status.FAILED, Status.REJECTED, Status.CANCELED}
ENDS_RESERVATION = {Status.FAILED, Status.REJECTED, Status.CANCELED, Status.AWAITING_APPROVAL}
TO_SEND = (Status.APPROVED, Status.CREATING, Status.REDEEMING)


def lock(voucher_id: int) -> Voucher:
    """The row, locked, with what belongs to it as it is now (read after the lock was had, and not joined to it)."""
    Voucher.objects.select_for_update().only("pk").get(pk=voucher_id)
    return Voucher.objects.select_related("reference", "account", "created_by").get(pk=voucher_id)


def lock_bulk(voucher: Voucher, statuses: Iterable[str]) -> list[Voucher]:
    """The rows of the same request in these states, locked in one order."""
    rows = Voucher.objects.filter(bulk=voucher.bulk)
    list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
    found = rows.filter(status__in=list(statuses)).order_by("position")
    return list(found.select_related("reference", "account", "created_by"))


def move(
    voucher: Voucher, status: str, *, way: str, actor: Any = None, keep_claim: bool = False, **changes: Any
) -> None:
    """Change the state of a locked voucher. Raises IllegalMove. Audit and reservation are in the same transaction."""
    old = voucher.status
    check_move(Voucher.TRANSITIONS, old, status)
    told = {name: changes.pop(name) for name in ("note", "digest") if name in changes}
    voucher.status = status
    if status in FINAL:
        changes["ended_at"] = timezone.now()
    changes.setdefault("next_check_at", _next_check(voucher))
    if not keep_claim:
        changes["claimed_until"] = None
    for name, value in changes.items():
        setattr(voucher, name, value)
    voucher.version += 1
    digest = ["code_digest"] if "code" in changes else []
    voucher.save(update_fields=["status", "version", "updated_at", *changes, *digest])
    if status in ENDS_RESERVATION:
        reservations.end(reference=voucher.reference)
        approvals.void(reference=voucher.reference, reason=str(Status(status).label))
    audit.record(actor, f"voucher.{status}", voucher, way=way, was=old, word=voucher.provider_status, **told)
    hit("F11")


def _next_check(voucher: Voucher) -> dt.datetime | None:
    """Active ones are followed by the provider's list, not one by one."""
    if voucher.status in TO_SEND:
        return timezone.now() + dt.timedelta(seconds=1)
    if voucher.status == Status.UNKNOWN:
        return schedule.after_failures(max(voucher.check_failures, 1))
    return None


# --- Booking ---
def book_made(voucher: Voucher, *, amount: Decimal, way: str, label: str) -> None:
    """The balance was debited when the code was made: once, and the reservation ends with it."""
    movements.book(
        key=f"voucher:{voucher.reference.value}",
        account=voucher.account,
        kind=Movement.Kind.VOUCHER,
        currency=voucher.currency,
        amount=-amount,
        way=way,
        reference=voucher.reference,
        label=label,
    )
    reservations.end(reference=voucher.reference)
    wake.later("payments.refresh_balance", voucher.account_id)


def book_redeemed(
    voucher: Voucher, *, amount: Decimal, currency: str, way: str, label: str, actor: Any = None
) -> None:
    """A code of somebody was credited to our balance: once."""
    movements.book(
        key=f"redemption:{voucher.reference.value}",
        account=voucher.account,
        kind=Movement.Kind.REDEMPTION,
        currency=currency,
        amount=amount,
        way=way,
        reference=voucher.reference,
        label=label,
        actor=actor,
    )
    wake.later("payments.refresh_balance", voucher.account_id)


def tell(voucher: Voucher, kind: str, title: str, way: str, *, key: str = "", **facts: Any) -> None:
    """Open an item for a person, once per voucher and key. `facts` hold no code."""
    exceptions.open_item(
        kind=kind,
        key=f"{voucher.reference.value}:{key}",
        title=title,
        account=voucher.account,
        reference=voucher.reference,
        way=way,
        **facts,
    )


# --- What became of an attempt ---
def mine(voucher_id: int, fence: int, status: str) -> Voucher | None:
    """The locked row, if it is still being sent and nobody has taken it over."""
    voucher = lock(voucher_id)
    return voucher if voucher.status == status and voucher.fence == fence else None


@transaction.atomic
def doubt(*, voucher_id: int, fence: int, status: str, error: str, way: str) -> None:
    """The request may have arrived: unknown, in amber."""
    voucher = mine(voucher_id, fence, status)
    if voucher is not None:
        move(voucher, Status.UNKNOWN, way=way, last_error=error[:300], check_failures=1)


@transaction.atomic
def fail(*, voucher_id: int, fence: int, status: str, error: ProviderError, way: str) -> None:
    """The provider refused in documented words, or we did before sending: nothing happened there."""
    voucher = mine(voucher_id, fence, status)
    if voucher is not None:
        words = calls.explain(error)[:300]
        # What nobody needs any more is not kept; a code that was refused stays known by its digest.
        dropped: dict[str, Any] = {"password": ""} if not voucher.is_issued else {}
        move(voucher, Status.FAILED, way=way, last_error=words, refusal=error.reason[:32], **dropped)


@transaction.atomic
def not_sent(*, voucher_id: int, fence: int, status: str, error: ProviderError) -> None:
    """Proven not sent: it waits and is tried again by itself, a new one under the same approval."""
    voucher = mine(voucher_id, fence, status)
    if voucher is None:
        return
    failures = voucher.check_failures + 1
    words = calls.explain(error)[:300]
    again = schedule.after_failures(failures, at_least=schedule.asked_to_wait(error))
    if status == Status.CREATING:
        move(
            voucher,
            Status.APPROVED,
            way=audit.Way.SYSTEM,
            last_error=words,
            check_failures=failures,
            next_check_at=again,
            note=words,
        )
    else:
        schedule.unclaim(
            Voucher,
            voucher.pk,
            fence,
            **schedule.bump(last_error=words, check_failures=failures, next_check_at=again),
        )
