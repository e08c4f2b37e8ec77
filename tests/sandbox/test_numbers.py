"""Numbers as PHP prints them, and the other styles that can be set."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sandbox.bitloga.numbers import encode, fixed_number, noisy_number, php_number
from tests.every import every


class TestPhpNumber:
    @every(
        ("amount", "printed"),
        [
            ("10.10", "10.1"),
            ("10.00", "10"),
            ("0", "0"),
            ("-0", "0"),
            ("0.1", "0.1"),
            ("0.0001", "0.0001"),
            ("0.00001", "1.0e-5"),
            ("0.00000001", "1.0e-8"),
            ("0.00001234", "1.234e-5"),
            ("-1.5", "-1.5"),
            ("1500000", "1500000"),
            ("123456789.12345", "123456789.12345"),
            ("12345678.12345678", "12345678.12345678"),
            ("0.123456789012345678", "0.12345678901234568"),
            ("100000000000000000000", "1.0e+20"),
        ],
    )
    def test_prints_as_json_encode_does(self, amount, printed):
        assert php_number(Decimal(amount)) == printed


class TestOtherStyles:
    def test_noise_shows_what_the_float_holds(self):
        assert noisy_number(Decimal("10.10")) == "10.0999999999999996"
        assert noisy_number(Decimal("10")) == "10"

    def test_fixed_has_two_decimals_at_least(self):
        assert fixed_number(Decimal("10")) == "10.00"
        assert fixed_number(Decimal("0.00012")) == "0.00012"

    def test_strings_are_quoted(self):
        assert encode({"amount": Decimal("10.10")}, "string") == '{"amount":"10.1"}'


class TestEncode:
    def test_slashes_and_letters_are_escaped_as_php_does(self):
        text = encode({"url": "http://a/b", "name": "Ж"}, "php")
        assert text == '{"url":"http:\\/\\/a\\/b","name":"\\u0416"}'

    def test_counts_are_not_amounts(self):
        assert encode({"id": 5, "list": [Decimal("1.50")]}, "fixed") == '{"id":5,"list":[1.50]}'


class TestNumberStyle:
    @pytest.mark.parametrize(
        ("style", "printed"),
        [
            ("php", b'"USDT":10.1,'),
            ("noise", b'"USDT":10.0999999999999996,'),
            ("string", b'"USDT":"10.1",'),
            ("fixed", b'"USDT":10.10,'),
        ],
    )
    def test_is_a_setting(self, api, box, style, printed):
        box.control("bitloga/accounts", {"name": "demo", "balances": {"USDT": "10.10"}})
        box.control("settings", {"number_style": style})
        assert printed in api.post(b'{"action":"balances"}').content
