"""Rows that tests start from: people by role, accounts at the sandbox, invoices. Made through the services."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib.auth import get_user_model

from backoffice.services import roles
from codes.models import Voucher
from codes.services import vouchers as requesting
from payments.models import Invoice, ProviderAccount
from payments.services import accounts, invoices

_numbers = itertools.count(1)


def number_from(first: int) -> None:
    """Names made from now on end in this number and the ones after it."""
    global _numbers
    _numbers = itertools.count(first)


def person(role: str | None = None, *, name: str = "") -> Any:
    """A user with this role (or none)."""
    user = get_user_model().objects.create_user(
        username=name or f"{role or 'nobody'}{next(_numbers)}", password="a-long-enough-password"
    )
    if role is not None:
        roles.give(actor=None, user=user, role=role)
    return user


def account(box: Any, *, name: str = "", actor: Any = None, **options: Any) -> ProviderAccount:
    """An account of ours whose keys are those of the sandbox's account of the same name."""
    name = name or f"account {next(_numbers)}"
    keys = box.control("bitloga/accounts", {"name": name})
    return accounts.create(
        actor=actor,
        provider="bitloga",
        name=name,
        base_url=keys["base_url"],
        credentials={"api_key": keys["api_key"], "api_secret": keys["api_secret"]},
        **options,
    )


def invoice(account: ProviderAccount, *, actor: Any = None, **fields: Any) -> Invoice:
    """The intent of an invoice to our balance: nothing has been sent yet."""
    return invoices.create(
        actor=actor, account=account, fields={"paysys": "USDTBALANCE", "amount": "12.5", **fields}
    )


def open_invoice(account: ProviderAccount, *, actor: Any = None, **fields: Any) -> Invoice:
    """An invoice that the sandbox has accepted."""
    made = invoice(account, actor=actor, **fields)
    invoices.submit(invoice_id=made.pk)
    made.refresh_from_db()
    assert made.status == "open", made.last_error
    return made


def vouchers(account: ProviderAccount, *, actor: Any, count: int = 1, **fields: Any) -> list[Voucher]:
    """Requested vouchers of 10 USDT each, unless said otherwise: nobody has approved them."""
    return requesting.request(
        actor=actor, account=account, fields={"currency": "USDT", "amount": "10", **fields}, count=count
    )


def active_voucher(account: ProviderAccount, people: dict[str, Any], **fields: Any) -> Voucher:
    """A voucher that was approved and made at the sandbox."""
    (asked,) = vouchers(account, actor=people["operator"], **fields)
    requesting.approve(actor=people["approver"], voucher=asked)
    requesting.submit(voucher_id=asked.pk)
    asked.refresh_from_db()
    assert asked.status == "active", asked.last_error
    return asked
