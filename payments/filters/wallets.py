"""The filters of the lists of wallets and deposits."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, FilterSet, SearchFilter, SinceFilter, UntilFilter
from payments.models import Approval, Deposit, Wallet
from payments.providers.wallets import Wallets

from .common import account_filter, coin_filter

HELD, TO_CONFIRM = "held", "to_confirm"


class WholeSearchFilter(SearchFilter):
    """The search table; a whole reference, address or transaction is found at once."""

    wholes: tuple[str, ...] = ("reference__value", "address")

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        whole = (value or "").strip()
        if not whole:
            return qs
        exact = Q()
        for name in self.wholes:
            exact |= Q(**{name: whole})
        found = qs.filter(exact)
        return found if found.exists() else super().filter(qs, value)


class DepositSearchFilter(WholeSearchFilter):
    """The transaction besides."""

    wholes: tuple[str, ...] = ("reference__value", "address", "txid")


class StateFilter(ChoiceFilter):
    """A state, or all that is held, whatever its state."""

    def __init__(self, states: Any, **kwargs: Any) -> None:
        super().__init__(label=_("Status"), choices=[*states, (HELD, _("Held"))], **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(reference__held_at__isnull=False) if value == HELD else super().filter(qs, value)


class DepositStateFilter(StateFilter):
    """Besides: all whose release somebody has proposed and nobody confirmed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__([*Deposit.Status.choices, (TO_CONFIRM, _("Release to confirm"))], **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value != TO_CONFIRM:
            return super().filter(qs, value)
        proposed = Approval.objects.standing(Approval.Step.RESOLVE).filter(reference=OuterRef("reference"))
        return qs.filter(Exists(proposed), reference__held_at__isnull=False)


class WalletFilters(FilterSet):
    """Reference, address or customer, state, account, currency, days of creation."""

    q = WholeSearchFilter("reference__value", placeholder=_("Reference, address, customer …"))
    status = StateFilter(Wallet.Status.choices)
    account = account_filter(Wallets)
    currency = coin_filter()
    since, until = SinceFilter("created_at"), UntilFilter("created_at")


class DepositFilters(FilterSet):
    """Reference, transaction or address, state, account, currency, days of arrival."""

    q = DepositSearchFilter("reference__value", placeholder=_("Reference, transaction, address …"))
    status = DepositStateFilter()
    account = account_filter(Wallets)
    currency = coin_filter()
    wallet = ChoiceFilter(
        label=_("Address"),
        method="by_wallet",
        choices=[("ours", _("Made here")), ("other", _("Made elsewhere"))],
    )
    since, until = SinceFilter("arrived_at"), UntilFilter("arrived_at")

    def by_wallet(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(wallet__isnull=value == "other")
