"""The servers below us die: the broker is emptied (F01) or away (F02), PostgreSQL is stopped without a goodbye (F09).

A PostgreSQL and a Valkey of these tests' own; everything is done by forked processes at them. The sandbox's ledger is a
file of its own and remembers what was paid.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.crash import harness
from tests.crash.harness import Child, Forge, Servers
from tests.crash.listed import WAYS
from tests.payments import batches
from tests.payments.conftest import desk, running_desk
from tests.payments.exchanger import Exchanger
from tests.races import money

__all__ = ["desk", "running_desk"]
# One worker of pytest-xdist runs all of these: they share one pair of servers.
pytestmark = pytest.mark.xdist_group("servers")


class System:
    """Servers, a forge at them, and what was planted there."""

    def __init__(self, servers: Servers, forge: Forge, box: Any) -> None:
        self.servers, self.forge, self.box = servers, forge, box

    def plant(self, rows: int) -> list[int]:
        keys = self.box.control("bitloga/accounts", {"name": f"private {time.time_ns()}"})
        given = {name: keys[name] for name in ("base_url", "api_key", "api_secret")}
        planted = self.forge.do("plant", rows=rows, **given)
        self.approver: int = planted["approver"]
        return list(planted["rows"])

    def approve(self, rows: list[int]) -> None:
        self.forge.do("approve", actor=self.approver, rows=rows)

    def work(self, rows: list[int], *, seconds: float = 60) -> Child:
        """Begin what the workers do, in a process of its own."""
        return self.forge.fork("work", rows=rows, seconds=seconds, settings={"CLAIM_SECONDS": 2})

    def messages(self) -> int:
        with Redis.from_url(self.servers.broker) as client:
            return int(client.llen("money"))

    def report(self, rows: list[int]) -> dict[str, Any]:
        found: dict[str, Any] = self.forge.do("report", rows=rows)
        assert not found["broken"], found["broken"]
        return found

    def all_complete(self, rows: list[int]) -> bool:
        return set(self.report(rows)["states"].values()) == {"complete"}

    def check_paid_once(self, rows: list[int]) -> None:
        """V1, V2 by the witness, the other promises by the books."""
        states = self.report(rows)["states"]
        assert money.accepts(self.box) == dict.fromkeys(states, 1)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    servers = Servers()
    try:
        yield servers
    finally:
        servers.close()


@pytest.fixture(scope="module")
def private_forge(running_box: Any, servers: Servers, crash_logs: Path) -> Iterator[Forge]:
    env = harness.environment(
        database=servers.database,
        broker=servers.broker,
        sandbox_port=running_box.port,
        PROVIDER_READ_TIMEOUT="5",
        LOG_LEVEL="CRITICAL",  # lost connections are meant
    )
    with harness.forging(env, crash_logs / "private.log") as forge:
        forge.do("migrate")
        yield forge


@pytest.fixture
def system(servers: Servers, private_forge: Forge, box: Any) -> System:
    money.set_up(box, dedup=False, withdraw_delay=0)
    return System(servers, private_forge, box)


class TestBroker:
    @money.volumes(20, 200)
    def test_emptied_again_and_again_no_intent_is_lost(self, system: System, runs: int) -> None:
        """F01: FLUSHALL in the middle, all the time."""
        rows = system.plant(runs)
        system.approve(rows)
        assert system.messages() >= runs
        money.fault(system.box, "delay", seconds=0.02, count=0)
        flushed = 0
        with Redis.from_url(system.servers.broker) as client:
            client.flushall()
            began, worker = time.monotonic(), system.work(rows, seconds=60 + runs)
            ended = threading.Event()
            waiting = threading.Thread(target=lambda: (worker.wait(), ended.set()))
            waiting.start()
            while not ended.wait(0.02):
                client.flushall()
                flushed += 1
            waiting.join()
        assert time.monotonic() - began < 60 + runs
        assert flushed >= 20
        assert system.all_complete(rows)
        system.check_paid_once(rows)

    def test_while_it_is_away_clicks_are_kept_and_nothing_is_sent(self, system: System) -> None:
        """F02: then everything is sent once."""
        rows = system.plant(20)
        system.servers.kill_broker()
        try:
            began = time.monotonic()
            system.approve(rows)
            assert time.monotonic() - began < 10, "a click waits for a broker that is away"
            for row in rows[:3]:
                system.forge.do("submit", row=row)
            found = system.report(rows)
            assert set(found["states"].values()) == {"approved"}
            assert found["errors"] == ["The broker does not answer, so nothing is sent."]
            assert not money.accepts(system.box)
        finally:
            system.servers.start()
        began, worker = time.monotonic(), system.work(rows)
        assert worker.wait().well
        assert time.monotonic() - began < 60
        assert system.all_complete(rows)
        system.check_paid_once(rows)

    @money.volumes(3, 20)
    def test_killed_in_the_middle_of_sending(self, system: System, runs: int) -> None:
        """F01: SHUTDOWN NOSAVE, and a start with nothing in it."""
        rows = system.plant(runs * 8)
        system.approve(rows)
        money.fault(system.box, "delay", seconds=0.02, count=0)
        worker = system.work(rows)
        for _run in range(runs):
            time.sleep(0.15)
            system.servers.kill_broker()
            time.sleep(0.05)
            system.servers.start()
        assert worker.wait().well
        assert system.all_complete(rows)
        system.check_paid_once(rows)


class TestDatabase:
    @money.volumes(20, 100)
    def test_stopped_at_once_in_the_middle_of_sending(self, system: System, runs: int) -> None:
        """F09: what was sent is found again, what was not is sent, and the workers recover by themselves."""
        chance = random.Random(runs)
        rows = system.plant(runs * 2)
        system.approve(rows)
        money.fault(system.box, "delay", seconds=0.03, count=0)
        worker = system.work(rows, seconds=300)
        slowest = 0.0
        for _run in range(runs):
            time.sleep(chance.uniform(0.02, 0.25))
            system.servers.stop_database_at_once()
            began = time.monotonic()
            system.servers.start()
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 10
        assert worker.wait().well
        found = system.report(rows)["states"]
        paid = money.accepts(system.box)
        assert max(paid.values()) == 1
        assert set(paid) <= set(found)
        # In doubt are only those whose attempt is on record and that the provider does not have.
        assert {value for value, status in found.items() if status == "complete"} == set(paid)
        assert set(found.values()) <= {"complete", "unknown"}
        assert len(paid) >= len(rows) - runs  # a stop strikes one send at most


class TestEverything:
    """A03 for createTransaction: the worker dies at a point of its way, and both servers with it."""

    @pytest.mark.parametrize(
        "points",
        [
            ("F4", "F6", "F9"),
            pytest.param([f"F{number}" for number in range(3, 10)] * 7, marks=pytest.mark.long),
        ],
    )
    def test_an_order_is_made_once_when_worker_database_and_broker_die_together(
        self, servers: Servers, private_forge: Forge, box: Any, points: list[str]
    ) -> None:
        forge = private_forge
        keys = box.control("coinjoin/accounts", {"name": f"private {time.time_ns()}"})
        batches.say(box, max_delay=8784)
        given = {name: keys[name] for name in ("base_url", "api_key", "secret_key")}
        planted = forge.do("plant_batches", rows=len(points), **given)
        rows, kind = planted["rows"], {"kind": "batch"}
        forge.do("approve", actor=planted["approver"], rows=rows, **kind)
        slowest = 0.0
        for row, point in zip(rows, points, strict=True):
            ended = forge.run("submit", at=f"{point}=kill", row=row, settings={"CLAIM_SECONDS": 1}, **kind)
            assert ended.killed, f"{point} was not reached"
            servers.stop_database_at_once()
            servers.kill_broker()
            began = time.monotonic()
            servers.start()
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 10
        began = time.monotonic()
        while True:
            forge.do("heal", rows=rows, **kind)
            found = forge.do("stand", rows=rows, **kind)
            assert not found["broken"], found["broken"]
            if set(found["states"].values()) <= {"awaiting_deposit", "unknown"}:
                break
            assert time.monotonic() - began < 60, found["states"]
        orders = box.control("coinjoin/transactions", {}, method="GET")["transactions"]
        made = Counter(int(order["delay"]) for order in orders)
        assert set(made.values()) == {1}
        ends = [found["states"][str(row)] for row in rows]
        there = [made[delay] for delay in planted["delays"]]
        assert ends == ["awaiting_deposit" if one else "unknown" for one in there]
        arrived = {"F6", "F7", "F8", "F9"}
        assert there == [int(point in arrived) for point in points]


class TestExchanger:
    """A03 for create_bid and add_partner_payout: workers, broker and database die in one moment."""

    POINTS = ("F3", "F4", "F5", "F6", "F7", "F8", "F9")
    PAYOUTS = ("F3", "F6", "F9")
    ARRIVED = ("F6", "F7", "F8", "F9")

    @money.volumes(1, 7)
    def test_the_whole_tree_is_killed(self, system: System, runs: int) -> None:
        """A bid at each of seven points (49 in the long form), and a payout at three."""
        for _run in range(runs):
            boxes = [Exchanger() for _number in range(1 + len(self.PAYOUTS))]
            try:
                self.kill(system, boxes)
            finally:
                for box in boxes:
                    box.close()

    def kill(self, system: System, boxes: list[Exchanger]) -> None:
        boxes[0].is_unique = False  # nothing but our own care keeps it from having two
        # Nobody steals a lease before the end; then all of them have run out.
        values = {"PROVIDER_INTERNAL_HOSTS": [box.host for box in boxes], "CLAIM_SECONDS": 60}
        planted = system.forge.do(
            "plant_bids", addresses=[box.base_url for box in boxes], bids=len(self.POINTS), settings=values
        )
        work = [
            *(("submit_bid", *one) for one in zip(self.POINTS, planted["bids"], strict=True)),
            *(("submit_payout", *one) for one in zip(self.PAYOUTS, planted["payouts"], strict=True)),
        ]
        workers = [system.forge.fork(job, at=f"{at}=stop", row=row, settings=values) for job, at, row in work]
        ended = [work[number] for number, worker in enumerate(workers) if not worker.wait_stopped()]
        assert not ended, f"did not come so far: {ended}"
        system.servers.stop_database_at_once()
        system.servers.kill_broker()
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)
        assert all(worker.wait().killed for worker in workers)
        began = time.monotonic()
        system.servers.start()
        found = system.forge.do("heal_bids", **planted, seconds=60, settings=values)
        assert time.monotonic() - began < 60
        assert not found["broken"], found["broken"]
        ends = dict(zip(self.POINTS, found["bids"], strict=True))
        assert ends == {at: "new" if at in self.ARRIVED else "unknown" for at in self.POINTS}
        paid = dict(zip(self.PAYOUTS, found["payouts"], strict=True))
        assert paid == {at: "pending" if at in self.ARRIVED else "unknown" for at in self.PAYOUTS}
        arrived = [
            ("create_bid", reference)
            for at, reference in zip(self.POINTS, found["references"], strict=True)
            if at in self.ARRIVED
        ]
        assert sorted(boxes[0].accepted) == sorted(arrived)
        for at, box in zip(self.PAYOUTS, boxes[1:], strict=True):
            assert len(box.accepted) == (at in self.ARRIVED), at


class TestListed:
    """A03 at a provider that only lists: workers, broker and database die together, again and again."""

    @money.volumes(4, 50)
    def test_everything_dies_and_nothing_is_made_twice(self, system: System, desk: Any, runs: int) -> None:
        chance = random.Random(runs)
        desk.status = 30
        settings = {
            "PROVIDER_INTERNAL_HOSTS": [f"127.0.0.1:{desk.port}"],
            "CLAIM_SECONDS": 1,
            "SCAN_GAP_SECONDS": 0,
            "LIFETIME_FACTOR": 0,
            "PROVIDER_TOTAL_TIMEOUT": 4,
        }
        rows = system.forge.do(
            "plant_listed", base_url=desk.base_url, rows=max(3, runs // 5), settings=settings
        )
        for way in WAYS.values():
            desk.faults[way.path] = [0.05] * (len(rows) + runs)
        for _run in range(runs):
            worker = system.forge.fork("work_listed", rows=rows, seconds=300, settings=settings)
            time.sleep(chance.uniform(0.1, 0.6))
            worker.kill()
            system.servers.stop_database_at_once()
            system.servers.kill_broker()
            system.servers.start()
        began = time.monotonic()
        ends = system.forge.do("work_listed", rows=rows, seconds=60, settings=settings)
        assert time.monotonic() - began < 60
        for name, way in WAYS.items():
            made = way.made(desk)
            assert not made or set(made.values()) == {1}, name
            assert len(made) == ends[name].count(way.good), name
            assert set(ends[name]) <= {way.good, "unknown"}, name
