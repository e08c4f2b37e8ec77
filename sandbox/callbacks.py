"""Callbacks to the merchant: the queue in the ledger, its growing pauses, and the log of what was answered.
Holds no provider's words; the bytes come from the provider, how they travel stands in `posting`."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sandbox import accounts, posting
from sandbox.routes import ControlError

if TYPE_CHECKING:
    from sandbox.engine import Engine

AT_ONCE = 8
SIGNATURES = ("right", "wrong", "missing", "upper", "truncated", "other_account", "other_secret")
MAX_COPIES = 1000
logger = logging.getLogger("sandbox")


def _report(future: Future[None]) -> None:
    """Say what went wrong in a sending thread; a delivery that a reset took away is not wrong."""
    error = None if future.cancelled() else future.exception()
    if error is not None and not isinstance(error, ControlError):
        logger.error("a callback could not be sent", exc_info=error)


class Callbacks:
    """Sends what is due in a few threads of its own; a delivery is never in two of them at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="sandbox-callback")
        self._changed = threading.Condition()
        self._busy: set[int] = set()

    def queue(
        self,
        db: sqlite3.Connection,
        *,
        provider: str,
        account_id: int,
        url: str,
        body: str,
        uniqueid: str,
        transaction_id: int | None = None,
        waiting: bool = True,
    ) -> int:
        """Put a callback into the queue, within the transaction of what it tells. Returns its id."""
        stamp = self._engine.clock.stamp()
        note = "" if posting.is_loopback(url) else posting.NOT_LOOPBACK
        state = "refused" if note else "waiting" if waiting else "manual"
        cursor = db.execute(
            "insert into deliveries (provider, account_id, transaction_id, uniqueid, url, body, state, tries,"
            " next_at, created_at, note) values (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
            (
                provider,
                account_id,
                transaction_id,
                uniqueid,
                url,
                body,
                state,
                stamp if state == "waiting" else None,
                self._engine.timestamp(),
                note,
            ),
        )
        return int(cursor.lastrowid or 0)

    def next_due(self, db: sqlite3.Connection) -> float | None:
        """When the next callback is due; those being sent just now do not count."""
        with self._changed:
            busy = set(self._busy)
        rows = db.execute(
            "select id, next_at from deliveries where state = 'waiting' order by next_at limit 100"
        )
        return next((row["next_at"] for row in rows if row["id"] not in busy), None)

    def start_due(self, db: sqlite3.Connection) -> None:
        """Hand everything that is due to the sending threads; does not wait for them."""
        query = "select id from deliveries where state = 'waiting' and next_at <= ? order by next_at, id"
        for row in list(db.execute(query, (self._engine.clock.stamp(),))):
            with self._changed:
                if row["id"] in self._busy:
                    continue
                self._busy.add(row["id"])
            self._pool.submit(self._try, row["id"]).add_done_callback(_report)

    def _try(self, delivery_id: int) -> None:
        try:
            if not self._engine.stopping.is_set():
                answer = self._send(delivery_id)
                self._note_automatic(delivery_id, answer)
        finally:
            with self._changed:
                self._busy.discard(delivery_id)
                self._changed.notify_all()
            self._engine.wake()

    def _send(
        self, delivery_id: int, *, signature: str = "right", body: bytes | None = None
    ) -> posting.Posted:
        with self._engine.ledger.transaction() as db:
            row = self.row(db, delivery_id)
            account = accounts.by_id(db, row["account_id"])
            headers = self._headers(db, account, signature, body or row["body"].encode())
        timeout = float(self._engine.settings.get(row["provider"], "callback_timeout"))
        return posting.post(row["url"], body or row["body"].encode(), headers, timeout=timeout)

    def _headers(
        self, db: sqlite3.Connection, account: accounts.Account, signature: str, body: bytes
    ) -> dict[str, str]:
        provider = self._engine.providers[account.provider]
        signer = account
        if signature == "other_account":
            others = [
                other for other in accounts.every(db, provider=account.provider) if other.id != account.id
            ]
            if not others:
                raise ControlError(
                    "There is no other account whose key could sign this. Make one first.", 409
                )
            signer = others[0]
        elif signature == "other_secret":
            signer = accounts.stranger(account)
        headers = provider.callback_headers(body, signer)
        name = provider.signature_header
        if not name:
            return headers
        right = headers[name]
        if signature == "missing":
            del headers[name]
        elif signature != "right":
            headers[name] = {
                "wrong": right[:-1] + ("0" if right[-1] != "0" else "1"),
                "upper": right.upper(),
                "truncated": right[: len(right) // 2],
            }.get(signature, right)
        return headers

    def _note_automatic(self, delivery_id: int, answer: posting.Posted) -> None:
        with self._engine.ledger.transaction() as db:
            row = db.execute("select * from deliveries where id = ?", (delivery_id,)).fetchone()
            if row is None:  # the sandbox was reset meanwhile
                return
            self._log(db, delivery_id, answer, signature="right", manual=False)
            tries, next_at, state = row["tries"] + 1, None, "delivered"
            if answer.status != 200:
                repeats = int(self._engine.settings.get(row["provider"], "callback_repeats"))
                state = "waiting" if tries <= repeats else "given up"
                base = float(self._engine.settings.get(row["provider"], "callback_retry_seconds"))
                # From the moment it was due, not from now: after the clock was moved on, what fell into that
                # time happens too.
                next_at = row["next_at"] + self._engine.clock.pause(base * 2 ** (tries - 1))
            db.execute(
                "update deliveries set tries = ?, state = ?, next_at = ? where id = ?",
                (tries, state, next_at if state == "waiting" else None, delivery_id),
            )

    def _log(
        self,
        db: sqlite3.Connection,
        delivery_id: int,
        answer: posting.Posted,
        *,
        signature: str,
        manual: bool,
    ) -> None:
        db.execute(
            "insert into attempts (delivery_id, at, signature, manual, status, answer, error, duration_ms)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                delivery_id,
                self._engine.timestamp(),
                signature,
                manual,
                answer.status,
                answer.text,
                answer.error,
                answer.duration_ms,
            ),
        )

    def send_now(
        self, delivery_id: int, *, signature: str = "right", copies: int = 1, body: bytes | None = None
    ) -> list[dict[str, Any]]:
        """Send a callback once more by hand, `copies` times at once, and wait for all answers.

        `signature` is one of SIGNATURES, `body` replaces the bytes. Nothing is repeated by itself afterwards.
        Raises ControlError.
        """
        if signature not in SIGNATURES:
            raise ControlError(f"signature: one of {', '.join(SIGNATURES)}, please.")
        if not 1 <= copies <= MAX_COPIES:
            raise ControlError(f"copies: between 1 and {MAX_COPIES}, please.")
        with self._engine.ledger.transaction() as db:
            self.row(db, delivery_id)
        with ThreadPoolExecutor(max_workers=min(copies, 50)) as pool:
            futures = [
                pool.submit(self._send, delivery_id, signature=signature, body=body) for _ in range(copies)
            ]
            answers = [future.result() for future in futures]
        with self._engine.ledger.transaction() as db:
            for answer in answers:
                self._log(db, delivery_id, answer, signature=signature, manual=True)
        return [answer.as_json() for answer in answers]

    def row(self, db: sqlite3.Connection, delivery_id: int) -> sqlite3.Row:
        """One delivery. Raises ControlError if there is none."""
        row: sqlite3.Row | None = db.execute(
            "select * from deliveries where id = ?", (delivery_id,)
        ).fetchone()
        if row is None:
            raise ControlError(f"There is no callback {delivery_id}.", 404)
        return row

    def list(self, *, limit: int = -1, uniqueid: str | None = None) -> Sequence[dict[str, Any]]:
        """The deliveries with their attempts, newest first."""
        query = "select * from deliveries where ?1 is null or uniqueid = ?1 order by id desc limit ?2"
        with self._engine.ledger.transaction() as db:
            rows = [dict(row) for row in db.execute(query, (uniqueid, limit))]
            for row in rows:
                found = db.execute("select * from attempts where delivery_id = ? order by id", (row["id"],))
                row["attempts"] = [{**dict(line), "manual": bool(line["manual"])} for line in found]
                row["account"] = accounts.by_id(db, row.pop("account_id")).name
                next_at = row["next_at"]
                row["next_at"] = datetime.fromtimestamp(next_at, UTC).isoformat() if next_at else None
        return rows

    def settle(self, timeout: float) -> bool:
        """Wait until nothing is being sent; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, timeout)

    def is_busy(self) -> bool:
        """Whether something is being sent just now."""
        with self._changed:
            return bool(self._busy)

    def stop(self) -> None:
        """Send nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
