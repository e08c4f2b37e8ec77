"""What exchangers exchange: the list of each account, and one direction with its rate and form, with their age.

Facts floor. What an exchanger wrote is kept as it wrote it; rates are compared over all accounts by rounded numbers.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from backoffice.kit import money, wake
from backoffice.permissions import guarded
from payments.models import Direction, DirectionList, ProviderAccount
from payments.providers import offering
from payments.providers.base import Field, Probe
from payments.providers.bids import Bids, DirectionReport, Quote
from payments.providers.errors import NotSupported, ProviderError, Refused

from . import accounts, calls

LIST_EVERY = dt.timedelta(minutes=10)
ONE_EVERY = dt.timedelta(minutes=10)
PROBE_EVERY = dt.timedelta(hours=6)
PER_ROUND = 20  # directions of one account that a round asks about: exchangers have hundreds
AMOUNTS = (
    *("course_give", "course_get", "give", "give_with_fee", "get", "get_with_fee", "reserve"),
    *("min_give", "max_give", "min_get", "max_get"),
)
WORDS = ("give_currency", "get_currency", "give_fee", "get_fee")


# --- Exact texts ---
def texts(quote: Quote) -> dict[str, Any]:
    """A quote as JSON can hold it exactly: amounts as plain texts ("" for none), words, and `changed`."""
    found: dict[str, Any] = {name: _text(getattr(quote, name)) for name in AMOUNTS}
    return found | {name: getattr(quote, name) for name in WORDS} | {"changed": quote.changed}


def _text(value: Decimal | None) -> str:
    return "" if value is None else money.plain(value)


def kept(value: Decimal | None) -> Decimal | None:
    """The amount as a column can hold it, or None: what has more digits stands only in the texts."""
    if value is None:
        return None
    try:
        return money.read(value)
    except money.BadAmount:
        return None


def rate(give: Decimal, get: Decimal) -> Decimal:
    """How much one unit given buys, to 18 decimals, for comparing. 0 where there is no such number."""
    if give <= 0 or get <= 0:
        return Decimal(0)
    return kept(money.quantize(get / give, money.DECIMAL_PLACES)) or Decimal(0)


def form_of(stored: dict[str, Any]) -> dict[str, tuple[Field, ...]]:
    """The stored form as fields again, by part: give, get, direction."""
    return {
        part: tuple(
            Field(**(spec | {"choices": tuple((value, label) for value, label in spec["choices"])}))
            for spec in stored.get(part, ())
        )
        for part in ("give", "get", "direction")
    }


def _form(report: DirectionReport) -> dict[str, Any]:
    parts = {"give": report.give_fields, "get": report.get_fields, "direction": report.direction_fields}
    return {part: [dataclasses.asdict(field) for field in fields] for part, fields in parts.items()}


# --- Asking ---
def refresh_list(*, account_id: int, priority: str = "poll") -> int:
    """Read which pairs the account exchanges. Gives how many. Raises ProviderError as it is; then it says so.

    A pair that is not listed any more stays, marked as not offered. An empty list proves nothing: it changes none.
    """
    account = ProviderAccount.objects.get(pk=account_id)
    DirectionList.objects.get_or_create(account=account)
    asked_at = timezone.now()
    try:
        client = calls.client(account, priority=priority)
        if not isinstance(client, Bids):
            raise NotSupported("directions")
        page = client.directions()
    except ProviderError as error:
        DirectionList.objects.filter(account=account).update(
            tried_at=asked_at, last_error=calls.explain(error)[:300]
        )
        raise
    rows = {one.id: one for one in page.rows}
    with transaction.atomic():
        Direction.objects.bulk_create(
            [
                Direction(
                    account=account,
                    provider_id=one.id,
                    give_id=one.give.id,
                    give_title=one.give.title,
                    give_key=one.give.title,
                    get_id=one.get.id,
                    get_title=one.get.title,
                    get_key=one.get.title,
                    is_offered=True,
                    listed_at=asked_at,
                )
                for one in rows.values()
            ],
            update_conflicts=True,
            unique_fields=["account", "provider_id"],
            update_fields=["give_id", "give_title", "get_id", "get_title", "is_offered", "listed_at"],
        )
        gone = Direction.objects.filter(account=account, is_offered=True).exclude(provider_id__in=rows)
        if rows and not page.unreadable:
            gone.update(is_offered=False)
        DirectionList.objects.filter(account=account).update(
            read_at=asked_at, tried_at=asked_at, last_error=""
        )
    return len(rows)


def refresh(*, direction_id: int, priority: str = "poll") -> Direction:
    """Ask about one direction and keep its rate, limits, form and texts. Raises ProviderError as it is.

    An answer about another direction is none: the client says so, and nothing is kept.
    """
    direction = Direction.objects.select_related("account").get(pk=direction_id)
    asked_at = timezone.now()
    try:
        client = calls.client(direction.account, priority=priority)
        if not isinstance(client, Bids):
            raise NotSupported("direction")
        report = client.direction(direction.provider_id)
    except ProviderError as error:
        gone = isinstance(error, Refused) and error.reason in ("not_found", "config")
        Direction.objects.filter(pk=direction_id).update(
            tried_at=asked_at,
            last_error=calls.explain(error)[:300],
            is_offered=False if gone else F("is_offered"),
        )
        raise
    _keep(direction, report, asked_at)
    return direction


def _keep(direction: Direction, report: DirectionReport, asked_at: dt.datetime) -> None:
    quote = report.quote
    notes = {
        "description": report.description,
        "frozen": report.frozen_text,
        "before_payment": report.before_payment,
    }
    direction.give_code, direction.get_code = quote.give_currency, quote.get_currency
    direction.give_key, direction.get_key = quote.give_currency, quote.get_currency
    direction.rate = rate(quote.course_give, quote.course_get)
    for name in ("reserve", "min_give", "max_give", "min_get", "max_get"):
        setattr(direction, name, kept(getattr(quote, name)))
    direction.said = texts(quote) | notes
    direction.form = _form(report)
    direction.url = report.url[:2000]
    direction.is_offered, direction.last_error = True, ""
    direction.seen_at = direction.tried_at = asked_at
    direction.save()


# --- By the clock and by hand ---
def due_accounts() -> list[int]:
    """The accounts whose list or one of whose directions is older than it should be."""
    now = timezone.now()
    lists = DirectionList.objects.filter(tried_at__gt=now - LIST_EVERY).values("account_id")
    stale = Direction.objects.filter(_stale(now)).values("account_id")
    return list(
        ProviderAccount.objects.filter(~Q(pk__in=lists) | Q(pk__in=stale), is_active=True)
        .filter(provider__in=offering(Bids))
        .exclude(credentials="")
        .values_list("pk", flat=True)
    )


def _stale(now: dt.datetime) -> Q:
    return Q(is_offered=True) & (Q(tried_at__isnull=True) | Q(tried_at__lte=now - ONE_EVERY))


def refresh_due(*, account_id: int, limit: int = PER_ROUND) -> int:
    """Read what is due of one account: its list, then the directions that wait the longest. Gives how many were asked.

    Raises ProviderError as soon as the exchanger cannot be asked at all.
    """
    now = timezone.now()
    asked = 0
    account = ProviderAccount.objects.select_related("health").get(pk=account_id)
    if accounts.facts_older_than(account, PROBE_EVERY):
        _look_at_ourselves(account)
    if not DirectionList.objects.filter(account=account, tried_at__gt=now - LIST_EVERY).exists():
        refresh_list(account_id=account_id)
        asked += 1
    due = (
        Direction.objects.filter(_stale(now), account=account)
        .order_by(F("tried_at").asc(nulls_first=True), "pk")
        .values_list("pk", flat=True)[:limit]
    )
    for pk in list(due):
        asked += 1
        try:
            refresh(direction_id=pk)
        except Refused:
            continue  # this one is not offered any more; it says so
    return asked


def _look_at_ourselves(account: ProviderAccount) -> None:
    """What the exchanger says about us: it must not be news to anybody when it stops to let us in."""
    client = calls.client(account, priority="poll")
    if isinstance(client, Probe):
        accounts.note_facts(account=account, facts=client.check().facts)


def ask_again(*, direction: Direction) -> None:
    """Let a worker ask about this direction, because somebody is about to rely on it."""
    wake.later("payments.refresh_direction", direction.pk)


@guarded("payments.refresh_direction")
def ask_now(*, actor: Any, direction: Direction) -> None:
    """Let a worker ask about this direction now."""
    wake.later("payments.refresh_direction", direction.pk)


@guarded("payments.refresh_direction")
def ask_all_now(*, actor: Any) -> int:
    """Let workers read the lists of all accounts now. Gives how many."""
    found = ProviderAccount.objects.filter(is_active=True, provider__in=offering(Bids)).exclude(
        credentials=""
    )
    for pk in found.values_list("pk", flat=True):
        wake.later("payments.refresh_direction_list", pk)
    return len(found)


# --- For pages ---
def compared(directions: QuerySet[Direction]) -> QuerySet[Direction]:
    """Adds `best`: the best rate that any account offers for the same pair now, and `rivals`: of how many."""
    same = Direction.objects.filter(
        give_key=OuterRef("give_key"),
        get_key=OuterRef("get_key"),
        is_offered=True,
        account__is_active=True,
    )
    rated = same.filter(rate__gt=0).order_by().values("give_key").annotate(n=Count("pk"))
    return directions.annotate(
        best=Subquery(same.order_by("-rate").values("rate")[:1]), rivals=Subquery(rated.values("n"))
    )
