"""What the exchanger itself remembers beside its bids: every arrival of a call that moves or creates, and every
status that a bid had. It is what tests count. Holds no rule."""

from __future__ import annotations

import sqlite3
from typing import Any

SCHEMA = """
create table if not exists premium_exchanger_arrivals (
    id integer primary key, account_id integer not null, method text not null, api_id text not null,
    bid text not null, outcome text not null, at text not null
);
create index if not exists premium_exchanger_arrivals_api_id on premium_exchanger_arrivals (api_id);
create table if not exists premium_exchanger_statuses (
    id integer primary key, transaction_id integer not null, status text not null, at text not null
);
create index if not exists premium_exchanger_statuses_bid on premium_exchanger_statuses (transaction_id);
create table if not exists premium_exchanger_visits (
    id integer primary key, account_id integer not null, browser text not null, ip text not null,
    referrer text not null, user_hash text not null, query_string text not null, at text not null
);
"""
TABLES = ("premium_exchanger_arrivals", "premium_exchanger_statuses", "premium_exchanger_visits")


def arrived(
    db: sqlite3.Connection, *, account_id: int, method: str, api_id: str, bid: str, outcome: str, now: str
) -> None:
    """Write down that a call arrived, and what came of it: "accepted", or the refusal's text."""
    db.execute(
        "insert into premium_exchanger_arrivals (account_id, method, api_id, bid, outcome, at)"
        " values (?, ?, ?, ?, ?, ?)",
        (account_id, method, api_id, bid, outcome, now),
    )


def arrivals(db: sqlite3.Connection, *, method: str = "", api_id: str = "") -> list[dict[str, Any]]:
    """The arrivals that fit, newest first."""
    query = (
        "select * from premium_exchanger_arrivals where (?1 = '' or method = ?1) and (?2 = '' or api_id = ?2)"
        " order by id desc"
    )
    return [dict(row) for row in db.execute(query, (method, api_id))]


def became(db: sqlite3.Connection, *, transaction_id: int, status: str, now: str) -> None:
    """Write down a bid's status."""
    db.execute(
        "insert into premium_exchanger_statuses (transaction_id, status, at) values (?, ?, ?)",
        (transaction_id, status, now),
    )


def statuses(db: sqlite3.Connection, transaction_id: int) -> list[sqlite3.Row]:
    """The statuses of a bid, oldest first."""
    query = "select status, at from premium_exchanger_statuses where transaction_id = ? order by id"
    return list(db.execute(query, (transaction_id,)))


def came(db: sqlite3.Connection, *, account_id: int, now: str, **visit: str) -> None:
    """Write down that somebody came by a partner's link."""
    db.execute(
        "insert into premium_exchanger_visits (account_id, browser, ip, referrer, user_hash, query_string, at)"
        " values (?, ?, ?, ?, ?, ?, ?)",
        (
            account_id,
            *(visit[name] for name in ("browser", "ip", "referrer", "user_hash", "query_string")),
            now,
        ),
    )


def visits(db: sqlite3.Connection, account_id: int) -> list[sqlite3.Row]:
    """Who came by a partner's links, newest first."""
    query = "select * from premium_exchanger_visits where account_id = ? order by id desc"
    return list(db.execute(query, (account_id,)))
