"""Walking through a list that moves: none missed, none twice (RELIABILITY A21)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from payments.providers.batches import BatchPage, BatchReport
from payments.providers.coinjoin import listing
from payments.providers.errors import OutcomeUnknown
from tests.every import every

START = datetime(2026, 11, 20, tzinfo=UTC)


def row(number: int) -> BatchReport:
    return BatchReport(
        f"ID{number}", "complete", "complete", "", (), created=START + timedelta(minutes=number)
    )


class Shop:
    """A list, newest first, in which something happens between two pages."""

    def __init__(
        self,
        count: int,
        *,
        cap: int = 1000,
        total: bool = True,
        between: Callable[[Shop], None] | None = None,
    ) -> None:
        self.rows = [row(number) for number in reversed(range(count))]
        self.cap, self.total, self.between = cap, total, between
        self.asked: list[int] = []

    def page(self, *, limit: int, offset: int) -> BatchPage:
        if self.asked and self.between:
            self.between(self)
        self.asked.append(offset)
        found = self.rows[offset : offset + min(limit, self.cap)]
        return BatchPage(tuple(found), len(self.rows) if self.total else None)

    def add(self, count: int = 1) -> None:
        first = int(self.rows[0].provider_id[2:]) + 1
        self.rows[:0] = [row(number) for number in reversed(range(first, first + count))]


def ids(rows: tuple[BatchReport, ...]) -> set[int]:
    assert len({one.provider_id for one in rows}) == len(rows)
    return {int(one.provider_id[2:]) for one in rows}


class TestWhole:
    def test_each_once(self) -> None:
        counts, caps = (0, 1, 9, 10, 11, 30, 99, 100, 101, 250), (1, 7, 10, 11, 30, 100, 1000)
        for count, cap, total in itertools.product(counts, caps, (True, False)):
            found = listing.scan(Shop(count, cap=cap, total=total).page, since=None, known=())
            assert ids(found) == set(range(count)), (count, cap, total)

    def test_5000_while_new_ones_come_in(self) -> None:
        shop = Shop(5000, between=lambda shop: shop.add(3))
        found = ids(listing.scan(shop.page, since=None, known=()))
        assert set(range(5000)) <= found
        assert len(shop.asked) < 70

    def test_5000_while_some_vanish(self) -> None:
        def drop(shop: Shop) -> None:
            del shop.rows[0]

        assert set(range(4900)) <= ids(listing.scan(Shop(5000, between=drop).page, since=None, known=()))

    def test_what_was_read_last_counts(self) -> None:
        def settle(shop: Shop) -> None:
            shop.rows = [replace(one, status="expired") for one in shop.rows]

        found = listing.scan(Shop(150, between=settle).page, since=None, known=())
        assert {one.provider_id: one.status for one in found}["ID50"] == "expired"


class TestStops:
    def test_at_the_begin_of_the_window(self) -> None:
        shop = Shop(1000)
        found = listing.scan(shop.page, since=START + timedelta(minutes=900), known=())
        assert ids(found) == set(range(900, 1000))
        assert len(shop.asked) <= 3

    def test_the_begun_second_counts(self) -> None:
        since = START + timedelta(minutes=3, milliseconds=999)
        assert ids(listing.scan(Shop(5).page, since=since, known=())) == {3, 4}

    def test_not_at_one_old_row_among_young_ones(self) -> None:
        shop = Shop(300)
        shop.rows[5] = replace(shop.rows[5], created=START - timedelta(days=9))
        found = listing.scan(shop.page, since=START + timedelta(minutes=100), known=())
        assert ids(found) == set(range(100, 300)) - {294}

    def test_a_row_without_a_time_counts_as_young(self) -> None:
        shop = Shop(5)
        shop.rows[4] = replace(shop.rows[4], created=None)
        assert ids(listing.scan(shop.page, since=START + timedelta(minutes=3), known=())) == {0, 3, 4}

    def test_after_two_pages_of_known_ones(self) -> None:
        shop = Shop(1000)
        known = {f"ID{number}" for number in range(950)}
        assert set(range(950, 1000)) <= ids(listing.scan(shop.page, since=None, known=known))
        assert len(shop.asked) == 3

    def test_one_known_page_is_not_enough(self) -> None:
        shop = Shop(300)
        known = {f"ID{number}" for number in range(150, 300)}
        assert set(range(150)) <= ids(listing.scan(shop.page, since=None, known=known))


class TestLies:
    @every("total", [500, None])
    def test_the_same_page_for_ever_is_not_the_whole(self, total: int | None) -> None:
        rows = Shop(100).rows
        with pytest.raises(OutcomeUnknown):
            listing.scan(lambda **_: BatchPage(tuple(rows), total), since=None, known=())

    def test_an_empty_page_before_the_end_is_not_the_end(self) -> None:
        shop = Shop(500)
        with pytest.raises(OutcomeUnknown):
            listing.scan(
                lambda limit, offset: (
                    BatchPage((), 500) if offset > 200 else shop.page(limit=limit, offset=offset)
                ),
                since=None,
                known=(),
            )

    def test_a_list_without_an_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(listing, "MOST_PAGES", 20)

        def page(*, limit: int, offset: int) -> BatchPage:
            return BatchPage(tuple(row(-number) for number in range(offset, offset + limit)), None)

        with pytest.raises(OutcomeUnknown):
            listing.scan(page, since=None, known=())
