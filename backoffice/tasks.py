"""The office's own tasks: the interface of workers to services. Holds no rule."""

from __future__ import annotations

from celery import shared_task

from backoffice.services import heartbeat as heartbeats


@shared_task(name="backoffice.heartbeat")
def heartbeat() -> None:
    """Sent by beat every 10 s, run by a worker: both live."""
    heartbeats.beat()


@shared_task(name="backoffice.index_object")
def index_object(kind: str, object_id: int) -> None:
    """Make one object findable, right after it changed."""
    from backoffice.services import search

    search.index(kind=kind, object_ids=[object_id])


@shared_task(name="backoffice.index_search")
def index_search() -> None:
    """Make findable what a lost message left out."""
    from backoffice.services import search

    search.sweep()
