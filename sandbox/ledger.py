"""The sandbox's memory: one SQLite file, written durably before anything is answered. It is the witness when
the product's own database dies. Holds the file, its tables and its lock, not the rows' meaning."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION = 1
SCHEMA = """
create table if not exists accounts (
    id integer primary key, provider text not null, name text not null, api_key text not null,
    api_secret text not null, opening text not null, options text not null, created_at text not null,
    unique (provider, name), unique (provider, api_key)
);
create table if not exists balances (
    account_id integer not null references accounts, currency text not null, amount text not null,
    primary key (account_id, currency)
);
create table if not exists transactions (
    id integer primary key, provider text not null, account_id integer not null references accounts,
    kind text not null, uniqueid text not null, public_id text not null, number integer not null,
    params text not null, currency text not null, amount text not null, status text not null,
    data text not null, accepted_at text not null, updated_at text not null,
    due_at real, due_verb text not null default ''
);
create index if not exists transactions_uniqueid on transactions (account_id, uniqueid);
create index if not exists transactions_public_id on transactions (public_id);
create index if not exists transactions_due on transactions (due_at) where due_at is not null;
create table if not exists entries (
    id integer primary key, account_id integer not null references accounts, transaction_id integer,
    currency text not null, amount text not null, after text not null, reason text not null, at text not null
);
create index if not exists entries_transaction on entries (transaction_id);
create table if not exists burned (
    account_id integer not null, uniqueid text not null, primary key (account_id, uniqueid)
);
create table if not exists deliveries (
    id integer primary key, provider text not null, account_id integer not null, transaction_id integer,
    uniqueid text not null, url text not null, body text not null, state text not null,
    tries integer not null, next_at real, created_at text not null, note text not null default ''
);
create index if not exists deliveries_due on deliveries (next_at) where state = 'waiting';
create table if not exists attempts (
    id integer primary key, delivery_id integer not null references deliveries, at text not null,
    signature text not null, manual integer not null, status integer, answer text not null,
    error text not null, duration_ms integer not null
);
create index if not exists attempts_delivery on attempts (delivery_id);
create table if not exists counters (name text primary key, value integer not null);
create table if not exists settings (
    provider text not null, name text not null, value text not null, primary key (provider, name)
);
"""
# What a reset empties; accounts stay, so that keys already typed into the product go on working.
EMPTIED = ("entries", "attempts", "deliveries", "transactions", "burned", "counters", "settings", "balances")


class Ledger:
    """One connection behind one lock. `transaction()` is the only way in. Amounts are kept as exact text."""

    def __init__(self, path: Path | str, *, schemas: Iterable[str] = ()) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=30
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("pragma journal_mode = wal")
        # FULL: a commit is on the disk before the answer leaves, even if the machine stops in between.
        self._connection.execute("pragma synchronous = full")
        self._connection.execute("pragma foreign_keys = on")
        self.path.chmod(0o600)
        self._create(SCHEMA + "".join(schemas))

    def _create(self, schema: str) -> None:
        version = self._connection.execute("pragma user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise RuntimeError(f"{self.path} was written by another version of the sandbox. Delete it.")
        # Every statement says "if not exists": a provider new in the code gets its tables at the next start.
        self._connection.executescript(f"begin immediate; {schema} pragma user_version = {VERSION}; commit;")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, one at a time over all threads and processes. Nested uses join the outer one."""
        with self._lock:
            if self._depth:
                yield self._connection
                return
            self._connection.execute("begin immediate")
            self._depth = 1
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("rollback")
                raise
            else:
                self._connection.execute("commit")
            finally:
                self._depth = 0

    def close(self) -> None:
        """Close the file; later uses raise sqlite3.ProgrammingError."""
        with self._lock:
            self._connection.close()


def next_number(db: sqlite3.Connection, name: str) -> int:
    """The next number of a sequence, starting with 1."""
    row = db.execute(
        "insert into counters (name, value) values (?, 1)"
        " on conflict (name) do update set value = value + 1 returning value",
        (name,),
    ).fetchone()
    return int(row["value"])


def empty(db: sqlite3.Connection, *, tables: Iterable[str] = ()) -> None:
    """Forget everything but the accounts and their keys; `tables` are the providers' own."""
    for table in (*EMPTIED, *tables):
        db.execute(f"delete from {table}")  # noqa: S608 - names from constants of this package
