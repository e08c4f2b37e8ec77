"""Sums of movements per day and month of the books' one zone (settings.TIME_ZONE), exact at any moment. Base floor.

How nothing is missed: a trigger notes each new movement as unfolded in the movement's own transaction, and a read
takes folded sums and unfolded movements in one statement, so from one snapshot of the database. `fold` moves
notes into sums, also in one statement. No id, clock or order of commits is relied on: a movement that commits late
appears together with its note, and is folded by the next run. A doubled key inserts no movement, hence no note.
"""

from __future__ import annotations

import datetime as dt
import time
import zoneinfo
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from payments.models import BooksZone, DailySum, MonthlySum, UnfoldedMovement

KEYS = ("account", "currency", "kind", "on_balance", "day")
CHUNK = 20_000
FOLD_SECONDS = 30.0
_LOCK = 7_305_118  # of PostgreSQL's advisory locks: one folds at a time
Span = tuple[dt.date | None, dt.date | None]  # both days included; None: no end on this side

_SUMS = """count(*) AS count, coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS came,
    coalesce(sum(amount) FILTER (WHERE amount < 0), 0) AS went"""
_COLUMNS = {name: name for name in KEYS} | {"account": "account_id"}
_OF_MOVEMENT = {"day": "(booked_at AT TIME ZONE %(zone)s)::date"}
_IS_KNOWN = "EXISTS (SELECT FROM payments_bookszone WHERE zone = %(zone)s)"
_IS_UNFOLDED = "EXISTS (SELECT FROM payments_unfoldedmovement WHERE movement_id = id)"
_DAYS = f"""
    SELECT account_id, currency, kind, on_balance, (booked_at AT TIME ZONE %(zone)s)::date AS day, {_SUMS}
"""
_ADD = """
    ON CONFLICT (account_id, currency, kind, on_balance, {unit}) DO UPDATE
    SET count = known.count + excluded.count, came = known.came + excluded.came, went = known.went + excluded.went
"""
_KEEP = f"""
    kept_days AS (
        INSERT INTO payments_dailysum AS known (account_id, currency, kind, on_balance, day, count, came, went)
        SELECT * FROM days {_ADD.format(unit="day")}),
    kept_months AS (
        INSERT INTO payments_monthlysum AS known (account_id, currency, kind, on_balance, month, count, came, went)
        SELECT account_id, currency, kind, on_balance, date_trunc('month', day)::date, sum(count), sum(came), sum(went)
        FROM days GROUP BY 1, 2, 3, 4, 5 {_ADD.format(unit="month")})
"""  # noqa: S608
_FOLD = f"""
    WITH taken AS (
        DELETE FROM payments_unfoldedmovement WHERE movement_id IN
            (SELECT movement_id FROM payments_unfoldedmovement ORDER BY movement_id LIMIT %(limit)s)
        RETURNING movement_id),
    days AS ({_DAYS} FROM taken JOIN payments_movement ON id = movement_id GROUP BY 1, 2, 3, 4, 5), {_KEEP}
    SELECT count(*) FROM taken
"""  # noqa: S608
_FOLD_ALL = f"""
    WITH gone AS (DELETE FROM payments_unfoldedmovement),
    days AS ({_DAYS} FROM payments_movement GROUP BY 1, 2, 3, 4, 5), {_KEEP}
    SELECT count(*) FROM days
"""  # noqa: S608
_DIFFERENCES = """
    WITH zone AS (SELECT zone FROM payments_bookszone),
    moved AS (
        SELECT id, account_id, currency, kind, on_balance, (booked_at AT TIME ZONE zone)::date AS day, amount
        FROM payments_movement, zone),
    parts AS (
        SELECT account_id, currency, kind, on_balance, day, count, came, went FROM payments_dailysum, zone
        UNION ALL
        SELECT account_id, currency, kind, on_balance, day,
               CASE WHEN movement_id IS NULL THEN -1 ELSE 0 END,
               CASE WHEN movement_id IS NULL THEN -greatest(amount, 0) ELSE 0 END,
               CASE WHEN movement_id IS NULL THEN -least(amount, 0) ELSE 0 END
        FROM moved LEFT JOIN payments_unfoldedmovement ON movement_id = id)
    SELECT account_id, currency, kind, on_balance, day, sum(count), sum(came), sum(went) FROM parts
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(count) <> 0 OR sum(came) <> 0 OR sum(went) <> 0 ORDER BY 1, 2, 3, 4, 5
"""
_MONTHS_DIFFER = """
    WITH parts AS (
        SELECT account_id, currency, kind, on_balance, month, count, came, went FROM payments_monthlysum
        UNION ALL
        SELECT account_id, currency, kind, on_balance, date_trunc('month', day)::date, -count, -came, -went
        FROM payments_dailysum)
    SELECT account_id, currency, kind, on_balance, month, sum(count), sum(came), sum(went) FROM parts
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(count) <> 0 OR sum(came) <> 0 OR sum(went) <> 0 ORDER BY 1, 2, 3, 4, 5
"""


def zone() -> zoneinfo.ZoneInfo:
    """The books' one zone, whose days the sums are of."""
    return zoneinfo.ZoneInfo(settings.TIME_ZONE)


def today() -> dt.date:
    """The day that it is in the books' zone."""
    return timezone.localdate(timezone=zone())


def begins(day: dt.date) -> dt.datetime:
    """The first moment of a day in the books' zone."""
    return dt.datetime.combine(day, dt.time(), tzinfo=zone())


# --- Reading ---
def totals(
    *,
    by: Sequence[str],
    account: int | None = None,
    currency: str = "",
    kind: str = "",
    on_balance: bool | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
) -> list[dict[str, Any]]:
    """`count`, `came`, `went` (never above 0) and `total` per group, of whole days from `since` to `until`,
    both included, in the books' zone. `by`: some of KEYS; lines come sorted by them. Exact at any moment: while
    the sums of this zone are not there yet, the movements themselves are read. One query; three where it finds nothing.
    """
    given = {
        "account_id": account,
        "currency": currency or None,
        "kind": kind or None,
        "on_balance": on_balance,
    }
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    same = [f"{name} = %({name})s" for name in values]
    values["zone"] = settings.TIME_ZONE
    moments = []
    if since is not None:
        moments.append("booked_at >= %(begin)s")
        values["begin"] = begins(since)
    if until is not None and until < dt.date.max:
        moments.append("booked_at < %(end)s")
        values["end"] = begins(until + dt.timedelta(days=1))

    months, days = (None, [(since, until)]) if "day" in by else _whole_months(since, until)
    spans = [("payments_dailysum", "day", span) for span in days]
    spans += [("payments_monthlysum", "month", months)] if months is not None else []
    parts = [_moved(by, [_IS_KNOWN, _IS_UNFOLDED, *same, *moments])]
    for place, (table, unit, (first, last)) in enumerate(spans):
        within = [f"{unit} >= %(first{place})s"] if first is not None else []
        within += [f"{unit} <= %(last{place})s"] if last is not None else []
        values |= {f"first{place}": first, f"last{place}": last}
        columns = ", ".join(_COLUMNS[name] for name in by)
        where = " AND ".join([_IS_KNOWN, *same, *within])
        sums = f"SELECT {columns}, sum(count), sum(came), sum(went) FROM {table}"  # noqa: S608
        parts.append(f"{sums} WHERE {where} GROUP BY {columns}")
    together = " UNION ALL ".join(parts)
    lines = _read(together, values)
    if not lines:  # nothing moved, or the sums are those of another zone; they may be ready just now
        known = BooksZone.objects.filter(zone=settings.TIME_ZONE).exists()
        lines = _read(together if known else _moved(by, [*same, *moments]), values)

    found: dict[tuple[Any, ...], list[Any]] = {}
    for *key, count, came, went in lines:
        line = found.setdefault(tuple(key), [0, Decimal(0), Decimal(0)])
        for place, more in enumerate((count, came, went)):
            line[place] += more
    return [
        dict(zip(by, key, strict=True))
        | {"count": int(count), "came": came, "went": went, "total": came + went}
        for key, (count, came, went) in sorted(found.items())
    ]


def _read(query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def _moved(by: Sequence[str], conditions: Sequence[str]) -> str:
    """The query that sums up movements themselves."""
    columns = ", ".join(_OF_MOVEMENT.get(name, _COLUMNS[name]) for name in by)
    groups = ", ".join(str(place) for place in range(1, len(by) + 1))
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {columns}, {_SUMS} FROM payments_movement {where} GROUP BY {groups}"  # noqa: S608


def _whole_months(since: dt.date | None, until: dt.date | None) -> tuple[Span | None, list[Span]]:
    """The months that lie wholly in it (None: none does), and the spans of days beside them."""
    first = None if since is None else _month_of(since if since.day == 1 else _month_after(since))
    last = None
    if until is not None and until < dt.date.max:
        last = _month_of(until + dt.timedelta(days=1)) - dt.timedelta(days=1)
    if first is not None and last is not None and first > last:
        return None, [(since, until)]
    days: list[Span] = []
    if first is not None and since != first:
        days.append((since, first - dt.timedelta(days=1)))
    if last is not None and until != last:
        days.append((last + dt.timedelta(days=1), until))
    return (first, last), days


def _month_of(day: dt.date) -> dt.date:
    return day.replace(day=1)


def _month_after(day: dt.date) -> dt.date:
    return _month_of(_month_of(day) + dt.timedelta(days=31))


def differences() -> list[dict[str, Any]]:
    """Groups of KEYS whose sums are not those of the movements, by how much. Reads everything; must be empty.

    A month (told by its first day) that differs from its days is among them.
    """
    names = (*KEYS, "count", "came", "went")
    found: list[dict[str, Any]] = []
    with connection.cursor() as cursor:
        for query in (_DIFFERENCES, _MONTHS_DIFFER):
            cursor.execute(query)
            found += [dict(zip(names, line, strict=True)) for line in cursor.fetchall()]
    return found


# --- Folding: called by a worker ---
def fold(*, seconds: float = FOLD_SECONDS, chunk: int = CHUNK) -> int:
    """Put what is new into the sums, for at most `seconds`; make them all anew when the books' zone has changed.

    Gives how many movements were folded. A second one at the same time does nothing.
    """
    until, folded = time.monotonic() + seconds, 0
    while (some := _fold_chunk(chunk)) > 0:
        folded += some
        if some < chunk or time.monotonic() > until:
            break
    return folded


@transaction.atomic
def _fold_chunk(limit: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        if not BooksZone.objects.filter(zone=settings.TIME_ZONE).exists():
            return fold_all()
        if not UnfoldedMovement.objects.exists():
            return 0
        cursor.execute(_FOLD, {"zone": settings.TIME_ZONE, "limit": limit})
        return int(cursor.fetchone()[0])


@transaction.atomic
def fold_all() -> int:
    """Make all sums anew in the zone of the settings: some seconds per million movements. Gives how many groups."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        DailySum.objects.all().delete()
        MonthlySum.objects.all().delete()
        cursor.execute(_FOLD_ALL, {"zone": settings.TIME_ZONE})
        groups = int(cursor.fetchone()[0])
    BooksZone.objects.exclude(pk=1).delete()
    BooksZone.objects.update_or_create(
        pk=1, defaults={"zone": settings.TIME_ZONE, "folded_at": timezone.now()}
    )
    return groups
