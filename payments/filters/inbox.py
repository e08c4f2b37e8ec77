"""Filters of the callback inbox."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, FilterSet, SinceFilter, UntilFilter
from payments.models import Callback

from .common import account_filter, reference_filter


class CallbackFilters(FilterSet):
    """By status, account, reference, address and time."""

    status = ChoiceFilter(label=_("Status"), choices=Callback.Status.choices)
    account = account_filter()
    reference = reference_filter()
    retired = ChoiceFilter(
        label=_("Callback address"),
        field_name="is_retired_token",
        choices=[("1", _("Retired")), ("0", _("Current"))],
    )
    since, until = SinceFilter("received_at"), UntilFilter("received_at")
