"""The tables of withdrawals: the list on the page and in files, what stands before an approver, and past freezes.

Cards are masked in the rows already. Holds no query.
"""

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
from payments.models import Freeze, Withdrawal


class WithdrawalTable(BaseTable):
    """Who gets what from where, what it costs us, and where it stands."""

    caption = _("Withdrawals, newest first")

    reference = LinkColumn(_("Reference"), accessor="reference__value", css="mono")
    created_at = WhenColumn(_("Requested"), orderable=True, initial_sort_descending=True)
    account = Column(_("Account"), accessor="account__name", css="card-too", hide_below="xxl")
    payee = Column(_("Payee"), empty_values=())
    amount = MoneyColumn(_("Payee gets"))
    debit = Column(_("Debit"), empty_values=(), css="cell-money", hide_below="xxl")
    status = StatusColumn(_("Status"))

    class Meta:
        model = Withdrawal
        fields: tuple[str, ...] = (
            "reference",
            "created_at",
            "account",
            "payee",
            "amount",
            "debit",
            "status",
        )
        orderable = False

    def row_class(self, record: Withdrawal) -> str:
        return "row-warn" if record.status == Withdrawal.Status.UNKNOWN else ""

    def render_payee(self, record: Withdrawal) -> SafeString:
        return payee(record)

    def render_debit(self, record: Withdrawal) -> SafeString:
        return debit(record)

    def render_status(self, record: Withdrawal) -> Any:
        pill = html.pill(record.get_status_display(), Withdrawal.TONES[Withdrawal.Status(record.status)])
        held = html.pill(gettext("Held"), "warn") if record.reference.held_at is not None else ""
        return format_html('<span class="pills-cell">{}{}</span>', pill, held)

    # --- In a file: raw values ---
    def export_payee(self, record: Withdrawal) -> str:
        return record.payee

    def export_debit(self, record: Withdrawal) -> Any:
        return record.debit

    def export_columns(self) -> list[ExportColumn]:
        """The columns of the page, and what only a file has room for."""
        zone = get_current_timezone_name()
        return [
            *super().export_columns(),
            ExportColumn(gettext("Destination"), lambda one: one.shown),
            ExportColumn(gettext("Paid from"), lambda one: one.balance_currency),
            ExportColumn(gettext("Debited without fee"), lambda one: one.amount_from),
            ExportColumn(gettext("Fee"), lambda one: one.fee),
            ExportColumn(gettext("Estimated debit"), lambda one: one.estimate),
            ExportColumn(gettext("The most that may be debited"), lambda one: one.max_debit),
            ExportColumn(gettext("Payment system"), lambda one: one.method),
            ExportColumn(gettext("Tag or memo"), lambda one: one.tag),
            ExportColumn(gettext("What for"), lambda one: one.purpose),
            ExportColumn(
                gettext("Requested by"), lambda one: one.created_by and one.created_by.get_username()
            ),
            ExportColumn(f"{gettext('Sent')} ({zone})", lambda one: one.sent_at),
            ExportColumn(f"{gettext('Ended')} ({zone})", lambda one: one.ended_at),
            ExportColumn(gettext("Provider's number"), lambda one: one.provider_id),
            ExportColumn(gettext("Transaction"), lambda one: one.transaction_id),
            ExportColumn(gettext("Provider's word"), lambda one: one.provider_status),
        ]


class ApprovalTable(WithdrawalTable):
    """What an approver is about to approve at once: each row may be taken out again."""

    caption = _("Withdrawals to approve")

    requested = Column(_("Requested by"), accessor="created_by__username", hide_below="lg")
    purpose = Column(_("What for"), css="cell-clip", hide_below="lg")
    max_debit = MoneyColumn(_("Debited at most"), currency="balance_currency")
    available = HtmlColumn(_("Now"))

    class Meta(WithdrawalTable.Meta):
        fields = (
            "reference",
            "requested",
            "account",
            "payee",
            "purpose",
            "amount",
            "max_debit",
            "available",
        )
        exclude = ("created_at", "debit", "status")
        sequence = fields

    def __init__(
        self, data: Any = (), *, keys: dict[int, str], refusals: dict[int, str], **kwargs: Any
    ) -> None:
        self.keys, self.refusals = keys, refusals
        super().__init__(data, pick=self._tick, **kwargs)

    def _tick(self, record: Withdrawal) -> SafeString | str:
        """Ticked from the start, with what was seen of the request; none where it cannot be approved."""
        if record.pk in self.refusals:
            return ""
        label = gettext("Approve %(reference)s") % {"reference": record.reference.value}
        return format_html(
            '<input type="checkbox" class="form-check-input" name="pk" value="{}" aria-label="{}" checked>',
            self.keys[record.pk],
            label,
        )

    def row_class(self, record: Withdrawal) -> str:
        return "row-warn" if record.pk in self.refusals else ""

    def render_payee(self, record: Withdrawal) -> SafeString:
        return payee(record, whole=True)

    def render_available(self, record: Withdrawal) -> SafeString:
        if why := self.refusals.get(record.pk):
            return format_html('<span class="stale">{}</span>', why)
        return html.pill(gettext("Can be approved"), "ok")


class FreezeTable(BaseTable):
    """What was stopped, by whom, why, and who let it go on."""

    caption = _("Freezes, newest first")

    account = Column(_("What"), default=_("Everything"), accessor="account__name")
    reason = Column(_("Reason"), css="text-break cell-wide")
    set_by = Column(_("Set by"), accessor="set_by__username")
    set_at = WhenColumn(_("From"))
    lifted = HtmlColumn(_("Lifted by"))
    lifted_at = WhenColumn(_("Until"))

    class Meta:
        model = Freeze
        fields = ("account", "reason", "set_by", "set_at", "lifted", "lifted_at")
        orderable = False

    def render_lifted(self, record: Freeze) -> str:
        names = [person.get_username() for person in (record.first_lift_by, record.lifted_by) if person]
        return ", ".join(names)


# --- Pieces ---
def payee(record: Withdrawal, *, whole: bool = False) -> SafeString:
    """Who gets it and where; a long address is cut in its middle, unless it is to be read `whole`."""
    name = " ".join(filter(None, (record.fields.get("name", ""), record.fields.get("surname", ""))))
    shown = record.shown if whole or len(record.shown) <= 22 else f"{record.shown[:12]}…{record.shown[-8:]}"
    return format_html(
        '<div>{}<span class="cell-sub text-{}" title="{}">{}</span></div>',
        record.payee or name or record.method,
        "break" if whole else "nowrap",
        f"{record.shown} ({record.method})",
        shown,
    )


def debit(record: Withdrawal) -> SafeString:
    """What was debited; before that, what it is estimated at or may be at most."""
    if record.debit is not None:
        return html.money(record.debit, record.balance_currency)
    if record.estimate is not None:
        amount, word = record.estimate, gettext("estimated")
    else:
        amount, word = record.max_debit, gettext("at most")
    return format_html(
        '<div>{}<span class="cell-sub">{}</span></div>', html.money(amount, record.balance_currency), word
    )
