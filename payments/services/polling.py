"""Asking about what is due and sending what is stuck, for every kind that kit.office knows. Conductors' floor.

The row is the queue: nothing here depends on a message having arrived.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import structlog
from django.apps import apps
from django.conf import settings
from django.db import connections

from backoffice import audit
from backoffice.kit import office
from payments.models import Reference
from payments.providers.errors import ProviderError

from . import schedule

log = structlog.get_logger(__name__)


def _asked() -> Iterable[tuple[office.Kind, Any]]:
    for kind in office.registry.kinds.values():
        if kind.refresh is not None:
            yield kind, apps.get_model(kind.model)


def accounts_due() -> set[int]:
    """The accounts that have something to be asked about now."""
    return {pk for kind, model in _asked() for pk in schedule.accounts_due(model, sends=kind.sends)}


def run_due(*, limit: int, account_id: int | None = None, seconds: float = 30.0) -> int:
    """Ask about up to `limit` due rows with a pool of threads. Gives how many were asked.

    A row that cannot be asked keeps its state and says why. After `seconds` no new question is begun; rows that
    were taken but not asked come again when their lease ends.
    """
    jobs: list[tuple[Callable[..., Any], str, int]] = []
    for kind, model in _asked():
        if len(jobs) < limit:
            found = schedule.due(model, limit - len(jobs), sends=kind.sends, account_id=account_id)
            jobs += [(kind.refresh, kind.kind, pk) for _account, pk in found if kind.refresh]
    if not jobs:
        return 0
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(max_workers=min(settings.POLL_THREADS, len(jobs))) as pool:
        done = [pool.submit(_ask, refresh, name, pk, until) for refresh, name, pk in jobs]
        return sum(future.result() for future in as_completed(done))


def _ask(refresh: Callable[..., Any], kind: str, pk: int, until: float) -> int:
    try:
        if time.monotonic() > until:
            return 0
        refresh(**{f"{kind}_id": pk}, way=audit.Way.POLL, priority="poll")
    except ProviderError as error:
        log.info("poll.not_answered", kind=kind, id=pk, error=type(error).__name__)
    except Exception:
        log.exception("poll.failed", kind=kind, id=pk)
    finally:
        connections.close_all()
    return 1


def refresh_reference(*, value: str) -> None:
    """Ask about the transaction with this reference now. Raises ProviderError as it is."""
    reference = Reference.objects.get(value=value)
    kind = office.kind(reference.kind)
    if kind.refresh is not None:
        kind.refresh(
            **{f"{kind.kind}_id": getattr(reference, kind.kind).pk}, way=audit.Way.POLL, priority="read"
        )


def run_stuck(*, limit: int, seconds: float = 45.0) -> int:
    """Submit intents that wait without a worker: a lost message costs seconds, never the intent. Gives how many.

    After `seconds` none is begun any more, so that no time limit of the task cuts a call off in the middle.
    """
    count, until = 0, time.monotonic() + seconds
    for kind in office.registry.kinds.values():
        if kind.submit is None or not kind.sends:
            continue
        for pk in schedule.stuck(apps.get_model(kind.model), kind.sends, limit):
            if time.monotonic() > until:
                return count
            try:
                kind.submit(**{f"{kind.kind}_id": pk})
            except Exception:
                log.exception("sweep.failed", kind=kind.kind, id=pk)
            count += 1
    return count


def expire() -> int:
    """Let each kind close what is late by our clock."""
    return sum(kind.expire() for kind in office.registry.kinds.values() if kind.expire is not None)
