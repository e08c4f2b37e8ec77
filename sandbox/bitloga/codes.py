"""Codes (vouchers) of the simulated bitloga: create, apply, get, and what control does to them.
Holds no HTTP."""

from __future__ import annotations

import secrets
import sqlite3
import string
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox import accounts, transactions
from sandbox.bitloga import deals, errors
from sandbox.bitloga.calls import Context
from sandbox.bitloga.errors import Refusal
from sandbox.ledger import next_number
from sandbox.wire import plain

SCHEMA = """
create table if not exists bitloga_codes (
    id integer primary key, account_id integer, code text not null unique, amount text not null,
    currency text not null, password text not null, description text not null, status text not null,
    created_at text not null, applied_at text not null default '', applied_by integer
);
create index if not exists bitloga_codes_account on bitloga_codes (account_id, id);
"""
TABLES = ("bitloga_codes",)
STATUSES = ("Active", "Redeemed", "Disabled")
ALPHABET = string.ascii_lowercase + string.digits
MOST = 100


def create(context: Context) -> dict[str, Any]:
    """Action `create`: debit the balance and make a code. Raises Refusal."""
    context.check_shapes(texts=("currency", "pass", "desc"), amounts=("amount",))
    currency = context.text("currency", errors.CURRENCY_NOT_DEFINED)
    balances = accounts.balances(context.db, context.account.id)
    if currency not in balances:
        raise Refusal(errors.CURRENCY_NOT_FOUND)
    amount = context.amount("amount")
    if amount is None:
        raise Refusal(errors.AMOUNT_NOT_DEFINED)
    limits = context.setting("code_limits").get(currency, {})
    low, high = (Decimal(str(limits[name])) if limits.get(name) else None for name in ("min", "max"))
    context.check_limits(amount, low=low, high=high, currency=currency)
    deals.check_balance_enabled(context)
    if amount > balances[currency]:
        raise Refusal(errors.INSUFFICIENT_BALANCE)
    code = add(
        context.db,
        account_id=context.account.id,
        amount=amount,
        currency=currency,
        password=context.text("pass"),
        description=context.text("desc"),
        now=context.now,
    )
    _accept(context, "code_create", code, currency, -amount)
    return {"code": code, "success": True}


def apply(context: Context) -> dict[str, Any]:
    """Action `apply`: credit the caller's balance with a code, whoever made it. Raises Refusal."""
    context.check_shapes(texts=("code", "pass"))
    row = by_code(context.db, context.text("code", errors.CODE_NOT_DEFINED))
    if row is None:
        raise Refusal(errors.CODE_NOT_EXIST)
    if row["status"] != "Active":
        raise Refusal(errors.CODE_NOT_ACTIVE)
    if row["password"]:
        password = context.text("pass", errors.PASSWORD_NOT_DEFINED)
        if not secrets.compare_digest(password.encode(), row["password"].encode()):
            raise Refusal(errors.WRONG_PASSWORD)
    deals.check_balance_enabled(context)
    redeem(context.db, code=row["code"], now=context.now, account_id=context.account.id)
    _accept(context, "code_apply", row["code"], row["currency"], Decimal(row["amount"]))
    return {"amount": Decimal(row["amount"]), "currency": row["currency"], "success": True}


def _accept(context: Context, kind: str, code: str, currency: str, effect: Decimal) -> None:
    row = transactions.accept(
        context.db,
        account=context.account,
        kind=kind,
        now=context.now,
        params=context.params,
        currency=currency,
        amount=abs(effect),
        status="Complete",
        number=next_number(context.db, "bitloga.code"),
        data={"code": code},
    )
    accounts.book_to(
        context.db,
        account_id=context.account.id,
        transaction_id=row.id,
        currency=currency,
        total=effect,
        reason=kind.replace("_", " "),
        now=context.now,
    )


def listing(context: Context) -> dict[str, Any]:
    """Action `get`: the caller's own codes, newest first, at most a hundred. Raises Refusal."""
    context.check_shapes(texts=("code", "currency", "status"), amounts=("amount", "offset", "limit"))
    if context.text("status") not in ("", *STATUSES):
        raise Refusal(errors.BAD_DATA)
    offset, limit = _whole(context, "offset", 0), _whole(context, "limit", MOST)
    amount = context.amount("amount")
    rows = [
        row
        for row in own(context.db, context.account.id)
        if context.text("code") in ("", row["code"])
        and context.text("currency") in ("", row["currency"])
        and context.text("status") in ("", row["status"])
        and (amount is None or Decimal(row["amount"]) == amount)
    ][offset : offset + min(limit, MOST)]
    if not rows:
        raise Refusal(errors.CODES_NOT_FOUND)
    hours = float(context.setting("utc_offset_hours"))
    return {"data": [_line(row, hours) for row in rows], "success": True}


def _whole(context: Context, name: str, default: int) -> int:
    value = context.amount(name)
    if value is None:
        return default
    if value < 0 or value != value.to_integral_value() or value > 10**9:
        raise Refusal(errors.BAD_DATA)
    return int(value)


def _line(row: sqlite3.Row, hours: float) -> dict[str, Any]:
    line = {"code": row["code"], "amount": Decimal(row["amount"]), "currency": row["currency"]}
    if row["password"]:
        line["pass"] = "Required"  # noqa: S105 - the document's word
    line |= {
        "desc": row["description"],
        "status": row["status"],
        "createtime": _minutes(row["created_at"], hours),
    }
    if row["applied_at"]:
        line["applytime"] = _minutes(row["applied_at"], hours)
    return line


def _minutes(timestamp: str, hours: float) -> str:
    """A time as bitloga tells it: in minutes, in a zone that it does not tell."""
    return f"{datetime.fromisoformat(timestamp) + timedelta(hours=hours):%Y-%m-%d %H:%M}"


# --- Rows, for control too ---
def add(
    db: sqlite3.Connection,
    *,
    account_id: int | None,
    amount: Decimal,
    currency: str,
    password: str,
    description: str,
    now: str,
) -> str:
    """A new active code; without an account it belongs to somebody outside. Touches no balance."""
    code = "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))
    db.execute(
        "insert into bitloga_codes (account_id, code, amount, currency, password, description, status,"
        " created_at) values (?, ?, ?, ?, ?, ?, 'Active', ?)",
        (account_id, code, plain(amount), currency, password, description, now),
    )
    return code


def redeem(db: sqlite3.Connection, *, code: str, now: str, account_id: int | None) -> None:
    """Mark a code as redeemed, by an account or by somebody outside. Touches no balance."""
    db.execute(
        "update bitloga_codes set status = 'Redeemed', applied_at = ?, applied_by = ? where code = ?",
        (now, account_id, code),
    )


def disable(db: sqlite3.Connection, *, code: str) -> None:
    """Mark a code as disabled. Touches no balance."""
    db.execute("update bitloga_codes set status = 'Disabled' where code = ?", (code,))


def by_code(db: sqlite3.Connection, code: str) -> sqlite3.Row | None:
    """The row of a code."""
    row: sqlite3.Row | None = db.execute("select * from bitloga_codes where code = ?", (code,)).fetchone()
    return row


def own(db: sqlite3.Connection, account_id: int) -> list[sqlite3.Row]:
    """The codes that an account made, newest first."""
    query = "select * from bitloga_codes where account_id = ? order by id desc"
    return list(db.execute(query, (account_id,)))


def every(db: sqlite3.Connection, limit: int = -1) -> list[sqlite3.Row]:
    """All codes, newest first."""
    return list(db.execute("select * from bitloga_codes order by id desc limit ?", (limit,)))
