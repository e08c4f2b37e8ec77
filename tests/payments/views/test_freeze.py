"""The page of the freeze: one person stops, two lift, and everybody sees it on every page."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from payments.models import Freeze, ProviderAccount
from payments.services import freeze
from tests import factories
from tests.payments import rows

pytestmark = pytest.mark.django_db
ROLES = ("viewer", "operator", "approver", "finance", "admin")
URL = "/freeze/"


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})


@pytest.fixture
def main() -> ProviderAccount:
    return rows.account("Main", money_out=True)


@pytest.fixture
def standing() -> Freeze:
    return freeze.set(actor=factories.person("operator"), reason="Keys may have leaked")


def text(response: Any) -> str:
    return response.content.decode()


def stop(role: str, **typed: Any) -> Any:
    browser = rows.browser(role)
    return browser.post(browser.get("/freeze/set/").url, typed)


class TestSetting:
    @pytest.mark.parametrize("role", ROLES)
    def test_all_but_viewers_may_stop_everything(self, role: str) -> None:
        may = role != "viewer"
        browser = rows.browser(role)
        assert ("Stop all sending" in text(browser.get(URL))) == may
        assert browser.get("/freeze/set/").status_code == (302 if may else 403)

    def test_one_click_with_a_reason_stops_everything(self) -> None:
        assert stop("finance", reason="Keys may have leaked").url == URL
        assert Freeze.objects.get(lifted_at__isnull=True).account is None

    def test_one_account_alone_can_be_stopped(self, main: ProviderAccount) -> None:
        stop("operator", account=main.pk, reason="Odd balance")
        assert freeze.current(account=main) is not None
        assert freeze.current() is None

    def test_a_link_to_one_account_fills_it_in(self, main: ProviderAccount) -> None:
        browser = rows.browser("operator")
        shown = text(browser.get(f"/freeze/set/?account={main.pk}", follow=True))
        assert f'<option value="{main.pk}" selected>' in shown

    def test_without_a_reason_nothing_is_stopped_and_the_choice_stays(self, main: ProviderAccount) -> None:
        shown = text(stop("operator", account=main.pk, reason=" "))
        assert "This field is required" in shown
        assert f'<option value="{main.pk}" selected>' in shown
        assert not Freeze.objects.exists()


class TestBanner:
    @pytest.mark.parametrize("address", ["/", "/invoices/", "/withdrawals/", "/preferences/"])
    def test_stands_on_every_page_for_everybody(self, standing: Freeze, address: str) -> None:
        shown = text(rows.browser("viewer").get(address))
        assert "All sending is stopped: Keys may have leaked" in shown
        assert 'role="alert"' in shown

    def test_names_the_account(self, main: ProviderAccount) -> None:
        freeze.set(actor=factories.person("operator"), account=main, reason="<b>odd</b>")
        shown = text(rows.browser("viewer").get("/invoices/"))
        assert "Sending from Main is stopped: &lt;b&gt;odd&lt;/b&gt;" in shown

    def test_is_gone_when_it_is_lifted(self, standing: Freeze) -> None:
        for _number in range(2):
            freeze.lift(actor=factories.person("approver"))
        assert "is stopped" not in text(rows.browser("viewer").get("/invoices/"))

    def test_costs_one_query(self, standing: Freeze, django_assert_num_queries: Any) -> None:
        from payments.office import _frozen

        with django_assert_num_queries(1):
            assert len(_frozen()) == 1


class TestLifting:
    def test_two_approvers_lift_it(self, standing: Freeze) -> None:
        url = f"/freeze/{standing.pk}/lift/"
        first, second = rows.browser("approver"), rows.browser("approver")
        shown = text(first.post(url, follow=True))
        assert "You have said yes." in shown
        assert "You have said yes to sending again. A second approver must say so too." in shown
        assert "One more approver is needed" in text(second.get(URL))
        assert "it is lifted, and what was approved is sent at once" in text(second.get(url))
        assert "Lifted." in text(second.post(url, follow=True))
        assert freeze.current() is None
        assert "Keys may have leaked" in text(second.get(URL))  # among what was before

    def test_one_approver_cannot_do_it_twice(self, standing: Freeze) -> None:
        browser = rows.browser("approver")
        browser.post(f"/freeze/{standing.pk}/lift/")
        shown = text(browser.post(f"/freeze/{standing.pk}/lift/", follow=True))
        assert "A second person must lift it." in shown
        assert freeze.current() is not None

    @pytest.mark.parametrize("why", ["a day is over", "no approver any more"])
    def test_an_old_yes_is_none(self, standing: Freeze, why: str) -> None:
        first, second = factories.person("approver"), factories.person("approver")
        freeze.lift(actor=first)
        if why == "a day is over":
            Freeze.objects.update(first_lift_at=timezone.now() - dt.timedelta(hours=25))
        else:
            first.groups.clear()
        assert freeze.lift(actor=second).lifted_at is None
        third = factories.person("approver")
        assert freeze.lift(actor=third).lifted_at is not None

    @pytest.mark.parametrize("role", ["viewer", "operator", "finance", "admin"])
    def test_others_see_why_they_have_no_button(self, standing: Freeze, role: str) -> None:
        browser = rows.browser(role)
        shown = text(browser.get(URL))
        assert "Two approvers lift it together." in shown
        assert f"/freeze/{standing.pk}/lift/" not in shown
        assert browser.post(f"/freeze/{standing.pk}/lift/").status_code == 403

    def test_looking_at_the_page_lifts_nothing(self, standing: Freeze) -> None:
        rows.browser("approver").get(f"/freeze/{standing.pk}/lift/")
        standing.refresh_from_db()
        assert standing.first_lift_by is None
