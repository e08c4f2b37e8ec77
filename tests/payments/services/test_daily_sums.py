"""Daily sums: equal to a plain GROUP BY at every moment, whatever was folded, committed late or moved to another zone."""

from __future__ import annotations

import datetime as dt
import random
import threading
import zoneinfo
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from payments import invariants
from payments.models import BooksZone, DailySum, MonthlySum, Movement, UnfoldedMovement
from payments.services import daily_sums, movements
from tests.payments import rows

AMOUNTS = (
    "0.000000000000000001",
    "1",
    "12.5",
    "999999999999999999.999999999999999999",
    "0.00000001",
    "70000",
)
CURRENCIES = ("USDT", "BTC", "EUR")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})


def random_movements(accounts: list[Any], count: int, seed: int) -> None:
    """Rows over two months, with moments at and around midnights of several zones."""
    dice = random.Random(seed)
    begin = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
    offsets = (0, 1, -1, 3600 * 21 + 1800, 3600 * 10 - 1)
    Movement.objects.bulk_create(
        Movement(
            key=f"random:{seed}:{number}",
            account=dice.choice(accounts),
            kind=dice.choice(Movement.Kind.values),
            currency=dice.choice(CURRENCIES),
            amount=Decimal(dice.choice(AMOUNTS)) * dice.choice((1, -1)),
            on_balance=dice.random() < 0.8,
            way="system",
            booked_at=begin
            + dt.timedelta(days=dice.randrange(60), seconds=dice.choice((*offsets, dice.randrange(86400)))),
        )
        for number in range(count)
    )


def plain(by: tuple[str, ...], zone: str, where: str = "true", values: tuple[Any, ...] = ()) -> list[Any]:
    """What a GROUP BY over the rows says, without any of our code."""
    columns = [f"(booked_at AT TIME ZONE '{zone}')::date" if name == "day" else name for name in by]
    columns = ["account_id" if name == "account" else name for name in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)}, count(*), coalesce(sum(amount) FILTER (WHERE amount > 0), 0),"
            " coalesce(sum(amount) FILTER (WHERE amount < 0), 0), sum(amount) FROM payments_movement"
            f" WHERE {where} GROUP BY {', '.join(str(n + 1) for n in range(len(by)))}",
            values,
        )
        return sorted(cursor.fetchall())


def said(by: tuple[str, ...], **scope: Any) -> list[Any]:
    return [tuple(line.values()) for line in daily_sums.totals(by=by, **scope)]


@pytest.fixture
def accounts() -> list[Any]:
    return [rows.account("East"), rows.account("West")]


class TestTotals:
    BY = (
        ("currency",),
        ("currency", "on_balance", "kind"),
        ("day", "currency"),
        daily_sums.KEYS,
    )

    def equal(self, zone: str) -> None:
        for by in self.BY:
            assert said(by) == plain(by, zone), by

    def test_they_equal_the_rows_before_while_and_after_folding(self, accounts: Any) -> None:
        daily_sums.fold()
        random_movements(accounts, 400, seed=1)
        assert UnfoldedMovement.objects.count() == 400
        self.equal("UTC")
        assert daily_sums.fold(seconds=0, chunk=150) == 150
        assert UnfoldedMovement.objects.count() == 250
        self.equal("UTC")
        random_movements(accounts, 100, seed=2)
        self.equal("UTC")
        assert daily_sums.fold(chunk=100) == 350
        assert not UnfoldedMovement.objects.exists()
        assert sum(DailySum.objects.values_list("count", flat=True)) == 500
        self.equal("UTC")
        assert daily_sums.differences() == []

    @pytest.mark.parametrize("zone", ("Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"))
    def test_another_zone_makes_them_anew(self, zone: str, accounts: Any, settings: Any) -> None:
        daily_sums.fold()
        random_movements(accounts, 300, seed=3)
        daily_sums.fold()
        before = said(daily_sums.KEYS)
        settings.TIME_ZONE = zone
        self.equal(zone)  # at once, from the rows
        assert DailySum.objects.exists()
        random_movements(accounts, 50, seed=4)
        daily_sums.fold()
        assert BooksZone.objects.get().zone == zone
        assert not UnfoldedMovement.objects.exists()
        self.equal(zone)
        assert said(daily_sums.KEYS) != before
        assert daily_sums.differences() == []

    def test_every_filter_is_that_of_the_rows(self, accounts: Any) -> None:
        daily_sums.fold()
        random_movements(accounts, 300, seed=5)
        daily_sums.fold(seconds=0, chunk=120)
        by = ("currency", "kind")
        since, until = dt.date(2026, 9, 10), dt.date(2026, 9, 20)
        day = "(booked_at AT TIME ZONE 'UTC')::date"
        for scope, where, values in (
            ({"account": accounts[0].pk}, "account_id = %s", (accounts[0].pk,)),
            ({"currency": "BTC"}, "currency = 'BTC'", ()),
            ({"kind": "fee"}, "kind = 'fee'", ()),
            ({"on_balance": False}, "NOT on_balance", ()),
            ({"since": since}, f"{day} >= %s", (since,)),
            ({"until": until}, f"{day} <= %s", (until,)),
            ({"since": since, "until": since}, f"{day} = %s", (since,)),
            (
                {"since": since, "until": until, "on_balance": True, "currency": "EUR", "kind": "invoice"},
                f"{day} BETWEEN %s AND %s AND on_balance AND currency = 'EUR' AND kind = 'invoice'",
                (since, until),
            ),
        ):
            assert said(by, **scope) == plain(by, "UTC", where, values), scope

    @pytest.mark.parametrize("folded", (0, 200, 300))
    def test_any_days_sum_up_to_the_rows_also_over_whole_months(self, folded: int, accounts: Any) -> None:
        daily_sums.fold()
        random_movements(accounts, 300, seed=9)
        daily_sums.fold(seconds=0, chunk=max(folded, 1))
        by, day = ("currency", "kind"), "(booked_at AT TIME ZONE 'UTC')::date"
        ends = [dt.date(2026, month, number) for month in (8, 9, 10) for number in (1, 2, 15, 30)]
        ends += [dt.date(2026, 8, 31), dt.date(2026, 10, 31), dt.date(2026, 11, 1), dt.date(2027, 2, 1)]
        for since in ends:
            for until in ends:
                wanted = plain(by, "UTC", f"{day} BETWEEN %s AND %s", (since, until))
                assert said(by, since=since, until=until) == wanted, (since, until)
            assert said(by, since=since) == plain(by, "UTC", f"{day} >= %s", (since,)), since
            assert said(by, until=since) == plain(by, "UTC", f"{day} <= %s", (since,)), since

    def test_days_of_a_zone_are_its_own_also_when_clocks_change(self, accounts: Any, settings: Any) -> None:
        settings.TIME_ZONE = "Europe/Berlin"
        daily_sums.fold()
        random_movements(accounts, 10, seed=6)
        day, after = dt.date(2026, 10, 25), dt.date(2026, 10, 26)
        first, beyond = (daily_sums.begins(one).astimezone(dt.UTC) for one in (day, after))
        edges = [first, beyond - dt.timedelta(microseconds=1)]
        assert edges[1] - edges[0] > dt.timedelta(hours=24)
        for number, moment in enumerate([*edges, beyond]):
            Movement.objects.create(
                key=f"edge:{number}",
                account=accounts[0],
                kind="fee",
                currency="XYZ",
                amount=Decimal(1),
                way="system",
                booked_at=moment,
            )
        for _folded in range(2):
            assert [line["count"] for line in daily_sums.totals(by=("day",), currency="XYZ")] == [2, 1]
            assert daily_sums.totals(by=("currency",), currency="XYZ", since=day, until=day)[0]["count"] == 2
            daily_sums.fold()

    def test_it_is_one_query(self, accounts: Any, django_assert_num_queries: Any) -> None:
        daily_sums.fold_all()  # a database that was emptied by other tests has no zone yet
        random_movements(accounts, 20, seed=7)
        with django_assert_num_queries(1):
            daily_sums.totals(by=daily_sums.KEYS)

    def test_of_nothing_is_nothing(self) -> None:
        assert daily_sums.totals(by=("currency",)) == []
        daily_sums.fold()
        assert daily_sums.totals(by=("currency",)) == []


class TestNotes:
    def test_what_is_booked_twice_under_one_key_is_noted_once(self, accounts: Any) -> None:
        daily_sums.fold()
        values = {"account": accounts[0], "kind": "fee", "currency": "USDT", "way": "system"}
        with transaction.atomic():
            first = movements.book(key="once", amount=Decimal(-1), **values)
            assert movements.book(key="once", amount=Decimal(-1), **values) is None
        assert list(UnfoldedMovement.objects.values_list("pk", flat=True)) == [first.pk]
        daily_sums.fold()
        with transaction.atomic():
            assert movements.book(key="once", amount=Decimal(-1), **values) is None
        assert not UnfoldedMovement.objects.exists()
        assert (
            said(("currency",)) == plain(("currency",), "UTC") == [("USDT", 1, 0, Decimal(-1), Decimal(-1))]
        )

    def test_what_is_rolled_back_leaves_no_note(self, accounts: Any) -> None:
        with pytest.raises(RuntimeError), transaction.atomic():
            rows.movement(accounts[0], "5")
            raise RuntimeError
        assert not UnfoldedMovement.objects.exists()


class TestInvariant:
    @pytest.fixture(autouse=True)
    def mended(self, accounts: Any) -> Iterator[None]:
        """The other fixtures check the invariants after the test."""
        daily_sums.fold()
        yield
        daily_sums.fold_all()

    def test_it_sees_a_sum_that_is_wrong(self, accounts: Any) -> None:
        rows.movement(accounts[0], "5")
        assert invariants.sums_agree() == []
        daily_sums.fold()
        assert invariants.sums_agree() == []
        DailySum.objects.update(came=Decimal("5.000000000000000001"))
        breach, _of_its_month = invariants.sums_agree()
        assert "USDT" in breach
        assert "0.000000000000000001" in breach

    def test_it_sees_a_month_that_is_not_that_of_its_days(self, accounts: Any) -> None:
        rows.movement(accounts[0], "5")
        daily_sums.fold()
        MonthlySum.objects.update(count=2)
        assert len(invariants.sums_agree()) == 1

    def test_it_sees_a_lost_note_and_a_second_one(self, accounts: Any) -> None:
        made = rows.movement(accounts[0], "5")
        UnfoldedMovement.objects.all().delete()
        assert len(invariants.sums_agree()) == 1
        daily_sums.fold_all()
        assert invariants.sums_agree() == []
        UnfoldedMovement.objects.create(movement=made)
        assert len(invariants.sums_agree()) == 1


class Booker(threading.Thread):
    """Books one movement on a connection of its own, and commits when it is told to."""

    def __init__(self, account: Any, key: str, amount: str) -> None:
        super().__init__(daemon=True)
        self.account, self.key, self.amount = account, key, amount
        self.booked, self.may_commit = threading.Event(), threading.Event()
        self.number = 0
        self.start()
        assert self.booked.wait(10)

    def run(self) -> None:
        try:
            with transaction.atomic():
                made = movements.book(
                    key=self.key,
                    account=self.account,
                    kind="fee",
                    currency="USDT",
                    amount=Decimal(self.amount),
                    way="system",
                )
                assert made is not None
                self.number = made.pk
                self.booked.set()
                assert self.may_commit.wait(10)
        finally:
            connection.close()

    def commit(self) -> None:
        self.may_commit.set()
        self.join(10)


@pytest.mark.django_db(transaction=True)
class TestLateCommit:
    """A lower number may be committed after a higher one: it must neither be missed nor counted twice."""

    @pytest.fixture
    def pair(self) -> tuple[Booker, Booker]:
        account = rows.account("East")
        daily_sums.fold()
        return Booker(account, "late", "1"), Booker(account, "early", "10")

    def total(self) -> Decimal:
        return sum((line["total"] for line in daily_sums.totals(by=("currency",))), Decimal(0))

    def test_a_lower_number_that_commits_after_a_fold_is_folded_next(self, pair: Any) -> None:
        late, early = pair
        assert late.number < early.number
        early.commit()
        assert daily_sums.fold() == 1
        assert self.total() == 10
        late.commit()
        assert self.total() == 11
        assert daily_sums.fold() == 1
        assert self.total() == 11
        assert daily_sums.differences() == []

    def test_the_control_a_watermark_of_numbers_would_miss_it(self, pair: Any) -> None:
        late, early = pair
        early.commit()
        watermark = max(Movement.objects.values_list("pk", flat=True))
        late.commit()
        assert not Movement.objects.filter(pk__gt=watermark).exists()
        assert Movement.objects.filter(pk__lt=watermark, key="late").exists()
        assert self.total() == 11

    def test_making_them_anew_meanwhile_misses_nothing(self, pair: Any, settings: Any) -> None:
        late, early = pair
        early.commit()
        settings.TIME_ZONE = "Asia/Tokyo"
        daily_sums.fold_all()
        late.commit()
        assert self.total() == 11
        assert UnfoldedMovement.objects.count() == 1
        daily_sums.fold()
        assert self.total() == 11
        assert daily_sums.differences() == []

    def test_readers_see_the_same_total_while_it_is_folded(self) -> None:
        accounts = [rows.account("East"), rows.account("West")]
        daily_sums.fold()
        random_movements(accounts, 400, seed=8)
        wanted, stop = plain(("currency",), "UTC"), threading.Event()

        def work() -> None:
            try:
                while not stop.is_set():
                    daily_sums.fold(seconds=0, chunk=7)
                    if not UnfoldedMovement.objects.exists():
                        daily_sums.fold_all()
            finally:
                connection.close()

        workers = [threading.Thread(target=work, daemon=True) for _number in range(2)]
        for worker in workers:
            worker.start()
        try:
            until = timezone.now() + dt.timedelta(seconds=2)
            while timezone.now() < until:
                assert said(("currency",)) == wanted
        finally:
            stop.set()
            for worker in workers:
                worker.join(10)
        assert daily_sums.differences() == []


def test_the_zone_is_that_of_the_settings(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    assert daily_sums.zone() == zoneinfo.ZoneInfo("Asia/Tokyo")
    assert daily_sums.begins(dt.date(2026, 1, 1)).astimezone(dt.UTC).hour == 15
