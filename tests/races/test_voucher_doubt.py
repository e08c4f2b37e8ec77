"""A new code and a redemption whose answer is lost (B01, B03): found by our reference, or in doubt until people decide."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from backoffice.kit.states import IllegalMove
from codes import tasks
from codes.models import Voucher
from codes.services import redemptions, voucher_decisions, vouchers
from payments.models import Movement
from payments.providers.errors import ProviderError
from payments.services import polling
from tests import factories
from tests.races import money
from tests.races import voucher_rows as rows
from tests.races.racing import race

pytestmark = pytest.mark.django_db(transaction=True)

#: What the sandbox may do to an answer after it has accepted.
SPOILED: list[dict[str, Any]] = [
    *money.SPOILED,
    {"mode": "fields", "fields": {"code": None}},
    {"mode": "fields", "fields": {"code": {}}},
]


def everything_wakes(row: Voucher) -> None:
    """Sweep, poll, clock, and the same messages again and at once."""
    money.make_due()
    money.work()
    polling.expire()
    race([lambda: tasks.submit_voucher(row.pk), lambda: tasks.refresh_voucher(row.pk)] * 2)


class TestCreate:
    """B01."""

    @money.volumes(20, 50)
    def test_dropped_it_is_found_by_our_reference(
        self, paying: Any, people: Any, box: Any, runs: int
    ) -> None:
        found = [rows.approved(paying, people, amount="1") for _run in range(runs)]
        money.fault(box, "drop_after", action="create", count=runs)
        assert {rows.submit(row) for row in found} == {"unknown"}
        money.make_due()
        money.work_until(lambda: money.states(found)["active"] == runs, seconds=30)
        assert [rows.left(row) for row in found] == [1] * runs
        assert sum(rows.arrived(box, "create").values()) == runs
        rows.check_promises(box, found)
        rows.check_kept(box)

    def test_whatever_the_answer_is_spoiled_by(self, paying: Any, people: Any, box: Any) -> None:
        found = [rows.approved(paying, people) for _fault in SPOILED]
        for row, spoiled in zip(found, SPOILED, strict=True):
            money.fault(box, action="create", **spoiled)
            assert rows.submit(row) == "unknown", spoiled
        money.make_due()
        money.work_until(lambda: money.states(found)["active"] == len(found), seconds=10)
        assert sum(rows.arrived(box, "create").values()) == len(found)
        rows.check_promises(box, found)

    @money.volumes(20, 50)
    def test_one_that_did_not_arrive_is_never_made_by_a_machine(
        self, paying: Any, people: Any, box: Any, runs: int, settings: Any
    ) -> None:
        settings.SETTLE_SECONDS = 1200
        found = [rows.approved(paying, people, amount="1") for _run in range(runs)]
        money.fault(box, "drop_before", action="create", count=runs)
        assert {rows.submit(row) for row in found} == {"unknown"}
        for _round in range(3):
            money.make_due()
            money.work()
        everything_wakes(found[0])
        assert money.states(found) == {"unknown": runs}
        assert not rows.made(box)
        assert [rows.left(row) for row in found] == [1] * runs
        # Until it can have settled, nobody may even close it.
        vouchers.refresh(voucher_id=found[0].pk)
        with pytest.raises(ValidationError, match="minutes have passed"):
            voucher_decisions.resolve(
                actor=factories.person("approver"), voucher=found[0], outcome="failed", note=rows.NOTE
            )
        rows.check_promises(box, found)

    def test_accepted_after_the_first_looks(self, paying: Any, people: Any, box: Any, settings: Any) -> None:
        """A06: it is accepted a second after the look-ups began."""
        settings.PROVIDER_READ_TIMEOUT = 0.3
        row = rows.approved(paying, people)
        money.fault(box, "delay", action="create", seconds=1.0, late=True)
        assert rows.submit(row) == "unknown"
        vouchers.refresh(voucher_id=row.pk)
        assert money.state(row) == "unknown"
        money.make_due()
        money.work_until(lambda: money.state(row) == "active", seconds=10)
        assert rows.made(box) == {row.reference.value: 1}
        rows.check_promises(box, [row])

    def test_the_look_up_fails_again_and_again(self, paying: Any, people: Any, box: Any) -> None:
        """A07."""
        row = rows.approved(paying, people)
        money.fault(box, "drop_after", action="create")
        assert rows.submit(row) == "unknown"
        for mode in ("garbage_html", "drop_before", "message"):
            money.fault(box, mode, action="get", count=0, text="Codes API is disabled")
            with suppress(ProviderError):
                vouchers.refresh(voucher_id=row.pk)
            assert money.state(row) == "unknown", mode
            assert row.not_found_at is None, mode
            money.no_faults(box)
        money.make_due()
        money.work_until(lambda: money.state(row) == "active", seconds=10)
        rows.check_promises(box, [row])


class TestRedeem:
    """B03."""

    #: (what the provider does, what it has credited at the first look, and in the end)
    ENDS: tuple[tuple[dict[str, Any], Decimal, Decimal], ...] = (
        ({"mode": "hang_after", "seconds": 2}, rows.WORTH, rows.WORTH),  # accepted
        ({"mode": "hang_after", "seconds": 2, "accept": False}, Decimal(0), Decimal(0)),  # refused
        ({"mode": "delay", "seconds": 0.4, "late": True}, Decimal(0), rows.WORTH),  # later than our patience
    )

    @money.volumes(7, 50)
    def test_it_stays_unknown_with_its_evidence_and_nothing_is_sent_again(
        self, paying: Any, people: Any, box: Any, runs: int, settings: Any
    ) -> None:
        settings.PROVIDER_READ_TIMEOUT = 0.1
        found = []
        for fault, first, last in self.ENDS * runs:
            row = rows.redeeming(paying, people, box)
            money.fault(box, action="apply", **fault)
            assert rows.submit(row) == "unknown"
            assert self.rest(row) == first
            if first != last:
                money.work_until(lambda row=row: rows.applied(box)[row.code] == 1, seconds=5)
                assert self.rest(row) == last
            found.append(row)
        for row in found[:2]:
            everything_wakes(row)
            with pytest.raises(ValidationError, match="not known yet"):
                vouchers.redeem(actor=people["operator"], account=paying, code=row.code)
            with pytest.raises((ValidationError, IllegalMove)):
                vouchers.cancel(actor=people["operator"], voucher=row)
        assert money.states(found) == {"unknown": len(found)}
        assert sorted(rows.arrived(box, "apply").values()) == [1] * len(found)
        assert not Movement.objects.exists()
        rows.check_promises(box)

    @staticmethod
    def rest(row: Voucher) -> Decimal:
        vouchers.refresh(voucher_id=row.pk)
        row.refresh_from_db()
        (line,) = [one for one in redemptions.evidence(row) if one["currency"] == "USDT"]
        rest: Decimal = line["rest"]
        return rest

    def test_whatever_the_answer_is_spoiled_by(self, paying: Any, people: Any, box: Any) -> None:
        odd: list[dict[str, Any]] = [
            *({"currency": currency} for currency in ("", "not a currency", "SEVENTEENLETTERSX")),
            *({"amount": amount} for amount in ("seven", None, "0", "-7", "1e-30", "1e99")),
        ]
        for spoiled in [*SPOILED[:14], *({"mode": "fields", "fields": fields} for fields in odd)]:
            row = rows.redeeming(paying, people, box)
            money.fault(box, action="apply", **spoiled)
            assert rows.submit(row) == "unknown", spoiled
        everything_wakes(row)
        assert {one.status for one in Voucher.objects.all()} == {"unknown"}
        assert set(rows.arrived(box, "apply").values()) == {1}
        assert not Movement.objects.exists()
        rows.check_promises(box)
