"""The table of movements: the history that every report is made of."""

from __future__ import annotations

import functools
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from backoffice.kit import copying, html
from backoffice.kit.tables import BaseTable, Column, HtmlColumn, LinkColumn, MoneyColumn, WhenColumn
from payments.models import Movement

ON_OR_OFF = ("on balance", "off balance")  # in files, in every language


class MovementTable(BaseTable):
    """What moved which balance, by how much, when and why."""

    caption = _("Movements, newest first")
    empty = _("The first payment that arrives makes the first movement.")

    copied = {
        "booked_at": [copying.when("booked_at")],
        "reference": [copying.text("reference__value")],
        "account": [copying.text("account__name")],
        "kind": [copying.text("kind")],
        "label": [copying.text("label")],
        "tag": [copying.text("tag")],
        "amount": [copying.amount("amount"), copying.text("currency")],
        "on_balance": [copying.either("on_balance", *ON_OR_OFF)],
        "way": [copying.text("way")],
    }

    booked_at = WhenColumn(_("Booked"), seconds=True, orderable=True, initial_sort_descending=True)
    reference = LinkColumn(_("Reference"), to=lambda movement: movement.reference, css="mono")
    account = LinkColumn(_("Account"), to=lambda movement: movement.account, css="cell-name")
    kind = HtmlColumn(_("Kind"), css="card-too", hide_below="lg")
    label = Column(_("What"), css="d-none")
    tag = Column(_("Tag"), css="d-none")
    amount = MoneyColumn(_("Amount"), signed=True)
    on_balance = HtmlColumn(_("Balance"), hide_below="xl")
    way = Column(_("Way"), hide_below="xxl")

    class Meta:
        model = Movement
        fields = ("booked_at", "reference", "account", "kind", "label", "tag", "amount", "on_balance", "way")
        orderable = False

    def render_kind(self, value: str, record: Movement) -> SafeString:
        tag = html.pill(record.tag, "warn") if record.tag else ""
        return format_html('<div>{} {}<span class="cell-sub">{}</span></div>', value, tag, record.label)

    def export_kind(self, value: str, record: Movement) -> str:
        return value

    def render_on_balance(self, record: Movement) -> SafeString:
        return counts(record)

    def export_on_balance(self, record: Movement) -> str:
        return ON_OR_OFF[0 if record.on_balance else 1]


class LatestMovementTable(MovementTable):
    """The same in few columns, for the dashboard."""

    caption = _("The latest movements, newest first")

    class Meta(MovementTable.Meta):
        exclude = ("kind", "label", "tag", "on_balance", "way")

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
        exclude = ("account", "label", "tag", "on_balance", "way")

    kind = Column(_("Kind"))


def counts(movement: Movement) -> SafeString:
    """Whether it changes our balance at the provider, or is only told."""
    return balance_pill(movement.on_balance)


def balance_pill(on_balance: bool) -> SafeString:
    """The same as a word."""
    return _balance_pill(on_balance, get_language())


@functools.lru_cache(maxsize=64)
def _balance_pill(on_balance: bool, _language: str | None) -> SafeString:
    return html.pill(_t("on balance"), "info") if on_balance else html.pill(_t("off balance"), "muted")


class SumTable(BaseTable):
    """Sums per currency, of what is on balance and what is off it. Lines: services.movements.per_currency."""

    caption = _("Sums per currency")

    currency = Column(_("Currency"), css="cell-strong")
    on_balance = HtmlColumn(_("Balance"))
    count = HtmlColumn(_("Movements"), css="cell-money")
    came = HtmlColumn(_("In"), css="cell-money")
    went = HtmlColumn(_("Out"), css="cell-money")
    total = HtmlColumn(_("Sum"), css="cell-money cell-strong")

    def render_on_balance(self, record: dict[str, Any]) -> SafeString:
        return balance_pill(record["on_balance"])

    def render_count(self, record: dict[str, Any]) -> str:
        return html.amount_text(Decimal(record["count"]), places=0)

    def render_came(self, record: dict[str, Any]) -> SafeString:
        return html.money(record["came"], record["currency"])

    def render_went(self, record: dict[str, Any]) -> SafeString:
        return html.money(record["went"], record["currency"])

    def render_total(self, record: dict[str, Any]) -> SafeString:
        return html.money(record["total"], record["currency"], signed=True)


class KindSumTable(SumTable):
    """The same by kind."""

    caption = _("Sums by kind")

    class Meta:
        sequence = ("label", "...")

    label = Column(_("Kind"))
    currency = Column(_("Currency"))
