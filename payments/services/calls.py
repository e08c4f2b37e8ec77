"""Calls to providers: the client of an account with its gate, its guard before bytes, and the record of each call.

Base floor. The only place that hands keys to a provider's client. Decides nothing about money.
"""

from __future__ import annotations

import datetime as dt
import functools
import random
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pyrate_limiter import Limiter, Rate, RedisBucket, SingleBucketFactory
from redis import Redis
from redis.exceptions import NoScriptError, RedisError

from payments.models import ProviderAccount, ProviderCall, Reference
from payments.providers import PROVIDERS, client_for
from payments.providers.errors import ProviderError, RateLimited, Unavailable
from payments.providers.exchange import Exchange, Transport

from . import health
from .failpoints import hit

log = structlog.get_logger(__name__)

# How long a call waits for its turn under the rate limit before it gives up (nothing has left then).
PATIENCE_SECONDS = {"money": 20.0, "callback": 10.0, "read": 4.0, "probe": 4.0, "page": 2.0, "poll": 1.0}
LEAK_SHARE = 0.02  # of the turns also drop what the window no longer needs
PROBE_SECONDS = 5.0  # calls inside a web request
IN_REQUEST = ("probe", "page")  # somebody waits for the answer with the page open
STAGES = {"prepared": "F3", "connected": "F4", "half": "F5", "sent": "F6", "headers": "F7", "body": "F8"}
# How an attempt ends that never left, or was turned away before it was looked at. Any other end may have had an effect.
NO_EFFECT = ("Unavailable", "RateLimited", "Denied", "Invalid", "NotSupported")
POLL_SHARE = 0.7  # of the account's rate: the rest stays free for money-out and callbacks


class NetworkInTransaction(RuntimeError):
    """A provider was about to be called while a transaction was open (DESIGN section 3, rule 3)."""


# --- Rate limit ---
@functools.lru_cache(maxsize=1)
def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=2)


@functools.lru_cache(maxsize=1024)
def _bucket(name: str, per_second: float) -> tuple[Limiter, RedisBucket]:
    rate = Rate(int(per_second), 1000) if per_second >= 1 else Rate(1, int(1000 / per_second))
    bucket = RedisBucket.init([rate], _redis(), f"rate:{name}")
    # Without the library's own thread per bucket: old entries are dropped when a turn is taken.
    return Limiter(SingleBucketFactory(bucket, schedule_leak=False)), bucket


def _turn(name: str, per_second: float, until: float) -> bool:
    limiter, bucket = _bucket(name, per_second)
    if random.random() < LEAK_SHARE:  # noqa: S311 (no secret)
        bucket.leak(bucket.now())
    while not limiter.try_acquire(blocking=False):
        if time.monotonic() >= until:
            return False
        time.sleep(min(0.5, 0.5 / per_second) * random.uniform(0.5, 1.5))  # noqa: S311 (no secret)
    return True


def _take_turn(account: ProviderAccount, priority: str) -> None:
    per_second = float(account.rate_limit or PROVIDERS[account.provider].default_rate)  # a rate, not money
    until = time.monotonic() + PATIENCE_SECONDS[priority]
    turns = [(f"{account.uuid}", per_second)]
    if priority == "poll":
        turns.insert(0, (f"{account.uuid}:poll", max(per_second * POLL_SHARE, 0.1)))
    try:
        if not all(_turn(name, rate, until) for name, rate in turns):
            raise RateLimited(
                "our own limit", retry_after=1, staff=gettext_noop("We call this provider too often now.")
            )
    except NoScriptError:
        _bucket.cache_clear()  # the broker was restarted empty: its script is loaded again next time
        raise Unavailable("rate limiter restarted") from None
    except RedisError as error:
        staff = gettext_noop("The broker does not answer, so nothing is sent.")
        raise Unavailable("rate limiter", staff=staff) from error


# --- The record ---
class _Recorder:
    """Writes the attempt before the socket opens (calls that move or create) and its end afterwards."""

    def __init__(self, account: ProviderAccount, reference: Reference | None, fence: int) -> None:
        self.account, self.reference, self.fence = account, reference, fence
        self.row: ProviderCall | None = None
        self.connected = False
        # Our own gate said no (breaker, rate limit, switched off): that tells nothing about the provider.
        self.turned_away = False

    def __call__(self, stage: str, exchange: Exchange) -> None:
        if stage == "prepared":
            if connection.in_atomic_block:
                raise NetworkInTransaction(exchange.operation)
            if not exchange.safe:
                self.row = self._new(exchange)
                self.row.save(force_insert=True)
        elif stage == "connected":
            self.connected = True
        elif stage == "done":
            self._finish(exchange)
        if not exchange.safe and stage in STAGES:
            hit(STAGES[stage])

    def _new(self, exchange: Exchange) -> ProviderCall:
        earlier = ProviderCall.objects.filter(reference=self.reference, operation=exchange.operation)
        return ProviderCall(
            account=self.account,
            reference=self.reference,
            number=earlier.count() + 1 if self.reference and not exchange.safe else 1,
            operation=exchange.operation,
            safe=exchange.safe,
            method=exchange.method,
            url=exchange.url[:300],
            request=exchange.request_redacted,
            request_digest=exchange.request_digest,
            fence=self.fence,
            deadline=exchange.deadline,
            started_at=exchange.started_at,
            request_id=str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64],
        )

    def _finish(self, exchange: Exchange) -> None:
        if self.turned_away and self.row is None and not self.connected:
            return  # a question that was not even tried
        row = self.row or self._new(exchange)
        row.finished_at = timezone.now()
        row.duration_ms = exchange.duration_ms
        row.http_status = exchange.status
        row.response = exchange.response_redacted
        row.response_digest = exchange.response_digest
        row.outcome = exchange.outcome
        row.error = exchange.error[:300]
        row.reason = exchange.reason
        row.save()
        # What our own gate or guard refused says nothing about the provider.
        if not self.turned_away and not (self.connected and exchange.outcome == "Unavailable"):
            health.note(self.account, exchange)
        log.info(
            "provider.call",
            account=self.account.name,
            operation=exchange.operation,
            reference=self.reference.value if self.reference else "",
            outcome=exchange.outcome,
            http_status=exchange.status,
            duration_ms=exchange.duration_ms,
        )


# --- The client ---
def client(
    account: ProviderAccount,
    *,
    reference: Reference | None = None,
    priority: str = "read",
    guard: Callable[[], None] | None = None,
    fence: int = 0,
    seconds: float = PROBE_SECONDS,
) -> Any:
    """The provider's client for this account. One client is for one call or one row, in one thread.

    `seconds`: how long a call inside a web request (priority "probe") may take.

    `guard` runs after connect and TLS, right before the first byte leaves, and may raise a ProviderError: then
    nothing was sent. Calls made while a transaction is open raise NetworkInTransaction.
    """

    recorder = _Recorder(account, reference, fence)

    def gate(wanted: str) -> None:
        recorder.turned_away = True
        if not account.is_active:
            raise Unavailable("inactive", staff=gettext_noop("This account is switched off."))
        health.gate(account, probing=priority == "probe")
        _take_turn(account, wanted if wanted == "money" else priority)
        recorder.turned_away = False

    limit = seconds if priority in IN_REQUEST else settings.PROVIDER_TOTAL_TIMEOUT
    transport = Transport(
        gate=gate,
        read_priority="poll" if priority == "poll" else "callback" if priority == "callback" else "read",
        before_bytes=guard or (lambda: None),
        record=recorder,
        internal_hosts=settings.PROVIDER_INTERNAL_HOSTS,
        now=timezone.now,
        connect_timeout=settings.PROVIDER_CONNECT_TIMEOUT,
        read_timeout=min(settings.PROVIDER_READ_TIMEOUT, limit),
        total_timeout=min(settings.PROVIDER_TOTAL_TIMEOUT, limit),
        read_pauses=settings.PROVIDER_READ_PAUSES,
    )
    return client_for(
        account.provider,
        base_url=account.base_url,
        credentials=account.keys,
        transport=transport,
        account_key=f"{account.uuid}:{account.updated_at.timestamp()}",
    )


def may_have_left(
    reference: Reference,
    operation: str,
    *,
    fence: int | None = None,
    but: int | None = None,
    after: int | None = None,
) -> bool:
    """Whether an attempt of this operation (under this fence; under any `but` that one; under those `after` that one)
    began and is not proven to have had no effect.

    Only the ends of NO_EFFECT are such a proof. A refusal is none: "already used" is one, too.
    """
    attempts = ProviderCall.objects.filter(reference=reference, operation=operation, safe=False)
    if fence is not None:
        attempts = attempts.filter(fence=fence)
    if but is not None:
        attempts = attempts.exclude(fence=but)
    if after is not None:
        attempts = attempts.filter(fence__gt=after)
    return attempts.exclude(outcome__in=NO_EFFECT).exists()


def over_at(reference: Reference, operation: str) -> dt.datetime | None:
    """From when on the newest attempt can no longer be carried out there; None: none may have left."""
    attempts = ProviderCall.objects.filter(reference=reference, operation=operation, safe=False)
    last = attempts.exclude(outcome__in=NO_EFFECT).order_by("-started_at").first()
    if last is None:
        return None
    lifetime = PROVIDERS[reference.account.provider].request_lifetime * settings.LIFETIME_FACTOR
    return (last.finished_at or last.deadline or last.started_at) + dt.timedelta(seconds=lifetime)


def was_sent_elsewhere(reference: Reference, operation: str, look: ProviderCall) -> bool:
    """Whether an attempt that may have left went to another server than this look-up asked: its no proves nothing."""
    left = ProviderCall.objects.filter(reference=reference, operation=operation, safe=False).exclude(
        outcome__in=NO_EFFECT
    )
    return any(urlsplit(url)[:2] != urlsplit(look.url)[:2] for url in left.values_list("url", flat=True))


def explain(error: ProviderError) -> str:
    """The plain sentence for staff, translated, with the provider's own words behind it."""
    sentence = (
        _(error.staff) % error.params
        if error.staff
        else _("The provider gave an answer that we cannot read.")
    )
    return f"{sentence} ({error.provider_message})" if error.provider_message else sentence


def prune() -> int:
    """Drop the bodies of calls older than TRAFFIC_DAYS; digest, time and outcome stay. Open rows keep theirs."""
    limit = timezone.now() - dt.timedelta(days=settings.TRAFFIC_DAYS)
    return (
        ProviderCall.objects.filter(started_at__lt=limit)
        .exclude(outcome="")
        .exclude(request="", response="")
        .update(request="", response="")
    )
