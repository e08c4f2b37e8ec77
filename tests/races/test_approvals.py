"""Who decides at the same instant: approvers, requesters, the clock, and the balance that all of them draw on."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connections
from django.db.models import Sum
from django.utils import timezone

from backoffice.kit.states import IllegalMove
from backoffice.models import AuditEntry
from payments.models import Approval, Balance, Reservation, Withdrawal
from payments.services import (
    reservations,
    withdrawal_decisions,
    withdrawal_reports,
    withdrawals,
)
from tests import factories
from tests.races import money
from tests.races.racing import lost, meet, race, without_lock, won

pytestmark = pytest.mark.django_db(transaction=True)

TOLD = (IllegalMove, ValidationError, PermissionDenied)  # what a person can read


def told(row: Withdrawal, verb: str) -> int:
    """How often the audit trail tells that."""
    return AuditEntry.objects.filter(object_id=str(row.pk), verb=f"withdrawal.{verb}").count()


class TestTwoApprovers:
    """G01."""

    @staticmethod
    def click(row: Withdrawal, *approvers: Any) -> list[Any]:
        stale = [Withdrawal.objects.get(pk=row.pk) for _approver in approvers]
        return race(
            [
                lambda actor=actor, seen=seen: withdrawals.approve(actor=actor, withdrawal=seen)
                for actor, seen in zip(approvers, stale, strict=True)
            ]
        )

    @money.volumes(20, 1000)
    def test_one_approves_and_the_other_is_told(self, paying: Any, people: Any, runs: int) -> None:
        second = factories.person("approver")
        for _run in range(runs):
            row = money.ask(paying, people["operator"], amount="1")
            outcomes = self.click(row, people["approver"], second)
            assert len(won(outcomes)) == 1
            assert all(isinstance(error, TOLD) for error in lost(outcomes))
            assert Approval.objects.filter(reference=row.reference, voided_at=None).count() == 1
            assert Reservation.objects.filter(reference=row.reference).count() == 1
            assert told(row, "approved") == 1
            withdrawals.cancel(actor=people["operator"], withdrawal=row)

    def test_without_the_row_lock_the_other_is_not_told(
        self, paying: Any, people: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control: both believe that it waits; only a constraint stops the second, in words for nobody."""
        without_lock(monkeypatch, Withdrawal)
        meet(monkeypatch, withdrawal_reports, "lock", parties=2)
        row = money.ask(paying, people["operator"])
        outcomes = self.click(row, people["approver"], factories.person("approver"))
        assert any(isinstance(error, IntegrityError) for error in lost(outcomes))


class TestApproveCancelExpire:
    """G02: whoever comes first decides, the others are told, and money is held back only for what may leave."""

    @staticmethod
    def all_at_once(row: Withdrawal, people: Any) -> list[Any]:
        return race(
            [
                lambda: withdrawals.approve(actor=people["approver"], withdrawal=row),
                lambda: withdrawals.cancel(actor=people["operator"], withdrawal=row),
                lambda: withdrawals.reject(actor=people["approver"], withdrawal=row, reason="no"),
                withdrawals.expire,
            ]
        )

    @money.volumes(20, 500)
    def test_what_is_left_fits_together(self, paying: Any, people: Any, runs: int) -> None:
        for run in range(runs):
            row = money.ask(paying, people["operator"], amount="1")
            if run % 2:  # so old that the clock wants it, too
                Withdrawal.objects.filter(pk=row.pk).update(created_at=timezone.now() - dt.timedelta(days=8))
            outcomes = self.all_at_once(row, people)
            assert all(isinstance(error, TOLD) for error in lost(outcomes)), outcomes
            end = money.state(row)
            held = Reservation.objects.filter(reference=row.reference, ended_at=None).count()
            open_yes = Approval.objects.filter(reference=row.reference, voided_at=None, used_at=None).count()
            assert (held, open_yes) == ((1, 1) if end == "approved" else (0, 0))
            # An approved one may still be canceled; nothing else happens twice.
            decided = [told(row, verb) for verb in ("approved", "canceled", "rejected")]
            assert decided in ([1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]), decided
            if end == "approved":
                withdrawals.cancel(actor=people["operator"], withdrawal=row)

    @money.volumes(20, 200)
    def test_cancelling_while_it_is_being_sent(
        self, paying: Any, people: Any, gullible: Any, runs: int
    ) -> None:
        for _run in range(runs):
            row = money.approved(paying, people, amount="1")
            outcomes = race(
                [
                    lambda row=row: withdrawals.cancel(actor=people["operator"], withdrawal=row),
                    lambda row=row: withdrawals.submit(withdrawal_id=row.pk),
                ]
            )
            assert all(isinstance(error, TOLD) for error in lost(outcomes)), outcomes
            paid = money.accepts(gullible)[row.reference.value]
            assert (money.state(row), paid) in (("canceled", 0), ("complete", 1))

    def test_without_the_row_lock_the_ends_contradict_each_other(
        self, paying: Any, people: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control: canceled, and money held back for it; or two ends of one request."""
        without_lock(monkeypatch, Withdrawal)
        meet(monkeypatch, withdrawal_reports, "lock", parties=3)
        row = money.ask(paying, people["operator"])
        outcomes = self.all_at_once(row, people)
        assert len(won(outcomes[:3])) > 1


class TestBalanceForTen:
    """G07: fifty approvals race for a balance of ten."""

    @pytest.fixture
    def poor(self, box: Any, transactional_db: None) -> Any:
        return money.paying_account(box, balance="113.22")  # ten times 11.322: 10 + 1 + 1 % and 2 % of margin

    @staticmethod
    def approve_all(poor: Any, people: Any) -> list[Any]:
        rows = [money.ask(poor, people["operator"]) for _number in range(50)]
        return race(
            [lambda row=row: withdrawals.approve(actor=people["approver"], withdrawal=row) for row in rows]
        )

    @money.volumes(1, 20)
    def test_exactly_ten_are_approved(self, poor: Any, people: Any, runs: int) -> None:
        for _run in range(runs):
            outcomes = self.approve_all(poor, people)
            assert len(won(outcomes)) == 10
            assert all(isinstance(error, ValidationError) for error in lost(outcomes)), lost(outcomes)
            assert money.free() == 0
            for row in Withdrawal.objects.filter(status__in=["approved", "awaiting_approval"]):
                withdrawals.cancel(actor=people["operator"], withdrawal=row)

    def test_without_the_balance_lock_there_are_more(
        self, poor: Any, people: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control."""
        without_lock(monkeypatch, Balance)
        meet(monkeypatch, reservations, "available", parties=50)
        assert len(won(self.approve_all(poor, people))) > 10

    def test_a_debit_booked_meanwhile_is_not_overlooked(
        self, box: Any, people: Any, transactional_db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between reading the debits and reading the reservations another payment turns from one into the other."""
        poor = money.paying_account(box, balance="11.322")
        money.set_up(box, withdraw_delay=0)
        first = money.approved(poor, people)
        second = money.ask(poor, people["operator"])

        def pay_the_first() -> None:
            try:
                withdrawals.submit(withdrawal_id=first.pk)
            finally:
                connections.close_all()

        other = threading.Thread(target=pay_the_first)
        real = reservations.reserved

        def meanwhile(balance: Balance) -> Decimal:
            if other.ident is None:
                other.start()
                other.join(1.5)  # where it has to wait for us, it goes on later
            return real(balance)

        with monkeypatch.context() as patch:
            patch.setattr(reservations, "reserved", meanwhile)
            with pytest.raises(ValidationError):
                withdrawals.approve(actor=people["approver"], withdrawal=second)
        other.join(30)
        assert money.state(first) == "complete"


class TestManyAtOnce:
    """G14: a bulk approval is as many single ones; those that may not be approved change nothing for the others."""

    @pytest.mark.parametrize(
        ("many", "own", "gone"), [(60, 12, 8), pytest.param(500, 12, 8, marks=pytest.mark.long)]
    )
    def test_the_forbidden_ones_are_named(
        self, paying: Any, people: Any, many: int, own: int, gone: int
    ) -> None:
        approver = people["approver"]
        rows = [money.ask(paying, people["operator"], amount="1") for _number in range(many)]
        Withdrawal.objects.filter(pk__in=[row.pk for row in rows[:own]]).update(created_by=approver)
        for row in rows[own : own + gone]:
            withdrawals.cancel(actor=people["operator"], withdrawal=row)

        def decide(row: Withdrawal) -> str:
            try:
                withdrawals.approve(actor=approver, withdrawal=row)
            except (ValidationError, IllegalMove) as error:
                return str(error)
            return ""

        half = len(rows) // 2
        reasons = [
            reason
            for part in race(
                [lambda: [decide(r) for r in rows[:half]], lambda: [decide(r) for r in rows[half:]]]
            )
            for reason in part
        ]
        refused = [reason for reason in reasons if reason]
        assert len(refused) == own + gone
        assert sum("yourself" in reason for reason in refused) == own
        assert Withdrawal.objects.filter(status="approved").count() == many - own - gone
        held = Reservation.objects.filter(ended_at=None).aggregate(total=Sum("amount"))["total"]
        assert held == sum(row.max_debit for row in rows[own + gone :])


class TestTwoConfirm:
    """A23, G01: the second yes to sending again counts once, whoever presses at the same instant."""

    def test_it_is_sent_again_once(self, paying: Any, people: Any, box: Any, settings: Any) -> None:
        settings.SETTLE_SECONDS = 0
        money.set_up(box, withdraw_delay=0)
        money.fault(box, "drop_before")
        row = money.approved(paying, people)
        withdrawals.submit(withdrawal_id=row.pk)
        assert money.state(row) == "unknown"
        money.make_due()
        money.work()
        assert money.state(row) == "unknown"
        proposer, *confirmers = [factories.person("approver") for _number in range(4)]
        withdrawal_decisions.resend(actor=proposer, withdrawal=row, note="bitloga does not know it")
        outcomes = race(
            [lambda who=who: withdrawal_decisions.confirm(actor=who, withdrawal=row) for who in confirmers]
        )
        assert len(won(outcomes)) == 1
        assert all(isinstance(error, TOLD) for error in lost(outcomes)), outcomes
        money.work_until(lambda: money.state(row) == "complete", seconds=5)
        assert money.accepts(box) == {row.reference.value: 1}
        money.check_promises(box, [row])
