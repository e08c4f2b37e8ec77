"""The table of balances: what the provider states, and how our movements explain it."""

from __future__ import annotations

from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html
from backoffice.kit.tables import BaseTable, Column, HtmlColumn, LinkColumn, MoneyColumn, WhenColumn
from payments.models import Balance

from . import pieces


class BalanceTable(BaseTable):
    """One line per account and currency: opening + moved + not explained = stated. Rows come from balances.explained."""

    caption = _("Balances per account and currency")
    empty = _("Balances appear here as soon as a provider has stated them.")

    account = LinkColumn(_("Account"), to=lambda balance: balance.account, css="cell-name")
    currency = Column(_("Currency"), css="cell-strong")
    stated = MoneyColumn(_("Balance"), accessor="known", css="cell-strong")
    age = HtmlColumn(_("How old"), css="cell-when")
    opening = MoneyColumn(_("Opening"), hide_below="xxl")
    moved = MoneyColumn(_("Moved"), signed=True)
    drift = HtmlColumn(_("Not explained"), css="cell-money")
    since = MoneyColumn(_("Booked since"), signed=True, hide_below="md")
    basis = HtmlColumn(_("Where it comes from"), css="d-none")
    asked_at = WhenColumn(_("Asked"), seconds=True, css="d-none")

    class Meta:
        model = Balance
        fields = (
            "account",
            "currency",
            "stated",
            "age",
            "opening",
            "moved",
            "drift",
            "since",
            "basis",
            "asked_at",
        )
        orderable = False

    def row_class(self, record: Balance) -> str:
        unopened = record.is_computed and record.opened_at is None
        return "row-warn" if record.drift or record.missing_since or unopened else ""

    def render_age(self, record: Balance) -> SafeString:
        return pieces.statement(record)

    def render_basis(self, record: Balance) -> str:
        return pieces.basis(record)

    def export_basis(self, record: Balance) -> str:
        return pieces.basis(record)

    def render_drift(self, record: Balance) -> SafeString:
        return drift(record)

    def export_drift(self, record: Balance) -> Decimal:
        return record.drift


class AccountBalanceTable(BalanceTable):
    """The balances of one account, which needs not be named on each line."""

    class Meta(BalanceTable.Meta):
        exclude: tuple[str, ...] = ("account", "opening", "basis", "asked_at")

    since = MoneyColumn(_("Booked since"), signed=True, hide_below="xxl")


class ComputedBalanceTable(AccountBalanceTable):
    """The same where nobody states balances: there is nothing to compare them with."""

    class Meta(AccountBalanceTable.Meta):
        exclude = (*AccountBalanceTable.Meta.exclude, "drift", "since")


def drift(balance: Balance) -> SafeString:
    """What movements do not explain, and since when; a word where all is explained."""
    if balance.is_computed:
        return format_html('<span class="text-secondary">{}</span>', _t("nobody states it"))
    if not balance.drift:
        return format_html('<span class="text-secondary">{}</span>', _t("nothing"))
    return format_html(
        '<div><span class="unexplained">{}</span><span class="cell-sub">{}</span></div>',
        html.money(balance.drift, balance.currency, signed=True),
        _t("for %(span)s") % {"span": html.span(balance.drift_since)},
    )
