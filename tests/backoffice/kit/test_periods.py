"""The usual periods, at the edges of months and years."""

from __future__ import annotations

import datetime as dt

import pytest

from backoffice.kit import periods
from tests.every import every

D = dt.date


@every(
    ("today", "word", "since", "until"),
    [
        (D(2026, 3, 1), "today", D(2026, 3, 1), D(2026, 3, 1)),
        (D(2026, 3, 1), "yesterday", D(2026, 2, 28), D(2026, 2, 28)),
        (D(2026, 3, 1), "this_month", D(2026, 3, 1), D(2026, 3, 1)),
        (D(2026, 3, 31), "last_month", D(2026, 2, 1), D(2026, 2, 28)),
        (D(2024, 3, 31), "last_month", D(2024, 2, 1), D(2024, 2, 29)),
        (D(2026, 1, 15), "last_month", D(2025, 12, 1), D(2025, 12, 31)),
        (D(2026, 12, 31), "this_year", D(2026, 1, 1), D(2026, 12, 31)),
    ],
)
def test_days(today: D, word: str, since: D, until: D) -> None:
    assert periods.days(word, today) == (since, until)


def test_own_dates_are_nobody_elses() -> None:
    with pytest.raises(LookupError):
        periods.days(periods.OWN, D(2026, 1, 1))
