"""A12: every move that the table of states does not know is refused, by every door, and changes nothing."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from backoffice.kit.states import IllegalMove
from backoffice.models import AuditEntry
from payments.models import Approval, ExceptionItem, Movement, ProviderCall, Reservation, Withdrawal
from payments.providers.base import WithdrawalReport
from payments.services import withdrawal_decisions, withdrawal_reports, withdrawals
from tests import factories
from tests.races import money

pytestmark = pytest.mark.django_db(transaction=True)

STATES = [str(status) for status in Withdrawal.Status]
DECIDED = ("approved", "sending", "unknown", "pending", "complete", "failed")
TOLD = (IllegalMove, ValidationError, PermissionDenied)


class Maker:
    """Brings a withdrawal into each state by the way that leads there."""

    def __init__(self, paying: Any, people: Any, box: Any) -> None:
        self.paying, self.box = paying, box
        # Made here: what a door does is told apart by all that stands in the audit trail.
        self.people = {role: people[role] for role in ("operator", "approver")}
        self.outsider = factories.person("approver")

    def make(self, state: str) -> Withdrawal:
        row = money.ask(self.paying, self.people["operator"])
        if state in DECIDED:
            withdrawals.approve(actor=self.people["approver"], withdrawal=row)
        getattr(self, f"_{state}", lambda _row: None)(row)
        assert money.state(row) == state, row.last_error
        return row

    def _sending(self, row: Withdrawal) -> None:
        assert withdrawals._claim(row.pk) is not None

    def _unknown(self, row: Withdrawal) -> None:
        money.fault(self.box, "drop_before")
        withdrawals.submit(withdrawal_id=row.pk)

    def _pending(self, row: Withdrawal) -> None:
        money.set_up(self.box, withdraw_delay=3600)
        withdrawals.submit(withdrawal_id=row.pk)

    def _complete(self, row: Withdrawal) -> None:
        money.set_up(self.box, withdraw_delay=0)
        withdrawals.submit(withdrawal_id=row.pk)

    def _failed(self, row: Withdrawal) -> None:
        money.fault(self.box, "message", text="Insufficient balance")
        withdrawals.submit(withdrawal_id=row.pk)

    def _rejected(self, row: Withdrawal) -> None:
        withdrawals.reject(actor=self.people["approver"], withdrawal=row, reason="no")

    def _canceled(self, row: Withdrawal) -> None:
        withdrawals.cancel(actor=self.people["operator"], withdrawal=row)

    def doors(self) -> dict[str, tuple[Callable[[Withdrawal], Any], set[str]]]:
        """Each verb of people, and the states in which it may do something. Evidence and notes are in order."""
        approver, outsider = self.people["approver"], self.outsider
        return {
            "approve": (
                lambda row: withdrawals.approve(actor=outsider, withdrawal=row),
                {"awaiting_approval"},
            ),
            "reject": (
                lambda row: withdrawals.reject(actor=outsider, withdrawal=row, reason="no"),
                {"awaiting_approval"},
            ),
            "cancel": (
                lambda row: withdrawals.cancel(actor=approver, withdrawal=row),
                {"awaiting_approval", "approved"},
            ),
            "complete": (
                lambda row: withdrawal_decisions.resolve(
                    actor=outsider, withdrawal=row, outcome="complete", note="seen in the panel"
                ),
                {"unknown"},
            ),
            "failed": (
                lambda row: withdrawal_decisions.resolve(
                    actor=outsider, withdrawal=row, outcome="failed", note="it is not there"
                ),
                {"unknown"},
            ),
            "resend": (
                lambda row: withdrawal_decisions.resend(
                    actor=outsider, withdrawal=row, note="it is not there"
                ),
                {"unknown"},
            ),
            "confirm": (lambda row: withdrawal_decisions.confirm(actor=approver, withdrawal=row), set()),
        }


def everything(row: Withdrawal) -> list[Any]:
    """All that a refused move must leave as it was."""
    tables = (AuditEntry, Approval, ExceptionItem, Movement, ProviderCall, Reservation)
    return [
        Withdrawal.objects.filter(pk=row.pk).values().get(),
        [list(model.objects.order_by("pk").values_list()) for model in tables],
    ]


@pytest.fixture
def maker(paying: Any, people: Any, gullible: Any, settings: Any) -> Maker:
    settings.SETTLE_SECONDS = 0
    return Maker(paying, people, gullible)


class TestPairs:
    def test_each_pair_that_the_table_lacks_is_refused(self, maker: Maker) -> None:
        refused = 0
        for old in STATES:
            row = maker.make(old)
            before = everything(row)
            for new in STATES:
                if new in Withdrawal.TRANSITIONS[Withdrawal.Status(old)]:
                    continue
                with pytest.raises(IllegalMove), transaction.atomic():
                    withdrawal_reports.move(withdrawal_reports.lock(row.pk), new, way="system")
                refused += 1
            assert everything(row) == before, old
        legal = sum(len(ways) for ways in Withdrawal.TRANSITIONS.values())
        assert refused == len(STATES) ** 2 - legal


class TestDoors:
    def test_each_verb_in_each_state_that_it_does_not_fit(self, maker: Maker) -> None:
        for state in STATES:
            row = maker.make(state)
            # Where a decision needs a look-up there is a fresh one, so that only the state can refuse it.
            ProviderCall.objects.create(
                account=row.account,
                reference=row.reference,
                operation="details",
                method="POST",
                url=row.account.base_url,
                request_digest="0" * 64,
                started_at=timezone.now(),
                outcome="Refused",
                reason="not_found",
            )
            before = everything(row)
            for name, (door, fits) in maker.doors().items():
                if state in fits:
                    continue
                with pytest.raises(TOLD):
                    door(row)
                assert everything(row) == before, f"{name} in {state}"

    def test_each_verb_does_work_where_it_fits(self, maker: Maker) -> None:
        """So that the refusals above are not for another reason."""
        for name, (door, fits) in maker.doors().items():
            for state in fits:
                row = maker.make(state)
                if state == "unknown":
                    money.make_due()
                    money.work()
                before = everything(row)
                door(row)
                assert everything(row) != before, f"{name} in {state}"


class TestReports:
    def test_a_report_about_what_was_never_sent_changes_nothing(self, maker: Maker) -> None:
        for state, said in itertools.product(
            ("awaiting_approval", "approved", "rejected", "canceled"), ("pending", "complete", "failed", None)
        ):
            row = maker.make(state)
            before = everything(row)
            report = WithdrawalReport(
                reference=row.reference.value,
                status=said,
                provider_status=said or "Thinking",
                provider_id="7",
                transaction_id="t7",
                currency=row.balance_currency,
                method=row.method,
                amount=row.amount,
                amount_from=row.amount,
                debit=row.amount + Decimal(1),
                fee=Decimal(1),
                purse=row.purse,
            )
            withdrawal_reports.apply(withdrawal_id=row.pk, report=report, way="poll")
            assert everything(row) == before, f"{said} in {state}"

    def test_a_worker_finds_nothing_to_send_but_what_is_approved(self, maker: Maker) -> None:
        for state in STATES:
            if state == "approved":
                continue
            row = maker.make(state)
            paid = money.accepts(maker.box)[row.reference.value]
            before = everything(row)
            withdrawals.submit(withdrawal_id=row.pk)
            assert everything(row) == before, state
            assert money.accepts(maker.box)[row.reference.value] == paid

    def test_the_clock_cancels_only_what_waits(self, maker: Maker) -> None:
        rows = {state: maker.make(state) for state in STATES}
        Withdrawal.objects.update(created_at=timezone.now() - dt.timedelta(days=8))
        assert withdrawals.expire() == 1
        for state, row in rows.items():
            assert money.state(row) == ("canceled" if state == "awaiting_approval" else state)
