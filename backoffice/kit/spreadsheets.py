"""XLSX of the columns of kit.exports: one sheet, flat memory, exact amounts, no cell that a spreadsheet would run.

A spreadsheet counts in doubles: what has more than 15 digits would change there, so it is written as text.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from decimal import Context, Decimal
from operator import itemgetter
from typing import IO, Any

import xlsxwriter
from django.db.models import QuerySet
from django.http import FileResponse
from django.utils import timezone

from .exports import ExportColumn, all_copied, cell, filename, guarded, records

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_ROWS = 1_048_575  # of a sheet, without the header
EXACT_DIGITS = 15
_KEPT = Context(prec=EXACT_DIGITS, traps=[])
_FIRST_DAY = dt.date(1900, 3, 2)  # before it spreadsheets count a day that never was
_FIRST_TIME = dt.datetime(1900, 3, 2, tzinfo=dt.UTC)
_MAX_TEXT = 32_767
_NARROW, _WIDE = 10, 34


def is_exact(number: Decimal) -> bool:
    """Whether a double keeps every digit of it."""
    return _KEPT.plus(number) == number


def file_response(
    *, name: str, title: str, columns: Sequence[ExportColumn], rows: QuerySet[Any] | Iterable[Any]
) -> FileResponse:
    """Answer with all rows as a file `<name>_<date>_<time>.xlsx`, times in the zone that is current now.

    The file is made before the first byte is sent, about 10,000 rows a second, and vanishes with the answer.
    Raises ValueError for more than MAX_ROWS.
    """
    target = tempfile.TemporaryFile()  # noqa: SIM115 - the answer closes it
    try:
        write(target, title=title, columns=columns, rows=rows, zone=timezone.get_current_timezone())
        target.seek(0)
    except BaseException:
        target.close()
        raise
    response = FileResponse(
        target, as_attachment=True, filename=filename(name, "xlsx"), content_type=CONTENT_TYPE
    )
    response.block_size = 64 * 1024
    return response


def write(
    target: IO[bytes],
    *,
    title: str,
    columns: Sequence[ExportColumn],
    rows: QuerySet[Any] | Iterable[Any],
    zone: dt.tzinfo,
) -> int:
    """Write the workbook into a binary file; gives the number of rows without the header."""
    book = xlsxwriter.Workbook(target, {"constant_memory": True, "strings_to_formulas": False})
    # A sheet's name has at most 31 characters, some that are not allowed, and one that Excel keeps for itself.
    name = "".join(" " if one in "[]:*?/\\" else one for one in title)[:31].strip("' ")
    sheet = book.add_worksheet(f"{name} 1" if name.lower() == "history" else name)
    bold = book.add_format({"bold": True, "bottom": 1})
    number = book.add_format({"num_format": "#,##0.################"})
    whole = book.add_format({"num_format": "#,##0"})
    right = book.add_format({"align": "right"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.freeze_panes(1, 0)
    for index, column in enumerate(columns):
        sheet.set_column(index, index, min(max(len(column.header) + 3, _NARROW, 20), _WIDE))
        sheet.write_string(0, index, cell(column.header, zone), bold)

    copied = all_copied(columns) if isinstance(rows, QuerySet) else []
    values: list[Callable[[Any], Any]] = [column.value for column in columns]
    if copied:
        values = [itemgetter(place) for place in range(len(columns))]
    readers = list(enumerate(values))
    line = 0
    with closing(records(rows, copied)) as found:
        for line, record in enumerate(found, start=1):
            if line > MAX_ROWS:
                raise ValueError(f"A sheet holds {MAX_ROWS} rows.")
            for index, read in readers:
                value = read(record)
                if value is None or value == "":
                    continue
                if isinstance(value, str):
                    sheet.write_string(line, index, _fitting(guarded(value)))
                elif isinstance(value, Decimal | int) and not isinstance(value, bool):
                    exact = Decimal(value)
                    if not is_exact(exact):
                        sheet.write_string(line, index, cell(value, zone), right)
                    elif exact == (rounded := exact.to_integral_value()):
                        sheet.write_number(line, index, rounded, whole)
                    else:  # as a Decimal: it is spelled from its digits
                        sheet.write_number(line, index, exact.normalize(), number)
                elif isinstance(value, dt.datetime) and value >= _FIRST_TIME:
                    local = value.astimezone(zone).replace(tzinfo=None, microsecond=0)
                    sheet.write_datetime(line, index, local, moment)
                elif type(value) is dt.date and value >= _FIRST_DAY:
                    sheet.write_datetime(line, index, value, day)
                else:
                    sheet.write_string(line, index, _fitting(cell(value, zone)))
    book.close()
    return line


def _fitting(text: str) -> str:
    """What a cell can hold of it; the cut is named in it."""
    if len(text) <= _MAX_TEXT:
        return text
    note = f" … [cut: {len(text)} characters, the CSV has all]"
    return text[: _MAX_TEXT - len(note)] + note
