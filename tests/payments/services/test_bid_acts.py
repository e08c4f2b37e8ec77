"""Cancel, “we have paid”, complete: written down, sent once, complete by two people and never twice."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import OperationalError
from django.utils import timezone

from payments.models import Approval, Bid, BidAct, ExceptionItem, ProviderAccount, ProviderCall
from payments.services import bid_acts, bid_decisions, bids, exceptions, freeze, schedule
from tests import factories
from tests.payments import exchanger as exchangers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bid(exchanger: Any, transactional_db: None) -> Bid:
    account = exchangers.account(exchanger)
    exchangers.direction(account)
    exchangers.book(account)
    return exchangers.made(account)


def now(bid: Bid) -> Bid:
    return Bid.objects.select_related("reference", "account").get(pk=bid.pk)


def asked(act: str, bid: Bid, people: Any) -> BidAct:
    """One that waits for a worker."""
    note = {"note": "Seen."} if act == "complete" else {}
    made: BidAct = getattr(bid_acts, act)(actor=people["operator"], bid=bid, **note)
    if note:
        bid_acts.confirm(actor=people["approver"], bid=bid)
    return made


def next_worker() -> None:
    """Whoever had it is gone, and its time has come."""
    BidAct.objects.update(claimed_until=None, next_check_at=timezone.now())


class TestInterrupted:
    """Whatever dies and however often, what may have left is not said again."""

    @pytest.mark.parametrize("act", ["complete", "cancel", "pay"])
    @pytest.mark.parametrize("answer", ["", "drop_after"])
    def test_nor_when_the_worker_that_finds_it_fails_too(
        self, bid: Bid, exchanger: Any, people: Any, monkeypatch: pytest.MonkeyPatch, act: str, answer: str
    ) -> None:
        made = asked(act, bid, people)
        exchanger.fail(f"{'success' if act == 'complete' else act}_bid", answer)
        failing = [True, True, True]
        real = bid_acts._end

        def end(*arguments: Any, **more: Any) -> None:
            if failing:
                failing.pop()
                raise OperationalError("server closed the connection unexpectedly")
            real(*arguments, **more)

        monkeypatch.setattr(bid_acts, "_end", end)
        for _found in range(3):
            with pytest.raises(OperationalError):
                bid_acts.submit(act_id=made.pk)
            next_worker()
        for _found in range(3):
            bid_acts.run_due()
            next_worker()
        made.refresh_from_db()
        assert made.status == "unknown"
        assert len(exchanger.accepted) == 2  # it was made, and this was said

    def test_nor_when_more_claims_than_one_came_after_the_attempt(
        self, bid: Bid, exchanger: Any, people: Any
    ) -> None:
        earlier = asked("pay", bid, people)
        bid_acts.withdraw(actor=people["operator"], bid=bid)
        BidAct.objects.filter(pk=earlier.pk).update(fence=2 * bid_acts.FENCES + 5)  # it waited for long
        made = asked("pay", bid, people)
        assert made.fence == 3 * bid_acts.FENCES
        claimed = bid_acts._claim(made.pk)
        assert claimed is not None
        attempt(bid, exchanger, "pay_bid", claimed.fence)
        for _dead in range(3):
            next_worker()
            assert schedule.claim(BidAct, made.pk) is not None
        next_worker()
        bid_acts.submit(act_id=made.pk)
        made.refresh_from_db()
        assert made.status == "unknown"

    def test_an_attempt_of_an_earlier_act_does_not_count(
        self, bid: Bid, exchanger: Any, people: Any, settings: Any
    ) -> None:
        settings.SETTLE_SECONDS = 0
        exchanger.fail("pay_bid", "drop")
        bid_acts.submit(act_id=asked("pay", bid, people).pk)
        made = asked("pay", bid, people)
        assert bid_acts._claim(made.pk) is not None
        next_worker()
        bid_acts.submit(act_id=made.pk)
        made.refresh_from_db()
        assert made.status == "asked"


def attempt(bid: Bid, exchanger: Any, operation: str, fence: int) -> None:
    """What stands on record of one that was cut off."""
    ProviderCall.objects.create(
        account=bid.account, reference=bid.reference, operation=operation, safe=False, method="POST",
        url=exchanger.base_url, request="", request_digest="0" * 64, started_at=timezone.now(), fence=fence,
    )  # fmt: skip


class TestCancelAndPay:
    @pytest.mark.parametrize(("act", "status"), [("cancel", "canceled"), ("pay", "paid")])
    def test_a_worker_sends_it_once_and_the_bid_follows(
        self, bid: Bid, exchanger: Any, people: Any, act: str, status: str
    ) -> None:
        made = getattr(bid_acts, act)(actor=people["operator"], bid=bid)
        assert exchanger.count(f"{act}_bid") == 0
        for _twice in range(2):
            bid_acts.submit(act_id=made.pk)
        made.refresh_from_db()
        assert made.status == "done"
        bids.refresh(bid_id=bid.pk)
        assert now(bid).status == status
        assert exchanger.count(f"{act}_bid") == 1
        with pytest.raises(ValidationError):
            getattr(bid_acts, act)(actor=people["operator"], bid=now(bid))

    def test_only_where_the_exchanger_and_the_role_allow_it(
        self, bid: Bid, exchanger: Any, people: Any
    ) -> None:
        for role in ("viewer", "approver", "finance", "admin"):
            for act in (bid_acts.cancel, bid_acts.pay):
                with pytest.raises(PermissionDenied):
                    act(actor=people[role], bid=bid)
        Bid.objects.filter(pk=bid.pk).update(actions={"can_cancel": False, "can_pay": False})
        for act in (bid_acts.cancel, bid_acts.pay):
            with pytest.raises(ValidationError):
                act(actor=people["operator"], bid=bid)
        assert not BidAct.objects.exists()

    def test_one_thing_at_a_time(self, bid: Bid, people: Any) -> None:
        bid_acts.cancel(actor=people["operator"], bid=bid)
        with pytest.raises(ValidationError, match="Something else"):
            bid_acts.pay(actor=people["operator"], bid=bid)
        bid_acts.withdraw(actor=people["operator"], bid=bid)
        assert bid_acts.pay(actor=people["operator"], bid=bid).status == "asked"

    def test_doubt_is_cleared_by_asking_and_a_machine_never_repeats(
        self, bid: Bid, exchanger: Any, people: Any
    ) -> None:
        exchanger.fail("cancel_bid", "drop_after")
        made = bid_acts.cancel(actor=people["operator"], bid=bid)
        bid_acts.submit(act_id=made.pk)
        made.refresh_from_db()
        assert made.status == "unknown"
        bid_acts.run_due()
        bids.refresh(bid_id=bid.pk)
        made.refresh_from_db()
        assert (made.status, now(bid).status) == ("done", "canceled")
        assert exchanger.count("cancel_bid") == 1

    def test_a_lost_word_may_be_said_again_by_a_person_after_a_while(
        self, bid: Bid, exchanger: Any, people: Any, settings: Any
    ) -> None:
        exchanger.fail("pay_bid", "drop")
        bid_acts.submit(act_id=bid_acts.pay(actor=people["operator"], bid=bid).pk)
        with pytest.raises(ValidationError, match="in doubt"):
            bid_acts.pay(actor=people["operator"], bid=bid)
        settings.SETTLE_SECONDS = 0
        again = bid_acts.pay(actor=people["operator"], bid=bid)
        bid_acts.submit(act_id=again.pk)
        again.refresh_from_db()
        assert again.status == "done"
        assert exchanger.count("pay_bid") == 2

    def test_a_refusal_is_told_and_what_never_left_goes_out_later(
        self, bid: Bid, exchanger: Any, people: Any, settings: Any
    ) -> None:
        exchanger.fail("cancel_bid", {"error": 2, "error_text": "action disabled", "data": []})
        made = bid_acts.cancel(actor=people["operator"], bid=bid)
        bid_acts.submit(act_id=made.pk)
        made.refresh_from_db()
        assert made.status == "refused" and made.last_error
        again = bid_acts.cancel(actor=people["operator"], bid=bid)
        account = bid.account
        account.is_active = False
        account.save()
        bid_acts.submit(act_id=again.pk)
        again.refresh_from_db()
        assert again.status == "dropped"
        assert exchanger.count("cancel_bid") == 1

    def test_an_interrupted_attempt_is_in_doubt(self, bid: Bid, exchanger: Any, people: Any) -> None:
        made = bid_acts.cancel(actor=people["operator"], bid=bid)
        other = bid_acts._claim(made.pk)
        assert other is not None
        BidAct.objects.update(
            claimed_until=timezone.now() - dt.timedelta(seconds=1), next_check_at=timezone.now()
        )
        attempt(bid, exchanger, "cancel_bid", other.fence)
        assert bid_acts.run_due() == 1
        made.refresh_from_db()
        assert made.status == "unknown"
        assert exchanger.count("cancel_bid") == 0

    def test_one_interrupted_before_it_began_is_sent(self, bid: Bid, exchanger: Any, people: Any) -> None:
        made = bid_acts.cancel(actor=people["operator"], bid=bid)
        bid_acts._claim(made.pk)
        BidAct.objects.update(claimed_until=timezone.now() - dt.timedelta(seconds=1))
        for _round in range(2):
            BidAct.objects.update(next_check_at=timezone.now())
            bid_acts.run_due()
        made.refresh_from_db()
        assert made.status == "done"
        assert exchanger.count("cancel_bid") == 1

    def test_what_cannot_be_sent_in_time_is_dropped(self, bid: Bid, people: Any) -> None:
        made = bid_acts.pay(actor=people["operator"], bid=bid)
        BidAct.objects.update(created_at=timezone.now() - dt.timedelta(minutes=16), next_check_at=None)
        assert bid_acts.expire() == 1
        made.refresh_from_db()
        assert made.status == "dropped"

    def test_a_held_one_may_be_canceled_there_and_released_here(
        self, bid: Bid, exchanger: Any, people: Any
    ) -> None:
        exchanger.change = lambda one: one | {"amount_get": "90"}
        held = exchangers.asked(bid.account)
        bids.submit(bid_id=held.pk)
        held = now(held)
        assert held.reference.held_at is not None
        with pytest.raises(ValidationError, match="held"):
            bid_acts.pay(actor=people["operator"], bid=held)
        bid_acts.submit(act_id=bid_acts.cancel(actor=people["operator"], bid=held).pk)
        bids.refresh(bid_id=held.pk)
        assert now(held).status == "unknown"
        exceptions.release_hold(actor=people["approver"], reference=held.reference, note="Canceled there.")
        bids.refresh(bid_id=held.pk)
        assert now(held).status == "canceled"


class TestComplete:
    """A21: success_bid has no guard at the exchanger, so ours are two people and never again."""

    def test_needs_a_second_person_and_is_sent_once(self, bid: Bid, exchanger: Any, people: Any) -> None:
        made = bid_acts.complete(actor=people["operator"], bid=bid, note="The money is in our wallet.")
        bid_acts.submit(act_id=made.pk)
        assert exchanger.count("success_bid") == 0
        with pytest.raises(PermissionDenied):
            bid_decisions.confirm(actor=people["operator"], bid=bid)
        bid_decisions.confirm(actor=people["approver"], bid=bid, seen=bid_acts.bound(_of(made)))
        for _twice in range(2):
            bid_acts.submit(act_id=made.pk)
        made.refresh_from_db()
        assert (made.status, made.confirmed_by) == ("done", people["approver"])
        bids.refresh(bid_id=bid.pk)
        assert now(bid).status == "complete"
        assert exchanger.count("success_bid") == 1
        assert Approval.objects.get(step="complete").used_at is not None

    def test_not_without_a_note_nor_by_other_roles(self, bid: Bid, people: Any) -> None:
        with pytest.raises(ValidationError):
            bid_acts.complete(actor=people["operator"], bid=bid, note=" ")
        for role in ("viewer", "approver", "finance", "admin"):
            with pytest.raises(PermissionDenied):
                bid_acts.complete(actor=people[role], bid=bid, note="x")

    def test_who_asked_cannot_confirm_even_as_an_approver(self, bid: Bid, people: Any) -> None:
        from backoffice.services import roles

        both = factories.person("operator")
        roles.give(actor=None, user=both, role="approver")
        bid_acts.complete(actor=both, bid=bid, note="x")
        with pytest.raises(ValidationError):
            bid_decisions.confirm(actor=both, bid=bid)

    @pytest.mark.parametrize("mode", ["drop", "drop_after"])
    def test_in_doubt_it_is_never_said_again(
        self, bid: Bid, exchanger: Any, people: Any, settings: Any, mode: str
    ) -> None:
        settings.SETTLE_SECONDS = 0
        exchanger.fail("success_bid", mode)
        made = bid_acts.complete(actor=people["operator"], bid=bid, note="x")
        bid_decisions.confirm(actor=people["approver"], bid=bid)
        for _round in range(3):
            bid_acts.submit(act_id=made.pk)
            bid_acts.run_due()
        made.refresh_from_db()
        assert made.status == "unknown"
        with pytest.raises(ValidationError, match="never said twice"):
            bid_acts.complete(actor=people["operator"], bid=bid, note="once more")
        bids.refresh(bid_id=bid.pk)
        made.refresh_from_db()
        assert made.status == ("done" if mode == "drop_after" else "unknown")
        assert exchanger.count("success_bid") == 1

    def test_what_changed_since_voids_the_yes(self, bid: Bid, exchanger: Any, people: Any) -> None:
        made = bid_acts.complete(actor=people["operator"], bid=bid, note="x")
        with pytest.raises(ValidationError, match="Something has changed"):
            bid_decisions.confirm(actor=people["approver"], bid=bid, seen="0" * 64)
        bid_decisions.confirm(actor=people["approver"], bid=bid)
        row = now(bid)
        row.answer = row.answer | {"amount_get": "1"}
        row.save()
        bid_acts.submit(act_id=made.pk)
        made.refresh_from_db()
        assert made.status == "awaiting"
        assert exchanger.count("success_bid") == 0

    def test_a_freeze_stops_it_and_a_hold_bars_it(self, bid: Bid, exchanger: Any, people: Any) -> None:
        made = bid_acts.complete(actor=people["operator"], bid=bid, note="x")
        bid_decisions.confirm(actor=people["approver"], bid=bid)
        freeze.set(actor=people["finance"], reason="Look first")
        bid_acts.submit(act_id=made.pk)
        made.refresh_from_db()
        assert (made.status, exchanger.count("success_bid")) == ("asked", 0)
        exchanger.word(bid.provider_id, "error")
        bids.refresh(bid_id=bid.pk)
        with pytest.raises(ValidationError, match="held"):
            bid_acts.pay(actor=people["operator"], bid=bid)

    @pytest.mark.parametrize("stop", ["money_out", "over_debit"])
    def test_not_while_no_money_may_leave(self, bid: Bid, exchanger: Any, people: Any, stop: str) -> None:
        def stopped(on: bool) -> None:
            if stop == "money_out":
                ProviderAccount.objects.update(money_out=not on)
            elif on:
                ExceptionItem.objects.create(account=bid.account, kind="over_debit", key="x", title="x")
            else:
                ExceptionItem.objects.all().delete()

        made = bid_acts.complete(actor=people["operator"], bid=bid, note="x")
        stopped(True)
        with pytest.raises(ValidationError):
            bid_acts.confirm(actor=people["approver"], bid=bid)
        stopped(False)
        bid_acts.confirm(actor=people["approver"], bid=bid)
        stopped(True)
        bid_acts.submit(act_id=made.pk)
        made.refresh_from_db()
        assert made.status == "asked" and made.last_error
        stopped(False)
        claimed = bid_acts._claim(made.pk)
        assert claimed is not None
        stopped(True)
        bid_acts._send(claimed)  # switched off in the last moment
        made.refresh_from_db()
        assert (made.status, exchanger.count("success_bid")) == ("asked", 0)
        stopped(False)
        bid_acts.submit(act_id=made.pk)
        assert exchanger.count("success_bid") == 1

    def test_taken_back_by_who_asked_or_an_approver(self, bid: Bid, people: Any) -> None:
        for taker in (people["operator"], people["approver"]):
            bid_acts.complete(actor=people["operator"], bid=bid, note="x")
            with pytest.raises(PermissionDenied):
                bid_acts.withdraw(actor=factories.person("operator"), bid=bid)
            assert bid_acts.withdraw(actor=taker, bid=bid).status == "dropped"

    def test_the_end_of_the_bid_ends_what_waits(self, bid: Bid, exchanger: Any, people: Any) -> None:
        made = bid_acts.complete(actor=people["operator"], bid=bid, note="x")
        exchanger.word(bid.provider_id, "cancel")
        bids.refresh(bid_id=bid.pk)
        made.refresh_from_db()
        assert made.status == "dropped"


def _of(act: BidAct) -> BidAct:
    return BidAct.objects.select_related("bid__reference", "bid__account").get(pk=act.pk)
