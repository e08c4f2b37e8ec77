"""Reading a list to its end that takes a window of time and a limit, but no offset: a full window is split in two.

Knows no HTTP: it is given a function that fetches one window.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from payments.providers.bids import Page
from payments.providers.errors import RateLimited

Row = TypeVar("Row")

#: The most lines that an answer holds. Where the limit is not heard it is another round number: that many or more.
ROWS, ROUND, SMALLEST = 500, 10, 20
#: Where a list that never ends is left, and one that is read too slowly: a worker's task has 90 seconds.
MOST_CALLS, SECONDS = 80, 25.0
DAY, FIRST_DAYS = 86400, (365, 60, 14, 2)
#: Halves overlap by a second, because nobody says whether the ends of a window belong to it: a narrower one is not split.
NARROW = 2


@dataclass(frozen=True)
class Whole(Generic[Row]):
    """All lines that could be read, each once. `full`: moments (Unix seconds) that hold more than an answer does;
    `is_cut`: there are more lines than windows show; `has_stopped`: there was no time to ask for all, or no leave.
    """

    page: Page[Row]
    full: tuple[int, ...] = ()
    is_cut: bool = False
    has_stopped: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether what is missing here is not there."""
        return not (self.full or self.is_cut or self.has_stopped)


def read(
    fetch: Callable[..., Page[Row]],
    key: Callable[[Row], str],
    *,
    until: int,
    rows: int = ROWS,
    most_calls: int = MOST_CALLS,
    seconds: float = SECONDS,
) -> Whole[Row]:
    """All lines of a list; `fetch(limit=)` first, and `fetch(since=, until=, limit=)` only if that answer is full.
    Raises what `fetch` does; turned away after the first answer (RateLimited), it gives what was read.

    `until` (Unix seconds) lies behind the newest line, whatever zone the clock is in.
    """
    begun = time.monotonic()
    first = fetch(limit=rows)
    pages, full = [first], list[int]()
    cap = _lines(first)  # what an answer holds, if it does not hold all
    # The newest are the most, and a window of all time would be halved thirty times over.
    edges = [0, *(until - days * DAY for days in FIRST_DAYS), until]
    whole = [(since, end + 1) for since, end in itertools.pairwise(edges)]
    todo = [whole] if cap >= rows or (cap >= SMALLEST and cap % ROUND == 0) else []
    left = most_calls
    while todo:
        asked = todo.pop()
        if left < len(asked):
            return Whole(_joined(pages, key), tuple(full), is_cut=True)
        found: list[Page[Row]] = []
        try:
            for since, end in asked:
                if time.monotonic() - begun > seconds:
                    return Whole(_joined([*pages, *found], key), tuple(full), has_stopped=True)
                found.append(fetch(since=since, until=end, limit=rows))
        except RateLimited:
            return Whole(_joined([*pages, *found], key), tuple(full), has_stopped=True)
        left -= len(found)
        pages += reversed(found)
        split = [one for one, page in zip(asked, found, strict=True) if _lines(page) >= cap]
        if asked[0][0] == asked[0][1]:  # seconds
            # Where the ends do not belong to it, the window was the one second in its middle.
            has_ends = any(page.rows or page.unreadable for page in found)
            full += [at for at, _end in split] if has_ends else [asked[1][0]]
        elif asked[0][0] == 0 and len(split) == len(asked) and len({_keys(page, key) for page in found}) == 1:
            return Whole(_joined(pages, key), is_cut=True)  # it does not hear windows at all
        else:
            todo += [_halves(since, end) for since, end in split]
    return Whole(_joined(pages, key), tuple(full))


def _halves(since: int, end: int) -> list[tuple[int, int]]:
    if end - since <= NARROW:
        return [(at, at) for at in range(since, end + 1)]
    middle = (since + end) // 2
    return [(since, middle + 1), (middle, end)]


def _lines(page: Page[Any]) -> int:
    return len(page.rows) + len(page.unreadable)


def _keys(page: Page[Row], key: Callable[[Row], str]) -> frozenset[str]:
    return frozenset(map(key, page.rows))


def _joined(pages: Iterable[Page[Row]], key: Callable[[Row], str]) -> Page[Row]:
    """Each line once, as it was told last."""
    good: dict[str, Row] = {}
    bad: dict[str, Any] = {}
    for page in pages:
        good |= {key(row): row for row in page.rows}
        bad |= {repr(raw): raw for raw in page.unreadable}
    return Page(tuple(good.values()), tuple(bad.values()))
