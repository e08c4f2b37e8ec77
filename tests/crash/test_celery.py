"""Real Celery workers: killed with -9 in the middle of a send (A01), and asked to end under load (F07).

They stand at the test database and the test run's own broker; approving sends the message, as a click does. There is no
beat: this process sends what it would send.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from backoffice.celery import app
from backoffice.models import AuditEntry
from tests.crash import harness
from tests.races import money

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker() -> Iterator[None]:
    """Empty: what earlier tests have sent is not for the worker of this one."""
    with Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()
        yield
        client.flushdb()


class Beat:
    """What beat would send, twice a second."""

    def __init__(self, account: int) -> None:
        self._account, self._next = account, 0.0

    def tick(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 0.5
        app.send_task("payments.run_stuck", queue="money", expires=5)
        app.send_task("payments.poll_account", args=[self._account], queue="money", expires=5)


class TestKilled:
    def test_four_deaths_in_the_middle_of_a_send(
        self,
        gullible: Any,
        paying: Any,
        people: Any,
        broker: None,
        crash_env: dict[str, str],
        crash_logs: Path,
        tmp_path: Path,
    ) -> None:
        """Three processes of the pool die when all bytes have left; then the whole worker, while it waits for the answer."""
        marker = tmp_path / "hit"
        dying = crash_env | {"BACKOFFICE_FAILPOINT": "F6=kill", "BACKOFFICE_FAILPOINT_ONCE": str(marker)}
        rows = []
        with harness.working(dying, crash_logs / "worker-1.log") as worker:
            for _death in range(3):
                rows.append(money.approved(paying, people))
                worker.until(marker.exists)
                worker.until(lambda: money.accepts(gullible)[rows[-1].reference.value] == 1)
                assert money.state(rows[-1]) == "sending"
                worker.until(lambda: len(worker.children()) == 1)
                marker.unlink()
            marker.touch()
            money.fault(gullible, "hang_after", seconds=30)
            rows.append(money.approved(paying, people))
            worker.until(lambda: money.accepts(gullible)[rows[-1].reference.value] == 1)
            worker.kill()
        assert money.state(rows[-1]) == "sending"

        beat = Beat(paying.pk)
        with harness.working(crash_env, crash_logs / "worker-2.log") as worker:

            def healed() -> bool:
                beat.tick()
                return money.states(rows)["complete"] == len(rows)

            worker.until(healed, seconds=90)
            assert worker.terminate(seconds=30) < 30
        assert money.asked(gullible, "withdraw") == len(rows) == 4
        money.check_promises(gullible, rows)


class TestTerminated:
    """F07: SIGTERM under load."""

    def test_it_ends_what_it_has_begun_and_leaves_no_doubt(
        self,
        gullible: Any,
        paying: Any,
        people: Any,
        broker: None,
        crash_env: dict[str, str],
        crash_logs: Path,
    ) -> None:
        money.fault(gullible, "delay", seconds=0.3, count=0)
        rows = [money.approved(paying, people, amount="1") for _row in range(20)]
        with harness.working(crash_env, crash_logs / "worker-3.log", processes=2) as worker:
            worker.until(lambda: len(money.accepts(gullible)) >= 3)
            assert worker.terminate(seconds=30) < 30
        left = money.states(rows)
        assert left["approved"] > 0, "it was too fast: nothing was left to hand back"
        assert left["approved"] + left["complete"] == len(rows), left
        money.check_promises(gullible)
        money.no_faults(gullible)
        money.make_due()
        money.work_until(lambda: money.states(rows)["complete"] == len(rows), seconds=30)
        assert not AuditEntry.objects.filter(verb="withdrawal.unknown").exists()
        money.check_promises(gullible, rows)
