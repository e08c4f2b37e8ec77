"""History: all movements, what they sum up to per currency and kind, and the files of exactly these rows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from backoffice.kit.views import ListView
from payments.filters.movements import MovementFilters
from payments.models import Movement
from payments.services import daily_sums, movements
from payments.tables.movements import KindSumTable, MovementTable, SumTable


class MovementListView(ListView):
    model = Movement
    table_class = MovementTable
    filterset_class = MovementFilters
    ordering = ("-booked_at", "-id")
    select_related = ("account", "reference")
    template_name = "payments/movement_list.html"
    title = _("History")
    intro = _("Every change of a balance. Written once, never changed.")

    def context(self, **extra: Any) -> dict[str, Any]:
        filterset: MovementFilters = extra["filterset"]
        summed = filterset.summed()
        lines = (
            movements.sums(filterset.qs)
            if summed is None
            else daily_sums.totals(by=movements.SUMMED_BY, **summed)
        )
        sums = None if lines is None else movements.per_currency(lines)
        kinds = [kind for line in sums or () for kind in line["kinds"]]
        return super().context(
            sums=sums,
            sum_table=SumTable(sums or ()),
            kind_table=KindSumTable(kinds),
            sum_cap=movements.SUM_CAP,
            has_days=filterset.has_days,
            books_zone=settings.TIME_ZONE,
            **extra,
        )
