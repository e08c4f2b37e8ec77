"""The sign of life of beat and workers: a time in the shared cache, written by a beat task. Holds no page."""

from __future__ import annotations

import time

from django.core.cache import cache

KEY = "backoffice.heartbeat"
LATE_SECONDS = 60


def beat() -> None:
    """Note that beat sent a task and a worker ran it just now."""
    cache.set(KEY, time.time(), timeout=24 * 3600)


def age() -> float | None:
    """Seconds since the last beat; None if there was none since the broker's data is there."""
    at = cache.get(KEY)
    return None if at is None else max(0.0, time.time() - at)
