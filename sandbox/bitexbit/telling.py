"""Callbacks of the simulated bitexbit. The document says only where they go (`callback_url`, POST) and that they must be
answered with 200: text, moments and repeats are guesses, and nothing is signed."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.transactions import Transaction
from sandbox.wire import dump

if TYPE_CHECKING:
    from sandbox.bitexbit.provider import Bitexbit


def slug() -> str:
    """A name that the provider gives to a wallet or invoice."""
    return secrets.token_hex(18)


def witness(callback_url: str, otherwise: str) -> str:
    """The unique id under which the oracle counts what has no reference of the merchant's: the last part of its
    callback address, which is the merchant's own, or the provider's name for it."""
    return callback_url.rstrip("/").rpartition("/")[2] or otherwise


def tell(
    provider: Bitexbit,
    db: sqlite3.Connection,
    row: Transaction,
    *,
    url: str,
    uniqueid: str,
    body: Mapping[str, Any],
    final: bool,
) -> None:
    """Queue a callback where an address was given and settings want it."""
    wanted = provider.setting("callbacks")
    if not url or wanted == "never" or (wanted == "final" and not final):
        return
    provider.engine.callbacks.queue(
        db,
        provider=provider.name,
        account_id=row.account_id,
        transaction_id=row.id,
        url=url,
        body=dump(dict(body)),
        uniqueid=uniqueid,
    )
    provider.engine.wake()
