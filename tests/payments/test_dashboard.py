"""The cards of payments on the dashboard: money in and out, states, trouble."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone

from backoffice import permissions
from backoffice.kit import office
from payments.models import AccountHealth, Approval, Balance, Movement, ProviderAccount, Withdrawal
from payments.services import movements
from tests.factories import person
from tests.objects import Objects
from tests.payments import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def main(settings: Any) -> ProviderAccount:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})
    return rows.account("Main")


def book(
    account: ProviderAccount, amount: str, currency: str = "USDT", *, at: dt.datetime, **more: Any
) -> None:
    with mock.patch.object(movements.timezone, "now", lambda: at):
        rows.movement(account, amount, currency, **more)


def page(role: str = "viewer", **query: str) -> str:
    return rows.browser(role).get("/", query).content.decode()


def card() -> str:
    """The card of accounts as a viewer sees it."""
    return page().split('id="card-accounts"')[1].split('id="card-flow"')[0]


class TestAccounts:
    def other(self, provider: str, name: str) -> ProviderAccount:
        made = ProviderAccount.objects.create(
            provider=provider, name=name, base_url=f"http://{rows.HOST}/{provider}/"
        )
        AccountHealth.objects.create(account=made)
        return made

    def test_each_names_its_provider_and_says_once_that_it_is_computed(self, main: ProviderAccount) -> None:
        coins, salaries = self.other("bitexbit", "Coin desk"), self.other("coinjoin", "Salaries")
        for currency in ("BTC", "ETH", "USDT"):
            Balance.objects.create(
                account=coins, currency=currency, is_computed=True, opened_at=timezone.now(), opening=5
            )
        Balance.objects.create(account=coins, currency="XRP", is_computed=True)
        shown = card()
        of_coins = shown.split(f'id="account-{coins.pk}"')[1].split("</section>")[0]
        assert "bitexbit" in of_coins
        assert of_coins.count("computed, not confirmed by the provider") == 1
        assert of_coins.count("not known: no opening balance was entered") == 1
        of_salaries = shown.split(f'id="account-{salaries.pk}"')[1].split("</section>")[0]
        assert "No money lies here" in of_salaries

    def test_sums_begin_with_what_is_used_and_end_somewhere(self, main: ProviderAccount) -> None:
        self.other("coinjoin", "Salaries")
        for number in range(10):
            Balance.objects.create(
                account=main, currency=f"AA{number}", stated=1, opening=1, asked_at=timezone.now()
            )
        Balance.objects.create(account=main, currency="ZZZ", stated=4, opening=1, asked_at=timezone.now())
        sums = card().split('class="accounts"')[0]
        assert sums.index("ZZZ on 1 account") < sums.index("AA0 on 1 account")
        assert sums.count(" on 1 account") == 8
        assert "and 3 more currencies" in sums


class TestWaits:
    def lines(self, user: Any) -> set[str]:
        return {line.name for line, _count in office.waiting(user, permissions.may)}

    def test_nobody_is_told_of_what_he_cannot_act_on(self, main: ProviderAccount) -> None:
        """Seeing and asking once more is no action: the worker asks by itself."""
        lines = office.registry.waiting.values()
        assert not [
            line.name for line in lines if line.permission.split(".")[1].startswith(("view_", "refresh_"))
        ]
        AccountHealth.objects.update(state="down")
        withdrawal = Objects().one(Withdrawal)
        Withdrawal.objects.update(status="unknown")
        approved_it, outsider = person("approver"), person("approver")
        Approval.objects.create(
            reference=withdrawal.reference,
            step="send",
            approver=approved_it,
            digest="",
            expires_at=timezone.now(),
        )
        assert self.lines(outsider) == {"unknown-withdrawals"}
        assert self.lines(person("admin")) == {"troubled-accounts"}
        for user in (approved_it, person("viewer"), person("operator"), person("finance")):
            assert self.lines(user) == set()
        assert "Nothing at the moment." in page("viewer")


class TestFlow:
    def test_it_is_of_thirty_days_and_of_what_is_on_balance(self, main: ProviderAccount) -> None:
        now = timezone.now()
        book(main, "10", at=now)
        book(main, "5", at=now - dt.timedelta(days=29))
        book(main, "99", at=now - dt.timedelta(days=30, hours=1))
        book(main, "99", at=now, on_balance=False)
        assert "In 30 days 15.00 USDT came in and 0.00 USDT went out." in page()

    def test_days_are_those_of_the_books(self, main: ProviderAccount, settings: Any) -> None:
        settings.TIME_ZONE = "Pacific/Auckland"
        zone = zoneinfo.ZoneInfo("Pacific/Auckland")
        midnight = dt.datetime.combine(timezone.localtime(timezone=zone).date(), dt.time(), tzinfo=zone)
        book(main, "1", at=midnight)
        book(main, "2", at=midnight - dt.timedelta(seconds=1))
        shown = page()
        assert f"{midnight.date()}: in 1.00, out 0.00 USDT" in shown
        assert f"{midnight.date() - dt.timedelta(days=1)}: in 2.00, out 0.00 USDT" in shown

    def test_the_chosen_currency_is_drawn_and_told_in_a_table(self, main: ProviderAccount) -> None:
        now = timezone.now()
        book(main, "10", at=now)
        book(main, "-4", at=now)
        book(main, "0.5", "BTC", at=now)
        shown = page()
        assert "Money in and out per day, USDT" in shown
        assert "In 30 days 10.00 USDT came in and 4.00 USDT went out." in shown
        assert f'<td data-label="Day">{now.date()}</td>' in shown
        assert 'href="?currency=BTC#card-flow"' in shown
        assert "Money in and out per day, BTC" in page(currency="BTC")
        assert "Money in and out per day, USDT" in page(currency="<script>")

    def test_without_movements_it_says_so(self) -> None:
        assert "Nothing has moved on a balance in the last 30 days." in page()


class TestStates:
    def test_counts_lead_to_the_list(self, main: ProviderAccount) -> None:
        rows.reference(main)
        shown = page("operator")
        assert 'href="/invoices/?status=creating"' in shown
        assert "No withdrawal has been requested yet." in shown
        assert "/withdrawals/new/" not in shown
        ProviderAccount.objects.update(money_out=True)
        assert 'href="/withdrawals/new/"' in page("operator")
        assert 'href="/withdrawals/new/"' not in page("approver")

    def test_many_are_counted_to_a_cap(self, main: ProviderAccount, monkeypatch: Any) -> None:
        from backoffice.kit import paging

        for _number in range(3):
            rows.reference(main)
        from payments.models import Invoice

        assert paging.capped_counts(Invoice, "status", ["creating", "paid"], cap=1) == {
            "creating": 2,
            "paid": 0,
        }


class TestFailing:
    def test_who_does_not_answer_stands_there_with_the_reason(self, main: ProviderAccount) -> None:
        AccountHealth.objects.update(state="ok")
        assert "Every account answers." in page()
        AccountHealth.objects.update(state="down", last_error="It cannot be reached.")
        shown = page()
        assert "Every account answers." not in shown
        assert "It cannot be reached." in shown.split('id="card-failing"')[1].split("</section>")[0]

    def test_without_accounts_it_says_so(self) -> None:
        assert "No account is in use." in page()
        assert not Movement.objects.exists()
