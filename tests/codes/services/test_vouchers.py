"""A voucher's way: requested, approved by another person, reserved, made once, booked, handed over."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from backoffice.kit.states import IllegalMove
from backoffice.models import AuditEntry
from codes.models import Voucher
from codes.services import creation, voucher_states, vouchers
from payments.models import Approval, ExceptionItem, Movement, ProviderAccount, ProviderCall, Reservation
from payments.services import freeze, polling
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def made(box: Any) -> list[Any]:
    return box.control("bitloga/transactions?kind=code_create")["transactions"]


def fields(**changed: Any) -> dict[str, Any]:
    return {"currency": "USDT", "amount": "10", "pass": "open sesame", "desc": "for Ada"} | changed


def ask(account: Any, actor: Any, count: int = 1, token: Any = None, **changed: Any) -> list[Voucher]:
    return vouchers.request(
        actor=actor, account=account, fields=fields(**changed), count=count, form_token=token
    )


class TestRequest:
    def test_it_waits_for_another_person_and_nothing_is_sent(
        self, issuing: Any, people: Any, box: Any
    ) -> None:
        (asked,) = ask(issuing, people["operator"], _customer_reference="Ada", _note="bonus")
        assert (asked.status, asked.direction) == ("awaiting_approval", "issued")
        assert (asked.amount, asked.currency, asked.payee, asked.purpose) == (
            Decimal(10),
            "USDT",
            "Ada",
            "bonus",
        )
        assert asked.has_password
        assert not asked.password_made
        vouchers.submit(voucher_id=asked.pk)
        assert made(box) == []
        assert not Reservation.objects.exists()

    def test_the_same_form_is_one_intent(self, issuing: Any, people: Any) -> None:
        token = uuid.uuid4()
        first = ask(issuing, people["operator"], 3, token)
        again = ask(issuing, people["operator"], 3, token)
        assert [one.pk for one in first] == [one.pk for one in again]
        assert Voucher.objects.count() == 3

    def test_each_of_a_request_has_its_own_reference_and_password(self, issuing: Any, people: Any) -> None:
        asked = ask(issuing, people["operator"], 3, **{"pass": "", "_make_password": True})
        assert len({one.reference.value for one in asked}) == 3
        assert len({one.password for one in asked}) == 3
        assert len({one.bulk for one in asked}) == 1
        assert all(one.password_made and len(one.password) == 14 for one in asked)

    @pytest.mark.parametrize(
        ("changed", "count", "name"),
        [
            ({"amount": ""}, 1, "amount"),
            ({"amount": "0"}, 1, "amount"),
            ({"amount": "1e3"}, 1, "amount"),
            ({"amount": "1.0000001"}, 1, "amount"),
            ({"currency": "XXX"}, 1, "currency"),
            ({"nonsense": "1"}, 1, "nonsense"),
            ({"desc": "x" * 982}, 1, "desc"),
            ({"pass": "x" * 201}, 1, "pass"),
            ({"_make_password": True}, 1, "pass"),
            ({}, 0, "count"),
            ({}, 101, "count"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(
        self, issuing: Any, people: Any, changed: Any, count: int, name: str
    ) -> None:
        with pytest.raises(ValidationError) as caught:
            ask(issuing, people["operator"], count, **changed)
        assert list(caught.value.message_dict) == [name]
        assert "sesame" not in str(caught.value)
        assert not Voucher.objects.exists()

    def test_not_from_an_account_that_may_not_pay_out(self, account: Any, people: Any) -> None:
        with pytest.raises(ValidationError, match="switched off"):
            ask(account, people["operator"])

    @pytest.mark.parametrize("role", ["viewer", "approver", "finance", "admin"])
    def test_only_operators(self, issuing: Any, people: Any, role: str) -> None:
        with pytest.raises(PermissionDenied):
            ask(issuing, people[role])


class TestApproval:
    def test_one_yes_approves_and_reserves_all_of_the_request(self, issuing: Any, people: Any) -> None:
        asked = ask(issuing, people["operator"], 3)
        vouchers.approve(actor=people["approver"], voucher=asked[1])
        rows = Voucher.objects.all()
        assert {one.status for one in rows} == {"approved"}
        assert [one.amount for one in Reservation.objects.all()] == [Decimal(10)] * 3
        assert Approval.objects.filter(approver=people["approver"]).count() == 3

    def test_nobody_approves_what_they_requested(self, issuing: Any, people: Any) -> None:
        from backoffice.services import roles

        roles.give(actor=None, user=people["operator"], role="approver")
        (asked,) = ask(issuing, people["operator"])
        with pytest.raises(ValidationError, match="requested this yourself"):
            vouchers.approve(actor=people["operator"], voucher=asked)

    def test_all_or_nothing_when_the_balance_is_too_small(self, issuing: Any, people: Any) -> None:
        asked = ask(issuing, people["operator"], 3, amount="400000")
        with pytest.raises(ValidationError, match="available"):
            vouchers.approve(actor=people["approver"], voucher=asked[0])
        assert not Reservation.objects.exists()
        assert {one.status for one in Voucher.objects.all()} == {"awaiting_approval"}

    def test_what_was_seen_is_what_is_approved(self, issuing: Any, people: Any) -> None:
        asked = ask(issuing, people["operator"], 2)
        seen = vouchers.bound(vouchers.together(asked[0]))
        changed = Voucher.objects.get(pk=asked[1].pk)
        changed.password = "another"
        changed.save()
        with pytest.raises(ValidationError, match="changed"):
            vouchers.approve(actor=people["approver"], voucher=asked[0], seen=seen)

    def test_rejecting_and_canceling_end_the_whole_request(self, issuing: Any, people: Any) -> None:
        asked = ask(issuing, people["operator"], 2)
        vouchers.reject(actor=people["approver"], voucher=asked[0], reason="no")
        others = ask(issuing, people["operator"], 2)
        vouchers.approve(actor=people["approver"], voucher=others[0])
        vouchers.cancel(actor=people["operator"], voucher=others[1])
        states = [one.status for one in Voucher.objects.order_by("pk")]
        assert states == ["rejected", "rejected", "canceled", "canceled"]
        assert not Reservation.objects.filter(ended_at=None).exists()
        assert {one.password for one in Voucher.objects.all()} == {""}

    def test_after_the_end_nothing_is_approved(self, issuing: Any, people: Any) -> None:
        (asked,) = ask(issuing, people["operator"])
        vouchers.cancel(actor=people["operator"], voucher=asked)
        with pytest.raises(IllegalMove):
            vouchers.approve(actor=people["approver"], voucher=asked)

    def test_another_operator_cannot_cancel(self, issuing: Any, people: Any) -> None:
        (asked,) = ask(issuing, people["operator"])
        with pytest.raises(PermissionDenied):
            vouchers.cancel(actor=factories.person("operator"), voucher=asked)

    def test_an_old_approval_and_an_old_request_lapse(self, issuing: Any, people: Any) -> None:
        approved, forgotten = ask(issuing, people["operator"])[0], ask(issuing, people["operator"])[0]
        vouchers.approve(actor=people["approver"], voucher=approved)
        past = timezone.now() - dt.timedelta(hours=25)
        Approval.objects.update(expires_at=past)
        Voucher.objects.filter(pk=forgotten.pk).update(created_at=timezone.now() - dt.timedelta(days=8))
        assert vouchers.expire() == 2
        approved.refresh_from_db()
        forgotten.refresh_from_db()
        assert (approved.status, forgotten.status) == ("awaiting_approval", "canceled")
        assert not Reservation.objects.filter(ended_at=None).exists()


class TestWaiting:
    def test_a_request_counts_once_also_when_only_some_of_it_wait_again(
        self, issuing: Any, people: Any
    ) -> None:
        three = ask(issuing, people["operator"], 3)
        alone = ask(issuing, people["operator"])
        assert set(vouchers.requests_to_approve()) == {three[0], alone[0]}
        vouchers.approve(actor=people["approver"], voucher=three[0])
        assert set(vouchers.requests_to_approve()) == set(alone)
        for one in three[1:]:  # the first was made; what let the others through does not hold any more
            with transaction.atomic():
                creation.back_to_approval(voucher_states.lock(one.pk), "changed")
        assert set(vouchers.requests_to_approve()) == {three[1], alone[0]}


class TestFreeAmount:
    @pytest.fixture
    def free(self, issuing: Any) -> ProviderAccount:
        ProviderAccount.objects.filter(pk=issuing.pk).update(
            voucher_free_amount=Decimal(30), voucher_free_currency="USDT"
        )
        issuing.refresh_from_db()
        return issuing

    def test_up_to_it_no_second_person_is_needed(self, free: Any, people: Any, box: Any) -> None:
        asked = ask(free, people["operator"], 3)
        assert {one.status for one in asked} == {"approved"}
        for one in asked:
            vouchers.submit(voucher_id=one.pk)
        assert {one.status for one in Voucher.objects.all()} == {"active"}
        assert len(made(box)) == 3

    @pytest.mark.parametrize(("count", "amount", "currency"), [(4, "10", "USDT"), (1, "30.01", "USDT")])
    def test_the_whole_request_counts(
        self, free: Any, people: Any, count: int, amount: str, currency: str
    ) -> None:
        asked = ask(free, people["operator"], count, amount=amount, currency=currency)
        assert {one.status for one in asked} == {"awaiting_approval"}

    def test_another_currency_is_not_free(self, free: Any, people: Any) -> None:
        (asked,) = ask(free, people["operator"], amount="0.01", currency="BTC")
        assert asked.status == "awaiting_approval"

    def test_more_than_is_available_is_refused_at_once(self, free: Any, people: Any) -> None:
        ProviderAccount.objects.update(voucher_free_amount=Decimal(10) ** 9)
        free.refresh_from_db()
        with pytest.raises(ValidationError, match="available"):
            ask(free, people["operator"], amount="999999")
        assert not Voucher.objects.exists()

    def test_when_the_admin_lowers_it_before_it_is_sent_a_person_must_approve(
        self, free: Any, people: Any, box: Any
    ) -> None:
        (asked,) = ask(free, people["operator"])
        ProviderAccount.objects.update(voucher_free_amount=0)
        vouchers.submit(voucher_id=asked.pk)
        asked.refresh_from_db()
        assert asked.status == "awaiting_approval"
        assert made(box) == []
        assert not Reservation.objects.filter(ended_at=None).exists()

    def test_what_changed_after_it_was_let_through_is_not_sent(
        self, free: Any, people: Any, box: Any
    ) -> None:
        (asked,) = ask(free, people["operator"])
        Voucher.objects.filter(pk=asked.pk).update(amount=Decimal(20))
        Reservation.objects.update(amount=Decimal(20))
        vouchers.submit(voucher_id=asked.pk)
        asked.refresh_from_db()
        assert asked.status == "awaiting_approval"
        assert made(box) == []


class TestMaking:
    @pytest.fixture
    def approved(self, issuing: Any, people: Any) -> Voucher:
        (asked,) = ask(issuing, people["operator"])
        return vouchers.approve(actor=people["approver"], voucher=asked)

    def test_it_is_made_once_with_our_reference_booked_and_owed(self, approved: Any, box: Any) -> None:
        vouchers.submit(voucher_id=approved.pk)
        vouchers.submit(voucher_id=approved.pk)
        approved.refresh_from_db()
        (one,) = made(box)
        (code,) = box.control("bitloga/codes")["codes"]
        assert approved.status == "active"
        assert approved.code == code["code"]
        assert code["desc"] == f"{approved.reference.value} for Ada"
        assert one["data"]["code"] == approved.code
        (movement,) = Movement.objects.all()
        assert (movement.kind, movement.amount, movement.currency) == ("voucher", Decimal(-10), "USDT")
        assert not Reservation.objects.filter(ended_at=None).exists()

    def test_a_refusal_ends_it_and_frees_the_money(self, approved: Any, box: Any) -> None:
        box.control(
            "faults",
            {"provider": "bitloga", "action": "create", "mode": "message", "text": "Insufficient balance"},
        )
        vouchers.submit(voucher_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "failed"
        assert "too small" in approved.last_error
        assert not Reservation.objects.filter(ended_at=None).exists()

    def test_what_never_left_is_sent_later_under_the_same_approval(self, approved: Any, box: Any) -> None:
        box.pause()
        try:
            vouchers.submit(voucher_id=approved.pk)
        finally:
            box.resume()
        approved.refresh_from_db()
        assert approved.status == "approved"
        assert Reservation.objects.filter(ended_at=None).count() == 1
        vouchers.submit(voucher_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "active"
        assert len(made(box)) == 1

    @pytest.mark.parametrize("mode", ["drop_after", "half_body", "garbage_html", "status_500", "empty"])
    def test_a_lost_answer_is_found_by_our_reference_and_nothing_is_sent_again(
        self, approved: Any, box: Any, mode: str
    ) -> None:
        box.control("faults", {"provider": "bitloga", "action": "create", "mode": mode})
        vouchers.submit(voucher_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "unknown"
        assert Reservation.objects.filter(ended_at=None).count() == 1
        vouchers.submit(voucher_id=approved.pk)
        polling.run_due(limit=10)
        approved.refresh_from_db()
        assert approved.status == "active"
        assert approved.code == box.control("bitloga/codes")["codes"][0]["code"]
        assert len(made(box)) == 1
        assert Movement.objects.count() == 1

    def test_one_that_did_not_arrive_stays_unknown_and_is_never_sent_again(
        self, approved: Any, box: Any
    ) -> None:
        box.control("faults", {"provider": "bitloga", "action": "create", "mode": "drop_before"})
        vouchers.submit(voucher_id=approved.pk)
        for _turn in range(3):
            vouchers.refresh(voucher_id=approved.pk)
            vouchers.submit(voucher_id=approved.pk)
            polling.run_stuck(limit=10)
        approved.refresh_from_db()
        assert approved.status == "unknown"
        assert approved.not_found_at is not None
        assert made(box) == []
        assert ProviderCall.objects.filter(operation="code.create").count() == 1

    def test_one_that_its_worker_left_behind_is_looked_for(self, approved: Any, box: Any) -> None:
        box.control("faults", {"provider": "bitloga", "action": "create", "mode": "drop_after"})
        vouchers.submit(voucher_id=approved.pk)
        Voucher.objects.filter(pk=approved.pk).update(status="creating", claimed_until=None)

        from backoffice import audit

        with transaction.atomic():
            audit.record(None, "voucher.creating", approved)
        vouchers.submit(voucher_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "unknown"
        vouchers.refresh(voucher_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "active"
        assert len(made(box)) == 1

    def test_another_amount_in_the_list_is_held_until_a_person_lets_it_go(
        self, approved: Any, people: Any, box: Any
    ) -> None:
        from payments.services import exceptions

        box.control("faults", {"provider": "bitloga", "action": "create", "mode": "drop_after"})
        vouchers.submit(voucher_id=approved.pk)
        row = {
            "code": "aaaa-bbbb-cccc-dddd",
            "amount": 9.5,
            "currency": "USDT",
            "desc": f"{approved.reference.value} for Ada",
            "status": "Active",
            "createtime": "2026-11-21 10:00",
        }
        box.control(
            "faults",
            {"provider": "bitloga", "action": "get", "mode": "fields", "fields": {"data": [row]}, "count": 2},
        )
        vouchers.refresh(voucher_id=approved.pk)
        approved.refresh_from_db()
        approved.reference.refresh_from_db()
        assert approved.status == "unknown"
        assert "9.5" in approved.reference.hold_reason
        exceptions.release_hold(actor=people["approver"], reference=approved.reference, note="agreed")
        vouchers.refresh(voucher_id=approved.pk)
        approved.refresh_from_db()
        assert (approved.status, approved.worth) == ("active", Decimal("9.5"))
        assert Movement.objects.get().amount == Decimal("-9.5")

    def test_frozen_it_waits(self, approved: Any, people: Any, box: Any) -> None:
        freeze.set(actor=people["admin"], reason="stop")
        vouchers.submit(voucher_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "approved"
        assert "frozen" in approved.last_error
        assert made(box) == []

    def test_the_guard_right_before_the_bytes_sees_a_freeze(
        self, approved: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(freeze, "stops", lambda account_id: False)
        monkeypatch.setattr(freeze, "check", _frozen)
        vouchers.submit(voucher_id=approved.pk)
        approved.refresh_from_db()
        assert approved.status == "approved"
        assert made(box) == []


def _frozen(account_id: int) -> None:
    from payments.providers.errors import Unavailable

    raise Unavailable("frozen")


class TestReveal:
    def test_each_part_is_shown_to_an_operator_and_written_down(self, issuing: Any, people: Any) -> None:
        voucher = factories.active_voucher(issuing, people, **{"pass": "open sesame"})
        assert vouchers.reveal(actor=people["operator"], voucher=voucher, part="code") == voucher.code
        assert vouchers.reveal(actor=people["operator"], voucher=voucher, part="password") == "open sesame"
        lines = AuditEntry.objects.filter(verb="voucher.revealed").order_by("id")
        assert [line.facts for line in lines] == [{"part": "code"}, {"part": "password"}]

    @pytest.mark.parametrize("role", ["viewer", "approver", "finance", "admin"])
    def test_to_nobody_else(self, issuing: Any, people: Any, role: str) -> None:
        voucher = factories.active_voucher(issuing, people)
        with pytest.raises(PermissionDenied):
            vouchers.reveal(actor=people[role], voucher=voucher, part="code")
        assert not AuditEntry.objects.filter(verb="voucher.revealed").exists()

    def test_there_must_be_something_to_show(self, issuing: Any, people: Any) -> None:
        (asked,) = factories.vouchers(issuing, actor=people["operator"])
        for part in ("code", "password", "both"):
            with pytest.raises(ValidationError):
                vouchers.reveal(actor=people["operator"], voucher=asked, part=part)


class TestSplitHandover:
    @pytest.fixture
    def split(self, issuing: Any) -> ProviderAccount:
        ProviderAccount.objects.filter(pk=issuing.pk).update(split_handover=True)
        issuing.refresh_from_db()
        return issuing

    def test_nobody_gets_both_parts(self, split: Any, people: Any) -> None:
        voucher = factories.active_voucher(split, people, _make_password=True)
        first, second = people["operator"], factories.person("operator")
        vouchers.reveal(actor=first, voucher=voucher, part="code")
        vouchers.reveal(actor=first, voucher=voucher, part="code")
        vouchers.reveal(actor=second, voucher=voucher, part="password")
        with pytest.raises(ValidationError, match="apart"):
            vouchers.reveal(actor=first, voucher=voucher, part="password")
        with pytest.raises(ValidationError, match="apart"):
            vouchers.reveal(actor=second, voucher=voucher, part="code")

    def test_who_typed_the_password_does_not_get_the_code(self, split: Any, people: Any) -> None:
        voucher = factories.active_voucher(split, people, **{"pass": "open sesame"})
        with pytest.raises(ValidationError, match="apart"):
            vouchers.reveal(actor=people["operator"], voucher=voucher, part="code")
        assert vouchers.reveal(actor=factories.person("operator"), voucher=voucher, part="code")

    def test_one_password_for_a_whole_request_is_known_of_all_of_it(self, split: Any, people: Any) -> None:
        first, second = ask(split, people["operator"], 2)
        vouchers.approve(actor=people["approver"], voucher=first)
        for one in (first, second):
            vouchers.submit(voucher_id=one.pk)
        other, third = factories.person("operator"), factories.person("operator")
        vouchers.reveal(actor=other, voucher=first, part="password")
        vouchers.reveal(actor=third, voucher=first, part="code")
        with pytest.raises(ValidationError, match="apart"):
            vouchers.reveal(actor=other, voucher=second, part="code")
        with pytest.raises(ValidationError, match="apart"):
            vouchers.reveal(actor=third, voucher=second, part="password")

    def test_made_passwords_are_each_their_own(self, split: Any, people: Any) -> None:
        first, second = ask(split, people["operator"], 2, **{"pass": "", "_make_password": True})
        vouchers.approve(actor=people["approver"], voucher=first)
        for one in (first, second):
            vouchers.submit(voucher_id=one.pk)
        vouchers.reveal(actor=people["operator"], voucher=first, part="password")
        assert vouchers.reveal(actor=people["operator"], voucher=second, part="code")

    def test_without_a_password_there_is_nothing_apart(self, split: Any, people: Any) -> None:
        voucher = factories.active_voucher(split, people)
        assert vouchers.reveal(actor=people["operator"], voucher=voucher, part="code") == voucher.code


class TestKinds:
    def test_the_clock_and_the_sweep_reach_vouchers(self, issuing: Any, people: Any, box: Any) -> None:
        (asked,) = ask(issuing, people["operator"])
        vouchers.approve(actor=people["approver"], voucher=asked)
        assert polling.run_stuck(limit=10) == 1
        asked.refresh_from_db()
        assert asked.status == "active"
        assert not ExceptionItem.objects.exists()
