"""The office's own tasks: the interface of workers to services. Holds no rule."""

from __future__ import annotations

from celery import shared_task

from backoffice.services import heartbeat as heartbeats


@shared_task(name="backoffice.heartbeat")
def heartbeat() -> None:
    """Sent by beat every 10 s, run by a worker: both live."""
    heartbeats.beat()
