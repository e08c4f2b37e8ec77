"""Who guesses at the addresses of callbacks: after 20 unknown ones a minute an address is answered without a look.

Counted in the cache, remembered in this process, so that a callback with a good token costs neither. Without the cache
nobody is banned: a token has 256 bits, and a lost callback is worse than a futile guess.
"""

from __future__ import annotations

import ipaddress
import time

import structlog
from axes.helpers import get_client_ip_address
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

MINUTE = 60
#: Where a process stops remembering more of them: nobody pays for a list without end.
MOST = 10_000
#: So long the cache is left alone when it did not answer.
PAUSE = 5.0

#: So long a sender of good tokens may send any number of others: a provider keeps calling what we have given up.
WELCOME = 3600
_banned: dict[str, float] = {}
_welcome: dict[str, float] = {}
_silent_until = 0.0


def is_banned(request: HttpRequest) -> bool:
    """Whether this request's address has guessed too often in the last minute. Asks nobody."""
    if not _banned:
        return False
    source = _source(request)
    until = _banned.get(source, 0.0)
    if until and until <= time.monotonic():
        _banned.pop(source, None)
    return until > time.monotonic()


def welcome(request: HttpRequest) -> None:
    """A good token came from this request's address."""
    if len(_welcome) >= MOST:
        _welcome.clear()
    if source := _source(request):
        _welcome[source] = time.monotonic() + WELCOME


def note(request: HttpRequest) -> None:
    """One more unknown token from this request's address."""
    global _silent_until
    source = _source(request)
    if not source or time.monotonic() < max(_silent_until, _welcome.get(source, 0.0)):
        return
    try:
        key = f"callback-guesses:{source}"
        count = 1 if cache.add(key, 1, MINUTE) else cache.incr(key)
    except ValueError:  # it ended in this moment
        return
    except (RedisError, OSError):
        _silent_until = time.monotonic() + PAUSE
        return
    if count >= settings.CALLBACK_GUESSES_PER_MINUTE:
        if len(_banned) >= MOST:
            _banned.clear()
        if source not in _banned:
            log.warning("callback.guessing", source=source)
        _banned[source] = time.monotonic() + MINUTE


def forget() -> None:
    """Start anew, for tests."""
    global _silent_until
    _banned.clear()
    _welcome.clear()
    _silent_until = 0.0


def _source(request: HttpRequest) -> str:
    """The sender's address, of IPv6 its network; "" for one that is not public: that is a proxy of ours, for all."""
    try:
        address = ipaddress.ip_address(get_client_ip_address(request) or "")
    except ValueError:
        return ""
    if not address.is_global:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
