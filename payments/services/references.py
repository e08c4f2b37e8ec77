"""Taking references and holding them. Base floor: knows no object that carries a reference."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from backoffice import audit
from payments.models import ProviderAccount, Reference

MAX_REASON = 300


def take(*, account: ProviderAccount, kind: str) -> Reference:
    """A new reference: UTC YYMMDDhhmmss + 6 random digits. Belongs into the transaction of the intent."""
    for _attempt in range(5):
        value = timezone.now().strftime("%y%m%d%H%M%S") + f"{secrets.randbelow(10**6):06d}"
        try:
            with transaction.atomic():
                return Reference.objects.create(value=value, account=account, kind=kind)
        except IntegrityError:
            continue
    raise RuntimeError("no free reference was found in five tries")


def take_many(*, account: ProviderAccount, kind: str, count: int) -> list[Reference]:
    """So many new references at once, for what is read from a provider's list. Inside the caller's transaction."""
    for _attempt in range(5):
        begin = timezone.now().strftime("%y%m%d%H%M%S")
        ends: set[int] = set()
        while len(ends) < count:
            ends.add(secrets.randbelow(10**6))
        rows = [Reference(value=f"{begin}{end:06d}", account=account, kind=kind) for end in ends]
        try:
            with transaction.atomic():
                return Reference.objects.bulk_create(rows)
        except IntegrityError:
            continue
    raise RuntimeError("no free references were found in five tries")


def reason(differences: list[str]) -> str:
    """One reason from several sentences. Too long a one ends in a digest of all, so that no two look the same."""
    whole = "; ".join(differences)
    if len(whole) <= MAX_REASON:
        return whole
    end = f"… ({hashlib.sha256(whole.encode()).hexdigest()[:12]})"
    return whole[: MAX_REASON - len(end)] + end


def hold(*, reference: Reference, reason: str, obj: Any, way: str) -> bool:
    """Hold the transaction until a person decides. False if it is held already; its first reason stays."""
    held = Reference.objects.filter(pk=reference.pk, held_at__isnull=True).update(
        held_at=timezone.now(), hold_reason=reason[:MAX_REASON]
    )
    if held:
        reference.refresh_from_db()
        audit.record(None, "held", obj, way=way, reason=reason)
    return bool(held)


def retell(*, reference: Reference, reason: str, obj: Any, way: str) -> None:
    """Why it is held, in newer words: whoever lets it go accepts these."""
    reason = reason[:MAX_REASON]
    if reference.hold_reason == reason:
        return
    Reference.objects.filter(pk=reference.pk, held_at__isnull=False).update(hold_reason=reason)
    reference.hold_reason = reason
    audit.record(None, "held", obj, way=way, reason=reason)


def release(*, reference: Reference, told: Iterable[str] = ()) -> None:
    """Take the hold away and remember its reason and what else was `told` of it: the same difference does not hold this
    transaction again.

    Only services.exceptions calls this, with a person behind it.
    """
    accepted = [*reference.accepted, reference.hold_reason, *told]
    reference.accepted = list(dict.fromkeys(accepted))
    reference.held_at, reference.hold_reason = None, ""
    reference.save(update_fields=["accepted", "held_at", "hold_reason"])
