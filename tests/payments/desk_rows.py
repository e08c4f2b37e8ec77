"""Rows of payments at the tests' own bitexbit (tests.payments.desk), made through the services."""

from __future__ import annotations

import itertools
from typing import Any

from payments.models import ProviderAccount, Withdrawal
from payments.services import accounts, balances, stated_methods, withdrawals
from tests import factories

PAYEE = "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"
_numbers = itertools.count(1)


def bare_account(desk: Any, **options: Any) -> ProviderAccount:
    """An account that knows nothing yet."""
    return accounts.create(
        actor=None,
        provider="bitexbit",
        name=f"bitexbit {next(_numbers)}",
        base_url=desk.base_url,
        credentials={"api_key": "canary-api-key-5f3a9c", "api_secret": "canary-api-secret-77d1e0b4"},
        **{"rate_limit": "500", "money_out": True} | options,
    )


def account(desk: Any, *, opening: str = "1000", **options: Any) -> ProviderAccount:
    """With payment methods, and openings in USDT and UAH ("" for none)."""
    made = bare_account(desk, **options)
    stated_methods.refresh(account_id=made.pk)
    if opening:
        admin = factories.person("admin")
        for code in ("USDT", "UAH"):
            balances.set_opening(actor=admin, account=made, currency=code, amount=opening, note="its page")
    return made


def ask(account: Any, actor: Any, **changed: Any) -> Withdrawal:
    """A request: 10 USDT by tron, unless said otherwise."""
    fields = {"ticker": "USDT", "network": "tron", "amount": "10", "address": PAYEE, "_confirm_similar": True}
    fields |= changed
    return withdrawals.request(
        actor=actor, account=account, fields={k: v for k, v in fields.items() if v is not None}
    )


def approved(account: Any, people: Any, **changed: Any) -> Withdrawal:
    """One that waits to be sent."""
    made = ask(account, people["operator"], **changed)
    withdrawals.approve(actor=people["approver"], withdrawal=made)
    made.refresh_from_db()
    return made


def sent(account: Any, people: Any, **changed: Any) -> Withdrawal:
    """One that a worker has tried to send, however that ended."""
    made = approved(account, people, **changed)
    withdrawals.submit(withdrawal_id=made.pk)
    made.refresh_from_db()
    return made
