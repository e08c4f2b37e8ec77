"""The tables of wallets and deposits, on the page and in files. Hold no query."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html
from backoffice.kit.exports import ExportColumn
from backoffice.kit.tables import BaseTable, Column, LinkColumn, MoneyColumn, StatusColumn, WhenColumn
from payments.models import Deposit, Wallet


def _pills(record: Any, tone: str) -> Any:
    """The state, and a mark for what is held."""
    pill = html.pill(record.get_status_display(), tone)
    held = html.pill(gettext("Held"), "warn") if record.reference.held_at is not None else ""
    return format_html('<span class="pills-cell">{}{}</span>', pill, held)


def _address(address: str, method: str, account: Any, tag: str) -> Any:
    """An address with what tells it from others, also on a phone: payment system, tag, account."""
    about = [method, *([gettext("tag %s") % tag] if tag else []), account.name]
    return format_html(
        '<div><span class="mono">{}</span><span class="cell-sub">{}</span></div>',
        address or html.EMPTY,
        " · ".join(about),
    )


class WalletTable(BaseTable):
    """Which address was made for whom."""

    caption = _("Wallets, newest first")

    reference = LinkColumn(_("Reference"), accessor="reference__value", css="mono")
    created_at = WhenColumn(_("Created"), orderable=True, initial_sort_descending=True)
    customer = Column(_("Customer"), empty_values=(), css="cell-clip")
    address = Column(_("Address"), empty_values=(), css="cell-clip")
    account = Column(_("Account"), accessor="account__name", on_request=True)
    method = Column(_("Payment system"), on_request=True)
    status = StatusColumn(_("Status"))

    class Meta:
        model = Wallet
        fields = ("reference", "created_at", "customer", "address", "account", "method", "status")
        orderable = False

    def render_customer(self, record: Wallet) -> Any:
        if record.customer and record.label:
            return format_html('<div>{}<span class="cell-sub">{}</span></div>', record.customer, record.label)
        return record.customer or record.label or html.EMPTY

    def render_address(self, record: Wallet) -> Any:
        return _address(record.address, record.method, record.account, record.tag)

    def render_status(self, record: Wallet) -> Any:
        return _pills(record, Wallet.TONES[Wallet.Status(record.status)])

    def export_address(self, record: Wallet) -> str:
        return record.address

    def export_customer(self, record: Wallet) -> str:
        return record.customer

    def export_columns(self) -> list[ExportColumn]:
        return [
            *super().export_columns(),
            ExportColumn(gettext("Label"), lambda one: one.label),
            ExportColumn(gettext("Tag or memo"), lambda one: one.tag),
            ExportColumn(gettext("Provider's number"), lambda one: one.provider_id),
        ]


class DepositTable(BaseTable):
    """What arrived where, and whether it is credited."""

    caption = _("Deposits, newest first")

    reference = LinkColumn(_("Reference"), accessor="reference__value", css="mono")
    arrived_at = WhenColumn(_("Arrived"), orderable=True, initial_sort_descending=True)
    wallet = Column(_("For"), empty_values=(), css="cell-clip")
    address = Column(_("Address"), empty_values=(), css="cell-clip")
    account = Column(_("Account"), accessor="account__name", on_request=True)
    network = Column(_("Network"), on_request=True)
    txid = Column(_("Transaction"), css="mono cell-clip", on_request=True)
    amount = MoneyColumn(_("We get"))
    fee = MoneyColumn(_("Fee"), on_request=True)
    confirmations = Column(_("Confirmations"), empty_values=(), css="cell-number", on_request=True)
    status = StatusColumn(_("Status"))

    class Meta:
        model = Deposit
        fields = (
            *("reference", "arrived_at", "wallet", "address", "account", "network", "txid"),
            *("amount", "fee", "confirmations", "status"),
        )
        orderable = False

    def render_wallet(self, record: Deposit) -> Any:
        if record.wallet is None:
            return html.EMPTY
        link = html.link(record.wallet.get_absolute_url(), _whom(record))
        label = record.wallet.label if record.wallet.customer else ""
        return format_html('<div>{}<span class="cell-sub">{}</span></div>', link, label) if label else link

    def render_address(self, record: Deposit) -> Any:
        method = f"{record.currency}:{record.network}"
        return _address(record.address, method, record.account, record.tag)

    def export_address(self, record: Deposit) -> str:
        return record.address

    def export_wallet(self, record: Deposit) -> str:
        return _whom(record)

    def render_confirmations(self, record: Deposit) -> Any:
        return confirmations(record) or html.EMPTY

    def export_confirmations(self, record: Deposit) -> Any:
        return record.confirmations

    def render_status(self, record: Deposit) -> Any:
        pills = _pills(record, Deposit.TONES[Deposit.Status(record.status)])
        waits = confirmations(record) if record.status == Deposit.Status.PENDING else ""
        return format_html('<div>{}<span class="cell-sub">{}</span></div>', pills, waits) if waits else pills

    def export_columns(self) -> list[ExportColumn]:
        zone = get_current_timezone_name()
        return [
            *super().export_columns(),
            ExportColumn(gettext("Tag or memo"), lambda one: one.tag),
            ExportColumn(f"{gettext('Credited')} ({zone})", lambda one: one.credited_at),
            ExportColumn(gettext("Provider's word"), lambda one: one.provider_status),
        ]


class WalletDepositTable(DepositTable):
    """The deposits of one wallet, which needs not be named on each line."""

    class Meta(DepositTable.Meta):
        exclude = ("address", "wallet")


def _whom(deposit: Deposit) -> str:
    wallet = deposit.wallet
    return "" if wallet is None else wallet.customer or wallet.label or wallet.reference.value


def confirmations(deposit: Deposit) -> str:
    """How far it is confirmed, as far as that was stated."""
    if deposit.confirmations is None:
        return ""
    needed = deposit.required_confirmations
    return str(deposit.confirmations) if needed is None else f"{deposit.confirmations} / {needed}"
