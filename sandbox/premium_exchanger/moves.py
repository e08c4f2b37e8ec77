"""How a bid's status changes, by whomever: the history, the callback, and what follows by itself.
Holds no checks of who may do it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sandbox import transactions
from sandbox.premium_exchanger import witness
from sandbox.routes import ControlError, text_of
from sandbox.transactions import Transaction

if TYPE_CHECKING:
    from sandbox.premium_exchanger.provider import PremiumExchanger

STATUS = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)
#: What control and the clock can do to a bid, and the status that it gets by that.
VERBS = {
    "pay": "payed",
    "receive": "realpay",
    "check": "verify",
    "process": "coldsuccess",
    "complete": "success",
    "cancel": "cancel",
    "delete": "delete",
    "fail": "error",
    "failpayout": "payouterror",
}


def become(provider: PremiumExchanger, db: sqlite3.Connection, row: Transaction, status: str) -> Transaction:
    """Give a bid a status, write it down and tell its owner, once."""
    now = provider.engine.timestamp()
    row = transactions.change(db, row, status=status, now=now)
    witness.became(db, transaction_id=row.id, status=status, now=now)
    _tell(provider, db, row)
    seconds = provider.setting("process_seconds")
    if status in ("payed", "realpay") and seconds is not None:
        transactions.schedule(db, row, at=provider.engine.clock.after(float(seconds)), verb="complete")
    provider.engine.wake()
    return transactions.by_id(db, row.id)


def _tell(provider: PremiumExchanger, db: sqlite3.Connection, row: Transaction) -> None:
    """Queue the callback: a form with the bid's id and, in some versions, its status. Nothing is signed."""
    url = row.data.get("callback_url")
    if not url:
        return
    fields = {"bid_id": str(row.number)}
    if provider.setting("callback_status"):
        fields["status"] = row.status
    provider.engine.callbacks.queue(
        db,
        provider=provider.name,
        account_id=row.account_id,
        transaction_id=row.id,
        url=url,
        body=urlencode(fields),
        uniqueid=row.uniqueid,
    )


def move(
    provider: PremiumExchanger,
    db: sqlite3.Connection,
    row: Transaction,
    verb: str,
    options: Mapping[str, Any],
) -> Transaction:
    """A verb of VERBS, or `status` with any word that an exchanger might have made. Raises ControlError.

    Nothing is forbidden: exchangers take back what they said, and so does this one.
    """
    if verb == "status":
        status = text_of(options, "status").strip()
        if not STATUS.fullmatch(status):
            raise ControlError("status: a word of small letters, digits and _, please.")
        return become(provider, db, row, status)
    if verb not in VERBS:
        raise ControlError(f"A bid can {', '.join(VERBS)} or status, not {verb}.", 404)
    return become(provider, db, row, VERBS[verb])
