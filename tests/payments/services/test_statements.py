"""Statements of account: opening + movements = closing, to the last unit, and what the provider stated beside it."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from payments import reports
from payments.models import Balance, BalanceSnapshot, Movement
from payments.services import daily_sums, statements
from tests.payments import rows

pytestmark = pytest.mark.django_db
SEPTEMBER = {"since": dt.date(2026, 9, 1), "until": dt.date(2026, 9, 30)}


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})


@pytest.fixture
def account() -> Any:
    return rows.account("East")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2026-{text}+00:00")


def moved(account: Any, moment: str, amount: str, kind: str = "invoice", **more: Any) -> Movement:
    values = {"currency": "USDT", "way": "system", "key": f"{moment}:{amount}:{kind}", **more}
    return Movement.objects.create(
        account=account, kind=kind, amount=Decimal(amount), booked_at=at(moment), **values
    )


def stated(account: Any, moment: str, amount: str, *, opening: str = "0") -> None:
    Balance.objects.update_or_create(
        account=account,
        currency="USDT",
        defaults={"stated": Decimal(amount), "asked_at": at(moment), "opening": Decimal(opening)},
    )
    BalanceSnapshot.objects.create(
        account=account, currency="USDT", amount=Decimal(amount), asked_at=at(moment)
    )


class TestOver:
    def test_opening_movements_and_closing(self, account: Any) -> None:
        stated(account, "08-01 00:00", "100", opening="100")
        moved(account, "08-31 23:59:59.999999", "10")
        moved(account, "09-01 00:00", "5.000000000000000001")
        moved(account, "09-30 23:59:59.999999", "-3", "withdrawal")
        moved(account, "09-30 12:00", "-0.5", "fee")
        moved(account, "09-15 12:00", "77", on_balance=False)
        moved(account, "10-01 00:00", "1000")
        (one,) = statements.over(**SEPTEMBER)
        assert one.opening == 110
        assert {kind: (line.came, line.went) for kind, line in one.kinds.items()} == {
            "invoice": (Decimal("5.000000000000000001"), 0),
            "withdrawal": (0, -3),
            "fee": (0, Decimal("-0.5")),
        }
        assert one.moved_off.came == 77
        assert one.closing == Decimal("111.500000000000000001")
        assert [label for label, _moved in one.lines] == ["Invoice paid", "Withdrawal", "Fee"]

    def test_one_months_closing_is_the_nexts_opening_and_all_is_the_rows(self, account: Any) -> None:
        other, dice = rows.account("West"), random.Random(7)
        for number in range(200):
            moved(
                dice.choice((account, other)),
                f"{dice.randrange(7, 11):02}-{dice.randrange(1, 31):02} {dice.randrange(24):02}:30",
                f"{dice.choice((1, -1)) * dice.randrange(1, 10**9)}.{dice.randrange(10**17):018}",
                dice.choice(Movement.Kind.values),
                key=str(number),
                currency=dice.choice(("USDT", "BTC")),
                on_balance=dice.random() < 0.8,
            )
        daily_sums.fold(seconds=0, chunk=90)
        october = statements.over(since=dt.date(2026, 10, 1), until=dt.date(2026, 10, 31))
        september = {(one.account.pk, one.currency): one for one in statements.over(**SEPTEMBER)}
        assert len(october) == 4
        for one in october:
            assert one.opening == september[one.account.pk, one.currency].closing
            found = Movement.objects.filter(account=one.account, currency=one.currency, on_balance=True)
            assert one.closing == found.aggregate(s=Sum("amount"))["s"]

    def test_a_rest_is_named(self, account: Any) -> None:
        stated(account, "09-20 00:00", "107", opening="100")
        moved(account, "09-10 00:00", "5")
        (one,) = statements.over(**SEPTEMBER)
        assert (one.closing, one.stated, one.difference) == (105, 107, 2)

    def test_what_was_booked_after_the_statement_is_no_rest(self, account: Any) -> None:
        stated(account, "09-20 00:00", "100", opening="100")
        moved(account, "09-20 00:01", "5")
        (one,) = statements.over(**SEPTEMBER)
        assert (one.stated, one.counted_later, one.difference) == (100, 5, 0)

    def test_nor_is_what_the_provider_knew_before_us(self, account: Any) -> None:
        stated(account, "09-20 00:00", "105", opening="100")
        moved(account, "09-20 00:01", "5")
        (one,) = statements.over(**SEPTEMBER)
        assert (one.counted_later, one.difference) == (0, 0)

    def test_a_statement_of_later_days_is_not_this_months(self, account: Any) -> None:
        stated(account, "09-20 00:00", "100", opening="100")
        stated(account, "10-01 00:00", "900", opening="100")
        (one,) = statements.over(**SEPTEMBER)
        assert (one.stated, one.difference) == (100, 0)
        (before,) = statements.over(since=dt.date(2026, 8, 1), until=dt.date(2026, 8, 31))
        assert before.stated is before.difference is None
        assert before.closing == 100

    def test_what_nobody_states_is_computed(self, account: Any) -> None:
        moved(account, "09-10 00:00", "5", currency="BTC")
        (one,) = statements.over(**SEPTEMBER)
        assert (one.opening, one.closing, one.stated, one.difference) == (0, 5, None, None)

    def test_a_line_says_what_was_compared_with_what_or_that_there_is_nothing_to_compare(
        self, account: Any
    ) -> None:
        stated(account, "09-20 00:00", "100", opening="100")
        moved(account, "09-10 00:00", "-7", currency="RUB", on_balance=False)
        Balance.objects.create(
            account=account, currency="ETH", is_computed=True, opened_at=at("08-01 00:00"), opening=3
        )
        Balance.objects.create(account=account, currency="XRP", is_computed=True)
        page = rows.browser("finance").get("/reports/statements/?since=2026-09-01&until=2026-09-30")
        said = rows.words(rows.text_of(page))
        assert "USDT: unchanged the provider stated the same at 2026-09-20 00:00 100.00 USDT" in said
        assert "RUB: on no balance of this account" in said
        assert "ETH: unchanged computed; the provider states nothing to compare it with 3.00 ETH" in said
        assert "XRP: unchanged not known: no opening balance was entered" in said
        assert " 0.00" not in said.split("RUB:")[1].split("USDT:")[0]

    def test_account_and_currency_narrow_it(self, account: Any) -> None:
        other = rows.account("West")
        for one in (account, other):
            for currency in ("USDT", "BTC"):
                moved(one, "09-10 00:00", "5", key=f"{one}{currency}", currency=currency)
        made = statements.over(**SEPTEMBER, account=str(other.pk), currency="BTC")
        assert [(one.account, one.currency) for one in made] == [(other, "BTC")]

    def test_what_is_marked_is_told_apart_on_balance_and_off_it(self, account: Any) -> None:
        stated(account, "09-20 00:00", "100", opening="100")
        moved(account, "09-20 00:01", "5")
        moved(account, "09-20 00:02", "-3", tag="coinjoin")
        moved(account, "09-20 00:03", "7", tag="coinjoin", on_balance=False)
        moved(account, "08-20 00:03", "-9", tag="coinjoin")
        daily_sums.fold()
        (one,) = statements.over(**SEPTEMBER)
        assert one.tagged == {"coinjoin": statements.Moved(Decimal(0), Decimal(-3))}
        assert one.tagged_off == {"coinjoin": statements.Moved(Decimal(7), Decimal(0))}
        cells = {column.header: column.value(one) for column in reports.statement_columns()}
        assert cells["Of that tagged coinjoin: out"] == Decimal(-3)
        assert cells["Off balance, tagged coinjoin: in"] == Decimal(7)

    def test_it_takes_five_queries(self, account: Any, django_assert_num_queries: Any) -> None:
        stated(account, "09-20 00:00", "100", opening="100")
        moved(account, "08-20 00:01", "5")
        moved(account, "09-20 00:01", "5")
        daily_sums.fold()
        with django_assert_num_queries(5):
            statements.over(**SEPTEMBER)
