"""/healthz, /readyz and /metrics: one word to strangers, and only when it is true."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings

from backoffice import tasks
from backoffice.services import heartbeat

pytestmark = pytest.mark.django_db


class TestHealthz:
    def test_says_ok_without_asking_anything(self, client: Client, django_assert_num_queries) -> None:
        with django_assert_num_queries(0), override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
            response = client.get("/healthz")
        assert (response.status_code, response.content) == (200, b"ok\n")

    def test_takes_no_post(self, client: Client) -> None:
        assert client.post("/healthz").status_code == 405


@pytest.fixture
def no_loop() -> Iterator[None]:
    """The view is asynchronous; a browser of tests before these leaves its loop in this thread."""
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(loop)


@pytest.mark.usefixtures("no_loop")
class TestReadyz:
    def test_ok_with_database_broker_and_a_young_beat(self, client: Client) -> None:
        tasks.heartbeat()
        response = client.get("/readyz")
        assert (response.status_code, response.content) == (200, b"ok\n")

    def test_not_ok_before_the_first_beat_in_a_sentence_and_one_line(
        self, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        response = client.get("/readyz")
        assert (response.status_code, response.content) == (503, b"not ok: no beat within the last minute\n")
        told = [
            one
            for one in caplog.records
            if one.levelno >= logging.WARNING and "django_structlog" not in one.name
        ]
        assert len(told) == 1
        assert "readyz.not_ok" in told[0].getMessage()
        assert not any(one.exc_info for one in caplog.records)

    def test_not_ok_when_the_last_beat_is_older_than_a_minute(self, client: Client) -> None:
        cache.set(heartbeat.KEY, time.time() - heartbeat.LATE_SECONDS - 1)
        assert client.get("/readyz").status_code == 503

    def test_not_ok_without_broker(self, client: Client) -> None:
        tasks.heartbeat()
        with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
            assert client.get("/readyz").status_code == 503

    def test_not_ok_without_database(self, client: Client, monkeypatch) -> None:
        tasks.heartbeat()
        monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
        response = client.get("/readyz")
        assert (response.status_code, response.content) == (503, b"not ok: the database does not answer\n")

    @pytest.mark.parametrize("wanted", ["json", "text", "atom", "rss", "openmetrics"])
    def test_tells_no_details_in_any_format(self, client: Client, wanted: str) -> None:
        response = client.get("/readyz", {"format": wanted})
        assert (response.status_code, response.content) == (503, b"not ok: no beat within the last minute\n")

    def test_is_not_kept_by_caches(self, client: Client) -> None:
        assert "no-store" in client.get("/readyz").headers["Cache-Control"]


class TestMetrics:
    TOKEN = "metrics-token-for-tests"

    def get(self, client: Client, token: str | None) -> int:
        headers = {} if token is None else {"Authorization": token}
        return client.get("/metrics", headers=headers).status_code

    @pytest.mark.parametrize(
        "given", [None, "", "Bearer ", "Bearer wrong", TOKEN, f"Basic {TOKEN}", "Bearer ä"]
    )
    def test_is_not_there_without_its_token(self, client: Client, given: str | None) -> None:
        with override_settings(METRICS_TOKEN=self.TOKEN):
            assert self.get(client, given) == 404

    def test_is_there_with_it(self, client: Client) -> None:
        with override_settings(METRICS_TOKEN=self.TOKEN):
            response = client.get("/metrics", headers={"Authorization": f"Bearer {self.TOKEN}"})
        assert response.status_code == 200
        assert b"python_info" in response.content

    def test_an_empty_setting_opens_nothing(self, client: Client) -> None:
        with override_settings(METRICS_TOKEN=""):
            assert self.get(client, "Bearer ") == 404
