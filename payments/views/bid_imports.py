"""Bids that were made elsewhere: how far each account's list has been read, and from when it should be. Rules are the services'."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from backoffice.kit.views import ActionView, StaffView
from payments.forms.bids import ImportForm
from payments.models import Bid, BidImport, ProviderAccount
from payments.providers import offering
from payments.providers.bids import Bids
from payments.services import bid_imports

IMPORT = "payments.import_bid"


def exchangers() -> QuerySet[ProviderAccount]:
    """The accounts at exchangers."""
    return ProviderAccount.objects.filter(provider__in=offering(Bids)).order_by("name")


class BidImportListView(StaffView):
    """One line per account: from when, how far, how many, and what could not be read."""

    model = Bid
    permission = "payments.view_bid"
    template_name = "payments/bid_import_list.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        jobs = {job.account_id: job for job in BidImport.objects.all()}
        lines = [(account, jobs.get(account.pk)) for account in exchangers()]
        return self.render(
            title=gettext_lazy("Bids made elsewhere"), lines=lines, may_import=self.may(IMPORT)
        )


class _OfAccount(ActionView):
    model = ProviderAccount
    permission = IMPORT

    def get_success_url(self) -> str:
        return reverse("payments:bid_import_list")


class BidImportStartView(_OfAccount):
    form_class = ImportForm
    title = gettext_lazy("Read bids made elsewhere")
    question = gettext_lazy("The exchanger’s list is read from this day on, and followed from then.")
    button = gettext_lazy("Read them")
    success = gettext_lazy("It is being read. A line that is known already is not doubled.")

    def perform(self, obj: ProviderAccount, form: ImportForm) -> None:
        since = form.moment(timezone.get_current_timezone())
        bid_imports.start(actor=self.request.user, account=obj, since=since)


class BidImportStopView(_OfAccount):
    title = gettext_lazy("Stop reading")
    question = gettext_lazy("No new bids of this account are read. What was read stays, and is followed.")
    style = "danger"
    success = gettext_lazy("No new bids are read.")

    def perform(self, obj: ProviderAccount, form: Any) -> None:
        bid_imports.stop(actor=self.request.user, account=obj)
