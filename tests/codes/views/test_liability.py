"""What we owe: by currency and age, beside the provider's list, each figure leading to its vouchers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from codes.models import Voucher, VoucherListing
from payments.models import ProviderAccount
from tests import factories
from tests.codes import rows
from tests.payments.rows import browser, text_of, words

pytestmark = pytest.mark.django_db
URL = "/vouchers/liability/"
ROLES = ("viewer", "operator", "approver", "finance", "admin")


@pytest.fixture
def owed(main: ProviderAccount, operator: Any) -> list[Voucher]:
    """Two of 10 USDT, one of them ten days old, and one of 5 EUR."""
    made = [
        rows.made(factories.vouchers(main, actor=operator, **fields)[0], f"aaaa-bbbb-cccc-000{number}")
        for number, fields in enumerate([{}, {}, {"currency": "EUR", "amount": "5"}])
    ]
    Voucher.objects.filter(pk=made[1].pk).update(sent_at=timezone.now() - dt.timedelta(days=10))
    return made


def listed(account: ProviderAccount, **outstanding: list[Any]) -> None:
    VoucherListing.objects.create(account=account, read_at=timezone.now(), outstanding=outstanding)


class TestLiability:
    @pytest.mark.parametrize("role", ROLES)
    def test_everybody_sees_it(self, owed: list[Voucher], role: str) -> None:
        shown = words(text_of(browser(role).get(URL)))
        assert "USDT 2 vouchers 20.00 USDT" in shown
        assert "up to a day 1 10.00 USDT" in shown
        assert "up to 30 days 1 10.00 USDT" in shown
        assert "EUR 1 voucher 5.00 EUR" in shown
        assert "not read yet" in shown

    def test_no_difference_is_said_plainly(self, main: ProviderAccount, owed: list[Voucher]) -> None:
        listed(main, USDT=[2, "20"], EUR=[1, "5"])
        shown = words(text_of(browser("viewer").get(URL)))
        assert shown.count("none: 0") == 2
        assert "We count more" not in shown

    @pytest.mark.parametrize(
        ("stated", "difference", "said"),
        [
            ("15", "+5.00 USDT", "We count more than the list showed"),
            ("25", "-5.00 USDT", "showed more than we"),
        ],
    )
    def test_a_difference_is_explained(
        self, main: ProviderAccount, owed: list[Voucher], stated: str, difference: str, said: str
    ) -> None:
        listed(main, USDT=[2, stated], EUR=[1, "5"])
        shown = words(text_of(browser("viewer").get(URL)))
        assert f"Difference {difference}" in shown
        assert said in shown

    def test_each_figure_leads_to_its_vouchers(self, owed: list[Voucher]) -> None:
        client = browser("viewer")
        query = "direction=issued&status=active&currency=USDT&age=month"
        assert query.replace("&", "&amp;") in text_of(client.get(URL))
        shown = text_of(client.get(f"/vouchers/?{query}"))
        assert owed[1].reference.value in shown
        assert owed[0].reference.value not in shown

    def test_one_account_alone(self, owed: list[Voucher]) -> None:
        other = rows.account("Other")
        client = browser("finance")
        assert "We owe nothing" in text_of(client.get(URL, {"account": other.pk}))
        shown = text_of(client.get(URL, {"account": owed[0].account_id}))
        assert "20.00" in shown
        assert f"status=active&amp;account={owed[0].account_id}&amp;export=csv" in shown
        assert "20.00" in text_of(client.get(URL, {"account": "nonsense"}))

    def test_what_is_in_doubt_stands_beside(self, owed: list[Voucher], asked: Voucher) -> None:
        rows.making_in_doubt(asked)
        assert "In doubt besides 10.00 USDT" in words(text_of(browser("viewer").get(URL)))

    def test_the_dashboard_says_it_in_short(self, owed: list[Voucher]) -> None:
        shown = words(text_of(browser("viewer").get("/")))
        assert "Outstanding, 2 vouchers 20.00 USDT" in shown
        assert "Active: 3" in shown
