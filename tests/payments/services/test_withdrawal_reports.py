"""Reports that come late, twice or while somebody else decides: what they may and may not do to a withdrawal."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import time
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from payments.models import ExceptionItem, Movement, ProviderAccount, Withdrawal
from payments.providers.base import WithdrawalReport
from payments.services import exceptions, references, withdrawal_reports, withdrawals
from tests.races import money

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paying(box: Any, people: Any) -> ProviderAccount:
    return money.paying_account(box)


@pytest.fixture
def unknown(paying: ProviderAccount, people: Any, box: Any) -> Withdrawal:
    made = money.approved(paying, people)
    money.fault(box, "drop_before")
    withdrawals.submit(withdrawal_id=made.pk)
    assert money.state(made) == "unknown"
    return made


def report(withdrawal: Withdrawal, status: str, word: str, **changed: Any) -> WithdrawalReport:
    said = WithdrawalReport(
        withdrawal.reference.value,
        status,
        word,
        provider_id="7",
        transaction_id="",
        method=withdrawal.method,
        currency=withdrawal.balance_currency,
        amount=withdrawal.amount,
        amount_from=withdrawal.amount,
        debit=withdrawal.amount + 1,
        fee=Decimal(1),
        purse=withdrawal.purse,
    )
    return dataclasses.replace(said, **changed)


def apply(withdrawal: Withdrawal, said: WithdrawalReport, *, asked_at: Any = None) -> str:
    withdrawal_reports.apply(withdrawal_id=withdrawal.pk, report=said, way="poll", asked_at=asked_at)
    return money.state(withdrawal)


class TestOlderAnswers:
    def test_an_answer_to_an_older_question_is_dropped(self, unknown: Withdrawal) -> None:
        asked = timezone.now()
        assert apply(unknown, report(unknown, "complete", "Complete"), asked_at=asked) == "complete"
        older = asked - dt.timedelta(seconds=5)
        assert apply(unknown, report(unknown, "pending", "Pending"), asked_at=older) == "complete"
        assert not ExceptionItem.objects.exists()
        assert (unknown.provider_status, unknown.checked_at) == ("Complete", asked)

    def test_a_clock_that_was_set_back_does_not_silence_the_provider(self, unknown: Withdrawal) -> None:
        ahead = timezone.now() + dt.timedelta(days=1)
        Withdrawal.objects.filter(pk=unknown.pk).update(checked_at=ahead)
        assert apply(unknown, report(unknown, "complete", "Complete"), asked_at=timezone.now()) == "complete"


class TestHolds:
    def test_a_hold_that_is_set_while_a_report_waits_for_the_lock_holds(self, unknown: Withdrawal) -> None:
        started = threading.Event()

        def late() -> None:
            try:
                started.set()
                withdrawal_reports.apply(
                    withdrawal_id=unknown.pk, report=report(unknown, "complete", "Complete"), way="poll"
                )
            finally:
                connections.close_all()

        thread = threading.Thread(target=late)
        with transaction.atomic():
            locked = withdrawal_reports.lock(unknown.pk)
            references.hold(
                reference=locked.reference, reason="not what we asked for", obj=locked, way="poll"
            )
            # A hold changes the row, too: its next time and what was said.
            Withdrawal.objects.filter(pk=unknown.pk).update(provider_status="Pending")
            thread.start()
            started.wait(5)
            time.sleep(0.2)
        thread.join(10)
        assert money.state(unknown) == "unknown"
        assert not Movement.objects.exists()

    def test_a_card_that_the_provider_names_instead_is_masked(self, unknown: Withdrawal) -> None:
        apply(unknown, report(unknown, "complete", "Complete", purse="4111 1111 1111 1111"))
        unknown.refresh_from_db()
        assert "411111******1111" in unknown.reference.hold_reason

    def test_two_differences_are_let_go_together(self, unknown: Withdrawal, people: Any) -> None:
        odd = report(unknown, "complete", "Complete", amount=Decimal(9), tag="x" * 290)
        assert apply(unknown, odd) == "unknown"
        unknown.refresh_from_db()
        assert unknown.reference.held_at is not None
        exceptions.release_hold(
            actor=people["approver"], reference=unknown.reference, note="agreed with them"
        )
        assert apply(unknown, odd) == "complete"

    def test_another_amount_behind_a_long_difference_is_held_again(
        self, unknown: Withdrawal, people: Any
    ) -> None:
        long = {"tag": "x" * 290, "method": "OTHER", "purse": "somebody@example.com" * 4}
        apply(unknown, report(unknown, "complete", "Complete", amount=Decimal(9), **long))
        exceptions.release_hold(
            actor=people["approver"], reference=unknown.reference, note="agreed with them"
        )
        assert apply(unknown, report(unknown, "complete", "Complete", amount=Decimal(8), **long)) == "unknown"
        assert not Movement.objects.exists()
