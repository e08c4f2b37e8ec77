"""The pages of accounts and the dashboard's card: who sees them, and what they say about a provider in trouble."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.urls import reverse
from django.utils import timezone

from payments.models import AccountHealth, ProviderAccount
from tests.payments import rows

pytestmark = pytest.mark.django_db
ROLES = ("viewer", "operator", "approver", "finance", "admin")


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})


def trouble(account: ProviderAccount, state: str, **more: Any) -> None:
    values = {
        "state": state,
        "failures": 5,
        "since": timezone.now() - dt.timedelta(minutes=12),
        "last_error": "It cannot be reached. (details: ConnectionRefusedError)",
        "last_error_at": timezone.now(),
        "probe_at": timezone.now() + dt.timedelta(seconds=40),
        **more,
    }
    AccountHealth.objects.filter(account=account).update(**values)


class TestList:
    url = "/provider-accounts/"

    @pytest.mark.parametrize("role", ROLES)
    def test_everybody_sees_accounts_and_balances(self, role: str) -> None:
        rows.balance(rows.account("North"), "USDT", "1234.5")
        page = rows.browser(role).get(self.url).content.decode()
        assert "North" in page
        assert "1,234.50" in page
        assert ("New account" in page) == (role == "admin")

    def test_nobody_without_a_role_does(self) -> None:
        assert rows.browser_of(rows.factories.person()).get(self.url).status_code == 403

    def test_a_provider_that_is_down_is_marked_and_found_by_the_filter(self) -> None:
        down, fine = rows.account("Down one"), rows.account("Fine one")
        trouble(down, "down")
        AccountHealth.objects.filter(account=fine).update(state="ok")
        browser = rows.browser("viewer")
        page = browser.get(self.url).content.decode()
        assert 'class="row-bad"' in page
        assert "for 12 min" in page
        found = browser.get(self.url, {"state": "troubled"}).content.decode()
        assert "Down one" in found
        assert "Fine one" not in found

    def test_a_provider_that_answers_late_is_marked(self) -> None:
        slow, quick = rows.account("Late one"), rows.account("Quick one")
        AccountHealth.objects.update(state="ok")
        for took in (20, 9000, 29000):
            rows.call(slow, duration_ms=took)
            rows.call(quick, duration_ms=took // 100)
        rows.call(quick, duration_ms=60000, started_at=timezone.now() - dt.timedelta(hours=1))
        answer = rows.browser("viewer").get(self.url)
        assert {row.name: row.pace for row in answer.context["page"].rows} == {
            "Late one": 9000,
            "Quick one": 90,
        }
        page = answer.content.decode()
        assert page.count(">Slow<") == 1
        assert page.count('class="row-warn"') == 1
        page = rows.browser("viewer").get(slow.get_absolute_url()).content.decode()
        assert "it takes long" in page
        assert "9.0 s" in page
        assert ">Slow<" in rows.browser("viewer").get("/").content.decode()

    def test_the_number_of_queries_does_not_grow_with_the_rows(
        self, django_assert_max_num_queries: Any
    ) -> None:
        browser = rows.browser("viewer")
        for _number in range(12):
            account = rows.account()
            for currency in ("BTC", "USDT", "EUR", "USD", "RUB"):
                rows.balance(account, currency, "1")
        with django_assert_max_num_queries(15):
            page = browser.get(self.url).content.decode()
        assert "and 2 more" in page


class TestDetail:
    def page(self, account: ProviderAccount, role: str = "viewer", **query: str) -> Any:
        return rows.browser(role).get(account.get_absolute_url(), query)

    @pytest.mark.parametrize("role", ROLES)
    def test_everybody_sees_it_but_not_the_raw_traffic(self, role: str) -> None:
        account = rows.account()
        call = rows.call(account)
        page = self.page(account, role).content.decode()
        assert account.base_url in page
        assert (f'href="{call.get_absolute_url()}"' in page) == (role in ("approver", "admin"))
        assert ("Change</a>" in page) == (role == "admin")
        assert ("Ask balances now" in page) == (role != "viewer")

    def test_no_key_stands_on_it(self) -> None:
        page = self.page(rows.account(), "admin").content.decode()
        assert rows.API_KEY not in page
        assert rows.API_SECRET not in page

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            ("down", "does not answer as it should"),
            ("denied", "does not accept our keys"),
            ("failing", "The last calls failed"),
        ],
    )
    def test_trouble_is_said_in_plain_words_with_the_next_try(self, state: str, words: str) -> None:
        account = rows.account()
        trouble(account, state)
        page = self.page(account).content.decode()
        assert words in page
        assert "It cannot be reached." in page
        assert "Next try" in page
        assert "for 12 min" in page

    def test_an_account_that_is_switched_off_says_so_and_asks_nobody(self) -> None:
        page = self.page(rows.account(is_active=False), "operator").content.decode()
        assert "the provider is not called at all" in page
        assert "Ask balances now" not in page

    def test_a_balance_tells_its_age_and_what_is_not_explained(self) -> None:
        account = rows.account()
        rows.balance(
            account,
            "USDT",
            "110",
            opening=Decimal(100),
            drift=Decimal("4.25"),
            drift_since=timezone.now() - dt.timedelta(hours=3),
            asked_at=timezone.now() - dt.timedelta(minutes=3),
        )
        rows.balance(account, "BTC", "1", missing_since=timezone.now())
        page = self.page(account).content.decode()
        assert "3 min ago" in page
        assert "+4.25" in page
        assert "for 3 h" in page
        assert "+5.75" in page  # moved: 110 - 100 - 4.25
        assert "not stated any more" in page

    def test_the_fragment_is_silent_until_something_changes(self) -> None:
        account = rows.account()
        browser = rows.browser("viewer")
        version = browser.get(account.get_absolute_url()).context["version"]
        with mock.patch("payments.views.accounts.time.time", return_value=60.0):
            version = browser.get(account.get_absolute_url()).context["version"]
            query = {"fragment": "1", "v": version}
            assert browser.get(account.get_absolute_url(), query).status_code == 204
            trouble(account, "down")
            fresh = browser.get(account.get_absolute_url(), query)
        assert fresh.status_code == 200
        assert "does not answer as it should" in fresh.content.decode()
        assert "<html" not in fresh.content.decode()

    def test_the_clock_is_told_in_words(self) -> None:
        account = rows.account()
        for skew, words in ((400, "agrees"), (7000, "7 seconds ahead"), (-61000, "61 seconds behind")):
            AccountHealth.objects.filter(account=account).update(clock_skew_ms=skew)
            assert words in self.page(account).content.decode()


class TestRefresh:
    def test_a_worker_is_told_and_the_page_says_so(self, django_capture_on_commit_callbacks: Any) -> None:
        account = rows.account()
        url = reverse("payments:provideraccount_refresh", kwargs={"pk": account.pk})
        browser = rows.browser("operator")
        assert browser.get(url).status_code == 200
        with (
            mock.patch("backoffice.kit.wake.current_app.send_task") as sent,
            django_capture_on_commit_callbacks(execute=True),
        ):
            answer = browser.post(url, follow=True)
        assert sent.call_args.args[0] == "payments.refresh_balance"
        assert "The provider is asked now." in answer.content.decode()

    def test_a_viewer_may_not(self) -> None:
        url = reverse("payments:provideraccount_refresh", kwargs={"pk": rows.account().pk})
        assert rows.browser("viewer").post(url).status_code == 403


class TestCards:
    def test_one_account_shows_its_balances_without_sums(self) -> None:
        rows.balance(rows.account("Lonely"), "USDT", "77.5")
        page = rows.browser("viewer").get("/").content.decode()
        assert "Lonely" in page
        assert "77.50" in page
        assert "on 1 account" not in page

    def test_many_accounts_are_summed_and_cut_with_those_in_trouble_first(self) -> None:
        made = [rows.account(f"acc {number:02}") for number in range(14)]
        for account in made:
            rows.balance(account, "USDT", "10.5")
        trouble(made[13], "denied", last_error="It does not accept our keys or our address.")
        page = rows.browser("admin").get("/").content.decode()
        assert "USDT on 14 accounts" in page
        assert "147.00" in page
        assert "and 2 more accounts" in page
        assert page.index("acc 13") < page.index("acc 00")
        assert "It does not accept our keys" in page
        assert "Accounts whose provider does not answer" in page
        assert "whose provider does not answer" not in rows.browser("viewer").get("/").content.decode()

    def test_an_account_that_is_switched_off_is_in_no_sum(self) -> None:
        rows.balance(rows.account(), "USDT", "1")
        rows.balance(rows.account(is_active=False), "USDT", "50")
        assert "USDT on 1 account<" in rows.browser("viewer").get("/").content.decode()

    def test_the_latest_movements_lead_to_all(self) -> None:
        account = rows.account()
        rows.movement(account, "-3.5")
        page = rows.browser("viewer").get("/").content.decode()
        assert "-3.50" in page
        assert reverse("payments:movement_list") in page

    def test_without_any_account_the_page_says_what_to_do(self) -> None:
        page = rows.browser("viewer").get("/").content.decode()
        assert "There is no account at a provider yet." in page
