"""HTTP header values: what may be sent, and the dates and waits that come back. Holds no provider's words."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from payments.providers.redaction import Secret

#: The longest wait that we believe a provider, in seconds.
MAX_RETRY_AFTER = 3600.0


def sendable(value: Secret | str) -> str:
    """A header's text. Raises ValueError, without the text, for one that HTTP cannot carry."""
    if not _is_plain(value.reveal() if isinstance(value, Secret) else value):
        raise ValueError("not a header")
    return value.reveal() if isinstance(value, Secret) else value


def _is_plain(text: str) -> bool:
    """One word; before a token its scheme may stand."""
    text = text.removeprefix("Bearer ")
    return text.isascii() and text.isprintable() and " " not in text


def date(text: str) -> datetime | None:
    """A Date header, in UTC; None when it cannot be read."""
    with suppress(TypeError, ValueError, OverflowError):
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    return None


def skew_ms(theirs: datetime | None, sent_at: float) -> int | None:
    """Our clock minus theirs, to about half a second.

    A Date header names a whole second: we take its middle, and of our time the middle between sending and
    now.
    """
    if theirs is None:
        return None
    return round(((sent_at + time.time()) / 2 - theirs.timestamp() - 0.5) * 1000)


def retry_after(text: str) -> float | None:
    """Seconds to wait, from a Retry-After header in either form; None when it says nothing readable."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER)
    until = date(text)
    if until is None:
        return None
    return min(max((until - datetime.now(UTC)).total_seconds(), 0.0), MAX_RETRY_AFTER)
