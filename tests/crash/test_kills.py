"""A01: kill -9 at every point of the way, and money leaves once all the same.

Each run forks a process that dies at its failpoint; this process plays the other workers until the row has ended. The
sandbox stands outside of both, and (but for one seed) pays a repeated reference again: it is the witness.
"""

from __future__ import annotations

import random
import time
import uuid
from typing import Any

import pytest
from django.db.models.functions import Now

from payments.models import Withdrawal
from payments.services import calls, withdrawal_decisions, withdrawals
from tests import factories
from tests.crash.harness import Forge
from tests.races import money

pytestmark = pytest.mark.django_db(transaction=True)

POINTS = [f"F{number}" for number in range(11)]
WITHIN = 90.0  # seconds from the last kill to the end, by itself
SEEDS = [0, 1, 2, 3, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 19))]


class Scenario:
    """What a seed chooses beside the point: how the worker is called, what the provider does, who dies as well."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self.job = (
            ["submit", "task", "sweep", "submit"][seed]
            if seed < 4
            else chance.choice(["submit", "task", "sweep"])
        )
        self.ends = (
            ["complete", "complete", "complete", "failed"][seed]
            if seed < 4
            else chance.choice(["complete", "failed"])
        )
        #: It is pending for a moment after it was accepted.
        self.later = seed == 1 or (seed > 3 and chance.random() < 0.5)
        #: The provider refuses repeats, as the real one promises.
        self.careful = seed == 2 or (seed > 3 and chance.random() < 0.2)
        #: The one who finds the wreck is killed, too: at the sweep, at the look-up, while it writes.
        self.again = ["", "F11", "F13", "F12"][seed] if seed < 4 else chance.choice(["", "F11", "F12", "F13"])
        self.order = list(POINTS)
        chance.shuffle(self.order)

    def set_up(self, box: Any) -> None:
        money.set_up(
            box,
            dedup=self.careful,
            withdraw_delay=0.3 if self.later else 0,
            withdraw_outcome="Complete" if self.ends == "complete" else "Error",
        )


class Run:
    """Eleven withdrawals, each with a worker (or a person's request) that was killed at another point."""

    def __init__(self, scenario: Scenario, forge: Forge, box: Any, paying: Any, people: Any) -> None:
        self.scenario, self.forge, self.box, self.paying, self.people = scenario, forge, box, paying, people
        self.rows: dict[str, Withdrawal] = {}

    def kill_at(self, point: str) -> None:
        """One death."""
        operator, approver = self.people["operator"], self.people["approver"]
        if point == "F0":
            token = uuid.uuid4()
            pressed = {"account": self.paying.pk, "actor": operator.pk, "token": str(token)}
            assert self.forge.run("request", at="F0=kill", **pressed).killed
            assert not Withdrawal.objects.filter(form_token=token).exists()
            row = Withdrawal.objects.get(pk=self.forge.do("request", **pressed))  # the browser's reload
            withdrawals.approve(actor=approver, withdrawal=row)
        elif point == "F1":
            row = money.ask(self.paying, operator)
            assert self.forge.run("approve", at="F1=kill", actor=approver.pk, rows=[row.pk]).killed
            assert money.state(row) == "approved"
        else:
            row = money.approved(self.paying, self.people)
            arguments = {} if self.scenario.job == "sweep" else {"row": row.pk}
            ended = self.forge.run(self.scenario.job, at=f"{point}=kill", **arguments)
            assert ended.killed, f"{point} was not reached: {ended}"
        self.rows[point] = row
        # A later sweep would take it and die with it at another point: it waits until all have been killed.
        self.approved().update(next_check_at=None)

    def approved(self) -> Any:
        return Withdrawal.objects.filter(pk__in=[row.pk for row in self.rows.values()], status="approved")

    def kill_the_finders(self) -> None:
        """Those who would have healed it die as well: two of them, once the leases of the dead have run out."""
        again = self.scenario.again
        if not again:
            return
        while Withdrawal.objects.filter(claimed_until__gt=Now()).exists():
            time.sleep(0.05)
        if again == "F12":
            self.forge.do("sweep")  # leads to doubt, and doubt to a look-up
        for _time in range(2):
            money.make_due()
            ended = self.forge.run("poll" if again == "F12" else "sweep", at=f"{again}=kill")
            assert ended.killed, f"{again} was not reached: {ended}"

    def ended(self) -> bool:
        """Whether each row is final, or in doubt about something that the provider really does not have."""
        accepted = money.accepts(self.box)
        return all(
            money.state(row) in ("complete", "failed")
            or (row.status == "unknown" and not accepted[row.reference.value])
            for row in self.rows.values()
        )


@pytest.mark.parametrize("seed", SEEDS)
class TestKills:
    def test_at_every_point(
        self, seed: int, forge: Forge, box: Any, paying: Any, people: Any, settings: Any
    ) -> None:
        settings.SETTLE_SECONDS = 0
        scenario = Scenario(seed)
        scenario.set_up(box)
        run = Run(scenario, forge, box, paying, people)
        for point in scenario.order:
            run.kill_at(point)
        run.approved().update(next_check_at=Now())
        run.kill_the_finders()
        took = money.work_until(run.ended, seconds=WITHIN)
        money.check_promises(box, run.rows.values())
        ends = {point: row.status for point, row in run.rows.items()}
        wanted = dict.fromkeys(POINTS, scenario.ends) | dict.fromkeys(["F3", "F4", "F5"], "unknown")
        assert ends == wanted, f"after {took:.1f} s"
        # The rest is for people, and it is the same reference that leaves, once.
        self.people_decide([row for row in run.rows.values() if row.status == "unknown"])
        money.work_until(lambda: money.states(run.rows.values())[scenario.ends] == len(POINTS), seconds=30)
        assert set(money.accepts(box).values()) == {1}
        money.check_promises(box, run.rows.values())

    @staticmethod
    def people_decide(rows: list[Withdrawal]) -> None:
        first, second = factories.person("approver"), factories.person("approver")
        for row in rows:
            money.work()
            withdrawal_decisions.resend(actor=first, withdrawal=row, note="The provider does not know it.")
            withdrawal_decisions.confirm(actor=second, withdrawal=row)


class TestControl:
    def test_with_the_attempt_forgotten_a_kill_pays_twice(
        self,
        forge: Forge,
        gullible: Any,
        paying: Any,
        people: Any,
        monkeypatch: pytest.MonkeyPatch,
        control: None,
    ) -> None:
        """The harness sees it when the one thing is missing that keeps the finder from sending again."""
        row = money.approved(paying, people)
        assert forge.run("submit", at="F6=kill", row=row.pk, settings={"CLAIM_SECONDS": 1}).killed
        monkeypatch.setattr(calls, "may_have_left", lambda *_attempt, **_fence: False)
        money.work_until(lambda: money.state(row) == "complete", seconds=30)
        with pytest.raises(AssertionError, match="V1"):
            money.check_promises(gullible, [row])
