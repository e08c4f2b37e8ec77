"""Lists of the simulated bitexbit: filters, ordering, pages and their envelope. Knows no kind of row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from sandbox.bitexbit import errors
from sandbox.bitexbit.calls import Context
from sandbox.transactions import Transaction

Describe = Callable[[Transaction], dict[str, Any]]


def page(
    context: Context,
    rows: Sequence[Transaction],
    describe: Describe,
    *,
    path: str,
    filters: Sequence[str] = (),
    whole: bool = False,
) -> dict[str, Any]:
    """One page of rows (which come newest first). `whole`: without a limit everything is one page. Raises Refusal."""
    found = (
        list(rows)
        if context.params.get("ordering", context.setting("default_ordering")) == "-id"
        else list(rows)[::-1]
    )
    if context.params.get("ordering", "-id") not in ("id", "-id"):
        raise errors.field("ordering", errors.NO_SUCH_FILTER)
    wanted = {name: context.params[name] for name in filters if context.params.get(name)}
    number = _whole(context, "page", 1)
    limit = _whole(context, "limit", max(len(found), 1) if whole else int(context.setting("history_page")))
    most = context.setting("most_rows")
    limit = min(limit, int(most)) if most else limit
    if wanted:
        described = [row for row in map(describe, found) if _fits(row, wanted)]
        count, shown = len(described), described[(number - 1) * limit : number * limit]
    else:
        count = len(found)
        shown = [describe(row) for row in found[(number - 1) * limit : number * limit]]
    if not shown and number > 1 and context.setting("past_the_end") == "404":
        raise errors.detail(404, errors.NO_PAGE)
    return {
        "count": count,
        "next": _address(context, path, number + 1) if number * limit < count else None,
        "previous": _address(context, path, number - 1) if number > 1 else None,
        "results": shown,
    }


def _address(context: Context, path: str, number: int) -> str:
    """Another page as the document's sample shows it: absolute, with a blank before it, and with nothing of the query
    but the number."""
    return f" {context.provider.engine.url}{path}?{urlencode({'page': number})}"


def _whole(context: Context, name: str, default: int) -> int:
    value = str(context.params.get(name) or default)
    if not value.isascii() or not value.isdecimal() or int(value) < 1 or len(value) > 9:
        raise (
            errors.detail(404, errors.NO_PAGE) if name == "page" else errors.field(name, errors.NOT_A_NUMBER)
        )
    return int(value)


def _fits(row: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(
        str(row.get(name) if row.get(name) is not None else "") == str(value)
        for name, value in wanted.items()
    )
