"""The door for providers' callbacks: what is stored, what is refused, and that it is one INSERT."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from payments.models import Callback, CallbackToken
from payments.services import accounts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def url(account: Any) -> str:
    return accounts.callback_url(account).removeprefix(settings.PUBLIC_URL)


def post(url: str, body: bytes = b'{"uniqueid":"1"}', **headers: str) -> Any:
    return Client(enforce_csrf_checks=True).post(url, body, content_type="application/json", headers=headers)


class TestReceive:
    def test_one_statement_stores_it(self, url: str) -> None:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = post(url, **{"X-SIGNATURE": "ab"})
        assert answer.status_code == 200
        assert len(queries) == 1
        stored = Callback.objects.get()
        assert (bytes(stored.body), stored.signature, stored.status) == (b'{"uniqueid":"1"}', "ab", "new")

    def test_a_burst_of_the_same_is_one_row(self, url: str) -> None:
        assert [post(url).status_code for _time in range(20)] == [200] * 20
        assert Callback.objects.count() == 1

    def test_the_same_after_it_was_claimed_is_a_new_row(self, url: str) -> None:
        post(url)
        Callback.objects.update(status="working")
        post(url)
        assert Callback.objects.count() == 2

    @pytest.mark.parametrize("token", ["x", "x" * 43, "'; DROP TABLE payments_callback; --"])
    def test_an_unknown_token_stores_nothing(self, url: str, token: str) -> None:
        assert post(f"/callbacks/bitloga/{token}/").status_code == 404
        assert not Callback.objects.exists()

    def test_the_token_of_one_provider_is_unknown_to_another(self, url: str) -> None:
        assert post(url.replace("bitloga", "bitexbit")).status_code == 404

    def test_a_retired_token_is_accepted_for_a_while_and_flagged(self, url: str) -> None:
        CallbackToken.objects.update(retired_at=timezone.now() - dt.timedelta(days=29))
        assert post(url).status_code == 200
        assert Callback.objects.get().is_retired_token
        CallbackToken.objects.update(retired_at=timezone.now() - dt.timedelta(days=31))
        assert post(url, b"{}").status_code == 404

    @pytest.mark.parametrize("method", ["get", "put", "head", "patch", "delete"])
    def test_only_post_is_taken(self, url: str, method: str) -> None:
        assert getattr(Client(), method)(url).status_code == 405

    def test_a_missing_trailing_slash_loses_nothing(self, url: str) -> None:
        assert post(url.rstrip("/")).status_code == 200

    def test_64_kib_are_the_most(self, url: str) -> None:
        assert post(url, b"x" * 65536).status_code == 200
        assert post(url, b"x" * 65537).status_code == 413
        assert Callback.objects.count() == 1

    @pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"\x00" * 10, b"NaN", b"[" * 10000, b"a=b&c=d"])
    def test_any_bytes_are_kept_as_they_came(self, url: str, body: bytes) -> None:
        assert post(url, body).status_code == 200
        assert bytes(Callback.objects.get().body) == body

    def test_a_database_that_is_down_asks_for_a_repeat(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_arguments: Any) -> Any:
            raise DatabaseError("gone")

        monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.cursor", broken)
        assert post(url).status_code == 503

    def test_it_needs_no_broker(self, url: str, settings: Any) -> None:
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": "unix:///nowhere",
            }
        }
        assert post(url).status_code == 200

    def test_it_pays_for_no_session(self, url: str) -> None:
        answer = post(url)
        assert not answer.cookies
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
