"""Lists whose pages move while they are read: none is missed, none is doubled (RELIABILITY E10, E11, E14)."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.providers.bitexbit import paging
from payments.providers.bitexbit.paging import Listing, Page
from payments.providers.errors import OutcomeUnknown
from tests.payments.providers.bitexbit.facts import case, recorded
from tests.payments.providers.wires import answered, peer

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    name: int
    at: datetime
    status: str = "new"


class Server:
    """A list that serves pages; `between` happens before every page but the first."""

    def __init__(
        self,
        names: int | list[int],
        between: Callable[[Server], None] = lambda server: None,
        *,
        most: int = 10**9,
        gone: bool = False,
    ) -> None:
        listed = list(range(names)) if isinstance(names, int) else names
        self.rows = [self.row(name) for name in reversed(listed)]
        self.between, self.most, self.gone = between, most, gone
        self.asked: list[tuple[int, int]] = []
        self.bad: set[int] = set()
        self.next_name = max(listed, default=0) + 1

    @staticmethod
    def row(name: int) -> Row:
        return Row(name, BEGIN + timedelta(minutes=name))

    def insert(self, count: int = 1) -> None:
        for _one in range(count):
            self.rows.insert(0, self.row(self.next_name))
            self.next_name += 1

    def read(self, number: int, limit: int) -> Page[Row]:
        if self.asked:
            self.between(self)
        self.asked.append((number, limit))
        limit = min(limit, self.most)
        rows = self.rows[(number - 1) * limit : number * limit]
        if not rows and number > 1 and self.gone:
            return Page((), None, False)
        shown = tuple(row for row in rows if row.name not in self.bad)
        more = number * limit < len(self.rows)
        return Page(shown, len(self.rows), more, len(rows) - len(shown))

    def scan(self, since: datetime | None = None, **options: Any) -> list[Row]:
        listing = Listing(self.read, lambda row: row.name, lambda row: row.at)
        return paging.scan(listing, since, **options)


def names(rows: list[Row]) -> list[int]:
    return [row.name for row in rows]


class TestStill:
    def test_all_newest_first(self) -> None:
        for count in [0, 1, 99, 100, 101, 200, 1000]:
            with case(count):
                assert names(Server(count).scan()) == list(range(count))[::-1]

    def test_one_page_is_read_once(self) -> None:
        server = Server(100)
        server.scan()
        assert server.asked == [(1, 100)]

    def test_shorter_pages_than_asked_for(self) -> None:
        for most in [1, 7, 50]:
            with case(most):
                assert names(Server(120, most=most).scan()) == list(range(120))[::-1]

    def test_a_limit_that_is_ignored(self) -> None:
        server = Server(300)
        listing = Listing(
            lambda number, _limit: server.read(number, 1000), lambda row: row.name, lambda row: row.at
        )
        assert len(paging.scan(listing)) == 300


class TestWindow:
    def test_it_ends_where_the_window_begins(self) -> None:
        server = Server(5000)
        found = server.scan(BEGIN + timedelta(minutes=4750))
        assert names(found) == list(range(4750, 5000))[::-1]
        assert max(number for number, _limit in server.asked) == 3

    def test_not_in_a_list_that_is_oldest_first(self) -> None:
        server = Server(300)
        server.rows.reverse()
        assert names(server.scan(BEGIN + timedelta(minutes=290))) == list(range(290, 300))[::-1]

    def test_rows_without_a_time_are_in_every_window(self) -> None:
        server = Server(250)
        listing = Listing(server.read, lambda row: row.name, lambda row: None if row.name % 2 else row.at)
        found = paging.scan(listing, BEGIN + timedelta(minutes=240))
        assert {row.name for row in found if row.name % 2} == set(range(1, 250, 2))


class TestKnown:
    def test_it_ends_after_two_pages_of_known_rows(self) -> None:
        server = Server(5000)
        found = server.scan(known=set(range(4900)))
        assert set(range(4900, 5000)) <= set(names(found))
        assert max(number for number, _limit in server.asked) == 3

    def test_one_such_page_is_not_enough(self) -> None:
        server = Server(1000)
        known = set(range(800, 900)) | set(range(100, 700))
        assert set(range(700, 800)) <= set(names(server.scan(known=known)))


class TestMoving:
    def test_5000_rows_while_new_ones_come(self) -> None:
        chance = random.Random(7)
        server = Server(5000, lambda server: server.insert(chance.randrange(7)))
        found = names(server.scan())
        assert len(found) == len(set(found))
        assert set(range(5000)) <= set(found)

    def test_5000_rows_while_rows_are_taken_away(self) -> None:
        chance = random.Random(8)

        def between(server: Server) -> None:
            for _one in range(chance.randrange(4)):
                server.rows.pop(chance.randrange(len(server.rows)))

        server = Server(5000, between)
        found = names(server.scan())
        assert len(found) == len(set(found))
        assert set(names(server.rows)) <= set(found)

    def test_5000_rows_while_rows_jump_to_the_top(self) -> None:
        chance = random.Random(9)

        def between(server: Server) -> None:
            if chance.random() < 0.5:
                touched = server.rows.pop(chance.randrange(len(server.rows)))
                server.rows.insert(0, replace(touched, status="done"))

        server = Server(5000, between)
        found = server.scan()
        assert sorted(names(found)) == list(range(5000))

    def test_the_last_pages_vanish(self) -> None:
        for gone in [True, False]:
            with case(gone):

                def between(server: Server) -> None:
                    if len(server.asked) == 3:
                        del server.rows[:250]

                server = Server(500, between, gone=gone)
                assert set(names(server.rows[250:])) <= set(names(server.scan()))

    def test_a_row_is_returned_as_it_was_last_seen(self) -> None:
        def between(server: Server) -> None:
            server.rows = [replace(row, status="done") for row in server.rows]

        found = Server(250, between).scan()
        assert {row.status for row in found if row.name >= 50} == {"done"}

    @settings(max_examples=120, deadline=None)
    @given(
        count=st.integers(0, 60),
        size=st.integers(1, 9),
        most=st.sampled_from([3, 100]),
        gone=st.booleans(),
        bad=st.sets(st.integers(0, 59), max_size=20),
        moves=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 10**6)), max_size=40),
    )
    def test_anything_in_between(
        self, count: int, size: int, most: int, gone: bool, bad: set[int], moves: list[tuple[int, int, int]]
    ) -> None:
        left = list(moves)

        def between(server: Server) -> None:
            if left:
                added, removed, place = left.pop()
                server.insert(added)
                for _one in range(removed):
                    if server.rows:
                        server.rows.pop(place % len(server.rows))

        server = Server(count, between, most=most, gone=gone)
        server.bad = bad
        found = names(server.scan(size=size))
        assert len(found) == len(set(found))
        assert (set(names(server.rows)) & set(range(count))) - bad <= set(found)


class TestAlike:
    """Rows that nothing tells apart: two payments of one amount to one address in one transaction."""

    def test_twins_are_two(self) -> None:
        for place in [*range(6), 97, 98, 99, 100, 198, 199, 200, 240]:
            with case(place):
                listed = list(range(250))
                listed.insert(place, listed[place])
                assert Counter(names(Server(listed).scan())) == Counter(listed)

    @settings(max_examples=80, deadline=None)
    @given(
        listed=st.lists(st.integers(0, 20), max_size=40).map(sorted),
        size=st.integers(2, 9),
        added=st.lists(st.integers(0, 3), max_size=20),
    )
    def test_never_more_than_there_are(self, listed: list[int], size: int, added: list[int]) -> None:
        left = list(added)

        def between(server: Server) -> None:
            server.insert(left.pop() if left else 0)

        server = Server(listed, between)
        found, there = Counter(names(server.scan(size=size))), Counter(names(server.rows))
        assert not found - there
        assert set(listed) <= set(found)

    @settings(max_examples=80, deadline=None)
    @given(pairs=st.sets(st.integers(0, 60)), size=st.integers(7, 12), count=st.integers(61, 80))
    def test_every_pair_is_found_in_a_list_that_keeps_still(
        self, pairs: set[int], size: int, count: int
    ) -> None:
        listed = sorted([*range(count), *pairs])
        assert Counter(names(Server(listed).scan(size=size))) == Counter(listed)


class TestEndless:
    def test_a_page_number_that_is_ignored(self) -> None:
        server = Server(5000)
        listing = Listing(
            lambda _number, limit: server.read(1, limit), lambda row: row.name, lambda row: row.at
        )
        with pytest.raises(OutcomeUnknown, match="does not end"):
            paging.scan(listing)

    def test_a_list_that_always_goes_on(self) -> None:
        row = Server.row(1)
        listing = Listing(
            lambda _number, _limit: Page((row,), 1, True), lambda row: row.name, lambda row: row.at
        )
        with pytest.raises(OutcomeUnknown):
            paging.scan(listing)

    def test_empty_pages_that_go_on(self) -> None:
        listing: Listing[Row] = Listing(
            lambda _n, _l: Page((), 9, True), lambda row: row.name, lambda row: row.at
        )
        assert paging.scan(listing) == []

    def test_a_page_that_fails_fails_the_scan(self) -> None:
        server = Server(500)

        def read(number: int, limit: int) -> Page[Row]:
            if number == 3:
                raise OutcomeUnknown("broken")
            return server.read(number, limit)

        with pytest.raises(OutcomeUnknown):
            paging.scan(Listing(read, lambda row: row.name, lambda row: row.at))


class Lists:
    """bitexbit's lists over the wire: newest first, growing by a row with every page that is read."""

    def __init__(self, name: str, count: int, **varying: Callable[[int], Any]) -> None:
        (self.sample, *_rest) = json.loads(recorded(name))["results"]
        self.varying = varying
        self.rows = [self.row(number) for number in reversed(range(count))]
        self.targets: list[str] = []

    def row(self, number: int) -> dict[str, Any]:
        at = (BEGIN + timedelta(minutes=number)).isoformat()
        return {
            **self.sample,
            "created_at": at,
            **{name: make(number) for name, make in self.varying.items()},
        }

    def __call__(self, there: Any, conn: Any) -> None:
        while got := there.take(conn):
            target = got.decode().split(" ")[1]
            self.targets.append(target)
            query = {name: value for name, (value,) in parse_qs(urlsplit(target).query).items()}
            page, limit = int(query["page"]), int(query["limit"])
            rows = self.rows[(page - 1) * limit : page * limit]
            more = " http://elsewhere.invalid/steal?page=2" if page * limit < len(self.rows) else None
            body = {"count": len(self.rows), "next": more, "previous": None, "results": rows}
            conn.sendall(answered(json.dumps(body).encode()))
            self.rows.insert(0, self.row(len(self.rows)))


#: Each list by its recorded answer: the scan, what varies by row, and what a report shows of it.
SCANS: list[tuple[str, str, dict[str, Any], str]] = [
    ("wallets", "wallets", {"slug": str}, "provider_id"),
    ("wallet_history", "scan_deposits", {"txid": str}, "transaction_id"),
    ("invoices", "scan_invoices", {"slug": str}, "provider_id"),
    ("invoice_history", "scan_invoice_payments", {"txid": str}, "transaction_id"),
    ("withdraw_history", "scan_withdrawals", {"id": int, "client_order_id": str}, "reference"),
]


@pytest.mark.parametrize("count", [650, pytest.param(5000, marks=pytest.mark.long)])
class TestOverTheWire:
    """E10: while the lists grow; `next` points to another host, and only ours is spoken to."""

    def test_every_scan_misses_none_and_doubles_none(self, connect, count: int) -> None:
        for name, scan, varying, shown in SCANS:
            lists = Lists(name, count, **varying)
            with case(name), peer(lists) as there:
                found = [getattr(row, shown) for row in getattr(connect(there), scan)()]
                assert len(found) == len(set(found)) >= count
                assert set(map(str, range(count))) <= set(found)
                assert all(urlsplit(target).path.startswith("/api/gateway/") for target in lists.targets)
                assert len(lists.targets) < 10 + count // 100

    def test_alike_by_all_but_their_time_and_some_by_that_too(self, connect, count: int) -> None:
        lists = Lists("wallet_history", count)
        for place in range(98, count - 10, 101):
            lists.rows[place + 1] = dict(lists.rows[place])
        expected = Counter(row["created_at"] for row in lists.rows)
        with peer(lists) as there:
            found = connect(there).scan_deposits()
        seen = Counter(row.created_at.isoformat() for row in found)
        assert {at: seen[at] for at in expected} == expected
        keys = [(row.identity, row.ordinal) for row in found]
        assert len(keys) == len(set(keys))

    def test_one_line_in_ten_that_cannot_be_read_spoils_no_other(self, connect, count: int) -> None:
        """E11: they stand at the edges of pages too, and each is told once."""
        for name, scan, varying, shown in SCANS:
            lists = Lists(name, count, **varying)
            for number, row in enumerate(lists.rows):
                if number % 10 == 0:
                    row["ticker"] = None
            bad: list[Any] = []
            with case(name), peer(lists) as there:
                found = [getattr(row, shown) for row in getattr(connect(there), scan)(bad=bad)]
                assert len(found) == len(set(found))
                good = {str(count - 1 - number) for number in range(count) if number % 10}
                assert good <= set(found)
                assert len(bad) == count // 10
                del lists.rows[:-30]  # the oldest: others have come before them meanwhile
                with pytest.raises(OutcomeUnknown):
                    getattr(connect(there, read_pauses=(0,)), scan)()


def test_a_window_and_filters(connect) -> None:
    lists = Lists("wallet_history", 900, txid=str)
    since = BEGIN + timedelta(minutes=850)
    with peer(lists) as there:
        found = connect(there).scan_deposits(since, ticker="USDT", memo="7")
    assert {int(row.transaction_id) for row in found} >= set(range(850, 900))
    assert all(row.created_at >= since for row in found)
    assert len(lists.targets) <= 2
    assert parse_qs(urlsplit(lists.targets[0]).query)["memo"] == ["7"]
