"""Reading a whole list of bids whose pages shift while they are read: nothing is missed, nothing comes twice.

Knows no HTTP: it is given a function that fetches one page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from payments.providers.bids import BidRow, Page

#: Rows of a page, of which so many are asked for again with the next one.
ROWS, OVERLAP = 500, 50
#: Where a list that never ends is left.
MOST_PAGES = 1000
#: How often the head is read again.
HEADS = 20


def scan(
    fetch: Callable[[int, int], Page[BidRow]],
    *,
    rows: int = ROWS,
    overlap: int = OVERLAP,
    most_pages: int = MOST_PAGES,
) -> Iterator[Page[BidRow]]:
    """Pages with what is new in them; `fetch(offset, limit)`. A row that changed meanwhile comes once more.

    The list is ordered by the last change, newest first: rows that change while it is read move to its
    head, so the head is read again until it brings nothing new (at most `HEADS` times: what changes later
    belongs to the next scan). It stops after two pages without anything new, because the exchanger may give
    fewer rows than asked for.
    """
    seen: set[object] = set()
    left = most_pages
    offset = known = 0
    while left > 0 and known < 2:
        page = fetch(offset, rows)
        left -= 1
        size = len(page.rows) + len(page.unreadable)
        fresh = _fresh(page, seen)
        if fresh.rows or fresh.unreadable:
            known = 0
            yield fresh
        else:
            known += 1
        if not size:
            break
        offset += size - overlap if size > 2 * overlap else size
    for _head in range(HEADS):
        offset = news = 0
        while left > 0:
            page = fetch(offset, rows)
            left -= 1
            fresh = _fresh(page, seen)
            if not fresh.rows and not fresh.unreadable:
                break
            news += 1
            yield fresh
            offset += len(page.rows) + len(page.unreadable)
        if not news:
            return


def _fresh(page: Page[BidRow], seen: set[object]) -> Page[BidRow]:
    """What of a page was not seen before in just this state."""
    rows, unreadable = [], []
    for row in page.rows:
        key = (row.provider_id, row.provider_status, row.time_text, row.date_text)
        if key not in seen:
            seen.add(key)
            rows.append(row)
    for raw in page.unreadable:
        if repr(raw) not in seen:
            seen.add(repr(raw))
            unreadable.append(raw)
    return Page(tuple(rows), tuple(unreadable))
