"""The filters of payers' links and of payments that name no bill."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit.filters import ChoiceFilter, FilterSet, SinceFilter, TextFilter, UntilFilter
from payments.providers.wallets import FiatInvoices

from .common import account_filter


class PayerLinkFilters(FilterSet):
    """Customer, account, days of creation."""

    customer = TextFilter(label=_("Customer"), lookup_expr="icontains")
    account = account_filter(FiatInvoices)
    since, until = SinceFilter("created_at"), UntilFilter("created_at")


class InvoicePaymentFilters(FilterSet):
    """Whether its bill is known, transaction, account, days of arrival."""

    matched = ChoiceFilter(
        label=_("Invoice"), method="by_match", choices=[("no", _("Not known")), ("yes", _("Known"))]
    )
    txid = TextFilter(label=_("Transaction"), lookup_expr="startswith")
    account = account_filter(FiatInvoices)
    since, until = SinceFilter("arrived_at"), UntilFilter("arrived_at")

    def by_match(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(invoice__isnull=value == "no")
