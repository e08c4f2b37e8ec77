"""Filters that several lists of payments share: account, currency, our reference."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, ModelChoiceFilter, TextFilter
from payments.models import Balance, Currency, Method, ProviderAccount
from payments.providers import offering
from payments.providers.wallets import Wallets


def account_filter(*capabilities: type) -> ModelChoiceFilter:
    """One of our accounts; of those whose provider has one of these capabilities (protocols), if any are named."""
    accounts = ProviderAccount.objects.only("name").order_by("name")
    if capabilities:
        accounts = accounts.filter(provider__in=[name for one in capabilities for name in offering(one)])
    return ModelChoiceFilter(label=_("Account"), queryset=accounts)


def currencies() -> list[tuple[str, str]]:
    """The known currencies as choices, also those that a provider states without our knowing them."""
    known = Currency.objects.values_list("code", flat=True)
    stated = Balance.objects.order_by().values_list("currency", flat=True)
    return [(code, code) for code in sorted(known.union(stated))]


def currency_filter(**options: Any) -> ChoiceFilter:
    """One of the known currencies."""
    return ChoiceFilter(label=_("Currency"), choices=currencies, **options)


def coins() -> list[tuple[str, str]]:
    """The currencies in which money can arrive at addresses of ours, as choices: from small tables, not from what came."""
    methods = Method.objects.filter(account__provider__in=offering(Wallets)).order_by()
    known = dict(methods.values_list("currency", "is_fiat"))
    held = Balance.objects.filter(account__provider__in=offering(Wallets)).order_by()
    codes = {*known, *held.values_list("currency", flat=True)}
    return [(code, code) for code in sorted(codes) if not known.get(code, False)]


def coin_filter() -> ChoiceFilter:
    """One of those."""
    return ChoiceFilter(label=_("Currency"), choices=coins)


def reference_filter() -> TextFilter:
    """Our 18 digits, or how they begin (they begin with the day: YYMMDD)."""
    return TextFilter(
        label=_("Reference"),
        field_name="reference__value",
        lookup_expr="startswith",
        placeholder=_("18 digits"),
    )
