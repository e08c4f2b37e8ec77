"""Reads a whole list whose pages move while they are read. Knows no endpoint and follows no address of the provider's.

Lists are newest first, so that what is added slides older rows to later pages, where they are seen twice; what is
taken away slides them to earlier pages, where they would be missed. `count` tells: it cannot fail to shrink when rows
slid up, and then pages are read that overlap with the one before, by way of another length. Rows that jumped to the top
are found by reading the top again at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Generic, TypeVar

from payments.providers.errors import OutcomeUnknown
from payments.providers.words import gettext_noop as _

Row = TypeVar("Row")

SIZE = 100
_LATEST = datetime.max.replace(tzinfo=UTC)
ENDLESS = _("bitexbit's list does not come to an end. It will be asked again.")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows of a list, how many rows there are in all, and whether more follow. `count` None: there is no such
    page. `unread`: so many rows of it could not be read, and have their places all the same.
    """

    rows: tuple[Row, ...]
    count: int | None
    more: bool
    unread: int = 0

    @property
    def places(self) -> int:
        """How many rows of the list it shows."""
        return len(self.rows) + self.unread


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """How to read a list: `read(page, limit)`, what tells two rows apart, and when a row was made.

    `mark` tells rows of one identity apart where both have one; "" while it has none.
    """

    read: Callable[[int, int], Page[Row]]
    identity: Callable[[Row], Hashable]
    made_at: Callable[[Row], datetime | None]
    mark: Callable[[Row], str] = lambda _row: ""


def scan(
    listing: Listing[Row],
    since: datetime | None = None,
    *,
    known: Container[Any] = (),
    size: int = SIZE,
) -> list[Row]:
    """Every row made at `since` or later (None: every row), newest first, each once, as it was last seen.

    Ends early after two pages in a row of which every identity is `known`. Raises OutcomeUnknown for a list that does
    not end, and whatever a page raises: what is returned is complete.
    """
    found = _Scan(listing, since, known, size)
    found.down()
    found.top()
    return found.result()


class _Scan(Generic[Row]):
    """The rows so far, by identity; rows that are alike are kept as often as one page showed them."""

    def __init__(
        self, listing: Listing[Row], since: datetime | None, known: Container[Any], size: int
    ) -> None:
        self._listing, self._since, self._known = listing, since, known
        self._rows: dict[Hashable, list[Row]] = {}
        self._reads = 0
        self._in_order = True
        # Page lengths that the provider keeps to.
        self._longest, self._shortest = size, max(1, size // 2)

    def down(self) -> None:
        """From the first row to the last, or to the begin of the window.

        `covered`: of the rows that stand there now, so many from the top were seen at least.
        """
        covered = margin = run = 0
        count = gone_at = -1
        last: Hashable = None
        while True:
            number, size = self._window(max(0, covered - margin))
            page = self._read(number, size)
            if page.count is None:  # the list has become shorter than the page before it said
                if number == 1 or gone_at == count:
                    return
                gone_at, covered, last = count, max(0, covered - size), None
                continue
            start = (number - 1) * self._length(page, size)
            lost, still, count = max(0, count - page.count), count == page.count, page.count
            covered, end = max(0, covered - lost), start + page.places
            self._take(page)
            if start > covered:  # rows slid up past us: read their places again, with more before them
                margin, last = min(2 * lost + 1, self._longest - 1), None
                continue
            if start == covered and still and page.rows and last == self._listing.identity(page.rows[0]):
                # Two that are alike, on two pages. Only on one page they can be told from one that slid down.
                other, length = self._window(start - 1)
                if other * length > start:
                    margin, last = 1, None
                    continue
            run = run + 1 if page.rows and all(map(self._is_known, page.rows)) else 0
            if not page.places or not page.more or run == 2 or self._is_before(page):
                return
            covered = max(covered, end)
            margin = min(2 * lost + margin // 2, self._longest - 1)
            last = self._listing.identity(page.rows[-1]) if page.rows and covered == end else None

    def _window(self, place: int) -> tuple[int, int]:
        """The page that holds a place and reaches furthest behind it: its number and length."""
        sizes = range(self._longest, self._shortest - 1, -1)
        size = max(sizes, key=lambda size: (place // size + 1) * size)
        return place // size + 1, size

    def _length(self, page: Page[Row], size: int) -> int:
        """How long pages really are, where the provider has its own mind about it."""
        if page.more and page.places and page.places != size:
            if size < self._longest:
                self._shortest = page.places  # it does not shorten pages at all
            self._longest = page.places
            self._shortest = min(self._shortest, self._longest)
            return page.places
        return size

    def top(self) -> None:
        """Read the top again until nothing is new in two pages: what jumped there meanwhile was missed on the way."""
        if self._reads == 1:
            return  # one page is one moment
        number, run = 1, 0
        while run < 2:
            page = self._read(number, self._longest)
            run = 0 if self._take(page) else run + 1
            if not page.places or not page.more or self._is_before(page):
                return
            number += 1

    def result(self) -> list[Row]:
        """The rows of the window, newest first."""
        rows = [row for alike in self._rows.values() for row in alike]
        made = self._listing.made_at
        rows = [row for row in rows if self._since is None or (made(row) or _LATEST) >= self._since]
        return sorted(rows, key=lambda row: made(row) or _LATEST, reverse=True)

    def _read(self, number: int, size: int) -> Page[Row]:
        self._reads += 1
        page = self._listing.read(number, size)
        if self._reads > 50 + 4 * ((page.count or 0) // max(page.places, 1) + 1):
            raise OutcomeUnknown("the list does not end", staff=ENDLESS)
        return page

    def _take(self, page: Page[Row]) -> bool:
        """Keep the rows of a page; whether any of them was new."""
        seen: dict[Hashable, list[Row]] = {}
        for row in page.rows:
            seen.setdefault(self._listing.identity(row), []).append(row)
        fresh = False
        for identity, alike in seen.items():
            kept = self._rows.get(identity, [])
            self._rows[identity] = self._joined(alike, kept)
            fresh = fresh or len(self._rows[identity]) > len(kept)
        moments = [at for row in page.rows if (at := self._listing.made_at(row)) is not None]
        in_order = len(moments) == len(page.rows) and all(a >= b for a, b in pairwise(moments))
        self._in_order = self._in_order and in_order
        return fresh

    def _joined(self, alike: list[Row], kept: list[Row]) -> list[Row]:
        """What a page shows of one identity, and what was seen before and is none of these."""
        left, gone = list(alike), []
        for row in sorted(kept, key=self._listing.mark, reverse=True):  # those without a mark last
            same = [one for one in left if self._listing.mark(one) == self._listing.mark(row)]
            same += [one for one in left if "" in (self._listing.mark(one), self._listing.mark(row))]
            if same:
                left.remove(same[0])
            else:
                gone.append(row)
        return alike + gone

    def _is_known(self, row: Row) -> bool:
        return self._listing.identity(row) in self._known

    def _is_before(self, page: Page[Row]) -> bool:
        """Whether the window began on this page; not to be told in a list that is not newest first."""
        if self._since is None or not self._in_order or not page.rows:
            return False
        oldest = self._listing.made_at(page.rows[-1])
        return oldest is not None and oldest < self._since
