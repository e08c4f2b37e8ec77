"""The door for providers' callbacks: what is stored, what is refused, and that it is one INSERT."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice.middleware import CallbackShortcut
from payments.models import Callback, CallbackToken
from payments.services import callback_tokens
from payments.views import callback_guesses

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def url(account: Any) -> str:
    return callback_tokens.callback_url(account).removeprefix(settings.PUBLIC_URL)


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


class TestGuesses:
    """D09: random tokens find nothing, all look alike, and who tries too many is not looked up any more."""

    FORM = "application/x-www-form-urlencoded"

    @pytest.fixture(autouse=True)
    def anew(self) -> Iterator[None]:
        callback_guesses.forget()
        yield
        callback_guesses.forget()

    def guess(self, client: Client, address: str, path: str = "") -> tuple[int, bytes, dict[str, str]]:
        path = path or f"/callbacks/premium_exchanger/{secrets.token_urlsafe(32)}/"
        answer = client.post(path, b"bid_id=501", content_type=self.FORM, REMOTE_ADDR=address)
        return answer.status_code, answer.content, dict(answer.headers)

    @pytest.mark.parametrize("tokens", [2_000, pytest.param(1_000_000, marks=pytest.mark.long)])
    def test_random_tokens_hit_nothing_and_are_told_alike(self, url: str, tokens: int) -> None:
        requests, door = RequestFactory(), CallbackShortcut(lambda _request: HttpResponse(status=500))
        answers = set()
        logging.disable(logging.INFO)  # a line each
        for number in range(tokens):
            # From another address every ten, so that each of them is really looked up.
            turn = number // 10
            request = requests.generic(
                "POST",
                f"/callbacks/premium_exchanger/{secrets.token_urlsafe(32)}/",
                b"bid_id=501",
                content_type=self.FORM,
                REMOTE_ADDR=f"9.{turn >> 16}.{turn >> 8 & 255}.{turn & 255}",
            )
            answer = door(request)
            answers.add((answer.status_code, answer.content, tuple(sorted(answer.headers.items()))))
        logging.disable(logging.NOTSET)
        assert len(answers) == 1
        assert next(iter(answers))[:2] == (404, b"")
        assert not Callback.objects.exists()

    def test_after_20_a_minute_nothing_is_looked_up_for_a_minute(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client, guesser = Client(), "9.9.9.9"
        told = [self.guess(client, guesser) for _guess in range(20)]
        with CaptureQueriesContext(connection) as queries:
            told += [self.guess(client, guesser) for _guess in range(20)]
            told.append(self.guess(client, guesser, url))  # not even the right one, and it looks the same
        assert len(queries) == 0
        assert all(one == told[0] for one in told) and told[0][0] == 404
        assert self.guess(client, "9.9.9.8", url)[0] == 200  # others are not meant
        now = callback_guesses.time.monotonic
        monkeypatch.setattr(callback_guesses.time, "monotonic", lambda: now() + 61)
        assert self.guess(client, guesser, url)[0] == 200

    def test_who_sends_good_ones_is_not_banned_for_dead_ones(self, url: str) -> None:
        client, provider = Client(), "9.9.9.9"
        assert self.guess(client, provider, url)[0] == 200
        assert {self.guess(client, provider)[0] for _guess in range(40)} == {404}
        assert self.guess(client, provider, url)[0] == 200

    def test_another_process_learns_of_it_with_its_first_guess(self, url: str) -> None:
        client = Client()
        for _guess in range(20):
            self.guess(client, "9.9.9.9")
        callback_guesses.forget()
        assert self.guess(client, "9.9.9.9")[0] == 404
        assert self.guess(client, "9.9.9.9", url)[0] == 404

    def test_of_ipv6_the_network_counts_and_a_proxy_of_ours_never(self, url: str) -> None:
        client = Client()
        for number in range(20):
            self.guess(client, f"2a00:1450:4001:82a::{number}")
            self.guess(client, "127.0.0.1")
            self.guess(client, "10.0.0.7")
        assert self.guess(client, "2a00:1450:4001:82a:ffff::1", url)[0] == 404
        assert self.guess(client, "2a00:1450:4001:82b::1", url)[0] == 200
        assert [self.guess(client, one, url)[0] for one in ("127.0.0.1", "10.0.0.7")] == [200, 200]

    def test_without_the_cache_nobody_is_banned_and_nobody_waits_for_it(
        self, url: str, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[int] = []

        def away(*_arguments: Any, **_named: Any) -> bool:
            asked.append(1)
            raise ConnectionError("away")

        monkeypatch.setattr(callback_guesses.cache, "add", away)
        client = Client()
        assert {self.guess(client, "9.9.9.9")[0] for _guess in range(40)} == {404}
        assert self.guess(client, "9.9.9.9", url)[0] == 200
        assert len(asked) == 1
