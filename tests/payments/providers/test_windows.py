"""A list without an offset is read to its end by windows of time, and what no window shows is told."""

from __future__ import annotations

import random
from typing import Any

from payments.providers import windows
from payments.providers.bids import Page
from payments.providers.errors import RateLimited

NOW = 1_795_249_800


class Box:
    """Lines with times; `inclusive`: whether the ends of a window belong to it."""

    def __init__(self, times: list[int], *, inclusive: bool = True, hears: bool = True) -> None:
        self.lines = sorted(((at, f"{number}") for number, at in enumerate(times)), reverse=True)
        self.margin, self.hears, self.calls = 0 if inclusive else 1, hears, 0
        self.cap = 500

    def fetch(self, *, since: int | None = None, until: int | None = None, limit: int) -> Page[str]:
        self.calls += 1
        begin, end = (-1, 10**12) if since is None or not self.hears else (since, until or 0)
        found = [name for at, name in self.lines if begin + self.margin <= at <= end - self.margin]
        return Page(tuple(found[: min(limit, self.cap)]))

    def read(self, **limits: int) -> windows.Whole[str]:
        return windows.read(self.fetch, str, until=NOW + 93600, **limits)


def test_every_line_is_read_once_whatever_the_ends_of_a_window_mean() -> None:
    chance = random.Random(7)
    month = [chance.randint(NOW - 30 * 86400, NOW) for _line in range(4000)]
    for times in (
        [NOW] * 3,
        month,
        [NOW - 5] * 400 + [NOW - 3] * 400 + [NOW] * 400,
        list(range(NOW, NOW + 100)),
    ):
        for inclusive in (True, False):
            box = Box(times, inclusive=inclusive)
            whole = box.read()
            assert len(whole.page.rows) == len(set(whole.page.rows)) == len(times)
            assert (whole.full, whole.is_cut) == ((), False)
            assert box.calls < 80 and (len(times) > 3 or box.calls == 1)


def test_more_in_one_moment_than_an_answer_holds_is_told_and_windows_that_are_not_heard_end() -> None:
    for inclusive in (True, False):
        whole = Box([NOW - 60] * 700 + [NOW] * 30, inclusive=inclusive).read()
        assert set(whole.full) == {NOW - 60} and not whole.is_cut
        assert len(whole.page.rows) == 530
    box = Box(list(range(NOW - 900, NOW)), hears=False)
    assert box.read().is_cut and box.calls == 6
    box = Box(list(range(NOW - 900, NOW, 6)), hears=False)
    box.cap = 50  # nor the limit
    assert box.read().is_cut and box.calls == 6
    box = Box(list(range(NOW - 90000, NOW, 600)))
    box.cap = 50
    assert box.read().is_whole and len(box.read().page.rows) == 150

    def turns_away(**window: Any) -> Page[str]:
        if box.calls > 4:
            raise RateLimited("enough")
        return Box.fetch(box, **window)

    box = Box(list(range(NOW - 900, NOW)))
    box.fetch = turns_away  # type: ignore[method-assign]
    told = box.read()
    assert (told.is_whole, told.has_stopped) == (False, True) and len(told.page.rows) == 500
    assert Box(list(range(NOW - 900, NOW))).read(seconds=-1).has_stopped
    many = Box([NOW - 9 * number for number in range(5_000)])
    assert many.read(rows=50, most_calls=60).is_cut and many.calls < 60 + 3
