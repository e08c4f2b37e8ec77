"""Filters of the history."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.kit import periods
from backoffice.kit.filters import ChoiceFilter, FilterSet, PeriodFilter, SinceFilter, UntilFilter
from payments.models import Movement
from payments.providers import PROVIDERS

from .common import account_filter, currency_filter, reference_filter

ON, OFF = "1", "0"
# What daily sums are kept by; days only where the person's zone is that of the books.
SUMMED = frozenset({"account", "currency", "kind", "on_balance"})
DAYS = frozenset({"period", "since", "until"})


def tags() -> list[tuple[str, str]]:
    """What movements may be marked with: the providers' own marks."""
    return sorted(
        {(client.report_tag, client.report_tag) for client in PROVIDERS.values() if client.report_tag}
    )


class MovementFilters(FilterSet):
    """By account, currency, kind, whether it counts on the balance, tag, reference and time."""

    account = account_filter()
    currency = currency_filter()
    kind = ChoiceFilter(label=_("Kind"), choices=Movement.Kind.choices)
    on_balance = ChoiceFilter(label=_("Balance"), choices=[(ON, _("On balance")), (OFF, _("Off balance"))])
    tag = ChoiceFilter(label=_("Tag"), choices=tags)
    reference = reference_filter()
    period = PeriodFilter("booked_at")
    since, until = SinceFilter("booked_at"), UntilFilter("booked_at")

    @property
    def has_days(self) -> bool:
        """Whether days are among the filters, so that the zone matters."""
        return bool(DAYS & set(self.active))

    def summed(self) -> dict[str, Any] | None:
        """The same filters as daily sums know them (services.daily_sums.totals); None where they cannot tell."""
        zone = timezone.get_current_timezone_name()
        known = SUMMED | DAYS if zone == settings.TIME_ZONE else SUMMED
        if not self.form.is_valid() or not known.issuperset(self.active):
            return None
        asked = self.form.cleaned_data
        since, until = asked["since"], asked["until"]
        if asked["period"] not in ("", periods.OWN):
            since, until = periods.days(asked["period"], timezone.localdate())
        return {
            "account": asked["account"].pk if asked["account"] else None,
            "currency": asked["currency"],
            "kind": asked["kind"],
            "on_balance": asked["on_balance"] == ON if asked["on_balance"] else None,
            "since": since,
            "until": until,
        }
