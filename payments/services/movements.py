"""Booking movements: the only writer of the books. Base floor: knows no object, only references."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone

from payments.models import Movement, ProviderAccount, Reference


def book(
    *,
    key: str,
    account: ProviderAccount,
    kind: str,
    currency: str,
    amount: Decimal,
    way: str,
    reference: Reference | None = None,
    on_balance: bool = True,
    label: str = "",
    corrects: Movement | None = None,
    actor: Any = None,
) -> Movement | None:
    """Write one movement (`amount` signed, in `currency`). Must run inside the transaction of its cause.

    The key makes it once: a second booking under the same key writes nothing and gives None.
    """
    movement = Movement(
        key=key,
        account=account,
        kind=kind,
        currency=currency,
        amount=amount,
        way=way,
        reference=reference,
        on_balance=on_balance,
        label=label,
        corrects=corrects,
        actor=actor,
        booked_at=timezone.now(),
    )
    Movement.objects.bulk_create([movement], ignore_conflicts=True)
    return Movement.objects.filter(key=key, booked_at=movement.booked_at, amount=amount).first()
