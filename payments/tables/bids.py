"""The tables of exchange bids and of directions, on pages and in files. Accounts and handles stand in none. Holds no query."""

from __future__ import annotations

import datetime as dt
import functools
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.kit import html
from backoffice.kit.exports import ExportColumn
from backoffice.kit.tables import BaseTable, Column, HtmlColumn, LinkColumn, StatusColumn, WhenColumn
from payments.models import Bid, BidAct, BidStatus, Direction

from . import provider_words

OLD = dt.timedelta(minutes=30)
HUNDRED = Decimal(100)


class BidTable(BaseTable):
    """What is exchanged for what, for whom, and where it stands."""

    caption = _("Bids, newest first")

    reference = LinkColumn(_("Reference"), accessor="reference__value", css="mono")
    created_at = WhenColumn(_("Asked for"), orderable=True, initial_sort_descending=True)
    account = Column(_("Account"), accessor="account__name", hide_below="xl", css="card-too")
    customer = Column(_("For"), hide_below="lg", default="", css="card-too")
    give = Column(_("We give"), accessor="give_system", css="cell-money")
    get = Column(_("We receive"), accessor="get_system", css="cell-money")
    status = StatusColumn(_("Status"))

    class Meta:
        model = Bid
        fields = ("reference", "created_at", "account", "customer", "give", "get", "status")
        orderable = False

    def row_class(self, record: Bid) -> str:
        return "row-warn" if record.status == Bid.Status.UNKNOWN else ""

    def render_give(self, record: Bid) -> SafeString:
        return side(record.give, record.give_currency, record.give_system, record.amount_give is None)

    def render_get(self, record: Bid) -> SafeString:
        return side(record.get, record.get_currency, record.get_system, record.amount_get is None)

    def render_status(self, record: Bid) -> Any:
        pill = html.pill(record.get_status_display(), Bid.TONES[Bid.Status(record.status)])
        held = html.pill(gettext("Held"), "warn") if record.reference.held_at is not None else ""
        return format_html('<span class="pills-cell">{}{}</span>', pill, held)

    # --- In a file: raw values ---
    def export_give(self, record: Bid) -> Any:
        return record.give

    def export_get(self, record: Bid) -> Any:
        return record.get

    def export_columns(self) -> list[ExportColumn]:
        """The columns of the page, and what only a file has room for."""
        return [
            *super().export_columns(),
            ExportColumn(gettext("We give: currency"), lambda one: one.give_currency),
            ExportColumn(gettext("We receive: currency"), lambda one: one.get_currency),
            ExportColumn(gettext("To give, as quoted"), lambda one: one.expected_give),
            ExportColumn(gettext("To receive, as quoted"), lambda one: one.expected_get),
            ExportColumn(gettext("Give"), lambda one: one.give_system),
            ExportColumn(gettext("Get"), lambda one: one.get_system),
            ExportColumn(gettext("Provider's number"), lambda one: one.provider_id),
            ExportColumn(gettext("Provider's word"), lambda one: one.provider_status),
            ExportColumn(gettext("Made elsewhere"), lambda one: "1" if one.is_imported else ""),
            ExportColumn(gettext("What for"), lambda one: one.purpose),
        ]


class DirectionTable(BaseTable):
    """One pair of one account: the same pairs stand together, the best rate first."""

    caption = _("Directions, the same pairs together, the best rate first")
    empty = _("The lists of exchangers are read by themselves, once an account at one is there.")

    pair = HtmlColumn(_("Exchange"))
    account = Column(_("Account"), accessor="account__name")
    rate = HtmlColumn(_("Rate"), css="cell-money")
    limits = HtmlColumn(_("Limits"), hide_below="lg")
    reserve = HtmlColumn(_("Reserve"), css="cell-money", hide_below="lg")
    seen = HtmlColumn(_("As of"), css="cell-when")

    class Meta:
        model = Direction
        fields = ("pair", "account", "rate", "limits", "reserve", "seen")
        orderable = False

    def row_class(self, record: Direction) -> str:
        return "" if record.is_offered else "row-muted"

    def render_pair(self, record: Direction) -> SafeString:
        return format_html(
            '<div><a href="{}">{} → {}</a><span class="cell-sub">{} → {}</span></div>',
            record.get_absolute_url(),
            record.give_title,
            record.get_title,
            record.give_code or "?",
            record.get_code or "?",
        )

    def render_rate(self, record: Direction) -> SafeString:
        if record.seen_at is None:
            return format_html('<span class="stale">{}</span>', gettext("not known yet"))
        return format_html(
            '<div>{}<span class="cell-sub">{}</span></div>', course(record), against_best(record)
        )

    def render_limits(self, record: Direction) -> SafeString:
        lines = [
            line
            for side_, code in (("give", record.give_code), ("get", record.get_code))
            if (line := limit(record.said, side_, code))
        ]
        return format_html(
            '<div>{}<span class="cell-sub">{}</span></div>', lines[0] if lines else "", " ".join(lines[1:])
        )

    def render_reserve(self, record: Direction) -> SafeString:
        return html.money(record.reserve, record.get_code)

    def render_seen(self, record: Direction) -> SafeString:
        if not record.is_offered:
            return html.pill(gettext("not offered"), "muted")
        is_old = record.is_older_than(OLD)
        shown = html.ago(record.seen_at) if record.seen_at else gettext("never")
        return format_html(
            '<div class="{}" title="{}">{}</div>', "stale" if is_old else "", record.last_error, shown
        )

    # --- In a file ---
    def export_pair(self, record: Direction) -> str:
        return f"{record.give_title} → {record.get_title}"

    def export_columns(self) -> list[ExportColumn]:
        """The exchanger's own numbers, exactly."""
        names = ("course_give", "course_get", "reserve", "min_give", "max_give", "min_get", "max_get")
        return [
            ExportColumn(gettext("Account"), lambda one: one.account.name),
            ExportColumn(gettext("Give"), lambda one: one.give_title),
            ExportColumn(gettext("We give: currency"), lambda one: one.give_code),
            ExportColumn(gettext("Get"), lambda one: one.get_title),
            ExportColumn(gettext("We receive: currency"), lambda one: one.get_code),
            *(ExportColumn(name, functools.partial(_said, name)) for name in names),
            ExportColumn(gettext("As of"), lambda one: one.seen_at),
        ]


class HistoryTable(BaseTable):
    """What the exchanger told of a bid's past, and what we saw."""

    caption = _("Status history")

    provider_status = Column(_("Provider's word"))
    status = HtmlColumn(_("What it means"))
    told = HtmlColumn(_("When, as stated"))
    seen_at = WhenColumn(_("First seen here"), seconds=True, hide_below="md", css="card-too")

    class Meta:
        model = BidStatus
        fields = ("provider_status", "status", "told", "seen_at")
        orderable = False

    def render_status(self, record: BidStatus) -> SafeString:
        tone = Bid.TONES.get(Bid.Status(record.status), "muted") if record.status else "warn"
        return html.pill(record.get_status_display() or gettext("unknown word"), tone)

    def render_provider_status(self, record: BidStatus) -> str:
        return provider_words.of_bid(record.bid.account.provider, record.provider_status)

    def render_told(self, record: BidStatus) -> str:
        return record.date_text or record.time_text or gettext("not told")


class ActTable(BaseTable):
    """What people had the exchanger do with a bid."""

    caption = _("What was done with it")

    act = Column(_("What"))
    created_by = HtmlColumn(_("Asked by"))
    confirmed_by = Column(_("Confirmed by"), accessor="confirmed_by__username", default="")
    status = HtmlColumn(_("How it ended"))

    class Meta:
        model = BidAct
        fields = ("act", "created_by", "confirmed_by", "status")
        orderable = False

    def render_act(self, record: BidAct) -> SafeString:
        return format_html(
            '<div>{}<span class="cell-sub text-break">{}</span></div>', record.get_act_display(), record.note
        )

    def render_created_by(self, record: BidAct) -> SafeString:
        return format_html(
            '<div>{}<span class="cell-sub">{}</span></div>',
            record.created_by.get_username(),
            html.when(record.created_at, seconds=True),
        )

    def render_status(self, record: BidAct) -> SafeString:
        pill = html.pill(record.get_status_display(), BidAct.TONES[BidAct.Status(record.status)])
        return format_html(
            '<div>{}<span class="cell-sub text-break">{}</span></div>', pill, record.last_error
        )


# --- Pieces ---
def _said(name: str, record: Direction) -> str:
    return str(record.said.get(name, ""))


def side(amount: Any, currency: str, system: str, is_quoted: bool) -> SafeString:
    """An amount with its currency, below it the payment system, and whether the amount is only the quoted one."""
    quoted = ""
    if is_quoted and amount is not None:
        quoted = format_html('<span class="cell-sub">{}</span>', gettext("as quoted"))
    return format_html(
        '<div>{}<span class="cell-sub">{}</span>{}</div>', html.money(amount, currency), system, quoted
    )


def course(record: Direction) -> SafeString:
    """The rate in the exchanger's own numbers."""
    give, got = record.said.get("course_give", ""), record.said.get("course_get", "")
    return format_html(
        '<span class="text-nowrap">{} {} = {} {}</span>', give, record.give_code, got, record.get_code
    )


def against_best(record: Direction) -> SafeString | str:
    """How the rate stands against the best of all accounts for the same pair; "" where there is no other."""
    best = getattr(record, "best", None)
    if not best or not record.rate or not record.is_offered or (getattr(record, "rivals", 0) or 0) < 2:
        return ""
    if record.rate >= best:
        return html.pill(gettext("best"), "ok")
    less = (best - record.rate) / best * HUNDRED
    return gettext("%s %% below the best") % html.amount_text(less.quantize(Decimal("0.01")), places=2)


def limit(said: dict[str, Any], name: str, code: str) -> str:
    """The limits of one side in words; "" where there are none."""
    low, high = said.get(f"min_{name}", ""), said.get(f"max_{name}", "")
    if low and high:
        return f"{low} – {high} {code}"
    if low:
        return gettext("from %(low)s %(code)s") % {"low": low, "code": code}
    return gettext("up to %(high)s %(code)s") % {"high": high, "code": code} if high else ""


def is_old(record: Direction) -> bool:
    """Whether its rate is older than a person should rely on."""
    return record.seen_at is None or timezone.now() - record.seen_at > OLD
