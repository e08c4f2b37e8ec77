"""A batch payout's way: switched on, requested, approved by another person, created once, found again, asked about."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connections
from django.utils import timezone

from backoffice.kit.states import IllegalMove
from backoffice.models import AuditEntry
from backoffice.services import roles
from payments.models import BatchPayout, BatchRow, ExceptionItem, Movement, ProviderAccount, ProviderCall
from payments.providers import PROVIDERS
from payments.providers.coinjoin.client import Coinjoin
from payments.providers.errors import ProviderError
from payments.services import accounts, batch_decisions, batch_payouts, freeze, polling
from tests import factories
from tests.payments import batches

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def joining(box: Any, transactional_db: None) -> ProviderAccount:
    return batches.account(box)


def kinds() -> list[str]:
    return sorted(ExceptionItem.objects.values_list("kind", flat=True))


class TestSwitch:
    def test_it_is_off_until_an_admin_says_why(self, box: Any, people: Any) -> None:
        account = batches.account(box, on=False)
        assert not account.batches_on
        with pytest.raises(ValidationError, match="switched off"):
            batches.ask(account, people["operator"])
        with pytest.raises(ValidationError) as caught:
            accounts.change(actor=people["admin"], account=account, batches_on=True, batches_note="  ")
        assert "batches_note" in caught.value.error_dict
        assert not ProviderAccount.objects.get(pk=account.pk).batches_on
        accounts.change(actor=people["admin"], account=account, batches_on=True, batches_note="Agreed")
        line = AuditEntry.objects.get(verb="account.batches_on")
        assert (line.facts["note"], line.actor) == ("Agreed", people["admin"])
        account.refresh_from_db()
        batches.ask(account, people["operator"])

    def test_switching_off_needs_no_note_and_stops_what_is_approved(
        self, joining: Any, people: Any, box: Any
    ) -> None:
        waiting = batches.approved(joining, people)
        batches.switched(joining, False)
        batch_payouts.submit(batch_payout_id=waiting.pk)
        waiting.refresh_from_db()
        assert (waiting.status, batches.orders(box, joining)) == ("approved", [])
        assert "switched off" in waiting.last_error

    def test_only_an_admin_switches(self, box: Any, people: Any) -> None:
        account = batches.account(box, on=False)
        for role in ("viewer", "operator", "approver", "finance"):
            with pytest.raises(PermissionDenied):
                accounts.change(actor=people[role], account=account, batches_on=True, batches_note="Why not")
                pytest.fail(f"{role} switched it on")

    def test_a_provider_without_batches_cannot_be_switched_on(self, account: Any, people: Any) -> None:
        with pytest.raises(ValidationError):
            accounts.change(actor=people["admin"], account=account, batches_on=True, batches_note="Why not")

    def test_a_new_account_cannot_begin_with_it(self, box: Any) -> None:
        with pytest.raises(ValidationError):
            batches.account(box, on=False, batches_on=True)


class TestWay:
    def test_it_is_created_once_and_waits_for_its_deposit(self, joining: Any, people: Any, box: Any) -> None:
        made = batches.created(joining, people)
        (order,) = batches.orders(box, joining)
        assert (made.status, made.provider_id, made.signed) == ("awaiting_deposit", order["id"], "signed")
        assert made.signature_form in ("raw", "php")
        assert (made.deposit_address, made.deposit_amount) == (
            order["deposit_address"],
            Decimal(order["deposit_amount"]),
        )
        assert made.deposit_amount == made.total + made.fee
        assert made.total == Decimal("0.003")
        assert made.differs == []
        assert made.pay_until < made.expires_at
        assert order["accepts"] == 1
        assert not Movement.objects.exists()

    def test_its_movements_are_off_balance_marked_and_come_to_nothing(
        self, joining: Any, people: Any, box: Any
    ) -> None:
        made = batches.created(joining, people)
        for verb, status in (("deposit", "confirming"), ("confirm", "processing"), ("complete", "complete")):
            batches.move(box, made, verb)
            assert batches.look(made).status == status
            batches.look(made)
        lines = list(Movement.objects.values_list("kind", "amount", "on_balance", "tag"))
        tag = PROVIDERS["coinjoin"].report_tag
        assert tag
        assert sorted(lines) == sorted(
            [
                ("batch_deposit", made.deposit_amount, False, tag),
                ("batch_payout", -made.total, False, tag),
                ("fee", -made.fee, False, tag),
            ]
        )
        assert made.txid
        assert made.deposit_txid

    def test_before_it_is_approved_nothing_is_created(self, joining: Any, people: Any, box: Any) -> None:
        asked = batches.ask(joining, people["operator"])
        batch_payouts.submit(batch_payout_id=asked.pk)
        assert batches.orders(box, joining) == []

    def test_a_frozen_account_creates_nothing(self, joining: Any, people: Any, box: Any) -> None:
        waiting = batches.approved(joining, people)
        freeze.set(actor=people["approver"], account=joining, reason="Stop")
        batch_payouts.submit(batch_payout_id=waiting.pk)
        assert batches.orders(box, joining) == []

    def test_the_sweep_finds_it_without_a_message(self, joining: Any, people: Any, box: Any) -> None:
        waiting = batches.approved(joining, people)
        assert polling.run_stuck(limit=10) == 1
        waiting.refresh_from_db()
        assert waiting.status == "awaiting_deposit"

    def test_it_is_polled_by_age(self, joining: Any, people: Any, box: Any) -> None:
        made = batches.created(joining, people)
        batches.move(box, made, "deposit")
        assert polling.run_due(limit=10) == 1
        made.refresh_from_db()
        assert made.status == "confirming"

    def test_many_workers_create_one(self, joining: Any, people: Any, box: Any) -> None:
        waiting = batches.approved(joining, people)

        def one(_number: int) -> None:
            try:
                batch_payouts.submit(batch_payout_id=waiting.pk)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(8)))
        assert len(batches.orders(box, joining)) == 1

    def test_the_same_form_is_one_request(self, joining: Any, people: Any) -> None:
        token = uuid.uuid4()
        fields = {"delay": "0", "payouts": batches.ROWS}
        made = {
            batch_payouts.request(
                actor=people["operator"], account=joining, fields=fields, form_token=token
            ).pk
            for _again in range(3)
        }
        assert len(made) == 1
        assert BatchRow.objects.count() == 2

    def test_the_same_again_within_ten_minutes_needs_a_tick(self, joining: Any, people: Any) -> None:
        batches.ask(joining, people["operator"])
        with pytest.raises(ValidationError) as caught:
            batches.ask(joining, people["operator"], _confirm_similar=False)
        assert "_confirm_similar" in caught.value.error_dict


class TestPeople:
    def test_nobody_approves_their_own(self, joining: Any) -> None:
        both = factories.person("operator")
        asked = batches.ask(joining, both)
        roles.give(actor=None, user=both, role="approver")
        with pytest.raises(ValidationError, match="yourself"):
            batch_payouts.approve(actor=both, batch_payout=asked)

    def test_what_was_seen_is_what_is_approved(self, joining: Any, people: Any) -> None:
        asked = batches.ask(joining, people["operator"])
        seen = batch_payouts.bound(asked)
        BatchRow.objects.filter(batch=asked, position=1).update(amount=Decimal("0.0015"))
        with pytest.raises(ValidationError, match="changed"):
            batch_payouts.approve(actor=people["approver"], batch_payout=asked, seen=seen)

    def test_a_change_after_the_approval_voids_it(self, joining: Any, people: Any, box: Any) -> None:
        for change in ("row", "delay", "network"):
            waiting = batches.approved(joining, people)
            if change == "row":
                BatchRow.objects.filter(batch=waiting, position=1).update(amount=Decimal("0.0015"))
            elif change == "delay":
                BatchPayout.objects.filter(pk=waiting.pk).update(delay=3)
            else:
                BatchPayout.objects.filter(pk=waiting.pk).update(network="testnet")
            batch_payouts.submit(batch_payout_id=waiting.pk)
            waiting.refresh_from_db()
            assert (waiting.status, batches.orders(box, joining)) == ("awaiting_approval", []), change

    def test_reject_needs_a_reason_and_cancel_is_the_requesters(self, joining: Any, people: Any) -> None:
        asked = batches.ask(joining, people["operator"])
        with pytest.raises(ValidationError):
            batch_payouts.reject(actor=people["approver"], batch_payout=asked, reason=" ")
        with pytest.raises(PermissionDenied):
            batch_payouts.cancel(actor=factories.person("operator"), batch_payout=asked)
        batch_payouts.cancel(actor=people["operator"], batch_payout=asked)
        with pytest.raises(IllegalMove):
            batch_payouts.reject(actor=people["approver"], batch_payout=asked, reason="No")

    def test_old_approvals_and_requests_end(self, joining: Any, people: Any, time_machine: Any) -> None:
        waiting, asked = batches.approved(joining, people), batches.ask(joining, people["operator"])
        time_machine.move_to(timezone.now() + dt.timedelta(hours=25))
        assert batch_payouts.expire() == 1
        time_machine.move_to(timezone.now() + dt.timedelta(days=7))
        batch_payouts.expire()
        waiting.refresh_from_db()
        asked.refresh_from_db()
        assert asked.status == "canceled"
        assert waiting.status == "canceled"


class TestCompared:
    @pytest.mark.parametrize(
        ("said", "differs"),
        [
            ({"fee_slip": "0.00000001"}, ["depositAmount"]),
            ({"signature": "wrong"}, ["signature"]),
        ],
    )
    def test_a_difference_holds_it(
        self, joining: Any, people: Any, box: Any, said: Any, differs: Any
    ) -> None:
        batches.say(box, **said)
        made = batches.created(joining, people)
        made.reference.refresh_from_db()
        assert (made.status, made.differs) == ("unknown", differs)
        assert made.reference.held_at is not None
        assert kinds() == ["hold"]

    def test_a_fee_above_the_most_holds_it(self, joining: Any, people: Any, box: Any) -> None:
        """E16."""
        batches.say(box, fee_fixed="0.0005", fee_rate=0)
        made = batches.created(joining, people, _max_fee="0.0004")
        assert (made.status, made.differs) == ("unknown", ["fee"])

    def test_a_missing_signature_is_a_label(self, joining: Any, people: Any, box: Any) -> None:
        batches.say(box, signature="missing")
        made = batches.created(joining, people)
        assert (made.status, made.signed) == ("awaiting_deposit", "unsigned")

    def test_a_wrong_signature_is_not_made_good_by_none(self, joining: Any, people: Any, box: Any) -> None:
        batches.say(box, signature="wrong")
        made = batches.created(joining, people)
        batches.say(box, signature="missing")
        assert batches.look(made).differs == ["signature"]
        assert made.signed == "wrong"

    def test_an_answer_about_another_one_holds(
        self, joining: Any, people: Any, box: Any, monkeypatch: Any
    ) -> None:
        """E13: two answers changed places."""
        first, second = batches.created(joining, people), batches.created(joining, people, delay="3")
        real = Coinjoin.find
        swapped = {first.provider_id: second.provider_id}
        monkeypatch.setattr(Coinjoin, "find", lambda me, number: real(me, swapped.get(number, number)))
        batches.move(box, second, "deposit")
        batches.look(first)
        first.reference.refresh_from_db()
        assert first.status == "awaiting_deposit"
        assert first.reference.held_at is not None
        assert first.deposit_address != second.deposit_address

    def test_a_fee_that_changes_later_holds(
        self, joining: Any, people: Any, box: Any, monkeypatch: Any
    ) -> None:
        """E16."""
        made = batches.created(joining, people)
        real = Coinjoin.find

        def dearer(me: Any, number: str) -> Any:
            report = real(me, number)
            more = Decimal("0.0001")
            return dataclasses.replace(
                report, fee=report.fee + more, deposit_amount=report.deposit_amount + more
            )

        monkeypatch.setattr(Coinjoin, "find", dearer)
        before = made.deposit_amount
        batches.look(made)
        made.reference.refresh_from_db()
        assert made.reference.held_at is not None
        assert (made.deposit_amount, made.differs) == (before, ["depositAmount"])

    def test_an_unknown_word_changes_nothing_and_tells(self, joining: Any, people: Any, box: Any) -> None:
        made = batches.created(joining, people)
        batches.move(box, made, "fail")
        assert batches.look(made).status == "awaiting_deposit"
        assert kinds() == ["unknown_word"]

    def test_a_final_word_that_is_taken_back_is_told(self, joining: Any, people: Any, box: Any) -> None:
        made = batches.created(joining, people)
        batches.move(box, made, "expire")
        assert batches.look(made).status == "expired"
        BatchPayout.objects.filter(pk=made.pk).update(provider_status="x")
        batches.move(box, made, "complete")
        assert batches.look(made).status == "expired"
        assert "taken_back" in kinds()
        assert not Movement.objects.filter(kind="batch_payout").exists()


class TestDoubt:
    """C08, A04 to A09: the answer is lost; the order is found again by what it pays, or people decide."""

    def test_a_lost_answer_is_found_in_the_list(self, joining: Any, people: Any, box: Any) -> None:
        """Many of them, with every fate: tests/races/test_batch_deposits.py."""
        for hours, mode in enumerate(["drop_after", "garbage_html", "status_500", "half_body"]):
            batches.fault(box, mode)
            made = batches.created(joining, people, delay=str(hours))
            assert (made.status, made.provider_id) == ("unknown", ""), mode
            batch_payouts.submit(batch_payout_id=made.pk)
            assert batches.look(made).status == "awaiting_deposit", mode
            orders = {row["id"]: row["accepts"] for row in batches.orders(box, joining)}
            assert (len(orders), orders[made.provider_id]) == (hours + 1, 1), mode

    def test_nothing_found_proves_nothing(self, joining: Any, people: Any, box: Any) -> None:
        """A06: it stays unknown however often the list does not show it; only people end it, and not too soon."""
        batches.fault(box, "drop_before")
        made = batches.created(joining, people)
        for _again in range(3):
            assert batches.look(made).status == "unknown"
        first = factories.person("approver")
        with pytest.raises(ValidationError, match="minutes"):
            batch_decisions.resolve(actor=first, batch_payout=made, outcome="failed", note="None there")

    def test_people_close_it_after_the_settle_window(
        self, joining: Any, people: Any, box: Any, settings: Any
    ) -> None:
        settings.SETTLE_SECONDS = 0
        batches.fault(box, "drop_before")
        made = batches.created(joining, people)
        batches.look(made)
        with pytest.raises(ValidationError, match="approved this"):
            batch_decisions.resolve(
                actor=people["approver"], batch_payout=made, outcome="failed", note="None"
            )
        outsider = factories.person("approver")
        with pytest.raises(ValidationError):
            batch_decisions.resolve(actor=outsider, batch_payout=made, outcome="failed", note=" ")
        batch_decisions.resolve(actor=outsider, batch_payout=made, outcome="failed", note="None there")
        made.refresh_from_db()
        assert made.status == "failed"

    def test_two_that_fit_are_a_persons_choice(self, joining: Any, people: Any, box: Any) -> None:
        batches.fault(box, "drop_after", count=2)
        first, second = batches.created(joining, people), batches.created(joining, people)
        assert batches.look(first).status == "unknown"
        assert len(first.candidates) == 2
        assert kinds() == ["ambiguous"]
        outsider = factories.person("approver")
        with pytest.raises(ValidationError):
            batch_decisions.resolve(actor=outsider, batch_payout=first, outcome="OTHER", note="This")
        chosen = first.candidates[0]["id"]
        batch_decisions.resolve(actor=outsider, batch_payout=first, outcome=chosen, note="This one")
        assert batches.look(first).status == "awaiting_deposit"
        assert first.provider_id == chosen
        # Now only one is left for the other.
        assert batches.look(second).status == "awaiting_deposit"
        assert second.provider_id != chosen

    def test_an_equal_one_made_before_is_not_taken(self, joining: Any, people: Any, box: Any) -> None:
        earlier = batches.created(joining, people)
        batches.fault(box, "drop_before")
        made = batches.created(joining, people)
        assert batches.look(made).status == "unknown"
        assert made.candidates == []
        assert earlier.provider_id

    def test_a_look_that_fails_keeps_it_unknown(self, joining: Any, people: Any, box: Any) -> None:
        """A07."""
        batches.fault(box, "drop_after")
        made = batches.created(joining, people)
        for mode in ("status_500", "garbage_html", "drop_before"):
            batches.fault(box, mode, action="transactions", count=9)
            with pytest.raises(ProviderError):
                batches.look(made)
            box.control("faults/cancel", {})
            made.refresh_from_db()
            assert made.status == "unknown"
        assert made.next_check_at < timezone.now() + dt.timedelta(minutes=16)

    def test_a_refusal_fails_it(self, joining: Any, people: Any, box: Any) -> None:
        batches.fault(box, "message", text="Payouts are missing.")
        made = batches.created(joining, people)
        assert made.status == "failed"
        assert "Payouts are missing." in made.last_error
        assert batches.orders(box, joining) == []

    def test_nobody_listens_is_not_sent_and_tried_again(
        self, joining: Any, people: Any, box: Any, settings: Any
    ) -> None:
        """A08."""
        waiting = batches.approved(joining, people)
        address = ProviderAccount.objects.get(pk=joining.pk).base_url
        settings.PROVIDER_INTERNAL_HOSTS |= {"127.0.0.1:9"}
        ProviderAccount.objects.filter(pk=joining.pk).update(base_url="http://127.0.0.1:9/coinjoin/api/")
        # Approved was another address: it does not leave to this one.
        batch_payouts.submit(batch_payout_id=waiting.pk)
        waiting.refresh_from_db()
        assert waiting.status == "awaiting_approval"
        batch_payouts.approve(actor=people["approver"], batch_payout=waiting)
        batch_payouts.submit(batch_payout_id=waiting.pk)
        waiting.refresh_from_db()
        assert waiting.status == "approved"
        assert ProviderCall.objects.get(operation="createTransaction").outcome == "Unavailable"
        ProviderAccount.objects.filter(pk=joining.pk).update(base_url=address)
        batch_payouts.submit(batch_payout_id=waiting.pk)
        assert batches.orders(box, joining) == []


class TestExpiry:
    def test_expired_without_a_deposit_is_quiet(self, joining: Any, people: Any, box: Any) -> None:
        made = batches.created(joining, people)
        batches.move(box, made, "expire")
        assert batches.look(made).status == "expired"
        assert kinds() == []

    def test_expired_with_a_deposit_is_an_alarm_even_when_it_comes_later(
        self, joining: Any, people: Any, box: Any
    ) -> None:
        made = batches.created(joining, people)
        batches.move(box, made, "expire")
        assert batches.look(made).status == "expired"
        batches.move(box, made, "deposit")
        batches.look(made)
        assert kinds() == ["expired_paid"]
