"""Filters of the history."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, FilterSet, SinceFilter, UntilFilter
from payments.models import Movement

from .common import account_filter, currency_filter, reference_filter

ON, OFF = "1", "0"


class MovementFilters(FilterSet):
    """By account, currency, kind, whether it counts on the balance, reference and time."""

    account = account_filter()
    currency = currency_filter()
    kind = ChoiceFilter(label=_("Kind"), choices=Movement.Kind.choices)
    on_balance = ChoiceFilter(label=_("Balance"), choices=[(ON, _("On balance")), (OFF, _("Off balance"))])
    reference = reference_filter()
    since, until = SinceFilter("booked_at"), UntilFilter("booked_at")
