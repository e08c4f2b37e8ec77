"""Who may call the simulated bitexbit: key, deadline, signature, rights. Holds no call.

Signed is key, path, deadline and body, in that order and without anything between; the path is the API's own, as if it
stood at the root of its host."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
import time
from typing import TYPE_CHECKING

from sandbox import accounts
from sandbox.accounts import Account
from sandbox.bitexbit import errors
from sandbox.wire import Request

if TYPE_CHECKING:
    from sandbox.bitexbit.provider import Bitexbit

MOUNT = "/bitexbit"


def sign(*, key: str, secret: str, path: str, timeout: str, body: bytes) -> str:
    """HMAC-SHA256, as lower-case hex ("Authorization")."""
    text = (key + path + timeout).encode()
    return hmac.new(secret.encode(), msg=text + body, digestmod=hashlib.sha256).hexdigest()


def caller(provider: Bitexbit, db: sqlite3.Connection, request: Request) -> Account | None:
    """The account that a request names, right or wrong."""
    key = request.headers.get("x-key", "")
    return accounts.by_key(db, provider=provider.name, api_key=key) if key else None


def admit(provider: Bitexbit, db: sqlite3.Connection, request: Request) -> Account:
    """The caller, once key, deadline, signature and rights are right. Raises Refusal (401, 403)."""
    key, timeout = request.headers.get("x-key", ""), request.headers.get("x-timeout", "")
    signature = request.headers.get("x-sign", "")
    if not key or not timeout or not signature:
        raise errors.detail(401, errors.NO_KEY)
    account = caller(provider, db, request)
    if account is None or account.options.get("active") is False:
        raise errors.detail(401, errors.WRONG_KEY)
    if not timeout.isascii() or not timeout.isdecimal() or len(timeout) > 20:
        raise errors.detail(401, errors.NO_DEADLINE)
    left = int(timeout) / 1000 - time.time() - float(provider.setting("date_offset_seconds"))
    farthest = provider.setting("deadline_most_seconds")
    if provider.setting("check_deadline") and left < 0:
        raise errors.detail(401, errors.TOO_LATE)
    if farthest is not None and left > float(farthest):
        raise errors.detail(401, errors.TOO_FAR)
    right = sign(
        key=key,
        secret=account.api_secret,
        path=request.path.removeprefix(MOUNT),
        timeout=timeout,
        body=request.body if request.method == "POST" else b"",
    )
    if not hmac.compare_digest(signature.encode("latin-1"), right.encode()):
        raise errors.detail(401, errors.WRONG_SIGNATURE)
    if account.options.get("access") is False:
        raise errors.detail(403, errors.NO_ACCESS)
    return account
