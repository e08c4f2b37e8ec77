"""The provider's list is followed page by page: nothing missed, nothing doubled, and the liability equals it."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from codes.models import Voucher, VoucherListing
from codes.services import liability, listings, voucher_decisions, vouchers
from payments.models import ExceptionItem, Movement
from payments.providers.base import VoucherRequest
from payments.providers.bitloga.client import Bitloga
from payments.providers.errors import ProviderError
from payments.services import calls
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
NOTE = "Not there."


def in_the_panel(account: Any, amount: str = "3", currency: str = "USDT", desc: str = "by hand") -> str:
    """A code that was made at the provider without us."""
    fields = {"amount": Decimal(amount), "currency": currency, "desc": desc}
    return calls.client(account).create_code(VoucherRequest(fields=fields)).code


def owed(account: Any) -> dict[str, tuple[int, Decimal]]:
    return {
        line.currency: (line.count, line.total)
        for line in liability.lines(account_id=account.pk)
        if line.count
    }


def there(box: Any, name: str) -> dict[str, tuple[int, Decimal]]:
    """What the sandbox's own ledger says is active."""
    sums: dict[str, tuple[int, Decimal]] = {}
    for one in box.control("bitloga/codes")["codes"]:
        if one["account"] == name and one["status"] == "Active":
            count, total = sums.get(one["currency"], (0, Decimal(0)))
            sums[one["currency"]] = (count + 1, total + Decimal(one["amount"]))
    return sums


class TestFollowing:
    def test_no_codes_is_an_empty_list_and_no_fault(self, issuing: Any) -> None:
        listing = vouchers.sync(account_id=issuing.pk)
        assert (listing.count, listing.outstanding, listing.last_error) == (0, {}, "")
        assert not ExceptionItem.objects.exists()

    def test_what_was_redeemed_or_switched_off_there_is_so_here(
        self, issuing: Any, people: Any, box: Any
    ) -> None:
        first, second, third = (factories.active_voucher(issuing, people) for _turn in range(3))
        box.control(f"bitloga/codes/{first.code}/redeem", {})
        box.control(f"bitloga/codes/{second.code}/disable", {})
        vouchers.sync(account_id=issuing.pk)
        vouchers.sync(account_id=issuing.pk)
        states = [Voucher.objects.get(pk=one.pk).status for one in (first, second, third)]
        assert states == ["redeemed", "disabled", "active"]
        assert ExceptionItem.objects.get().kind == "voucher_disabled"
        assert owed(issuing) == {"USDT": (1, Decimal(10))} == there(box, issuing.name)
        assert Movement.objects.count() == 3

    def test_the_first_reading_books_nothing_the_next_books_what_is_new(self, issuing: Any, box: Any) -> None:
        in_the_panel(issuing)
        vouchers.sync(account_id=issuing.pk)
        (old,) = Voucher.objects.all()
        assert (old.found, old.status, old.amount) == (True, "active", Decimal(3))
        assert not Movement.objects.exists()
        in_the_panel(issuing, "4")
        vouchers.sync(account_id=issuing.pk)
        assert Movement.objects.get().amount == Decimal(-4)
        assert owed(issuing) == there(box, issuing.name)

    def test_a_code_in_a_description_is_not_kept_there(self, issuing: Any) -> None:
        code = in_the_panel(issuing)
        report = next(one for page in listings.pages(issuing) for one in page)
        from dataclasses import replace

        from django.db import transaction

        from codes.services import voucher_reports

        odd = replace(report, description=f"this is {code}, card 4111 1111 1111 1111")
        with transaction.atomic():
            found = voucher_reports.keep_found(
                issuing, odd, amount=Decimal(3), currency="USDT", way="poll", is_new=False
            )
        assert code not in found.description
        assert "4111 1111 1111 1111" not in found.description

    def test_what_we_owe_and_they_do_not_list_is_told(
        self, issuing: Any, people: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        factories.active_voucher(issuing, people)
        vouchers.sync(account_id=issuing.pk)
        monkeypatch.setattr(Bitloga, "codes", lambda self, **query: [])
        import datetime as dt

        monkeypatch.setattr(listings, "FRESH", dt.timedelta(0))
        vouchers.sync(account_id=issuing.pk)
        assert ExceptionItem.objects.get().kind == "voucher_missing"

    def test_an_unreadable_page_leaves_the_old_reading(self, issuing: Any, people: Any, box: Any) -> None:
        factories.active_voucher(issuing, people)
        first = vouchers.sync(account_id=issuing.pk)
        box.control("faults", {"provider": "bitloga", "action": "get", "mode": "garbage_html", "count": 0})
        with pytest.raises(ProviderError):
            vouchers.sync(account_id=issuing.pk)
        second = VoucherListing.objects.get()
        assert second.read_at == first.read_at
        assert second.failures == 1
        assert second.last_error

    def test_an_account_is_read_again_after_five_minutes(self, issuing: Any) -> None:
        assert listings.stale_accounts() == [issuing.pk]
        vouchers.sync(account_id=issuing.pk)
        assert listings.stale_accounts() == []


class TestSecondCodes:
    def test_a_code_of_a_failed_voucher_is_owed_and_told(
        self, issuing: Any, people: Any, box: Any, settings: Any
    ) -> None:
        """It arrived after two people had closed it: the promise stands, whatever we believed."""
        settings.SETTLE_SECONDS = 0
        (asked,) = factories.vouchers(issuing, actor=people["operator"])
        vouchers.approve(actor=people["approver"], voucher=asked)
        box.control("faults", {"provider": "bitloga", "action": "create", "mode": "drop_before"})
        vouchers.submit(voucher_id=asked.pk)
        vouchers.refresh(voucher_id=asked.pk)
        second, third = factories.person("approver"), factories.person("approver")
        voucher_decisions.resolve(actor=second, voucher=asked, outcome="failed", note=NOTE)
        voucher_decisions.confirm(actor=third, voucher=asked)
        asked.refresh_from_db()
        assert asked.status == "failed"
        vouchers.sync(account_id=issuing.pk)
        in_the_panel(issuing, "10", desc=f"{asked.reference.value} late")
        vouchers.sync(account_id=issuing.pk)
        asked.refresh_from_db()
        assert asked.status == "failed"
        (found,) = Voucher.objects.filter(found=True)
        assert ExceptionItem.objects.get().kind == "taken_back"
        assert owed(issuing) == there(box, issuing.name)
        assert Movement.objects.get(reference=found.reference).amount == Decimal(-10)

    def test_only_an_outsider_closes_it(self, issuing: Any, people: Any, box: Any, settings: Any) -> None:
        settings.SETTLE_SECONDS = 0
        (asked,) = factories.vouchers(issuing, actor=people["operator"])
        vouchers.approve(actor=people["approver"], voucher=asked)
        box.control("faults", {"provider": "bitloga", "action": "create", "mode": "drop_before"})
        vouchers.submit(voucher_id=asked.pk)
        vouchers.refresh(voucher_id=asked.pk)
        asked.refresh_from_db()
        why = voucher_decisions.why_not(actor=people["approver"], voucher=asked, step="failed")
        assert "approved this" in why
        assert not voucher_decisions.why_not(actor=factories.person("approver"), voucher=asked, step="failed")


class TestPages:
    @pytest.mark.parametrize(
        "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 10))]
    )
    def test_new_codes_between_the_pages_are_neither_missed_nor_doubled(
        self, issuing: Any, box: Any, seed: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """B04: while the list is read, others make codes."""
        chance = random.Random(seed)
        many = [f"{chance.randint(1, 999) / 100:.2f}" for _turn in range(120)]
        for amount in many:
            in_the_panel(issuing, amount)
        vouchers.sync(account_id=issuing.pk)
        real = listings.pages

        def pages(*arguments: Any, **query: Any) -> Any:
            for page in real(*arguments, **query):
                yield page
                for _turn in range(chance.randint(0, 60)):
                    in_the_panel(issuing, "0.5")

        monkeypatch.setattr(listings, "pages", pages)
        vouchers.sync(account_id=issuing.pk)
        monkeypatch.setattr(listings, "pages", real)
        vouchers.sync(account_id=issuing.pk)
        codes = [one["code"] for one in box.control("bitloga/codes")["codes"] if one["account"]]
        kept = [one.code for one in Voucher.objects.all()]
        assert sorted(kept) == sorted(codes)
        assert owed(issuing) == there(box, issuing.name)


class TestLiability:
    @pytest.mark.parametrize(
        "seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 10))]
    )
    def test_it_equals_the_provider_s_list_on_planted_mixes(
        self, issuing: Any, people: Any, box: Any, seed: int
    ) -> None:
        """B08."""
        chance = random.Random(seed)
        for _turn in range(12):
            currency, amount = chance.choice([("USDT", "1.25"), ("BTC", "0.00000001"), ("USDT", "9")])
            how = chance.choice(["asked", "panel", "lost"])
            if how == "panel":
                in_the_panel(issuing, amount, currency)
                continue
            (asked,) = factories.vouchers(issuing, actor=people["operator"], currency=currency, amount=amount)
            vouchers.approve(actor=people["approver"], voucher=asked)
            if how == "lost":
                box.control("faults", {"provider": "bitloga", "action": "create", "mode": "drop_after"})
            vouchers.submit(voucher_id=asked.pk)
        for one in box.control("bitloga/codes")["codes"]:
            verb = chance.choice(["", "", "redeem", "disable"])
            if verb:
                box.control(f"bitloga/codes/{one['code']}/{verb}", {})
        vouchers.sync(account_id=issuing.pk)
        assert owed(issuing) == there(box, issuing.name)
        for line in liability.lines():
            assert line.difference == 0
            assert sum((one[3] for one in line.ages), Decimal(0)) == line.total
            assert sum(one[2] for one in line.ages) == line.count
