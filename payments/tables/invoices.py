"""The table of invoices, on the page and in files. Holds no query."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html
from backoffice.kit.exports import ExportColumn
from backoffice.kit.tables import BaseTable, Column, LinkColumn, MoneyColumn, StatusColumn, WhenColumn
from payments.models import Invoice


class InvoiceTable(BaseTable):
    """What was billed to whom, what is expected, and what came."""

    caption = _("Invoices, newest first")

    reference = LinkColumn(_("Reference"), accessor="reference__value", css="mono")
    created_at = WhenColumn(_("Created"), orderable=True, initial_sort_descending=True)
    account = Column(_("Account"), accessor="account__name", css="card-too", hide_below="xl")
    customer = Column(_("Customer"), empty_values=(), css="cell-wide")
    method = Column(_("Payment system"), hide_below="xxl")
    expected = MoneyColumn(_("Expected"))
    received = MoneyColumn(_("Received, as stated"), hide_below="md")
    status = StatusColumn(_("Status"))

    class Meta:
        model = Invoice
        fields = (
            "reference",
            "created_at",
            "account",
            "customer",
            "method",
            "expected",
            "received",
            "status",
        )
        orderable = False

    def render_customer(self, record: Invoice) -> Any:
        if record.customer and record.description:
            return format_html(
                '<div>{}<span class="cell-sub">{}</span></div>',
                record.customer,
                _first_line(record.description),
            )
        return record.customer or _first_line(record.description) or html.EMPTY

    def render_status(self, record: Invoice) -> Any:
        pill = html.pill(record.get_status_display(), Invoice.TONES[Invoice.Status(record.status)])
        marks = []
        if record.reference.held_at is not None:
            marks.append(html.pill(gettext("Held"), "warn"))
        elif record.claimed_paid_at is not None and record.status not in ("paid", "failed"):
            marks.append(html.pill(gettext("Said to be paid"), "warn"))
        return format_html('<span class="pills-cell">{}{}</span>', pill, marks[0] if marks else "")

    def export_customer(self, record: Invoice) -> str:
        return record.customer

    def export_columns(self) -> list[ExportColumn]:
        """The columns of the page, and what only a file has room for."""
        zone = get_current_timezone_name()
        return [
            *super().export_columns(),
            ExportColumn(gettext("Description"), lambda one: one.description),
            ExportColumn(gettext("Amount to pay"), lambda one: one.pay_amount),
            ExportColumn(gettext("Amount to pay: currency"), lambda one: one.pay_currency),
            ExportColumn(gettext("Fee paid by"), lambda one: one.fee_payer),
            ExportColumn(f"{gettext('Paid')} ({zone})", lambda one: one.paid_at),
            ExportColumn(gettext("Provider's number"), lambda one: one.provider_id),
            ExportColumn(gettext("Provider's word"), lambda one: one.provider_status),
            ExportColumn(f"{gettext('Held since')} ({zone})", lambda one: one.reference.held_at),
        ]


def _first_line(text: str) -> str:
    line = text.strip().split("\n", 1)[0].strip()
    return f"{line[:60]} …" if len(line) > 60 else line
