"""What is refused before sending, with a sentence per field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from payments.providers.base import Field
from payments.providers.bids import BidRequest, QuoteRequest
from payments.providers.errors import Invalid
from payments.providers.premium_exchanger import parameters
from tests.every import every
from tests.payments.providers.premium_exchanger.facts import REFERENCE

BID: dict[str, Any] = {"direction_id": "21", "calc_amount": Decimal(1), "calc_action": "1"}
FORM = (
    Field("account1", "From", required=True),
    Field("cf12", "Network", "choice", choices=(("1", "TRC20"), ("2", "ERC20")), calculates=True),
    Field("docs", "Documents"),
)


def problems(build: Any, *arguments: Any, **named: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        build(*arguments, **named)
    assert all(sentence.endswith(".") for sentence in refused.value.fields.values())
    return refused.value.fields


class TestBid:
    @every(
        ("change", "field"),
        [
            ({"direction_id": ""}, "direction_id"),
            ({"direction_id": "0"}, "direction_id"),
            ({"direction_id": "21 or 1"}, "direction_id"),
            ({"calc_amount": None}, "calc_amount"),
            ({"calc_amount": "1.5"}, "calc_amount"),
            ({"calc_amount": 1.5}, "calc_amount"),
            ({"calc_amount": Decimal(0)}, "calc_amount"),
            ({"calc_amount": Decimal("-1")}, "calc_amount"),
            ({"calc_amount": Decimal("NaN")}, "calc_amount"),
            ({"calc_action": "9"}, "calc_action"),
            ({"calc_action": 0}, "calc_action"),
            ({"calc_action": ""}, "calc_action"),
            ({"calc_action": True}, "calc_action"),
            ({"calc_action": "01"}, "calc_action"),
            ({"partner_id": "x"}, "partner_id"),
            ({"account1": 5}, "account1"),
            ({"account1": "\ud800"}, "account1"),
            ({"account1": "a\x00"}, "account1"),
            ({"colour": "red"}, "colour"),
            ({"account3": "x"}, "account3"),
            ({"api_id": "7"}, "api_id"),
            ({"callback_url": "https://evil.example/"}, "callback_url"),
        ],
    )
    def test_this_is_refused_at_its_field(self, change: dict[str, Any], field: str) -> None:
        assert list(problems(parameters.bid, BidRequest(REFERENCE, BID | change))) == [field]

    @every("reference", ["", "0", "012", "a1", "1.5", "-1", "1" * 19, "١٢", "1\n"])
    def test_a_reference_is_a_number_above_zero(self, reference: str) -> None:
        """The exchanger compares only such ones: any other could be used twice."""
        assert list(problems(parameters.bid, BidRequest(reference, BID))) == ["api_id"]

    @every(
        "url",
        [
            "javascript:x",
            "https://o.example/c/?token=x",
            "https://o.example/c/#x",
            "https://o.example/a b",
            "//o/c",
        ],
    )
    def test_a_callback_address_has_no_query(self, url: str) -> None:
        assert list(problems(parameters.bid, BidRequest(REFERENCE, BID, callback_url=url))) == [
            "callback_url"
        ]

    def test_every_problem_is_told_at_once(self) -> None:
        assert set(problems(parameters.bid, BidRequest("", {"cf1": 5}, form=FORM))) == {
            *("api_id", "direction_id", "calc_amount", "calc_action", "account1", "cf1"),
        }

    @every(
        ("given", "field"),
        [
            ({}, "account1"),
            ({"account1": ""}, "account1"),
            ({"account1": "x", "cf12": "3"}, "cf12"),
            ({"account1": "x", "cf6": "a@b.example"}, "cf6"),
        ],
    )
    def test_the_directions_own_form_is_obeyed(self, given: dict[str, Any], field: str) -> None:
        assert list(problems(parameters.bid, BidRequest(REFERENCE, BID | given, form=FORM))) == [field]

    def test_what_is_right_is_sent_in_order_and_our_own_keys_stay_here(self) -> None:
        given = BID | {"account1": "x", "cf12": "2", "docs": "y", "_note": "ours", "calc_action": 4}
        url = "https://o.example/callbacks/premium_exchanger/tok-en_1/"
        assert parameters.bid(BidRequest(REFERENCE, given, form=FORM, callback_url=url)) == {
            "direction_id": "21",
            "calc_amount": Decimal(1),
            "calc_action": "4",
            "api_id": REFERENCE,
            "callback_url": url,
            "account1": "x",
            "cf12": "2",
            "docs": "y",
        }


class TestCalculation:
    @every(
        ("request_", "field"),
        [
            (QuoteRequest("", Decimal(1)), "direction_id"),
            (QuoteRequest("21", Decimal(0)), "calc_amount"),
            (QuoteRequest("21", Decimal(1), 5), "calc_action"),
            (QuoteRequest("21", Decimal(1), 1, {"calc_amount": "5"}), "calc_amount"),
            (QuoteRequest("21", Decimal(1), 1, {"a b": "5"}), "a b"),
            (QuoteRequest("21", Decimal(1), 1, {"cf12": 5}), "cf12"),
        ],
    )
    def test_this_is_refused_at_its_field(self, request_: QuoteRequest, field: str) -> None:
        assert list(problems(parameters.calculation, request_)) == [field]

    def test_without_fields_there_is_no_cd(self) -> None:
        assert "cd" not in parameters.calculation(QuoteRequest("21", Decimal(1)))


class TestDirection:
    @every(
        ("arguments", "field"),
        [
            (("", "", ""), "direction_id"),
            (("", "3", ""), "direction_id"),
            (("x", "", ""), "direction_id"),
            (("", "3", "y"), "currency_id_get"),
        ],
    )
    def test_it_needs_an_id_or_both_currencies(self, arguments: tuple[str, str, str], field: str) -> None:
        """Without a valid one the exchanger answers about its first direction."""
        assert list(problems(parameters.direction, *arguments)) == [field]

    def test_both_currencies_will_do(self) -> None:
        assert parameters.direction("", "3", "5") == {"currency_id_give": "3", "currency_id_get": "5"}


class TestBidsByName:
    @every("value", ["", "a b", "../x", "ü", "x" * 129])
    def test_a_hash_is_plain(self, value: str) -> None:
        assert list(problems(parameters.bid_hash, "cancel_bid", value)) == ["hash"]

    @every(("id", "hash", "field"), [("", "", "id"), ("x", "", "id"), ("", "a b", "hash")])
    def test_a_look_up_needs_one_of_them(self, id: str, hash: str, field: str) -> None:
        assert list(problems(parameters.bid_look_up, id, hash)) == [field]


class TestListing:
    RIGHT: dict[str, Any] = {"since": None, "until": None, "limit": 100}

    @every(
        ("change", "field"),
        [
            ({"limit": 0}, "limit"),
            ({"limit": 501}, "limit"),
            ({"offset": -1}, "offset"),
            ({"since": -1}, "start_time"),
            ({"until": -1}, "end_time"),
            ({"ip": "1 or 1"}, "ip"),
            ({"provider_id": "1,2"}, "id"),
            ({"reference": "x"}, "api_id"),
        ],
    )
    def test_this_is_refused_at_its_field(self, change: dict[str, Any], field: str) -> None:
        assert list(problems(parameters.listing, "get_exchanges", **self.RIGHT | change)) == [field]

    def test_what_is_not_asked_for_is_not_sent(self) -> None:
        assert parameters.listing("get_exchanges", **self.RIGHT) == {"limit": 100}


class TestPayout:
    @every(
        ("given", "fields"),
        [
            ({}, {"method_id", "account"}),
            ({"method_id": "5"}, {"account"}),
            ({"method_id": "x", "account": "y"}, {"method_id"}),
            ({"method_id": "5", "account": 5}, {"account"}),
            ({"method_id": "5", "account": "y", "amount": "1"}, {"amount"}),
        ],
    )
    def test_it_needs_both_and_takes_no_amount(self, given: dict[str, Any], fields: set[str]) -> None:
        assert set(problems(parameters.payout, given)) == fields


class TestRepr:
    def test_names_only(self) -> None:
        found = parameters.bid(BidRequest(REFERENCE, BID | {"account1": "canary"}))
        assert repr(found) == "<direction_id, calc_amount, calc_action, api_id, account1>"
