"""Filters of the accounts' list."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, FilterSet, TextFilter
from payments.models import AccountHealth
from payments.models.accounts import provider_choices

TROUBLED = "troubled"
OFF = "off"


class ProviderAccountFilters(FilterSet):
    """By name, provider, and whether the provider answers."""

    name = TextFilter(label=_("Name"), lookup_expr="icontains")
    provider = ChoiceFilter(label=_("Provider"), choices=provider_choices)
    state = ChoiceFilter(
        label=_("State"),
        method="by_state",
        choices=[
            (TROUBLED, _("Needs a look")),
            *AccountHealth.State.choices,
            (OFF, _("Switched off")),
        ],
    )

    def by_state(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == OFF:
            return queryset.filter(is_active=False)
        troubled = [AccountHealth.State.FAILING, AccountHealth.State.DOWN, AccountHealth.State.DENIED]
        states = troubled if value == TROUBLED else [value]
        return queryset.filter(is_active=True, health__state__in=states)
