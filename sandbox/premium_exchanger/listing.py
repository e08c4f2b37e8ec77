"""get_exchanges of the simulated exchanger, and the lines that lists of bids share. Holds no partner's reward."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox import transactions
from sandbox.premium_exchanger import bids, witness
from sandbox.premium_exchanger.access import user_id
from sandbox.premium_exchanger.calls import Context
from sandbox.transactions import Transaction


def exchanges(context: Context) -> Any:
    """Method get_exchanges: this key's bids, the last changed first. Raises Refusal."""
    everybody = user_id(context.account) == 0
    rows = transactions.find(
        context.db,
        provider=context.provider.name,
        kind=bids.KIND,
        account_id=None if everybody else context.account.id,
    )
    found = [row for row in latest_first(rows) if _fits(context, row)]
    return context.listed([{**line(context, row), **history(context, row)} for row in context.page(found)])


def latest_first(rows: list[Transaction]) -> list[Transaction]:
    """Ordered by the last change; hidden ones are left out."""
    shown = [row for row in rows if row.status != bids.HIDDEN]
    return sorted(shown, key=lambda row: (row.updated_at, row.id), reverse=True)


def _fits(context: Context, row: Transaction) -> bool:
    return fits(context, row) and _has_api_id(context, row)


def fits(context: Context, row: Transaction) -> bool:
    """The filters by time, address and id."""
    ids = [part.strip() for part in context.text("id").split(",") if part.strip()]
    return (
        context.is_within(row.updated_at)
        and context.text("ip") in ("", row.data["user_ip"])
        and (not ids or str(row.number) in ids)
    )


def _has_api_id(context: Context, row: Transaction) -> bool:
    wanted, way = context.text("api_id"), context.setting("api_id_filter")
    if not wanted or way == "nothing":
        return True
    return wanted == (str(row.number) if way == "bid id" else row.uniqueid)


def line(context: Context, row: Transaction, *, with_api_id: bool = True) -> dict[str, Any]:
    """A bid as a line of a list, in the document's order."""
    is_done = row.status == "success"
    flag = is_done if context.setting("success_flag") == "copies" else not is_done
    return {
        "id": str(row.number),
        **({"api_id": row.uniqueid} if with_api_id else {}),
        **context.local(row.updated_at),
        "psys_give": row.data["psys_give"],
        "psys_get": row.data["psys_get"],
        "currency_code_give": row.currency,
        "currency_code_get": row.data["currency_get"],
        "course_give": Decimal(row.data["course_give"]),
        "course_get": Decimal(row.data["course_get"]),
        "amount_give": row.amount,
        "amount_get": Decimal(row.data["amount_get"]),
        "exchange_success": int(flag),
        "user_hash": row.data["user_hash"],
        "user_ip": row.data["user_ip"],
        "status": row.status,
    }


def history(context: Context, row: Transaction) -> dict[str, Any]:
    """The statuses that a bid had, if they are asked for."""
    if context.whole("status_history") != 1:
        return {}
    return {
        "statuses": [
            {**context.local(change["at"]), "status": change["status"]}
            for change in witness.statuses(context.db, row.id)
        ]
    }
