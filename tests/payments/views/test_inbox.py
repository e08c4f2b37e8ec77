"""The callback inbox: for approvers and admins, bodies escaped and without secrets, processing again."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from django.urls import reverse

from payments.models import Callback
from tests.payments import rows

pytestmark = pytest.mark.django_db
URL = "/inbox/"
CARD = "4111111111111111"


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})


def replay(callback: Callback) -> str:
    return reverse("payments:callback_replay", kwargs={"pk": callback.pk})


class TestList:
    @pytest.mark.parametrize("role", ("viewer", "operator", "approver", "finance", "admin"))
    def test_raw_traffic_is_for_approvers_and_admins(self, role: str) -> None:
        callback = rows.callback(rows.account())
        browser, wanted = rows.browser(role), 200 if role in ("approver", "admin") else 403
        assert browser.get(URL).status_code == wanted
        assert browser.get(callback.get_absolute_url()).status_code == wanted
        assert (URL in browser.get("/").content.decode()) == (wanted == 200)

    def test_it_is_found_by_status_account_reference_and_address(self) -> None:
        account = rows.account()
        reference = rows.reference(account)
        mine = rows.callback(account, reference=reference, is_retired_token=True)
        forged = rows.callback(rows.account(), status="forged")
        browser = rows.browser("admin")

        def shown(**query: Any) -> set[int]:
            return {row.pk for row in browser.get(URL, query).context["page"].rows}

        assert shown(status="forged") == {forged.pk}
        assert (
            shown(account=account.pk) == shown(reference=reference.value) == shown(retired="1") == {mine.pk}
        )
        assert shown(retired="0") == {forged.pk}

    def test_the_list_does_not_load_the_bodies(self, django_assert_max_num_queries: Any) -> None:
        account = rows.account()
        for _number in range(20):
            rows.callback(account, body=b"x" * 1000)
        browser = rows.browser("admin")
        with django_assert_max_num_queries(11) as seen:
            browser.get(URL)
        assert not any('"body"' in query["sql"] for query in seen.captured_queries)


class TestDetail:
    def test_the_body_is_text_and_never_run(self) -> None:
        callback = rows.callback(rows.account(), b'{"a": "<script>alert(1)</script>", "n": 1.10}')
        page = rows.browser("approver").get(callback.get_absolute_url()).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "1.10" in page

    @pytest.mark.parametrize("body", [b"\xff\xfe\x00garbage", b"", b"[" * 5000, b'{"a":1,"a":2}', b"NaN"])
    def test_a_body_that_is_no_json_is_shown_as_it_came(self, body: bytes) -> None:
        callback = rows.callback(rows.account(), body)
        assert rows.browser("approver").get(callback.get_absolute_url()).status_code == 200

    def test_names_that_stand_twice_are_both_shown(self) -> None:
        callback = rows.callback(rows.account(), b'{"amount":1,"amount":2}')
        page = rows.browser("approver").get(callback.get_absolute_url()).content.decode()
        assert "{&quot;amount&quot;:1,&quot;amount&quot;:2}" in page

    def test_neither_signature_nor_card_nor_key_is_shown(self) -> None:
        body = f'{{"purse": "{CARD}", "api_secret": "{rows.API_SECRET}"}}'.encode()
        for status in ("new", "done", "dead"):
            callback = rows.callback(rows.account(), body, status=status)
            page = rows.browser("admin").get(callback.get_absolute_url()).content.decode()
            assert "411111******1111" in page
            assert CARD not in page
            assert rows.API_SECRET not in page
            assert "abab" * 8 not in page
            assert "128 characters, not shown" in page

    def test_a_retired_address_is_flagged(self) -> None:
        callback = rows.callback(rows.account(), is_retired_token=True)
        page = rows.browser("admin").get(callback.get_absolute_url()).content.decode()
        assert "retired callback address" in page

    def test_one_in_work_keeps_itself_fresh(self) -> None:
        browser = rows.browser("admin")
        waiting = rows.callback(rows.account(), status="waiting", processed_at=None)
        assert "hx-get" in browser.get(waiting.get_absolute_url()).content.decode()
        done = rows.callback(rows.account())
        assert 'hx-trigger="every' not in browser.get(done.get_absolute_url()).content.decode()


class TestReplay:
    def test_the_provider_is_asked_again(self, django_capture_on_commit_callbacks: Any) -> None:
        account = rows.account()
        callback = rows.callback(account, reference=rows.reference(account))
        browser = rows.browser("approver")
        assert "Process again" in browser.get(callback.get_absolute_url()).content.decode()
        assert browser.get(replay(callback)).status_code == 200
        with (
            mock.patch("backoffice.kit.wake.current_app.send_task") as sent,
            django_capture_on_commit_callbacks(execute=True),
        ):
            page = browser.post(replay(callback), follow=True).content.decode()
        assert sent.call_args.args[0] == "payments.refresh_reference"
        assert "The provider is asked now." in page

    def test_a_dead_one_goes_back_into_work(self) -> None:
        callback = rows.callback(rows.account(), status="dead", tries=5)
        page = rows.browser("admin").post(replay(callback), follow=True).content.decode()
        callback.refresh_from_db()
        assert (callback.status, callback.tries) == ("waiting", 0)
        assert callback.next_try_at is not None
        assert "Waiting for the provider" in page
        callback.status = "done"
        callback.save()

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            ("waiting", "still being processed"),
            ("forged", "This was forged."),
            ("stray", "belongs to no transaction of ours"),
        ],
    )
    def test_what_cannot_be_processed_says_why(self, status: str, words: str) -> None:
        callback = rows.callback(rows.account(), status=status)
        browser = rows.browser("admin")
        assert "Process again" not in browser.get(callback.get_absolute_url()).content.decode()
        assert words in browser.post(replay(callback), follow=True).content.decode()

    @pytest.mark.parametrize("role", ("viewer", "operator", "finance"))
    def test_others_may_not(self, role: str) -> None:
        assert rows.browser(role).post(replay(rows.callback(rows.account()))).status_code == 403
