"""A list without an offset is read to its end by windows of time, and what no window shows is told."""

from __future__ import annotations

import random

from payments.providers import windows
from payments.providers.bids import Page

NOW = 1_795_249_800


class Box:
    """Lines with times; `inclusive`: whether the ends of a window belong to it."""

    def __init__(self, times: list[int], *, inclusive: bool = True, hears: bool = True) -> None:
        self.lines = sorted(((at, f"{number}") for number, at in enumerate(times)), reverse=True)
        self.margin, self.hears, self.calls = 0 if inclusive else 1, hears, 0

    def fetch(self, *, since: int | None = None, until: int | None = None, limit: int) -> Page[str]:
        self.calls += 1
        begin, end = (-1, 10**12) if since is None or not self.hears else (since, until or 0)
        found = [name for at, name in self.lines if begin + self.margin <= at <= end - self.margin]
        return Page(tuple(found[:limit]))

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
    assert box.read().is_cut and box.calls == 3
    many = Box([NOW - 9 * number for number in range(5_000)])
    assert many.read(rows=50, most_calls=60).is_cut and many.calls < 60 + 3
