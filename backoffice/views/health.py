"""Pages for machines: /healthz (the process answers), /readyz (it can work), /metrics (with its token).

They say nothing to strangers beyond "ok", or "not ok" and which of three parts is missing; the rest stands in the log.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hmac
from typing import Any

import redis.asyncio
import structlog
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

log = structlog.get_logger(__name__)
# Fixed words by check: never what the database or the broker said.
WORDS = {
    "Database": "the database does not answer",
    "Redis": "the broker does not answer",
    "Beat": "no beat within the last minute",
}


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
    """200 "ok" when database and broker answer and the last beat is young, else 503 with a sentence, and one log line."""

    http_method_names = ["get", "head", "options"]
    checks = (
        "health_check.checks.Database",
        ("health_check.contrib.redis.Redis", {"client_factory": _broker}),
        Beat,
    )

    async def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with self.get_executor() as executor:
            results = await asyncio.gather(*(check.get_result(executor) for check in self.get_checks()))
        missing = [WORDS[type(result.check).__name__] for result in results if result.error]
        if not missing:
            return _plain("ok")
        words = f"not ok: {', '.join(missing)}"
        log.warning("readyz.not_ok", missing=missing)
        return _plain(words, status=503)


def _plain(words: str, *, status: int = 200) -> HttpResponse:
    response = HttpResponse(f"{words}\n", content_type="text/plain", status=status)
    response._has_been_logged = status != 200  # type: ignore[attr-defined]  # else Django writes a second line
    return response


ready = login_not_required(ReadyView.as_view())


@login_not_required
@never_cache
@require_safe
def healthy(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks neither database nor broker."""
    return _plain("ok")


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
