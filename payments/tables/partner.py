"""The tables of the partner programme: programmes, exchanges, payouts. Holds no query."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
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
from payments.models import PartnerExchange, PartnerPayout, PartnerProgram

from . import provider_words


class PartnerProgramTable(BaseTable):
    """Our balance at each exchanger's programme."""

    caption = _("Partner programmes")
    empty = _("They are read by themselves, once an account at an exchanger is there.")

    account = LinkColumn(_("Account"), accessor="account__name")
    partner_id = Column(_("Partner number"), css="mono card-too", hide_below="md")
    balance = MoneyColumn(_("Balance"))
    min_payout = MoneyColumn(_("Smallest payout"), hide_below="lg", css="card-too")
    asked_at = HtmlColumn(_("As of"), css="cell-when")

    class Meta:
        model = PartnerProgram
        fields = ("account", "partner_id", "balance", "min_payout", "asked_at")
        orderable = False

    def render_asked_at(self, record: PartnerProgram) -> SafeString:
        if record.asked_at is None:
            return format_html('<span class="stale">{}</span>', record.last_error or gettext("not read yet"))
        sub = (
            format_html('<span class="cell-sub stale">{}</span>', record.last_error)
            if record.last_error
            else ""
        )
        return format_html("<div>{}{}</div>", html.ago(record.asked_at), sub)


class PartnerExchangeTable(BaseTable):
    """What people whom we brought have exchanged, and what it brings us."""

    caption = _("Exchanges of people whom we brought")

    provider_id = Column(_("Provider's number"), css="mono")
    created_at = WhenColumn(_("First seen"), orderable=True, initial_sort_descending=True)
    account = Column(_("Account"), accessor="account__name", hide_below="lg", css="card-too")
    give = HtmlColumn(_("Given"), css="cell-money card-too", hide_below="md")
    got = HtmlColumn(_("Received"), css="cell-money card-too", hide_below="md")
    reward = HtmlColumn(_("Reward"), css="cell-money")
    accrued = HtmlColumn(_("Accrued"))

    class Meta:
        model = PartnerExchange
        fields = ("provider_id", "created_at", "account", "give", "got", "reward", "accrued")
        orderable = False

    def render_give(self, record: PartnerExchange) -> SafeString:
        return html.money(record.amount_give, record.give_currency)

    def render_got(self, record: PartnerExchange) -> SafeString:
        return html.money(record.amount_get, record.get_currency)

    def render_reward(self, record: PartnerExchange) -> SafeString:
        return html.money(record.reward, "")

    def render_accrued(self, record: PartnerExchange) -> SafeString:
        word = (
            html.pill(gettext("accrued"), "ok")
            if record.is_accrued
            else html.pill(gettext("not yet"), "muted")
        )
        said = provider_words.of_bid(record.account.provider, record.provider_status)
        return format_html('<div>{}<span class="cell-sub">{}</span></div>', word, said)

    def export_columns(self) -> list[ExportColumn]:
        return [
            *super().export_columns(),
            ExportColumn(gettext("Given"), lambda one: one.amount_give),
            ExportColumn(gettext("Given: currency"), lambda one: one.give_currency),
            ExportColumn(gettext("Received"), lambda one: one.amount_get),
            ExportColumn(gettext("Received: currency"), lambda one: one.get_currency),
            ExportColumn(gettext("Reward"), lambda one: one.reward),
            ExportColumn(
                gettext("Accrued"), lambda one: "" if one.is_accrued is None else int(one.is_accrued)
            ),
            ExportColumn(gettext("Booked"), lambda one: int(one.is_booked)),
        ]


class PartnerPayoutTable(BaseTable):
    """Payouts of partner balances that were requested here."""

    caption = _("Partner payouts, newest first")

    reference = LinkColumn(_("Reference"), accessor="reference__value", css="mono")
    created_at = WhenColumn(_("Requested"), orderable=True, initial_sort_descending=True)
    account = Column(_("Account"), accessor="account__name", hide_below="lg", css="card-too")
    method = HtmlColumn(_("Paid out in"))
    amount = HtmlColumn(_("Amount"), css="cell-money")
    status = StatusColumn(_("Status"))

    class Meta:
        model = PartnerPayout
        fields = ("reference", "created_at", "account", "method", "amount", "status")
        orderable = False

    def row_class(self, record: PartnerPayout) -> str:
        return "row-warn" if record.status == PartnerPayout.Status.UNKNOWN else ""

    def render_method(self, record: PartnerPayout) -> SafeString:
        return format_html(
            '<div>{}<span class="cell-sub text-break">{}</span></div>', record.method, record.shown
        )

    def render_amount(self, record: PartnerPayout) -> SafeString:
        if record.original_amount is not None:
            return html.money(record.original_amount, record.original_currency or record.currency)
        return format_html(
            '<div>{}<span class="cell-sub">{}</span></div>',
            html.money(record.expected, record.currency),
            gettext("balance when requested"),
        )

    def render_status(self, record: PartnerPayout) -> Any:
        pill = html.pill(
            record.get_status_display(), PartnerPayout.TONES[PartnerPayout.Status(record.status)]
        )
        held = html.pill(gettext("Held"), "warn") if record.reference.held_at is not None else ""
        return format_html('<span class="pills-cell">{}{}</span>', pill, held)

    def export_columns(self) -> list[ExportColumn]:
        return [
            *super().export_columns(),
            ExportColumn(gettext("Paid out in"), lambda one: one.method),
            ExportColumn(gettext("Our account there"), lambda one: one.shown),
            ExportColumn(gettext("Balance when requested"), lambda one: one.expected),
            ExportColumn(gettext("Cost, as stated"), lambda one: one.original_amount),
            ExportColumn(gettext("Currency"), lambda one: one.currency),
            ExportColumn(gettext("Paid out, as stated"), lambda one: one.pay_amount),
            ExportColumn(gettext("In"), lambda one: one.pay_currency),
            ExportColumn(gettext("Provider's number"), lambda one: one.provider_id),
        ]
