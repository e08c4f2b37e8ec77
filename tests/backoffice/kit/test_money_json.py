"""kit.money: JSON in and out, every number to the last digit and without an exponent."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backoffice.kit import money
from tests.every import every

any_amount = st.decimals(-(10**17), 10**17, places=18) | st.decimals(-1000, 1000, places=2)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
documents = st.recursive(
    st.none() | st.booleans() | any_amount | texts,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(texts, inside, max_size=4),
    max_leaves=12,
)


class TestJson:
    @given(documents)
    def test_what_was_written_is_read_back(self, document: Any) -> None:
        assert money.loads(money.dumps(document)) == document

    @given(documents)
    def test_any_other_reader_understands_it_alike(self, document: Any) -> None:
        plainly = json.loads(money.dumps(document).decode(), parse_float=Decimal, parse_int=Decimal)
        assert plainly == document

    @given(
        st.lists(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
    )
    @example([Decimal("1E-8"), Decimal("1E+25"), Decimal("-0"), Decimal("0E-18")])
    def test_never_writes_an_exponent(self, numbers: list[Decimal]) -> None:
        written = money.dumps(numbers)
        assert set(written) <= set(b"[],-.0123456789")
        assert money.loads(written) == numbers

    def test_writes_compactly_in_the_order_given(self) -> None:
        document = {"b": Decimal("1E-8"), "a": [Decimal("12.50"), None, True, 7], "c": "Счёт"}
        assert money.dumps(document) == '{"b":0.00000001,"a":[12.50,null,true,7],"c":"Счёт"}'.encode()

    @every("number", [1.5, float("nan"), Decimal("NaN"), Decimal("Infinity"), Decimal("1E+99999")])
    def test_does_not_write_what_is_not_exact(self, number: Any) -> None:
        with pytest.raises(money.BadAmount):
            money.dumps({"amount": [number]})

    @every("document", [{Decimal("1E-8"): 1}, {1.5: 1}, {1: 1}, {None: 1}, {"a": {1, 2}}])
    def test_does_not_write_what_json_has_no_form_for(self, document: Any) -> None:
        with pytest.raises(TypeError):
            money.dumps(document)

    @every(("written", "read"), [("1.0e-8", "0.00000001"), ("1E+2", "100"), ("0.10", "0.1"), ("-5", "-5")])
    def test_every_number_is_a_decimal(self, written: str, read: str) -> None:
        found = money.loads(f'{{"amount": {written}}}')["amount"]
        assert isinstance(found, Decimal)
        assert money.plain(found) == read

    def test_a_number_that_no_float_could_hold_is_kept(self) -> None:
        assert money.loads(b"999999999999999999.999999999999999999") == Decimal(
            "999999999999999999.999999999999999999"
        )

    @every(
        "body",
        [
            b"",
            b"{",
            b"[1,]",
            b"{'a':1}",
            b"<html>",
            b"01",
            b"+1",
            b".5",
            b"NaN",
            b'{"a":Infinity}',
            b"-Infinity",
            b"1e99999999999999999999",
            b"-1e-99999999999999999999",
            b'{"a":1,"a":2}',
            b'{"x":{"a":1,"b":2,"a":1}}',
            b"\xef\xbb\xbf{}",
            b"\xff\xfe{\x00}\x00",
            b'{"a":"\xe9"}',
            b'{"a":"\xed\xa0\x80"}',
            b"[" * 100_000 + b"]" * 100_000,
            b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        ],
    )
    def test_whatever_is_unclear_is_a_value_error(self, body: bytes) -> None:
        with pytest.raises(ValueError):
            money.loads(body)

    @given(
        st.binary(max_size=60) | st.text('{}[]",:0123456789.eE+-truefalsn\\ ', max_size=60).map(str.encode)
    )
    def test_no_bytes_raise_anything_else(self, body: bytes) -> None:
        try:
            money.loads(body)
        except ValueError:
            return
