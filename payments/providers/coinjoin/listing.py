"""Walking through coinjoin's list, newest first, while it moves. Holds no HTTP: pages come from the client.

New rows push the others down, so a row may be seen twice; rows that vanish pull others up, so pages overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from payments.providers.batches import BatchPage, BatchReport
from payments.providers.errors import OutcomeUnknown
from payments.providers.words import gettext_noop as _

PAGE = 100
OVERLAP = 10
#: Pages of one scan; more than this is a list that has no end.
MOST_PAGES = 2000
QUIET = 2

ENDLESS = _("coinjoin's list of batches could not be read to its end.")


def scan(
    page: Callable[..., BatchPage], *, since: datetime | None, known: Collection[str]
) -> tuple[BatchReport, ...]:
    """All rows made in the second of `since` or later, each once, newest first. Raises OutcomeUnknown rather
    than miss one.

    Stops at the end of the list, at the first page that is older than `since` throughout, or after two pages in
    a row that hold only `known` IDs. Times have whole seconds; a row without a readable one counts as young.
    """
    since = since and since.replace(microsecond=0)
    found: dict[str, BatchReport] = {}
    offset = quiet = stuck = 0
    least: int | None = None  # how many there must be at the end
    for _number in range(MOST_PAGES):
        shown = page(limit=PAGE, offset=offset)
        rows, total = shown.rows, shown.total
        least = total if least is None or total is None else min(least, total)
        fresh = [row for row in rows if row.provider_id not in found]
        found |= {row.provider_id: row for row in rows}
        end = offset + len(rows)
        if rows and all(_is_old(row, since) for row in rows):
            return _young(found, since)
        is_known = bool(rows) and all(row.provider_id in known for row in rows)
        quiet = quiet + 1 if is_known else 0
        if quiet == QUIET:
            return _young(found, since)
        if not rows or (end >= total if total is not None else not fresh and len(rows) <= OVERLAP):
            if len(found) >= (least or 0):
                return _young(found, since)
            break  # the list says that there are more, and does not show them
        stuck = 0 if fresh else stuck + 1
        if stuck > QUIET:
            break  # the same rows again and again
        offset = end - OVERLAP if len(rows) > OVERLAP else end
    raise OutcomeUnknown("transactions: the list was not read to its end", staff=ENDLESS)


def _is_old(row: BatchReport, since: datetime | None) -> bool:
    return since is not None and row.created is not None and row.created < since


def _young(found: dict[str, BatchReport], since: datetime | None) -> tuple[BatchReport, ...]:
    return tuple(row for row in found.values() if not _is_old(row, since))
