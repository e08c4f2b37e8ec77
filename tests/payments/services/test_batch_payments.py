"""Paying the deposit: by one withdrawal of ours with the usual approval, exactly, in time, once; never to what is
expired, held, unknown or different (C08)."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from backoffice.services import roles
from payments.models import BatchPayout, ExceptionItem, Movement, ProviderAccount, Withdrawal
from payments.providers import PROVIDERS
from payments.services import batch_alarms, batch_payments, withdrawals
from tests import factories
from tests.payments import batches
from tests.races import money

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def joining(box: Any, transactional_db: None) -> ProviderAccount:
    return batches.account(box)


@pytest.fixture
def paying(box: Any, transactional_db: None) -> ProviderAccount:
    return batches.payer(box)


@pytest.fixture
def waiting(joining: Any, people: Any) -> BatchPayout:
    """One that waits for its deposit."""
    return batches.created(joining, people)


def pay(batch: BatchPayout, account: ProviderAccount, actor: Any, **more: Any) -> Withdrawal:
    fields = {"paysys": "BTC", "currency": "BTC"} | more
    return batch_payments.pay(actor=actor, batch_payout=batch, account=account, fields=fields)


def sent(box: Any) -> list[Any]:
    return [row for row in box.control("bitloga/transactions")["transactions"] if row["kind"] == "withdrawal"]


def approve_and_send(withdrawal: Withdrawal, people: Any) -> Withdrawal:
    withdrawals.approve(actor=people["approver"], withdrawal=withdrawal)
    withdrawals.submit(withdrawal_id=withdrawal.pk)
    withdrawal.refresh_from_db()
    return withdrawal


class TestPaying:
    def test_exactly_the_deposit_goes_to_its_address_after_the_usual_approval(
        self, waiting: Any, paying: Any, people: Any, box: Any
    ) -> None:
        asked = pay(waiting, paying, people["operator"])
        waiting.refresh_from_db()
        assert waiting.withdrawal == asked
        assert (asked.amount, asked.purse) == (waiting.deposit_amount, waiting.deposit_address)
        withdrawals.submit(withdrawal_id=asked.pk)
        assert sent(box) == []
        approve_and_send(asked, people)
        assert asked.status in ("pending", "complete"), asked.last_error
        assert len(sent(box)) == 1

    def test_its_movements_are_marked_too(self, waiting: Any, paying: Any, people: Any) -> None:
        approve_and_send(pay(waiting, paying, people["operator"]), people)
        tag = PROVIDERS["coinjoin"].report_tag
        assert set(Movement.objects.values_list("tag", "on_balance")) == {(tag, True)}

    def test_amount_and_address_cannot_be_given(self, waiting: Any, paying: Any, people: Any) -> None:
        asked = pay(waiting, paying, people["operator"], amount="0.9", purse=batches.LEGACY)
        assert (asked.amount, asked.purse) == (waiting.deposit_amount, waiting.deposit_address)

    def test_only_an_operator_pays(self, waiting: Any, paying: Any, people: Any) -> None:
        for role in ("viewer", "approver", "finance", "admin"):
            with pytest.raises(PermissionDenied):
                pay(waiting, paying, people[role])

    def test_whoever_asked_for_the_batch_does_not_approve_what_pays_it(
        self, waiting: Any, paying: Any, people: Any
    ) -> None:
        asked = pay(waiting, paying, factories.person("operator"))
        roles.give(actor=people["admin"], user=people["operator"], role="approver")
        with pytest.raises(ValidationError, match="requested this yourself"):
            withdrawals.approve(actor=people["operator"], withdrawal=asked)

    def test_the_ways_are_btc_to_an_address_from_accounts_that_may_pay(
        self, waiting: Any, paying: Any, people: Any
    ) -> None:
        assert [(way.account, way.code) for way in batch_payments.ways(waiting)] == [(paying, "BTC")]
        with pytest.raises(ValidationError) as caught:
            pay(waiting, paying, people["operator"], paysys="USDTBALANCE")
        assert "paysys" in caught.value.error_dict
        ProviderAccount.objects.filter(pk=paying.pk).update(money_out=False)
        assert batch_payments.ways(waiting) == []
        waiting.network = "testnet"
        assert batch_payments.ways(waiting) == []


class TestOnce:
    def test_a_second_one_is_refused(self, waiting: Any, paying: Any, people: Any) -> None:
        pay(waiting, paying, people["operator"])
        with pytest.raises(ValidationError, match="already"):
            pay(waiting, paying, factories.person("operator"))
        assert Withdrawal.objects.count() == 1

    def test_many_at_once_make_one(self, waiting: Any, paying: Any, people: Any) -> None:
        def one(_number: int) -> str:
            try:
                pay(waiting, paying, people["operator"], _max_debit="1")
                return "made"
            except ValidationError:
                return "refused"
            finally:
                connections.close_all()

        with ThreadPoolExecutor(6) as pool:
            ends = sorted(pool.map(one, range(6)))
        assert ends == ["made", *["refused"] * 5]
        assert Withdrawal.objects.count() == 1

    def test_the_database_refuses_a_withdrawal_for_two_batches_and_two_kinds_of_payment(
        self, waiting: Any, paying: Any, people: Any, joining: Any
    ) -> None:
        asked = pay(waiting, paying, people["operator"])
        other = batches.created(joining, people, delay="5")
        with pytest.raises(IntegrityError), transaction.atomic():
            BatchPayout.objects.filter(pk=other.pk).update(withdrawal=asked)
        with pytest.raises(IntegrityError), transaction.atomic():
            BatchPayout.objects.filter(pk=waiting.pk).update(paid_outside_at=timezone.now())

    def test_what_was_rejected_may_be_replaced(self, waiting: Any, paying: Any, people: Any) -> None:
        first = pay(waiting, paying, people["operator"])
        assert not BatchPayout.objects.unpaid().exists()
        withdrawals.reject(actor=people["approver"], withdrawal=first, reason="From the other account")
        assert BatchPayout.objects.unpaid().get() == waiting
        second = pay(waiting, paying, people["operator"])
        waiting.refresh_from_db()
        assert waiting.withdrawal == second != first

    def test_what_may_have_left_is_never_replaced(
        self, waiting: Any, paying: Any, people: Any, box: Any
    ) -> None:
        box.control(
            "faults", {"provider": "bitloga", "action": "withdraw", "mode": "drop_before", "count": 1}
        )
        first = approve_and_send(pay(waiting, paying, people["operator"]), people)
        assert first.status == "unknown"
        with pytest.raises(ValidationError, match="already"):
            pay(waiting, paying, people["operator"])
        Withdrawal.objects.filter(pk=first.pk).update(status="failed")
        with pytest.raises(ValidationError, match="already"):
            pay(waiting, paying, people["operator"])
        Withdrawal.objects.filter(pk=first.pk).update(status="unknown")

    def test_nobody_pays_it_by_an_ordinary_withdrawal(self, waiting: Any, paying: Any, people: Any) -> None:
        for address in (waiting.deposit_address, waiting.deposit_address.upper()):
            fields = {"paysys": "BTC", "currency": "BTC", "amount": "0.01", "purse": address}
            with pytest.raises(ValidationError, match="batch payout"):
                withdrawals.request(actor=people["operator"], account=paying, fields=fields)

    def test_paid_from_outside_needs_a_note_and_bars_a_withdrawal(
        self, waiting: Any, paying: Any, people: Any
    ) -> None:
        with pytest.raises(ValidationError):
            batch_payments.mark_paid(actor=people["operator"], batch_payout=waiting, note=" ")
        batch_payments.mark_paid(actor=people["operator"], batch_payout=waiting, note="Cold wallet, by Ann")
        with pytest.raises(ValidationError, match="outside"):
            pay(waiting, paying, people["operator"])
        with pytest.raises(ValidationError, match="outside"):
            batch_payments.mark_paid(actor=people["operator"], batch_payout=waiting, note="Again")
        assert not Movement.objects.exists()

    def test_what_a_withdrawal_pays_is_not_marked_as_paid_from_outside(
        self, waiting: Any, paying: Any, people: Any
    ) -> None:
        pay(waiting, paying, people["operator"])
        with pytest.raises(ValidationError, match="already"):
            batch_payments.mark_paid(actor=people["operator"], batch_payout=waiting, note="Cold wallet")


class TestNever:
    """Each of these, before the request, before the approval, and just before the bytes leave."""

    CHANGES = {
        "expired": {"status": "expired"},
        "unknown": {"status": "unknown"},
        "confirming": {"status": "confirming"},
        "complete": {"status": "complete"},
        "different": {"differs": ["payouts"]},
        "late": {"pay_until": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)},
        "stale": {"checked_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)},
        "another amount": {"deposit_amount": Decimal("0.5")},
        "no address": {"deposit_address": ""},
        "a deposit is there": {"deposit_txid": "ab" * 32},
    }

    @staticmethod
    def change(batch: BatchPayout, name: str) -> None:
        BatchPayout.objects.filter(pk=batch.pk).update(**TestNever.CHANGES[name])

    @staticmethod
    def restore(batch: BatchPayout) -> None:
        """As it was when `batch` was read."""
        fields = {field for change in TestNever.CHANGES.values() for field in change}
        BatchPayout.objects.filter(pk=batch.pk).update(**{name: getattr(batch, name) for name in fields})

    def test_before_the_request(self, waiting: Any, paying: Any, people: Any) -> None:
        for name in self.CHANGES:
            self.change(waiting, name)
            with pytest.raises(ValidationError):
                pay(waiting, paying, people["operator"])
            assert not Withdrawal.objects.exists(), name
            self.restore(waiting)
        pay(waiting, paying, people["operator"])

    def test_before_the_approval_and_before_it_leaves(
        self, waiting: Any, paying: Any, people: Any, box: Any
    ) -> None:
        asked = pay(waiting, paying, people["operator"])
        for name in self.CHANGES:
            self.change(waiting, name)
            with pytest.raises(ValidationError):
                withdrawals.approve(actor=people["approver"], withdrawal=asked)
            self.restore(waiting)
            withdrawals.approve(actor=people["approver"], withdrawal=asked)
            self.change(waiting, name)
            withdrawals.submit(withdrawal_id=asked.pk)
            asked.refresh_from_db()
            assert (asked.status, sent(box)) == ("awaiting_approval", []), name
            self.restore(waiting)

    def test_when_held(self, waiting: Any, paying: Any, people: Any) -> None:
        waiting.reference.held_at = timezone.now()
        waiting.reference.save()
        with pytest.raises(ValidationError, match="held"):
            pay(waiting, paying, people["operator"])

    def test_when_switched_off(self, waiting: Any, paying: Any, people: Any, joining: Any) -> None:
        batches.switched(joining, False)
        with pytest.raises(ValidationError, match="switched off"):
            pay(waiting, paying, people["operator"])

    def test_when_it_expires_between_claim_and_bytes(
        self, waiting: Any, paying: Any, people: Any, box: Any, monkeypatch: Any
    ) -> None:
        asked = pay(waiting, paying, people["operator"])
        withdrawals.approve(actor=people["approver"], withdrawal=asked)
        real = withdrawals._claim

        def late(pk: int) -> Any:
            claimed = real(pk)
            BatchPayout.objects.filter(pk=waiting.pk).update(status="expired")
            return claimed

        monkeypatch.setattr(withdrawals, "_claim", late)
        withdrawals.submit(withdrawal_id=asked.pk)
        asked.refresh_from_db()
        assert (asked.status, sent(box)) == ("approved", [])
        self.restore(waiting)

    def test_an_order_that_nobody_here_asked_for_is_never_paid(
        self, joining: Any, paying: Any, people: Any, box: Any
    ) -> None:
        """An orphan: its answer was lost, and people closed it. Nothing here knows its address."""
        batches.fault(box, "drop_after")
        lost = batches.created(joining, people)
        with pytest.raises(ValidationError):
            pay(lost, paying, people["operator"])
        assert lost.deposit_address == ""


class TestFromAComputedBalance:
    """An account whose provider states no balances and lists its own payment methods."""

    def test_it_is_a_way_and_exactly_the_deposit_arrives(self, waiting: Any, people: Any, box: Any) -> None:
        listing = batches.listing_payer(box)
        (way,) = batch_payments.ways(waiting)
        assert (way.account, way.currency, way.network) == (listing, "BTC", "bitcoin")
        asked = pay(waiting, listing, people["operator"], paysys=way.code)
        told = {"ticker": "BTC", "network": "bitcoin", "fee_payer": "1"}
        assert told.items() <= asked.fields.items()
        assert asked.fee_payer == "balance"
        approve_and_send(asked, people)
        (one,) = box.control("bitexbit/transactions")["transactions"]
        said = one["params"]
        assert (said["address"], said["fee_payer"]) == (waiting.deposit_address, "1")
        assert Decimal(said["amount"]) == Decimal(one["amount"]) == waiting.deposit_amount
        # The fee came on top, off our balance: what is asked for is what arrives.
        assert {code: Decimal(net) for code, net in one["net"].items()} == {
            "BTC": -waiting.deposit_amount - asked.fee_quoted
        }
        tags = set(Movement.objects.filter(account=listing).values_list("tag", flat=True))
        assert tags <= {PROVIDERS["coinjoin"].report_tag}

    def test_its_balance_is_the_one_of_its_method(self, waiting: Any, people: Any, box: Any) -> None:
        listing = batches.listing_payer(box)
        (way,) = batch_payments.ways(waiting)
        with pytest.raises(ValidationError) as caught:
            pay(waiting, listing, people["operator"], paysys=way.code, currency="USDT")
        assert set(caught.value.error_dict) == {"currency"}

    def test_without_an_opening_it_says_so_at_the_balance(self, waiting: Any, people: Any, box: Any) -> None:
        listing = batches.listing_payer(box)
        listing.balances.update(opened_at=None)
        (way,) = batch_payments.ways(waiting)
        with pytest.raises(ValidationError, match="opening balance") as caught:
            pay(waiting, listing, people["operator"], paysys=way.code)
        assert set(caught.value.error_dict) == {"currency"}


class TestUnseen:
    """The deposit is complete on our side, and the provider goes on waiting for it."""

    @pytest.fixture
    def paid(self, waiting: Any, paying: Any, people: Any, box: Any) -> Withdrawal:
        money.set_up(box, withdraw_delay=0)
        paid = approve_and_send(pay(waiting, paying, people["operator"]), people)
        withdrawals.refresh(withdrawal_id=paid.pk, priority="read")
        paid.refresh_from_db()
        assert paid.status == "complete", paid.provider_status
        return paid

    def test_after_two_hours_a_person_is_told_once_and_no_more_when_it_is_seen(
        self, waiting: Any, paid: Withdrawal, box: Any, time_machine: Any
    ) -> None:
        batches.look(waiting)
        assert not ExceptionItem.objects.exists()
        time_machine.move_to(timezone.now() + batch_alarms.UNSEEN + dt.timedelta(seconds=5))
        batches.look(waiting)
        batches.look(waiting)
        item = ExceptionItem.objects.get()
        assert (item.kind, item.seen, item.status) == ("deposit_unseen", 2, "open")
        batches.move(box, waiting, "deposit")
        assert batches.look(waiting).status == "confirming"
        item.refresh_from_db()
        assert item.status == "closed"

    def test_too_little_is_told_as_such(
        self, waiting: Any, paid: Withdrawal, box: Any, time_machine: Any
    ) -> None:
        batches.move(box, waiting, "deposit", amount="0.00000001")
        time_machine.move_to(timezone.now() + batch_alarms.UNSEEN + dt.timedelta(seconds=5))
        batches.look(waiting)
        assert "too little" in ExceptionItem.objects.get().title

    def test_one_that_is_still_on_its_way_is_waited_for(
        self, waiting: Any, paying: Any, people: Any, time_machine: Any
    ) -> None:
        asked = pay(waiting, paying, people["operator"])
        Withdrawal.objects.filter(pk=asked.pk).update(status="pending", sent_at=timezone.now())
        time_machine.move_to(timezone.now() + batch_alarms.UNSEEN + dt.timedelta(seconds=5))
        batches.look(waiting)
        Withdrawal.objects.filter(pk=asked.pk).update(status="awaiting_approval", sent_at=None)
        assert not ExceptionItem.objects.exists()

    def test_the_same_for_one_that_is_said_to_be_paid_from_outside(
        self, waiting: Any, people: Any, time_machine: Any
    ) -> None:
        batch_payments.mark_paid(actor=people["operator"], batch_payout=waiting, note="Cold wallet")
        time_machine.move_to(timezone.now() + batch_alarms.UNSEEN + dt.timedelta(seconds=5))
        batches.look(waiting)
        assert list(ExceptionItem.objects.values_list("kind", flat=True)) == ["deposit_unseen"]


class TestAlarm:
    def test_expired_while_our_withdrawal_is_on_its_way(
        self, waiting: Any, paying: Any, people: Any, box: Any
    ) -> None:
        approve_and_send(pay(waiting, paying, people["operator"]), people)
        batches.move(box, waiting, "expire")
        batches.look(waiting)
        assert list(ExceptionItem.objects.values_list("kind", flat=True)) == ["expired_paid"]

    def test_expired_before_our_withdrawal_was_approved_is_quiet(
        self, waiting: Any, paying: Any, people: Any, box: Any
    ) -> None:
        pay(waiting, paying, people["operator"])
        batches.move(box, waiting, "expire")
        batches.look(waiting)
        assert not ExceptionItem.objects.exists()

    def test_the_whole_way(self, waiting: Any, paying: Any, people: Any, box: Any) -> None:
        approve_and_send(pay(waiting, paying, people["operator"]), people)
        for verb in ("deposit", "confirm", "complete"):
            batches.move(box, waiting, verb)
        batches.look(waiting)
        assert waiting.status == "complete"
        assert sum(Movement.objects.filter(on_balance=False).values_list("amount", flat=True)) == 0
        assert not ExceptionItem.objects.exists()
