"""Files of long tables without a Python object per row: the values of kit.exports as expressions of the database.

CSV lines are written by PostgreSQL itself (COPY): `text` gives exactly what exports.cell makes of the same value, a test
compares them. Spreadsheets take the bare values. Knows no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, CharField, F, Func, QuerySet, TextField, Value, When

CHUNK_BYTES = 64 * 1024


class _Guarded(Func):
    """As exports.guarded: an apostrophe before what a spreadsheet would run; plain numbers pass."""

    template = (
        "CASE WHEN left(%(expressions)s, 1) IN ('=', '+', '-', '@', chr(9), chr(13), chr(10), '＝', '＋', '－', '＠')"
        " AND %(expressions)s !~ '^-?[0-9]+(\\.[0-9]+)?$' THEN '''' || %(expressions)s ELSE %(expressions)s END"
    )
    output_field = TextField()


class _Plain(Func):
    """As money.plain: no zeros after the last digit."""

    function = "trim_scale"
    template = "%(function)s(%(expressions)s)::text"
    output_field = TextField()


class _Iso(Func):
    """ISO 8601 to the second with the offset, in the zone of the transaction (see `stream`)."""

    template = "to_char(%(expressions)s, 'YYYY-MM-DD\"T\"HH24:MI:SSTZH:TZM')"
    output_field = TextField()


@dataclass(frozen=True)
class Copied:
    """A column of a file, as the database gives it: `text` for a CSV line, `value` with its type."""

    text: Any
    value: Any


def text(path: str) -> Copied:
    """A text, guarded; an empty one stays empty."""
    return Copied(_Guarded(F(path)), F(path))


def amount(path: str) -> Copied:
    """An exact amount without exponent and without zeros at its end."""
    return Copied(_Plain(F(path)), F(path))


def when(path: str) -> Copied:
    """A time, ISO 8601 to the second, with its offset in the person's zone."""
    return Copied(_Iso(F(path)), F(path))


def either(path: str, yes: str, no: str) -> Copied:
    """One of two words, for a boolean. Both are ours and need no guard."""
    words: dict[str, Any] = {"output_field": CharField()}
    word = Case(When(**{path: True}, then=Value(yes)), default=Value(no), **words)
    return Copied(word, word)


def values(queryset: QuerySet[Any], columns: Sequence[Copied], *, chunk: int) -> Iterator[Sequence[Any]]:
    """The rows as tuples of typed values, in the queryset's order. Call it in a transaction: there it is flat."""
    return (
        queryset.select_related(None).values_list(*(one.value for one in columns)).iterator(chunk_size=chunk)
    )


def stream(queryset: QuerySet[Any], columns: Sequence[Copied], *, zone: str) -> Iterator[bytes]:
    """The rows as CSV lines in chunks of about 64 KiB, in the queryset's order; times in `zone`. Flat memory."""
    texts = queryset.select_related(None).values_list(*(one.text for one in columns))
    query, parameters = texts.query.sql_with_params()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('TimeZone'), set_config('TimeZone', %s, true)", [zone])
        before = cursor.fetchone()[0]
        waiting: list[bytes | memoryview] = []
        size = 0
        with cursor.copy(cursor.mogrify(f"COPY ({query}) TO STDOUT WITH (FORMAT csv)", parameters)) as lines:
            for line in lines:
                waiting.append(line)
                size += len(line)
                if size >= CHUNK_BYTES:
                    yield b"".join(waiting)
                    waiting, size = [], 0
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [before])
    if waiting:
        yield b"".join(waiting)
