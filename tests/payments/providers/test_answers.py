"""Texts, ids, amounts and waits out of an answer (RELIABILITY E05, E06)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from payments.providers import answers
from payments.providers.answers import Unreadable
from tests.every import every


def read(spelling: str) -> Decimal:
    data = answers.json_object(f'{{"a":{spelling}}}'.encode())
    if data is None:
        raise Unreadable("a")
    return answers.amount(data, "a")


class TestAmount:
    @every(
        ("spelling", "value"),
        [
            ("1", "1"),
            ("10.00", "10.00"),
            ('"10.00"', "10.00"),
            ("10.0999999999999996", "10.0999999999999996"),
            ("0.00012344999999999999", "0.00012344999999999999"),
            ("1.0e-8", "0.00000001"),
            ('"1.0e-8"', "0.00000001"),
            ("1.0E+3", "1000"),
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("999999999999999999.999999999999999999", "999999999999999999.999999999999999999"),
        ],
    )
    def test_it_is_what_it_spells(self, spelling: str, value: str) -> None:
        assert read(spelling) == Decimal(value)

    @every(
        "spelling",
        [
            '"1,5"',
            '"١٢"',
            '"１２"',
            "NaN",
            '"NaN"',
            "Infinity",
            "-Infinity",
            '"inf"',
            "1e400",
            '"1e400"',
            "1e-400",
            "1e9999999999999999999",
            '"1e9999999999999999999"',
            '"0x10"',
            '"1_000"',
            '"1 000"',
            '""',
            '" "',
            '"+1"',
            '".5"',
            '"1."',
            '"01"',
            "null",
            "true",
            "false",
            "[]",
            "[1]",
            "{}",
            '{"a":1}',
            '"true"',
            '"[1]"',
            "-1",
            '"-1.5"',
            "1000000000000000000",
            '"1.5 USDT"',
            '"$1"',
        ],
    )
    def test_anything_else_is_unreadable(self, spelling: str) -> None:
        with pytest.raises(Unreadable):
            read(spelling)

    def test_a_missing_one_is_unreadable(self) -> None:
        with pytest.raises(Unreadable):
            answers.amount({}, "a")

    def test_a_balance_may_be_negative(self) -> None:
        assert answers.signed_amount({"a": Decimal("-1.5")}, "a") == Decimal("-1.5")

    def test_a_difference_loses_no_digit(self) -> None:
        whole, part = Decimal("999999999999999999.999999999999999999"), Decimal("0.000000000000000001")
        assert answers.difference(whole, part) == Decimal("999999999999999999.999999999999999998")


class TestText:
    @every(
        ("value", "kept"),
        [
            (None, ""),
            (False, ""),
            ([], ""),
            ({}, ""),
            ("", ""),
            ("abc", "abc"),
            (Decimal(5), "5"),
            (Decimal("5.0"), "5"),
            (Decimal("0"), "0"),
            (Decimal("79088889999"), "79088889999"),
            (Decimal("4111111111111111"), "4111111111111111"),
            ("a\x00b", "a\ufffdb"),
            ("a\ud800b", "a\ufffdb"),
        ],
    )
    def test_texts_and_numbers_are_kept_and_empty_values_are_empty(self, value: object, kept: str) -> None:
        assert answers.text({"a": value}, "a") == kept

    @every("value", [True, [1], {"a": 1}, "x" * 301, Decimal("1e400"), Decimal("NaN")])
    def test_anything_else_is_unreadable(self, value: object) -> None:
        with pytest.raises(Unreadable):
            answers.text({"a": value}, "a")

    @every("value", [None, "", "  ", False])
    def test_a_needed_one_must_be_there(self, value: object) -> None:
        with pytest.raises(Unreadable):
            answers.needed({"a": value}, "a")


class TestLink:
    @every("value", ["https://a.example/x", "http://a.example", " HTTPS://a.example/?a=b#c "])
    def test_http_and_https_are_links(self, value: str) -> None:
        assert answers.link({"a": value}, "a") == value.strip()

    @every(
        "value",
        [
            "javascript:alert(1)",
            "data:text/html,x",
            "//a.example",
            "/a",
            "https://",
            "https://a b",
            'https://a"onx=',
            5,
            None,
        ],
    )
    def test_nothing_else_is(self, value: object) -> None:
        assert answers.link({"a": value}, "a") == ""


class TestJsonObject:
    @every(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b"1",
            b'"x"',
            b"true",
            b"{",
            b'{"a":1',
            b'\xef\xbb\xbf{"a":1}',
            '{"a":"é"}'.encode("latin-1"),
            b"<html>",
            b'{"a":NaN}',
            b'{"a":1e9999999999999999999}',
            b'{"a":1,"a":2}',
            b'{"a":1}x',
            b"{'a':1}",
            b"[" * 100_000,
            '{"a":1}'.encode("utf-16"),
            b"\x00",
        ],
    )
    def test_only_a_clean_object_is_one(self, body: bytes) -> None:
        assert answers.json_object(body) is None
