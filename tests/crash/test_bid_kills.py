"""A01, A02, A04, A07 for exchange bids, what is done with them, and partner payouts: a worker or a click dies at every
point, and the exchanger gets each of them once at most.

The exchanger of tests.payments stands in this process and is the witness: here it takes a used reference again, so that
nothing but our own care keeps it from having two. `make test` has one death at each point, the long form 22.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from django.utils import timezone

from payments.models import Bid, BidAct, PartnerPayout, ProviderAccount
from payments.services import bid_acts, bid_decisions, bids, calls, partner, partner_programs, polling
from tests.crash.harness import Forge
from tests.payments import exchanger as exchangers
from tests.races import money

pytestmark = pytest.mark.django_db(transaction=True)
POINTS = [f"F{number}" for number in range(2, 11)]
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
    more = {"PROVIDER_INTERNAL_HOSTS": [exchanger.host], "CLAIM_SECONDS": 3}
    assert forge.run(job, at=f"{point}=kill", settings=more, **arguments).killed, point


def heal(rows: dict[str, Any], ends: dict[str, str], *, seconds: float = 30) -> None:
    """The other workers, until all stand where they must, and for some rounds more."""
    deadline, calm = time.monotonic() + seconds, 0
    while calm < 3:
        for row in rows.values():
            type(row).objects.filter(pk=row.pk, next_check_at__isnull=False).update(
                next_check_at=timezone.now()
            )
        polling.run_stuck(limit=100)
        bid_acts.run_due(limit=100)
        polling.run_due(limit=100)
        for row in rows.values():
            row.refresh_from_db()
        found = {point: row.status for point, row in rows.items()}
        calm = calm + 1 if found == ends else 0
        assert time.monotonic() < deadline, (found, [row.last_error for row in rows.values()])
        time.sleep(0 if calm else 0.1)


def leave_alone(model: Any) -> None:
    """No look at what earlier runs have made: due at once, a hundred of them would stand before those of the next one."""
    model.objects.update(next_check_at=None)


def accepted(exchanger: Any) -> Counter[tuple[str, str]]:
    return Counter(exchanger.accepted)


class TestCreate:
    @money.volumes(1, 22)
    def test_killed_at_any_point_it_is_made_once_at_most(
        self, forge: Forge, exchanger: Any, account: Any, runs: int
    ) -> None:
        """A01; F1: nobody was woken, the sweep finds it."""
        for _run in range(runs):
            rows = {point: exchangers.asked(account) for point in ("F1", *POINTS)}
            for point in POINTS:
                kill(forge, exchanger, "submit_bid", point, row=rows[point].pk)
            heal(rows, {point: "unknown" if point in DOUBTFUL else "new" for point in rows})
            made = {point: accepted(exchanger)[("create_bid", rows[point].reference.value)] for point in rows}
            assert made == {point: int(point not in DOUBTFUL) for point in rows}
            leave_alone(Bid)

    @money.volumes(1, 22)
    def test_a_click_that_dies_makes_one_when_the_page_is_loaded_again(
        self, forge: Forge, exchanger: Any, account: Any, people: Any, runs: int
    ) -> None:
        """A02: the web process dies before and after it has written the intent down."""
        for _run in range(runs):
            rows = {}
            for point in ("F0", "F1"):
                token = uuid.uuid4()
                press = {"account": account.pk, "actor": people["operator"].pk, "token": str(token)}
                kill(forge, exchanger, "press_bid", point, **press)
                assert Bid.objects.filter(form_token=token).count() == (point == "F1")
                inside = {"PROVIDER_INTERNAL_HOSTS": [exchanger.host]}
                again = {forge.do("press_bid", settings=inside, **press) for _reload in range(2)}
                rows[point] = Bid.objects.get(form_token=token)
                assert again == {rows[point].pk}
            heal(rows, dict.fromkeys(rows, "new"))
            leave_alone(Bid)
        assert set(accepted(exchanger).values()) == {1}
        assert len(exchanger.bids) == Bid.objects.count() == 2 * runs

    def test_twenty_that_were_taken_without_an_answer_are_all_found(
        self, exchanger: Any, account: Any
    ) -> None:
        """A04, grade B."""
        exchanger.fail("create_bid", *["drop_after", "garbage_after"] * 10)
        exchanger.blind = True
        made = {str(number): exchangers.asked(account) for number in range(20)}
        for bid in made.values():
            bids.submit(bid_id=bid.pk)
        heal(made, dict.fromkeys(made, "new"))
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
        heal({"": bid}, {"": "new"})
        assert exchanger.count("create_bid") == 1


class TestActs:
    @money.volumes(1, 22)
    def test_killed_on_the_way_nothing_is_said_twice(
        self, forge: Forge, exchanger: Any, account: Any, people: Any, runs: int
    ) -> None:
        """Also “complete”, which the exchanger takes in any state of the bid (A21)."""
        points = POINTS[1:]
        for _run in range(runs):
            rows = {}
            for act in (bid_acts.cancel, bid_acts.pay, bid_acts.complete):
                for point in points if act is bid_acts.complete else ("F3", "F6", "F9"):
                    bid = exchangers.made(account)
                    note = {"note": "It arrived."} if act is bid_acts.complete else {}
                    made = act(actor=people["operator"], bid=bid, **note)
                    if note:
                        bid_decisions.confirm(actor=people["approver"], bid=bid)
                    kill(forge, exchanger, "submit_act", point, row=made.pk)
                    rows[f"{act.__name__} {point}"] = made
            heal(rows, {name: "unknown" if name[-2:] in DOUBTFUL else "done" for name in rows})
            for name, made in rows.items():
                said = accepted(exchanger)[(f"{_call(name)}_bid", made.bid.provider_id)]
                assert said == (name[-2:] not in DOUBTFUL), name
        assert BidAct.objects.count() == runs * (6 + len(points))

    @money.volumes(1, 22)
    def test_nor_when_who_finds_it_is_killed_too(
        self, forge: Forge, exchanger: Any, account: Any, people: Any, runs: int
    ) -> None:
        for _run in range(runs):
            bid = exchangers.made(account)
            made = bid_acts.complete(actor=people["operator"], bid=bid, note="It arrived.")
            bid_decisions.confirm(actor=people["approver"], bid=bid)
            for point in ("F9", "F13", "F13"):
                kill(forge, exchanger, "submit_act", point, row=made.pk)
                BidAct.objects.update(claimed_until=None)
            heal({"": made}, {"": "done"})
            assert accepted(exchanger)[("success_bid", bid.provider_id)] == 1


def _call(name: str) -> str:
    return name.split()[0].replace("complete", "success")


class TestPartnerPayout:
    """Neither reference nor amount: it is never sent again by a machine, and found where just one is new."""

    @money.volumes(1, 22)
    def test_killed_at_any_point_it_is_asked_for_once_at_most(
        self, forge: Forge, people: Any, settings: Any, transactional_db: None, runs: int
    ) -> None:
        settings.POLL_FACTOR = 0.0
        for run in range(runs):
            with ExitStack() as stack:
                boxes = {
                    point: stack.enter_context(closing(exchangers.Exchanger())) for point in ("F1", *POINTS)
                }
                settings.PROVIDER_INTERNAL_HOSTS = frozenset(box.host for box in boxes.values())
                rows = {
                    point: self.killed(forge, box, people, point, f"{run} {point}")
                    for point, box in boxes.items()
                }
                ends = {point: "unknown" if point in DOUBTFUL else "pending" for point in rows}
                heal(rows, ends)
                for row in rows.values():  # whoever wakes up late sends nothing
                    partner.submit(partner_payout_id=row.pk)
                assert {point: len(box.accepted) for point, box in boxes.items()} == {
                    point: int(point not in DOUBTFUL) for point in boxes
                }
            leave_alone(PartnerPayout)

    def killed(self, forge: Forge, box: Any, people: Any, point: str, name: str) -> PartnerPayout:
        account = exchangers.account(box, name=name, money_out=True)
        partner_programs.refresh(account_id=account.pk)
        fields = {"method_id": "5", "account": exchangers.ADDRESS, "_confirm_account": True}
        row = partner.request_payout(actor=people["operator"], account=account, fields=fields)
        if point == "F1":
            kill(forge, box, "approve_payout", point, row=row.pk, actor=people["approver"].pk)
        else:
            partner.approve(actor=people["approver"], payout=row)
            kill(forge, box, "submit_payout", point, row=row.pk)
        return row


class TestControl:
    def test_with_the_attempt_forgotten_a_kill_makes_two(
        self,
        forge: Forge,
        exchanger: Any,
        account: Any,
        people: Any,
        monkeypatch: pytest.MonkeyPatch,
        control: None,
    ) -> None:
        """The witness sees it when the one thing is missing that keeps the finder from sending again."""
        bid = exchangers.asked(account)
        kill(forge, exchanger, "submit_bid", "F6", row=bid.pk)
        payout = TestPartnerPayout().killed(forge, exchanger, people, "F6", "payout")
        exchanger.balance = exchangers.Decimal("120.5")
        monkeypatch.setattr(calls, "may_have_left", lambda *_attempt, **_fence: False)
        heal({"bid": bid, "payout": payout}, {"bid": "new", "payout": "pending"})
        assert accepted(exchanger)[("create_bid", bid.reference.value)] == 2
        assert exchanger.count("add_partner_payout") == 2
