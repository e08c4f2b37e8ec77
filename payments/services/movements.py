"""Booking movements: the only writer of the books. Their sums. Base floor: knows only references."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from payments.models import Movement, ProviderAccount, Reference

# Past this many movements sums would take seconds; then the page asks for narrower filters.
SUM_CAP = 100_000
SUM_COLUMNS = ("currency", "on_balance", "count", "came", "went", "total")


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
    try:
        some = movements.order_by().values("currency", "on_balance", "amount")[: cap + 1]
        inner, values = some.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        # Grouped outside of the limit, which the ORM cannot say; `inner` is the ORM's own, with parameters.
        cursor.execute(
            "SELECT currency, on_balance, count(*), coalesce(sum(amount) FILTER (WHERE amount > 0), 0),"  # noqa: S608
            " coalesce(sum(amount) FILTER (WHERE amount < 0), 0), sum(amount)"
            f" FROM ({inner}) shown GROUP BY 1, 2 ORDER BY 2 DESC, 1",
            values,
        )
        lines = [dict(zip(SUM_COLUMNS, line, strict=True)) for line in cursor.fetchall()]
    return lines if sum(line["count"] for line in lines) <= cap else None


def daily(*, days: int, currency: str | None = None) -> list[dict[str, Any]]:
    """What came in and went out on our balances per day and currency, in the last `days` days with today.

    Days are those of the books' zone (settings.TIME_ZONE). One line per day and currency that has movements, oldest
    first: {"day": date, "currency": str, "came": Decimal >= 0, "went": Decimal <= 0, "count": int}. Off-balance
    movements are left out. `currency` gives that one alone.
    """
    zone = zoneinfo.ZoneInfo(settings.TIME_ZONE)
    first = timezone.localtime(timezone=zone).date() - dt.timedelta(days=days - 1)
    nothing = Value(Decimal(0), output_field=Movement._meta.get_field("amount"))
    rows = Movement.objects.filter(
        on_balance=True, booked_at__gte=dt.datetime.combine(first, dt.time(), tzinfo=zone)
    )
    if currency is not None:
        rows = rows.filter(currency=currency)
    found: Any = (
        rows.order_by()
        .annotate(day=TruncDate("booked_at", tzinfo=zone))
        .values("day", "currency")
        .annotate(
            came=Coalesce(Sum("amount", filter=Q(amount__gt=0)), nothing),
            went=Coalesce(Sum("amount", filter=Q(amount__lt=0)), nothing),
            count=Count("id"),
        )
        .order_by("day", "currency")
    )
    return list(found)
