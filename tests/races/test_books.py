"""The books whatever comes, however often and in whatever order: reports (I05), tasks (F05), digits (I04), currencies (I06)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
from decimal import Decimal, localcontext
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as example
from hypothesis import strategies as st

from backoffice.kit import money as numbers
from backoffice.kit import office
from payments import tasks
from payments.models import Balance, Method, Movement, Reservation, Withdrawal
from payments.providers.base import WithdrawalReport
from payments.services import (
    movements,
    reservations,
    withdrawal_fields,
    withdrawal_reports,
    withdrawals,
)
from tests.races import money

pytestmark = pytest.mark.django_db(transaction=True)

DIGITS = st.decimals(Decimal("0.000000000000000001"), Decimal(10) ** 15, places=18)
RATES = st.decimals(Decimal(0), Decimal(1), places=6)


def said(
    row: Withdrawal, status: str | None, *, amount_from: Decimal | None = None, fee: str = "1.01"
) -> WithdrawalReport:
    """What the provider says about it."""
    amount_from = amount_from if amount_from is not None else row.amount
    with localcontext(prec=80):
        debit = amount_from + Decimal(fee)
    return WithdrawalReport(
        reference=row.reference.value,
        status=status,
        provider_status=status or "Thinking",
        provider_id="7",
        transaction_id="t7",
        currency=row.balance_currency,
        method=row.method,
        amount=row.amount,
        amount_from=amount_from,
        debit=debit,
        fee=Decimal(fee),
        purse=row.purse,
    )


def taken(row: Withdrawal) -> Withdrawal:
    """Claimed by a worker: `sending`."""
    claimed = withdrawals._claim(row.pk)
    assert claimed is not None
    return claimed


def fingerprint(*rows: Withdrawal) -> str:
    """All facts about the money of these, as one digest."""
    found = Withdrawal.objects.filter(pk__in=[row.pk for row in rows])
    references = found.values("reference")
    booked = Movement.objects.filter(reference__in=references).order_by("key")
    held = Reservation.objects.filter(reference__in=references, ended_at=None).order_by("pk")
    facts = {
        "withdrawals": found.order_by("pk").values_list("reference__value", "status", "debit", "amount_from"),
        "movements": booked.values_list("key", "currency", "amount", "kind"),
        "reserved": held.values_list("reference__value", "amount"),
    }
    told = {name: [[str(cell) for cell in row] for row in rows] for name, rows in facts.items()}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def broken() -> dict[str, list[str]]:
    return {name: found for name, part in office.registry.invariants.items() if (found := part.check())}


class TestReports:
    """I05: what a provider says is digested once, in any order."""

    WORDS = ("pending", "complete", "failed", None)

    @money.volumes(20, 500)
    def test_any_order_and_any_number_of_times(
        self, paying: Any, people: Any, runs: int, settings: Any
    ) -> None:
        for run in range(runs):
            chance = random.Random(run)
            row = taken(money.approved(paying, people, amount="1"))
            for _step in range(chance.randint(1, 6)):
                report = said(row, chance.choice(self.WORDS))
                for _copy in range(chance.choice([1, 1, 5])):
                    withdrawal_reports.apply(withdrawal_id=row.pk, report=report, way="poll")
            if run % 10 == 9:
                assert not broken(), f"seeds {run - 9} to {run}"
            kinds = Movement.objects.filter(reference=row.reference).values_list("kind", flat=True)
            assert len(kinds) <= 4
            assert all(list(kinds).count(kind) <= 1 for kind in ("withdrawal", "fee"))
            for _copy in range(5):
                withdrawal_reports.apply(withdrawal_id=row.pk, report=report, way="poll")
            settled = fingerprint(row)
            withdrawal_reports.apply(withdrawal_id=row.pk, report=report, way="poll")
            assert fingerprint(row) == settled, f"seed {run}"


class TestTasks:
    """F05: every task twice, in reverse, and a day late."""

    def test_the_end_is_the_same(self, paying: Any, people: Any, gullible: Any) -> None:
        rows = [money.approved(paying, people) for _row in range(6)]
        money.fault(gullible, "drop_after", count=2)
        steps = [lambda pk=row.pk: tasks.submit_withdrawal(pk) for row in rows]
        steps += [lambda pk=row.pk: tasks.refresh_withdrawal(pk) for row in rows]
        steps += [tasks.run_stuck, lambda: tasks.poll_account(paying.pk), tasks.expire, tasks.prune_traffic]
        for step in steps:
            step()
        money.make_due()
        money.work_until(lambda: money.states(rows)["complete"] == len(rows), seconds=10)
        once = fingerprint(*rows)
        for step in [*steps, *reversed(steps), *reversed(steps), *steps]:
            step()
        assert fingerprint(*rows) == once
        with time_machine.travel(timezone.now() + dt.timedelta(days=1, minutes=1), tick=True):
            for step in [*reversed(steps), *steps]:
                step()
        assert fingerprint(*rows) == once
        money.check_promises(gullible, rows)

    def test_a_message_that_is_a_day_late_sends_nothing_under_an_old_approval(
        self, paying: Any, people: Any, gullible: Any
    ) -> None:
        row = money.approved(paying, people)
        with time_machine.travel(timezone.now() + dt.timedelta(days=1, minutes=1), tick=True):
            tasks.submit_withdrawal(row.pk)
        assert money.state(row) == "awaiting_approval"
        assert not money.accepts(gullible)


class TestDigits:
    """I04: the parts are the whole, to the last of 18 decimals, and one rounding is documented: half to even."""

    @given(amount_from=DIGITS, fee=DIGITS)
    @example(max_examples=200, deadline=None)
    def test_amount_and_fee_are_the_debit_to_the_last_digit(self, amount_from: Decimal, fee: Decimal) -> None:
        with localcontext(prec=80):
            whole = amount_from + fee
            negative = [Decimal(f"-{amount_from:f}"), Decimal(f"-{fee:f}")]
        assert [-amount_from, -fee] == negative, "a sign costs digits"
        assert amount_from + fee == whole, "a sum costs digits"

    def test_it_is_booked_and_taken_back_to_the_last_digit(
        self, paying: Any, people: Any, settings: Any
    ) -> None:
        row = taken(money.approved(paying, people))
        amount_from, fee = Decimal("123456789012345.123456789012345678"), "987654321098765.987654321098765432"
        withdrawal_reports.apply(
            withdrawal_id=row.pk, report=said(row, "pending", amount_from=amount_from, fee=fee), way="reply"
        )
        booked = dict(Movement.objects.values_list("kind", "amount"))
        assert str(booked["withdrawal"]) == f"-{amount_from}"
        assert str(booked["fee"]) == f"-{fee}"
        for _look in range(2):
            withdrawal_reports.apply(
                withdrawal_id=row.pk, report=said(row, "failed", amount_from=amount_from, fee=fee), way="poll"
            )
        assert money.state(row) == "failed"
        assert Movement.objects.aggregate(total=Sum("amount"))["total"] == 0

    @given(amount=DIGITS, fixed=DIGITS, rate=RATES, digits=st.integers(0, 18))
    @example(max_examples=100, deadline=None)
    def test_an_estimate_is_off_by_half_a_step_at_most(
        self, amount: Decimal, fixed: Decimal, rate: Decimal, digits: int
    ) -> None:
        method = Method(currency="USDT", fee_fixed=fixed, fee_rate=rate)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(withdrawal_fields.methods, "digits", lambda _code: digits)
            found = withdrawal_fields.estimated(method, amount, "USDT")
        assert found is not None
        with localcontext(prec=120):
            exact = amount + fixed + amount * rate
            assert abs(found - exact) <= Decimal(5).scaleb(-digits - 1)
            assert found == numbers.quantize(exact, digits)


class TestCurrencies:
    """I06: a number of one currency is never counted as one of another."""

    def test_a_balance_of_another_currency_does_not_help(self, paying: Any, people: Any) -> None:
        assert Balance.objects.filter(account=paying).count() > 1
        Balance.objects.filter(account=paying, currency="USDT").update(stated=Decimal(1))
        with pytest.raises(ValidationError, match="available"):
            money.approved(paying, people)

    def test_reservations_and_debits_of_another_currency_do_not_count(self, paying: Any, people: Any) -> None:
        btc = Balance.objects.get(account=paying, currency="BTC")
        before = reservations.available(btc)
        row = taken(money.approved(paying, people))
        withdrawal_reports.apply(withdrawal_id=row.pk, report=said(row, "complete"), way="reply")
        money.approved(paying, people)
        assert reservations.available(btc) == before

    def test_there_is_no_estimate_from_one_currency_to_another(self, paying: Any, people: Any) -> None:
        method = Method.objects.get(account=paying, code="USDTBALANCE")
        assert withdrawal_fields.estimated(method, Decimal(10), "BTC") is None
        with pytest.raises(ValidationError) as refused:
            money.ask(paying, people["operator"], currency="BTC")
        assert "_max_debit" in refused.value.message_dict

    def test_sums_stand_apart(self, paying: Any, people: Any) -> None:
        from django.db import transaction

        for number, currency in enumerate(("BTC", "USDT", "BTC", "EUR")):
            with transaction.atomic():
                movements.book(
                    key=f"test:{number}",
                    account=paying,
                    kind=Movement.Kind.ADJUSTMENT,
                    currency=currency,
                    amount=Decimal(number + 1),
                    way="staff",
                )
        lines = movements.sums(Movement.objects.all())
        assert lines is not None
        assert {line["currency"]: line["total"] for line in lines} == {"BTC": 4, "USDT": 2, "EUR": 4}
