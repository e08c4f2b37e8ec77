"""Routes of the office's own pages. Those without login say so at their view."""

from __future__ import annotations

from django.urls import path

from . import health

urlpatterns = [
    path("healthz", health.healthy, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
