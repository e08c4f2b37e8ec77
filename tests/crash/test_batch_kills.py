"""A01 and A02 for createTransaction: kill -9 at every point of the way, and an order is made once all the same.

The provider takes no reference and refuses no repeat: what was accepted is found again by what it pays, what was not stays
unknown until people close it.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.urls import reverse

from payments.models import BatchPayout
from payments.services import batch_payouts, calls
from tests.crash.harness import Forge
from tests.crash.kinds import KINDS
from tests.crash.test_kills import kill_and_heal
from tests.payments import batches
from tests.races import batch_rows, money

pytestmark = pytest.mark.django_db(transaction=True)
SEEDS: list[Any] = [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (0, 2, 3, *range(4, 11)))]


@pytest.fixture(autouse=True)
def settled(settings: Any) -> None:
    settings.SETTLE_SECONDS = 0


@pytest.mark.parametrize("seed", SEEDS)
def test_at_every_point(seed: int, forge: Forge, box: Any, transactional_db: None, people: Any) -> None:
    kind = KINDS["batch"]
    run = kill_and_heal(kind, seed, forge, box, batches.account(box), people)
    rows = list(run.rows.values())
    accepted = kind.accepts(box)
    for _round in range(2):  # whatever else may still wake up creates nothing
        money.make_due()
        money.work()
        for row in rows:
            kind.task(row.pk)
    assert kind.accepts(box) == accepted
    assert set(accepted.values()) == {1}
    kind.people_decide(box, [row for row in rows if money.state(row) == "unknown"])
    ends = {row.reference.value: money.state(row) for row in rows}
    assert ends == {number: kind.good if accepted[number] else "failed" for number in ends}
    kind.check(box, rows)


def test_the_web_process_dies_in_the_click(
    forge: Forge, box: Any, transactional_db: None, people: Any
) -> None:
    """A02: killed while the form is sent, and while the yes is; the browser's reload finds one request and one order."""
    account, kind = batches.account(box), KINDS["batch"]
    form = reverse("payments:batchpayout_create", args=[account.pk, uuid.uuid4()])
    sent: dict[str, Any] = {"path": form, "data": batch_rows.typed(), "actor": people["operator"].pk}
    assert forge.run("click", at="F0=kill", **sent).killed
    assert not BatchPayout.objects.exists()
    for _reload in range(2):
        status, place = forge.do("click", **sent)
        assert status == 302
    row = BatchPayout.objects.get()
    assert place == row.get_absolute_url()

    yes: dict[str, Any] = {
        "path": reverse("payments:batchpayout_approve", args=[row.pk]),
        "data": {"seen": batch_payouts.bound(row)},
        "actor": people["approver"].pk,
    }
    assert forge.run("click", at="F1=kill", **yes).killed
    assert money.state(row) == "approved"
    forge.do("click", **yes)  # the reload: it is decided already
    money.work_until(lambda: money.state(row) == "awaiting_deposit", seconds=10)
    assert row.reference.approvals.count() == 1
    assert kind.accepts(box) == {row.reference.value: 1}
    kind.check(box, [row])


def test_with_the_attempt_forgotten_a_kill_creates_twice(
    forge: Forge,
    box: Any,
    transactional_db: None,
    people: Any,
    monkeypatch: pytest.MonkeyPatch,
    control: None,
) -> None:
    """The harness sees it when the one thing is missing that keeps the finder from creating again."""
    row = batch_rows.approved(batches.account(box), people)
    order = {"kind": "batch", "row": row.pk}
    assert forge.run("submit", at="F6=kill", settings={"CLAIM_SECONDS": 1}, **order).killed
    monkeypatch.setattr(calls, "may_have_left", lambda *_attempt, **_fence: False)
    money.work_until(lambda: money.state(row) == "awaiting_deposit", seconds=30)
    with pytest.raises(AssertionError, match="V1"):
        batch_rows.check_promises(box, [row])
