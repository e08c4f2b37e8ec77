"""What happens to a transaction of the simulated CoinJoin: its deposit, its states, its end. By the clock or by
control. Holds no checks of requests."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox import transactions
from sandbox.coinjoin.batches import SATOSHI
from sandbox.routes import ControlError, amount_of
from sandbox.transactions import Transaction
from sandbox.wire import plain

if TYPE_CHECKING:
    from sandbox.coinjoin.provider import Coinjoin

HOUR = 3600
VERBS = ("deposit", "confirm", "complete", "expire", "fail")


def move(
    provider: Coinjoin, db: sqlite3.Connection, row: Transaction, verb: str, options: Mapping[str, Any]
) -> Transaction:
    """deposit (`amount`; exact if none is said), confirm (the deposit), complete, expire, fail. Raises ControlError.

    Only a deposit has conditions: everything else happens from any state, because providers do that too."""
    if verb not in VERBS:
        raise ControlError(f"A transaction can {', '.join(VERBS)}, not {verb}.", 404)
    now = provider.engine.timestamp()
    if verb == "deposit":
        return _deposit(provider, db, row, options, now)
    if verb == "confirm":
        row = transactions.change(db, row, status="processing", now=now)
        wait = float(provider.setting("process_seconds")) + HOUR * int(row.data["delay"])
        _later(provider, db, row, wait, "complete")
    elif verb == "complete":
        data = {"txid": row.data["txid"] or secrets.token_hex(32)}
        row = transactions.change(db, row, status="complete", now=now, data=data)
    elif verb == "expire":
        row = transactions.change(db, row, status="expired", now=now)
    else:
        row = transactions.change(db, row, status=provider.setting("fail_status"), now=now)
    return transactions.by_id(db, row.id)


def _deposit(
    provider: Coinjoin, db: sqlite3.Connection, row: Transaction, options: Mapping[str, Any], now: str
) -> Transaction:
    """Money arrives at the address, whatever the state. Less than asked goes on waiting for the rest."""
    missing = row.amount - Decimal(row.data["received"])
    amount = amount_of(options, "amount")
    if amount is None:
        amount = missing
    if amount <= 0 or amount.adjusted() > 9 or amount != amount.quantize(SATOSHI):
        raise ControlError("amount: a number above zero with at most 8 digits after the point, please.")
    data = {
        "received": plain(Decimal(row.data["received"]) + amount),
        "deposit_txid": row.data["deposit_txid"] or secrets.token_hex(32),
    }
    is_enough = amount >= missing
    is_late = row.status == "expired" and provider.setting("late_deposit") == "expired"
    if is_enough and not is_late and row.status in ("pending", "expired"):
        row = transactions.change(db, row, status="confirming", now=now, data=data)
        _later(provider, db, row, float(provider.setting("confirm_seconds")), "confirm")
    else:
        at, verb = row.due_at, row.due_verb
        row = transactions.change(db, row, status=row.status, now=now, data=data)
        if at is not None:
            transactions.schedule(db, row, at=at, verb=verb)
    return transactions.by_id(db, row.id)


def _later(provider: Coinjoin, db: sqlite3.Connection, row: Transaction, seconds: float, verb: str) -> None:
    transactions.schedule(db, row, at=provider.engine.clock.after(seconds), verb=verb)
    provider.engine.wake()
