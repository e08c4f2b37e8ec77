"""The stop button: within a second, against everything that waits, against those who lift it at the same time."""

from __future__ import annotations

import datetime as dt
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections
from django.utils import timezone

from payments.models import Freeze, Withdrawal
from payments.services import freeze, withdrawals
from tests import factories
from tests.races import money
from tests.races.racing import lost, race, without_lock

pytestmark = pytest.mark.django_db(transaction=True)


def send(rows: list[Withdrawal], *, workers: int = 4) -> ThreadPoolExecutor:
    """Workers that begin to send all of these; the caller shuts the pool down."""

    def one(pk: int) -> None:
        try:
            withdrawals.submit(withdrawal_id=pk)
        finally:
            connections.close_all()

    pool = ThreadPoolExecutor(workers)
    for row in rows:
        pool.submit(one, row.pk)
    return pool


def accepted_at(box: Any) -> list[dt.datetime]:
    """When the sandbox accepted withdrawals, earliest first."""
    rows = box.control("bitloga/transactions")["transactions"]
    return sorted(
        dt.datetime.fromisoformat(row["accepted_at"]) for row in rows if row["kind"] == "withdrawal"
    )


class TestStop:
    """A18: the freeze is pressed while a queue is being sent."""

    @pytest.mark.parametrize(
        ("runs", "everything"), [(24, True), (24, False), pytest.param(200, True, marks=pytest.mark.long)]
    )
    def test_within_a_second_nothing_leaves_any_more(
        self, paying: Any, people: Any, gullible: Any, runs: int, everything: bool
    ) -> None:
        rows = [money.approved(paying, people, amount="1") for _run in range(runs)]
        money.fault(gullible, "delay", count=0, seconds=0.05)
        pool = send(rows)
        while len(accepted_at(gullible)) < 3:
            time.sleep(0.005)
        freeze.set(actor=people["operator"], account=None if everything else paying, reason="stop")
        pressed = timezone.now()
        pool.shutdown(wait=True)
        late = [at for at in accepted_at(gullible) if at > pressed + dt.timedelta(seconds=1)]
        assert not late
        seen = money.states(rows)
        assert seen["approved"] > 0, "the queue was empty before the button was pressed"
        assert seen["approved"] + seen["complete"] == runs  # none in doubt
        money.work()
        assert money.states(rows) == seen  # the sweep sends nothing either
        money.check_promises(gullible)

        money.no_faults(gullible)
        scope = None if everything else paying
        for _person in range(2):
            freeze.lift(actor=factories.person("approver"), account=scope)
        Withdrawal.objects.filter(status="approved").update(next_check_at=timezone.now())
        money.work_until(lambda: money.states(rows)["complete"] == runs, seconds=30)
        money.check_promises(gullible, rows)

    def test_without_the_look_before_the_bytes_the_queue_goes_on(
        self, paying: Any, people: Any, gullible: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control."""
        rows = [money.approved(paying, people, amount="1") for _run in range(10)]
        freeze.set(actor=people["operator"], reason="stop")
        monkeypatch.setattr(freeze, "stops", lambda _account: False)
        send(rows).shutdown(wait=True)
        assert money.states(rows)["complete"] == 10

    def test_it_stops_one_who_has_claimed_already(
        self, paying: Any, people: Any, gullible: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The last look is behind the connection, right before the first byte."""
        row = money.approved(paying, people)
        real = freeze.check

        def frozen_meanwhile(account_id: int) -> None:
            if not Freeze.objects.exists():
                freeze.set(actor=people["operator"], reason="stop")
            real(account_id)

        monkeypatch.setattr(freeze, "check", frozen_meanwhile)
        withdrawals.submit(withdrawal_id=row.pk)
        assert money.state(row) == "approved"
        assert not money.accepts(gullible)


class TestLiftAgainstSet:
    """G13: whoever sets it wins over whoever lifts it."""

    @staticmethod
    def standing(people: Any, first: Any) -> None:
        freeze.set(actor=people["operator"], reason="stop")
        freeze.lift(actor=first)

    @money.volumes(25, 1000)
    def test_after_a_set_it_is_frozen(self, people: Any, runs: int) -> None:
        first, second = factories.person("approver"), factories.person("approver")
        for _run in range(runs):
            self.standing(people, first)
            outcomes = race(
                [
                    lambda: freeze.lift(actor=second),
                    lambda: freeze.set(actor=people["finance"], reason="again"),
                ]
            )
            assert not lost(outcomes), outcomes
            assert Freeze.objects.filter(lifted_at=None).count() == 1
            assert freeze.stops(0)

    def test_one_that_is_lifted_in_the_very_moment_is_set_anew(
        self, people: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other one lifts it between our look and our lock."""
        first, second = factories.person("approver"), factories.person("approver")
        self.standing(people, first)
        real = Freeze.objects.bulk_create
        lifts = [lambda: freeze.lift(actor=second)]

        def lifted_meanwhile(*arguments: Any, **options: Any) -> Any:
            made = real(*arguments, **options)
            if lifts:
                assert not lost(race([lifts.pop()]))
            return made

        monkeypatch.setattr(Freeze.objects, "bulk_create", lifted_meanwhile)
        freeze.set(actor=people["finance"], reason="again")
        assert freeze.stops(0)

    def test_without_the_row_lock_it_is_lifted_all_the_same(
        self, people: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control: the second lift has read the first, and does not see that the freeze was set again."""
        first, second = factories.person("approver"), factories.person("approver")
        self.standing(people, first)
        without_lock(monkeypatch, Freeze)
        read, set_again = threading.Event(), threading.Event()
        real = timezone.now

        def slow_lift() -> Any:
            read.set()
            assert set_again.wait(10)
            return real()

        lifting = threading.Thread(target=lambda: (freeze.lift(actor=second), connections.close_all()))
        with monkeypatch.context() as patch:
            patch.setattr(
                "payments.services.freeze.timezone.now",
                lambda: slow_lift() if threading.current_thread() is lifting else real(),
            )
            lifting.start()
            assert read.wait(10)
            freeze.set(actor=people["finance"], reason="again")
            set_again.set()
            lifting.join(10)
        assert not freeze.stops(0)

    def test_the_same_person_does_not_lift_it_twice_at_once(self, people: Any) -> None:
        person = factories.person("approver")
        for _run in range(10):
            freeze.set(actor=people["operator"], reason="stop")
            outcomes = race([lambda: freeze.lift(actor=person)] * 2)
            assert [type(error) for error in lost(outcomes)] == [ValidationError]
            assert freeze.stops(0)
