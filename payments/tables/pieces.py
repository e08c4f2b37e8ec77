"""Small pieces that tables, cards and pages share: an account's state as a pill, ages, clocks, switches.

Each draws what it is given; none asks the database or a service.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import simplejson
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.kit import html
from payments.models import AccountHealth, Balance, ProviderAccount

CLOCK_AGREES_MS = 1500  # the answer's Date has whole seconds: less than this is no difference
OLD = dt.timedelta(minutes=15)
SLOW_MS = 5000


def account_state(account: ProviderAccount) -> SafeString:
    """Whether the provider answers for this account, as a pill; an account that is switched off says that."""
    if not account.is_active:
        return html.pill(_("Switched off"), "muted")
    if is_slow(account):
        return html.pill(_("Slow"), "warn")
    return html.pill(account.health.get_state_display(), AccountHealth.TONES[account.health.state])


def is_slow(account: ProviderAccount) -> bool:
    """Whether it answers, but late (where the page has put the account's `pace` on it)."""
    answers = account.is_active and account.health.state == AccountHealth.State.OK
    return answers and (account.pace or 0) >= SLOW_MS


def is_troubled(account: ProviderAccount) -> bool:
    """Whether somebody should look at it: it is in use and does not answer as it should."""
    states = (AccountHealth.State.FAILING, AccountHealth.State.DOWN, AccountHealth.State.DENIED)
    return account.is_active and (account.health.state in states or is_slow(account))


def basis(balance: Balance) -> str:
    """Where a balance comes from, in words."""
    if not balance.is_computed:
        return _("stated by the provider")
    if balance.opened_at is None:
        return _("not known: no opening balance was entered")
    return _("computed, not confirmed by the provider")


def statement(balance: Balance) -> SafeString:
    """How old a stated balance is, and whether the provider still names it; of a computed one that it is."""
    if balance.is_computed:
        return format_html(
            '<span class="computed{}">{}</span>', "" if balance.opened_at else " stale", basis(balance)
        )
    if balance.missing_since is not None:
        return format_html(
            '<div class="stale">{}<span class="cell-sub">{}</span></div>',
            _("not stated any more"),
            _("last %(age)s") % {"age": html.age(balance.asked_at)},
        )
    is_old = balance.asked_at is None or timezone.now() - balance.asked_at > OLD
    return format_html('<span class="{}">{}</span>', "stale" if is_old else "", html.ago(balance.asked_at))


def clock(skew_ms: int | None) -> str:
    """Our clock against the provider's, in words. `skew_ms` is ours minus theirs, to about half a second."""
    if skew_ms is None:
        return _("not known: no answer named its time")
    if abs(skew_ms) < CLOCK_AGREES_MS:
        return _("agrees with the provider's (to about a second)")
    seconds = round(abs(skew_ms) / 1000)
    words = (
        ngettext("ours is %(n)d second ahead", "ours is %(n)d seconds ahead", seconds)
        if skew_ms > 0
        else ngettext("ours is %(n)d second behind", "ours is %(n)d seconds behind", seconds)
    )
    return words % {"n": seconds}


def probe_fact(name: str, value: str) -> tuple[str, str | SafeString]:
    """One line of a connection test: its label, and its value in words, as a pill where that is good or bad news."""
    labels = {"signature": _("Signature"), "key": _("API key"), "service": _("Service")}
    tone = {"accepted": "ok", "wrong": "bad"}.get(value)
    words = _(value) if value else ""
    return labels.get(name, name), html.pill(words, tone) if tone else words


def switch(on: bool, yes: Any = None, no: Any = None) -> SafeString:
    """A switch as a pill."""
    return html.pill(yes or _("On"), "ok") if on else html.pill(no or _("Off"), "muted")


def took(milliseconds: int | None) -> str:
    """How long a call took."""
    if milliseconds is None:
        return ""
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def pretty(text: str) -> str:
    """A JSON text with line breaks, its numbers as they were spelled; any other text as it is."""
    spelled = simplejson.RawJSON
    try:
        found = simplejson.loads(
            text, parse_float=spelled, parse_int=spelled, parse_constant=spelled, object_pairs_hook=_unique
        )
        return (
            simplejson.dumps(found, indent=2, ensure_ascii=False) if isinstance(found, (dict, list)) else text
        )
    except (ValueError, RecursionError):
        return text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that stands twice would vanish from an object: such a text is shown as it came."""
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name stands twice")
    return names
