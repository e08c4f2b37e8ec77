"""CSV, streamed: flat memory at any size, exact amounts, named zone, no cell that a spreadsheet would run.

Knows columns and rows, no table and no permission. Where every column also says itself in SQL, PostgreSQL writes
the lines (kit.copying), about ten times as fast; the same columns become a spreadsheet in kit.spreadsheets.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone

from . import copying
from .money import plain

ROWS_PER_QUERY = 2000
ROWS_PER_CHUNK = 500
# What Excel, LibreOffice and Google Sheets take for the start of a formula, full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


@dataclass(frozen=True)
class ExportColumn:
    """A column of an export: its header, and how to read the value from a record.

    copied: the same value as the database gives it, of kit.copying; None where only `value` can tell it.
    """

    header: str
    value: Callable[[Any], Any]
    copied: copying.Copied | None = None


def guarded(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet would run it. Plain numbers pass."""
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def cell(value: Any, zone: dt.tzinfo) -> str:
    """One value as text: exact amounts without exponent, ISO 8601 times in that zone, JSON for the rest."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return plain(value)
        case int():
            return str(value)
        case dt.datetime():
            return value.astimezone(zone).isoformat(timespec="seconds")
        case dt.date():
            return value.isoformat()
        case dict() | list() | tuple():
            return json.dumps(value, ensure_ascii=False, default=str)
    return guarded(str(value))


def filename(name: str, ending: str) -> str:
    """`<name>_<date>_<time>.<ending>`, in the zone that is current now."""
    return f"{name}_{timezone.localtime():%Y-%m-%d_%H%M}.{ending}"


def stream_csv(
    *, name: str, columns: Sequence[ExportColumn], rows: QuerySet[Any] | Iterable[Any]
) -> StreamingHttpResponse:
    """Answer with all rows as a file `<name>_<date>_<time>.csv`, times in the zone that is current now.

    Its header line is sent before the first row is asked for. Rows that are no queryset are walked through once.
    """
    zone = timezone.get_current_timezone()
    copied = all_copied(columns)
    if isinstance(rows, QuerySet) and copied:
        lines = copying.stream(rows, copied, zone=str(zone))
    else:
        lines = _lines([column.value for column in columns], rows, zone)
    response = StreamingHttpResponse(
        _headed(columns, lines),
        content_type="text/csv; charset=utf-8",
        headers={"X-Accel-Buffering": "no"},
    )
    response["Content-Disposition"] = f'attachment; filename="{filename(name, "csv")}"'
    return response


def all_copied(columns: Sequence[ExportColumn]) -> list[copying.Copied]:
    """What the database gives for each column; empty where it cannot give all of them."""
    found = [column.copied for column in columns if column.copied is not None]
    return found if len(found) == len(columns) else []


def records(
    rows: QuerySet[Any] | Iterable[Any], copied: Sequence[copying.Copied] = ()
) -> Generator[Any, None, None]:
    """The rows one after another, a queryset's from a cursor: never all in memory. Close it, or walk to its end.

    copied: then a queryset's rows are tuples of these values.
    """
    if not isinstance(rows, QuerySet):
        yield from rows
        return
    # In a transaction the cursor streams; outside of one PostgreSQL first writes down the whole answer.
    with transaction.atomic():
        if copied:
            yield from copying.values(rows, copied, chunk=ROWS_PER_QUERY)
        else:
            yield from rows.iterator(chunk_size=ROWS_PER_QUERY)


def _writer(buffer: io.StringIO) -> Any:
    return csv.writer(buffer, lineterminator="\n")  # as PostgreSQL ends its lines


def _headed(columns: Sequence[ExportColumn], lines: Iterator[bytes]) -> Iterator[bytes]:
    buffer = io.StringIO()
    _writer(buffer).writerow([guarded(column.header) for column in columns])
    yield _taken(buffer)
    yield from lines


def _lines(
    values: Sequence[Callable[[Any], Any]], rows: QuerySet[Any] | Iterable[Any], zone: dt.tzinfo
) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = _writer(buffer)
    for number, record in enumerate(records(rows), start=1):
        writer.writerow([cell(value(record), zone) for value in values])
        if number % ROWS_PER_CHUNK == 0:
            yield _taken(buffer)
    if buffer.tell():
        yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8")
