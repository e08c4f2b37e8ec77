"""The checks of a new wallet's fields against the payment method, and what is sent. Deals floor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from payments.models import Method, ProviderAccount, Wallet
from payments.providers import PROVIDERS
from payments.providers.wallets import Wallets

from . import methods, orders, spellings

OWN = ("_label", "_customer_reference", "_confirm_similar")


def why_no_wallets(account: ProviderAccount) -> str:
    """Why this account can make no address now, as a sentence; "" if it can."""
    if not issubclass(PROVIDERS[account.provider], Wallets):
        return _("This provider has no wallets.")
    if not account.is_active:
        return _("This account is switched off.")
    if not account.money_in:
        return _("Money in is switched off for this account.")
    if not account.credentials:
        return _("This account has no keys. An admin must enter them.")
    if not account.methods.filter(enabled=True, for_wallet=True).exists():
        return _("No payment system of this account is open for wallets.")
    return ""


def check(*, account: ProviderAccount, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a new wallet from what was typed. Raises ValidationError, every error at its field."""
    if refusal := why_no_wallets(account):
        raise ValidationError(refusal)
    given = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    given = {name: value for name, value in given.items() if value not in ("", None, False)}
    known = {field.name: field for field in PROVIDERS[account.provider].wallet_fields}
    errors: dict[str, Any] = {
        name: _("This provider has no such field.") for name in given if name not in known and name not in OWN
    }
    if errors:
        raise ValidationError(errors)
    plain = spellings.plain(given)
    try:
        method = methods.find(account, str(plain.get("paysys", "")), operation="for_wallet")
    except ValidationError as error:
        raise spellings.renamed(error, spellings.named(None, given)) from error
    orders.check(given, ticker="convert_ticker", percent="convert_percent", limit="convert_limit")
    if "convert_limit" in given:
        methods.read_amount(given["convert_limit"], code=method.currency, name="convert_limit")
    values = {
        "method": method.code,
        "currency": method.currency,
        "network": method.network,
        "label": str(given.get("_label", ""))[:120],
        "customer": str(given.get("_customer_reference", ""))[:120],
    }
    _similar(account, method, given)
    kept = {name: str(value) for name, value in given.items() if name not in OWN}
    return values | {"fields": kept}


def _similar(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> None:
    """A customer who has an address of this kind needs no second one, unless it is meant."""
    customer = str(given.get("_customer_reference", ""))
    if not customer or given.get("_confirm_similar"):
        return
    first = (
        Wallet.objects.filter(account=account, method=method.code, customer=customer)
        .exclude(status__in=[Wallet.Status.FAILED, Wallet.Status.REJECTED])
        .order_by("created_at")
        .first()
    )
    if first is not None:
        raise ValidationError(
            {
                "_confirm_similar": format_html(
                    '{} <a href="{}">{}</a>. {}',
                    _("This customer has an address of this kind already:"),
                    reverse("payments:wallet", args=[first.pk]),
                    first.reference.value,
                    _("Tick this box if another one is meant."),
                )
            }
        )


def to_send(wallet: Wallet) -> dict[str, Any]:
    """The provider's parameters, amounts as Decimal."""
    sent: dict[str, Any] = dict(wallet.fields)
    if "convert_limit" in sent:
        sent["convert_limit"] = methods.read_amount(
            sent["convert_limit"], code=wallet.currency, name="convert_limit"
        )
    return sent


def facts(wallet: Wallet) -> dict[str, Any]:
    """What the audit trail keeps of a new wallet."""
    return {
        "method": wallet.method,
        "label": wallet.label,
        "customer": wallet.customer,
        "account": wallet.account.name,
        **{name: value for name, value in wallet.fields.items() if name.startswith("convert_")},
    }
