"""Who may call the simulated exchanger: login and key, address, methods, switches. Holds no method."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from sandbox import accounts
from sandbox.accounts import Account
from sandbox.premium_exchanger import errors
from sandbox.premium_exchanger.errors import Refusal
from sandbox.wire import Call, Request

if TYPE_CHECKING:
    from sandbox.premium_exchanger.provider import PremiumExchanger

FORM = "application/x-www-form-urlencoded"
HIDDEN = "***"
CLIENT = "127.0.0.1"


def parameters(request: Request) -> dict[str, str]:
    """The fields of a posted form; anything else has none."""
    return request.form() if request.method == "POST" and request.media_type == FORM else {}


def open_call(provider: PremiumExchanger, request: Request, method: str) -> Call:
    """What can be told about a call before it is checked; cards and callback addresses are shortened."""
    params = parameters(request)
    with provider.engine.ledger.transaction() as db:
        account = _account(provider, db, request)
    return Call(
        provider=provider.name,
        action=method,
        request=request,
        account=account.name if account else "",
        uniqueid=params.get("api_id") or params.get("id") or params.get("hash") or "",
        params={name: _shown(name, value) for name, value in params.items()},
    )


def _shown(name: str, value: str) -> str:
    digits = value.replace(" ", "")
    if digits.isdigit() and len(digits) in range(13, 20) and name != "api_id":
        return f"{digits[:6]}{HIDDEN}{digits[-4:]}"
    return value[: value.rstrip("/").rfind("/") + 1] + HIDDEN if name == "callback_url" else value


def _account(provider: PremiumExchanger, db: sqlite3.Connection, request: Request) -> Account | None:
    login = request.headers.get("api-login", "")
    account = accounts.by_key(db, provider=provider.name, api_key=login) if login else None
    return account if account and account.api_secret == request.headers.get("api-key", "") else None


def admit(provider: PremiumExchanger, db: sqlite3.Connection, call: Call, known: tuple[str, ...]) -> Account:
    """The caller, once all that comes before the method is right. Raises Refusal."""
    access = provider.setting("api_access")
    account = _account(provider, db, call.request)
    if access == "disabled" or account is None:
        raise Refusal(errors.API_DISABLED)
    if access == "selected" and account.options.get("work_api") is False:
        raise Refusal(errors.API_DISABLED)
    allowed = account.options.get("allowed_ips") or []
    if allowed and address(call.request) not in allowed:
        raise Refusal(errors.IP_BLOCKED)
    methods = account.options.get("methods")
    if call.action not in known or (methods is not None and call.action not in methods):
        raise Refusal(errors.METHOD_NOT_SUPPORTED)
    return account


def address(request: Request) -> str:
    """The caller's address: this machine, or what a test says it is."""
    return request.headers.get("x-sandbox-client", CLIENT)


def user_id(account: Account) -> int:
    """The user that a key belongs to; 0 is the exchanger itself, which sees everybody's bids."""
    given = account.options.get("user_id")
    return account.id if given is None else int(given)
