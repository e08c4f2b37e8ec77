"""The filters of the list of vouchers. None takes a code: what is filtered by stands in the address."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import (
    ChoiceFilter,
    FilterSet,
    ModelChoiceFilter,
    SearchFilter,
    SinceFilter,
    TextFilter,
    UntilFilter,
)
from codes.models import Voucher
from codes.models.ages import AGES, since, within
from payments.models import Approval, Balance, ProviderAccount
from payments.providers import offering
from payments.providers.base import Vouchers

HELD, TO_CONFIRM = "held", "to_confirm"
HERE, ELSEWHERE = "here", "elsewhere"


def currencies() -> list[tuple[str, str]]:
    """The currencies of our balances, as choices: only from a balance a voucher can be made."""
    codes = Balance.objects.order_by("currency").values_list("currency", flat=True).distinct()
    return [(code, code) for code in codes]


class StatusFilter(ChoiceFilter):
    """A state, all that is held, or all whose outcome somebody has proposed and nobody confirmed."""

    def __init__(self, **kwargs: Any) -> None:
        more = [(HELD, _("Held")), (TO_CONFIRM, _("Decision to confirm"))]
        super().__init__(choices=[*Voucher.Status.choices, *more], **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == HELD:
            return qs.filter(reference__held_at__isnull=False)
        if value == TO_CONFIRM:
            proposed = Approval.objects.standing(Approval.Step.RESOLVE).filter(
                reference=OuterRef("reference")
            )
            return qs.filter(Exists(proposed), status=Voucher.Status.UNKNOWN)
        return super().filter(qs, value)


class AgeFilter(ChoiceFilter):
    """How long a voucher has been there, in the classes of the liability."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[(name, label) for name, label, _from, _to in AGES], **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.annotate(since=since()).filter(within(value, timezone.now())) if value else qs


class FoundFilter(ChoiceFilter):
    """Requested here, or found in the provider's list without us."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[(HERE, _("Here")), (ELSEWHERE, _("Elsewhere"))], **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(found=value == ELSEWHERE) if value else qs


class VoucherFilters(FilterSet):
    """Words, direction, state, account, currency, age, where it was made, reference, days, one whole request."""

    q = SearchFilter("reference__value", placeholder=_("For whom, description …"))
    direction = ChoiceFilter(label=_("Direction"), choices=Voucher.Direction.choices)
    status = StatusFilter(label=_("Status"))
    account = ModelChoiceFilter(
        label=_("Account"),
        queryset=ProviderAccount.objects.filter(provider__in=offering(Vouchers))
        .only("name")
        .order_by("name"),
    )
    currency = ChoiceFilter(label=_("Currency"), choices=currencies)
    age = AgeFilter(label=_("Age"))
    made = FoundFilter(label=_("Made"))
    reference = TextFilter(
        label=_("Reference"),
        field_name="reference__value",
        lookup_expr="startswith",
        placeholder=_("18 digits"),
    )
    since, until = SinceFilter("created_at"), UntilFilter("created_at")
    bulk = ChoiceFilter(label=_("Request"))

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(data, *args, **kwargs)
        asked = (data or {}).get("bulk", "").strip()
        if not asked:
            del self.filters["bulk"]  # it is reached from a voucher, not chosen
            return
        self.filters["bulk"].extra["choices"] = [(asked, _("All of one request"))] if _is_uuid(asked) else []


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
