"""The filters of the lists of bids and of directions."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, FilterSet, SearchFilter, SinceFilter, UntilFilter
from payments.models import Approval, Bid, BidAct, Direction
from payments.providers.bids import Bids

from .common import account_filter

HELD, TO_CONFIRM, TO_PAY = "held", "to_confirm", "to_pay"
OFFERED, ALL = "offered", "all"


def _keys(name: str) -> list[tuple[str, str]]:
    found = Direction.objects.order_by(name).values_list(name, flat=True).distinct()
    return [(key, key) for key in found]


def give_keys() -> list[tuple[str, str]]:
    """The currencies that can be given, as choices."""
    return _keys("give_key")


def get_keys() -> list[tuple[str, str]]:
    """The currencies that can be received, as choices."""
    return _keys("get_key")


class OfferedFilter(ChoiceFilter):
    """Only what is offered now, unless all is asked for."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs if value == ALL else qs.filter(is_offered=True)


class DirectionFilters(FilterSet):
    """What is given, what is received, at which account."""

    give = ChoiceFilter(field_name="give_key", label=_("We give"), choices=give_keys)
    get = ChoiceFilter(field_name="get_key", label=_("We receive"), choices=get_keys)
    account = account_filter(Bids)
    offered = OfferedFilter(
        label=_("Offered"), choices=[(ALL, _("Also what is not offered now"))], empty_label=_("Now")
    )


class StatusFilter(ChoiceFilter):
    """A state, all that is held, all that waits for a second person, or all that we are to pay."""

    def __init__(self, **kwargs: Any) -> None:
        more = [(HELD, _("Held")), (TO_CONFIRM, _("To be confirmed")), (TO_PAY, _("To be paid by us"))]
        super().__init__(choices=[*Bid.Status.choices, *more], **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == HELD:
            return qs.filter(reference__held_at__isnull=False)
        if value == TO_PAY:
            return qs.filter(Bid.TO_PAY)
        if value == TO_CONFIRM:
            proposed = Approval.objects.standing(Approval.Step.RESOLVE).filter(
                reference=OuterRef("reference")
            )
            asked = BidAct.objects.filter(bid=OuterRef("pk"), status=BidAct.Status.AWAITING)
            return qs.filter(Q(Exists(proposed)) | Q(Exists(asked)))
        return super().filter(qs, value)


class MadeFilter(ChoiceFilter):
    """Made here, or elsewhere and imported."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(is_imported=value == "elsewhere") if value else qs


class BidFilters(FilterSet):
    """Reference or text, state, account, currencies, where it was made, days."""

    q = SearchFilter("reference__value", placeholder=_("Reference, number, customer …"))
    status = StatusFilter(label=_("Status"))
    account = account_filter(Bids)
    give = ChoiceFilter(
        field_name="give_currency",
        label=_("We give"),
        choices=lambda: [(code, code) for code in _codes("give_currency")],
    )
    get = ChoiceFilter(
        field_name="get_currency",
        label=_("We receive"),
        choices=lambda: [(code, code) for code in _codes("get_currency")],
    )
    made = MadeFilter(label=_("Made"), choices=[("here", _("Here")), ("elsewhere", _("Elsewhere"))])
    since, until = SinceFilter("created_at"), UntilFilter("created_at")


def _codes(name: str) -> list[str]:
    """The currencies that directions have; a distinct over all bids would read them all."""
    column = {"give_currency": "give_code", "get_currency": "get_code"}[name]
    found = Direction.objects.exclude(**{column: ""}).order_by(column)
    return list(found.values_list(column, flat=True).distinct())
