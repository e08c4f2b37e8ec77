"""CSV files: exact, guarded, in a named zone, and flat in memory."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tracemalloc
import zoneinfo
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from backoffice.kit.exports import ExportColumn, cell, guarded, stream_csv
from backoffice.models import SearchEntry
from tests.every import every

User = get_user_model()
UTC = dt.UTC


def lines(response: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))


class TestGuard:
    @every(
        "text",
        [
            "=1+1",
            "=cmd|' /C calc'!A0",
            "+1234",
            "-1+1",
            "-cmd",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "=",
            "-",
            "--1",
            "-1.",
            "-1e5",
            "＝1",
            "＋1",
            "-١",
        ],
    )
    def test_what_a_spreadsheet_would_run_gets_an_apostrophe(self, text: str) -> None:
        assert guarded(text) == f"'{text}"

    @every("text", ["-1", "-0.5", "-12345678901234567890.000000000000000001", "1", "a=b", "", "'x"])
    def test_numbers_and_plain_texts_pass(self, text: str) -> None:
        assert guarded(text) == text

    @given(st.text())
    def test_no_guarded_text_begins_a_formula(self, text: str) -> None:
        out = guarded(text)
        assert not out.startswith(("=", "+", "@", "\t", "\r"))
        assert not out.startswith("-") or Decimal(out) <= 0


class TestCell:
    @every(
        ("value", "text"),
        [
            (Decimal("-120.500000000000000001"), "-120.500000000000000001"),
            (Decimal("1E+5"), "100000"),
            (Decimal("1E-18"), "0.000000000000000001"),
            (Decimal("10.00"), "10"),
            (-5, "-5"),
            (True, "true"),
            (None, ""),
            (dt.date(2026, 11, 20), "2026-11-20"),
            ({"was": "open", "an": "=1"}, '{"was": "open", "an": "=1"}'),
            (["=1"], '["=1"]'),
            ("=1", "'=1"),
        ],
    )
    def test_values_are_exact(self, value: Any, text: str) -> None:
        assert cell(value, UTC) == text

    def test_a_time_is_iso_with_its_offset(self) -> None:
        berlin = zoneinfo.ZoneInfo("Europe/Berlin")
        moment = dt.datetime(2026, 10, 25, 0, 30, 1, 5, tzinfo=UTC)
        assert cell(moment, berlin) == "2026-10-25T02:30:01+02:00"
        assert cell(moment + dt.timedelta(hours=1), berlin) == "2026-10-25T02:30:01+01:00"


@pytest.mark.django_db
class TestStream:
    COLUMNS = (
        ExportColumn("Reference", lambda row: row.reference),
        ExportColumn("=Text", lambda row: row.text),
    )

    def rows(self, count: int) -> None:
        SearchEntry.objects.bulk_create(
            (
                SearchEntry(reference=f"{n:018}", kind="a", object_id=n, text=f'=é"{n}",\n' + "x" * 100)
                for n in range(count)
            ),
            batch_size=2000,
        )

    def test_every_row_arrives_quoted_and_guarded(self) -> None:
        self.rows(1203)
        response = stream_csv(name="search", columns=self.COLUMNS, rows=SearchEntry.objects.order_by("id"))
        head, *body = lines(response)
        assert head == ["Reference", "'=Text"]
        assert len(body) == 1203
        assert body[7] == [f"{7:018}", '\'=é"7",\n' + "x" * 100]

    def test_the_file_is_named_with_its_date(self) -> None:
        with timezone.override("Pacific/Kiritimati"):
            response = stream_csv(name="search", columns=self.COLUMNS, rows=SearchEntry.objects.all())
            today = timezone.localdate()
        assert f'attachment; filename="search_{today}_' in response["Content-Disposition"]
        assert response["Content-Type"] == "text/csv; charset=utf-8"

    def test_the_header_leaves_before_the_rows_are_asked_for(self) -> None:
        response = stream_csv(name="search", columns=self.COLUMNS, rows=SearchEntry.objects.all())
        chunks = iter(response.streaming_content)
        with CaptureQueriesContext(connection) as queries:
            assert next(chunks) == b"Reference,'=Text\n"
        assert len(queries) == 0

    def test_times_stay_in_the_zone_of_the_request(self) -> None:
        joined = dt.datetime(2026, 1, 1, 12, tzinfo=UTC)
        User.objects.create(username="u", date_joined=joined)
        columns = [ExportColumn("at", lambda row: row.date_joined)]
        with timezone.override("Asia/Tokyo"):
            response = stream_csv(name="users", columns=columns, rows=User.objects.all())
        # The middleware has put the zone back before the body is read.
        assert lines(response)[1] == ["2026-01-01T21:00:00+09:00"]

    def test_memory_does_not_grow_with_the_rows(self) -> None:
        def peak(limit: int) -> int:
            queryset = SearchEntry.objects.filter(object_id__lt=limit).order_by("id")
            response = stream_csv(name="search", columns=self.COLUMNS, rows=queryset)
            tracemalloc.start()
            try:
                size = sum(len(chunk) for chunk in response.streaming_content)
                assert size > limit * 100
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        self.rows(9_000)
        assert peak(9_000) < 1.5 * peak(3_000)
