"""The pages of invoices: list, new, one invoice. Rules are the services'."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.timeline import flat
from backoffice.kit.views import (
    Action,
    BulkAction,
    DetailView,
    ListView,
    PageAction,
    ServiceFormView,
    StaffView,
)
from payments.filters.invoices import InvoiceFilters
from payments.forms.fiat_invoices import FiatInvoiceForm
from payments.forms.invoices import InvoiceForm
from payments.forms.networks import has_networks
from payments.models import ExceptionItem, Invoice, Method, ProviderAccount
from payments.providers import PROVIDERS, offering
from payments.providers.base import Invoices
from payments.providers.wallets import FiatInvoices
from payments.services import invoices
from payments.tables.invoices import InvoiceTable

from .invoice_facts import asked_for, doubt, over, way
from .references import RELEASE

Status = Invoice.Status
FINAL = frozenset({Status.PAID, Status.FAILED, Status.REJECTED})
NOT_SENT = frozenset({Status.CREATING, Status.AWAITING_APPROVAL, Status.APPROVED, Status.REJECTED})
REDRAW = "_redraw"


def billing_providers() -> list[str]:
    """The providers that make bills, in whatever way."""
    return sorted({*offering(Invoices), *offering(FiatInvoices)})


def billing_accounts() -> QuerySet[ProviderAccount]:
    """The accounts that can bill now: switched on, with keys, and with a payment system for invoices."""
    methods = Method.objects.filter(account=OuterRef("pk"), enabled=True, for_invoice=True)
    return (
        ProviderAccount.objects.filter(
            Exists(methods), provider__in=billing_providers(), is_active=True, money_in=True
        )
        .exclude(credentials="")
        .select_related("health")
        .order_by("name")
    )


LISTS = (
    PageAction(gettext_lazy("Payers' links"), "payments:payerlink_list", "payments.view_invoice", "link"),
    PageAction(
        gettext_lazy("Payments"),
        "payments:invoicepayment_list",
        "payments.view_invoice",
        "arrow-down-to-line",
    ),
)


class InvoiceListView(ListView):
    model = Invoice
    table_class = InvoiceTable
    filterset_class = InvoiceFilters
    select_related = ("account", "reference")
    page_actions = (
        PageAction(
            gettext_lazy("New invoice"),
            "payments:invoice_start",
            "payments.create_invoice",
            "plus",
            style="primary",
        ),
    )
    bulk_actions = (
        BulkAction(
            gettext_lazy("Check now"),
            "payments:invoice_bulk_refresh",
            "payments.refresh_invoice",
            "refresh-cw",
            when=lambda invoice, _user: invoice.status != Status.CREATING,
        ),
    )
    live = 2
    template_name = "payments/invoice_list.html"

    def context(self, **extra: Any) -> dict[str, Any]:
        """With the ways to payers' links and payments, where an account has them."""
        context = super().context(may_bill=self.may("payments.create_invoice"), **extra)
        if ProviderAccount.objects.filter(provider__in=offering(FiatInvoices)).exists():
            context["page_actions"] = [*LISTS, *context["page_actions"]]
        return context


# --- New ---
class InvoiceStartView(StaffView):
    """Which account bills? With one there is no question; with none the page says what is missing."""

    permission = "payments.create_invoice"
    template_name = "payments/invoice_start.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        accounts = list(billing_accounts())
        if len(accounts) == 1:
            return redirect("payments:invoice_create", account=accounts[0].pk)
        return self.render(
            title=_("New invoice"), accounts=accounts, create_url_name="payments:invoice_create"
        )


class InvoiceCreateView(ServiceFormView):
    """The form of one account; drawn anew, with all that was typed, when the payment system changes."""

    permission = "payments.create_invoice"
    form_class = InvoiceForm
    template_name = "payments/invoice_form.html"
    title = gettext_lazy("New invoice")
    button = gettext_lazy("Create invoice")
    cancel_url_name = "payments:invoice_list"
    prefill = ("paysys", "_customer_reference", "desc")

    @cached_property
    def account(self) -> ProviderAccount:
        return get_object_or_404(
            ProviderAccount.objects.select_related("health"),
            pk=self.kwargs["account"],
            provider__in=billing_providers(),
        )

    @cached_property
    def is_fiat(self) -> bool:
        """Whether bills of this account are paid in ordinary money, from the payer's own address."""
        return has_networks(PROVIDERS[self.account.provider].invoice_fields)

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        form_class = FiatInvoiceForm if self.is_fiat else InvoiceForm
        return form_class(data, files, **self.get_form_kwargs())

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not billing_accounts().filter(pk=self.account.pk).exists():
            messages.warning(request, _("%(name)s cannot bill at the moment.") % {"name": self.account.name})
            return redirect("payments:invoice_list")
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if REDRAW in request.POST:
            form_class = FiatInvoiceForm if self.is_fiat else InvoiceForm
            form = form_class(account=self.account, typed=request.POST)
            return TemplateResponse(request, "payments/invoice_fields.html", {"form": form})
        return super().post(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "account": self.account}

    def made(self, token: uuid.UUID) -> Invoice | None:
        return Invoice.objects.filter(created_by=self.request.user.pk, form_token=token).first()

    def perform(self, form: Any) -> Invoice:
        try:
            return invoices.create(
                actor=self.request.user,
                account=self.account,
                fields=form.to_service(),
                form_token=self.form_token,
            )
        except ValidationError as error:
            raise (form.in_boxes(error) if self.is_fiat else error) from error

    def context(self, **extra: Any) -> dict[str, Any]:
        others = billing_accounts().exclude(pk=self.account.pk).exists()
        return super().context(account=self.account, has_other_accounts=others, is_fiat=self.is_fiat, **extra)


# --- One invoice ---
def _is_unknown(invoice: Invoice) -> bool:
    return invoice.status == Status.UNKNOWN


def _is_waiting(invoice: Invoice) -> bool:
    return invoice.status == Status.AWAITING_APPROVAL


def _is_held(invoice: Invoice) -> bool:
    return invoice.reference.held_at is not None


class InvoiceDetailView(DetailView):
    model = Invoice
    select_related = ("account__health", "reference", "destination", "created_by")
    list_url_name = "payments:invoice_list"
    watches = ("checked_at", "next_check_at")  # the page says when
    actions = (
        Action(
            gettext_lazy("Check now"),
            "payments:invoice_refresh",
            "payments.refresh_invoice",
            "refresh-cw",
            when=lambda invoice: invoice.status not in NOT_SENT,
        ),
        RELEASE,
        Action(
            gettext_lazy("Reject"),
            "payments:invoice_reject",
            "payments.approve_invoice",
            "x",
            style="danger",
            confirm=True,
            when=_is_waiting,
        ),
        Action(
            gettext_lazy("Read and approve"),
            "payments:invoice_approve",
            "payments.approve_invoice",
            "stamp",
            style="primary",
            confirm=True,
            when=_is_waiting,
        ),
        Action(
            gettext_lazy("Resolve as failed"),
            "payments:invoice_resolve",
            "payments.resolve_invoice",
            "circle-x",
            style="danger",
            confirm=True,
            when=_is_unknown,
        ),
    )

    def is_final(self, obj: Invoice) -> bool:
        """Expired ones may still be paid."""
        return obj.status in FINAL

    def again(self) -> str:
        """Where to bill the same customer once more; the amount is typed anew. Empty: this person may not."""
        invoice: Invoice = self.object
        if not self.may("payments.create_invoice"):
            return ""
        told = {
            "paysys": invoice.method,
            "_customer_reference": invoice.customer,
            "desc": invoice.description,
        }
        address = reverse("payments:invoice_create", args=[invoice.account_id])
        return f"{address}?{urlencode({name: value for name, value in told.items() if value})}"

    def context(self, **extra: Any) -> dict[str, Any]:
        invoice: Invoice = self.object
        items = list(
            ExceptionItem.objects.filter(
                reference_id=invoice.reference_id, status=ExceptionItem.Status.OPEN
            ).order_by("opened_at")
        )
        holds = [item for item in items if item.kind == ExceptionItem.Kind.HOLD]
        methods = dict(
            Method.objects.filter(account_id=invoice.account_id, code=invoice.method).values_list(
                "code", "title"
            )
        )
        return super().context(
            is_final=invoice.status in FINAL,
            again=self.again(),
            # What is held may pay to the wrong place, what is said to be paid must not be paid twice.
            is_payable=invoice.status == Status.OPEN
            and not _is_held(invoice)
            and invoice.claimed_paid_at is None,
            method_title=methods.get(invoice.method, ""),
            ways=[way(one) for one in invoice.requisites],
            asked_for=asked_for(invoice),
            doubt=doubt(invoice) if _is_unknown(invoice) else None,
            evidence=[line for item in holds for line in flat(item.facts)],
            items=[item for item in items if item.kind != ExceptionItem.Kind.HOLD],
            over=over(invoice),
            payments=invoice.payments.order_by("arrived_at"),
            **extra,
        )
