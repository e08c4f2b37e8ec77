"""Who may call the simulated bitloga: key, signature, switches; and the parameters out of the signed bytes.
Holds no action."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from typing import TYPE_CHECKING, Any

from sandbox import accounts
from sandbox.accounts import Account
from sandbox.bitloga import errors
from sandbox.bitloga.errors import Refusal
from sandbox.wire import JSON, Call, Request, load

if TYPE_CHECKING:
    from sandbox.bitloga.provider import Bitloga

SECRET = ("pass", "code")
HIDDEN = "***"


def sign(body: bytes, secret: str) -> str:
    """HMAC-SHA512 over the exact bytes, as lower-case hex ("Signature")."""
    return hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()


def parameters(request: Request) -> dict[str, Any] | None:
    """The JSON object of a body; None if it is anything else."""
    try:
        data = load(request.body)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def open_call(provider: Bitloga, request: Request, area: str) -> Call:
    """What can be told about a call before it is checked; secrets are taken out."""
    params = parameters(request) or {}
    action = params.get("action") if area != "ticker" else "ticker"
    key = request.headers.get("x-apikey", "")
    with provider.engine.ledger.transaction() as db:
        account = accounts.by_key(db, provider=provider.name, api_key=key)
    return Call(
        provider=provider.name,
        action=action if isinstance(action, str) else "",
        request=request,
        account=account.name if account else "",
        uniqueid=str(params.get("uniqueid") or ""),
        params={name: _shown(name, value) for name, value in params.items()},
    )


def _shown(name: str, value: Any) -> Any:
    text = str(value)
    if name in SECRET:
        return HIDDEN
    if name == "purse" and text.isdigit() and len(text) >= 16:
        return f"{text[:6]}{HIDDEN}{text[-4:]}"
    return text if not isinstance(value, (str, bool)) else value


def admit(
    provider: Bitloga, db: sqlite3.Connection, request: Request, *, codes: bool
) -> tuple[Account, dict[str, Any]]:
    """The caller and the parameters, once all that comes before the action is right. Raises Refusal."""
    if provider.setting("maintenance"):
        raise Refusal(errors.SERVICE_UNAVAILABLE)
    if not provider.setting("api_enabled"):
        raise Refusal(errors.API_DISABLED)
    if codes and not provider.setting("codes_api_enabled"):
        raise Refusal(errors.CODES_API_DISABLED)
    params = parameters(request)
    if request.method != "POST" or request.media_type != JSON or params is None:
        raise Refusal(errors.BAD_DATA)
    key = request.headers.get("x-apikey", "")
    account = accounts.by_key(db, provider=provider.name, api_key=key) if key else None
    if account is None:
        raise Refusal(errors.KEY_NOT_FOUND)
    if account.options.get("active") is False:
        raise Refusal(errors.KEY_NOT_ACTIVE)
    if account.options.get("access") is False:
        raise Refusal(errors.ACCESS_DENIED)
    signature = request.headers.get("x-signature", "")
    if not signature:
        raise Refusal(errors.SIGNATURE_NOT_FOUND)
    if not hmac.compare_digest(signature.encode("latin-1"), sign(request.body, account.api_secret).encode()):
        raise Refusal(errors.SIGNATURE_NOT_CORRECT)
    return account, params
