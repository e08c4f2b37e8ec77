"""XLSX files: exact or text, no formula, dates in a named zone, flat in memory."""

from __future__ import annotations

import datetime as dt
import io
import tracemalloc
import zipfile
import zoneinfo
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.kit import spreadsheets
from backoffice.kit.exports import ExportColumn
from tests import sheets
from tests.every import every

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
COLUMN = ExportColumn("Value", lambda row: row)


def sheet(*values: Any, header: str = "Value", zone: Any = BERLIN) -> sheets.Sheet:
    file = io.BytesIO()
    columns = [ExportColumn(header, lambda row: row)]
    assert spreadsheets.write(
        file, title="A [title]: with / all", columns=columns, rows=values, zone=zone
    ) == len(values)
    return sheets.read(file.getvalue())


def cells(*values: Any, **options: Any) -> list[tuple[str, str]]:
    return [line.get("A", ("", "")) for line in sheet(*values, **options).lines[1:]]


class TestCells:
    @every(
        ("value", "cell"),
        [
            (Decimal("12.50"), ("n", "12.5")),
            (Decimal("-0.00000001"), ("n", "-1E-8")),
            (Decimal("123456789012345"), ("n", "123456789012345")),
            (Decimal("1234567890123456"), ("s", "1234567890123456")),
            (Decimal("0.1234567890123456"), ("s", "0.1234567890123456")),
            (Decimal("-12345678901234567890.5"), ("s", "-12345678901234567890.5")),
            (Decimal("1E+20"), ("n", "1E+20")),
            (7, ("n", "7")),
            (251120123456123456, ("s", "251120123456123456")),
            ("251120123456123456", ("s", "251120123456123456")),
            ("12.5", ("s", "12.5")),
            (True, ("s", "true")),
            (["=1"], ("s", '["=1"]')),
        ],
    )
    def test_numbers_are_exact_or_text(self, value: Any, cell: tuple[str, str]) -> None:
        assert cells(value) == [cell]

    @given(
        st.decimals(
            allow_nan=False, allow_infinity=False, places=18, min_value=-(10**18) + 1, max_value=10**18 - 1
        )
    )
    def test_every_amount_survives(self, amount: Decimal) -> None:
        ((kind, text),) = cells(amount)
        assert Decimal(text) == amount
        if kind == "n":
            assert Decimal(repr(float(text))) == amount  # what a spreadsheet makes of it

    @every("text", ["=1+1", "+1", "-cmd", "@SUM(A1)", '=HYPERLINK("http://x")', "\t=1"])
    def test_what_a_spreadsheet_would_run_is_text_with_an_apostrophe(self, text: str) -> None:
        assert cells(text) == [("s", f"'{text}")]
        assert sheet("a", header=text).lines[0]["A"] == ("s", f"'{text}")

    def test_an_address_stays_text(self) -> None:
        made = sheet("https://example.com/")
        assert "hyperlink" not in made.xml
        assert made.lines[1]["A"] == ("s", "https://example.com/")

    def test_a_time_is_a_date_in_the_zone_to_the_second(self) -> None:
        ((kind, text),) = cells(dt.datetime(2026, 7, 1, 22, 30, 59, 999999, tzinfo=dt.UTC))
        assert kind == "n"
        read = dt.datetime(1899, 12, 30) + dt.timedelta(days=float(text))
        assert abs(read - dt.datetime(2026, 7, 2, 0, 30, 59)) < dt.timedelta(milliseconds=1)

    def test_a_time_before_spreadsheets_count_is_text(self) -> None:
        assert cells(dt.datetime(1899, 1, 1, tzinfo=dt.UTC), zone=dt.UTC) == [
            ("s", "1899-01-01T00:00:00+00:00")
        ]

    def test_a_text_that_no_cell_holds_says_so(self) -> None:
        ((_kind, text),) = cells("x" * 40_000)
        assert len(text) == 32_767
        assert text.endswith("[cut: 40000 characters, the CSV has all]")


class TestSheet:
    def test_the_header_is_bold_and_stays_in_sight(self) -> None:
        made = sheet("a", header="A rather long header of a column")
        assert 'ySplit="1" topLeftCell="A2"' in made.xml
        assert 'state="frozen"' in made.xml
        assert "<b/>" in made.styles
        assert '<col min="1" max="1" width="34.7' in made.xml

    def test_more_rows_than_a_sheet_holds_are_refused(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(spreadsheets, "MAX_ROWS", 3)
        assert len(cells(1, 2, 3)) == 3
        with pytest.raises(ValueError, match="3 rows"):
            cells(1, 2, 3, 4)

    def test_memory_does_not_grow_with_the_rows(self) -> None:
        columns = [COLUMN] * 5

        def peak(count: int) -> int:
            tracemalloc.start()
            try:
                rows = (Decimal(number) / 7 for number in range(count))
                response = spreadsheets.file_response(name="a", title="A", columns=columns, rows=rows)
                assert sum(map(len, response.streaming_content)) > count
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        peak(10)
        assert peak(9_000) < 1.5 * peak(1_500)

    def test_the_answer_is_named_with_its_date(self) -> None:
        response = spreadsheets.file_response(name="movement", title="History", columns=[COLUMN], rows=[1])
        assert response["Content-Type"] == spreadsheets.CONTENT_TYPE
        assert 'filename="movement_20' in response["Content-Disposition"]
        assert response["Content-Disposition"].endswith('.xlsx"')

    def test_no_sheet_has_the_name_that_excel_keeps_for_itself(self) -> None:
        file = io.BytesIO()
        spreadsheets.write(file, title="History", columns=[COLUMN], rows=[1], zone=BERLIN)
        with zipfile.ZipFile(file) as book:
            assert 'name="History 1"' in book.read("xl/workbook.xml").decode()
