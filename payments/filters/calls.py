"""Filters of our calls to providers."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, FilterSet, SinceFilter, TextFilter, UntilFilter
from payments.models import ProviderCall

from .common import account_filter, reference_filter

NO_END = "none"
OUTCOMES = [(outcome or NO_END, label) for outcome, label in ProviderCall.OUTCOMES.items()]


class ProviderCallFilters(FilterSet):
    """By account, operation, outcome, what it does, how long it took, reference and time."""

    account = account_filter()
    operation = TextFilter(
        label=_("Operation"), lookup_expr="startswith", placeholder=_("details, invoice …")
    )
    outcome = ChoiceFilter(label=_("Outcome"), choices=OUTCOMES, method="by_outcome")
    safe = ChoiceFilter(
        label=_("What it does"), choices=[("1", _("Only reads")), ("0", _("Creates or moves"))]
    )
    took = ChoiceFilter(
        label=_("Took"),
        field_name="duration_ms",
        lookup_expr="gte",
        choices=[("1000", _("1 s or more")), ("5000", _("5 s or more")), ("30000", _("30 s or more"))],
    )
    reference = reference_filter()
    since, until = SinceFilter("started_at"), UntilFilter("started_at")

    def by_outcome(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(outcome="" if value == NO_END else value)
