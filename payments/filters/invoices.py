"""The filters of the list of invoices."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import (
    ChoiceFilter,
    FilterSet,
    SearchFilter,
    SinceFilter,
    UntilFilter,
)
from payments.models import Invoice, Method
from payments.providers.base import Invoices
from payments.providers.wallets import FiatInvoices

from .common import account_filter

HELD = "held"


def invoice_methods() -> list[tuple[str, str]]:
    """The payment systems that invoices can be made for, on any account, as choices."""
    known = Method.objects.filter(for_invoice=True).order_by("code").values_list("code", "title")
    return [(code, f"{code} · {title}") for code, title in dict(known).items()]


class InvoiceSearchFilter(SearchFilter):
    """The search table; a whole reference is found at once, also when the table does not have it yet."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        whole = (value or "").strip()
        if len(whole) == 18 and whole.isdecimal() and whole.isascii():
            return qs.filter(reference__value=whole)
        return super().filter(qs, value)


class StatusFilter(ChoiceFilter):
    """A state, or all that is held, whatever its state."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[*Invoice.Status.choices, (HELD, _("Held"))], **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(reference__held_at__isnull=False) if value == HELD else super().filter(qs, value)


class InvoiceFilters(FilterSet):
    """Reference or words, state, account, payment system, days of creation."""

    q = InvoiceSearchFilter("reference__value", placeholder=_("Reference, their number, customer …"))
    status = StatusFilter(label=_("Status"))
    account = account_filter(Invoices, FiatInvoices)
    method = ChoiceFilter(label=_("Payment system"), choices=invoice_methods)
    since, until = SinceFilter("created_at"), UntilFilter("created_at")
