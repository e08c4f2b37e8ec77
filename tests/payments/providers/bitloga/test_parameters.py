"""What is refused before sending, with a sentence per field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from payments.providers.bitloga import parameters
from payments.providers.errors import Invalid
from tests.every import every

REFERENCE = "261120101530123456"
INVOICE: dict[str, Any] = {"paysys": "USDTBALANCE", "amount": Decimal("1.50")}
WITHDRAWAL: dict[str, Any] = {"currency": "USDT", "paysys": "X", "amount": Decimal(1), "purse": "U1"}


def problems(build: Any, *arguments: Any, **named: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        build(*arguments, **named)
    assert all(sentence.endswith(".") for sentence in refused.value.fields.values())
    return refused.value.fields


class TestInvoice:
    @every(
        ("change", "field"),
        [
            ({"paysys": ""}, "paysys"),
            ({"amount": None}, "amount"),
            ({"pay_amount": Decimal(5)}, "pay_amount"),
            ({"amount": None, "pay_amount": Decimal(5)}, "paylist"),
            ({"amount": None, "pay_amount": Decimal(5), "paylist": "A,B"}, "paylist"),
            ({"amount": None, "pay_amount": Decimal(5), "paylist": ["A", "B"]}, "paylist"),
            ({"paylist": ["A,B"]}, "paylist"),
            ({"paylist": [""]}, "paylist"),
            ({"comis": "nobody"}, "comis"),
            ({"desc": 5}, "desc"),
            ({"desc": "\ud800"}, "desc"),
            ({"desc": "a\x00"}, "desc"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_this_is_refused_at_its_field(self, change: dict[str, Any], field: str) -> None:
        assert list(problems(parameters.invoice, REFERENCE, INVOICE | change, "")) == [field]

    @every(
        "amount",
        [Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("Infinity"), 1, 1.5, "1.5", True, Decimal("-0")],
    )
    def test_an_amount_is_a_decimal_above_zero(self, amount: Any) -> None:
        assert list(problems(parameters.invoice, REFERENCE, INVOICE | {"amount": amount}, "")) == ["amount"]

    @every("reference", ["", "a b", "ü", "1" * 65, "1\n", "\x00"])
    def test_a_reference_is_short_and_plain(self, reference: str) -> None:
        assert list(problems(parameters.invoice, reference, INVOICE, "")) == ["uniqueid"]

    def test_every_problem_is_told_at_once(self) -> None:
        assert set(problems(parameters.invoice, "", {"comis": "x", "desc": 1}, "")) == {
            "uniqueid",
            "comis",
            "desc",
            "paysys",
            "amount",
        }

    def test_a_list_of_ways_is_joined_and_our_own_keys_stay_here(self) -> None:
        given = INVOICE | {"paylist": ["WMZ", "SBP_RUB"], "_note": "x", "_max_debit": Decimal(1), "name": ""}
        assert parameters.invoice(REFERENCE, given, "https://o.example/c/") == {
            "action": "invoice",
            "uniqueid": REFERENCE,
            "paysys": "USDTBALANCE",
            "amount": Decimal("1.50"),
            "paylist": "WMZ,SBP_RUB",
            "callbackurl": "https://o.example/c/",
        }


class TestWithdrawal:
    @every("field", WITHDRAWAL)
    def test_each_of_the_four_is_needed(self, field: str) -> None:
        assert list(problems(parameters.withdrawal, REFERENCE, WITHDRAWAL | {field: None})) == [field]


class TestCodes:
    def test_a_new_one_needs_amount_and_currency(self) -> None:
        assert set(problems(parameters.new_code, {"pass": "x"})) == {"amount", "currency"}

    def test_redeeming_needs_the_code(self) -> None:
        assert set(problems(parameters.code_to_redeem, {"pass": "x"})) == {"code"}

    @every(("limit", "offset", "field"), [(0, 0, "limit"), (101, 0, "limit"), (1, -1, "offset")])
    def test_a_page_has_1_to_100_codes(self, limit: int, offset: int, field: str) -> None:
        query = {"code": "", "amount": None, "currency": "", "status": ""}
        assert list(problems(parameters.code_query, **query, limit=limit, offset=offset)) == [field]


class TestRepr:
    def test_names_only(self) -> None:
        assert repr(parameters.new_code({"amount": Decimal(1), "currency": "USDT", "pass": "canary"})) == (
            "<action, amount, currency, pass>"
        )
