"""The table of our accounts at providers."""

from __future__ import annotations

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html
from backoffice.kit.tables import BaseTable, Column, HtmlColumn, LinkColumn
from payments.models import AccountHealth, ProviderAccount

from . import pieces

SHOWN_BALANCES = 3


class ProviderAccountTable(BaseTable):
    """Which accounts there are, whether they answer, what is on them and what they may do."""

    caption = _("Accounts at providers")
    empty = _("An admin adds accounts in the administration: address and keys.")

    name = LinkColumn(_("Name"), orderable=True)
    provider = Column(_("Provider"), hide_below="md")
    state = HtmlColumn(_("State"))
    stated = HtmlColumn(_("Balances"), css="cell-money")
    asked = HtmlColumn(_("How old"), css="cell-when", hide_below="lg")
    money_in = HtmlColumn(_("Money in"), hide_below="xl")
    money_out = HtmlColumn(_("Money out"), hide_below="xl")

    class Meta:
        model = ProviderAccount
        fields = ("name", "provider", "state", "stated", "asked", "money_in", "money_out")
        orderable = False

    def row_class(self, record: ProviderAccount) -> str:
        if not pieces.is_troubled(record):
            return ""
        silent = record.health.state in (AccountHealth.State.DOWN, AccountHealth.State.DENIED)
        return "row-bad" if silent else "row-warn"

    def render_state(self, record: ProviderAccount) -> SafeString:
        pill = pieces.account_state(record)
        if not pieces.is_troubled(record) or pieces.is_slow(record):
            return pill
        return format_html(
            '<div>{}<span class="cell-sub">{}</span></div>',
            pill,
            _t("for %(span)s") % {"span": html.span(record.health.since)},
        )

    def render_stated(self, record: ProviderAccount) -> SafeString:
        balances = list(record.balances.all())
        lines = format_html_join(
            "",
            "<div>{}</div>",
            [(html.money(getattr(one, "known", None), one.currency),) for one in balances[:SHOWN_BALANCES]],
        )
        if len(balances) > SHOWN_BALANCES:
            more = _t("and %(n)d more") % {"n": len(balances) - SHOWN_BALANCES}
            lines += format_html('<div class="cell-sub">{}</div>', more)
        if any(one.is_computed for one in balances):
            told = _t("computed, not confirmed by the provider")
            lines += format_html('<div class="cell-sub computed">{}</div>', told)
        if not record.keeps_money:
            return format_html('<span class="text-secondary">{}</span>', _t("no money lies here"))
        return format_html("<div>{}</div>", lines) if lines else html.EMPTY

    def render_asked(self, record: ProviderAccount) -> SafeString:
        asked = [one.asked_at for one in record.balances.all() if one.asked_at is not None]
        return html.ago(min(asked)) if asked else html.EMPTY

    def render_money_in(self, record: ProviderAccount) -> SafeString:
        return pieces.switch(record.money_in) if record.keeps_money else html.EMPTY

    def render_money_out(self, record: ProviderAccount) -> SafeString:
        return pieces.switch(record.money_out)
