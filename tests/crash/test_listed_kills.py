"""A01, A02 and C01 for withdraw/create, invoice/create and wallet/create at a provider that only lists: kill -9 on the way,
and nothing is made twice.

Each run forks a process that dies at its failpoint; this process plays the other workers. The tests' own bitexbit stands
outside of both and takes a repeated reference again and again: it is the witness.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from payments.models import Withdrawal
from payments.services import calls, polling
from tests.crash import harness
from tests.crash.kinds import POINTS
from tests.crash.listed import WAYS, Way
from tests.payments import desk as desks
from tests.payments import desk_rows
from tests.payments.conftest import desk, running_desk

__all__ = ["desk", "running_desk"]
pytestmark = pytest.mark.django_db(transaction=True)
#: After these a request was begun and never arrived: nobody but people can end it.
DOUBTFUL = ("F3", "F4", "F5")
SOME = ["F3", "F6", "F8", "F9"]


@pytest.fixture(scope="session")
def forge(running_desk: desks.Desk, crash_logs: Path, django_db_setup: None) -> Iterator[harness.Forge]:
    env = harness.environment(
        database=harness.test_database_url(),
        broker=os.environ["REDIS_URL"],
        sandbox_port=running_desk.port,
        SCAN_GAP_SECONDS="0",
        LIFETIME_FACTOR="0",
        PROVIDER_TOTAL_TIMEOUT="4",  # the attempt of a dead worker counts as under way until then
    )
    with harness.forging(env, crash_logs / "listed.log") as forge:
        yield forge


@pytest.fixture
def there(desk: desks.Desk, transactional_db: None) -> Any:
    desk.status = 30
    return desk_rows.account(desk, opening="100000")


def heal(way: Way, rows: dict[Any, Any], *, seconds: float = 60) -> None:
    """The other workers: leases run out, sweeps and polls come, until nothing changes any more."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        way.model.objects.filter(next_check_at__isnull=False).update(next_check_at=Now())
        polling.run_stuck(limit=100)
        polling.run_due(limit=100)
        for row in rows.values():
            row.refresh_from_db()
        if all(map(way.is_over, rows.values())):
            return
        time.sleep(0.1)
    pytest.fail(str({point: (row.status, row.last_error) for point, row in rows.items()}))


@pytest.mark.parametrize(
    ("kind", "points"),
    [
        ("listed_withdrawal", SOME),
        *((kind, ["F3", "F6"]) for kind in ("fiat_invoice", "wallet")),
        *(pytest.param(kind, POINTS[2:], marks=pytest.mark.long) for kind in WAYS),
    ],
)
def test_killed_on_the_way_it_is_made_once(
    kind: str, points: list[str], forge: harness.Forge, desk: desks.Desk, there: Any, people: Any
) -> None:
    way = WAYS[kind]
    rows = {}
    for point in points:
        row = way.due(there, people)
        ended = forge.run("submit_listed", at=f"{point}=kill", row=row.pk, kind=kind)
        assert ended.killed, (point, way.model.objects.get(pk=row.pk).last_error)
        rows[point] = row
        way.model.objects.filter(pk=row.pk).update(next_check_at=None)
    way.model.objects.update(next_check_at=Now())
    heal(way, rows)
    ends = {point: row.status for point, row in rows.items()}
    assert ends == {point: "unknown" if point in DOUBTFUL else way.good for point in points}
    for row in rows.values():  # whoever wakes up late sends nothing
        way.submit(row.pk)
    made = way.made(desk)
    assert set(made.values()) == {1}
    assert len(made) == len([point for point in points if point not in DOUBTFUL])
    if kind == "fiat_invoice":
        # C01: what the payer can pay is each bill's one page, and what the desk has besides is shown to nobody.
        pages = [row.payment_url for row in rows.values() if row.payment_url]
        assert len(pages) == len(set(pages)) <= len(desk.lists["invoices"])


@pytest.mark.parametrize("kind", WAYS)
def test_killed_while_a_person_presses_the_form(
    kind: str, forge: harness.Forge, desk: desks.Desk, there: Any, people: Any
) -> None:
    """A02: before the intent is committed nothing is there; after it the page that is loaded again shows the one."""
    way, actor = WAYS[kind], people["operator"]
    is_approved = kind == "listed_withdrawal"  # then its second step is another person's
    for point, kept in (("F0", 0),) if is_approved else (("F0", 0), ("F1", 1)):
        token, before = uuid.uuid4(), way.model.objects.count()
        ended = forge.run(
            "press_listed", at=f"{point}=kill", kind=kind, account=there.pk, actor=actor.pk, token=str(token)
        )
        assert ended.killed, point
        assert way.model.objects.count() == before + kept
        again = [way.press(actor=actor, account=there, token=token).pk for _n in range(2)]
        assert len(set(again)) == 1
        assert way.model.objects.count() == before + 1
    if is_approved:
        assert not desk.bodies
        ended = forge.run("approve", at="F1=kill", actor=people["approver"].pk, rows=again[:1])
        assert ended.killed
    heal(way, dict(enumerate(way.model.objects.all())))
    assert set(way.made(desk).values()) == {1}
    assert len(way.made(desk)) == way.model.objects.count()


def test_with_the_attempt_forgotten_it_is_paid_twice(
    forge: harness.Forge,
    desk: desks.Desk,
    there: Any,
    people: Any,
    monkeypatch: pytest.MonkeyPatch,
    control: None,
) -> None:
    """The harness sees it when the one thing is missing that keeps the finder from sending again."""
    row = desk_rows.approved(there, people)
    assert forge.run("submit_listed", at="F6=kill", row=row.pk, kind="listed_withdrawal").killed
    monkeypatch.setattr(calls, "may_have_left", lambda *_attempt, **_fence: False)
    until = time.monotonic() + 30
    while desk.sent()[row.reference.value] < 2:
        assert time.monotonic() < until
        Withdrawal.objects.update(next_check_at=Now())
        polling.run_stuck(limit=10)
        time.sleep(0.1)
