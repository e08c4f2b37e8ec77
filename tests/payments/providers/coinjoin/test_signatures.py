"""The signature's vectors, PHP's spelling of numbers, and what is no signature."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.providers.coinjoin import signatures
from payments.providers.redaction import Secret
from tests.every import every
from tests.payments.providers.coinjoin.facts import SECRET, recorded, signature

KEY = Secret(SECRET)


def base(body: str, number: Any = str) -> str:
    return signatures.base_string(signatures.spelled(body.encode()), number)


def judged(body: str | bytes) -> tuple[bool | None, str]:
    return signatures.judge(KEY, signatures.spelled(body.encode() if isinstance(body, str) else body))


class TestVectors:
    """Those of WIRE section 5."""

    def test_the_documents_transaction(self) -> None:
        expected = "oeBMbopUQ+FYWpOwkFrZI7Tn2r2X/oEXAN+Nf0Rd02Y="
        text = base(recorded("transaction").decode())
        assert text == (
            "Q96G3MSNW8MPQRTX|complete|tb1q0pkwdj3pqdp587yrc8sus876kccn5tq577ce5x|0.0062244|"
            "80bb6cda5036ce277598d949d2e4b3771c56b31ba77b757bf9753a370f16c99|"
            "mfuAKvSsAMrC7gjbEEb521uc1myeF9BSsc,0.006|"
            "0ea6f3a702a368ed09830d959f1c82b7d8f65f53a783965514380e123fc8ca4e|0.0002244|0|"
            "2022-04-28T09:46:11+00:00|2022-04-28T09:42:41+00:00"
        )
        assert signatures.sign(KEY, text) == expected
        assert judged(recorded("transaction_signed")) == (True, "raw")

    @every(
        ("body", "text"),
        [
            ('{"p":["x","y"]}', "0,1,x,y"),
            ('{"a":true,"b":false,"c":null}', "1||"),
            ('{"p":[]}', ","),
            ('{"p":{}}', ","),
            ('{"p":{"k":"v"},"q":1}', "k,v|1"),
            ('{"p":{"k":true,"l":null,"m":[1],"n":{"o":1}}}', "k,l,m,n,1,,Array,Array"),
            ('{"signature":"x","a":"b"}', "b"),
            ('{"a":"b","signature":"x"}', "b"),
            ('{"a":"\\u00e9\\/"}', "é/"),
            ("{}", ""),
            ('{"a":{"10":"x","9":"y"}}', "10,9,x,y"),
        ],
    )
    def test_how_php_joins(self, body: str, text: str) -> None:
        assert base(body) == text


class TestNumbers:
    @every(
        ("text", "php"),
        [
            ("0.00005", "5.0E-5"),
            ("1.0", "1"),
            ("0.10", "0.1"),
            ("20999999.99999999", "21000000"),
            ("0.0002244", "0.0002244"),
            ("0.0001", "0.0001"),
            ("0.00016000000000000001", "0.00016"),
            ("1.5e-7", "1.5E-7"),
            ("1E5", "100000"),
            ("1e15", "1.0E+15"),
            ("123456789012345678", "123456789012345678"),
            ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "9.2233720368548E+18"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("1" * 5000, "INF"),
            ("-0", "-0"),
            ("0", "0"),
            ("1e-400", "0"),
            ("1e-320", "9.9998886718268E-321"),
            ("1e100", "1.0E+100"),
        ],
    )
    def test_as_php_casts_them(self, text: str, php: str) -> None:
        assert signatures.php_number(text) == php

    @given(number=st.decimals(0, 21_000_000, places=8))
    @settings(max_examples=300, deadline=None)
    def test_an_amount_is_told_apart_by_its_spelling_only(self, number: Any) -> None:
        assert abs(float(signatures.php_number(f"{number:f}")) - float(number)) < 1e-6

    @every(
        ("fee", "form", "text"),
        [
            ("0.00005", "raw", "0.00005"),
            ("0.00005", "php", "5.0E-5"),
            ("1.0", "php", "1"),
            ("0.10", "raw", "0.10"),
        ],
    )
    def test_both_candidates_are_tried(self, fee: str, form: str, text: str) -> None:
        body = f'{{"id":"A","fee":{fee},"signature":"{signature(f"A|{text}")}"}}'
        assert judged(body) == (True, form)

    def test_numbers_inside_the_payouts_too(self) -> None:
        body = f'{{"payouts":{{"a":0.00005,"b":1}},"signature":"{signature("a,b,5.0E-5,1")}"}}'
        assert judged(body) == (True, "php")

    def test_a_mixture_of_both_is_wrong(self) -> None:
        body = f'{{"x":0.00005,"y":0.00006,"signature":"{signature("5.0E-5|0.00006")}"}}'
        assert judged(body) == (False, "")


class TestJudgement:
    @every("value", ["", "null", '""'])
    def test_none_is_unsigned(self, value: str) -> None:
        assert judged(f'{{"id":"A","signature":{value}}}' if value else '{"id":"A"}') == (None, "")

    @every("value", ['"x"', "5", "true", "false", "[]", "{}", '"é"', '"\\ud800"', f'"{signature("B")}"'])
    def test_anything_else_that_is_not_the_right_one_is_wrong(self, value: str) -> None:
        assert judged(f'{{"id":"A","signature":{value}}}') == (False, "")

    def test_half_a_letter_in_a_value_is_no_crash(self) -> None:
        assert judged('{"id":"\\ud800","signature":"x"}') == (False, "")

    def test_another_secret_hex_and_cut_off_ones_are_wrong(self) -> None:
        right = signature("A")
        hexed = hmac.new(SECRET.encode(), b"A", hashlib.sha256).hexdigest()
        for value in (signature("A", "other"), hexed, right[:-2], right.swapcase()):
            assert judged(json.dumps({"id": "A", "signature": value})) == (False, "")
        assert judged(json.dumps({"id": "A", "signature": f" {right}\n"})) == (True, "raw")

    @every("place", range(11))
    def test_each_changed_value_makes_it_wrong(self, place: int) -> None:
        data = json.loads(recorded("transaction_signed"))
        name = list(data)[place]
        data[name] = {"mfuAKvSsAMrC7gjbEEb521uc1myeF9BSsc": "0.007"} if name == "payouts" else "other"
        assert judged(json.dumps(data)) == (False, "")

    def test_the_order_of_the_answer_counts(self) -> None:
        data = json.loads(recorded("transaction_signed"))
        assert judged(json.dumps(dict(reversed(data.items())))) == (False, "")
