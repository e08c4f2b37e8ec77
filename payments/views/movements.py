"""History: all movements, what they sum up to per currency and kind, and the files of exactly these rows."""

from __future__ import annotations

import functools
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit.views import ListView
from payments.filters.movements import MovementFilters
from payments.models import Movement
from payments.services import daily_sums, movements
from payments.tables.movements import KindSumTable, MovementTable, SumTable

Lines = list[dict[str, Any]]


class MovementListView(ListView):
    filterset: MovementFilters
    model = Movement
    table_class = MovementTable
    filterset_class = MovementFilters
    ordering = ("-booked_at", "-id")
    template_name = "payments/movement_list.html"
    title = _("History")
    intro = _("Every change of a balance. Written once, never changed.")

    def get_queryset(self) -> QuerySet[Any]:
        """With no more of accounts and references than a line shows: of an account that is little."""
        own = [field.name for field in Movement._meta.concrete_fields]
        related = super().get_queryset().select_related("account", "reference")
        return related.only(*own, "account__name", "reference__value")

    @functools.cached_property
    def lines(self) -> Lines | None:
        """What the filters show comes to, by currency, balance and kind; None where that is too much to sum up."""
        summed = self.filterset.summed()
        if summed is None:
            return movements.sums(self.filterset.qs)
        return daily_sums.totals(by=movements.SUMMED_BY, **summed)

    def count_rows(self, queryset: QuerySet[Any]) -> int | None:
        """The sums know it, also of millions."""
        lines = self.lines
        return super().count_rows(queryset) if lines is None else sum(line["count"] for line in lines)

    def context(self, **extra: Any) -> dict[str, Any]:
        sums = None if self.lines is None else movements.per_currency(self.lines)
        by_kind = "by_kind" in self.request.GET
        return super().context(
            sums=sums,
            sum_table=KindSumTable([kind for line in sums or () for kind in line["kinds"]])
            if by_kind
            else SumTable(sums or ()),
            by_kind=by_kind,
            sum_cap=movements.SUM_CAP,
            has_days=self.filterset.has_days,
            books_zone=settings.TIME_ZONE,
            **extra,
        )
