"""Keyset paging: pages by "what comes after this row", never by number: page 1,000 costs what page 1 does.

Counts at most to a cap and never uses OFFSET. Knows nothing of HTTP.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.core.exceptions import EmptyResultSet, FieldDoesNotExist, ImproperlyConfigured, ValidationError
from django.db import connection
from django.db.models import Field, Model, Q, QuerySet

COUNT_CAP = 10_000


@dataclass(frozen=True)
class Page:
    """One page. `previous`, `next`: cursors, "" where nothing lies. `lost`: the given cursor was not ours."""

    rows: list[Any]
    previous: str
    next: str
    lost: bool = False

    @property
    def is_only(self) -> bool:
        return not (self.previous or self.next)


@dataclass(frozen=True)
class _Key:
    path: str
    descending: bool
    field: Field[Any, Any]

    def read(self, row: Any) -> Any:
        *way, last = self.path.split("__")
        for name in way:
            row = getattr(row, name)
        return getattr(row, self.field.attname if last != "pk" else "pk")


class Keyset:
    """A total order of a model's rows, such as ("-created_at", "-id"), and the pages in it.

    Every column must be NOT NULL (a NULL is neither before nor after anything): a nullable one raises
    ImproperlyConfigured. A last unique key is added where it is missing. An index on exactly these columns,
    in this order, is what makes a page cheap.
    """

    def __init__(self, model: type[Model], ordering: Sequence[str]) -> None:
        self.keys = tuple(_key(model, name) for name in ordering)
        last = self.keys[-1] if self.keys else None
        if last is None or "__" in last.path or not last.field.unique:
            sign = "-" if last and last.descending else ""
            self.keys += (_key(model, f"{sign}pk"),)
        self.ordering = tuple(f"{'-' if key.descending else ''}{key.path}" for key in self.keys)
        self._signer = signing.Signer(salt=f"page:{model._meta.label_lower}:{','.join(self.ordering)}")

    def page(self, queryset: QuerySet[Any], *, size: int, after: str = "", before: str = "") -> Page:
        """The rows after a cursor, before one, or the first ones. A cursor that is not ours gives the first.

        One query; two when going back ends with less than a page, because then page one is given whole.
        """
        given = after or before
        place = self._open(given) if given else None
        if place is None:
            return self._first(queryset, size, lost=bool(given))
        if after:
            found = list(queryset.filter(self._beyond(place)).order_by(*self.ordering)[: size + 1])
            rows = found[:size]
            # Nothing lies there any more: the way back is from the place itself.
            previous = self.cursor(rows[0]) if rows else after
            return Page(rows, previous, self.cursor(rows[-1]) if len(found) > size else "")
        backwards = (name.removeprefix("-") if name.startswith("-") else f"-{name}" for name in self.ordering)
        found = list(queryset.filter(self._beyond(place, back=True)).order_by(*backwards)[: size + 1])
        if len(found) < size:
            return self._first(queryset, size)
        rows = found[:size][::-1]
        return Page(rows, self.cursor(rows[0]) if len(found) > size else "", self.cursor(rows[-1]))

    def cursor(self, row: Any) -> str:
        """The place of a row, signed: nobody can make one up."""
        return self._signer.sign_object([_text(key.read(row)) for key in self.keys])

    def _first(self, queryset: QuerySet[Any], size: int, *, lost: bool = False) -> Page:
        found = list(queryset.order_by(*self.ordering)[: size + 1])
        rows = found[:size]
        return Page(rows, "", self.cursor(rows[-1]) if len(found) > size else "", lost)

    def _open(self, cursor: str) -> list[Any] | None:
        try:
            texts = self._signer.unsign_object(cursor)
            return [key.field.to_python(text) for key, text in zip(self.keys, texts, strict=True)]
        except (signing.BadSignature, ValidationError, ValueError, TypeError):
            return None

    def _beyond(self, place: list[Any], *, back: bool = False) -> Q:
        condition = Q()
        for key, value in reversed(list(zip(self.keys, place, strict=True))):
            operator = "lt" if key.descending != back else "gt"
            equal = Q(**{key.path: value}) & condition if condition else None
            condition = Q(**{f"{key.path}__{operator}": value})
            if equal is not None:
                condition |= equal
        # The same said once more for the first column alone: this is what the index is entered by.
        return Q(**{f"{self.keys[0].path}__{operator}e": place[0]}) & condition


def capped_count(queryset: QuerySet[Any], cap: int = COUNT_CAP) -> int:
    """How many rows, counted to one over the cap and no further."""
    return queryset.order_by()[: cap + 1].count()


def counts(querysets: Sequence[QuerySet[Any]], *, cap: int = COUNT_CAP) -> list[int]:
    """How many rows each has, counted no further than the cap: one query for all of them."""
    parts: list[str] = []
    values: list[Any] = []
    for place, queryset in enumerate(querysets):
        try:
            inner, its = queryset.order_by().values("pk")[:cap].query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append(f"SELECT {place}, count(*) FROM ({inner}) AS q{place}")  # noqa: S608 - the ORM's own SQL
        values += its
    if not parts:
        return [0] * len(querysets)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        found = dict(cursor.fetchall())
    return [found.get(place, 0) for place in range(len(querysets))]


def capped_counts(
    model: type[Model], field: str, values: Sequence[str], cap: int = COUNT_CAP
) -> dict[str, int]:
    """How many rows have each value, each counted to one over the cap: one query. Give the field an index."""
    table, column = connection.ops.quote_name(model._meta.db_table), connection.ops.quote_name(field)
    query = (
        f"SELECT v, (SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {column} = v LIMIT %s) capped)"  # noqa: S608
        " FROM unnest(%s::text[]) AS v"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [cap + 1, list(values)])
        return dict(cursor.fetchall())


def _key(model: type[Model], name: str) -> _Key:
    path = name.removeprefix("-")
    field: Any = None
    owner: Any = model
    for part in path.split("__"):
        try:
            field = owner._meta.pk if part == "pk" else owner._meta.get_field(part)
        except (FieldDoesNotExist, AttributeError) as error:
            raise ImproperlyConfigured(
                f"{model.__name__} cannot be sorted by {path}: no such column."
            ) from error
        if not field.concrete or field.null:
            raise ImproperlyConfigured(f"{model.__name__} cannot be paged by {path}: it may be empty.")
        owner = field.related_model
    return _Key(path, name.startswith("-"), field)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)
