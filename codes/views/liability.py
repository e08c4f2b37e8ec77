"""The page of what we owe on vouchers, beside what the providers' lists state. Figures are the service's."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy

from backoffice.kit.views import StaffView
from backoffice.kit.views.lists import EXPORT
from codes.services import liability
from payments.models import ProviderAccount
from payments.providers import offering
from payments.providers.base import Vouchers

from . import voucher_facts as facts


class LiabilityView(StaffView):
    """Outstanding by currency and age; every figure leads to its vouchers."""

    permission = "codes.view_voucher"
    template_name = "codes/liability.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        accounts = list(ProviderAccount.objects.filter(provider__in=offering(Vouchers)).order_by("name"))
        chosen = next((one for one in accounts if str(one.pk) == request.GET.get("account", "")), None)
        listings = [
            (account, listing)
            for account, listing in facts.listings()
            if chosen is None or account.pk == chosen.pk
        ]
        query = "direction=issued&status=active" + (f"&account={chosen.pk}" if chosen else "")
        context: dict[str, Any] = {
            "title": gettext_lazy("Liability"),
            "accounts": accounts,
            "chosen": chosen,
            "listings": listings,
            "lines": liability.lines(account_id=chosen.pk if chosen else None),
            "query": query,
            "may_export": self.may(EXPORT),
        }
        return self.render(**context)
