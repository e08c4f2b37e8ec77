"""A withdrawal's way: requested, approved by another person, reserved, sent once, asked about, booked."""

from __future__ import annotations

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from backoffice.kit.states import IllegalMove
from payments.models import (
    Approval,
    Balance,
    ExceptionItem,
    Method,
    Movement,
    ProviderAccount,
    ProviderCall,
    Reservation,
    Withdrawal,
)
from payments.services import (
    balances,
    decisions,
    freeze,
    polling,
    reservations,
    withdrawal_decisions,
    withdrawals,
)
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paying(account: Any, box: Any) -> ProviderAccount:
    """An account that may pay out, with balances and a known fee."""
    ProviderAccount.objects.filter(pk=account.pk).update(money_out=True)
    Method.objects.filter(account=account, code="USDTBALANCE").update(
        for_withdrawal=True, fee_fixed=Decimal(1), fee_rate=Decimal("0.01")
    )
    balances.refresh(account_id=account.pk)
    account.refresh_from_db()
    return account


def ask(account: Any, actor: Any, **changed: Any) -> Withdrawal:
    fields = {"currency": "USDT", "paysys": "USDTBALANCE", "amount": "10", "purse": "user@example.com"}
    return withdrawals.request(actor=actor, account=account, fields=fields | changed)


@pytest.fixture
def approved(paying: Any, people: Any) -> Withdrawal:
    asked = ask(paying, people["operator"])
    withdrawals.approve(actor=people["approver"], withdrawal=asked)
    asked.refresh_from_db()
    return asked


def accepted(box: Any) -> list[Any]:
    return [row for row in box.control("bitloga/transactions")["transactions"] if row["kind"] == "withdrawal"]


def fault(box: Any, mode: str, *, action: str = "withdraw", count: int = 1, **more: Any) -> None:
    box.control("faults", {"provider": "bitloga", "action": action, "mode": mode, "count": count, **more})


def finish(box: Any, withdrawal: Withdrawal, verb: str = "complete") -> None:
    box.control(f"bitloga/withdrawals/{withdrawal.reference.value}/{verb}", {})


class TestWay:
    def test_it_is_sent_once_and_booked_with_its_fee_apart(self, approved: Withdrawal, box: Any) -> None:
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status in ("pending", "complete"), approved.last_error
        finish(box, approved) if approved.status == "pending" else None
        withdrawals.refresh(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "complete"
        kinds = dict(Movement.objects.values_list("kind", "amount"))
        assert kinds["withdrawal"] + kinds.get("fee", 0) == -approved.debit
        assert len(accepted(box)) == 1
        assert not Reservation.objects.filter(ended_at__isnull=True).exists()

    def test_the_estimate_and_its_margin_are_reserved(self, approved: Withdrawal) -> None:
        assert approved.estimate == Decimal("11.1")
        assert approved.max_debit == Decimal("11.322")
        assert Reservation.objects.get().amount == approved.max_debit

    def test_before_it_is_approved_nothing_is_sent(self, paying: Any, people: Any, box: Any) -> None:
        asked = ask(paying, people["operator"])
        withdrawals.submit(withdrawal_id=asked.pk)
        assert not accepted(box)


class TestRequest:
    @pytest.mark.parametrize(
        ("changed", "at"),
        [
            ({"paysys": "BTC"}, "paysys"),
            ({"amount": ""}, "amount"),
            ({"amount": "0"}, "amount"),
            ({"amount": "1e2"}, "amount"),
            ({"amount": "1.1234567"}, "amount"),
            ({"currency": ""}, "currency"),
            ({"currency": "XXX"}, "currency"),
            ({"purse": ""}, "purse"),
            ({"currency": "BTC"}, "_max_debit"),
            ({"_max_debit": "5"}, "_max_debit"),
            ({"nonsense": "1"}, "nonsense"),
        ],
    )
    def test_bad_input_is_named_at_its_field(self, paying: Any, people: Any, changed: Any, at: str) -> None:
        with pytest.raises(ValidationError) as caught:
            ask(paying, people["operator"], **changed)
        assert at in caught.value.error_dict
        assert not Withdrawal.objects.exists()

    def test_another_currency_needs_the_most_that_may_be_debited(self, paying: Any, people: Any) -> None:
        asked = ask(paying, people["operator"], currency="BTC", _max_debit="0.001")
        assert (asked.balance_currency, asked.max_debit, asked.estimate) == ("BTC", Decimal("0.001"), None)

    def test_the_same_again_within_ten_minutes_needs_a_tick(self, paying: Any, people: Any) -> None:
        ask(paying, people["operator"])
        with pytest.raises(ValidationError) as caught:
            ask(paying, people["operator"])
        assert "_confirm_similar" in caught.value.error_dict
        ask(paying, people["operator"], _confirm_similar=True)
        assert Withdrawal.objects.count() == 2

    def test_the_same_form_is_one_request(self, paying: Any, people: Any) -> None:
        token = uuid.uuid4()
        fields = {"currency": "USDT", "paysys": "USDTBALANCE", "amount": "10", "purse": "user@example.com"}

        def one(_number: int) -> int:
            try:
                return withdrawals.request(
                    actor=people["operator"],
                    account=paying,
                    fields=fields | {"_confirm_similar": True},
                    form_token=token,
                ).pk
            finally:
                connections.close_all()

        with ThreadPoolExecutor(10) as pool:
            made = set(pool.map(one, range(50)))
        assert len(made) == Withdrawal.objects.count() == 1

    def test_a_card_stands_nowhere_in_clear(self, paying: Any, people: Any, box: Any) -> None:
        from django.db import connection

        card = "4111111111111111"
        Method.objects.create(
            account=paying,
            code="CARD_RUB",
            title="Card",
            currency="RUB",
            for_withdrawal=True,
            needs_names=True,
            is_card=True,
            fee_fixed=0,
        )
        asked = ask(
            paying,
            people["operator"],
            paysys="CARD_RUB",
            currency="RUB",
            amount="1000",
            purse=card,
            name="A",
            surname="B",
        )
        withdrawals.approve(actor=people["approver"], withdrawal=asked)
        withdrawals.submit(withdrawal_id=asked.pk)
        asked.refresh_from_db()
        assert asked.purse == card
        assert asked.status in ("pending", "complete", "failed", "unknown")
        with connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in cursor.fetchall():
                cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{card}%"])
                assert cursor.fetchone()[0] == 0, table


class TestApprove:
    @pytest.mark.parametrize("role", ["viewer", "operator", "finance", "admin"])
    def test_only_an_approver_may(self, paying: Any, people: Any, role: str) -> None:
        with pytest.raises(PermissionDenied):
            withdrawals.approve(actor=people[role], withdrawal=ask(paying, people["operator"]))

    def test_ones_own_request_is_refused(self, paying: Any, people: Any) -> None:
        from backoffice.services import roles

        roles.give(actor=None, user=people["operator"], role="approver")
        with pytest.raises(ValidationError):
            withdrawals.approve(actor=people["operator"], withdrawal=ask(paying, people["operator"]))

    def test_more_than_is_available_is_refused_and_nothing_is_reserved(
        self, paying: Any, people: Any
    ) -> None:
        Balance.objects.filter(currency="USDT").update(stated=Decimal(20))
        first = ask(paying, people["operator"])
        second = ask(paying, people["operator"], _confirm_similar=True)
        withdrawals.approve(actor=people["approver"], withdrawal=first)
        with pytest.raises(ValidationError):
            withdrawals.approve(actor=people["approver"], withdrawal=second)
        second.refresh_from_db()
        assert second.status == "awaiting_approval"
        assert Reservation.objects.count() == 1

    @pytest.mark.parametrize(
        "changed",
        [
            {"amount": Decimal(11)},
            {"max_debit": Decimal(99)},
            {"method": "USDTERC20"},
            {"fields": {"currency": "RUB"}},
        ],
    )
    def test_whatever_changes_afterwards_voids_it(self, approved: Withdrawal, box: Any, changed: Any) -> None:
        Reservation.objects.update(amount=changed.get("max_debit", approved.max_debit))
        Withdrawal.objects.filter(pk=approved.pk).update(**changed)
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        if "method" in changed:
            Withdrawal.objects.filter(pk=approved.pk).update(method="USDTBALANCE")
        else:
            assert approved.status == "awaiting_approval"
            assert not Reservation.objects.filter(ended_at__isnull=True).exists()
        assert not accepted(box) or "method" in changed

    def test_a_moved_account_voids_it(self, approved: Withdrawal, paying: Any, box: Any) -> None:
        ProviderAccount.objects.filter(pk=paying.pk).update(base_url=paying.base_url + "other/")
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "awaiting_approval"
        assert not accepted(box)

    def test_moving_the_account_voids_every_open_approval(
        self, approved: Withdrawal, paying: Any, people: Any, settings: Any
    ) -> None:
        from payments.services import accounts

        settings.PROVIDER_INTERNAL_HOSTS |= {"127.0.0.1:1"}
        accounts.change(actor=people["admin"], account=paying, base_url="http://127.0.0.1:1/api/")
        assert not Approval.objects.filter(voided_at__isnull=True).exists()
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status in ("approved", "awaiting_approval")

    def test_an_approver_who_is_none_any_more_counts_for_nothing(
        self, approved: Withdrawal, people: Any, box: Any
    ) -> None:
        people["approver"].groups.clear()
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "awaiting_approval"
        assert not accepted(box)

    def test_after_a_day_it_must_be_approved_again(self, approved: Withdrawal, box: Any) -> None:
        Approval.objects.update(expires_at=timezone.now())
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "awaiting_approval"
        assert not accepted(box)

    def test_an_old_request_is_canceled_by_the_clock(self, paying: Any, people: Any) -> None:
        asked = ask(paying, people["operator"])
        Withdrawal.objects.update(created_at=timezone.now() - dt.timedelta(days=8))
        assert withdrawals.expire() == 1
        asked.refresh_from_db()
        assert asked.status == "canceled"


class TestCancel:
    def test_the_requester_or_an_approver_may_before_it_is_sent(
        self, paying: Any, people: Any, approved: Withdrawal
    ) -> None:
        other = factories.person("operator")
        with pytest.raises(PermissionDenied):
            withdrawals.cancel(actor=other, withdrawal=approved)
        withdrawals.cancel(actor=people["operator"], withdrawal=approved)
        approved.refresh_from_db()
        assert approved.status == "canceled"
        assert not Reservation.objects.filter(ended_at__isnull=True).exists()

    def test_what_was_sent_cannot_be_canceled(self, people: Any, approved: Withdrawal) -> None:
        withdrawals.submit(withdrawal_id=approved.pk)
        with pytest.raises(IllegalMove):
            withdrawals.cancel(actor=people["approver"], withdrawal=approved)


class TestDoubt:
    def test_dropped_after_it_was_accepted_it_heals_by_itself(self, approved: Withdrawal, box: Any) -> None:
        fault(box, "drop_after")
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "unknown"
        withdrawals.submit(withdrawal_id=approved.pk)
        finish(box, approved)
        Withdrawal.objects.update(next_check_at=Now())
        polling.run_due(limit=5)
        approved.refresh_from_db()
        assert approved.status == "complete"
        assert len(accepted(box)) == 1

    def test_already_used_is_asked_about(self, approved: Withdrawal, box: Any) -> None:
        fault(box, "message", text="Received Unique ID has already been used")
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "unknown"

    def test_not_found_alone_proves_nothing(self, approved: Withdrawal, box: Any) -> None:
        fault(box, "drop_before")
        withdrawals.submit(withdrawal_id=approved.pk)
        Withdrawal.objects.update(next_check_at=Now())
        for _time in range(3):
            polling.run_due(limit=5)
            Withdrawal.objects.update(next_check_at=Now())
        approved.refresh_from_db()
        assert approved.status == "unknown"
        assert not accepted(box)
        assert Reservation.objects.filter(ended_at__isnull=True).count() == 1

    def test_refused_in_documented_words_it_failed(self, approved: Withdrawal, box: Any) -> None:
        fault(box, "message", text="Insufficient balance")
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "failed"
        assert not Reservation.objects.filter(ended_at__isnull=True).exists()

    def test_what_never_left_goes_out_later_under_the_same_approval(
        self, approved: Withdrawal, box: Any
    ) -> None:
        box.pause()
        try:
            withdrawals.submit(withdrawal_id=approved.pk)
        finally:
            box.resume()
        approved.refresh_from_db()
        assert approved.status == "approved"
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status in ("pending", "complete")
        assert len(accepted(box)) == 1

    def test_a_vanished_worker_that_sent_nothing_is_made_up_for(self, approved: Withdrawal, box: Any) -> None:
        claimed = withdrawals._claim(approved.pk)
        assert claimed is not None
        Withdrawal.objects.update(claimed_until=timezone.now() - dt.timedelta(seconds=1))
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "approved"

    def test_failed_counts_when_a_second_look_agrees(
        self, approved: Withdrawal, box: Any, settings: Any
    ) -> None:
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        finish(box, approved, "fail")
        withdrawals.refresh(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "pending"
        withdrawals.refresh(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "pending"
        settings.FAILED_SECOND_LOOK = 0
        withdrawals.refresh(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "failed"
        assert sum(Movement.objects.values_list("amount", flat=True)) == 0

    def test_more_than_approved_stops_the_account(self, paying: Any, people: Any, box: Any) -> None:
        asked = ask(paying, people["operator"], _max_debit="10")
        withdrawals.approve(actor=people["approver"], withdrawal=asked)
        withdrawals.submit(withdrawal_id=asked.pk)
        asked.refresh_from_db()
        assert asked.debit is not None and asked.debit > asked.max_debit
        assert ExceptionItem.objects.get().kind == "over_debit"
        with pytest.raises(ValidationError):
            ask(paying, people["operator"], _confirm_similar=True)


class TestPeople:
    @pytest.fixture
    def unknown(self, approved: Withdrawal, box: Any, settings: Any) -> Withdrawal:
        fault(box, "drop_before")
        withdrawals.submit(withdrawal_id=approved.pk)
        settings.SETTLE_SECONDS = 0
        approved.refresh_from_db()
        assert approved.status == "unknown"
        return approved

    def look(self, withdrawal: Withdrawal) -> None:
        from payments.providers.errors import ProviderError

        with pytest.raises(ProviderError):
            withdrawals.refresh(withdrawal_id=withdrawal.pk)

    def test_sending_again_takes_two_people_and_a_clean_look(
        self, unknown: Withdrawal, people: Any, box: Any
    ) -> None:
        second, third = factories.person("approver"), factories.person("approver")
        ask_again = {"withdrawal": unknown, "note": "the provider does not have it"}
        with pytest.raises(ValidationError):
            withdrawal_decisions.resend(actor=second, **ask_again)
        self.look(unknown)
        with pytest.raises(ValidationError):
            withdrawal_decisions.resend(actor=people["approver"], **ask_again)
        withdrawal_decisions.resend(actor=second, **ask_again)
        with pytest.raises(ValidationError):
            withdrawal_decisions.confirm(actor=second, withdrawal=unknown)
        withdrawal_decisions.confirm(actor=third, withdrawal=unknown)
        withdrawals.submit(withdrawal_id=unknown.pk)
        unknown.refresh_from_db()
        assert unknown.status in ("pending", "complete")
        assert len(accepted(box)) == 1

    def test_within_the_settle_window_nobody_may(self, unknown: Withdrawal, settings: Any) -> None:
        settings.SETTLE_SECONDS = 1200
        self.look(unknown)
        with pytest.raises(ValidationError):
            withdrawal_decisions.resend(actor=factories.person("approver"), withdrawal=unknown, note="x")

    def test_an_old_look_is_not_enough(self, unknown: Withdrawal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.look(unknown)
        monkeypatch.setattr(decisions, "FRESH", dt.timedelta(0))
        with pytest.raises(ValidationError):
            withdrawal_decisions.resend(actor=factories.person("approver"), withdrawal=unknown, note="x")

    def test_failed_takes_two_people_and_frees_the_reservation(
        self, unknown: Withdrawal, people: Any
    ) -> None:
        second = factories.person("approver")
        self.look(unknown)
        resolve = {"withdrawal": unknown, "outcome": "failed", "note": "not there"}
        gone = factories.person("approver")
        withdrawal_decisions.resolve(actor=gone, **resolve)
        gone.groups.clear()
        with pytest.raises(ValidationError, match="no approver any more"):
            withdrawal_decisions.confirm(actor=people["approver"], withdrawal=unknown)
        withdrawal_decisions.resolve(actor=second, **resolve)
        unknown.refresh_from_db()
        assert unknown.status == "unknown"
        withdrawal_decisions.confirm(actor=people["approver"], withdrawal=unknown)
        unknown.refresh_from_db()
        assert unknown.status == "failed"
        assert not Reservation.objects.filter(ended_at__isnull=True).exists()

    def test_complete_takes_one_outsider_and_books_the_estimate(
        self, unknown: Withdrawal, people: Any
    ) -> None:
        self.look(unknown)
        resolve = {"withdrawal": unknown, "outcome": "complete", "note": "the payee has it"}
        with pytest.raises(ValidationError):
            withdrawal_decisions.resolve(actor=people["approver"], **resolve)
        withdrawal_decisions.resolve(actor=factories.person("approver"), **resolve)
        unknown.refresh_from_db()
        assert (unknown.status, unknown.debit) == ("complete", unknown.estimate)

    def test_found_after_the_proposal_it_cannot_be_confirmed(
        self, unknown: Withdrawal, people: Any, box: Any
    ) -> None:
        second = factories.person("approver")
        self.look(unknown)
        withdrawal_decisions.resend(actor=second, withdrawal=unknown, note="x")
        fault(box, "status_500", action="details", count=5)
        self.look(unknown)
        with pytest.raises(ValidationError):
            withdrawal_decisions.confirm(actor=people["approver"], withdrawal=unknown)


class TestFreeze:
    def test_one_stops_everything_and_two_lift_it(self, approved: Withdrawal, people: Any, box: Any) -> None:
        freeze.set(actor=people["finance"], reason="looks odd")
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert (approved.status, accepted(box)) == ("approved", [])
        freeze.lift(actor=people["approver"])
        with pytest.raises(ValidationError):
            freeze.lift(actor=people["approver"])
        withdrawals.submit(withdrawal_id=approved.pk)
        assert not accepted(box)
        freeze.lift(actor=factories.person("approver"))
        withdrawals.submit(withdrawal_id=approved.pk)
        assert len(accepted(box)) == 1

    def test_pressed_while_it_is_on_its_way_no_byte_leaves(
        self, approved: Withdrawal, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = withdrawals.withdrawal_fields.to_send

        def frozen_meanwhile(withdrawal: Withdrawal) -> Any:
            if withdrawal.status == "sending" and not freeze.stops(withdrawal.account_id):
                freeze.set(actor=people["operator"], reason="now")
            return real(withdrawal)

        monkeypatch.setattr(withdrawals.withdrawal_fields, "to_send", frozen_meanwhile)
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert (approved.status, accepted(box)) == ("approved", [])
        assert ProviderCall.objects.get(safe=False).outcome == "Unavailable"

    def test_setting_it_again_starts_lifting_anew(self, people: Any, paying: Any) -> None:
        freeze.set(actor=people["operator"], account=paying, reason="a")
        freeze.lift(actor=people["approver"], account=paying)
        freeze.set(actor=people["operator"], account=paying, reason="b")
        freeze.lift(actor=factories.person("approver"), account=paying)
        assert freeze.stops(paying.pk)


class TestAvailable:
    def test_debits_since_the_statement_and_reservations_count(
        self, approved: Withdrawal, paying: Any
    ) -> None:
        balance = Balance.objects.get(account=paying, currency="USDT")
        stated = balance.stated
        assert stated is not None
        assert reservations.available(balance) == stated - approved.max_debit
        withdrawals.submit(withdrawal_id=approved.pk)
        approved.refresh_from_db()
        assert reservations.available(balance) == stated - approved.debit
