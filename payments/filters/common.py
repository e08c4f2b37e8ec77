"""Filters that several lists of payments share: account, currency, our reference."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, ModelChoiceFilter, TextFilter
from payments.models import Balance, Currency, ProviderAccount


def account_filter() -> ModelChoiceFilter:
    """One of our accounts."""
    return ModelChoiceFilter(
        label=_("Account"), queryset=ProviderAccount.objects.only("name").order_by("name")
    )


def currencies() -> list[tuple[str, str]]:
    """The known currencies as choices, also those that a provider states without our knowing them."""
    known = Currency.objects.values_list("code", flat=True)
    stated = Balance.objects.order_by().values_list("currency", flat=True)
    return [(code, code) for code in sorted(known.union(stated))]


def currency_filter(**options: Any) -> ChoiceFilter:
    """One of the known currencies."""
    return ChoiceFilter(label=_("Currency"), choices=currencies, **options)


def reference_filter() -> TextFilter:
    """Our 18 digits, or how they begin (they begin with the day: YYMMDD)."""
    return TextFilter(
        label=_("Reference"),
        field_name="reference__value",
        lookup_expr="startswith",
        placeholder=_("18 digits"),
    )
