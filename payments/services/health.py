"""The circuit breaker of each account, kept in the database so that all processes and pages share it. Base floor."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from payments.models import AccountHealth, ExceptionItem, ProviderAccount
from payments.providers.errors import Unavailable
from payments.providers.exchange import Exchange

from . import exceptions

State = AccountHealth.State
DENIED_PAUSE = dt.timedelta(minutes=10)
OK_NOTED_EVERY = dt.timedelta(seconds=30)
FAILURES = frozenset({"Unavailable", "OutcomeUnknown"})
SILENT = frozenset({"RateLimited", "Invalid", "NotSupported"})
# What people read on the account's page; the technical line stands behind it.
PLAIN = {
    "Unavailable": gettext_noop("It cannot be reached."),
    "OutcomeUnknown": gettext_noop("It gives no complete answer, or none that we can read."),
    "Denied": gettext_noop("It does not accept our keys or our address."),
}


def gate(account: ProviderAccount, *, probing: bool = False) -> None:
    """Raise Unavailable while the breaker is open; lets one probe through when its time has come."""
    if probing:
        return
    health = AccountHealth.objects.filter(account=account).only("state", "probe_at").first()
    if health is None or health.state not in (State.DOWN, State.DENIED):
        return
    now = timezone.now()
    pause = _pause(health.state)
    mine = AccountHealth.objects.filter(pk=health.pk, probe_at__lte=now).update(probe_at=now + pause)
    if not mine:
        raise Unavailable(
            "breaker open",
            staff="This provider account does not answer at the moment. It is tried again by itself.",
        )


def _pause(state: str) -> dt.timedelta:
    return DENIED_PAUSE if state == State.DENIED else dt.timedelta(seconds=settings.BREAKER_PROBE_SECONDS)


def _plain(exchange: Exchange) -> str:
    sentence = _(PLAIN[exchange.outcome])
    return f"{sentence} ({exchange.error})"[:300] if exchange.error else sentence


def note(account: ProviderAccount, exchange: Exchange) -> None:
    """Remember how a call ended. Any answer in the provider's own words counts as good, a refusal too."""
    if exchange.outcome in SILENT:
        return
    if exchange.outcome == "Denied":
        _denied(account, exchange)
    elif exchange.outcome in FAILURES:
        _failed(account, exchange)
    else:
        _good(account, exchange)


def _good(account: ProviderAccount, exchange: Exchange) -> None:
    now = timezone.now()
    rows = AccountHealth.objects.filter(account=account)
    health = rows.first()
    if (
        health is not None
        and health.state == State.OK
        and health.last_ok_at
        and now - health.last_ok_at < OK_NOTED_EVERY
    ):
        return
    changed = health is None or health.state != State.OK
    rows.update(
        state=State.OK,
        failures=0,
        last_ok_at=now,
        probe_at=None,
        since=now if changed else F("since"),
        clock_skew_ms=F("clock_skew_ms") if exchange.clock_skew_ms is None else exchange.clock_skew_ms,
    )
    exceptions.end(
        kind=ExceptionItem.Kind.DENIED,
        key=str(account.pk),
        note=_("The provider accepts our keys again: the call “%(operation)s” was answered.")
        % {"operation": exchange.operation},
        way=audit.Way.REPLY,
    )


def _failed(account: ProviderAccount, exchange: Exchange) -> None:
    with transaction.atomic():
        health = AccountHealth.objects.select_for_update().get(account=account)
        now = timezone.now()
        health.failures += 1
        state = State.DOWN if health.failures >= settings.BREAKER_FAILURES else State.FAILING
        if health.state == State.DENIED:
            state = State.DENIED
        if state != health.state:
            health.since = now
        if state == State.DOWN:
            health.probe_at = now + _pause(state)
        health.state = state
        health.last_error_at, health.last_error = now, _plain(exchange)
        health.save()


def _denied(account: ProviderAccount, exchange: Exchange) -> None:
    with transaction.atomic():
        health = AccountHealth.objects.select_for_update().get(account=account)
        now = timezone.now()
        if health.state != State.DENIED:
            health.since = now
        health.state, health.probe_at = State.DENIED, now + DENIED_PAUSE
        health.last_error_at, health.last_error = now, _plain(exchange)
        health.save()
        exceptions.open_item(
            kind=ExceptionItem.Kind.DENIED,
            key=str(account.pk),
            title=f"{account.name}: {health.last_error}",
            account=account,
            operation=exchange.operation,
        )


# The middle of the last 20 calls of each account, of the last 15 minutes: a few index rows per account.
PACES = """
SELECT a.id, percentile_disc(0.5) WITHIN GROUP (ORDER BY c.duration_ms)
  FROM payments_provideraccount a CROSS JOIN LATERAL (
       SELECT duration_ms FROM payments_providercall
        WHERE account_id = a.id AND started_at > now() - interval '15 minutes' AND duration_ms IS NOT NULL
        ORDER BY started_at DESC, id DESC LIMIT 20) c
 GROUP BY a.id
"""


def paces() -> dict[int, int]:
    """How long each account's provider takes lately, in ms. Accounts that were not called are missing."""
    with connection.cursor() as cursor:
        cursor.execute(PACES)
        return dict(cursor.fetchall())


def forget(account: ProviderAccount) -> None:
    """Start afresh after an admin changed the keys or the address: the next call is let through."""
    AccountHealth.objects.filter(account=account).update(
        state=State.NEW, failures=0, probe_at=None, last_error="", since=timezone.now(), clock_skew_ms=None
    )
