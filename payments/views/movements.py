"""History: all movements, what they sum up to per currency, and the file of exactly these rows."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.kit.views import ListView
from payments.filters.movements import MovementFilters
from payments.models import Movement
from payments.services import movements
from payments.tables.movements import MovementTable


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
        # Of everything ever booked nobody needs a sum, and the page should open at once.
        too_many = extra["count_is_capped"] and not extra["filtered"]
        found = None if too_many else movements.sums(extra["filterset"].qs)
        return super().context(sums=found, sum_cap=movements.SUM_CAP, **extra)
