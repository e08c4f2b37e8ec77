"""The filters of the list of our own destinations."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import keyed_digests
from backoffice.kit.filters import ChoiceFilter, FilterSet, SinceFilter, TextFilter, UntilFilter
from payments.models import OwnDestination


def used_methods() -> list[tuple[str, str]]:
    """The payment systems that stand in the book, as choices."""
    codes = OwnDestination.objects.order_by("method").values_list("method", flat=True).distinct()
    return [(code, code) for code in codes]


class AddressFilter(TextFilter):
    """A part of the label, or a whole address: cards are kept encrypted and compared by keyed digest."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        digests = keyed_digests(value, OwnDestination._meta.get_field("digest").purpose)
        return qs.filter(Q(label__icontains=value) | Q(digest__in=digests))


class OwnDestinationFilters(FilterSet):
    """Label or address, status, payment system, days of the proposal."""

    q = AddressFilter(label=_("Search"), placeholder=_("Label, or the whole address"))
    status = ChoiceFilter(label=_("Status"), choices=OwnDestination.Status.choices)
    method = ChoiceFilter(label=_("Payment system"), choices=used_methods)
    since, until = SinceFilter("created_at"), UntilFilter("created_at")
