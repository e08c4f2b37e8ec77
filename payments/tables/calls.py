"""The table of our calls to providers."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from backoffice.kit.tables import BaseTable, Column, HtmlColumn, LinkColumn, StatusColumn, WhenColumn
from payments.models import ProviderCall

from . import pieces


class ProviderCallTable(BaseTable):
    """What we asked whom, about what, how it ended and how long it took."""

    caption = _("Calls to providers, newest first")
    empty = _("Each question to a provider leaves a line here.")

    started_at = WhenColumn(_("Began"), seconds=True, orderable=True, initial_sort_descending=True)
    operation = HtmlColumn(_("Operation"), css="cell-link")
    account = LinkColumn(_("Account"), to=lambda call: call.account, css="cell-name")
    reference = LinkColumn(_("Reference"), to=lambda call: call.reference, css="mono", hide_below="lg")
    outcome = StatusColumn(_("Outcome"), empty_values=(None,))
    http_status = Column(_("HTTP"), hide_below="xl")
    duration_ms = HtmlColumn(_("Took"), css="cell-money", hide_below="md")
    error = Column(_("Problem"), css="text-break cell-wide", hide_below="xl")

    class Meta:
        model = ProviderCall
        fields = (
            "started_at",
            "operation",
            "account",
            "reference",
            "outcome",
            "http_status",
            "duration_ms",
            "error",
        )
        orderable = False

    def render_operation(self, record: ProviderCall) -> SafeString:
        attempt = "" if record.safe else _t("attempt %(n)d") % {"n": record.number}
        return format_html(
            '<div><a href="{}">{}</a>{}</div>',
            record.get_absolute_url(),
            record.operation,
            format_html('<span class="cell-sub">{}</span>', attempt) if attempt else "",
        )

    def render_duration_ms(self, record: ProviderCall) -> str:
        return pieces.took(record.duration_ms)

    # --- In a file: raw values ---
    def export_operation(self, record: ProviderCall) -> str:
        return record.operation

    def export_duration_ms(self, record: ProviderCall) -> int | None:
        return record.duration_ms


class LatestCallTable(ProviderCallTable):
    """The same in few columns, for the pages of accounts."""

    caption = _("The latest calls, newest first")

    class Meta(ProviderCallTable.Meta):
        exclude = ("account", "reference", "http_status", "error")
