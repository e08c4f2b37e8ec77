"""Accepted or not? The provider keeps silent, answers late, or answers nonsense; asking heals what can be healed."""

from __future__ import annotations

import datetime as dt
import time
from contextlib import suppress
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from backoffice.kit.states import IllegalMove
from backoffice.models import AuditEntry
from payments.models import ExceptionItem, Movement, ProviderCall, Withdrawal
from payments.providers.errors import ProviderError
from payments.services import exceptions, withdrawal_decisions, withdrawals
from tests import factories
from tests.races import money

pytestmark = pytest.mark.django_db(transaction=True)

#: What the sandbox may do to an answer after it has accepted.
SPOILED = [*money.SPOILED, {"mode": "odd_status", "text": "Thinking"}]


def calls_out(row: Withdrawal) -> int:
    """How many calls that would move money were begun."""
    return ProviderCall.objects.filter(reference=row.reference, safe=False).count()


def sent(row: Withdrawal) -> str:
    withdrawals.submit(withdrawal_id=row.pk)
    return money.state(row)


def ask(row: Withdrawal) -> str:
    """What a poll finds."""
    with suppress(ProviderError):
        withdrawals.refresh(withdrawal_id=row.pk)
    return money.state(row)


class TestAccepted:
    """A04: accepted, and no answer that proves it."""

    @money.volumes(20, 200)
    def test_dropped_it_heals_by_asking(self, paying: Any, people: Any, gullible: Any, runs: int) -> None:
        rows = [money.approved(paying, people) for _run in range(runs)]
        money.fault(gullible, "drop_after", count=runs)
        assert {sent(row) for row in rows} == {"unknown"}
        money.make_due()
        money.work_until(lambda: money.states(rows)["complete"] == runs, seconds=30)
        assert [calls_out(row) for row in rows] == [1] * runs
        assert money.asked(gullible, "withdraw") == runs
        money.check_promises(gullible, rows)

    def test_whatever_the_answer_is_spoiled_by(self, paying: Any, people: Any, gullible: Any) -> None:
        rows = [money.approved(paying, people) for _fault in SPOILED]
        for row, spoiled in zip(rows, SPOILED, strict=True):
            money.fault(gullible, **spoiled)
            assert sent(row) == "unknown", spoiled
        money.make_due()
        money.work_until(lambda: money.states(rows)["complete"] == len(rows), seconds=10)
        assert money.asked(gullible, "withdraw") == len(rows)
        money.check_promises(gullible, rows)


class TestLate:
    """A05, A06: the answer, or even the acceptance, comes after our patience."""

    @pytest.fixture(autouse=True)
    def impatient(self, settings: Any, gullible: Any) -> None:
        settings.PROVIDER_READ_TIMEOUT = 0.3

    def test_an_answer_after_our_patience_is_found_by_asking(
        self, paying: Any, people: Any, gullible: Any
    ) -> None:
        """31 s and 120 s, in the proportion of this test's patience."""
        for mode, seconds in (("delay", 0.31), ("delay", 1.2), ("hang_after", 3)):
            row = money.approved(paying, people)
            money.fault(gullible, mode, seconds=seconds)
            began = time.monotonic()
            assert sent(row) == "unknown"
            money.make_due()
            money.work_until(lambda row=row: money.state(row) == "complete", seconds=5)
            assert time.monotonic() - began < 5
            assert calls_out(row) == 1
        money.check_promises(gullible)

    def test_a_slow_answer_is_cut_off_by_the_calls_whole_time(
        self, paying: Any, people: Any, gullible: Any, settings: Any
    ) -> None:
        settings.PROVIDER_TOTAL_TIMEOUT = 1.0
        row = money.approved(paying, people)
        money.fault(gullible, "slow", seconds=0.1)
        began = time.monotonic()
        assert sent(row) == "unknown"
        assert time.monotonic() - began < 3
        assert ask(row) == "complete"
        money.check_promises(gullible, [row])

    @money.volumes(3, 20)
    def test_not_found_while_it_is_still_on_its_way(
        self, paying: Any, people: Any, gullible: Any, settings: Any, runs: int
    ) -> None:
        """A06: it is accepted a second after the look-ups began; until the settle window is over nobody may decide."""
        settings.SETTLE_SECONDS = 1200
        person = factories.person("approver")
        for _run in range(runs):
            row = money.approved(paying, people)
            money.fault(gullible, "delay", seconds=1.0, late=True)
            assert sent(row) == "unknown"
            looks = 0
            while not money.accepts(gullible)[row.reference.value]:
                found = ask(row)
                looks += 1
                if money.accepts(gullible)[row.reference.value]:
                    break  # it arrived while we looked
                assert found == "unknown"
                with pytest.raises(ValidationError, match="minutes have passed"):
                    withdrawal_decisions.resend(actor=person, withdrawal=row, note="again")
                with pytest.raises(ValidationError, match="minutes have passed"):
                    withdrawal_decisions.resolve(actor=person, withdrawal=row, outcome="failed", note="gone")
            assert looks
            assert ask(row) == "complete"
            assert calls_out(row) == 1
        money.check_promises(gullible)


class TestNoAnswer:
    """A07: the look-up itself times out or answers nonsense, again and again."""

    @pytest.mark.parametrize("mode", ["status_500", "garbage_html", "hang_after", "drop_before"])
    @money.volumes(7, 50)
    def test_it_stays_unknown_and_is_asked_ever_more_seldom(
        self, paying: Any, people: Any, gullible: Any, settings: Any, mode: str, runs: int
    ) -> None:
        settings.POLL_FACTOR = 1.0
        settings.PROVIDER_READ_TIMEOUT, settings.PROVIDER_TOTAL_TIMEOUT = 0.05, 0.15
        row = money.approved(paying, people)
        money.fault(gullible, "drop_after")
        settings.PROVIDER_READ_TIMEOUT, settings.PROVIDER_TOTAL_TIMEOUT = 5, 5
        assert sent(row) == "unknown"
        settings.PROVIDER_READ_TIMEOUT, settings.PROVIDER_TOTAL_TIMEOUT = 0.05, 0.15
        money.fault(gullible, mode, action="details", count=0)
        pauses = []
        for _run in range(runs):
            assert ask(row) == "unknown"
            pauses.append(row.next_check_at - timezone.now())
            assert row.last_error
        assert pauses[0] < pauses[2] < pauses[3]
        assert max(pauses) <= dt.timedelta(minutes=15)
        assert row.check_failures == runs + 1
        assert calls_out(row) == 1
        money.no_faults(gullible)
        settings.PROVIDER_READ_TIMEOUT, settings.PROVIDER_TOTAL_TIMEOUT = 5, 5
        assert ask(row) == "complete"
        money.check_promises(gullible, [row])


class TestAlreadyUsed:
    """A11: "already used" tells that something is there, not that it is ours as approved."""

    def test_it_is_adopted_when_it_is_what_was_approved(self, paying: Any, people: Any, box: Any) -> None:
        money.set_up(box, withdraw_delay=0)
        row = money.approved(paying, people)
        money.fault(box, "message", text="Received Unique ID has already been used", accept=True)
        assert sent(row) == "unknown"
        assert ask(row) == "complete"
        assert Movement.objects.filter(kind="withdrawal").count() == 1
        money.check_promises(box, [row])

    @pytest.mark.parametrize(
        "other", [{"amount_to": 9}, {"purse": "thief@example.com"}, {"from": "BTC"}, {"to": "WMZ"}]
    )
    def test_anything_else_is_held_for_a_person(self, paying: Any, people: Any, box: Any, other: Any) -> None:
        money.set_up(box, withdraw_delay=0)
        row = money.approved(paying, people)
        money.fault(box, "message", text="Received Unique ID has already been used", accept=True)
        money.fault(box, "fields", action="details", fields=other)
        assert sent(row) == "unknown"
        assert ask(row) == "unknown"
        row.reference.refresh_from_db()
        assert row.reference.held_at is not None
        assert ExceptionItem.objects.get(kind="hold").reference == row.reference
        assert not Movement.objects.exists()
        assert calls_out(row) == 1
        # A person looks, lets it go on, and the provider's true answer is applied.
        exceptions.release_hold(actor=people["approver"], reference=row.reference, note="looked at the panel")
        assert ask(row) == "complete"
        money.check_promises(box, [row])

    def test_an_answer_about_another_reference_is_no_answer(
        self, paying: Any, people: Any, gullible: Any
    ) -> None:
        row = money.approved(paying, people)
        money.fault(gullible, "drop_after")
        money.fault(gullible, "fields", action="details", fields={"uniqueid": "1"}, count=0)
        assert sent(row) == ask(row) == "unknown"
        assert not Movement.objects.exists()
        assert calls_out(row) == 1


class TestMeanwhile:
    """A22: while the outcome is unknown nothing else happens to it."""

    @pytest.fixture
    def unknown(self, paying: Any, people: Any, gullible: Any) -> Withdrawal:
        row = money.approved(paying, people)
        money.fault(gullible, "drop_before")
        assert sent(row) == "unknown"
        return row

    def test_every_other_door_is_closed(self, unknown: Withdrawal, people: Any, gullible: Any) -> None:
        approver, operator = people["approver"], people["operator"]
        doors = (
            lambda: withdrawals.approve(actor=approver, withdrawal=unknown),
            lambda: withdrawals.reject(actor=approver, withdrawal=unknown, reason="no"),
            lambda: withdrawals.cancel(actor=operator, withdrawal=unknown),
            lambda: withdrawal_decisions.confirm(actor=approver, withdrawal=unknown),
        )
        told = AuditEntry.objects.count()
        for door in doors:
            with pytest.raises((IllegalMove, ValidationError)):
                door()
        for _again in range(3):
            withdrawals.submit(withdrawal_id=unknown.pk)
            money.work()
        assert withdrawals.expire() == 0
        assert money.state(unknown) == "unknown"
        assert AuditEntry.objects.count() == told
        assert calls_out(unknown) == 1
        assert not money.accepts(gullible)

    def test_a_decision_needs_a_look_up_first(self, unknown: Withdrawal, settings: Any) -> None:
        settings.SETTLE_SECONDS = 0
        person = factories.person("approver")
        with pytest.raises(ValidationError, match="Check now"):
            withdrawal_decisions.resend(actor=person, withdrawal=unknown, note="again")

    @pytest.mark.parametrize("text", ["Bad data", "Currency not found", "Unique ID is not defined"])
    def test_a_look_up_that_was_refused_is_no_not_found(
        self, unknown: Withdrawal, settings: Any, gullible: Any, text: str
    ) -> None:
        """The provider did not look: that proves nothing about what it has."""
        settings.SETTLE_SECONDS = 0
        money.fault(gullible, "message", action="details", text=text)
        assert ask(unknown) == "unknown"
        person = factories.person("approver")
        with pytest.raises(ValidationError):
            withdrawal_decisions.resend(actor=person, withdrawal=unknown, note="again")
        with pytest.raises(ValidationError):
            withdrawal_decisions.resolve(actor=person, withdrawal=unknown, outcome="failed", note="not there")
