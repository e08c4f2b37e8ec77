"""A whole list whose pages shift, repeat, loop or lie: nothing missed, nothing doubled (E10, H04, issue's figure)."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

from payments.providers.bids import BidRow, Page
from payments.providers.premium_exchanger.scanning import MOST_PAGES, scan
from tests.every import every


def bid(id: int, moment: int = 0, status: str = "new") -> BidRow:
    return BidRow(
        str(id),
        "",
        status,
        status,
        False,
        "",
        "",
        "RUB",
        "USDT",
        Decimal(1),
        Decimal(1),
        time_text=str(moment),
    )


class List:
    """A list ordered by its last change, newest first; `happens(list, call)` runs before each page."""

    def __init__(
        self, size: int, happens: Callable[[List, int], None] | None = None, most: int = 500
    ) -> None:
        self.rows = [bid(id) for id in range(size, 0, -1)]
        self.happens = happens
        self.most = most
        self.calls = 0

    def fetch(self, offset: int, limit: int) -> Page[BidRow]:
        self.calls += 1
        if self.happens:
            self.happens(self, self.calls)
        return Page(tuple(self.rows[offset : offset + min(limit, self.most)]))

    def change(self, place: int) -> None:
        """A bid gets another status: it moves to the head."""
        row = self.rows.pop(place)
        self.rows.insert(0, bid(int(row.provider_id), int(row.time_text) + 1, "payed"))

    def add(self) -> None:
        self.rows.insert(0, bid(len(self.rows) + 100_000))


def scanned(there: List) -> list[BidRow]:
    return [row for page in scan(there.fetch) for row in page.rows]


class TestScan:
    @every("size", [0, 1, 49, 50, 51, 100, 499, 500, 501, 949, 950, 951, 5000])
    @every("most", [500, 100])
    def test_all_rows_once(self, size: int, most: int) -> None:
        there = List(size, most=most)
        found = [row.provider_id for row in scanned(there)]
        assert sorted(found, key=int) == [str(id) for id in range(1, size + 1)]

    @every("seed", range(6))
    def test_5000_rows_while_they_shift(self, seed: int) -> None:
        chance = random.Random(seed)

        def happens(there: List, call: int) -> None:
            for _ in range(chance.randrange(15) if call < 20 else 0):
                if chance.random() < 0.5:
                    there.add()
                else:
                    there.change(chance.randrange(len(there.rows)))

        there = List(5000, happens)
        found = scanned(there)
        assert {row.provider_id for row in there.rows} == {row.provider_id for row in found}
        states = [(row.provider_id, row.provider_status, row.time_text) for row in found]
        assert len(set(states)) == len(states)
        last = {row.provider_id: row for row in found}
        assert all(last[row.provider_id] == row for row in there.rows)

    def test_rows_that_vanish_hide_no_others(self) -> None:
        def happens(there: List, call: int) -> None:
            if 1 < call < 8:
                del there.rows[:40]

        there = List(3000, happens)
        assert {row.provider_id for row in there.rows} <= {row.provider_id for row in scanned(there)}

    def test_a_list_that_ignores_the_offset_ends(self) -> None:
        rows = tuple(bid(id) for id in range(500))
        calls = []

        def fetch(offset: int, limit: int) -> Page[BidRow]:
            calls.append(offset)
            return Page(rows)

        assert len([row for page in scan(fetch) for row in page.rows]) == 500
        assert len(calls) == 4

    def test_a_list_without_end_ends(self) -> None:
        there = List(0)
        numbers = iter(range(10**9))
        there.fetch = lambda offset, limit: Page((bid(next(numbers)),))  # type: ignore[method-assign]
        assert len(list(scan(there.fetch))) == MOST_PAGES

    def test_rows_that_cannot_be_read_come_once_and_count(self) -> None:
        def fetch(offset: int, limit: int) -> Page[BidRow]:
            rows = [bid(id) for id in range(offset, min(offset + 100, 300))]
            return Page(tuple(rows[1:]), tuple({"id": row.provider_id, "x": "?"} for row in rows[:1]))

        pages = list(scan(fetch, rows=100, overlap=0))
        assert sum(len(page.rows) for page in pages) == 297
        assert [raw["id"] for page in pages for raw in page.unreadable] == ["0", "100", "200"]
