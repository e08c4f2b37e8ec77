"""The page of balances: what is stated and explained, and sums per currency that equal the database."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone

from payments.models import Balance
from tests.payments import rows

pytestmark = pytest.mark.django_db
URL = "/balances/"


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})


def some_balances() -> None:
    for number, account in enumerate((rows.account("East"), rows.account("West")), start=1):
        rows.balance(account, "USDT", f"{number}00.123456789012345678", opening=Decimal(90))
        rows.balance(account, "EUR", f"{number}0.5", drift=Decimal(f"0.{number}"), drift_since=timezone.now())


class TestList:
    @pytest.mark.parametrize("role", ("viewer", "operator", "approver", "finance", "admin"))
    def test_everybody_sees_it(self, role: str) -> None:
        some_balances()
        page = rows.browser(role).get(URL).content.decode()
        assert "East" in page
        assert "100.123456789012345678" in page

    def test_opening_moved_and_not_explained_make_what_is_stated(self) -> None:
        some_balances()
        found = rows.browser("viewer").get(URL).context["page"].rows
        assert len(found) == 4
        for balance in found:
            assert balance.opening + balance.moved + balance.drift == balance.stated

    def test_what_was_booked_since_the_question_stands_apart(self) -> None:
        account = rows.account()
        asked = timezone.now() - dt.timedelta(minutes=5)
        rows.balance(account, "USDT", "100", asked_at=asked)
        rows.movement(account, "7.25")
        rows.movement(account, "-1")
        rows.movement(account, "50", on_balance=False)
        rows.movement(account, "3", "EUR")
        answer = rows.browser("viewer").get(URL)
        assert answer.context["page"].rows[0].since == Decimal("6.25")
        assert "+6.25" in answer.content.decode()

    def test_sums_equal_the_database_for_each_filter(self) -> None:
        some_balances()
        account = Balance.objects.first().account  # type: ignore[union-attr]
        browser = rows.browser("viewer")
        for query, kept in (
            ({}, {}),
            ({"account": account.pk}, {"account": account}),
            ({"currency": "EUR"}, {"currency": "EUR"}),
        ):
            shown = {
                line["currency"]: (line["stated"], line["opening"], line["drift"], line["moved"])
                for line in browser.get(URL, query).context["sums"]
            }
            wanted = {
                line["currency"]: (
                    line["s"],
                    line["o"],
                    line["d"],
                    line["s"] - line["o"] - line["d"],
                )
                for line in Balance.objects.filter(**kept)
                .order_by()
                .values("currency")
                .annotate(s=Sum("stated"), o=Sum("opening"), d=Sum("drift"))
            }
            assert shown == wanted

    def test_what_is_not_explained_is_found(self) -> None:
        some_balances()
        found = rows.browser("viewer").get(URL, {"look": "unexplained"}).context["page"].rows
        assert {balance.currency for balance in found} == {"EUR"}

    def test_what_is_not_stated_any_more_is_found_and_said(self) -> None:
        rows.balance(rows.account(), "BTC", "1", missing_since=timezone.now())
        rows.balance(rows.account(), "BTC", "2")
        answer = rows.browser("viewer").get(URL, {"look": "missing"})
        assert len(answer.context["page"].rows) == 1
        assert "1 not stated any more" in answer.content.decode()

    def test_a_part_of_the_page_carries_the_fresh_sums(self) -> None:
        some_balances()
        answer = rows.browser("viewer").get(
            URL, {"currency": "EUR"}, headers={"HX-Request": "true", "HX-Target": "list"}
        )
        part = answer.content.decode()
        assert "<html" not in part
        assert 'id="list-sums" hx-swap-oob="true"' in part
        assert "USDT" not in part

    def test_the_file_is_exact_and_for_finance(self) -> None:
        some_balances()
        assert rows.browser("operator").get(URL, {"export": "csv"}).status_code == 403
        answer = rows.browser("finance").get(URL, {"export": "csv", "currency": "USDT"})
        lines = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
        assert [line["Balance"] for line in lines] == [
            "100.123456789012345678",
            "200.123456789012345678",
        ]
        assert lines[0]["Moved"] == "10.123456789012345678"
        assert lines[0]["Asked (UTC)"]
