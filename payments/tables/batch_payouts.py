"""The tables of batch payouts: the list on the page and in files, and the rows of one. Holds no query."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html
from backoffice.kit.exports import ExportColumn
from backoffice.kit.tables import (
    BaseTable,
    Column,
    HtmlColumn,
    LinkColumn,
    MoneyColumn,
    StatusColumn,
    WhenColumn,
)
from payments.models import BatchPayout


class BatchPayoutTable(BaseTable):
    """How many get how much, what the deposit is, and where it stands."""

    caption = _("Batch payouts, newest first")

    reference = LinkColumn(_("Reference"), accessor="reference__value", css="mono")
    created_at = WhenColumn(_("Requested"), orderable=True, initial_sort_descending=True)
    account = Column(_("Account"), accessor="account__name", css="card-too", hide_below="xl")
    row_count = Column(_("Payees"), css="cell-money", hide_below="md")
    total = MoneyColumn(_("Payees get"))
    deposit_amount = MoneyColumn(_("Deposit"), hide_below="xl")
    signed = HtmlColumn(_("Signature"), hide_below="xxl")
    status = StatusColumn(_("Status"))

    class Meta:
        model = BatchPayout
        fields = (
            "reference",
            "created_at",
            "account",
            "row_count",
            "total",
            "deposit_amount",
            "signed",
            "status",
        )
        orderable = False

    def row_class(self, record: BatchPayout) -> str:
        return "row-warn" if record.status == BatchPayout.Status.UNKNOWN else ""

    def render_signed(self, record: BatchPayout) -> SafeString:
        return signature(record)

    def render_status(self, record: BatchPayout) -> Any:
        pill = html.pill(record.get_status_display(), BatchPayout.TONES[BatchPayout.Status(record.status)])
        held = html.pill(gettext("Held"), "warn") if record.reference.held_at is not None else ""
        return format_html('<span class="pills-cell">{}{}</span>', pill, held)

    def export_signed(self, record: BatchPayout) -> str:
        return record.signed

    def export_columns(self) -> list[ExportColumn]:
        """The columns of the page, and what only a file has room for."""
        zone = get_current_timezone_name()
        return [
            *super().export_columns(),
            ExportColumn(gettext("Fee"), lambda one: one.fee),
            ExportColumn(gettext("Delay (hours)"), lambda one: one.delay),
            ExportColumn(gettext("Deposit address"), lambda one: one.deposit_address),
            ExportColumn(gettext("Paid by"), lambda one: one.withdrawal and one.withdrawal.reference.value),
            ExportColumn(f"{gettext('Paid from outside')} ({zone})", lambda one: one.paid_outside_at),
            ExportColumn(gettext("Deposit transaction"), lambda one: one.deposit_txid),
            ExportColumn(gettext("Payout transaction"), lambda one: one.txid),
            ExportColumn(gettext("What for"), lambda one: one.purpose),
            ExportColumn(
                gettext("Requested by"), lambda one: one.created_by and one.created_by.get_username()
            ),
            ExportColumn(f"{gettext('Expires')} ({zone})", lambda one: one.expires_at),
            ExportColumn(f"{gettext('Ended')} ({zone})", lambda one: one.ended_at),
            ExportColumn(gettext("Provider's number"), lambda one: one.provider_id),
            ExportColumn(gettext("Provider's word"), lambda one: one.provider_status),
        ]


def signature(batch: BatchPayout) -> SafeString:
    """What the signature of the provider's answers was, as a pill."""
    return html.pill(batch.get_signed_display(), BatchPayout.SIGNATURE_TONES[batch.signed])
