"""Redeeming at the same instant: two people with one code (B02), twenty who try passwords (B06), and what time tells."""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from codes.models import Voucher
from codes.services import redemptions, vouchers
from payments.models import ProviderAccount
from tests import factories
from tests.races import money
from tests.races import voucher_rows as rows
from tests.races.racing import lost, meet, race, won

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def second(box: Any, transactional_db: None) -> ProviderAccount:
    return money.paying_account(box)


def type_and_send(actor: Any, account: Any, code: str, password: str = "") -> Voucher:
    """A person types it, and a worker sends it at once."""
    row = vouchers.redeem(actor=actor, account=account, code=code, password=password)
    vouchers.submit(voucher_id=row.pk)
    return row


class TestTwoPeople:
    """B02."""

    @money.volumes(20, 500)
    def test_one_is_sent_and_the_other_is_told(
        self, paying: Any, second: Any, people: Any, box: Any, runs: int
    ) -> None:
        one, other = people["operator"], factories.person("operator")
        for run in range(runs):
            code = rows.outside(box)
            where = paying if run % 2 else second  # the same account, or the other one
            outcomes = race(
                [
                    lambda code=code: type_and_send(one, paying, code),
                    lambda code=code, where=where: type_and_send(other, where, code),
                ]
            )
            assert len(won(outcomes)) == 1, outcomes
            (told,) = lost(outcomes)
            assert isinstance(told, ValidationError)
            assert list(told.message_dict) == ["code"]
            assert won(outcomes)[0].reference.value in str(told)
            assert code not in str(told)
        assert sorted(rows.arrived(box, "apply").values()) == [1] * runs
        assert sorted(rows.applied(box).values()) == [1] * runs
        rows.check_promises(box, Voucher.objects.all())

    @staticmethod
    def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(redemptions, "_one_at_a_time", lambda _code: None)
        meet(monkeypatch, redemptions, "_check_known", parties=2)

    def test_without_the_lock_both_accounts_send_it(
        self, paying: Any, second: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control: the constraint binds one account only."""
        self.unlocked(monkeypatch)
        code = rows.outside(box)
        race(
            [lambda where=where: type_and_send(people["operator"], where, code) for where in (paying, second)]
        )
        assert set(rows.arrived(box, "apply").values()) == {2}

    def test_without_the_lock_the_constraint_stops_the_second_in_words_for_nobody(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control of the control: one account is protected twice."""
        self.unlocked(monkeypatch)
        code = rows.outside(box)
        outcomes = race([lambda: type_and_send(people["operator"], paying, code)] * 2)
        assert [type(error) for error in lost(outcomes)] == [IntegrityError]
        assert set(rows.arrived(box, "apply").values()) == {1}

    def test_one_form_pressed_twenty_times_is_one_intent(self, paying: Any, people: Any, box: Any) -> None:
        import uuid

        for _run in range(3):
            token, code = uuid.uuid4(), rows.outside(box)
            outcomes = race(
                [
                    lambda token=token, code=code: vouchers.redeem(
                        actor=people["operator"], account=paying, code=code, form_token=token
                    )
                ]
                * 20
            )
            assert len({row.pk for row in won(outcomes)}) == 1
            assert not lost(outcomes), lost(outcomes)[0]

    def test_one_request_pressed_twenty_times_is_one_bulk(self, paying: Any, people: Any) -> None:
        import uuid

        token = uuid.uuid4()
        outcomes = race(
            [
                lambda: vouchers.request(
                    actor=people["operator"],
                    account=paying,
                    fields={"currency": "USDT", "amount": "1"},
                    count=3,
                    form_token=token,
                )
            ]
            * 20
        )
        assert not lost(outcomes), lost(outcomes)[0]
        assert {tuple(row.pk for row in bulk) for bulk in outcomes} == {
            tuple(Voucher.objects.order_by("position").values_list("pk", flat=True))
        }
        assert Voucher.objects.count() == 3


class TestPasswords:
    """B06."""

    PEOPLE = 20

    def guess(self, account: Any, actor: Any, code: str, password: str) -> ValidationError:
        """Try again and again until the code is barred; what is said then."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                type_and_send(actor, account, code, password)
            except ValidationError as error:
                if "pass" in error.message_dict:
                    return error
        raise AssertionError("never barred")

    @money.volumes(1, 20)
    def test_twenty_people_have_five_tries_between_them(
        self, paying: Any, second: Any, box: Any, runs: int
    ) -> None:
        guessers = [factories.person("operator") for _person in range(self.PEOPLE)]
        for run in range(runs):
            code = rows.outside(box, password="right")
            outcomes = race(
                [
                    lambda number=number, actor=actor, code=code: self.guess(
                        (paying, second)[number % 2], actor, code, f"wrong {number}"
                    )
                    for number, actor in enumerate(guessers)
                ]
            )
            assert not lost([one for one in outcomes if not isinstance(one, ValidationError)]), outcomes
            assert sum(rows.arrived(box, "apply").values()) == 5 * (run + 1)
        assert not rows.applied(box)

    def test_a_fifth_that_ends_between_the_two_looks_is_counted(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = rows.outside(box, password="right")
        for number in range(4):
            type_and_send(people["operator"], paying, code, f"wrong {number}")
        fifth = vouchers.redeem(actor=people["operator"], account=paying, code=code, password="wrong 4")
        ends = [lambda: vouchers.submit(voucher_id=fifth.pk)]

        def then_it_ends(real: Any) -> Any:
            def look(code: str) -> None:
                try:
                    real(code)
                finally:
                    if ends:
                        race([ends.pop()])

            return look

        for name in ("_check_known", "_check_tries"):
            monkeypatch.setattr(redemptions, name, then_it_ends(getattr(redemptions, name)))
        with pytest.raises(ValidationError):
            type_and_send(people["operator"], paying, code, "wrong 5")
        assert money.state(fifth) == "failed"
        with pytest.raises(ValidationError, match="Five wrong"):
            type_and_send(people["operator"], paying, code, "right")
        assert sum(rows.arrived(box, "apply").values()) == 5

    def test_without_the_lock_there_are_more(
        self, box: Any, people: Any, monkeypatch: pytest.MonkeyPatch, control: None, transactional_db: None
    ) -> None:
        """The control: all of them are counted at the same moment."""
        accounts = [money.paying_account(box) for _account in range(7)]
        monkeypatch.setattr(redemptions, "_one_at_a_time", lambda _code: None)
        meet(monkeypatch, redemptions, "_check_known", parties=len(accounts))
        code = rows.outside(box, password="right")
        race(
            [
                lambda number=number, where=where: type_and_send(
                    people["operator"], where, code, f"wrong {number}"
                )
                for number, where in enumerate(accounts)
            ]
        )
        assert sum(rows.arrived(box, "apply").values()) > 5

    @money.volumes(20, 300)
    def test_the_time_that_it_takes_tells_nothing(
        self, paying: Any, people: Any, box: Any, runs: int
    ) -> None:
        """A known code with the right and with a wrong password, and one that does not exist: within 20 ms.

        Taken in turns, so that a busy machine slows all three alike; of each the faster half counts.
        """
        tried = rows.outside(box, password="right")
        for number in range(4):
            type_and_send(people["operator"], paying, tried, f"wrong {number}")
        times: dict[str, list[float]] = {"right": [], "wrong": [], "unknown": [], "tried": []}
        for run in range(runs):
            known = rows.outside(box, password="right")
            for name, code, password in (
                ("right", known, "right"),
                ("wrong", known, "wrong"),
                ("unknown", f"zzzz-zzzz-zzzz-{run:04}", "right"),
                ("tried", tried, "right"),
            ):
                began = time.perf_counter()
                row = vouchers.redeem(actor=people["operator"], account=paying, code=code, password=password)
                times[name].append(time.perf_counter() - began)
                vouchers.cancel(actor=people["operator"], voucher=row)
        fast = {name: statistics.median(sorted(taken)[: len(taken) // 2]) for name, taken in times.items()}
        assert max(fast.values()) - min(fast.values()) < 0.02, fast
        assert sum(rows.arrived(box, "apply").values()) == 4
