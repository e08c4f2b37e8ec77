"""The filters of the list of invoices."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import (
    ChoiceFilter,
    FilterSet,
    ModelChoiceFilter,
    SearchFilter,
    SinceFilter,
    UntilFilter,
)
from payments.models import Invoice, Method, ProviderAccount


def invoice_methods() -> list[tuple[str, str]]:
    """The payment systems that invoices can be made for, on any account, as choices."""
    known = Method.objects.filter(for_invoice=True).order_by("code").values_list("code", "title")
    return [(code, f"{code} · {title}") for code, title in dict(known).items()]


def accounts(_request: HttpRequest) -> QuerySet[ProviderAccount]:
    return ProviderAccount.objects.order_by("name")


class InvoiceSearchFilter(SearchFilter):
    """The search table; a whole reference is found at once, also when the table does not have it yet."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        whole = (value or "").strip()
        if len(whole) == 18 and whole.isdecimal() and whole.isascii():
            return qs.filter(reference__value=whole)
        return super().filter(qs, value)


class HeldFilter(ChoiceFilter):
    """Held rows, or those that are not."""

    def __init__(self, path: str, **kwargs: Any) -> None:
        choices = [("yes", _("Held")), ("no", _("Not held"))]
        super().__init__(field_name=path, choices=choices, **{"label": _("Hold"), **kwargs})

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__isnull": value == "no"}) if value else qs


class InvoiceFilters(FilterSet):
    """Reference or words, status, account, payment system, hold, days of creation."""

    q = InvoiceSearchFilter("reference__value", placeholder=_("Reference, their number, customer …"))
    status = ChoiceFilter(label=_("Status"), choices=Invoice.Status.choices)
    account = ModelChoiceFilter(label=_("Account"), queryset=accounts)
    method = ChoiceFilter(label=_("Payment system"), choices=invoice_methods)
    held = HeldFilter("reference__held_at")
    since, until = SinceFilter("created_at"), UntilFilter("created_at")
