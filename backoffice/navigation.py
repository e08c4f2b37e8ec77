"""The menu as data, and what every page shows around itself: who is here, the theme, the zone.

Names routes and permissions by string. Holds no page.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

from backoffice import permissions
from backoffice.kit import html, office

THEMES = ("light", "dark", "system")
THEME_COOKIE = "theme"


@dataclass(frozen=True)
class Entry:
    """One place of the menu; current on every route that begins like its own: `invoice`, `invoice_create`; and on those
    that begin like one of `also`.
    """

    label: Any
    url_name: str
    permission: str
    icon: str
    also: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        return self.url_name.removesuffix("_list")

    def covers(self, view_name: str) -> bool:
        stems = (self.stem, *self.also)
        return view_name in stems or view_name.startswith(tuple(f"{stem}_" for stem in stems))


@dataclass(frozen=True)
class Section:
    """A group of places under a small heading; the first has none."""

    label: Any
    entries: tuple[Entry, ...]


MENU: tuple[Section, ...] = (
    Section(
        "",
        (
            Entry(_("Dashboard"), "dashboard", "backoffice.view_dashboard", "layout-dashboard"),
            Entry(
                _("Invoices"),
                "payments:invoice_list",
                "payments.view_invoice",
                "receipt-text",
                also=("payments:invoicepayment",),
            ),
            Entry(_("Payers' links"), "payments:payerlink_list", "payments.view_invoice", "link"),
            Entry(_("Wallets"), "payments:wallet_list", "payments.view_wallet", "qr-code"),
            Entry(_("Deposits"), "payments:deposit_list", "payments.view_deposit", "arrow-down-to-line"),
            Entry(_("Withdrawals"), "payments:withdrawal_list", "payments.view_withdrawal", "send"),
            Entry(_("Batch payouts"), "payments:batchpayout_list", "payments.view_batchpayout", "split"),
            Entry(_("Vouchers"), "codes:voucher_list", "codes.view_voucher", "ticket"),
        ),
    ),
    Section(
        _("Exchange"),
        (
            Entry(_("Directions"), "payments:direction_list", "payments.view_direction", "arrow-right-left"),
            Entry(_("Bids"), "payments:bid_list", "payments.view_bid", "handshake"),
            Entry(
                _("Partner programme"),
                "payments:partnerprogram_list",
                "payments.view_partnerprogram",
                "users",
                also=("payments:partnerpayout", "payments:partnerexchange"),
            ),
        ),
    ),
    Section(
        _("Books"),
        (
            Entry(_("Balances"), "payments:balance_list", "payments.view_balance", "wallet"),
            Entry(_("History"), "payments:movement_list", "payments.view_movement", "arrow-left-right"),
            Entry(_("Liability"), "codes:liability", "codes.view_voucher", "scale"),
            Entry(_("Reports"), "report_list", "backoffice.view_report", "file-chart-column"),
        ),
    ),
    Section(
        _("Set-up"),
        (
            Entry(_("Accounts"), "payments:provideraccount_list", "payments.view_provideraccount", "plug"),
            Entry(
                _("Own destinations"),
                "payments:owndestination_list",
                "payments.view_owndestination",
                "book-user",
            ),
        ),
    ),
    Section(
        _("Control"),
        (
            Entry(
                _("Exceptions"),
                "payments:exceptionitem_list",
                "payments.view_exceptionitem",
                "triangle-alert",
            ),
            Entry(_("Freeze"), "payments:freeze_list", "payments.view_freeze", "octagon-pause"),
            Entry(_("Callback inbox"), "payments:callback_list", "payments.view_callback", "inbox"),
            Entry(
                _("Provider calls"), "payments:providercall_list", "payments.view_providercall", "radio-tower"
            ),
            Entry(_("Audit trail"), "audit_list", "backoffice.view_auditentry", "scroll-text"),
            Entry(_("Administration"), "admin:index", "backoffice.manage_user", "settings"),
        ),
    ),
)


@dataclass(frozen=True)
class Place:
    """A menu entry as the page needs it."""

    entry: Entry
    url: str
    current: bool


def visible(user: Any) -> frozenset[str]:
    """The routes of the entries that this user may see."""
    return frozenset(
        entry.url_name
        for section in MENU
        for entry in section.entries
        if permissions.may(user, entry.permission)
    )


def menu(names: Collection[str], view_name: str) -> list[tuple[Any, list[Place]]]:
    """These entries, by section; the longest stem that covers the route is the current place."""
    seen = [
        (section.label, [entry for entry in section.entries if entry.url_name in names]) for section in MENU
    ]
    covering = [entry for _label, entries in seen for entry in entries if entry.covers(view_name)]
    current = max(covering, key=lambda entry: len(entry.stem), default=None)
    found = [
        (label, [Place(entry, url, entry is current) for entry in entries if (url := _address(entry))])
        for label, entries in seen
    ]
    return [(label, places) for label, places in found if places]


@dataclass(frozen=True)
class DrawnMenu:
    """The menu as HTML, and the current place's name and address ("" where no place is current)."""

    lines: SafeString
    here: str = ""
    url: str = ""


@functools.lru_cache(maxsize=1024)
def _drawn(names: frozenset[str], view_name: str, _language: str | None) -> DrawnMenu:
    """Drawn once for all who see the same: it stands on every page, and has more parts than most."""
    found = menu(names, view_name)
    lines = html.menu(
        (label, [(place.url, place.entry.icon, place.entry.label, place.current) for place in places])
        for label, places in found
    )
    here = next((place for _label, places in found for place in places if place.current), None)
    return DrawnMenu(lines) if here is None else DrawnMenu(lines, str(here.entry.label), here.url)


def _address(entry: Entry) -> str:
    """Where it leads, or "" while its app is not there; a test holds that all of the menu is."""
    try:
        return reverse(entry.url_name)
    except NoReverseMatch:
        return ""


def theme(request: HttpRequest) -> str:
    """This browser's choice (a cookie), else the person's preference, else as the system has it."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    if chosen not in THEMES:
        chosen = getattr(getattr(request.user, "preference", None), "theme", "")
    return chosen if chosen in THEMES else "system"


def waiting_total(user: Any) -> int:
    """How much waits for this person, at most ten seconds old; counted anew while the cache is down."""
    key = f"waiting:{user.pk}"
    total: int | None = None
    with contextlib.suppress(RedisError):
        total = cache.get(key)
    if total is None:
        total = sum(count for _line, count in office.waiting(user, permissions.may))
        with contextlib.suppress(RedisError):
            cache.set(key, total, 10)
    return total


def context(request: HttpRequest) -> dict[str, Any]:
    """The context processor. Everything is looked up only where a template asks for it."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        chosen = request.COOKIES.get(THEME_COOKIE, "")
        return {"theme": chosen if chosen in THEMES else "system"}
    match = request.resolver_match
    # A page that serves objects of every kind says as `place` which route it stands for.
    return {
        "menu": SimpleLazyObject(
            lambda: _drawn(
                visible(user),
                getattr(request, "place", "") or (match.view_name if match else ""),
                get_language(),
            )
        ),
        "my_roles": SimpleLazyObject(
            lambda: [label for role, label in permissions.ROLES.items() if role in permissions.roles_of(user)]
        ),
        "waiting_total": SimpleLazyObject(lambda: waiting_total(user)),
        "notices": SimpleLazyObject(lambda: office.notices(user, permissions.may)),
        "theme": theme(request),
        "zone": get_current_timezone_name(),
    }
