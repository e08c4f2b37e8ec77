"""The table of items that need a person."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice.kit import html
from backoffice.kit.tables import BaseTable, Column, HtmlColumn, LinkColumn, StatusColumn, WhenColumn
from payments.models import ExceptionItem


class ExceptionItemTable(BaseTable):
    """What is wrong, since when, where, and who looks at it."""

    caption = _("Exceptions, newest first")
    empty = _("Whatever does not fit appears here: holds, forged callbacks, unexplained balances.")

    opened_at = WhenColumn(_("Opened"), orderable=True, initial_sort_descending=True)
    title = HtmlColumn(_("What"), css="text-break cell-wide cell-link")
    kind = Column(_("Kind"), css="d-none")
    account = LinkColumn(
        _("Account"), to=lambda item: item.account, css="cell-name card-too", hide_below="md"
    )
    reference = LinkColumn(
        _("Reference"), to=lambda item: item.reference, css="mono card-too", hide_below="lg"
    )
    owner = Column(_("Owner"), default=_("nobody"))
    last_seen = HtmlColumn(_("Last told"), css="cell-when", hide_below="xl")
    seen = Column(_("Times"), css="d-none")
    status = StatusColumn(_("Status"), css="card-too", hide_below="sm")

    class Meta:
        model = ExceptionItem
        fields = (
            "opened_at",
            "title",
            "kind",
            "account",
            "reference",
            "owner",
            "last_seen",
            "seen",
            "status",
        )
        orderable = False

    def render_title(self, record: ExceptionItem) -> SafeString:
        link = html.link(record.get_absolute_url(), record.title)
        return format_html('<div>{}<span class="cell-sub">{}</span></div>', link, record.get_kind_display())

    def render_last_seen(self, record: ExceptionItem) -> SafeString:
        if record.seen == 1:
            return html.ago(record.last_seen_at)
        times = ngettext("%(n)s time", "%(n)s times", record.seen) % {"n": record.seen}
        return format_html(
            '<div>{}<span class="cell-sub">{}</span></div>', html.ago(record.last_seen_at), times
        )

    def export_last_seen(self, record: ExceptionItem) -> object:
        return record.last_seen_at
