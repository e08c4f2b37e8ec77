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

from payments.services import calls
from tests.crash.harness import Forge
from tests.crash.kinds import KINDS, POINTS, Kind
from tests.races import money, voucher_rows

pytestmark = pytest.mark.django_db(transaction=True)

WITHIN = 90.0  # seconds from the last kill to the end, by itself
SEEDS: list[Any] = [0, 1, 2, 3, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 19))]
CODE_SEEDS: list[Any] = [
    *(1, 2),
    *(pytest.param(seed, marks=pytest.mark.long) for seed in (0, 3, *range(4, 11))),
]


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
    """Eleven of a kind, each with a worker (or a person's request) that was killed at another point."""

    def __init__(
        self, kind: Kind, scenario: Scenario, forge: Forge, box: Any, paying: Any, people: Any
    ) -> None:
        self.kind, self.scenario, self.forge = kind, scenario, forge
        self.box, self.paying, self.people = box, paying, people
        self.rows: dict[str, Any] = {}

    def kill_at(self, point: str) -> None:
        """One death."""
        kind, operator, approver = self.kind, self.people["operator"], self.people["approver"]
        token = uuid.uuid4()
        pressed: dict[str, Any] = {"account": self.paying.pk, "actor": operator.pk, "token": str(token)}
        pressed |= {"kind": kind.name, "typed": kind.typed(self.box)}
        if point == "F0":
            assert self.forge.run("request", at="F0=kill", **pressed).killed
            assert not kind.model._base_manager.filter(form_token=token).exists()
            row = self.row(self.forge.do("request", **pressed))  # the browser's reload
            if kind.approves:
                kind.approve(approver, row)
        elif point == "F1" and kind.approves:
            row = self.row(self.forge.do("request", **pressed))
            approve = {"kind": kind.name, "actor": approver.pk, "rows": [row.pk]}
            assert self.forge.run("approve", at="F1=kill", **approve).killed
            assert money.state(row) == "approved"
        elif point == "F1":
            assert self.forge.run("request", at="F1=kill", **pressed).killed
            row = kind.model._base_manager.get(form_token=token)
        else:
            row = kind.due(self.paying, self.people, self.box)
            arguments = {} if self.scenario.job == "sweep" else {"kind": kind.name, "row": row.pk}
            ended = self.forge.run(self.scenario.job, at=f"{point}=kill", **arguments)
            assert ended.killed, f"{point} was not reached: {ended}"
        self.rows[point] = row
        # A later sweep would take it and die with it at another point: it waits until all have been killed.
        self.waiting().update(next_check_at=None)

    def row(self, pk: int) -> Any:
        return self.kind.model._base_manager.get(pk=pk)

    def waiting(self) -> Any:
        """Those that no worker has touched."""
        return self.kind.model._base_manager.filter(
            pk__in=[row.pk for row in self.rows.values()],
            status__in=["approved", "redeeming"],
            claimed_until=None,
        )

    def kill_the_finders(self) -> None:
        """Those who would have healed it die as well: two of them, once the leases of the dead have run out."""
        again = self.scenario.again
        if not again:
            return
        while self.kind.model._base_manager.filter(claimed_until__gt=Now()).exists():
            time.sleep(0.05)
        if again == "F12":
            self.forge.do("sweep")  # leads to doubt, and doubt to a look-up
        for _time in range(2):
            money.make_due()
            ended = self.forge.run("poll" if again == "F12" else "sweep", at=f"{again}=kill")
            assert ended.killed, f"{again} was not reached: {ended}"

    def ended(self) -> bool:
        """Whether each row is final, or in doubt about something that nobody can find out by asking."""
        accepted = self.kind.accepts(self.box)
        return all(
            money.state(row) in ("complete", "failed", self.kind.good)
            or (
                row.status == "unknown" and (point in self.kind.doubtful or not accepted[row.reference.value])
            )
            for point, row in self.rows.items()
        )


def kill_and_heal(kind: Kind, seed: int, forge: Forge, box: Any, paying: Any, people: Any) -> Run:
    """A death at every point, then everybody else heals what a machine can heal. Gives what is left."""
    scenario = Scenario(seed)
    if kind.name == "withdrawal":
        scenario.set_up(box)
    run = Run(kind, scenario, forge, box, paying, people)
    for point in scenario.order:
        run.kill_at(point)
    run.kill_the_finders()
    run.waiting().update(next_check_at=Now())
    took = money.work_until(run.ended, seconds=WITHIN)
    kind.check(box, run.rows.values())
    good = scenario.ends if kind.name == "withdrawal" else kind.good
    ends = {point: row.status for point, row in run.rows.items()}
    assert ends == kind.ends(good), f"after {took:.1f} s"
    return run


@pytest.fixture(autouse=True)
def settled(settings: Any) -> None:
    settings.SETTLE_SECONDS = 0


class TestKills:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_at_every_point(self, seed: int, forge: Forge, box: Any, paying: Any, people: Any) -> None:
        kind = KINDS["withdrawal"]
        run = kill_and_heal(kind, seed, forge, box, paying, people)
        # The rest is for people, and it is the same reference that leaves, once.
        kind.people_decide(box, [row for row in run.rows.values() if row.status == "unknown"])
        good = run.scenario.ends
        money.work_until(lambda: money.states(run.rows.values())[good] == len(POINTS), seconds=30)
        assert set(money.accepts(box).values()) == {1}
        kind.check(box, run.rows.values())


class TestVoucherKills:
    """B01 and the same for redeeming: nothing is made or redeemed twice, and what a machine cannot tell stays in doubt."""

    @pytest.mark.parametrize("seed", CODE_SEEDS)
    @pytest.mark.parametrize("name", ["create", "redeem"])
    def test_at_every_point(
        self, name: str, seed: int, forge: Forge, box: Any, paying: Any, people: Any
    ) -> None:
        kind = KINDS[name]
        run = kill_and_heal(kind, seed, forge, box, paying, people)
        rows = list(run.rows.values())
        sent, accepted = arrivals(box), kind.accepts(box)
        for _round in range(2):  # whatever else may still wake up sends nothing
            money.make_due()
            money.work()
            for row in rows:
                kind.task(row.pk)
        assert arrivals(box) == sent
        assert set(sent.values()) == {1}
        # The rest is for people. What the provider has is owed or booked, the rest is closed.
        kind.people_decide(box, [row for row in rows if row.status == "unknown"])
        ends = {row.reference.value: money.state(row) for row in rows}
        assert ends == {number: kind.good if accepted[number] else "failed" for number in ends}
        kind.check(box, rows)


def arrivals(box: Any) -> Any:
    """How often the same bytes that make or redeem a code arrived."""
    return voucher_rows.arrived(box, "create") + voucher_rows.arrived(box, "apply")


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
