"""When a row is asked about again, and who may work on it now: claims with fences. Base floor.

Knows no object; works on any model that is Tracked. Times are the database server's where they guard a claim.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Model, Q
from django.db.models.functions import Now
from django.utils import timezone

from payments.models import Tracked
from payments.providers.errors import ProviderError

# (age up to, pause until the next question); the last pause holds for all older rows; None: never again.
Ages = Sequence[tuple[dt.timedelta, dt.timedelta | None]]

OVERTAKEN = dt.timedelta(minutes=2)
FAILURE_PAUSES = [5, 15, 60, 300, 900]  # seconds; doubt is asked about at least every 15 minutes


def pause(ages: Ages, age: dt.timedelta) -> dt.timedelta | None:
    """How long to wait before asking about a row of this age. None: no more by itself."""
    for limit, wait in ages:
        if age <= limit:
            return None if wait is None else wait * settings.POLL_FACTOR
    return None


def next_by_age(ages: Ages, created_at: dt.datetime) -> dt.datetime | None:
    """The next time to ask about a row, with a tenth of jitter so that bursts spread."""
    now = timezone.now()
    wait = pause(ages, now - created_at)
    return None if wait is None else now + wait * random.uniform(0.9, 1.1)  # noqa: S311 (no secret)


def after_failures(failures: int, *, at_least: dt.timedelta | None = None) -> dt.datetime:
    """The next try after so many failures in a row: growing pauses up to 15 minutes."""
    wait = dt.timedelta(seconds=FAILURE_PAUSES[min(failures, len(FAILURE_PAUSES)) - 1]) * settings.POLL_FACTOR
    return timezone.now() + max(wait, at_least or dt.timedelta())


def asked_to_wait(error: ProviderError) -> dt.timedelta:
    """How long the provider wants to be left alone, if it said so."""
    return dt.timedelta(seconds=float(getattr(error, "retry_after", None) or 0))


def is_overtaken(asked_at: dt.datetime | None, checked_at: dt.datetime | None) -> bool:
    """Whether an answer is older than one that was applied already: it tells nothing that is not known better.

    Only by as much as a call may take: a clock that was set back must not silence the provider.
    """
    if asked_at is None or checked_at is None:
        return False
    return dt.timedelta() < checked_at - asked_at < OVERTAKEN


def claim(model: type[Model], pk: int, **conditions: object) -> int | None:
    """Claim one row for sending: the fence to show before bytes leave, or None if somebody else has it."""
    table = connection.ops.quote_name(model._meta.db_table)
    names = list(conditions)
    where = "".join(f" AND {connection.ops.quote_name(name)} = %s" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET fence = fence + 1, claimed_until = now() + make_interval(secs => %s)"  # noqa: S608
            f" WHERE id = %s AND (claimed_until IS NULL OR claimed_until < now()){where} RETURNING fence",
            [settings.CLAIM_SECONDS, pk, *[str(conditions[name]) for name in names]],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def holds(model: type[Model], pk: int, fence: int, **conditions: object) -> bool:
    """Whether this fence is still the newest and its claim is still good, by the database's clock."""
    return model._base_manager.filter(pk=pk, fence=fence, claimed_until__gt=Now(), **conditions).exists()


def unclaim(model: type[Model], pk: int, fence: int, **changes: object) -> None:
    """Give the row back, if the claim is still ours, with these changes."""
    model._base_manager.filter(pk=pk, fence=fence).update(claimed_until=None, **changes)


def due(
    model: type[Tracked], limit: int, *, sends: Sequence[str] = (), account_id: int | None = None
) -> list[tuple[int, int]]:
    """Take up to `limit` rows whose time has come, as (account_id, id), and push their time one lease ahead.

    Rows in a state that is still to be sent (`sends`) are left to `stuck`. Rows that another worker takes at the
    same moment are skipped, not waited for.
    """
    where = Q(next_check_at__lte=Now(), account__is_active=True) & ~Q(status__in=sends)
    if account_id is not None:
        where &= Q(account_id=account_id)
    rows = (
        model._base_manager.filter(where)
        .order_by("next_check_at")
        .select_for_update(skip_locked=True, of=("self",))
        .values_list("pk", flat=True)[:limit]
    )
    table = connection.ops.quote_name(model._meta.db_table)
    with transaction.atomic(), connection.cursor() as cursor:
        sql, parameters = rows.query.sql_with_params()
        cursor.execute(
            f"UPDATE {table} SET next_check_at = now() + make_interval(secs => %s)"  # noqa: S608
            f" WHERE id IN ({sql}) RETURNING account_id, id",
            [settings.CLAIM_SECONDS, *parameters],
        )
        return cursor.fetchall()


def accounts_due(model: type[Tracked], *, sends: Sequence[str] = ()) -> list[int]:
    """The active accounts that have rows whose time has come."""
    return list(
        model._base_manager.filter(next_check_at__lte=Now(), account__is_active=True)
        .exclude(status__in=sends)
        .values_list("account_id", flat=True)
        .distinct()
    )


def stuck(model: type[Model], sends: Sequence[str], limit: int) -> list[int]:
    """Intents whose time has come and that nobody has in hand."""
    return list(
        model._base_manager.filter(
            Q(claimed_until__isnull=True) | Q(claimed_until__lt=Now()),
            status__in=sends,
            next_check_at__lte=Now(),
            account__is_active=True,
        )
        .order_by("next_check_at")
        .values_list("pk", flat=True)[:limit]
    )


def bump(**changes: object) -> dict[str, object]:
    """Changes that a person can see: the version grows, so that open pages refresh."""
    return {**changes, "version": F("version") + 1, "updated_at": timezone.now()}
