"""Provider calls: for approvers and admins, texts escaped and pretty, calls whose end nobody saw."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from payments.models import ProviderCall
from tests.payments import rows

pytestmark = pytest.mark.django_db
URL = "/calls/"


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})


class TestList:
    @pytest.mark.parametrize("role", ("viewer", "operator", "approver", "finance", "admin"))
    def test_raw_traffic_is_for_approvers_and_admins(self, role: str) -> None:
        call = rows.call(rows.account())
        browser, wanted = rows.browser(role), 200 if role in ("approver", "admin") else 403
        assert browser.get(URL).status_code == wanted
        assert browser.get(call.get_absolute_url()).status_code == wanted

    def test_it_is_found_by_each_filter(self) -> None:
        account = rows.account()
        reference = rows.reference(account)
        mine = rows.call(account, reference=reference, operation="invoice", safe=False, duration_ms=6000)
        lost = rows.call(rows.account(), outcome="", duration_ms=None, finished_at=None)
        browser = rows.browser("admin")

        def shown(**query: Any) -> set[int]:
            return {row.pk for row in browser.get(URL, query).context["page"].rows}

        assert shown() == {mine.pk, lost.pk}
        assert shown(outcome="none") == {lost.pk}
        for query in (
            {"account": account.pk},
            {"reference": reference.value},
            {"operation": "inv"},
            {"safe": "0"},
            {"took": "5000"},
            {"outcome": "ok"},
            {"since": timezone.localdate().isoformat(), "account": account.pk},
        ):
            assert shown(**query) == {mine.pk}, query
        assert shown(took="30000") == set()

    def test_every_way_a_call_can_end_has_a_word_and_a_tone(self) -> None:
        from payments.providers.errors import CLOSED_SET

        known = {"", "ok", *(error.__name__ for error in CLOSED_SET)}
        assert set(ProviderCall.OUTCOMES) == set(ProviderCall.TONES) == known
        assert ProviderCall.TONES["OutcomeUnknown"] == "warn"

    def test_the_list_does_not_load_what_was_said(self, django_assert_max_num_queries: Any) -> None:
        account = rows.account()
        for _number in range(20):
            rows.call(account)
        browser = rows.browser("admin")
        with django_assert_max_num_queries(11) as seen:
            browser.get(URL)
        assert not any('"response"' in query["sql"] for query in seen.captured_queries)


class TestDetail:
    def page(self, call: ProviderCall) -> str:
        return rows.browser("approver").get(call.get_absolute_url()).content.decode()

    def test_request_and_answer_are_pretty_and_exact(self) -> None:
        page = self.page(rows.call(rows.account(), request_id="req-4711"))
        assert "&quot;amount&quot;: 1.10" in page
        assert "a" * 64 in page
        assert "req-4711" in page
        assert "120 ms" in page

    def test_what_the_provider_said_is_never_run(self) -> None:
        call = rows.call(
            rows.account(),
            response="<html><script>alert(1)</script>",
            error="<b>x</b>",
            outcome="OutcomeUnknown",
        )
        page = self.page(call)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "&lt;b&gt;x" in page
        assert "Outcome unknown" in page

    def test_a_call_whose_end_was_never_seen_says_so(self) -> None:
        begun = timezone.now() - dt.timedelta(minutes=5)
        call = rows.call(
            rows.account(),
            outcome="",
            finished_at=None,
            started_at=begun,
            deadline=begun + dt.timedelta(seconds=35),
            response="",
        )
        page = self.page(call)
        assert "The end of this call was never seen" in page
        assert 'hx-trigger="every' not in page

    def test_one_under_way_keeps_itself_fresh(self) -> None:
        call = rows.call(rows.account(), outcome="", finished_at=None)
        assert 'hx-trigger="every' in self.page(call)
