"""What is refused before sending, with a sentence per field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from payments.providers.bitexbit import parameters
from payments.providers.errors import Invalid
from tests.payments.providers.bitexbit.facts import CALLBACK_URL, REFERENCE, case

WALLET: dict[str, Any] = {"ticker": "ETH", "network": "ethereum"}
INVOICE: dict[str, Any] = {
    "ticker": "UAH",
    "network": "wiretransfer",
    "amount": Decimal(300),
    "client_ip": "203.0.113.7",
}
WITHDRAWAL: dict[str, Any] = {"ticker": "USDT", "network": "tron", "amount": Decimal(22), "address": "TR4d"}


def problems(build: Any, *arguments: Any, **named: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        build(*arguments, **named)
    assert all(sentence.endswith((".", "%.")) for sentence in refused.value.fields.values())
    return refused.value.fields


class TestWallet:
    def test_this_is_refused_at_its_field(self) -> None:
        for change, field in [
            ({"ticker": ""}, "ticker"),
            ({"network": None}, "network"),
            ({"ticker": 5}, "ticker"),
            ({"network": "a\x00"}, "network"),
            ({"network": "\ud800"}, "network"),
            ({"colour": "red"}, "colour"),
            ({"convert_ticker": "USDT"}, "convert_percent"),
            ({"convert_percent": "5"}, "convert_ticker"),
            ({"convert_limit": Decimal(5)}, "convert_ticker"),
            ({"convert_ticker": "USDT", "convert_percent": "x"}, "convert_percent"),
            ({"convert_ticker": "USDT", "convert_percent": "1,5"}, "convert_percent"),
            ({"convert_ticker": "USDT", "convert_percent": "١"}, "convert_percent"),
            ({"convert_ticker": "USDT", "convert_percent": "100"}, "convert_percent"),
            ({"convert_ticker": "USDT", "convert_percent": 2}, "convert_percent"),
            ({"convert_ticker": "USDT", "convert_percent": Decimal("NaN")}, "convert_percent"),
            ({"convert_ticker": "USDT", "convert_percent": "2", "convert_limit": 5}, "convert_limit"),
        ]:
            with case(change, field):
                assert list(problems(parameters.wallet, WALLET | change, "")) == [field]

    def test_a_percentage_may_be_below_zero_and_has_no_exponent(self) -> None:
        for percent, spelled in [
            ("0", "0"),
            ("-2.5", "-2.5"),
            (Decimal("1E+1"), "10"),
            (Decimal("-0.50"), "-0.5"),
        ]:
            with case(percent, spelled):
                given = WALLET | {"convert_ticker": "USDT", "convert_percent": percent}
                assert parameters.wallet(given, "")["convert_percent"] == spelled

    def test_nothing_is_converted_unless_it_is_chosen(self) -> None:
        assert parameters.wallet({**WALLET, "convert_ticker": "", "_note": "x"}, CALLBACK_URL) == {
            **WALLET,
            "callback_url": CALLBACK_URL,
        }


class TestInvoice:
    def test_each_of_the_four_is_needed(self) -> None:
        for field in INVOICE:
            with case(field):
                assert list(problems(parameters.invoice, INVOICE | {field: None}, "")) == [field]

    def test_the_payers_address_is_one(self) -> None:
        for address in ["localhost", "1.2.3", "1.2.3.4/32", "300.1.1.1", "01.2.3.4", 5]:
            with case(address):
                assert list(problems(parameters.invoice, INVOICE | {"client_ip": address}, "")) == [
                    "client_ip"
                ]

    def test_either_kind_of_address(self) -> None:
        for address, kept in [("203.0.113.7", "203.0.113.7"), ("2001:DB8:0::1", "2001:db8::1")]:
            with case(address, kept):
                assert parameters.invoice(INVOICE | {"client_ip": address}, "")["client_ip"] == kept

    def test_an_amount_is_a_decimal_above_zero(self) -> None:
        for amount in [Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("Infinity"), 1, 1.5, "1.5", True]:
            with case(amount):
                assert list(problems(parameters.invoice, INVOICE | {"amount": amount}, "")) == ["amount"]

    def test_every_problem_is_told_at_once(self) -> None:
        given = {"convert_ticker": "BTC", "amount": 1, "x": 1}
        assert set(problems(parameters.invoice, given, "")) == {
            *("ticker", "network", "amount", "client_ip", "convert_percent", "x")
        }


class TestWithdrawal:
    def test_each_of_the_four_is_needed(self) -> None:
        for field in ["ticker", "network", "amount", "address"]:
            with case(field):
                assert list(problems(parameters.withdrawal, REFERENCE, WITHDRAWAL | {field: None}, "")) == [
                    field
                ]

    def test_an_address_or_a_card_but_not_both(self) -> None:
        given = WITHDRAWAL | {"card": "4111111111111111"}
        assert list(problems(parameters.withdrawal, REFERENCE, given, "")) == ["card"]
        assert "address" not in parameters.withdrawal(REFERENCE, given | {"address": ""}, "")

    def test_this_is_refused_at_its_field(self) -> None:
        for change, field in [
            ({"fee_payer": "3"}, "fee_payer"),
            ({"fee_payer": 1}, "fee_payer"),
            ({"auto_buy_ticker": "ETH"}, "auto_buy_percent"),
            ({"auto_buy_percent": "5"}, "auto_buy_ticker"),
            ({"callback_url": "https://x.example/"}, "callback_url"),
            ({"client_order_id": "7"}, "client_order_id"),
        ]:
            with case(change, field):
                assert list(problems(parameters.withdrawal, REFERENCE, WITHDRAWAL | change, "")) == [field]

    def test_a_reference_is_short_and_plain(self) -> None:
        for reference in ["", "a b", "ü", "1" * 65, "1\n", "\x00"]:
            with case(reference):
                assert list(problems(parameters.withdrawal, reference, WITHDRAWAL, "")) == ["client_order_id"]


class TestLists:
    def test_this_is_refused(self) -> None:
        for change, field in [
            ({"page": 0}, "page"),
            ({"limit": 0}, "limit"),
            ({"limit": 501}, "limit"),
            ({"ordering": "amount"}, "ordering"),
            ({"filters": {"memo": "x"}}, "memo"),
            ({"filters": {"txid": 5}}, "txid"),
        ]:
            with case(change, field):
                given = {"filters": {}, **change}
                assert list(problems(parameters.page_query, allowed=("txid",), **given)) == [field]

    def test_empty_filters_are_not_sent(self) -> None:
        query = parameters.page_query(filters={"txid": ""}, allowed=("txid",))
        assert query == {"page": "1", "limit": "100", "ordering": "-id"}

    def test_methods_have_two_orderings(self) -> None:
        assert list(problems(parameters.methods_query, "name")) == ["ordering"]


class TestRepr:
    def test_names_only(self) -> None:
        assert repr(parameters.withdrawal(REFERENCE, WITHDRAWAL, "")) == (
            "<ticker, network, address, amount, client_order_id>"
        )
