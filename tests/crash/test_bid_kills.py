"""A01, A04, A08 for exchange bids: a worker dies at every point, and the exchanger gets each bid once at most.

The exchanger of tests.payments stands in this process and is the witness: here it takes a used reference again, so that
nothing but our own care keeps it from having two.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from payments.models import Bid, BidAct, ProviderAccount
from payments.services import bid_acts, bid_decisions, bids, calls, polling
from tests.crash.harness import Forge
from tests.payments import exchanger as exchangers

pytestmark = pytest.mark.django_db(transaction=True)
POINTS = [f"F{number}" for number in range(1, 11)]
#: In `make test` four deaths: before anything, with an attempt on record, after it was taken, before it was stored.
SHORT = ("F1", "F3", "F6", "F9")
KILLS: list[Any] = [
    point if point in SHORT else pytest.param(point, marks=pytest.mark.long) for point in POINTS
]
#: An attempt is on record and nothing proves that it never left: found if it arrived, else for people.
DOUBTFUL = ("F3", "F4", "F5")


@pytest.fixture
def exchanger(settings: Any) -> Iterator[exchangers.Exchanger]:
    found = exchangers.Exchanger()
    found.is_unique = False
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({found.host})
    settings.POLL_FACTOR = 0.0
    yield found
    found.close()


@pytest.fixture
def account(exchanger: Any, transactional_db: None) -> ProviderAccount:
    made = exchangers.account(exchanger)
    exchangers.direction(made)
    exchangers.book(made)
    return made


def kill(forge: Forge, exchanger: Any, job: str, point: str, **arguments: Any) -> None:
    more = {"PROVIDER_INTERNAL_HOSTS": [exchanger.host], "CLAIM_SECONDS": 1}
    assert forge.run(job, at=f"{point}=kill", settings=more, **arguments).killed, point


def heal(row: Any, until: tuple[str, ...], *, seconds: float = 30) -> str:
    """The other workers, until the row stands in one of these states and nobody wants to touch it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        type(row).objects.filter(pk=row.pk, next_check_at__isnull=False).update(next_check_at=timezone.now())
        polling.run_stuck(limit=50)
        bid_acts.run_due()
        polling.run_due(limit=50)
        row.refresh_from_db()
        if row.status in until:
            return str(row.status)
        time.sleep(0.1)
    raise AssertionError(f"{row.status} after {seconds} s: {row.last_error}")


def accepted(exchanger: Any) -> Counter[tuple[str, str]]:
    return Counter(exchanger.accepted)


class TestCreate:
    @pytest.mark.parametrize("point", KILLS)
    def test_killed_at_any_point_it_is_made_once_at_most(
        self, forge: Forge, exchanger: Any, account: Any, point: str
    ) -> None:
        bid = exchangers.asked(account)
        if point != "F1":  # nobody was woken: the sweep finds it
            kill(forge, exchanger, "submit_bid", point, row=bid.pk)
        ended = heal(bid, ("unknown",) if point in DOUBTFUL else ("new",))
        for _again in range(3):
            heal(bid, (ended,))
        assert exchanger.count("create_bid") <= 1
        assert accepted(exchanger)[("create_bid", bid.reference.value)] == (ended == "new")

    def test_twenty_that_were_taken_without_an_answer_are_all_found(
        self, exchanger: Any, account: Any
    ) -> None:
        """A04, grade B."""
        exchanger.fail("create_bid", *["drop_after", "garbage_after"] * 10)
        exchanger.blind = True
        made = [exchangers.asked(account) for _number in range(20)]
        for bid in made:
            bids.submit(bid_id=bid.pk)
        for bid in made:
            heal(bid, ("new",))
        assert set(accepted(exchanger).values()) == {1}
        assert len(exchanger.bids) == 20

    def test_a_list_that_errs_for_long_changes_nothing(self, exchanger: Any, account: Any) -> None:
        """A07: doubt stays doubt, however the look-up fails."""
        exchanger.fail("create_bid", "drop_after")
        bid = exchangers.asked(account)
        bids.submit(bid_id=bid.pk)
        exchanger.fail(
            "get_exchanges", *["html", "status_500", "drop", {"error": 2, "error_text": "maintenance"}] * 6
        )
        for _round in range(3):
            polling.run_due(limit=5)
            Bid.objects.update(next_check_at=timezone.now())
        bid.refresh_from_db()
        assert bid.status == "unknown" and bid.check_failures >= 3
        exchanger.faults.clear()
        heal(bid, ("new",))
        assert exchanger.count("create_bid") == 1


class TestComplete:
    @pytest.mark.parametrize("point", KILLS[2:])
    def test_killed_while_it_is_declared_complete_it_is_never_said_again(
        self, forge: Forge, exchanger: Any, account: Any, people: Any, point: str
    ) -> None:
        bid = exchangers.made(account)
        act = bid_acts.complete(actor=people["operator"], bid=bid, note="It arrived.")
        bid_decisions.confirm(actor=people["approver"], bid=bid)
        kill(forge, exchanger, "submit_act", point, row=act.pk)
        arrived = point in ("F6", "F7", "F8", "F9", "F10")
        heal(act, ("done",) if arrived else ("unknown",))
        assert exchanger.count("success_bid") == (1 if arrived else 0)
        assert BidAct.objects.count() == 1


class TestControl:
    def test_with_the_attempt_forgotten_a_kill_makes_two(
        self,
        forge: Forge,
        exchanger: Any,
        account: Any,
        monkeypatch: pytest.MonkeyPatch,
        control: None,
    ) -> None:
        """The witness sees it when the one thing is missing that keeps the finder from sending again."""
        bid = exchangers.asked(account)
        kill(forge, exchanger, "submit_bid", "F6", row=bid.pk)
        monkeypatch.setattr(calls, "may_have_left", lambda *_attempt, **_fence: False)
        heal(bid, ("new", "unknown"))
        assert accepted(exchanger)[("create_bid", bid.reference.value)] == 2
