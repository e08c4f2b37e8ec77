"""Pages for machines: /healthz (the process answers), /readyz (it can work), /metrics (with its token).

They say nothing to strangers beyond "ok" or "not ok"; what is wrong stands in the log.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hmac
from typing import Any

import redis.asyncio
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView
from health_check.base import HealthCheck
from health_check.exceptions import ServiceUnavailable
from health_check.views import HealthCheckView

from backoffice.services import heartbeat


@dataclasses.dataclass
class Beat(HealthCheck):
    """Beat and a worker lived within the last minute."""

    def run(self) -> None:
        age = heartbeat.age()
        if age is None or age > heartbeat.LATE_SECONDS:
            raise ServiceUnavailable("No beat within a minute: is beat running, and a worker?")


def _broker() -> redis.asyncio.Redis:
    return redis.asyncio.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2)


class ReadyView(HealthCheckView):
    """200 "ok" when database and broker answer and the last beat is young, else 503 "not ok"."""

    http_method_names = ["get", "head", "options"]
    checks = (
        "health_check.checks.Database",
        ("health_check.contrib.redis.Redis", {"client_factory": _broker}),
        Beat,
    )

    async def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with self.get_executor() as executor:
            results = await asyncio.gather(*(check.get_result(executor) for check in self.get_checks()))
        return _plain(bad=any(result.error for result in results))


def _plain(*, bad: bool) -> HttpResponse:
    return HttpResponse("not ok\n" if bad else "ok\n", content_type="text/plain", status=503 if bad else 200)


ready = login_not_required(ReadyView.as_view())


@login_not_required
@never_cache
@require_safe
def healthy(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks neither database nor broker."""
    return _plain(bad=False)


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text, for whoever holds METRICS_TOKEN. Without it there is no such page."""
    given = request.headers.get("Authorization", "")
    expected = f"Bearer {settings.METRICS_TOKEN}"
    if not settings.METRICS_TOKEN or not hmac.compare_digest(given.encode(), expected.encode()):
        raise Http404
    return ExportToDjangoView(request)
