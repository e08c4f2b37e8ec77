"""What a batch's report says by itself: totals, what differs from the request, what may be the lost one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from payments.providers import offers
from payments.providers.base import Probe, Withdrawals
from payments.providers.batches import BatchPayouts, BatchReport, BatchRequest, Payout, could_be, differences
from tests.every import every

MADE = datetime(2026, 11, 20, 10, tzinfo=UTC)
ONE, TWO = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
REQUEST = BatchRequest(
    "1", {"delay": 2, "payouts": (Payout(ONE, Decimal("0.1")), Payout(TWO, Decimal("0.20000000")))}
)
REPORT = BatchReport(
    "A",
    "awaiting_deposit",
    "pending",
    "bc1q",
    (Payout(TWO, Decimal("0.2")), Payout(ONE, Decimal("0.10"))),
    deposit_amount=Decimal("0.3003"),
    fee=Decimal("0.0003"),
    delay=2,
    created=MADE,
    signature_ok=True,
)


def rows(*amounts: str | None) -> tuple[Payout, ...]:
    return tuple(
        Payout(address, None if amount is None else Decimal(amount))
        for address, amount in zip((ONE, TWO), amounts, strict=False)
    )


class TestTotals:
    def test_exact(self) -> None:
        assert REPORT.payouts_total == Decimal("0.3")
        assert REPORT.total_ok is True
        assert replace(REPORT, fee=Decimal("0.00030001")).total_ok is False

    @every("change", [{"fee": None}, {"deposit_amount": None}, {"payouts": rows("0.1", None)}])
    def test_not_stated_is_neither_right_nor_wrong(self, change: dict[str, Any]) -> None:
        assert replace(REPORT, **change).total_ok is None


class TestDifferences:
    def test_none_whatever_the_order_and_the_zeros(self) -> None:
        assert differences(REQUEST, REPORT) == ()

    def test_capitals_of_a_qr_code_are_the_same_address(self) -> None:
        shouted = (Payout(ONE.upper(), Decimal("0.1")), REPORT.payouts[0])
        assert differences(REQUEST, replace(REPORT, payouts=shouted)) == ()
        other = (REPORT.payouts[1], Payout(TWO.upper(), Decimal("0.2")))
        assert differences(REQUEST, replace(REPORT, payouts=other)) == ("payouts",)

    @every(
        ("change", "names"),
        [
            ({"payouts": rows("0.1")}, ("payouts", "depositAmount")),
            ({"payouts": rows("0.1", "0.20000001")}, ("payouts", "depositAmount")),
            ({"payouts": rows("0.1", None)}, ("payouts", "depositAmount")),
            ({"payouts": rows("0.2", "0.1")}, ("payouts",)),
            ({"delay": 3}, ("delay",)),
            ({"delay": None}, ("delay",)),
            ({"deposit_address": ""}, ("depositAddress",)),
            ({"deposit_amount": Decimal("0.30030001")}, ("depositAmount",)),
            ({"fee": None}, ("depositAmount",)),
            ({"signature_ok": False}, ("signature",)),
            ({"signature_ok": None}, ()),
        ],
    )
    def test_each_is_named(self, change: dict[str, Any], names: tuple[str, ...]) -> None:
        assert differences(REQUEST, replace(REPORT, **change)) == names


class TestCouldBe:
    @every(
        ("change", "fits"),
        [
            ({}, True),
            ({"created": MADE - timedelta(seconds=1)}, False),
            ({"created": None}, False),
            ({"delay": 1}, False),
            ({"payouts": rows("0.1", "0.3")}, False),
            ({"deposit_amount": None, "fee": None, "signature_ok": None}, True),  # as in a list
        ],
    )
    def test_same_rows_same_delay_made_since(self, change: dict[str, Any], fits: bool) -> None:
        assert could_be(REQUEST, replace(REPORT, **change), since=MADE) is fits

    def test_their_times_have_whole_seconds(self) -> None:
        assert could_be(REQUEST, REPORT, since=MADE + timedelta(milliseconds=999))
        assert not could_be(REQUEST, REPORT, since=MADE + timedelta(seconds=1))


class TestCapability:
    def test_having_the_methods_is_the_capability(self) -> None:
        assert offers("coinjoin", BatchPayouts)
        assert offers("coinjoin", Probe)
        assert not offers("coinjoin", Withdrawals)
        assert not offers("bitloga", BatchPayouts)
