"""Around every request: the callbacks' short way, logs without paths, one id from click to task, headers."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from axes.helpers import get_client_ip_address
from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import resolve, reverse
from django.utils import timezone
from django_structlog.celery.steps import DjangoStructLogInitStep
from structlog.testing import capture_logs

from backoffice import celery, celery_app, logs, middleware
from backoffice.kit import wake
from backoffice.models import Preference

TOKEN = "canary-token-Zm9yLXRlc3Rz_0123456789"


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Every line that the log of a process would get, as text, from structlog and from logging alike."""
    kept: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: kept.append(handler.format(record))  # type: ignore[method-assign]
    options = settings.LOGGING["formatters"]["json"]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=options["processors"], foreign_pre_chain=options["foreign_pre_chain"]
        )
    )
    handler.addFilter(logs.RouteOnly())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield kept
    root.removeHandler(handler)
    root.setLevel(level)


def answer(request: HttpRequest, provider: str, token: str) -> HttpResponse:
    """Stands for the view: says what it was called with, and what the request has."""
    assert not hasattr(request, "session") and not hasattr(request, "user")
    return HttpResponse(f"{provider} {token} {request.method}", status=200 if token == TOKEN else 404)


@pytest.fixture
def short(monkeypatch) -> None:
    monkeypatch.setattr(middleware, "import_string", lambda _name: answer)


class TestCallbackShortcut:
    def test_reaches_the_view_without_session_user_or_csrf(self, short, django_assert_num_queries) -> None:
        client = Client(enforce_csrf_checks=True)
        response = client.post(f"/callbacks/bitloga/{TOKEN}/", b"{}", content_type="application/json")
        assert (response.status_code, response.content.decode()) == (200, f"bitloga {TOKEN} POST")
        assert not response.cookies

    def test_works_without_the_slash_at_the_end(self, short) -> None:
        assert Client().post(f"/callbacks/bitloga/{TOKEN}").status_code == 200

    def test_is_stepped_over_by_the_other_middlewares(self, short, monkeypatch) -> None:
        monkeypatch.setattr(middleware.StaffMiddleware, "__call__", lambda *_: pytest.fail("not lean"))
        assert Client().post(f"/callbacks/bitloga/{TOKEN}/").status_code == 200

    @pytest.mark.parametrize(
        "path", ["", "bitloga", "bitloga/", f"bitloga/{TOKEN}/more/", "Bit loga/x/", "../admin/x/", "a/%00/"]
    )
    def test_other_paths_below_are_not_found(self, short, path: str) -> None:
        assert Client().post(f"/callbacks/{path}").status_code == 404

    def test_has_the_headers_of_a_closed_page(self, short) -> None:
        for token in (TOKEN, "unknown"):
            headers = Client().post(f"/callbacks/bitloga/{token}/").headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in headers["Content-Security-Policy"]

    def test_is_the_way_of_the_address_that_providers_get(self) -> None:
        address = reverse("payments:callback_receive", kwargs={"provider": "bitloga", "token": TOKEN})
        found = middleware.CallbackShortcut.PATH.fullmatch(address)
        assert found is not None and found.groupdict() == {"provider": "bitloga", "token": TOKEN}
        view = middleware.CallbackShortcut(lambda _request: HttpResponse())._view
        assert resolve(address).func is view

    @pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
    def test_the_real_view_takes_only_post(self, lines: list[str], method: str) -> None:
        response = getattr(Client(), method)(f"/callbacks/bitloga/{TOKEN}/")
        assert response.status_code == 405
        assert not [line for line in lines if TOKEN in line]

    @pytest.mark.parametrize(
        ("path", "told"),
        # What is stored is told by its row.
        [(f"bitloga/{TOKEN}/", False), (f"{TOKEN}/", True), (f"bitloga/{TOKEN}/more", True)],
    )
    def test_no_log_line_holds_the_token(self, short, lines: list[str], path: str, told: bool) -> None:
        Client().post(f"/callbacks/{path}", headers={"Authorization": "Bearer x"})
        assert any(logs.CALLBACK_ROUTE in line for line in lines) == told
        assert not [line for line in lines if TOKEN in line]

    def test_a_failing_view_is_logged_without_the_token(self, monkeypatch, lines: list[str]) -> None:
        def breaks(request: HttpRequest, **_words: str) -> HttpResponse:
            raise RuntimeError("broken")

        monkeypatch.setattr(middleware, "import_string", lambda _name: breaks)
        client = Client(raise_request_exception=False)
        assert client.post(f"/callbacks/bitloga/{TOKEN}/").status_code == 500
        assert any("broken" in line for line in lines)
        assert not [line for line in lines if TOKEN in line]

    def test_each_has_an_id_of_its_own(self, short) -> None:
        with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as entries:
            for _number in range(2):
                Client().post(f"/callbacks/bitloga/{TOKEN}/more")
        ids = [entry["request_id"] for entry in entries if entry["event"] == "callback"]
        assert len(set(ids)) == 2
        assert "request_id" not in structlog.contextvars.get_contextvars()


@pytest.mark.django_db
class TestRequestLog:
    def test_one_json_line_with_route_code_and_id(self, client: Client, lines: list[str]) -> None:
        client.get("/accounts/login/?next=/secret-place/")
        (line,) = [json.loads(line) for line in lines if "request_finished" in line]
        assert line["request"] == "GET /accounts/login/"
        assert line["code"] == 200 and line["request_id"] and line["ip"] == "127.0.0.1"

    @pytest.mark.parametrize(
        "path",
        [
            "/accounts/password/reset/key/3-canary-reset-key/",
            "/nowhere/canary-reset-key/",
            "/?q=canary-reset-key",
        ],
    )
    def test_paths_and_queries_stay_out(self, client: Client, lines: list[str], path: str) -> None:
        client.get(path)
        assert [line for line in lines if "request_finished" in line]
        assert not [line for line in lines if "canary-reset-key" in line]

    def test_a_made_up_forwarding_header_is_not_believed(self, client: Client, lines: list[str]) -> None:
        client.get("/accounts/login/", headers={"X-Forwarded-For": "203.0.113.9"})
        assert not [line for line in lines if "203.0.113.9" in line]

    def test_the_id_travels_from_the_click_to_the_worker(self, lines: list[str]) -> None:
        def click(_request: HttpRequest) -> HttpResponse:
            wake._send("backoffice.heartbeat", ())
            return HttpResponse()

        with celery_app.connection_for_read() as connection:
            queue = connection.SimpleQueue(celery.MONEY)
            queue.clear()
            middleware.RequestLog(click)(RequestFactory().get("/"))
            message = queue.get(timeout=5)
            message.ack()
            queue.close()
        (clicked,) = [json.loads(line) for line in lines if "request_finished" in line]
        assert message.headers["task"] == "backoffice.heartbeat"
        assert message.headers["__django_structlog__"]["request_id"] == clicked["request_id"]
        # The worker's half: this step binds that header to every line of the task.
        assert DjangoStructLogInitStep in celery_app.steps["worker"]


@pytest.mark.django_db
class TestStaffMiddleware:
    @pytest.fixture
    def person(self):
        return get_user_model().objects.create_user("somebody")

    def page(self, user, monkeypatch, **preference: str) -> tuple[str, HttpResponse]:
        if preference:
            Preference.objects.create(user=user, **preference)
        request = RequestFactory().get("/")
        request.user = get_user_model().objects.get(pk=user.pk)
        inside = []
        response = middleware.StaffMiddleware(
            lambda _request: inside.append(timezone.get_current_timezone_name()) or HttpResponse()
        )(request)
        return inside[0], response

    def test_the_page_is_in_the_persons_zone_and_the_next_one_is_not(self, person, monkeypatch) -> None:
        inside, _response = self.page(person, monkeypatch, time_zone="Asia/Tokyo")
        assert inside == "Asia/Tokyo"
        assert timezone.get_current_timezone_name() == settings.TIME_ZONE

    @pytest.mark.parametrize("zone", ["", "Nowhere/Land", "../../etc/passwd"])
    def test_without_a_known_zone_it_is_the_books_zone(self, person, monkeypatch, zone: str) -> None:
        inside, _response = self.page(person, monkeypatch, time_zone=zone)
        assert inside == settings.TIME_ZONE

    def test_without_the_cache_nobody_signs_in_and_the_page_says_so(self, client: Client, settings) -> None:
        gone = {"BACKEND": settings.CACHES["default"]["BACKEND"], "LOCATION": "redis://127.0.0.1:1/0"}
        settings.CACHES = {"default": gone}
        assert client.get("/accounts/login/").status_code == 200
        response = client.post("/accounts/login/", {"login": "somebody", "password": "x"})
        assert response.status_code == 503
        assert "for the moment" in response.content.decode()

    @pytest.mark.parametrize("debug", [True, False])
    @pytest.mark.parametrize("address", ["/nowhere/", "/invoices/99999/"])
    def test_what_is_not_there_is_said_in_our_words_also_to_developers(
        self, client: Client, settings, address: str, debug: bool
    ) -> None:
        from tests.factories import person as staff

        settings.DEBUG = debug
        client.force_login(staff("viewer"))
        answer = client.get(address)
        assert answer.status_code == 404
        assert "To the dashboard" in answer.content.decode()
        assert "URLconf" not in answer.content.decode()
        assert client.get("/invoices").status_code == 301

    def test_pages_of_who_is_logged_in_are_never_kept(self, person, monkeypatch) -> None:
        _inside, response = self.page(person, monkeypatch)
        assert response.headers["Cache-Control"] == "no-store"
        assert "camera=()" in response.headers["Permissions-Policy"]


class TestClientAddress:
    """Whose request it is, behind the proxies of docs/production.md: what the client writes itself is never believed."""

    @pytest.mark.parametrize(
        ("proxies", "told", "address"),
        [
            (0, None, "10.0.0.9"),
            (0, "198.51.100.7", "10.0.0.9"),
            (1, "198.51.100.7", "198.51.100.7"),
            (1, "203.0.113.66, 198.51.100.7", "198.51.100.7"),
            (2, "203.0.113.66,198.51.100.7, 192.0.2.1", "198.51.100.7"),
            (2, "198.51.100.7", "10.0.0.9"),
            (1, None, "10.0.0.9"),
            (1, "2001:DB8::7", "2001:db8::7"),
            (1, "nonsense", None),
        ],
    )
    def test_it_is_the_one_that_our_outermost_proxy_saw(
        self, proxies: int, told: str | None, address: str | None, settings: Any
    ) -> None:
        settings.PROXY_COUNT = proxies
        headers = {} if told is None else {"HTTP_X_FORWARDED_FOR": told}
        request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.9", **headers)
        assert get_client_ip_address(request) == address
