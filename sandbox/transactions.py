"""What a provider accepted: one row per accepted request, never deleted. Holds reading and writing of these
rows and their due moves; what a kind or a status means is the provider's matter."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox import accounts
from sandbox.wire import dump, load, plain


@dataclass(frozen=True)
class Transaction:
    """One accepted request. `amount` is in `currency`; `data` is the provider's own memory of it."""

    id: int
    provider: str
    account_id: int
    kind: str
    uniqueid: str
    public_id: str
    number: int
    params: Mapping[str, Any]
    currency: str
    amount: Decimal
    status: str
    data: Mapping[str, Any]
    accepted_at: str
    updated_at: str
    due_at: float | None
    due_verb: str


def _transaction(row: sqlite3.Row) -> Transaction:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates over values
    values |= {"params": load(row["params"]), "data": load(row["data"]), "amount": Decimal(row["amount"])}
    return Transaction(**values)


def accept(
    db: sqlite3.Connection,
    *,
    account: accounts.Account,
    kind: str,
    now: str,
    params: Mapping[str, Any],
    currency: str,
    amount: Decimal,
    status: str,
    uniqueid: str = "",
    public_id: str = "",
    number: int = 0,
    data: Mapping[str, Any] | None = None,
) -> Transaction:
    """Write down that a request was accepted."""
    cursor = db.execute(
        "insert into transactions (provider, account_id, kind, uniqueid, public_id, number, params, currency,"
        " amount, status, data, accepted_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            account.provider,
            account.id,
            kind,
            uniqueid,
            public_id,
            number,
            dump(dict(params)),
            currency,
            plain(amount),
            status,
            dump(dict(data or {})),
            now,
            now,
        ),
    )
    return by_id(db, int(cursor.lastrowid or 0))


def change(
    db: sqlite3.Connection, row: Transaction, *, status: str, now: str, data: Mapping[str, Any] | None = None
) -> Transaction:
    """A new status and more data; whatever was due is no longer."""
    db.execute(
        "update transactions set status = ?, data = ?, updated_at = ?, due_at = null, due_verb = ''"
        " where id = ?",
        (status, dump({**row.data, **(data or {})}), now, row.id),
    )
    return by_id(db, row.id)


def schedule(db: sqlite3.Connection, row: Transaction, *, at: float, verb: str) -> None:
    """Let a verb happen to this transaction by itself at that stamp of sandbox time."""
    db.execute("update transactions set due_at = ?, due_verb = ? where id = ?", (at, verb, row.id))


def due(db: sqlite3.Connection, stamp: float) -> list[Transaction]:
    """What should have moved by now, earliest first."""
    query = "select * from transactions where due_at <= ? order by due_at, id"
    return [_transaction(row) for row in db.execute(query, (stamp,))]


def next_due(db: sqlite3.Connection) -> float | None:
    """When the next move is due."""
    stamp: float | None = db.execute("select min(due_at) from transactions").fetchone()[0]
    return stamp


def by_id(db: sqlite3.Connection, transaction_id: int) -> Transaction:
    """The transaction with that id; it must exist."""
    return _transaction(db.execute("select * from transactions where id = ?", (transaction_id,)).fetchone())


def by_public_id(db: sqlite3.Connection, public_id: str) -> Transaction | None:
    """The transaction whose page has that id in its address."""
    row = db.execute("select * from transactions where public_id = ?", (public_id,)).fetchone()
    return _transaction(row) if row else None


def find(
    db: sqlite3.Connection,
    *,
    provider: str,
    uniqueid: str | None = None,
    account_id: int | None = None,
    kind: str | None = None,
    limit: int = -1,
    offset: int = 0,
) -> list[Transaction]:
    """Transactions that fit every filter given, newest first. A negative limit means all."""
    query = (
        "select * from transactions where provider = ?1 and (?2 is null or uniqueid = ?2)"
        " and (?3 is null or account_id = ?3) and (?4 is null or kind = ?4) order by id desc limit ?5 offset ?6"
    )
    rows = db.execute(query, (provider, uniqueid, account_id, kind, limit, offset))
    return [_transaction(row) for row in rows]


def count(db: sqlite3.Connection, *, account_id: int, kind: str) -> int:
    """How many of a kind an account has."""
    query = "select count(*) from transactions where account_id = ? and kind = ?"
    return int(db.execute(query, (account_id, kind)).fetchone()[0])


def is_used(db: sqlite3.Connection, *, account_id: int, uniqueid: str) -> bool:
    """Whether this account has used the unique id before, or burned it by a failed try."""
    query = (
        "select 1 from transactions where account_id = ?1 and uniqueid = ?2"
        " union all select 1 from burned where account_id = ?1 and uniqueid = ?2 limit 1"
    )
    return db.execute(query, (account_id, uniqueid)).fetchone() is not None


def burn(db: sqlite3.Connection, *, account_id: int, uniqueid: str) -> None:
    """Make a unique id unusable although nothing was accepted under it."""
    db.execute("insert or ignore into burned (account_id, uniqueid) values (?, ?)", (account_id, uniqueid))


def accepts(db: sqlite3.Connection, row: Transaction) -> int:
    """How often something was accepted under this transaction's unique id in its account; 1 is right."""
    if not row.uniqueid:
        return 1
    query = "select count(*) from transactions where account_id = ? and uniqueid = ?"
    return int(db.execute(query, (row.account_id, row.uniqueid)).fetchone()[0])
