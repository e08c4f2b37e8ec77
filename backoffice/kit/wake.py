"""Waking a worker: a hint by task name on commit. The rows are the queue, so a lost hint costs a second.

Knows no task and no app.
"""

from __future__ import annotations

import threading
import time

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

# After a failure the broker is left alone for a moment, so that clicks stay fast while it is down.
_PAUSE_SECONDS = 5.0
_state = threading.local()


def later(task: str, *arguments: int | str) -> None:
    """Send the task by name once this transaction commits. A broker failure is logged and swallowed."""
    transaction.on_commit(lambda: _send(task, arguments), robust=True)


def _send(task: str, arguments: tuple[int | str, ...]) -> None:
    if time.monotonic() < getattr(_state, "down_until", 0.0):
        return
    try:
        current_app.send_task(task, args=arguments, retry=False, ignore_result=True)
    except (OperationalError, RedisError, OSError) as error:
        _state.down_until = time.monotonic() + _PAUSE_SECONDS
        log.warning("wake.failed", task=task, error=type(error).__name__)
