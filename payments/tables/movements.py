"""The table of movements: the history that every report is made of."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html
from backoffice.kit.tables import BaseTable, Column, HtmlColumn, LinkColumn, MoneyColumn, WhenColumn
from payments.models import Movement


class MovementTable(BaseTable):
    """What moved which balance, by how much, when and why."""

    caption = _("Movements, newest first")
    empty = _("The first payment that arrives makes the first movement.")

    booked_at = WhenColumn(_("Booked"), seconds=True, orderable=True, initial_sort_descending=True)
    reference = LinkColumn(_("Reference"), to=lambda movement: movement.reference, css="mono")
    account = LinkColumn(_("Account"), to=lambda movement: movement.account, css="cell-name")
    kind = Column(_("Kind"), hide_below="lg")
    label = Column(_("What"), hide_below="xl", css="text-break")
    amount = MoneyColumn(_("Amount"), signed=True)
    on_balance = HtmlColumn(_("Balance"), hide_below="lg")
    way = Column(_("Way"), hide_below="xl")

    class Meta:
        model = Movement
        fields = ("booked_at", "reference", "account", "kind", "label", "amount", "on_balance", "way")
        orderable = False

    def render_on_balance(self, record: Movement) -> SafeString:
        return counts(record)

    def export_on_balance(self, record: Movement) -> str:
        return "on balance" if record.on_balance else "off balance"


class LatestMovementTable(MovementTable):
    """The same in few columns, for the dashboard."""

    caption = _("The latest movements, newest first")

    class Meta(MovementTable.Meta):
        exclude = ("kind", "label", "on_balance", "way")

    booked_at = WhenColumn(_("Booked"))
    amount = HtmlColumn(_("Amount"), css="cell-money")

    def render_amount(self, record: Movement) -> SafeString:
        amount = html.money(record.amount, record.currency, signed=True)
        if record.on_balance:
            return amount
        return format_html('<div>{}<span class="cell-sub">{}</span></div>', amount, _t("off balance"))


class AccountMovementTable(LatestMovementTable):
    """The latest of one account, which needs not be named on each line."""

    class Meta(LatestMovementTable.Meta):
        exclude = ("account", "label", "on_balance", "way")

    kind = Column(_("Kind"))


def counts(movement: Movement) -> SafeString:
    """Whether it changes our balance at the provider, or is only told."""
    return (
        html.pill(_t("on balance"), "info") if movement.on_balance else html.pill(_t("off balance"), "muted")
    )
