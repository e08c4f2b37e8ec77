"""Showing a code: by POST only, by operators, written down each time, and nothing of it stays anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from backoffice.models import AuditEntry
from codes.models import Voucher
from payments.models import ProviderAccount
from tests.codes import rows
from tests.payments.rows import browser, text_of

pytestmark = pytest.mark.django_db


def lines() -> list[Any]:
    found = AuditEntry.objects.filter(verb="voucher.revealed").order_by("id")
    return [(entry.actor_name, entry.facts["part"]) for entry in found]


@pytest.fixture
def url(active: Voucher) -> str:
    return f"{active.get_absolute_url()}reveal/"


class TestReveal:
    @pytest.mark.parametrize("role", ["viewer", "approver", "finance", "admin"])
    def test_only_operators(self, url: str, role: str) -> None:
        assert browser(role).get(url).status_code == 403
        assert browser(role).post(url, {"part": "code"}).status_code == 403
        assert lines() == []

    def test_a_look_at_the_page_shows_and_writes_nothing(self, url: str) -> None:
        shown = text_of(browser("operator").get(f"{url}?part=code"))
        assert "Show the code" in shown
        assert rows.CODE not in shown
        assert lines() == []

    def test_with_htmx_it_is_a_fragment_that_nobody_keeps(self, url: str) -> None:
        response = browser("operator").post(url, {"part": "code"}, headers={"HX-Request": "true"})
        shown = text_of(response)
        assert "<html" not in shown
        assert rows.CODE in shown
        assert response.headers["Cache-Control"] == "no-store"
        assert not {"HX-Push-Url", "HX-Replace-Url", "Location"} & set(response.headers)
        assert 'data-secret="60"' in shown

    def test_beside_it_the_page_learns_at_once_who_has_seen_it(self, url: str, active: Voucher) -> None:
        client = browser("operator")
        shown = text_of(client.post(url, {"part": "code"}, headers={"HX-Request": "true"}))
        (name, part), *_ = lines()
        assert 'id="seen-by" hx-swap-oob="true"' in shown
        assert f"{name} · {part}" in shown
        page = text_of(client.get(active.get_absolute_url()))
        assert page.count('id="seen-by"') == 1
        assert "hx-swap-oob" not in page

    def test_a_code_that_was_given_to_us_does_not_claim_that_nobody_knows_it(
        self, main: ProviderAccount
    ) -> None:
        row = rows.redeeming(main)
        client = browser("operator")
        assert "Nobody has been shown it yet." not in text_of(client.get(row.get_absolute_url()))
        client.post(f"{row.get_absolute_url()}reveal/", {"part": "code"})
        assert "Shown to:" in text_of(client.get(row.get_absolute_url()))

    def test_without_scripts_it_is_a_page(self, url: str) -> None:
        response = browser("operator").post(url, {"part": "code"})
        shown = text_of(response)
        assert "<html" in shown
        assert rows.CODE in shown
        assert response.headers["Cache-Control"] == "no-store"
        assert 'hx-history="false"' in shown

    def test_each_time_is_one_line_and_the_page_afterwards_is_masked(self, url: str, active: Voucher) -> None:
        client = browser("operator")
        client.post(url, {"part": "code"})
        client.post(url, {"part": "password"})
        client.post(url, {"part": "code"})
        assert [part for _who, part in lines()] == ["code", "password", "code"]
        shown = text_of(client.get(active.get_absolute_url()))
        assert rows.CODE not in shown
        assert active.password not in shown
        assert "Code or password shown" in shown
        assert 'hx-history="false"' in shown

    @pytest.mark.parametrize("part", ["", "both", "code_digest"])
    def test_nothing_else_is_shown(self, url: str, part: str) -> None:
        assert "Choose the code or the password." in text_of(browser("operator").post(url, {"part": part}))
        assert lines() == []

    def test_apart_means_apart_and_says_so(self, url: str) -> None:
        ProviderAccount.objects.update(split_handover=True)
        first, second = browser("operator"), browser("operator")
        assert rows.CODE in text_of(first.post(url, {"part": "code"}))
        refused = text_of(first.post(url, {"part": "password"}, headers={"HX-Request": "true"}))
        assert "This account hands over code and password apart" in refused
        assert len(lines()) == 1
        assert 'class="secret-text' in text_of(second.post(url, {"part": "password"}))

    def test_it_needs_the_csrf_token(self, url: str) -> None:
        client = browser("operator")
        client.handler.enforce_csrf_checks = True
        assert client.post(url, {"part": "code"}).status_code == 403
        assert lines() == []

    def test_what_no_key_opens_is_said(self, url: str, active: Voucher) -> None:
        Voucher.objects.filter(pk=active.pk).update(uuid="00000000-0000-4000-8000-000000000000")
        shown = text_of(browser("operator").post(url, {"part": "code"}))
        assert "It cannot be read: another key ring wrote it." in shown

    def test_where_there_is_nothing_to_show_it_says_so(self, asked: Voucher) -> None:
        shown = text_of(browser("operator").get(f"{asked.get_absolute_url()}reveal/"))
        assert "There is nothing to show" in shown
