"""The table of vouchers, on the page and in files. No part of a code and no password stands in it. Holds no query."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html
from backoffice.kit.exports import ExportColumn
from backoffice.kit.tables import BaseTable, Column, LinkColumn, MoneyColumn, StatusColumn, WhenColumn
from codes.models import Voucher


class VoucherTable(BaseTable):
    """Which way it goes, for whom, what it is worth, how old it is, where it stands."""

    caption = _("Vouchers, newest first")

    reference = LinkColumn(_("Reference"), accessor="reference__value", css="mono")
    created_at = WhenColumn(
        _("Since"), orderable=True, initial_sort_descending=True, css="card-too", hide_below="md"
    )
    direction = Column(_("Direction"), css="card-too", hide_below="md")
    account = Column(_("Account"), accessor="account__name", css="card-too", hide_below="xxl")
    payee = Column(_("For whom"), empty_values=(), css="cell-clip")
    amount = MoneyColumn(_("Worth"), accessor="worth")
    password = Column(_("Password"), accessor="has_password", css="text-nowrap", hide_below="lg")
    status = StatusColumn(_("Status"))

    class Meta:
        model = Voucher
        fields = (
            "reference",
            "created_at",
            "direction",
            "account",
            "payee",
            "amount",
            "password",
            "status",
        )
        orderable = False

    def row_class(self, record: Voucher) -> str:
        return "row-warn" if record.status == Voucher.Status.UNKNOWN else ""

    def render_created_at(self, record: Voucher) -> SafeString:
        """When it was requested, and how old it is since it was sent."""
        age = html.span(record.sent_at or record.created_at)
        return format_html('<div>{}<span class="cell-sub">{}</span></div>', html.when(record.created_at), age)

    def render_payee(self, record: Voucher) -> SafeString:
        return for_whom(record)

    def render_password(self, record: Voucher) -> SafeString:
        return password(record)

    def render_status(self, record: Voucher) -> Any:
        pill = html.pill(record.get_status_display(), Voucher.TONES[Voucher.Status(record.status)])
        held = html.pill(gettext("Held"), "warn") if record.reference.held_at is not None else ""
        return format_html('<span class="pills-cell">{}{}</span>', pill, held)

    # --- In a file: raw values ---
    def export_payee(self, record: Voucher) -> str:
        return record.payee

    def export_columns(self) -> list[ExportColumn]:
        """The columns of the page, and what only a file has room for."""
        zone = get_current_timezone_name()
        return [
            *super().export_columns(),
            ExportColumn(gettext("Description"), lambda one: one.description),
            ExportColumn(gettext("What for"), lambda one: one.purpose),
            ExportColumn(gettext("Asked for"), lambda one: one.amount),
            ExportColumn(gettext("Request"), lambda one: one.bulk),
            ExportColumn(gettext("Number in the request"), lambda one: one.position),
            ExportColumn(
                gettext("Requested by"), lambda one: one.created_by and one.created_by.get_username()
            ),
            ExportColumn(f"{gettext('Sent')} ({zone})", lambda one: one.sent_at),
            ExportColumn(f"{gettext('Ended')} ({zone})", lambda one: one.ended_at),
            ExportColumn(gettext("Made elsewhere"), lambda one: one.found),
            ExportColumn(gettext("Provider's word"), lambda one: one.provider_status),
            ExportColumn(gettext("Made, as the provider writes it"), lambda one: one.created_text),
            ExportColumn(gettext("Redeemed, as the provider writes it"), lambda one: one.applied_text),
        ]


# --- Pieces ---
def for_whom(record: Voucher) -> SafeString:
    """For whom it is and what it says; one that was made elsewhere says so."""
    name = record.payee or (gettext("Made elsewhere") if record.found else "")
    lines = [line for line in (name, record.description) if line]
    if not lines:
        return html.EMPTY
    rest = format_html('<span class="cell-sub">{}</span>', lines[1]) if len(lines) > 1 else ""
    return format_html("<div>{}{}</div>", lines[0], rest)


def password(record: Voucher) -> SafeString:
    """Whether it needs a password, as an icon with its word."""
    if not record.has_password:
        return format_html('<span class="text-secondary">{}</span>', gettext("no"))
    return format_html('<span class="with-icon">{}{}</span>', html.icon("key-round", 16), gettext("yes"))
