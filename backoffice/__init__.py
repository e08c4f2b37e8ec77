"""The project package. Exposes the Celery app, so that web code publishes to it and not to a default one."""

from .celery import app as celery_app

__all__ = ["celery_app"]
