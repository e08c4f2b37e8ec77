"""The tables of payers' links and of payments that name no bill. Hold no query."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html
from backoffice.kit.tables import BaseTable, Column, HtmlColumn, LinkColumn, MoneyColumn, WhenColumn
from payments.models import InvoicePayment, PayerLink


def why_closed(link: PayerLink) -> str:
    """Why a link that waits cannot be opened: its maker (`maker_may`: whether they may bill still) is gone. Else ""."""
    if getattr(link, "maker_may", True):
        return ""
    if not link.created_by.is_active:
        return _t("%s, who made it, is switched off") % link.created_by.get_username()
    return _t("%s, who made it, may not bill any more") % link.created_by.get_username()


def state(link: PayerLink) -> Any:
    """What became of a link, as a pill."""
    if link.invoice_id is not None:
        return html.pill(_t("Opened"), "ok")
    if link.withdrawn_at is not None:
        return html.pill(_t("Taken back"), "muted")
    if link.expires_at <= timezone.now():
        return html.pill(_t("Expired"), "muted")
    if why_closed(link):
        return html.pill(_t("Closed"), "warn")
    return html.pill(_t("Waits for the payer"), "info")


class PayerLinkTable(BaseTable):
    """Links that were sent to payers."""

    caption = _("Payers' links, newest first")
    empty = _("Operators make them, and send each to one payer.")

    created_at = WhenColumn(_("Created"), orderable=True, initial_sort_descending=True)
    customer = LinkColumn(_("Customer"), empty_values=())
    account = Column(_("Account"), accessor="account__name", hide_below="md")
    amount = MoneyColumn(_("Amount"))
    invoice = HtmlColumn(_("Invoice"))
    state = HtmlColumn(_("State"))

    class Meta:
        model = PayerLink
        fields = ("created_at", "customer", "account", "amount", "invoice", "state")
        orderable = False

    def render_customer(self, record: PayerLink) -> Any:
        return html.link(reverse("payments:payerlink", args=[record.pk]), record.customer or _t("not named"))

    def render_invoice(self, record: PayerLink) -> Any:
        if record.invoice is None:
            return html.EMPTY
        return html.link(record.invoice.get_absolute_url(), record.invoice.reference.value)

    def render_state(self, record: PayerLink) -> Any:
        pill = state(record)
        waits = record.invoice_id is None and record.withdrawn_at is None
        if not waits or record.expires_at <= timezone.now() or not (why := why_closed(record)):
            return pill
        return format_html('<div>{}<span class="cell-sub">{}</span></div>', pill, why)


class InvoicePaymentTable(BaseTable):
    """Payments of bills as the provider's history lists them."""

    caption = _("Payments of invoices, newest first")

    arrived_at = WhenColumn(_("Arrived"), orderable=True, initial_sort_descending=True)
    account = Column(_("Account"), accessor="account__name", hide_below="md")
    method = Column(_("Payment system"), hide_below="lg")
    gross = MoneyColumn(_("Paid"))
    fee = MoneyColumn(_("Fee"), hide_below="md")
    txid = Column(_("Transaction"), css="mono cell-clip", hide_below="lg")
    provider_status = Column(_("Provider's word"), hide_below="xl")
    invoice = HtmlColumn(_("Invoice"))

    class Meta:
        model = InvoicePayment
        fields = ("arrived_at", "account", "method", "gross", "fee", "txid", "provider_status", "invoice")
        orderable = False

    def row_class(self, record: InvoicePayment) -> str:
        return "row-warn" if record.invoice_id is None else ""

    def render_invoice(self, record: InvoicePayment) -> Any:
        if record.invoice is None:
            return html.link(
                reverse("payments:invoicepayment", args=[record.pk]), _t("not known: say of which")
            )
        return html.link(record.invoice.get_absolute_url(), record.invoice.reference.value)

    def export_invoice(self, record: InvoicePayment) -> str:
        return "" if record.invoice is None else record.invoice.reference.value
