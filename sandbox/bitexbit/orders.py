"""Orders that the simulated bitexbit places by itself: of what arrives (convert), for what leaves (auto_buy). Holds the
arithmetic and the booking of one transaction in several currencies."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox import accounts
from sandbox.bitexbit.methods import eight, price, rounded
from sandbox.transactions import Transaction
from sandbox.wire import plain


def order(
    pairs: Mapping[str, Any], *, give: str, get: str, percent: Decimal, amount: Decimal, of: str
) -> dict[str, Any] | None:
    """An order that gives one currency for the other, for that amount of `of`, at the market or worse by percent.

    None if there is no such pair. `give` and `get` in the result are what it costs and brings."""
    found = price(pairs, give, get)
    if found is None:
        return None
    symbol, market = found
    sells = symbol.startswith(f"{give}_")
    at = rounded(market * (1 - percent / 100 if sells else 1 + percent / 100))
    first = amount if symbol.startswith(f"{of}_") else rounded(amount / at)
    second = rounded(first * at)
    return {
        "symbol": symbol,
        "amount": eight(first),
        "price": eight(at),
        "side": "SELL" if sells else "BUY",
        "state": "filled",
        "give": plain(first if sells else second),
        "get": plain(second if sells else first),
    }


def shown(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An order as answers tell it."""
    if not found:
        return None
    return {name: found[name] for name in ("symbol", "amount", "price", "side", "state")}


def book(
    db: sqlite3.Connection, row: Transaction, totals: Mapping[str, Decimal], *, reason: str, now: str
) -> None:
    """Book what is missing so that the row's entries add up to the totals; currencies not named come to zero."""
    done: dict[str, Decimal] = {}
    for line in accounts.effects(db, row.id):
        done[line["currency"]] = done.get(line["currency"], Decimal(0)) + Decimal(line["amount"])
    for currency in (*totals, *(name for name in done if name not in totals)):
        missing = totals.get(currency, Decimal(0)) - done.get(currency, Decimal(0))
        if missing:
            accounts.book(
                db,
                account_id=row.account_id,
                currency=currency,
                amount=missing,
                reason=reason,
                now=now,
                transaction_id=row.id,
            )


def add(totals: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    """One more sum of a currency."""
    totals[currency] = totals.get(currency, Decimal(0)) + amount
