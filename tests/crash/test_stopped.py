"""A16: a worker stands still in the middle (SIGSTOP), its lease is stolen, and then it goes on (SIGCONT)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db.models.functions import Now

from codes.models import Voucher
from payments.models import ProviderCall, Withdrawal
from payments.services import withdrawal_decisions
from tests import factories
from tests.crash.harness import Child, Forge
from tests.crash.kinds import KINDS
from tests.races import money, voucher_rows

pytestmark = pytest.mark.django_db(transaction=True)


def stopped(
    forge: Forge, rows: list[Any], at: str, job: str = "submit", *, lease: int = 2, **more: Any
) -> list[Child]:
    """A worker per row, each standing still at that point."""
    settings = {"CLAIM_SECONDS": lease}
    workers = [forge.fork(job, at=f"{at}=stop", settings=settings, row=row.pk, **more) for row in rows]
    assert all(worker.wait_stopped() for worker in workers)
    return workers


def steal() -> None:
    """Their leases run out, and another worker looks after the rows."""
    while any(model.objects.filter(claimed_until__gt=Now()).exists() for model in (Withdrawal, Voucher)):
        time.sleep(0.05)
    money.work()


def go_on(workers: list[Child]) -> None:
    for worker in workers:
        worker.resume()
    assert all(worker.wait().well for worker in workers)


def people_resend(rows: list[Withdrawal]) -> None:
    first, second = factories.person("approver"), factories.person("approver")
    for row in rows:
        withdrawal_decisions.resend(actor=first, withdrawal=row, note="The provider does not know it.")
        withdrawal_decisions.confirm(actor=second, withdrawal=row)


@pytest.fixture(autouse=True)
def settled(settings: Any) -> None:
    settings.SETTLE_SECONDS = 0


class TestBeforeTheBytes:
    """Stopped before the connection (F3) or before the first byte (F4)."""

    @pytest.mark.parametrize("at", ["F3", "F4"])
    @money.volumes(10, 100)
    def test_it_sends_nothing_when_it_goes_on(
        self, forge: Forge, gullible: Any, paying: Any, people: Any, at: str, runs: int
    ) -> None:
        for begin in range(0, runs, 10):
            rows = [money.approved(paying, people) for _run in range(min(10, runs - begin))]
            workers = stopped(forge, rows, at)
            steal()
            assert money.states(rows) == {"unknown": len(rows)}  # an attempt is on record: it is asked about
            # Half of them are sent again by people while the first worker still stands there.
            money.work()
            again = rows[: len(rows) // 2]
            people_resend(again)
            money.work_until(lambda again=again: money.states(again)["complete"] == len(again), seconds=10)
            go_on(workers)
            counted = money.accepts(gullible)
            assert [counted[row.reference.value] for row in rows] == [1] * len(again) + [0] * (
                len(rows) - len(again)
            )
            for row in rows:
                outcomes = ProviderCall.objects.filter(reference=row.reference, safe=False).order_by("id")
                assert outcomes.values_list("outcome", flat=True)[0] == "Unavailable"
            money.check_promises(gullible, rows)

    def test_without_the_fence_it_pays_twice(
        self, forge: Forge, gullible: Any, paying: Any, people: Any, control: None
    ) -> None:
        """The control."""
        row = money.approved(paying, people)
        workers = stopped(forge, [row], "F4", job="submit_unfenced")
        steal()
        money.work()
        people_resend([row])
        money.work_until(lambda: money.state(row) == "complete", seconds=10)
        go_on(workers)
        assert money.accepts(gullible) == {row.reference.value: 2}


class TestInTheMiddle:
    """Stopped when half of the request (F5), or all of it (F6), has left: the others only ask."""

    def test_it_is_asked_about_and_never_sent_again(
        self, forge: Forge, gullible: Any, paying: Any, people: Any
    ) -> None:
        rows = [money.approved(paying, people) for _run in range(10)]
        workers = stopped(forge, rows[:5], "F5") + stopped(forge, rows[5:], "F6")
        steal()
        money.work()
        assert money.states(rows) == {"unknown": 5, "complete": 5}
        go_on(workers)
        money.work_until(lambda: money.states(rows)["complete"] == len(rows), seconds=10)
        assert set(money.accepts(gullible).values()) == {1}
        assert ProviderCall.objects.filter(safe=False).count() == len(rows)
        money.check_promises(gullible, rows)


class TestVouchers:
    """The same for a new code and for one that is redeemed; in the provider's ledger there is one of each at most."""

    @money.volumes(5, 50)
    @pytest.mark.parametrize("name", ["create", "redeem"])
    def test_nothing_is_sent_by_two(
        self, forge: Forge, box: Any, paying: Any, people: Any, name: str, runs: int
    ) -> None:
        """Stopped before the first byte (F3, F4), in the middle (F5), behind the last (F6)."""
        kind = KINDS[name]
        for _batch in range(runs // 5):
            rows = {
                at: [kind.due(paying, people, box) for _row in range(5)] for at in ("F3", "F4", "F5", "F6")
            }
            workers = [one for at in rows for one in stopped(forge, rows[at], at, lease=4, kind=name)]
            steal()
            money.make_due()
            money.work()
            before, half, whole = rows["F3"] + rows["F4"], rows["F5"], rows["F6"]
            assert money.states(before + half) == {"unknown": 15}
            assert money.states(whole) == {"active" if name == "create" else "unknown": 5}
            # People close some of them while the first worker still stands there.
            kind.people_decide(box, before[::2])
            go_on(workers)
            money.make_due()
            # Before the bytes nothing leaves any more; in the middle its own answer heals, or the list.
            money.work_until(
                lambda whole=half + whole: money.states(whole)[kind.good] == len(whole), seconds=10
            )
            accepted = kind.accepts(box)
            assert not any(accepted[row.reference.value] for row in before)
            assert {accepted[row.reference.value] for row in half + whole} == {1}
            kind.check(box, before + half + whole)
        assert sorted(arrivals(box).values()) == [1] * 2 * runs


def arrivals(box: Any) -> Any:
    """How often the same bytes that make or redeem a code arrived."""
    return voucher_rows.arrived(box, "create") + voucher_rows.arrived(box, "apply")
