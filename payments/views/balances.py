"""The page of balances: what providers state, how our movements explain it, and sums per currency."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit.views import ListView
from payments.filters.balances import BalanceFilters
from payments.models import Balance
from payments.services import balances
from payments.tables.balances import BalanceTable


class BalanceListView(ListView):
    model = Balance
    table_class = BalanceTable
    filterset_class = BalanceFilters
    ordering = ("account__name", "currency", "id")
    select_related = ("account",)
    template_name = "payments/balance_list.html"
    intro = _(
        "As the providers state them: opening + moved + not explained. Where a provider states none, the balance is "
        "computed and not confirmed by the provider: opening + moved."
    )

    def get_queryset(self) -> QuerySet[Any]:
        return balances.explained(super().get_queryset())

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(sums=balances.sums(extra["filterset"].qs), **extra)
