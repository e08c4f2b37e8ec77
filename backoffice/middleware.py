"""What happens around every request: the callbacks' short way, the log line, the person's language and zone.

Holds no rule about money and no page.
"""

from __future__ import annotations

import contextlib
import re
import uuid
import zoneinfo
from collections.abc import Callable

import structlog
from axes.helpers import get_client_ip_address
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.functional import cached_property
from django.utils.module_loading import import_string
from django.views.defaults import page_not_found
from django_structlog.middlewares import RequestMiddleware
from redis.exceptions import RedisError

from backoffice import logs

log = structlog.get_logger(__name__)
Respond = Callable[[HttpRequest], HttpResponse]

NOT_NEEDED = (
    "accelerometer",
    "camera",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "payment",
    "usb",
)
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in NOT_NEEDED)


class CallbackShortcut:
    """Stands first: a provider's callback goes straight to its view, without session, user, language, CSRF.

    The view authenticates by the token in the path; nothing of the path reaches a log.
    """

    VIEW = "payments.views.callbacks.receive"
    PATH = re.compile(r"/callbacks/(?P<provider>[a-z0-9_]{1,32})/(?P<token>[A-Za-z0-9_-]{1,128})/?", re.ASCII)
    HEADERS = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(logs.CALLBACKS):
            return self._callback(request)
        return self.get_response(request)

    @cached_property
    def _view(self) -> Callable[..., HttpResponse]:
        return import_string(self.VIEW)

    def _callback(self, request: HttpRequest) -> HttpResponse:
        """A stored callback is told by its row in the inbox; what was not stored gets a line in the log."""
        found = self.PATH.fullmatch(request.path_info)
        response = self._view(request, **found.groupdict()) if found else HttpResponseNotFound()
        if response.status_code != 200:
            log.info(
                "callback",
                request=f"{request.method} {logs.CALLBACK_ROUTE}",
                provider=found["provider"] if found and response.status_code != 404 else "",
                code=response.status_code,
                request_id=str(uuid.uuid4()),
            )
        for name, value in self.HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class RequestLog(RequestMiddleware):
    """One JSON line per request, bound to its id; the id travels on to the tasks that the request wakes."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {logs.route_of(request)}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        # The address that the lock-out counts by: what a stranger writes into a header is not believed.
        structlog.contextvars.bind_contextvars(ip=get_client_ip_address(request))


class StaffMiddleware:
    """The person's language and zone for the page, and headers that keep pages out of caches."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(None):
            # Pages that nobody logs in for (health, login) need no preference, and no query.
            if request.user.is_authenticated:
                self._activate(request)
            response = self.get_response(request)
            if settings.DEBUG and isinstance(response, HttpResponseNotFound):
                response = page_not_found(request, Http404())  # ours, as in production
        if request.user.is_authenticated:
            response.headers["Cache-Control"] = "no-store"
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Signing in counts tries in the shared cache. Without it nobody can, and the page says so."""
        if not isinstance(exception, RedisError):
            return None
        log.error("cache.down", request=RequestLog.format_request(request), error=type(exception).__name__)
        return render(request, "503.html", status=503)

    def _activate(self, request: HttpRequest) -> None:
        preference = getattr(request.user, "preference", None)
        if preference is None:
            return
        if preference.time_zone:
            with contextlib.suppress(zoneinfo.ZoneInfoNotFoundError, ValueError):
                timezone.activate(zoneinfo.ZoneInfo(preference.time_zone))
        if preference.language and translation.check_for_language(preference.language):
            translation.activate(preference.language)
            request.LANGUAGE_CODE = translation.get_language()
