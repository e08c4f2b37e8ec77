"""What is sent, and what is refused before sending, with a sentence per field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from payments.providers.batches import BatchRequest, Payout
from payments.providers.coinjoin import parameters
from payments.providers.errors import Invalid
from tests.every import every
from tests.payments.providers.coinjoin.facts import ADDRESS, FIELDS, FIRST, SECOND


def problems(build: Any, *arguments: Any) -> list[str]:
    with pytest.raises(Invalid) as refused:
        build(*arguments)
    assert all(sentence.endswith(".") for sentence in refused.value.fields.values())
    return list(refused.value.fields)


def request(**changes: Any) -> BatchRequest:
    return BatchRequest("1", FIELDS | changes)


def row(amount: Any, address: Any = FIRST) -> tuple[Payout, ...]:
    return (Payout(address, amount),)


class TestBatch:
    def test_a_map_of_plain_decimal_texts_in_the_order_of_the_form(self) -> None:
        sent = parameters.batch(request())
        assert sent == {
            "delay": "1",
            "payouts": {FIRST: "0.001", SECOND: "0.002"},
            "refCode": "qljncygz",
        }
        assert list(sent["payouts"]) == [FIRST, SECOND]  # type: ignore[call-overload]

    def test_our_own_keys_stay_here_and_no_code_is_none(self) -> None:
        assert set(parameters.batch(request(refCode="", _note="x"))) == {"delay", "payouts"}
        assert set(parameters.batch(request(refCode=None))) == {"delay", "payouts"}

    @every(
        ("amount", "spelled"),
        [("1E-8", "0.00000001"), ("1E+3", "1000"), ("0.10000000", "0.1"), ("21000000", "21000000")],
    )
    def test_never_an_exponent(self, amount: str, spelled: str) -> None:
        assert parameters.batch(request(payouts=row(Decimal(amount))))["payouts"] == {FIRST: spelled}

    @every("delay", [0, 1, 8784])
    def test_whole_hours(self, delay: int) -> None:
        assert parameters.batch(request(delay=delay))["delay"] == str(delay)

    @every("delay", [None, "", "1", -1, 8785, 1.5, True, Decimal(1)])
    def test_no_other_delay(self, delay: Any) -> None:
        assert problems(parameters.batch, request(delay=delay)) == ["delay"]

    @every("payouts", [None, (), [], "", {}, "x", {FIRST: Decimal(1)}, [(FIRST, Decimal(1))]])
    def test_no_other_rows(self, payouts: Any) -> None:
        assert problems(parameters.batch, request(payouts=payouts)) == ["payouts"]

    @every(
        "amount",
        ["0", "-1", "NaN", "Infinity", "0.000000001", "21000000.00000001", "1E+400", None, 1, 0.5, "1", True],
    )
    def test_no_other_amount(self, amount: Any) -> None:
        value = Decimal(amount) if isinstance(amount, str) and amount != "1" else amount
        assert problems(parameters.batch, request(payouts=row(value))) == ["payouts"]

    def test_not_more_than_there_is(self) -> None:
        rows = (Payout(FIRST, Decimal(20_000_000)), Payout(SECOND, Decimal(2_000_000)))
        assert problems(parameters.batch, request(payouts=rows)) == ["payouts"]

    @every("address", ["", "short", "a b" * 10, "x" * 91, f"{FIRST}/", "ж" * 30, None])
    def test_no_other_address(self, address: Any) -> None:
        assert problems(parameters.batch, request(payouts=row(Decimal(1), address))) == ["payouts"]

    def test_each_address_once_because_a_map_would_lose_one(self) -> None:
        assert problems(parameters.batch, request(payouts=row(Decimal(1)) + row(Decimal(2)))) == ["payouts"]

    @every("code", ["a b", "x" * 65, "ж", 5])
    def test_no_other_code(self, code: Any) -> None:
        assert problems(parameters.batch, request(refCode=code)) == ["refCode"]

    def test_every_problem_is_told_at_once(self) -> None:
        found = problems(parameters.batch, BatchRequest("1", {"colour": "red", "refCode": "a b"}))
        assert set(found) == {"colour", "delay", "payouts", "refCode"}


class TestPaths:
    def test_addresses(self) -> None:
        assert parameters.address(ADDRESS) == f"validateAddress/{ADDRESS}"
        for wrong in ("", "../status", "a" * 91, f"{ADDRESS}?x", f"{ADDRESS}\n", "ж" * 30):
            assert problems(parameters.address, wrong) == ["address"]

    def test_ids(self) -> None:
        assert parameters.transaction("Q96G3MSNW8MPQRTX") == "transaction/Q96G3MSNW8MPQRTX"
        for wrong in ("", "..", "a/b", "a?b", "a b", "x" * 101, "ж"):
            assert problems(parameters.transaction, wrong) == ["id"]

    def test_pages(self) -> None:
        assert parameters.page(30, 0) == "transactions?limit=30&offset=0"
        assert problems(parameters.page, 0, -1) == ["limit", "offset"]
        assert problems(parameters.page, 1001, 0) == ["limit"]
