"""Payers' links and payments that name no bill, as staff see them. Rules are the services'."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy

from backoffice.kit.views import ActionView, ListView, ServiceFormView, StaffView
from payments.filters.payers import InvoicePaymentFilters, PayerLinkFilters
from payments.forms.fiat_invoices import AssignForm, FiatInvoiceForm
from payments.models import InvoicePayment, PayerLink, ProviderAccount
from payments.services import invoice_payments, payer_links
from payments.tables.payers import InvoicePaymentTable, PayerLinkTable, state, why_closed

from .invoices import REDRAW

CREATE = "payments.create_invoice"


# --- Links ---
class PayerLinkListView(ListView):
    model = PayerLink
    permission = "payments.view_invoice"
    table_class = PayerLinkTable
    filterset_class = PayerLinkFilters
    select_related = ("account", "created_by", "invoice__reference")
    exportable = False
    live = 5

    def get_queryset(self) -> QuerySet[Any]:
        return payer_links.with_makers(super().get_queryset())


class PayerLinkCreateView(ServiceFormView):
    permission = CREATE
    form_class = FiatInvoiceForm
    template_name = "payments/payerlink_form.html"
    title = gettext_lazy("New payer's link")
    intro = gettext_lazy(
        "The payer opens it once; the invoice is made then, for the payer's own address. Send it to nobody else."
    )
    button = gettext_lazy("Make link")
    cancel_url_name = "payments:payerlink_list"

    @cached_property
    def account(self) -> ProviderAccount:
        return get_object_or_404(ProviderAccount.objects.select_related("health"), pk=self.kwargs["account"])

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self._turned_away() or super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if REDRAW in request.POST:
            form = FiatInvoiceForm(account=self.account, by_link=True, typed=request.POST)
            return TemplateResponse(request, "payments/invoice_fields.html", {"form": form})
        return self._turned_away() or super().post(request, *args, **kwargs)

    def _turned_away(self) -> HttpResponseBase | None:
        """To the list, with the reason, where this account needs no link or can make none now."""
        why = payer_links.why_no_link(self.account)
        if not why:
            return None
        messages.warning(self.request, f"{self.account.name}: {why}")
        return redirect("payments:payerlink_list")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "account": self.account, "by_link": True}

    def made(self, token: uuid.UUID) -> str | None:
        found = PayerLink.objects.filter(created_by=self.request.user.pk, form_token=token).first()
        return None if found is None else reverse("payments:payerlink", args=[found.pk])

    def perform(self, form: FiatInvoiceForm) -> str:
        try:
            link = payer_links.create(
                actor=self.request.user,
                account=self.account,
                fields=form.to_service(),
                form_token=self.form_token,
            )
        except ValidationError as error:
            raise form.in_boxes(error) from error
        return reverse("payments:payerlink", args=[link.pk])

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(account=self.account, **extra)


class PayerLinkView(StaffView):
    """One link: the address to send, and what became of it. Only who may make bills sees the address itself."""

    model = PayerLink
    permission = "payments.view_invoice"
    template_name = "payments/payerlink.html"

    def get(self, request: Any, pk: int) -> Any:
        found = PayerLink.objects.select_related("account", "created_by", "invoice__reference")
        link = get_object_or_404(payer_links.with_makers(found), pk=pk)
        waits = payer_links.is_open(link)
        why = why_closed(link) if waits else ""
        is_open = waits and not why
        may = self.may(CREATE)
        return self.render(
            title=gettext_lazy("Payer's link"),
            link=link,
            state=state(link),
            is_open=is_open,
            why_closed=why,
            may_withdraw=may and waits,
            address=payer_links.address(link) if may and is_open else "",
        )


class PayerLinkWithdrawView(ActionView):
    model = PayerLink
    permission = CREATE
    title = gettext_lazy("Take the link back")
    question = gettext_lazy("Nobody can open it any more.")
    style = "danger"
    success = gettext_lazy("Taken back.")

    def perform(self, obj: PayerLink, form: Any) -> None:
        payer_links.withdraw(actor=self.request.user, link=obj)

    def get_success_url(self) -> str:
        return reverse("payments:payerlink", args=[self.object.pk])


# --- Payments that name no bill ---
class InvoicePaymentListView(ListView):
    model = InvoicePayment
    permission = "payments.view_invoice"
    table_class = InvoicePaymentTable
    filterset_class = InvoicePaymentFilters
    ordering = ("-arrived_at", "-id")
    select_related = ("account", "invoice__reference")


class InvoicePaymentAssignView(ActionView):
    """Of which bill a payment is: an approver says so, with a note."""

    model = InvoicePayment
    select_related = ("account",)
    permission = "payments.resolve_invoice"
    template_name = "payments/invoicepayment.html"
    title = gettext_lazy("Of which invoice is this payment?")
    question = gettext_lazy("The invoice is paid by it then, and the payment is booked.")
    button = gettext_lazy("It is of this invoice")
    success = gettext_lazy("The invoice is paid.")

    def get_form(self, data: Any = None) -> AssignForm:
        return AssignForm(data, payment=self.object)

    def perform(self, obj: InvoicePayment, form: AssignForm) -> None:
        invoice_payments.assign(actor=self.request.user, payment=obj, **form.cleaned_data)

    def get_success_url(self) -> str:
        return reverse("payments:invoicepayment_list")
