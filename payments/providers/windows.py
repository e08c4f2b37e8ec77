"""Reading a list to its end that takes a window of time and a limit, but no offset: a full window is split in two.

Knows no HTTP: it is given a function that fetches one window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from payments.providers.bids import Page

Row = TypeVar("Row")

#: The most lines that an answer holds, and how many it holds where the limit is not heard.
ROWS, UNHEARD = 500, 100
#: Where a list that never ends is left.
MOST_CALLS = 300
#: Halves overlap by a second, because nobody says whether the ends of a window belong to it: a narrower one is not split.
NARROW = 2


@dataclass(frozen=True)
class Whole(Generic[Row]):
    """All lines that could be read, each once. `full`: moments (Unix seconds) that hold more than an answer does;
    `is_cut`: there are more lines that no window shows.
    """

    page: Page[Row]
    full: tuple[int, ...] = ()
    is_cut: bool = False


def read(
    fetch: Callable[..., Page[Row]],
    key: Callable[[Row], str],
    *,
    until: int,
    rows: int = ROWS,
    most_calls: int = MOST_CALLS,
) -> Whole[Row]:
    """All lines of a list; `fetch(limit=)` first, and `fetch(since=, until=, limit=)` only if that answer is full.

    `until` (Unix seconds) lies behind the newest line, whatever zone the clock is in.
    """
    first = fetch(limit=rows)
    pages, full, is_cut = [first], [], False
    windows = [(0, until)] if _is_full(first, rows) else []
    left = most_calls
    while windows:
        since, end = windows.pop()
        if left < NARROW + 1:
            is_cut = True
            break
        if end - since <= NARROW:
            seconds = {at: fetch(since=at, until=at, limit=rows) for at in range(since, end + 1)}
            left -= len(seconds)
            pages += seconds.values()
            # Where the ends do not belong to it, the window was the one second in its middle.
            told = [at for at, page in seconds.items() if _is_full(page, rows)]
            has_ends = any(page.rows or page.unreadable for page in seconds.values())
            full += told if has_ends else [since + 1]
            continue
        middle = (since + end) // 2
        halves = [(since, middle + 1), (middle, end)]
        found = [fetch(since=begin, until=stop, limit=rows) for begin, stop in halves]
        left -= len(found)
        pages += reversed(found)
        split = [half for half, page in zip(halves, found, strict=True) if _is_full(page, rows)]
        if since == 0 and len(split) == 2 and _keys(found[0], key) == _keys(found[1], key):
            is_cut = True  # it does not hear windows at all
            break
        windows += split
    return Whole(_joined(pages, key), tuple(full), is_cut)


def _is_full(page: Page[Any], rows: int) -> bool:
    return len(page.rows) + len(page.unreadable) >= rows or len(page.rows) + len(page.unreadable) == UNHEARD


def _keys(page: Page[Row], key: Callable[[Row], str]) -> set[str]:
    return set(map(key, page.rows))


def _joined(pages: Iterable[Page[Row]], key: Callable[[Row], str]) -> Page[Row]:
    """Each line once, as it was told last."""
    good: dict[str, Row] = {}
    bad: dict[str, Any] = {}
    for page in pages:
        good |= {key(row): row for row in page.rows}
        bad |= {repr(raw): raw for raw in page.unreadable}
    return Page(tuple(good.values()), tuple(bad.values()))
