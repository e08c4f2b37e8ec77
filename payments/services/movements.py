"""Booking movements: the only writer of the books. Their sums. Base floor: knows only references."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from payments.models import Movement, ProviderAccount, Reference

# Past this many movements sums would take seconds; then the page asks for narrower filters.
SUM_CAP = 100_000
SUMMED_BY = ("currency", "on_balance", "kind")
SUM_COLUMNS = (*SUMMED_BY, "count", "came", "went", "total")


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
    tag: str = "",
) -> Movement | None:
    """Write one movement (`amount` signed, in `currency`). Must run inside the transaction of its cause.

    `tag`: what compliance wants to see apart in every list and file.

    The key makes it once: a second booking under the same key writes nothing and gives None. The database notes
    the new movement for the daily sums in the same transaction (see services.daily_sums).
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
        tag=tag,
        booked_at=timezone.now(),
    )
    Movement.objects.bulk_create([movement], ignore_conflicts=True)
    return Movement.objects.filter(key=key, booked_at=movement.booked_at, amount=amount).first()


def book_all(lines: Iterable[Mapping[str, Any]]) -> None:
    """Write several movements at once, each as `book` takes them, and each once."""
    now = timezone.now()
    Movement.objects.bulk_create([Movement(booked_at=now, **line) for line in lines], ignore_conflicts=True)


def sums(movements: QuerySet[Movement], *, cap: int = SUM_CAP) -> list[dict[str, Any]] | None:
    """What came in, what went out and the rest, per currency, by whether it counts on the balance, and kind.

    Reads the rows, in one query: for filters that daily sums cannot answer. None if there are more than `cap`
    movements: the sum of a part would mislead.
    """
    try:
        some = movements.order_by().values("currency", "on_balance", "kind", "amount")[: cap + 1]
        inner, values = some.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        # Grouped outside of the limit, which the ORM cannot say; `inner` is the ORM's own, with parameters.
        cursor.execute(
            "SELECT currency, on_balance, kind, count(*), coalesce(sum(amount) FILTER (WHERE amount > 0), 0),"  # noqa: S608
            " coalesce(sum(amount) FILTER (WHERE amount < 0), 0), sum(amount)"
            f" FROM ({inner}) shown GROUP BY 1, 2, 3",
            values,
        )
        lines = [dict(zip(SUM_COLUMNS, line, strict=True)) for line in cursor.fetchall()]
    return lines if sum(line["count"] for line in lines) <= cap else None


def per_currency(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines per currency, balance and kind, put together per currency and balance; `kinds` are those of each.

    What is on balance stands first, currencies in the order of their codes, kinds in that of the model.
    """
    order = {kind: place for place, kind in enumerate(Movement.Kind.values)}
    found: dict[tuple[bool, str], list[dict[str, Any]]] = {}
    for line in lines:
        words = {"label": Movement.Kind(line["kind"]).label if line["kind"] in order else line["kind"]}
        found.setdefault((not line["on_balance"], line["currency"]), []).append(line | words)
    return [
        {
            "currency": currency,
            "on_balance": not off,
            **{name: sum((kind[name] for kind in kinds), 0) for name in ("count", "came", "went", "total")},
            "kinds": sorted(kinds, key=lambda kind: order.get(kind["kind"], len(order))),
        }
        for (off, currency), kinds in sorted(found.items())
    ]
