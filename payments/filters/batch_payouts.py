"""The filters of the list of batch payouts."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, FilterSet, SearchFilter, SinceFilter, UntilFilter
from payments.models import BatchPayout

from .common import account_filter

HELD, UNPAID = "held", "unpaid"


class StatusFilter(ChoiceFilter):
    """A state, all that is held, or all whose deposit nobody has begun to pay."""

    def __init__(self, **kwargs: Any) -> None:
        more = [(UNPAID, _("Deposit to be paid")), (HELD, _("Held"))]
        super().__init__(choices=[*BatchPayout.Status.choices, *more], **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == HELD:
            return qs.filter(reference__held_at__isnull=False)
        if value == UNPAID:
            return qs.filter(pk__in=BatchPayout.objects.unpaid().values("pk"))
        return super().filter(qs, value)


class BatchPayoutFilters(FilterSet):
    """Reference, address or transaction; state, signature, account, days of the request."""

    q = SearchFilter("reference__value", placeholder=_("Reference, address, transaction …"))
    status = StatusFilter(label=_("Status"))
    signed = ChoiceFilter(
        label=_("Signature"), choices=[one for one in BatchPayout.Signature.choices if one[0]]
    )
    account = account_filter()
    since, until = SinceFilter("created_at"), UntilFilter("created_at")
