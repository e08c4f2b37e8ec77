"""Dates, waits and what a header may carry (RELIABILITY E06)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from payments.providers import headers
from payments.providers.redaction import Secret
from tests.every import every


class TestSendable:
    @every("value", ["abc", "application/json", "~!#", "Bearer abc"])
    def test_plain_letters_are(self, value: str) -> None:
        assert headers.sendable(value) == headers.sendable(Secret(value)) == value

    @every(
        "value",
        [
            "a b",
            "Bearer a b",
            "bearer a",
            "Basic a",
            "Bearer a\nb",
            "a\nb",
            "a\r\nX: y",
            "\x00",
            "\x7f",
            "ключ",
            "é",
        ],
    )
    def test_nothing_else_is_and_the_error_does_not_tell_it(self, value: str) -> None:
        with pytest.raises(ValueError, match=r"^not a header$"):
            headers.sendable(Secret(value))


class TestDate:
    @every(
        "text",
        [
            "Fri, 20 Nov 2026 10:00:00 GMT",
            "Fri, 20 Nov 2026 10:00:00 -0000",
            "Fri, 20 Nov 2026 13:00:00 +0300",
        ],
    )
    def test_it_is_read_in_utc(self, text: str) -> None:
        assert headers.date(text) == datetime(2026, 11, 20, 10, tzinfo=UTC)

    @every("text", ["", "now", "Fri, 99 Nov 2026 10:00:00 GMT", "\x00", "1"])
    def test_anything_else_is_none(self, text: str) -> None:
        assert headers.date(text) is None


class TestRetryAfter:
    @every(
        ("header", "seconds"),
        [
            ("0", 0),
            ("7", 7),
            (" 120 ", 120),
            ("99999999999999999999", 3600),
            ("", None),
            ("soon", None),
            ("-5", None),
            ("١", None),
        ],
    )
    def test_seconds(self, header: str, seconds: float | None) -> None:
        assert headers.retry_after(header) == seconds

    def test_a_date(self) -> None:
        found = headers.retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
        assert found is not None
        assert 57 < found <= 60

    def test_a_date_that_is_over_means_now(self) -> None:
        assert headers.retry_after("Fri, 20 Nov 2020 10:00:00 GMT") == 0
