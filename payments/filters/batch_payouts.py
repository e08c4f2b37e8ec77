"""The filters of the list of batch payouts."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, FilterSet, SearchFilter, SinceFilter, UntilFilter
from payments.models import BatchPayout
from payments.providers.batches import BatchPayouts

from .common import account_filter

HELD, UNPAID, TROUBLE = "held", "unpaid", "trouble"


class StatusFilter(ChoiceFilter):
    """A state, all that is held, all whose deposit nobody has begun to pay, or was paid for nothing so far."""

    def __init__(self, **kwargs: Any) -> None:
        more = [
            (UNPAID, _("Deposit to be paid")),
            (TROUBLE, _("Deposit paid and lost sight of")),
            (HELD, _("Held")),
        ]
        super().__init__(choices=[*BatchPayout.Status.choices, *more], **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == HELD:
            return qs.filter(reference__held_at__isnull=False)
        if value == TROUBLE:
            return qs.filter(pk__in=BatchPayout.objects.in_trouble().values("pk"))
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
    account = account_filter(BatchPayouts)
    since, until = SinceFilter("created_at"), UntilFilter("created_at")
