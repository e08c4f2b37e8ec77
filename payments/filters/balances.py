"""Filters of the balances' list."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, FilterSet

from .common import account_filter, currency_filter


class BalanceFilters(FilterSet):
    """By account, currency, and whether something about the balance needs a look."""

    account = account_filter()
    currency = currency_filter()
    look = ChoiceFilter(
        label=_("Needs a look"),
        method="by_look",
        choices=[
            ("unexplained", _("Not explained")),
            ("missing", _("Not stated any more")),
            ("computed", _("Computed, not confirmed")),
            ("unopened", _("Without an opening balance")),
        ],
    )

    def by_look(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == "unexplained":
            return queryset.exclude(drift=0)
        if value in ("computed", "unopened"):
            computed = queryset.filter(is_computed=True)
            return computed.filter(opened_at=None) if value == "unopened" else computed
        return queryset.filter(missing_since__isnull=False)
