"""What people decide about bids in doubt, callbacks as hints, and bids that were made elsewhere."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone

from payments.models import Bid, BidImport, Callback, ExceptionItem, Movement
from payments.providers.errors import ProviderError
from payments.services import bid_decisions, bid_imports, bids, callback_tokens, callbacks, polling
from tests import factories
from tests.payments import exchanger as exchangers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(exchanger: Any, transactional_db: None) -> Any:
    made = exchangers.account(exchanger)
    exchangers.direction(made)
    exchangers.book(made)
    return made


@pytest.fixture
def lost(account: Any, exchanger: Any) -> Bid:
    """A bid whose creation is in doubt; the exchanger never got it."""
    exchanger.fail("create_bid", "drop")
    bid = exchangers.asked(account)
    bids.submit(bid_id=bid.pk)
    bid.refresh_from_db()
    assert bid.status == "unknown"
    return bid


def look(bid: Bid) -> None:
    with pytest.raises(ProviderError):
        bids.refresh(bid_id=bid.pk)


class TestDeciding:
    def test_failed_needs_a_whole_list_time_and_two_people(
        self, lost: Bid, people: Any, settings: Any
    ) -> None:
        def propose() -> None:
            bid_decisions.resolve(actor=people["approver"], bid=lost, outcome="failed", note="Not there.")

        with pytest.raises(ValidationError, match="Check now"):
            propose()
        look(lost)
        with pytest.raises(ValidationError, match="Wait until"):
            propose()
        settings.SETTLE_SECONDS = 0
        propose()
        with pytest.raises(ValidationError, match="You proposed"):
            bid_decisions.confirm(actor=people["approver"], bid=lost)
        second = factories.person("approver")
        assert list(bid_decisions.waiting_for(second)) == [lost]
        bid_decisions.confirm(actor=second, bid=lost)
        lost.refresh_from_db()
        assert lost.status == "failed"
        assert not Movement.objects.exists()

    def test_what_is_found_meanwhile_is_not_closed(
        self, lost: Bid, exchanger: Any, people: Any, settings: Any
    ) -> None:
        settings.SETTLE_SECONDS = 0
        look(lost)
        bid_decisions.resolve(actor=people["approver"], bid=lost, outcome="failed", note="Not there.")
        exchanger._create_bid({"calc_amount": "100", "calc_action": "2", "api_id": lost.reference.value})
        bids.refresh(bid_id=lost.pk)
        with pytest.raises(ValidationError):
            bid_decisions.confirm(actor=factories.person("approver"), bid=lost)
        lost.refresh_from_db()
        assert lost.status == "new"

    def test_complete_counts_at_once_and_is_booked_as_quoted(self, lost: Bid, people: Any) -> None:
        look(lost)
        bid_decisions.resolve(actor=people["approver"], bid=lost, outcome="complete", note="In our wallet.")
        lost.refresh_from_db()
        assert lost.status == "complete"
        assert {one.label for one in Movement.objects.all()} == {"as quoted, nothing was stated"}

    def test_refunded_of_a_held_one_by_two(self, account: Any, exchanger: Any, people: Any) -> None:
        bid = exchangers.made(account)
        exchanger.word(bid.provider_id, "payouterror")
        bids.refresh(bid_id=bid.pk)
        bid_decisions.resolve(actor=people["approver"], bid=bid, outcome="refunded", note="Came back.")
        bid_decisions.confirm(actor=factories.person("approver"), bid=bid)
        bid = Bid.objects.select_related("reference").get(pk=bid.pk)
        assert (bid.status, bid.reference.held_at) == ("refunded", None)
        assert not ExceptionItem.objects.filter(status="open").exists()
        assert not Movement.objects.exists()

    def test_not_by_who_asked_nor_without_doubt(self, account: Any, lost: Bid, people: Any) -> None:
        for role in ("viewer", "operator", "finance", "admin"):
            with pytest.raises(PermissionDenied):
                bid_decisions.resolve(actor=people[role], bid=lost, outcome="complete", note="x")
        live = exchangers.made(account)
        with pytest.raises(ValidationError, match="Only an unknown"):
            bid_decisions.resolve(actor=people["approver"], bid=live, outcome="complete", note="x")
        with pytest.raises(ValidationError):
            bid_decisions.resolve(actor=people["approver"], bid=lost, outcome="canceled", note="x")
        with pytest.raises(ValidationError, match="refunded"):
            look(lost)
            bid_decisions.resolve(actor=people["approver"], bid=lost, outcome="refunded", note="x")


class TestCallbacks:
    """D09, D10: a callback is a hint; the address says which bid, the body only claims."""

    def send(self, bid: Bid, body: str, token: str = "") -> int:
        path = urlsplit(callback_tokens.object_callback_url(bid.reference)).path
        if token:
            path = f"/callbacks/premium_exchanger/{token}/"
        answer = Client().post(path, body, content_type="application/x-www-form-urlencoded")
        for pk in callbacks.claim(10):
            callbacks.process(callback_id=pk)
        return answer.status_code

    def reread(self, bid: Bid) -> Bid:
        return Bid.objects.select_related("reference__account").get(pk=bid.pk)

    def test_leads_to_a_question_about_our_own_number(self, account: Any, exchanger: Any) -> None:
        bid = self.reread(exchangers.made(account))
        exchanger.word(bid.provider_id, "payed")
        assert self.send(bid, f"bid_id={bid.provider_id}&status=success") == 200
        assert self.reread(bid).status == "paid"
        assert not ExceptionItem.objects.exists()

    def test_the_token_of_one_with_the_number_of_another_asks_about_ours_and_alarms(
        self, account: Any, exchanger: Any
    ) -> None:
        bid, other = (self.reread(exchangers.made(account)) for _twice in range(2))
        for one in (bid, other):
            exchanger.word(one.provider_id, "payed")
        exchanger.asked.clear()
        assert self.send(bid, f"bid_id={other.provider_id}") == 200
        assert {sent.get("id") for name, sent in exchanger.asked if name == "bid_info"} == {bid.provider_id}
        assert (self.reread(bid).status, self.reread(other).status) == ("paid", "new")
        assert ExceptionItem.objects.get().kind == "mismatch"

    def test_guessed_tokens_find_nothing_and_store_nothing(self, account: Any) -> None:
        bid = self.reread(exchangers.made(account))
        for _guess in range(20):
            assert self.send(bid, "bid_id=501", token=uuid.uuid4().hex) == 404
        assert not Callback.objects.exists()

    @pytest.mark.parametrize("body", ["", "bid_id=", "bid_id=1&bid_id=2", "x" * 2000, "bid_id=%00"])
    def test_what_names_no_bid_moves_nothing(self, account: Any, exchanger: Any, body: str) -> None:
        bid = self.reread(exchangers.made(account))
        exchanger.word(bid.provider_id, "success")
        assert self.send(bid, body) == 200
        assert self.reread(bid).status == "new"
        assert Callback.objects.get().status == "forged"

    def test_before_the_answer_came_it_finds_the_bid(self, account: Any, exchanger: Any) -> None:
        exchanger.fail("create_bid", "drop_after")
        bid = exchangers.asked(account)
        bids.submit(bid_id=bid.pk)
        bid = self.reread(bid)
        assert self.send(bid, "bid_id=501") == 200
        assert self.reread(bid).status == "new"
        assert not ExceptionItem.objects.exists()


class TestPolling:
    def test_due_ones_are_asked_about_and_stuck_ones_sent(self, account: Any, exchanger: Any) -> None:
        bid = exchangers.asked(account)
        polling.run_stuck(limit=10)
        bid.refresh_from_db()
        assert bid.status == "new"
        exchanger.word(bid.provider_id, "success")
        polling.run_due(limit=10)
        bid.refresh_from_db()
        assert bid.status == "complete"


class TestImport:
    def begin(self, account: Any, people: Any, days: int = 3) -> BidImport:
        since = timezone.now() - dt.timedelta(days=days)
        return bid_imports.start(actor=people["operator"], account=account, since=since)

    def test_every_bid_once_however_often_it_is_read(self, account: Any, exchanger: Any, people: Any) -> None:
        mine = exchangers.made(account)
        for number in range(620):
            exchanger.elsewhere(status="success" if number % 3 else "new", api_id=f"shop-{number}")
        self.begin(account, people, days=70)
        for _round in range(2):
            bid_imports.run(account_id=account.pk)
            BidImport.objects.update(next_check_at=timezone.now())
        assert Bid.objects.count() == 621
        assert Bid.objects.filter(is_imported=True).count() == 620
        job = BidImport.objects.get()
        assert (job.added, job.bad, job.last_error) == (620, 0, "")
        assert Bid.objects.get(pk=mine.pk).status == "new"
        assert not Movement.objects.exists()
        assert Bid.objects.filter(is_imported=True).first().history.count() == 1

    def test_one_bad_line_is_set_aside_and_hides_no_other(
        self, account: Any, exchanger: Any, people: Any
    ) -> None:
        """E11."""
        for number in range(30):
            exchanger.elsewhere()
            if number == 7:
                exchanger.elsewhere(amount_give={"oops": 1})
            if number == 9:
                exchanger.elsewhere(amount_get="0.0000000000000000000001")
        self.begin(account, people)
        for _twice in range(2):
            bid_imports.run(account_id=account.pk)
        assert Bid.objects.count() == 30
        items = ExceptionItem.objects.filter(kind="bad_row")
        assert items.count() == 2
        assert all("hash" not in item.facts["line"] for item in items)

    def test_goes_on_where_it_was_cut_off(self, account: Any, exchanger: Any, people: Any) -> None:
        for _number in range(10):
            exchanger.elsewhere()
        self.begin(account, people, days=100)
        bid_imports.run(account_id=account.pk, seconds=-1)
        first = BidImport.objects.get()
        assert first.cursor < timezone.now() - dt.timedelta(days=60)
        exchanger.fail("get_exchanges", *["drop"] * 4)
        with pytest.raises(ProviderError):
            bid_imports.run(account_id=account.pk)
        assert BidImport.objects.get().cursor == first.cursor
        assert BidImport.objects.get().last_error
        exchanger.faults.clear()
        assert bid_imports.due() == []
        BidImport.objects.update(next_check_at=timezone.now())
        assert bid_imports.due() == [account.pk]
        bid_imports.run(account_id=account.pk)
        assert BidImport.objects.get().cursor > first.cursor
        assert Bid.objects.count() == 10

    def test_shifting_pages_miss_none_and_double_none(
        self, account: Any, exchanger: Any, people: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _number in range(560):
            exchanger.elsewhere()
        real = exchanger._get_exchanges

        def shifting(sent: dict[str, str]) -> Any:
            answer = real(sent)
            for _new in range(7):  # made while the list is read: they push the others to the next page
                if len(exchanger.bids) < 590:
                    exchanger.elsewhere()
            return answer

        monkeypatch.setattr(exchanger, "_get_exchanges", shifting)
        self.begin(account, people)
        bid_imports.run(account_id=account.pk)
        assert Bid.objects.count() == len(exchanger.bids)

    def test_it_finds_ours_that_is_in_doubt(self, account: Any, exchanger: Any, people: Any) -> None:
        exchanger.fail("create_bid", "drop_after")
        bid = exchangers.asked(account)
        bids.submit(bid_id=bid.pk)
        self.begin(account, people)
        bid_imports.run(account_id=account.pk)
        bid.refresh_from_db()
        assert (bid.status, bid.is_imported) == ("new", False)
        assert Bid.objects.count() == 1

    def test_an_imported_one_is_followed_by_its_line(self, account: Any, exchanger: Any, people: Any) -> None:
        there = exchanger.elsewhere()
        exchanger.hidden.add(there["id"])
        odd = exchanger.elsewhere(status="verify_docs")
        self.begin(account, people)
        bid_imports.run(account_id=account.pk)
        bid = Bid.objects.get(provider_id=there["id"])
        exchanger.word(there["id"], "success")
        bids.refresh(bid_id=bid.pk)
        bid.refresh_from_db()
        assert bid.status == "complete"
        assert Movement.objects.filter(reference=bid.reference).count() == 2
        assert Bid.objects.get(provider_id=odd["id"]).status == "unknown"
        assert ExceptionItem.objects.get().kind == "unknown_word"

    def test_who_may_and_from_when(self, account: Any, people: Any) -> None:
        for role in ("viewer", "approver", "finance", "admin"):
            with pytest.raises(PermissionDenied):
                bid_imports.start(actor=people[role], account=account, since=timezone.now())
        for since in (timezone.now() + dt.timedelta(days=1), dt.datetime(1999, 1, 1, tzinfo=dt.UTC)):
            with pytest.raises(ValidationError):
                bid_imports.start(actor=people["operator"], account=account, since=since)
        self.begin(account, people)
        bid_imports.stop(actor=people["operator"], account=account)
        assert bid_imports.run(account_id=account.pk) == 0

    @pytest.mark.long
    def test_five_thousand(self, account: Any, exchanger: Any, people: Any) -> None:
        for _number in range(5000):
            exchanger.elsewhere(status="success")
        self.begin(account, people)
        begun = time.monotonic()
        bid_imports.run(account_id=account.pk, seconds=600)
        assert Bid.objects.count() == 5000
        assert time.monotonic() - begun < 600
