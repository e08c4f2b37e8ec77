"""Asking about what is due and sending what is stuck, for every kind that kit.office knows. Conductors' floor.

The row is the queue: nothing here depends on a message having arrived.
"""

from __future__ import annotations

import functools
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
    jobs: list[Callable[[float], int]] = []
    taken = 0
    for kind, model in _asked():
        if taken < limit:
            found = schedule.due(model, limit - taken, sends=kind.sends, account_id=account_id)
            taken += len(found)
            jobs += _jobs(kind, found)
    if not jobs:
        return 0
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(max_workers=min(settings.POLL_THREADS, len(jobs))) as pool:
        done = [pool.submit(job, until) for job in jobs]
        return sum(future.result() for future in as_completed(done))


def _jobs(kind: office.Kind, found: list[tuple[int, int]]) -> list[Callable[[float], int]]:
    """One question per row; one per account where its provider only lists them."""
    by_account: dict[int, list[int]] = {}
    for account, pk in found:
        by_account.setdefault(account, []).append(pk)
    jobs: list[Callable[[float], int]] = []
    for account, ids in by_account.items():
        if kind.scan is not None and kind.scans is not None and kind.scans(account_id=account):
            jobs.append(functools.partial(_scan, kind.scan, kind.kind, account, ids))
        elif kind.refresh is not None:
            jobs += [functools.partial(_ask, kind.refresh, kind.kind, pk) for pk in ids]
    return jobs


def _scan(scan: Callable[..., Any], kind: str, account_id: int, ids: list[int], until: float) -> int:
    try:
        if time.monotonic() > until:
            return 0
        scan(account_id=account_id, ids=ids, way=audit.Way.POLL, priority="poll")
    except ProviderError as error:
        log.info("poll.not_answered", kind=kind, account=account_id, error=type(error).__name__)
    except Exception:
        log.exception("poll.failed", kind=kind, account=account_id)
    finally:
        connections.close_all()
    return len(ids)


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
