"""Redeeming a code: sent once, booked once, never repeated by a machine, and no way to try passwords through us."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from codes.models import Voucher
from codes.services import redemptions, voucher_decisions, vouchers
from payments.models import Movement, ProviderAccount, ProviderCall
from payments.services import balances, polling
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
NOTE = "Asked them on the phone."


def outside(box: Any, amount: str = "7", password: str = "") -> str:
    """A code that somebody outside made."""
    return box.control("bitloga/codes", {"amount": amount, "currency": "USDT", "pass": password})["code"]


def applied(box: Any) -> list[Any]:
    return box.control("bitloga/transactions?kind=code_apply")["transactions"]


def asked_of_them(box: Any) -> int:
    return len(box.control("bitloga/requests?action=apply")["requests"])


@pytest.fixture
def stated(account: ProviderAccount) -> ProviderAccount:
    balances.refresh(account_id=account.pk)
    return account


class TestRedeeming:
    def test_it_is_credited_and_booked_once(self, stated: Any, people: Any, box: Any) -> None:
        voucher = vouchers.redeem(actor=people["operator"], account=stated, code=outside(box))
        assert (voucher.status, voucher.direction, voucher.amount) == ("redeeming", "received", None)
        vouchers.submit(voucher_id=voucher.pk)
        vouchers.submit(voucher_id=voucher.pk)
        voucher.refresh_from_db()
        assert (voucher.status, voucher.amount, voucher.currency) == ("redeemed", Decimal(7), "USDT")
        (movement,) = Movement.objects.all()
        assert (movement.kind, movement.amount) == ("redemption", Decimal(7))
        assert len(applied(box)) == 1

    def test_with_its_password_which_is_not_kept(self, stated: Any, people: Any, box: Any) -> None:
        code = outside(box, password="open sesame")
        voucher = vouchers.redeem(
            actor=people["operator"], account=stated, code=f" {code} ", password="open sesame"
        )
        vouchers.submit(voucher_id=voucher.pk)
        voucher.refresh_from_db()
        assert voucher.status == "redeemed"
        assert voucher.password == ""

    def test_the_same_form_is_one_intent(self, stated: Any, people: Any, box: Any) -> None:
        token, code = uuid.uuid4(), outside(box)
        first = vouchers.redeem(actor=people["operator"], account=stated, code=code, form_token=token)
        again = vouchers.redeem(actor=people["operator"], account=stated, code=code, form_token=token)
        assert first.pk == again.pk

    @pytest.mark.parametrize("role", ["viewer", "approver", "finance", "admin"])
    def test_only_operators(self, stated: Any, people: Any, role: str) -> None:
        with pytest.raises(PermissionDenied):
            vouchers.redeem(actor=people[role], account=stated, code="aaaa-bbbb-cccc-dddd")

    def test_the_system_redeems_nothing(self, stated: Any) -> None:
        with pytest.raises(PermissionDenied):
            vouchers.redeem(actor=None, account=stated, code="aaaa-bbbb-cccc-dddd")

    @pytest.mark.parametrize("code", ["", "   ", "aaaa bbbb", "áaaa-bbbb", "x" * 201])
    def test_what_is_no_code_is_said_without_repeating_it(self, stated: Any, people: Any, code: str) -> None:
        with pytest.raises(ValidationError) as caught:
            vouchers.redeem(actor=people["operator"], account=stated, code=code)
        assert list(caught.value.message_dict) == ["code"]
        assert not code.strip() or code not in str(caught.value)

    def test_a_code_that_does_not_exist_fails_and_may_be_typed_again(
        self, stated: Any, people: Any, box: Any
    ) -> None:
        for _turn in range(2):
            voucher = vouchers.redeem(actor=people["operator"], account=stated, code="aaaa-bbbb-cccc-dddd")
            vouchers.submit(voucher_id=voucher.pk)
            voucher.refresh_from_db()
            assert voucher.status == "failed"
            assert "no such code" in voucher.last_error

    def test_what_was_redeemed_here_is_not_sent_again(self, stated: Any, people: Any, box: Any) -> None:
        code = outside(box)
        voucher = vouchers.redeem(actor=people["operator"], account=stated, code=code)
        with pytest.raises(ValidationError, match="being redeemed"):
            vouchers.redeem(actor=people["operator"], account=stated, code=code)
        vouchers.submit(voucher_id=voucher.pk)
        other = factories.account(box)
        with pytest.raises(ValidationError, match="redeemed here already"):
            vouchers.redeem(actor=people["operator"], account=other, code=code)
        assert asked_of_them(box) == 1

    def test_our_own_code_leaves_and_comes_back(self, issuing: Any, people: Any, box: Any) -> None:
        issued = factories.active_voucher(issuing, people)
        received = vouchers.redeem(actor=people["operator"], account=issuing, code=issued.code)
        vouchers.submit(voucher_id=received.pk)
        vouchers.sync(account_id=issuing.pk)
        issued.refresh_from_db()
        received.refresh_from_db()
        assert (issued.status, received.status) == ("redeemed", "redeemed")
        assert sum(one.amount for one in Movement.objects.all()) == 0

    def test_what_never_left_is_tried_again_and_can_be_taken_back(
        self, stated: Any, people: Any, box: Any
    ) -> None:
        first, second = (
            vouchers.redeem(actor=people["operator"], account=stated, code=outside(box)) for _turn in range(2)
        )
        box.pause()
        try:
            for one in (first, second):
                vouchers.submit(voucher_id=one.pk)
        finally:
            box.resume()
        vouchers.cancel(actor=people["operator"], voucher=second)
        polling.run_stuck(limit=10)
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.status, second.status) == ("redeemed", "canceled")
        assert len(applied(box)) == 1

    def test_after_a_day_without_leaving_it_is_given_up(self, stated: Any, people: Any, box: Any) -> None:
        voucher = vouchers.redeem(actor=people["operator"], account=stated, code=outside(box))
        Voucher.objects.update(created_at=timezone.now() - dt.timedelta(hours=25))
        assert vouchers.expire() == 1
        voucher.refresh_from_db()
        assert voucher.status == "canceled"


def spellings(code: str) -> list[str]:
    return [code, code.upper(), code.replace("-", ""), code.replace("-", "").upper(), code.title()]


class TestWrongPasswords:
    def test_another_spelling_is_the_same_code(self, stated: Any, people: Any, box: Any) -> None:
        """Nobody knows whether the provider minds capitals and dashes: we do not."""
        code = outside(box, password="right")
        for number in range(5):
            row = vouchers.redeem(
                actor=people["operator"], account=stated, code=code, password=f"wrong{number}"
            )
            vouchers.submit(voucher_id=row.pk)
        for typed in spellings(code):
            with pytest.raises(ValidationError, match="Five wrong passwords"):
                vouchers.redeem(actor=people["operator"], account=stated, code=typed, password="again")

    def test_what_is_on_its_way_is_not_sent_in_another_spelling(
        self, stated: Any, people: Any, box: Any
    ) -> None:
        code = outside(box)
        vouchers.redeem(actor=people["operator"], account=stated, code=code)
        for typed in spellings(code):
            with pytest.raises(ValidationError, match="being redeemed"):
                vouchers.redeem(actor=factories.person("operator"), account=stated, code=typed)

    def test_five_in_ten_minutes_and_the_provider_is_not_asked_any_more(
        self, stated: Any, people: Any, box: Any
    ) -> None:
        code = outside(box, password="right")
        for number in range(5):
            voucher = vouchers.redeem(
                actor=people["operator"], account=stated, code=code, password=f"wrong{number}"
            )
            vouchers.submit(voucher_id=voucher.pk)
            voucher.refresh_from_db()
            assert (voucher.status, voucher.refusal) == ("failed", "wrong_password")
        other = factories.account(box)
        for where in (stated, other):
            with pytest.raises(ValidationError, match="Five wrong passwords") as caught:
                vouchers.redeem(
                    actor=factories.person("operator"), account=where, code=code, password="right"
                )
            assert list(caught.value.message_dict) == ["pass"]
        assert asked_of_them(box) == 5
        Voucher.objects.update(ended_at=timezone.now() - dt.timedelta(minutes=10, seconds=1))
        voucher = vouchers.redeem(actor=people["operator"], account=stated, code=code, password="right")
        vouchers.submit(voucher_id=voucher.pk)
        voucher.refresh_from_db()
        assert voucher.status == "redeemed"


class TestDoubt:
    @pytest.fixture
    def unknown(self, stated: Any, people: Any, box: Any) -> Voucher:
        """Accepted there, and the answer was lost."""
        return self.lost(stated, people, box, "drop_after")

    @staticmethod
    def lost(account: Any, people: Any, box: Any, mode: str) -> Voucher:
        voucher = vouchers.redeem(actor=people["operator"], account=account, code=outside(box))
        box.control("faults", {"provider": "bitloga", "action": "apply", "mode": mode})
        vouchers.submit(voucher_id=voucher.pk)
        voucher.refresh_from_db()
        assert voucher.status == "unknown"
        return voucher

    @pytest.mark.parametrize("mode", ["drop_before", "drop_after"])
    def test_no_machine_ever_sends_it_again(self, stated: Any, people: Any, box: Any, mode: str) -> None:
        voucher = self.lost(stated, people, box, mode)
        for _turn in range(3):
            vouchers.submit(voucher_id=voucher.pk)
            polling.run_stuck(limit=10)
            polling.run_due(limit=10)
            vouchers.refresh(voucher_id=voucher.pk)
        voucher.refresh_from_db()
        assert voucher.status == "unknown"
        assert asked_of_them(box) == 1
        assert not Movement.objects.exists()

    @pytest.mark.parametrize(("mode", "rest"), [("drop_after", Decimal(7)), ("drop_before", Decimal(0))])
    def test_the_balance_before_and_after_is_the_evidence(
        self, stated: Any, people: Any, box: Any, mode: str, rest: Decimal
    ) -> None:
        voucher = self.lost(stated, people, box, mode)
        assert redemptions.evidence(voucher) == []
        vouchers.refresh(voucher_id=voucher.pk)
        voucher.refresh_from_db()
        lines = {line["currency"]: line for line in redemptions.evidence(voucher)}
        assert lines["USDT"]["rest"] == rest
        assert lines["USDT"]["after"] - lines["USDT"]["before"] == rest

    def test_what_we_booked_meanwhile_explains_itself(self, issuing: Any, people: Any, box: Any) -> None:
        voucher = self.lost(issuing, people, box, "drop_after")
        factories.active_voucher(issuing, people)
        vouchers.refresh(voucher_id=voucher.pk)
        voucher.refresh_from_db()
        (line,) = [one for one in redemptions.evidence(voucher) if one["currency"] == "USDT"]
        assert (line["booked"], line["rest"]) == (Decimal(-10), Decimal(7))

    def test_a_person_says_that_it_was_credited(self, unknown: Voucher, people: Any) -> None:
        with pytest.raises(ValidationError, match="look-up"):
            self.redeemed(people["approver"], unknown)
        vouchers.refresh(voucher_id=unknown.pk)
        unknown.refresh_from_db()
        self.redeemed(people["approver"], unknown)
        unknown.refresh_from_db()
        assert (unknown.status, unknown.amount) == ("redeemed", Decimal(7))
        (movement,) = Movement.objects.all()
        assert (movement.kind, movement.amount, movement.actor) == (
            "redemption",
            Decimal(7),
            people["approver"],
        )

    @staticmethod
    def redeemed(actor: Any, voucher: Voucher, amount: str = "7", currency: str = "USDT") -> None:
        voucher_decisions.resolve(
            actor=actor, voucher=voucher, outcome="redeemed", note=NOTE, amount=amount, currency=currency
        )

    @pytest.mark.parametrize(
        ("amount", "currency", "name"),
        [("", "USDT", "amount"), ("0", "USDT", "amount"), ("7", "XXX", "currency")],
    )
    def test_amount_and_balance_must_be_told(
        self, unknown: Voucher, people: Any, amount: str, currency: str, name: str
    ) -> None:
        vouchers.refresh(voucher_id=unknown.pk)
        with pytest.raises(ValidationError) as caught:
            self.redeemed(people["approver"], unknown, amount, currency)
        assert list(caught.value.message_dict) == [name]

    def test_two_people_close_it_as_failed_and_then_the_code_may_be_typed_again(
        self, stated: Any, people: Any, box: Any, settings: Any
    ) -> None:
        settings.SETTLE_SECONDS = 0
        voucher = self.lost(stated, people, box, "drop_before")
        vouchers.refresh(voucher_id=voucher.pk)
        code = voucher.code
        first, second = people["approver"], factories.person("approver")
        voucher_decisions.resolve(actor=first, voucher=voucher, outcome="failed", note=NOTE)
        with pytest.raises(ValidationError, match="Another approver"):
            voucher_decisions.confirm(actor=first, voucher=voucher)
        voucher_decisions.confirm(actor=second, voucher=voucher)
        voucher.refresh_from_db()
        assert (voucher.status, voucher.password) == ("failed", "")
        again = vouchers.redeem(actor=people["operator"], account=stated, code=code)
        vouchers.submit(voucher_id=again.pk)
        again.refresh_from_db()
        assert again.status == "redeemed"

    def test_not_before_it_can_have_settled(self, unknown: Voucher, people: Any) -> None:
        vouchers.refresh(voucher_id=unknown.pk)
        with pytest.raises(ValidationError, match="minutes have passed"):
            voucher_decisions.resolve(actor=people["approver"], voucher=unknown, outcome="failed", note=NOTE)

    def test_one_that_its_worker_left_behind_is_in_doubt(self, stated: Any, people: Any, box: Any) -> None:
        voucher = vouchers.redeem(actor=people["operator"], account=stated, code=outside(box))
        ProviderCall.objects.create(
            account=stated,
            reference=voucher.reference,
            number=1,
            operation="code.apply",
            safe=False,
            method="POST",
            url=stated.base_url,
            started_at=timezone.now(),
            fence=1,
        )
        vouchers.submit(voucher_id=voucher.pk)
        voucher.refresh_from_db()
        assert voucher.status == "unknown"
        assert asked_of_them(box) == 0
