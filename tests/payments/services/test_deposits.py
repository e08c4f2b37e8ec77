"""Deposits: read whole, joined to their wallet, credited once when confirmed, and never when they are not.

RELIABILITY C02 and C12 for deposits, E10, E11, E18.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from payments.models import Balance, CallbackToken, Deposit, ExceptionItem, Movement, Wallet
from payments.providers.errors import ProviderError
from payments.services import (
    bad_rows,
    callbacks,
    deposit_decisions,
    deposits,
    exceptions,
    reservations,
    wallets,
)
from payments.views.exceptions import guide
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def wallet(there: Any, people: Any) -> Wallet:
    fields = {"ticker": "USDT", "network": "tron", "_customer_reference": "ann"}
    made = wallets.create(actor=people["operator"], account=there, fields=fields)
    wallets.submit(wallet_id=made.pk)
    made.refresh_from_db()
    return made


def arrive(desk: Any, wallet: Wallet, **values: Any) -> dict[str, Any]:
    return desk.deposit(**{"address": wallet.address, "wallet_slug": wallet.provider_id} | values)


def scan(account: Any) -> int:
    return deposits.scan(account_id=account.pk)


def booked() -> Counter[str]:
    found: Counter[str] = Counter()
    for movement in Movement.objects.all():
        found[movement.kind] += movement.amount
    return found


def kinds() -> list[str]:
    return sorted(ExceptionItem.objects.values_list("kind", flat=True))


class TestTransactionThatComesLater:
    """A deposit is the same one before and after its transaction is known, and is credited once."""

    def test_pending_without_it_confirmed_with_it(self, there: Any, desk: Any, wallet: Wallet) -> None:
        row = arrive(desk, wallet, txid=None)
        scan(there)
        row.update(txid="late", actual_confirmations=1)
        scan(there)
        row.update(status=5)
        for _n in range(2):
            scan(there)
        one = Deposit.objects.get()
        assert (one.status, one.txid) == ("confirmed", "late")
        assert booked() == {"deposit": 300, "fee": -8}

    def test_confirmed_without_it_and_it_comes_afterwards(
        self, there: Any, desk: Any, wallet: Wallet
    ) -> None:
        row = arrive(desk, wallet, txid="", status=5)
        scan(there)
        row["txid"] = "late"
        scan(there)
        row["txid"] = None  # and is gone again
        scan(there)
        one = Deposit.objects.get()
        assert (one.txid, one.version > 1, booked()) == ("late", True, {"deposit": 300, "fee": -8})

    def test_it_comes_while_the_list_is_read(self, there: Any, desk: Any, wallet: Wallet) -> None:
        row = arrive(desk, wallet, txid=None)
        for n in range(150):
            arrive(desk, wallet, amount=str(n + 1))
        real = desk._list

        def later(path: str, query: Any) -> Any:
            if path == "wallet/history" and desk.seen[path] == 3:
                row["txid"] = "late"
            return real(path, query)

        desk._list = later
        try:
            scan(there)
        finally:
            desk._list = real
        scan(there)
        assert Deposit.objects.count() == 151

    def test_of_two_alike_each_keeps_its_own(self, there: Any, desk: Any, wallet: Wallet) -> None:
        same = {"created_at": "2099-01-01T00:00:00Z", "date": None, "txid": None}
        one, two = arrive(desk, wallet, **same), arrive(desk, wallet, **same)
        scan(there)
        one.update(txid="a")
        scan(there)
        two.update(txid="b", status=5)
        desk.lists["wallet/history"].reverse()
        scan(there)
        one.update(status=5)
        scan(there)
        assert set(Deposit.objects.values_list("txid", "status")) == {("a", "confirmed"), ("b", "confirmed")}
        assert booked()["deposit"] == 600
        assert Deposit.objects.count() == 2

    def test_another_transaction_in_its_place_is_held(self, there: Any, desk: Any, wallet: Wallet) -> None:
        row = arrive(desk, wallet, txid="first", status=5)
        scan(there)
        row["txid"] = "second"
        for _n in range(2):
            scan(there)
        assert booked()["deposit"] == 300
        assert Deposit.objects.get(txid="second").reference.held_at is not None
        assert kinds() == ["hold"]


class TestCredit:
    def test_it_is_credited_once_when_it_is_confirmed(self, there: Any, desk: Any, wallet: Wallet) -> None:
        row = arrive(desk, wallet)
        scan(there)
        one = Deposit.objects.get()
        assert (one.status, one.wallet, one.amount, one.fee) == ("pending", wallet, 292, 8)
        assert not Movement.objects.exists()
        row.update(actual_confirmations=7)
        scan(there)
        one.refresh_from_db()
        assert (one.confirmations, one.required_confirmations) == (7, 20)
        row.update(status="5", actual_confirmations=20)
        for _n in range(3):
            scan(there)
        one.refresh_from_db()
        assert one.status == "confirmed"
        assert booked() == {"deposit": 300, "fee": -8}
        assert Deposit.objects.count() == 1
        assert reservations.available(Balance.objects.get(account=there, currency="USDT")) == 1292

    def test_an_unchanged_list_writes_nothing(self, there: Any, desk: Any, wallet: Wallet) -> None:
        arrive(desk, wallet, status=5)
        assert scan(there) == 1
        assert scan(there) == 0

    def test_money_at_an_address_that_we_did_not_make_counts_too(self, there: Any, desk: Any) -> None:
        desk.deposit(address="Televen", status=5, fee="0")
        scan(there)
        assert (Deposit.objects.get().wallet, booked()) == (None, {"deposit": 292})

    def test_two_alike_are_two_and_each_is_credited_once_wherever_it_stands(
        self, there: Any, desk: Any, wallet: Wallet
    ) -> None:
        same = {"txid": "t", "created_at": "2099-01-01T00:00:00Z", "date": None}
        one, two = arrive(desk, wallet, **same), arrive(desk, wallet, **same)
        scan(there)
        one["status"] = 5
        scan(there)
        assert booked()["deposit"] == 300
        desk.lists["wallet/history"].reverse()
        scan(there)
        assert booked()["deposit"] == 300
        two["status"] = 5
        scan(there)
        assert booked()["deposit"] == 600
        assert Deposit.objects.count() == 2

    def test_a_callback_lets_us_ask(self, there: Any, desk: Any, wallet: Wallet, client: Any) -> None:
        arrive(desk, wallet, status=5)
        token = CallbackToken.objects.get(reference=wallet.reference).token
        client.post(f"/callbacks/bitexbit/{token}/", b"{}", content_type="application/json")
        for pk in callbacks.claim(10):
            callbacks.process(callback_id=pk)
        assert booked()["deposit"] == 300


class TestTwoReaders:
    def test_lists_read_at_once_credit_once(self, there: Any, desk: Any, wallet: Wallet) -> None:
        for _n in range(5):
            arrive(desk, wallet, status=5)

        def one(_number: int) -> None:
            try:
                scan(there)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(one, range(8)))
        assert Deposit.objects.count() == 5
        assert booked() == {"deposit": 1500, "fee": -40}


class TestNotCredited:
    def test_a_rejected_one_is_told(self, there: Any, desk: Any, wallet: Wallet) -> None:
        """C12."""
        row = arrive(desk, wallet)
        scan(there)
        row["status"] = 6
        scan(there)
        assert Deposit.objects.get().status == "rejected"
        assert not Movement.objects.exists()
        assert kinds() == ["deposit_rejected"]

    def test_what_the_aml_check_flags_is_released_by_two(
        self, there: Any, desk: Any, wallet: Wallet, people: Any
    ) -> None:
        """C12. One item, counted once however often it is looked at; nobody lets it go alone, nor closes its item."""
        row = arrive(desk, wallet, status=5, aml_success=False, aml_risk="high")
        for _n in range(3):
            scan(there)
        one = Deposit.objects.select_related("reference").get()
        assert (one.status, one.reference.held_at is not None) == ("pending", True)
        assert not Movement.objects.exists()
        item = ExceptionItem.objects.get()
        assert (item.kind, item.seen, "292 USDT" in item.title) == ("aml_flag", 1, True)
        first, second = people["approver"], factories.person("approver")
        with pytest.raises(ValidationError, match="another confirms"):
            exceptions.release_hold(actor=first, reference=one.reference, note="alone")
        with pytest.raises(ValidationError, match="released, not closed"):
            exceptions.close(actor=first, item=item, note="alone")
        with pytest.raises(ValidationError, match="Nothing waits"):
            deposit_decisions.confirm_release(actor=second, deposit=one)
        with pytest.raises(ValidationError, match="Write what"):
            deposit_decisions.propose_release(actor=first, deposit=one, note=" ")
        deposit_decisions.propose_release(actor=first, deposit=one, note="looked at")
        assert not deposit_decisions.waiting_for(first).exists()
        assert deposit_decisions.waiting_for(second).get() == one
        with pytest.raises(ValidationError, match="You proposed this"):
            deposit_decisions.confirm_release(actor=first, deposit=one)
        for role in ("viewer", "operator", "finance", "admin"):
            with pytest.raises(PermissionDenied):
                deposit_decisions.propose_release(actor=people[role], deposit=one, note="may I?")
            with pytest.raises(PermissionDenied):
                deposit_decisions.confirm_release(actor=people[role], deposit=one)
        row["aml_risk"] = "higher"  # what was proposed is not what is held now
        scan(there)
        item.refresh_from_db()
        assert (item.seen, "(higher)" in item.title) == (2, True)
        with pytest.raises(ValidationError, match="Something has changed"):
            deposit_decisions.confirm_release(actor=second, deposit=one)
        deposit_decisions.propose_release(actor=first, deposit=one, note="looked at")
        deposit_decisions.confirm_release(actor=second, deposit=one)
        for _n in range(2):
            scan(there)
        assert booked()["deposit"] == 300
        assert set(ExceptionItem.objects.values_list("status", "resolution")) == {("closed", "looked at")}

    def test_what_is_held_for_two_reasons_is_released_once(
        self, there: Any, desk: Any, wallet: Wallet, people: Any
    ) -> None:
        row = arrive(desk, wallet, status=1)
        scan(there)
        row.update(amount="2920", status=5, aml_success=False, aml_risk="high")
        for _n in range(2):
            scan(there)
        one = Deposit.objects.get(amount=2920)
        assert kinds() == ["aml_flag", "hold"]
        deposit_decisions.propose_release(actor=people["approver"], deposit=one, note="looked at")
        deposit_decisions.confirm_release(actor=factories.person("approver"), deposit=one)
        for _n in range(2):
            scan(there)
        one.refresh_from_db()
        assert (one.status, one.reference.held_at) == ("confirmed", None)
        assert not ExceptionItem.objects.filter(status="open").exists()

    def test_what_is_flagged_after_it_was_credited_is_told_once_and_holds_nothing(
        self, there: Any, desk: Any, wallet: Wallet, people: Any
    ) -> None:
        row = arrive(desk, wallet, status=5)
        scan(there)
        row |= {"aml_success": False, "aml_risk": "high"}
        for risk in ("high", "high", "higher"):
            row["aml_risk"] = risk
            scan(there)
        item = ExceptionItem.objects.select_related("reference").get()
        assert (item.kind, item.is_held, "credited already" in item.title) == ("aml_flag", False, True)
        assert (Deposit.objects.get().status, booked()["deposit"]) == ("confirmed", 300)
        assert "not credited" not in guide(item)
        exceptions.close(actor=people["approver"], item=item, note="sent back")
        row["aml_risk"] = "highest"
        scan(there)
        assert ExceptionItem.objects.filter(status="open").count() == 0

    def test_whoever_is_no_approver_any_more_has_proposed_nothing(
        self, there: Any, desk: Any, wallet: Wallet, people: Any
    ) -> None:
        arrive(desk, wallet, status=5, aml_success=False)
        scan(there)
        one = Deposit.objects.get()
        deposit_decisions.propose_release(actor=people["approver"], deposit=one, note="looked at")
        people["approver"].groups.clear()
        with pytest.raises(ValidationError, match="no approver any more"):
            deposit_decisions.confirm_release(actor=factories.person("approver"), deposit=one)
        assert Deposit.objects.get().reference.held_at is not None

    @pytest.mark.parametrize("word", [0, 7, "new"])
    def test_an_unknown_word_changes_nothing(self, there: Any, desk: Any, wallet: Wallet, word: Any) -> None:
        arrive(desk, wallet, status=word)
        scan(there)
        assert Deposit.objects.get().status == "pending"
        assert kinds() == ["unknown_word"]

    def test_a_reorganised_chain_takes_nothing_back_by_machine(
        self, there: Any, desk: Any, wallet: Wallet
    ) -> None:
        """C12, E18."""
        row = arrive(desk, wallet, status=5)
        scan(there)
        row["status"] = 6
        scan(there)
        assert Deposit.objects.get().status == "confirmed"
        assert booked()["deposit"] == 300
        assert kinds() == ["taken_back"]

    def test_the_same_transaction_with_another_amount_is_held(
        self, there: Any, desk: Any, wallet: Wallet
    ) -> None:
        """D06."""
        row = arrive(desk, wallet, status=1)
        scan(there)
        row.update(amount="2920", status=5)
        scan(there)
        assert not Movement.objects.exists()
        assert kinds() == ["hold"]

    @pytest.mark.parametrize(
        "change", [{"address": "0xabcd01"}, {"memo": "7"}, {"network": "TRON"}, {"amount": "99"}]
    )
    def test_the_same_transaction_spelled_otherwise_is_held(
        self, there: Any, desk: Any, wallet: Wallet, change: dict[str, str]
    ) -> None:
        row = arrive(desk, wallet, status=5, amount="100", fee="0", txid="one", address="0xABCD01")
        scan(there)
        row.update(change)
        for _n in range(2):
            scan(there)
        assert booked() == {"deposit": 100}
        assert kinds() == ["hold"]

    def test_one_transaction_to_two_addresses_is_two_deposits(
        self, there: Any, desk: Any, wallet: Wallet
    ) -> None:
        longest = "7" * 300  # a tag beyond what is kept: the first is listed still when the second comes
        for address in ("T1", "T2"):
            arrive(desk, wallet, status=5, amount="100", fee="0", txid="one", address=address, memo=longest)
            scan(there)
        assert booked() == {"deposit": 200}
        assert kinds() == []

    def test_what_may_be_part_of_the_opening_is_held(
        self, there: Any, desk: Any, wallet: Wallet, people: Any
    ) -> None:
        before = (timezone.now() - dt.timedelta(hours=2)).isoformat()
        arrive(desk, wallet, status=5, created_at=before)
        scan(there)
        one = Deposit.objects.get()
        assert (one.status, kinds()) == ("pending", ["hold"])
        exceptions.release_hold(actor=people["approver"], reference=one.reference, note="it was not")
        scan(there)
        assert booked()["deposit"] == 300


class TestList:
    def test_a_deposit_costs_few_queries_and_one_known_costs_none(
        self, there: Any, desk: Any, wallet: Wallet
    ) -> None:
        def asked() -> int:
            with CaptureQueriesContext(connection) as queries:
                scan(there)
            return len(queries)

        arrive(desk, wallet, status=5, amount="7777")
        quiet = min(asked() for _n in range(2))
        counts = {}
        for status in (1, 5):
            for n in range(deposits.AT_ONCE):
                arrive(desk, wallet, status=status, amount=str(status * 1000 + n))
            counts[status] = (asked() - quiet) / deposits.AT_ONCE
        assert counts[1] < 3  # two rows are written: it, and its line of the audit trail
        assert counts[5] < 7  # besides: its balance looked at, its movements, its state and that line
        assert asked() < quiet + deposits.AT_ONCE // 2  # a few more pages
        assert Deposit.objects.count() == 1 + 2 * deposits.AT_ONCE

    @pytest.mark.parametrize("count", [230, pytest.param(5000, marks=pytest.mark.long)])
    def test_the_import_misses_none_and_doubles_none(
        self, there: Any, desk: Any, wallet: Wallet, count: int
    ) -> None:
        """E10: rows come with every page, `next` points elsewhere; what is credited is what stands there."""
        for n in range(count):
            arrive(desk, wallet, status=5 if n % 10 == 0 else 1, amount=str(n + 1), fee="0")
        real = desk._list

        def shifting(path: str, query: Any) -> Any:
            found = real(path, query)
            if path == "wallet/history":
                for _n in range(desk.seen[path] % 4):
                    arrive(desk, wallet, amount="0.5", fee="0")
            return found

        desk._list = shifting
        try:
            scan(there)
        finally:
            desk._list = real
        asked = desk.seen["wallet/history"]
        scan(there)
        listed = Counter(row["txid"] for row in desk.lists["wallet/history"])
        assert Counter(Deposit.objects.values_list("txid", flat=True)) == listed
        assert len(listed) > count
        assert booked() == {"deposit": sum(n + 1 for n in range(0, count, 10))}
        assert asked < 10 + count // 50  # it came to an end, and `next` was not followed: nobody is there

    def test_a_list_that_breaks_off_changes_nothing(self, there: Any, desk: Any, wallet: Wallet) -> None:
        arrive(desk, wallet, status=5)
        desk.faults["wallet/history"] = [500] * 20
        with pytest.raises(ProviderError):
            scan(there)
        assert not Deposit.objects.exists()

    @pytest.mark.parametrize("count", [150, pytest.param(1000, marks=pytest.mark.long)])
    def test_one_bad_line_among_many_is_put_apart(
        self, there: Any, desk: Any, wallet: Wallet, count: int
    ) -> None:
        """E11: 999 are taken in, one is seen by a person, and a line that was looked at is not told of again."""
        desk.lists["wallet/history"] = [
            arrive(desk, wallet, status=1, amount=str(n + 1), fee="0") for n in range(count)
        ][::-1]
        desk.lists["wallet/history"][count // 2]["amount"] = "lots"
        for _n in range(2):
            scan(there)
        assert Deposit.objects.count() == count - 1
        item = ExceptionItem.objects.get()
        assert (item.kind, item.facts["line"]["amount"]) == ("bad_row", "lots")
        desk.lists["wallet/history"][count // 2]["actual_confirmations"] = 3
        exceptions.close(actor=factories.person("finance"), item=item, note="Asked them.")
        scan(there)
        assert ExceptionItem.objects.count() == 1

    @pytest.mark.parametrize(
        "bad",
        [
            {"amount": "0.00012345678901234567"},
            {"fee": "1.0000000000000000001"},
            {"actual_confirmations": 10**12},  # it can be read, and not be kept
        ],
    )
    def test_a_line_that_cannot_be_kept_stops_no_other(
        self, there: Any, desk: Any, wallet: Wallet, bad: dict[str, Any]
    ) -> None:
        arrive(desk, wallet, status=5, **bad)
        arrive(desk, wallet, status=5, amount="500", fee="0")
        for _n in range(2):
            scan(there)
        assert booked() == {"deposit": 500}
        assert kinds() == ["bad_row"]

    def test_a_line_of_the_future_hides_none_that_arrive_before(
        self, there: Any, desk: Any, wallet: Wallet
    ) -> None:
        future = (timezone.now() + dt.timedelta(days=365)).isoformat()
        arrive(desk, wallet, status=5, amount="1", fee="0", created_at=future)
        scan(there)
        arrive(desk, wallet, status=5, amount="500", fee="0")
        scan(there)
        assert booked() == {"deposit": 501}

    def test_when_every_line_is_bad_one_item_says_how_many(
        self, there: Any, desk: Any, wallet: Wallet
    ) -> None:
        for n in range(130):
            arrive(desk, wallet, amount=f"much {n}")
        scan(there)
        assert ExceptionItem.objects.count() == bad_rows.MOST + 1
        assert ExceptionItem.objects.filter(title__contains="130 lines").exists()

    def test_exact_to_the_last_digit(self, there: Any, desk: Any, wallet: Wallet) -> None:
        arrive(desk, wallet, status=5, amount="0.123456789012345678", fee="0.000000000000000001")
        scan(there)
        assert booked()["deposit"] == Decimal("0.123456789012345679")
