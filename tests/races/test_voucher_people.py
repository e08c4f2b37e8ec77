"""People at the same instant: approve, cancel, reject and the clock on one bulk; the freeze; both parts of one voucher."""

from __future__ import annotations

import datetime as dt
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connections
from django.utils import timezone

from backoffice.kit.states import IllegalMove
from backoffice.models import AuditEntry
from codes.models import Voucher
from codes.services import voucher_decisions, vouchers
from codes.services import voucher_states as states
from payments.models import Approval, ProviderAccount, Reservation
from payments.services import freeze
from tests import factories
from tests.races import money
from tests.races import voucher_rows as rows
from tests.races.racing import lost, meet, race, without_lock, won

pytestmark = pytest.mark.django_db(transaction=True)
TOLD = (IllegalMove, ValidationError, PermissionDenied)  # what a person can read


class TestBulk:
    """G01, G02 on three vouchers of one request."""

    @staticmethod
    def all_at_once(bulk: list[Voucher], people: Any, second: Any) -> list[Any]:
        """Each presses it at another voucher of the request."""
        return race(
            [
                lambda: vouchers.approve(actor=people["approver"], voucher=bulk[0]),
                lambda: vouchers.approve(actor=second, voucher=bulk[1]),
                lambda: vouchers.cancel(actor=people["operator"], voucher=bulk[1]),
                lambda: vouchers.reject(actor=second, voucher=bulk[2], reason="no"),
                vouchers.expire,
            ]
        )

    @money.volumes(20, 500)
    def test_what_is_left_fits_together(self, paying: Any, people: Any, runs: int) -> None:
        second = factories.person("approver")
        for run in range(runs):
            bulk = rows.ask(paying, people["operator"], 3, amount="1")
            if run % 2:  # so old that the clock wants it, too
                old = timezone.now() - dt.timedelta(days=8)
                Voucher.objects.filter(bulk=bulk[0].bulk).update(created_at=old)
            outcomes = self.all_at_once(bulk, people, second)
            assert all(isinstance(error, TOLD) for error in lost(outcomes)), outcomes
            for row in bulk:
                end = money.state(row)
                held = Reservation.objects.filter(reference=row.reference, ended_at=None).count()
                approvals = Approval.objects.filter(reference=row.reference, voided_at=None, used_at=None)
                assert (held, approvals.count()) == ((1, 1) if end == "approved" else (0, 0))
                told = AuditEntry.objects.filter(object_type="codes.voucher", object_id=str(row.pk))
                decided = [
                    told.filter(verb=f"voucher.{verb}").count()
                    for verb in ("approved", "canceled", "rejected")
                ]
                assert decided in ([1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]), decided
                assert end in ("approved", "canceled", "rejected")
            if not run % 2:
                assert len(set(money.states(bulk))) == 1  # nobody decides about a part of it
            if "approved" in money.states(bulk):
                vouchers.cancel(
                    actor=people["operator"],
                    voucher=next(row for row in bulk if money.state(row) == "approved"),
                )

    def test_without_the_row_locks_the_ends_contradict_each_other(
        self, paying: Any, people: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control."""
        without_lock(monkeypatch, Voucher)
        meet(monkeypatch, states, "lock_bulk", parties=4)
        bulk = rows.ask(paying, people["operator"], 3)
        outcomes = self.all_at_once(bulk, people, factories.person("approver"))
        assert len(won(outcomes[:4])) > 1 or not all(isinstance(error, TOLD) for error in lost(outcomes))

    @money.volumes(20, 200)
    def test_cancelling_while_it_is_being_made(self, paying: Any, people: Any, box: Any, runs: int) -> None:
        for _run in range(runs):
            row = rows.approved(paying, people, amount="1")
            outcomes = race(
                [
                    lambda row=row: vouchers.cancel(actor=people["operator"], voucher=row),
                    lambda row=row: vouchers.submit(voucher_id=row.pk),
                ]
            )
            assert all(isinstance(error, TOLD) for error in lost(outcomes)), outcomes
            made = rows.made(box)[row.reference.value]
            assert (money.state(row), made) in (("canceled", 0), ("active", 1))
        rows.check_promises(box)

    @money.volumes(20, 200)
    def test_cancelling_while_it_is_being_redeemed(
        self, paying: Any, people: Any, box: Any, runs: int
    ) -> None:
        for _run in range(runs):
            row = rows.redeeming(paying, people, box)
            outcomes = race(
                [
                    lambda row=row: vouchers.cancel(actor=people["operator"], voucher=row),
                    lambda row=row: vouchers.submit(voucher_id=row.pk),
                ]
            )
            assert all(isinstance(error, TOLD) for error in lost(outcomes)), outcomes
            assert (money.state(row), rows.applied(box)[row.code]) in (("canceled", 0), ("redeemed", 1))
        rows.check_promises(box)

    @money.volumes(20, 200)
    def test_two_confirm_that_it_failed_while_it_is_found(
        self, paying: Any, people: Any, box: Any, runs: int, settings: Any
    ) -> None:
        """It is in the list after all: whoever comes first, the code is owed."""
        settings.SETTLE_SECONDS = 0
        vouchers.sync(account_id=paying.pk)
        first, second, third = (factories.person("approver") for _person in range(3))
        for _run in range(runs):
            row = rows.approved(paying, people, amount="1")
            money.fault(box, "drop_after", action="create")
            assert rows.submit(row) == "unknown"
            money.fault(box, "message", action="get", text="Codes not found")
            vouchers.refresh(voucher_id=row.pk)
            voucher_decisions.resolve(actor=first, voucher=row, outcome="failed", note=rows.NOTE)
            outcomes = race(
                [
                    lambda row=row: voucher_decisions.confirm(actor=second, voucher=row),
                    lambda row=row: voucher_decisions.confirm(actor=third, voucher=row),
                    lambda: vouchers.sync(account_id=paying.pk),
                ]
            )
            assert all(isinstance(error, TOLD) for error in lost(outcomes)), outcomes
            assert len(won(outcomes[:2])) <= 1
        vouchers.sync(account_id=paying.pk)
        rows.check_kept(box)
        assert sum(line.count for line in _owed()) == runs


def _owed() -> Any:
    from codes.services import liability

    return liability.lines()


class TestFreeze:
    """A18: pressed while a bulk is being made."""

    @money.volumes(50, 100)
    def test_within_a_second_no_code_is_made_any_more(
        self, paying: Any, people: Any, box: Any, runs: int
    ) -> None:
        bulk = rows.ask(paying, people["operator"], runs, amount="1")
        vouchers.approve(actor=people["approver"], voucher=bulk[0])
        money.fault(box, "delay", action="create", count=0, seconds=0.05)
        pool = ThreadPoolExecutor(4)
        for row in bulk:
            pool.submit(self.send, row.pk)
        while len(rows.there(box)) < 3:
            time.sleep(0.005)
        freeze.set(actor=people["operator"], account=paying, reason="stop")
        pressed = timezone.now()
        pool.shutdown(wait=True)
        made = box.control("bitloga/transactions?kind=code_create")["transactions"]
        late = [
            row
            for row in made
            if dt.datetime.fromisoformat(row["accepted_at"]) > pressed + dt.timedelta(seconds=1)
        ]
        assert not late
        seen = money.states(bulk)
        assert seen["approved"] > 0, "all were made before the button was pressed"
        assert seen["approved"] + seen["active"] == runs  # none in doubt
        money.make_due()
        money.work()
        assert money.states(bulk) == seen  # the sweep makes nothing either
        rows.check_promises(box)
        money.no_faults(box)
        for _person in range(2):
            freeze.lift(actor=factories.person("approver"), account=paying)
        money.make_due()
        money.work_until(lambda: money.states(bulk)["active"] == runs, seconds=30)
        rows.check_promises(box, bulk)

    @staticmethod
    def send(pk: int) -> None:
        try:
            vouchers.submit(voucher_id=pk)
        finally:
            connections.close_all()

    def test_without_the_look_before_the_bytes_the_bulk_goes_on(
        self, paying: Any, people: Any, box: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control."""
        bulk = rows.ask(paying, people["operator"], 10, amount="1")
        vouchers.approve(actor=people["approver"], voucher=bulk[0])
        freeze.set(actor=people["operator"], reason="stop")
        monkeypatch.setattr(freeze, "stops", lambda _account: False)
        for row in bulk:
            self.send(row.pk)
        assert money.states(bulk)["active"] == 10


class TestReveal:
    """Code and password apart: nobody gets both, also not by asking for both at the same instant."""

    @pytest.fixture
    def split(self, paying: Any) -> ProviderAccount:
        ProviderAccount.objects.filter(pk=paying.pk).update(split_handover=True)
        paying.refresh_from_db()
        return paying

    @staticmethod
    def both(actor: Any, row: Voucher) -> list[Any]:
        return race(
            [
                lambda part=part: vouchers.reveal(actor=actor, voucher=row, part=part)
                for part in ("code", "password")
            ]
        )

    @money.volumes(20, 500)
    def test_one_part_is_shown(self, split: Any, people: Any, runs: int) -> None:
        other = factories.person("operator")
        for _run in range(runs):
            row = rows.approved(split, people, _make_password=True)
            rows.submit(row)
            outcomes = self.both(people["operator"], row)
            assert len(won(outcomes)) == 1
            assert [type(error) for error in lost(outcomes)] == [ValidationError]
            # A second person has the other one, and the first still does not.
            assert len(won(self.both(other, row))) == 1
            shown = AuditEntry.objects.filter(verb="voucher.revealed", object_id=str(row.pk))
            assert shown.count() == len(set(shown.values_list("actor"))) == 2

    def test_without_the_row_lock_both_are_shown(
        self, split: Any, people: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control."""
        row = rows.approved(split, people, _make_password=True)
        rows.submit(row)
        without_lock(monkeypatch, Voucher)
        meet(monkeypatch, vouchers, "_knows_other", parties=2)
        assert len(won(self.both(people["operator"], row))) == 2
