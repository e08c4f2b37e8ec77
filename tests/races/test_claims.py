"""One row, many workers: claims, repeated messages, a worker that sleeps through its lease, one that dies twice.

The sandbox accepts repeats here, so whatever our side sends twice is paid twice and seen in its ledger.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from payments import tasks
from payments.models import ProviderCall, Withdrawal
from payments.providers import sockets
from payments.services import (
    approvals,
    calls,
    polling,
    schedule,
    withdrawal_attempts,
    withdrawal_reports,
    withdrawals,
)
from tests.races import money
from tests.races.racing import Sleeper, lost, meet, race, without_lock

pytestmark = pytest.mark.django_db(transaction=True)


def lease_runs_out(withdrawal: Withdrawal) -> None:
    """The worker that has it has been silent for longer than its claim lasts."""
    Withdrawal.objects.filter(pk=withdrawal.pk).update(claimed_until=Now(), next_check_at=Now())


class TestClaim:
    """A14: two workers take the same row."""

    @money.volumes(20, 1000)
    def test_exactly_one_gets_it(self, paying: Any, people: Any, runs: int) -> None:
        row = money.approved(paying, people)
        for _run in range(runs):
            Withdrawal.objects.filter(pk=row.pk).update(claimed_until=None)
            before = Withdrawal.objects.get(pk=row.pk).fence
            fences = race([lambda: schedule.claim(Withdrawal, row.pk, status="approved")] * 2)
            assert sorted(fences, key=str) == [before + 1, None]

    def test_without_the_lock_both_get_it(self, paying: Any, people: Any) -> None:
        """The control: looking first and writing then is no claim."""
        row = money.approved(paying, people)
        gate = threading.Barrier(2)

        def look_then_write() -> int | None:
            found = Withdrawal.objects.filter(pk=row.pk, claimed_until=None).first()
            gate.wait(10)
            if found is None:
                return None
            Withdrawal.objects.filter(pk=row.pk).update(claimed_until=Now(), fence=F("fence") + 1)
            return found.fence + 1

        assert None not in race([look_then_write] * 2)


class TestMessages:
    """A15: the same message many times, in parallel and much later."""

    @money.volumes(10, 200)
    def test_it_is_sent_once(self, paying: Any, people: Any, gullible: Any, runs: int) -> None:
        rows = [money.approved(paying, people) for _run in range(runs)]
        for number, row in enumerate(rows):
            copies = 2 + number * 2 % 19
            outcomes = race([lambda pk=row.pk: tasks.submit_withdrawal(pk)] * copies)
            assert not lost(outcomes)
        for row in rows:
            tasks.submit_withdrawal(row.pk)  # an hour later
        assert money.accepts(gullible) == {row.reference.value: 1 for row in rows}
        assert ProviderCall.objects.filter(safe=False).count() == runs
        money.check_promises(gullible, rows)

    def test_without_the_claim_it_is_paid_twice(
        self, paying: Any, people: Any, gullible: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control: no claim, no row lock, no fence before the bytes."""
        row = money.approved(paying, people)
        without_lock(monkeypatch, Withdrawal)
        monkeypatch.setattr(schedule, "claim", lambda *_arguments, **_conditions: 1)
        monkeypatch.setattr(schedule, "holds", lambda *_arguments, **_conditions: True)
        meet(monkeypatch, withdrawal_reports, "lock", parties=2)
        race([lambda: tasks.submit_withdrawal(row.pk)] * 2)
        assert money.accepts(gullible) == {row.reference.value: 2}
        row.refresh_from_db()
        with pytest.raises(AssertionError, match="V1"):
            money.check_promises(gullible, [row])


class TestFence:
    """A16: a worker's lease is stolen while it stands still. (Stopped processes: tests/crash/test_stopped.py.)"""

    def test_the_one_who_slept_sends_nothing(
        self, paying: Any, people: Any, gullible: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = money.approved(paying, people)
        sleeper = Sleeper(monkeypatch)
        sleeper.begin(lambda: withdrawals.submit(withdrawal_id=row.pk))
        lease_runs_out(row)
        polling.run_stuck(limit=10)  # proven not sent: back to approved ...
        assert money.state(row) == "approved"
        polling.run_stuck(limit=10)  # ... and sent by another worker
        assert money.state(row) == "complete"
        sleeper.end()
        assert money.state(row) == "complete"
        assert money.accepts(gullible) == {row.reference.value: 1}
        assert list(
            ProviderCall.objects.filter(safe=False).order_by("id").values_list("outcome", flat=True)
        ) == [
            "ok",
            "Unavailable",
        ]
        money.check_promises(gullible, [row])

    def test_behind_the_last_look_it_is_only_asked_about(
        self, paying: Any, people: Any, gullible: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The worker has passed the fence and stands still before the first byte: no machine sends in its place."""
        row = money.approved(paying, people)
        sleeper = Sleeper(monkeypatch, sockets, "_peer_is_gone")
        sleeper.begin(lambda: withdrawals.submit(withdrawal_id=row.pk))
        lease_runs_out(row)
        for _round in range(3):
            money.make_due()
            money.work()
        assert money.state(row) == "unknown"
        assert not money.accepts(gullible)
        sleeper.end()
        assert money.state(row) == "complete"
        assert money.accepts(gullible) == {row.reference.value: 1}
        money.check_promises(gullible, [row])

    def test_without_the_fence_it_is_paid_twice(
        self, paying: Any, people: Any, gullible: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control."""
        row = money.approved(paying, people)
        sleeper = Sleeper(monkeypatch)
        sleeper.begin(lambda: withdrawals.submit(withdrawal_id=row.pk))
        lease_runs_out(row)
        polling.run_stuck(limit=10)
        polling.run_stuck(limit=10)
        monkeypatch.setattr(schedule, "holds", lambda *_arguments, **_conditions: True)
        monkeypatch.setattr(approvals, "why_not", lambda **_bound: "")
        sleeper.end()
        assert money.accepts(gullible) == {row.reference.value: 2}


class TestRecovery:
    """A worker died in the middle: what may have left is asked about, and never sent again by a machine."""

    @staticmethod
    def died_after_sending(row: Withdrawal, monkeypatch: pytest.MonkeyPatch) -> None:
        """The provider accepted it; the worker ended before it could write the answer down."""
        with monkeypatch.context() as patch:
            patch.setattr(withdrawal_reports, "apply", lambda **_report: None)
            patch.setattr(calls._Recorder, "_finish", lambda *_exchange: None)
            withdrawals.submit(withdrawal_id=row.pk)
        assert money.state(row) == "sending"
        lease_runs_out(row)

    def test_two_deaths_in_a_row_send_nothing_again(
        self, paying: Any, people: Any, gullible: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The one who recovers dies too, before it has decided anything."""
        row = money.approved(paying, people)
        self.died_after_sending(row, monkeypatch)
        with monkeypatch.context() as patch:

            def dies(**_arguments: Any) -> None:
                raise SystemExit

            for name in ("doubt", "not_sent"):
                patch.setattr(withdrawal_attempts, name, dies)
            with pytest.raises(SystemExit):
                withdrawals.submit(withdrawal_id=row.pk)
        lease_runs_out(row)
        money.work_until(lambda: money.state(row) == "complete", seconds=5)
        assert money.accepts(gullible) == {row.reference.value: 1}
        money.check_promises(gullible, [row])

    @pytest.mark.parametrize("outcome", ["SoftTimeLimitExceeded", "KeyboardInterrupt", "OperationalError"])
    def test_an_end_that_no_list_names_counts_as_may_have_left(
        self, paying: Any, people: Any, gullible: Any, monkeypatch: pytest.MonkeyPatch, outcome: str
    ) -> None:
        row = money.approved(paying, people)
        self.died_after_sending(row, monkeypatch)
        ProviderCall.objects.filter(safe=False).update(outcome=outcome)
        money.work_until(lambda: money.state(row) == "complete", seconds=5)
        assert money.accepts(gullible) == {row.reference.value: 1}

    def test_with_the_attempt_forgotten_it_is_paid_twice(
        self, paying: Any, people: Any, gullible: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control: the written attempt is all that keeps the second worker from sending."""
        row = money.approved(paying, people)
        self.died_after_sending(row, monkeypatch)
        monkeypatch.setattr(calls, "may_have_left", lambda *_attempt, **_fence: False)
        money.work_until(lambda: money.state(row) == "complete", seconds=5)
        assert money.accepts(gullible) == {row.reference.value: 2}

    def test_one_that_cannot_be_sent_holds_up_no_other(
        self, paying: Any, people: Any, gullible: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bad, good = money.approved(paying, people), money.approved(paying, people)
        to_send = withdrawals.withdrawal_fields.to_send

        def stumbles(withdrawal: Withdrawal) -> dict[str, Any]:
            if withdrawal.pk == bad.pk:
                raise ValueError("a row that nobody can read")
            return to_send(withdrawal)

        with monkeypatch.context() as patch:
            patch.setattr(withdrawals.withdrawal_fields, "to_send", stumbles)
            polling.run_stuck(limit=10)
        assert money.state(good) == "complete"
        assert money.state(bad) == "approved"
