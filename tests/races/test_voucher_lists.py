"""The provider's list while it grows (B04), and two readers of it at the same instant."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from codes.models import Voucher, VoucherListing
from codes.services import liability, listings, vouchers
from payments.models import ExceptionItem, Movement
from payments.providers.errors import ProviderError
from tests.races import money
from tests.races import voucher_rows as rows
from tests.races.racing import Sleeper, lost, meet, race

pytestmark = pytest.mark.django_db(transaction=True)
CONSTRAINT = next(one for one in Voucher._meta.constraints if one.name == "voucher_code")


def check_equal(box: Any) -> None:
    """No code is missed, none is doubled, and we owe what they state."""
    rows.check_kept(box)
    assert not ExceptionItem.objects.exists()
    for line in liability.lines():
        assert line.difference == 0
        assert line.count == line.stated_count


class TestPages:
    """B04: while the list is read, others make codes, redeem some and switch some off."""

    @staticmethod
    def growing(
        monkeypatch: pytest.MonkeyPatch, account: Any, box: Any, chance: random.Random, most: int
    ) -> None:
        real = listings.pages

        def pages(*arguments: Any, **query: Any) -> Iterator[Any]:
            for number, page in enumerate(real(*arguments, **query)):
                yield page
                if number > 3:
                    continue  # who makes codes faster than they are read is never read to the end
                for _code in range(chance.randint(0, most)):
                    rows.in_the_panel(account, "0.5")
                if chance.random() < 0.5:
                    code = chance.choice(rows.there(box))["code"]
                    box.control(f"bitloga/codes/{code}/redeem", {})

        monkeypatch.setattr(listings, "pages", pages)

    @pytest.mark.parametrize(
        "seed", [pytest.param(seed, marks=[pytest.mark.long] if seed > 5 else []) for seed in range(20)]
    )
    def test_small_pages(
        self, paying: Any, people: Any, box: Any, seed: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Pages of a few codes, so that many boundaries are crossed; more appear than a page holds."""
        chance = random.Random(seed)
        page = chance.randint(2, 5)
        monkeypatch.setattr(listings, "PAGE", page)
        monkeypatch.setattr(listings, "OVERLAP", chance.randint(0, page - 1))
        self.read(paying, people, box, chance, monkeypatch, codes=chance.randint(0, 12), most=page + 2)

    @pytest.mark.long
    @pytest.mark.parametrize("seed", range(50))
    def test_a_thousand_codes(
        self, paying: Any, people: Any, box: Any, seed: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.read(paying, people, box, random.Random(seed), monkeypatch, codes=1000, most=150)

    def read(
        self,
        paying: Any,
        people: Any,
        box: Any,
        chance: random.Random,
        monkeypatch: pytest.MonkeyPatch,
        *,
        codes: int,
        most: int,
    ) -> None:
        vouchers.sync(account_id=paying.pk)
        ours = [rows.approved(paying, people, amount="1") for _number in range(3)]
        for row in ours:
            rows.submit(row)
        for _code in range(codes):
            rows.in_the_panel(paying, f"{chance.randint(1, 99) / 10}")
        with monkeypatch.context() as patch:
            self.growing(patch, paying, box, chance, most)
            vouchers.sync(account_id=paying.pk)
            vouchers.sync(account_id=paying.pk)
        vouchers.sync(account_id=paying.pk)
        check_equal(box)
        assert Movement.objects.filter(kind="voucher").count() == Voucher.objects.count()
        rows.check_promises(box, ours)

    def test_without_looking_at_each_page_boundary_some_are_missed(
        self, paying: Any, box: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control: the check above sees a reader that leaves one out."""
        real = listings.pages
        for _code in range(5):
            rows.in_the_panel(paying)
        monkeypatch.setattr(
            listings, "pages", lambda *arguments, **query: (page[1:] for page in real(*arguments, **query))
        )
        vouchers.sync(account_id=paying.pk)
        with pytest.raises(AssertionError):
            check_equal(box)


class TestTwoReaders:
    @money.volumes(20, 200)
    def test_what_was_made_elsewhere_is_kept_and_booked_once(self, paying: Any, box: Any, runs: int) -> None:
        vouchers.sync(account_id=paying.pk)
        for _run in range(runs):
            for _code in range(3):
                rows.in_the_panel(paying)
            outcomes = race([lambda: vouchers.sync(account_id=paying.pk)] * 2)
            assert not lost(outcomes), outcomes
        check_equal(box)
        assert Movement.objects.count() == Voucher.objects.count() == 3 * runs
        rows.check_promises(box)

    def test_without_the_constraint_it_is_kept_twice(
        self, paying: Any, box: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control."""
        vouchers.sync(account_id=paying.pk)
        rows.in_the_panel(paying)
        meet(monkeypatch, listings.voucher_reports, "named_here", parties=2)
        with connection.schema_editor() as editor:
            editor.remove_constraint(Voucher, CONSTRAINT)
        try:
            assert not lost(race([lambda: vouchers.sync(account_id=paying.pk)] * 2))
            assert Voucher.objects.count() == 2
        finally:
            Voucher.objects.all().delete()
            with connection.schema_editor() as editor:
                editor.add_constraint(Voucher, CONSTRAINT)

    def test_a_reader_that_slept_does_not_put_back_what_another_has_read(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its list is older: neither a state nor the sums go back to it."""
        row = rows.approved(paying, people)
        rows.submit(row)
        sleeper = Sleeper(monkeypatch, listings, "_follow")
        sleeper.begin(lambda: vouchers.sync(account_id=paying.pk))
        box.control(f"bitloga/codes/{row.code}/disable", {})
        younger = vouchers.sync(account_id=paying.pk)
        assert money.state(row) == "disabled"
        sleeper.end()
        assert money.state(row) == "disabled"
        listing = VoucherListing.objects.get()
        assert (listing.read_at, listing.outstanding) == (younger.read_at, {})

    def test_one_that_was_made_during_the_reading_is_not_missing(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sleeper = Sleeper(monkeypatch, listings, "_follow", after=True)
        rows.in_the_panel(paying)
        sleeper.begin(lambda: vouchers.sync(account_id=paying.pk))
        row = rows.approved(paying, people)
        rows.submit(row)
        sleeper.end()
        assert not ExceptionItem.objects.exists()
        assert money.state(row) == "active"

    def test_a_line_that_cannot_be_kept_is_said_and_the_noise_of_floats_is_none(
        self, paying: Any, people: Any, box: Any
    ) -> None:
        row = rows.approved(paying, people, currency="BTC", amount="0.00000001")
        rows.submit(row)
        line = {"code": row.code, "currency": "BTC", "desc": "", "status": "Active"}
        noisy = {"amount": "1.0000000000000001e-08"}
        for odd in (noisy, {"amount": "1", "currency": "SEVENTEENLETTERSX"}):
            money.fault(box, "fields", action="get", count=0, fields={"data": [line | odd]})
            with suppress(ProviderError):
                vouchers.sync(account_id=paying.pk)
            money.no_faults(box)
        assert (money.state(row), row.worth) == ("active", Decimal("0.00000001"))
        assert VoucherListing.objects.get().failures == 1
        assert not ExceptionItem.objects.exists()

    def test_one_that_has_gone_from_the_list_is_told_once(
        self, paying: Any, people: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = rows.approved(paying, people)
        rows.submit(row)
        monkeypatch.setattr(listings, "pages", lambda *_arguments, **_query: iter([]))
        Voucher.objects.update(updated_at=timezone.now() - dt.timedelta(minutes=2))
        assert not lost(race([lambda: vouchers.sync(account_id=paying.pk)] * 4))
        assert [item.kind for item in ExceptionItem.objects.all()] == ["voucher_missing"]
