"""The filters of the list of withdrawals."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import keyed_digests
from backoffice.kit.filters import ChoiceFilter, FilterSet, SearchFilter, SinceFilter, UntilFilter
from payments.models import Approval, Method, Withdrawal
from payments.providers.base import Withdrawals

from .common import account_filter

HELD, TO_CONFIRM = "held", "to_confirm"


def withdrawal_methods() -> list[tuple[str, str]]:
    """The payment systems that withdrawals can be made with, on any account, as choices."""
    known = Method.objects.filter(for_withdrawal=True).order_by("code").values_list("code", "title")
    return [(code, f"{code} · {title}") for code, title in dict(known).items()]


class WithdrawalSearchFilter(SearchFilter):
    """The search table; a whole reference, and a whole destination by its keyed digest (cards are found only so)."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        whole = (value or "").strip()
        if not whole:
            return qs
        if len(whole) == 18 and whole.isdecimal() and whole.isascii():
            found = qs.filter(reference__value=whole)
            if found.exists():
                return found
        purpose = Withdrawal._meta.get_field("purse_digest").purpose
        spellings = {whole, whole.replace(" ", ""), whole.replace("-", "").replace(" ", "")}
        digests = [digest for spelling in spellings for digest in keyed_digests(spelling, purpose)]
        by_text = super().filter(Withdrawal.objects.all(), value).values("pk")
        return qs.filter(Q(purse_digest__in=digests) | Q(pk__in=by_text))


class StatusFilter(ChoiceFilter):
    """A state, all that is held, or all whose outcome somebody has proposed and nobody confirmed."""

    def __init__(self, **kwargs: Any) -> None:
        more = [(HELD, _("Held")), (TO_CONFIRM, _("Decision to confirm"))]
        super().__init__(choices=[*Withdrawal.Status.choices, *more], **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == HELD:
            return qs.filter(reference__held_at__isnull=False)
        if value == TO_CONFIRM:
            proposed = Approval.objects.standing(Approval.Step.RESOLVE, Approval.Step.RESEND).filter(
                reference=OuterRef("reference")
            )
            doubted = Q(status=Withdrawal.Status.UNKNOWN) | Q(reference__held_at__isnull=False)
            return qs.filter(doubted, Exists(proposed))
        return super().filter(qs, value)


class WithdrawalFilters(FilterSet):
    """Reference, payee or destination, state, account, payment system, days of the request."""

    q = WithdrawalSearchFilter("reference__value", placeholder=_("Reference, payee, destination …"))
    status = StatusFilter(label=_("Status"))
    account = account_filter(Withdrawals)
    method = ChoiceFilter(label=_("Payment system"), choices=withdrawal_methods)
    since, until = SinceFilter("created_at"), UntilFilter("created_at")
