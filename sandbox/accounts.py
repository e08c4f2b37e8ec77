"""Merchants' accounts at the simulated providers: keys, switches, balances and their journal.
Holds no provider's rules; every change of a balance goes through `book` or `book_to`."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sandbox.wire import dump, load, plain


@dataclass(frozen=True)
class Account:
    """One merchant's account. `options` are switches that the provider understands."""

    id: int
    provider: str
    name: str
    api_key: str
    api_secret: str
    opening: Mapping[str, str]
    options: Mapping[str, Any]


def _account(row: sqlite3.Row | None) -> Account | None:
    if row is None:
        return None
    return Account(
        id=row["id"],
        provider=row["provider"],
        name=row["name"],
        api_key=row["api_key"],
        api_secret=row["api_secret"],
        opening=load(row["opening"]),
        options=load(row["options"]),
    )


def create(
    db: sqlite3.Connection,
    *,
    provider: str,
    name: str,
    balances: Mapping[str, Decimal],
    now: str,
    api_key: str = "",
    api_secret: str = "",
    options: Mapping[str, Any] | None = None,
) -> Account:
    """A new account; keys not given are random. Raises sqlite3.IntegrityError if name or key exist."""
    opening = {currency: plain(amount) for currency, amount in balances.items()}
    values = (provider, name, api_key or secrets.token_hex(16), api_secret or secrets.token_hex(32))
    cursor = db.execute(
        "insert into accounts (provider, name, api_key, api_secret, opening, options, created_at)"
        " values (?, ?, ?, ?, ?, ?, ?)",
        (*values, dump(opening), dump(dict(options or {})), now),
    )
    account = by_id(db, int(cursor.lastrowid or 0))
    open_balances(db, account=account, now=now)
    return account


def change(
    db: sqlite3.Connection, *, account: Account, api_key: str, api_secret: str, options: Mapping[str, Any]
) -> Account:
    """New keys (where not empty) and switches."""
    db.execute(
        "update accounts set api_key = ?, api_secret = ?, options = ? where id = ?",
        (
            api_key or account.api_key,
            api_secret or account.api_secret,
            dump({**account.options, **options}),
            account.id,
        ),
    )
    return by_id(db, account.id)


def stranger(account: Account) -> Account:
    """The same account with a secret that nobody knows, to forge signatures with."""
    return replace(account, api_secret=secrets.token_hex(32))


def open_balances(db: sqlite3.Connection, *, account: Account, now: str) -> None:
    """Set the balances to what they were when the account was made."""
    db.execute("delete from balances where account_id = ?", (account.id,))
    for currency, amount in account.opening.items():
        book(db, account_id=account.id, currency=currency, amount=Decimal(amount), reason="opening", now=now)


def by_id(db: sqlite3.Connection, account_id: int) -> Account:
    """The account with that id; it must exist."""
    account = _account(db.execute("select * from accounts where id = ?", (account_id,)).fetchone())
    if account is None:
        raise LookupError(f"no account {account_id}")
    return account


def by_key(db: sqlite3.Connection, *, provider: str, api_key: str) -> Account | None:
    """The account with that API key."""
    query = "select * from accounts where provider = ? and api_key = ?"
    return _account(db.execute(query, (provider, api_key)).fetchone())


def by_name(db: sqlite3.Connection, *, provider: str, name: str) -> Account | None:
    """The account with that name."""
    query = "select * from accounts where provider = ? and name = ?"
    return _account(db.execute(query, (provider, name)).fetchone())


def every(db: sqlite3.Connection, *, provider: str) -> list[Account]:
    """All accounts at a provider, oldest first."""
    rows = db.execute("select * from accounts where provider = ? order by id", (provider,))
    return [account for account in map(_account, rows) if account]


def balances(db: sqlite3.Connection, account_id: int) -> dict[str, Decimal]:
    """The balances by currency, in the order in which they were opened."""
    query = "select currency, amount from balances where account_id = ? order by rowid"
    return {row["currency"]: Decimal(row["amount"]) for row in db.execute(query, (account_id,))}


def book(
    db: sqlite3.Connection,
    *,
    account_id: int,
    currency: str,
    amount: Decimal,
    reason: str,
    now: str,
    transaction_id: int | None = None,
) -> None:
    """Add a signed amount to a balance, and a line to its journal. The balance is opened if it is missing."""
    after = balances(db, account_id).get(currency, Decimal(0)) + amount
    db.execute(
        "insert into balances (account_id, currency, amount) values (?, ?, ?)"
        " on conflict (account_id, currency) do update set amount = excluded.amount",
        (account_id, currency, plain(after)),
    )
    db.execute(
        "insert into entries (account_id, transaction_id, currency, amount, after, reason, at)"
        " values (?, ?, ?, ?, ?, ?, ?)",
        (account_id, transaction_id, currency, plain(amount), plain(after), reason, now),
    )


def book_to(
    db: sqlite3.Connection,
    *,
    account_id: int,
    transaction_id: int,
    currency: str,
    total: Decimal,
    reason: str,
    now: str,
) -> None:
    """Book what is missing so that a transaction's entries in a currency add up to `total`."""
    done = sum((Decimal(row["amount"]) for row in effects(db, transaction_id)), Decimal(0))
    if done != total:
        book(
            db,
            account_id=account_id,
            currency=currency,
            amount=total - done,
            reason=reason,
            now=now,
            transaction_id=transaction_id,
        )


def effects(db: sqlite3.Connection, transaction_id: int) -> list[sqlite3.Row]:
    """The journal lines of one transaction, oldest first."""
    query = "select * from entries where transaction_id = ? order by id"
    return list(db.execute(query, (transaction_id,)))


def set_balances(
    db: sqlite3.Connection, *, account: Account, wanted: Mapping[str, Decimal | None], now: str
) -> None:
    """Make balances what is asked for by booking the difference; None closes a balance."""
    for currency, amount in wanted.items():
        if amount is None:
            db.execute("delete from balances where account_id = ? and currency = ?", (account.id, currency))
            continue
        current = balances(db, account.id)
        if currency not in current or current[currency] != amount:
            difference = amount - current.get(currency, Decimal(0))
            book(
                db,
                account_id=account.id,
                currency=currency,
                amount=difference,
                reason="set by control",
                now=now,
            )
