"""Booking movements: the only writer of the books. Their sums. Base floor: knows only references."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from payments.models import Movement, ProviderAccount, Reference

# Past this many movements sums would take seconds; then the page asks for narrower filters.
SUM_CAP = 100_000


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


def sums(movements: QuerySet[Movement], *, cap: int = SUM_CAP) -> list[dict[str, Any]] | None:
    """What came in, what went out and the rest, per currency and by whether it counts on the balance.

    One query. None if there are more than `cap` movements: the sum of a part would mislead.
    """
    nothing = Decimal(0)
    lines: list[dict[str, Any]] = [
        dict(line)
        for line in Movement.objects.filter(pk__in=movements.order_by().values("pk")[: cap + 1])
        .order_by("-on_balance", "currency")
        .values("currency", "on_balance")
        .annotate(
            count=Count("id"),
            came=Sum("amount", filter=Q(amount__gt=0), default=nothing),
            went=Sum("amount", filter=Q(amount__lt=0), default=nothing),
            total=Sum("amount"),
        )
    ]
    return lines if sum(line["count"] for line in lines) <= cap else None
