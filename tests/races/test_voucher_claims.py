"""One voucher, many workers: claims, repeated messages, a worker that sleeps through its lease or on its reply.

bitloga refuses no repeat of a create: whatever our side sends twice is two codes in the sandbox's ledger.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError

from codes import tasks
from codes.models import Voucher
from codes.services import (
    creation,
    listings,
    redemptions,
    voucher_decisions,
    voucher_fields,
    voucher_reports,
    vouchers,
)
from codes.services import voucher_states as states
from payments.models import ExceptionItem, Movement, ProviderCall
from payments.providers import sockets
from payments.services import calls, polling, schedule
from tests import factories
from tests.races import money
from tests.races import voucher_rows as rows
from tests.races.racing import Sleeper, lost, meet, race, without_lock

pytestmark = pytest.mark.django_db(transaction=True)


class TestClaim:
    """A14: two workers take the same approved voucher, or the same code."""

    @money.volumes(20, 1000)
    def test_one_code_is_made(self, paying: Any, people: Any, box: Any, runs: int) -> None:
        found = []
        for _run in range(runs):
            row = rows.approved(paying, people, amount="1")
            assert not lost(race([lambda pk=row.pk: vouchers.submit(voucher_id=pk)] * 2))
            found.append(row)
        assert money.states(found) == {"active": runs}
        assert rows.made(box) == {row.reference.value: 1 for row in found}
        rows.check_promises(box, found)

    @money.volumes(20, 500)
    def test_one_code_is_redeemed(self, paying: Any, people: Any, box: Any, runs: int) -> None:
        found = []
        for _run in range(runs):
            row = rows.redeeming(paying, people, box)
            assert not lost(race([lambda pk=row.pk: vouchers.submit(voucher_id=pk)] * 2))
            found.append(row)
        assert money.states(found) == {"redeemed": runs}
        assert set(rows.arrived(box, "apply").values()) == {1}
        rows.check_promises(box, found)

    @staticmethod
    def unprotected(monkeypatch: pytest.MonkeyPatch) -> None:
        """No claim, no row lock, no fence before the bytes."""
        without_lock(monkeypatch, Voucher)
        monkeypatch.setattr(schedule, "claim", lambda *_arguments, **_conditions: 1)
        monkeypatch.setattr(schedule, "holds", lambda *_arguments, **_conditions: True)
        meet(monkeypatch, states, "lock", parties=2)

    def test_without_the_claim_there_are_two_codes(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control."""
        row = rows.approved(paying, people)
        self.unprotected(monkeypatch)
        race([lambda: vouchers.submit(voucher_id=row.pk)] * 2)
        assert rows.made(box) == {row.reference.value: 2}
        with pytest.raises(AssertionError, match="V1"):
            rows.check_promises(box, [row])

    def test_without_the_claim_a_code_is_sent_twice(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control."""
        row = rows.redeeming(paying, people, box)
        self.unprotected(monkeypatch)
        monkeypatch.setattr(calls, "may_have_left", lambda *_attempt, **_fence: False)
        race([lambda: vouchers.submit(voucher_id=row.pk)] * 2)
        assert set(rows.arrived(box, "apply").values()) == {2}


class TestMessages:
    """A15: the same message 2 to 20 times at once, and again later."""

    @money.volumes(5, 100)
    @pytest.mark.parametrize("kind", ["create", "redeem"])
    def test_it_is_sent_once(self, paying: Any, people: Any, box: Any, kind: str, runs: int) -> None:
        found = []
        for number in range(runs):
            row = (
                rows.approved(paying, people, amount="1")
                if kind == "create"
                else rows.redeeming(paying, people, box)
            )
            copies = 20 - number * 4 % 19
            assert not lost(race([lambda pk=row.pk: tasks.submit_voucher(pk)] * copies))
            found.append(row)
        for row in found:
            tasks.submit_voucher(row.pk)  # an hour later
            tasks.refresh_voucher(row.pk)
        assert money.states(found) == {"active" if kind == "create" else "redeemed": runs}
        assert [rows.left(row) for row in found] == [1] * runs
        assert sum(rows.arrived(box, "create" if kind == "create" else "apply").values()) == runs
        rows.check_promises(box, found)


class TestFence:
    """A16: a worker's lease is stolen while it stands still. (Stopped processes: tests/crash/test_stopped.py.)"""

    def test_the_one_who_slept_makes_nothing(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = rows.approved(paying, people)
        sleeper = Sleeper(monkeypatch)
        sleeper.begin(lambda: vouchers.submit(voucher_id=row.pk))
        rows.lease_runs_out(row)
        polling.run_stuck(limit=10)  # proven not sent: back to approved ...
        assert money.state(row) == "approved"
        polling.run_stuck(limit=10)  # ... and made by another worker
        assert money.state(row) == "active"
        sleeper.end()
        assert rows.made(box) == {row.reference.value: 1}
        rows.check_promises(box, [row])

    def test_without_the_fence_there_are_two_codes(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control."""
        row = rows.approved(paying, people)
        sleeper = Sleeper(monkeypatch)
        sleeper.begin(lambda: vouchers.submit(voucher_id=row.pk))
        rows.lease_runs_out(row)
        polling.run_stuck(limit=10)
        polling.run_stuck(limit=10)
        monkeypatch.setattr(schedule, "holds", lambda *_arguments, **_conditions: True)
        monkeypatch.setattr(voucher_fields, "why_not", lambda _voucher: "")
        sleeper.end()
        assert rows.made(box) == {row.reference.value: 2}

    def test_behind_the_last_look_it_is_only_looked_for(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The worker has passed the fence and stands still before the first byte: no machine makes one in its place."""
        row = rows.approved(paying, people)
        sleeper = Sleeper(monkeypatch, sockets, "_peer_is_gone")
        sleeper.begin(lambda: vouchers.submit(voucher_id=row.pk))
        rows.lease_runs_out(row)
        for _round in range(3):
            money.make_due()
            money.work()
        assert money.state(row) == "unknown"
        assert not rows.made(box)
        sleeper.end()
        assert money.state(row) == "active"
        rows.check_promises(box, [row])

    def test_the_one_who_slept_redeems_nothing_and_leaves_the_evidence_alone(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It asked for the balance before, and writes it down only when another has sent the code."""
        row = rows.redeeming(paying, people, box)
        sleeper = Sleeper(monkeypatch, redemptions, "_ask")
        sleeper.begin(lambda: vouchers.submit(voucher_id=row.pk))
        rows.lease_runs_out(row)
        money.fault(box, "drop_after", action="apply")
        assert rows.submit(row) == "unknown"
        sleeper.end()
        vouchers.refresh(voucher_id=row.pk)
        assert money.state(row) == "unknown"
        (line,) = [one for one in redemptions.evidence(row) if one["currency"] == "USDT"]
        assert line["rest"] == rows.WORTH
        assert set(rows.arrived(box, "apply").values()) == {1}
        rows.check_promises(box, [row])


class TestRecovery:
    """The worker that finds an interrupted attempt dies, too; and what keeps it from sending is taken away."""

    @staticmethod
    def died_after_sending(row: Voucher, monkeypatch: pytest.MonkeyPatch) -> None:
        """The provider accepted it; the worker ended before it could write the answer down."""
        with monkeypatch.context() as patch:
            patch.setattr(voucher_reports, "made", lambda **_report: None)
            patch.setattr(voucher_reports, "redeemed", lambda **_report: None)
            patch.setattr(calls._Recorder, "_finish", lambda *_exchange: None)
            vouchers.submit(voucher_id=row.pk)
        assert money.state(row) in ("creating", "redeeming")
        rows.lease_runs_out(row)

    @pytest.mark.parametrize("kind", ["create", "redeem"])
    def test_two_deaths_in_a_row_send_nothing_again(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        row = rows.approved(paying, people) if kind == "create" else rows.redeeming(paying, people, box)
        self.died_after_sending(row, monkeypatch)

        def dies(**_arguments: Any) -> None:
            raise SystemExit

        with monkeypatch.context() as patch:
            for name in ("doubt", "not_sent"):
                patch.setattr(states, name, dies)
            with pytest.raises(SystemExit):
                vouchers.submit(voucher_id=row.pk)
        rows.lease_runs_out(row)
        end = "active" if kind == "create" else "unknown"
        money.work_until(lambda: money.state(row) == end, seconds=5)
        for _round in range(3):
            money.make_due()
            money.work()
        assert money.state(row) == end
        assert rows.left(row) == 1
        rows.check_promises(box, [row])

    @pytest.mark.parametrize("kind", ["create", "redeem"])
    def test_with_the_attempt_forgotten_it_is_sent_twice(
        self,
        paying: Any,
        people: Any,
        box: Any,
        monkeypatch: pytest.MonkeyPatch,
        control: None,
        kind: str,
    ) -> None:
        """The control: the written attempt is all that keeps the second worker from sending."""
        row = rows.approved(paying, people) if kind == "create" else rows.redeeming(paying, people, box)
        self.died_after_sending(row, monkeypatch)
        monkeypatch.setattr(calls, "may_have_left", lambda *_attempt, **_fence: False)
        for _round in range(2):
            rows.submit(row)
        assert sum(rows.arrived(box, "create" if kind == "create" else "apply").values()) == 2

    @pytest.mark.parametrize("kind", ["create", "redeem"])
    @pytest.mark.parametrize("outcome", ["SoftTimeLimitExceeded", "OperationalError", "Refused", "ok", ""])
    def test_an_end_that_proves_nothing_counts_as_may_have_left(
        self,
        paying: Any,
        people: Any,
        box: Any,
        monkeypatch: pytest.MonkeyPatch,
        kind: str,
        outcome: str,
    ) -> None:
        row = rows.approved(paying, people) if kind == "create" else rows.redeeming(paying, people, box)
        self.died_after_sending(row, monkeypatch)
        ProviderCall.objects.filter(safe=False).update(outcome=outcome)
        money.work_until(lambda: money.state(row) in rows.ENDED, seconds=5)
        assert rows.left(row) == 1


class TestReplyOnItsWay:
    """The provider has accepted, and the answer is not stored yet: the list is read, or people decide."""

    @pytest.mark.parametrize("place", ["before it is stored", "while the list is applied"])
    def test_the_list_and_the_answer_are_one_code(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch, place: str
    ) -> None:
        vouchers.sync(account_id=paying.pk)
        row = rows.approved(paying, people)
        if place == "before it is stored":
            sleeper = Sleeper(monkeypatch, voucher_reports, "made")
            sleeper.begin(lambda: vouchers.submit(voucher_id=row.pk))
            vouchers.sync(account_id=paying.pk)
            assert money.state(row) == "active"
        else:
            # The reader has looked who knows these codes, and nobody did.
            reply = Sleeper(monkeypatch, voucher_reports, "made")
            reply.begin(lambda: vouchers.submit(voucher_id=row.pk))
            sleeper = Sleeper(monkeypatch, listings, "_unknown")
            sleeper.begin(lambda: vouchers.sync(account_id=paying.pk))
            reply.end()
        sleeper.end()
        vouchers.sync(account_id=paying.pk)
        self.one_code(box, row)

    @staticmethod
    def one_code(box: Any, *found: Voucher) -> None:
        for row in found:
            assert money.state(row) == "active"
            assert Movement.objects.get(reference=row.reference).amount == -Decimal(10)
        assert Voucher.objects.count() == len(rows.there(box)) == len(found)
        assert not ExceptionItem.objects.exists()
        rows.check_kept(box)
        rows.check_promises(box, found)

    @money.volumes(20, 200)
    def test_in_any_order(self, paying: Any, people: Any, box: Any, runs: int) -> None:
        vouchers.sync(account_id=paying.pk)
        found = []
        for _run in range(runs):
            row = rows.approved(paying, people)
            outcomes = race(
                [
                    lambda pk=row.pk: vouchers.submit(voucher_id=pk),
                    *[lambda: vouchers.sync(account_id=paying.pk)] * 2,
                ]
            )
            assert not lost(outcomes), outcomes
            found.append(row)
        vouchers.sync(account_id=paying.pk)
        self.one_code(box, *found)

    def test_without_the_look_at_the_reference_the_code_is_kept_twice(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control: the list would keep it as a stranger's, and the answer as ours."""
        vouchers.sync(account_id=paying.pk)
        row = rows.approved(paying, people)
        sleeper = Sleeper(monkeypatch, voucher_reports, "made")
        told: list[Exception] = []

        def submit() -> None:
            try:
                vouchers.submit(voucher_id=row.pk)
            except IntegrityError as error:
                told.append(error)

        sleeper.begin(submit)
        with monkeypatch.context() as patch:
            patch.setattr(voucher_reports, "named_here", lambda *_arguments: None)
            vouchers.sync(account_id=paying.pk)
        sleeper.end()
        assert told  # the constraint is all that keeps the answer from being a second one
        with pytest.raises(AssertionError):
            self.one_code(box, row)

    @staticmethod
    def resolved(row: Voucher, outcome: str) -> None:
        vouchers.refresh(voucher_id=row.pk)
        first, second = factories.person("approver"), factories.person("approver")
        told = {"amount": str(rows.WORTH), "currency": "USDT"} if outcome == "redeemed" else {}
        voucher_decisions.resolve(actor=first, voucher=row, outcome=outcome, note=rows.NOTE, **told)
        if outcome == "failed":
            voucher_decisions.confirm(actor=second, voucher=row)

    @pytest.mark.parametrize(
        ("outcome", "items", "booked"), [("redeemed", [], 1), ("failed", ["taken_back"], 0)]
    )
    def test_people_have_ended_a_redemption_meanwhile(
        self,
        paying: Any,
        people: Any,
        box: Any,
        monkeypatch: pytest.MonkeyPatch,
        settings: Any,
        outcome: str,
        items: list[str],
        booked: int,
    ) -> None:
        """B03: the worker had the answer, and wakes up when people have said what became of it."""
        settings.SETTLE_SECONDS = 0
        row = rows.redeeming(paying, people, box)
        sleeper = Sleeper(monkeypatch, voucher_reports, "redeemed")
        sleeper.begin(lambda: vouchers.submit(voucher_id=row.pk))
        rows.lease_runs_out(row)
        assert rows.submit(row) == "unknown"
        self.resolved(row, outcome)
        sleeper.end()
        assert money.state(row) == outcome
        assert list(ExceptionItem.objects.values_list("kind", flat=True)) == items
        assert Movement.objects.filter(kind="redemption").count() == booked
        assert set(rows.arrived(box, "apply").values()) == {1}

    def test_a_late_answer_ends_the_doubt_about_a_redemption(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = rows.redeeming(paying, people, box)
        sleeper = Sleeper(monkeypatch, voucher_reports, "redeemed")
        sleeper.begin(lambda: vouchers.submit(voucher_id=row.pk))
        rows.lease_runs_out(row)
        assert rows.submit(row) == "unknown"
        sleeper.end()
        assert money.state(row) == "redeemed"
        assert Movement.objects.get(kind="redemption").amount == rows.WORTH
        rows.check_promises(box, [row])

    def test_a_late_refusal_changes_nothing(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = rows.redeeming(paying, people, box)
        money.fault(box, "message", action="apply", text="Wrong Password")
        sleeper = Sleeper(monkeypatch, redemptions, "_refused")
        sleeper.begin(lambda: vouchers.submit(voucher_id=row.pk))
        rows.lease_runs_out(row)
        assert rows.submit(row) == "unknown"
        sleeper.end()
        assert money.state(row) == "unknown"
        rows.check_promises(box, [row])

    def test_a_code_that_people_had_closed_is_owed_all_the_same(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        """The list did not show it yet, two people closed it, and then the answer with the code came."""
        settings.SETTLE_SECONDS = 0
        vouchers.sync(account_id=paying.pk)
        row = rows.approved(paying, people, **{"pass": "open sesame"})
        sleeper = Sleeper(monkeypatch, voucher_reports, "made")
        sleeper.begin(lambda: vouchers.submit(voucher_id=row.pk))
        rows.lease_runs_out(row)
        assert rows.submit(row) == "unknown"
        money.fault(box, "message", action="get", text="Codes not found")
        self.resolved(row, "failed")
        sleeper.end()
        assert money.state(row) == "failed"
        kept = Voucher.objects.get(found=True)
        assert (kept.status, kept.amount, kept.has_password) == ("active", Decimal(10), True)
        assert Movement.objects.get().reference == kept.reference
        vouchers.sync(account_id=paying.pk)
        assert Voucher.objects.count() == 2
        assert [item.kind for item in ExceptionItem.objects.all()] == ["taken_back"]
        rows.check_kept(box)

    def test_one_that_comes_when_all_is_over_is_kept_once(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        """The same, and the list has shown it before the answer came."""
        settings.SETTLE_SECONDS = 0
        vouchers.sync(account_id=paying.pk)
        row = rows.approved(paying, people)
        sleeper = Sleeper(monkeypatch, voucher_reports, "made")
        sleeper.begin(lambda: vouchers.submit(voucher_id=row.pk))
        rows.lease_runs_out(row)
        assert rows.submit(row) == "unknown"
        money.fault(box, "message", action="get", text="Codes not found")
        self.resolved(row, "failed")
        vouchers.sync(account_id=paying.pk)
        sleeper.end()
        assert Voucher.objects.filter(found=True).count() == 1
        assert Movement.objects.count() == 1
        assert creation.OPERATION in set(ProviderCall.objects.values_list("operation", flat=True))
        rows.check_kept(box)
