"""The filters of the lists of partner exchanges and payouts."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, FilterSet, SearchFilter, SinceFilter, UntilFilter
from payments.models import PartnerPayout
from payments.providers.partner import Partner

from .common import account_filter


class PartnerExchangeFilters(FilterSet):
    """Account, accrued or not, days of the first sight."""

    account = account_filter(Partner)
    accrued = ChoiceFilter(
        field_name="is_accrued", label=_("Accrued"), choices=[("True", _("Yes")), ("False", _("No"))]
    )
    since, until = SinceFilter("created_at"), UntilFilter("created_at")


class PartnerPayoutFilters(FilterSet):
    """Reference or text, state, account, days of the request."""

    q = SearchFilter("reference__value")
    status = ChoiceFilter(choices=PartnerPayout.Status.choices, label=_("Status"))
    account = account_filter(Partner)
    since, until = SinceFilter("created_at"), UntilFilter("created_at")
