"""Who may call the simulated CoinJoin: the bearer token and its switches. Holds no endpoint."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from sandbox import accounts
from sandbox.accounts import Account
from sandbox.coinjoin import batches, errors
from sandbox.coinjoin.errors import Refusal
from sandbox.wire import Call, Request, load

if TYPE_CHECKING:
    from sandbox.coinjoin.provider import Coinjoin

SCHEME = "Bearer "


def _token(request: Request) -> str:
    header = request.headers.get("authorization", "")
    return header.removeprefix(SCHEME) if header.startswith(SCHEME) else ""


def parameters(request: Request) -> dict[str, Any] | None:
    """The JSON object of a body; None if it is anything else."""
    try:
        data = load(request.body)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def open_call(provider: Coinjoin, request: Request, action: str, value: str) -> Call:
    """What can be told about a call before it is checked. There are no secrets in its parameters.

    `uniqueid`: the transaction's id; for one that is being created, the fingerprint of what it asks for."""
    params: dict[str, Any] = dict(request.query)
    uniqueid = value
    if action == "createTransaction":
        sent = parameters(request) or {}
        params = {name: batches.shown(sent[name]) for name in sent}
        uniqueid = batches.fingerprint(sent)
    elif value:
        params["value"] = value
    with provider.engine.ledger.transaction() as db:
        account = accounts.by_key(db, provider=provider.name, api_key=_token(request))
    return Call(
        provider=provider.name,
        action=action,
        request=request,
        account=account.name if account else "",
        uniqueid=uniqueid,
        params=params,
    )


def admit(provider: Coinjoin, db: sqlite3.Connection, request: Request) -> Account:
    """The caller of a private method. Raises Refusal."""
    account = accounts.by_key(db, provider=provider.name, api_key=_token(request))
    if account is None or account.options.get("active") is False:
        raise Refusal(errors.WRONG_KEY, errors.INVALID_KEY)
    if account.options.get("access") is False:
        raise Refusal(errors.BLOCKED, errors.ACCESS_DENIED)
    return account
