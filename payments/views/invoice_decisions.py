"""What people do about one invoice: ask the provider, approve or reject a conversion, close what never came to be.

Rules are the services'.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.forms import ReasonForm
from backoffice.kit.views import ActionView, ApproveView, BulkActionView, DecisionView
from payments.forms.exceptions import NoteForm
from payments.models import Invoice
from payments.services import invoices

from .invoice_facts import doubt, parameters

Status = Invoice.Status


class InvoiceRefreshView(ActionView):
    model = Invoice
    permission = "payments.refresh_invoice"
    title = gettext_lazy("Check now")
    question = gettext_lazy("Ask the provider what became of this invoice?")
    success = gettext_lazy("The provider is being asked. The answer appears here by itself.")

    def perform(self, obj: Invoice, form: Any) -> None:
        invoices.ask_now(actor=self.request.user, invoice=obj)

    def get_success_url(self) -> str:
        asked = "?asked" if self.request.method == "POST" else ""
        return f"{super().get_success_url()}{asked}"


class InvoiceBulkRefreshView(BulkActionView):
    """Ask the providers about many at once. A worker does it, within each account's rate limit."""

    model = Invoice
    permission = "payments.refresh_invoice"
    select_related = ("reference", "account")
    ordering = ("created_at", "id")
    list_url_name = "payments:invoice_list"
    title = gettext_lazy("Check invoices now")
    button = gettext_lazy("Ask the provider about the ticked")
    icon = "refresh-cw"
    done = gettext_lazy("Is being asked about")

    def refusals(self, rows: list[Invoice]) -> dict[Any, str]:
        return {one.pk: _("It is being created.") for one in rows if one.status == Status.CREATING}

    def perform(self, obj: Invoice, form: Any) -> None:
        invoices.ask_now(actor=self.request.user, invoice=obj)


class InvoiceApproveView(ApproveView):
    """A bill with a conversion: the provider places orders by itself for whatever is paid."""

    model = Invoice
    select_related = ("reference", "account", "created_by", "destination")
    permission = "payments.approve_invoice"
    template_name = "payments/invoice_approve.html"
    title = gettext_lazy("Approve invoice")
    question = gettext_lazy(
        "Whatever is paid is converted by the provider itself, at its market, without asking again."
    )
    button = gettext_lazy("Approve and make it")
    success = gettext_lazy("Approved. It is being made now.")

    def waits(self) -> bool:
        return self.object.status == Status.AWAITING_APPROVAL

    def perform(self, obj: Invoice, form: Any) -> None:
        invoices.approve(actor=self.request.user, invoice=obj, seen=self.request.POST["seen"])

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(seen=invoices.bound(self.object), parameters=parameters(self.object), **extra)


class InvoiceRejectView(DecisionView):
    model = Invoice
    permission = "payments.approve_invoice"
    form_class = ReasonForm
    title = gettext_lazy("Reject invoice")
    question = gettext_lazy("It is not made. Whoever requested it can make another one.")
    style = "danger"
    success = gettext_lazy("Rejected.")

    def is_decided(self) -> bool:
        return self.object.status != Status.AWAITING_APPROVAL

    def perform(self, obj: Invoice, form: ReasonForm) -> None:
        invoices.reject(actor=self.request.user, invoice=obj, reason=form.cleaned_data["reason"])


class InvoiceResolveView(DecisionView):
    model = Invoice
    select_related = ("reference", "account")
    form_class = NoteForm
    permission = "payments.resolve_invoice"
    template_name = "payments/invoice_resolve.html"
    title = gettext_lazy("Resolve as failed")
    question = gettext_lazy(
        "The provider does not have this invoice: it is closed as failed here, and nothing is booked."
    )
    style = "danger"
    success = gettext_lazy("The invoice is closed as failed.")

    def is_decided(self) -> bool:
        return self.object.status != Status.UNKNOWN

    def perform(self, obj: Invoice, form: NoteForm) -> None:
        invoices.resolve(actor=self.request.user, invoice=obj, note=form.cleaned_data["note"])

    def context(self, **extra: Any) -> dict[str, Any]:
        return super().context(doubt=doubt(self.object), **extra)
