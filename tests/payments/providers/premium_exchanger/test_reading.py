"""Recorded answers and every shape of them (RELIABILITY C04 to C06, E03, E11, E13)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from payments.providers.base import Field
from payments.providers.errors import OutcomeUnknown, ProviderError, Refused
from payments.providers.premium_exchanger import bids, directions
from tests.every import every
from tests.payments.providers.premium_exchanger.facts import DOCUMENT, HASH, READERS, recorded, sample
from tests.payments.providers.premium_exchanger.test_refusals import judged


def read(operation: str, name: str = "", **changes: Any) -> Any:
    """A report; raises what the call would raise."""
    found = judged(operation, sample(name or operation, **changes))
    if isinstance(found, ProviderError):
        raise found
    return found


class TestCurrencies:
    def test_recorded(self) -> None:
        found = read("get_direction_currencies")
        assert [(one.id, one.title) for one in found.give] == [
            ("3", "Sberbank RUB"),
            ("5", "Tether TRC20 USDT"),
        ]
        assert [(one.id, one.title, one.logo) for one in found.get][1] == ("7", "Bitcoin & Lightning BTC", "")

    @every("give", [[], {}, None, False, "", ...])
    def test_a_side_may_be_empty(self, give: Any) -> None:
        assert read("get_direction_currencies", give=give).give == ()

    def test_rows_may_be_an_object(self) -> None:
        rows = {"5": {"id": 5, "title": "x"}, "7": {"id": "7", "title": "y"}}
        assert [one.id for one in read("get_direction_currencies", give=rows).give] == ["5", "7"]

    @every("give", ["x", 5, [5], [{}], [{"title": "x"}], [{"id": ["x"]}]])
    def test_one_that_cannot_be_read_spoils_the_answer(self, give: Any) -> None:
        with pytest.raises(OutcomeUnknown):
            read("get_direction_currencies", give=give)


class TestDirections:
    def test_recorded(self) -> None:
        first, second = read("get_directions").rows
        assert (first.id, first.give.id, first.give.title, first.get.id) == ("21", "3", "Sberbank RUB", "5")
        assert (second.id, second.give.logo, second.get.logo) == ("22", "", "")
        assert first.raw["direction_id"] == "21"

    def test_no_rows(self) -> None:
        for data in ([], {}, None, ""):
            assert judged("get_directions", {"error": 0, "data": data}).rows == ()


class TestDirection:
    def test_recorded(self) -> None:
        found = read("get_direction")
        assert (found.id, found.url) == ("21", "https://exchanger.example/exchange_SBERRUB_to_USDTTRC20/")
        assert found.description == "Send — we check — you receive."
        assert found.before_payment == "Pay within 20 minutes."
        assert [field.name for field in found.form] == [
            *("account1", "cfgive8", "account2", "cf6", "cf12", "cf13", "cf14", "cf15"),
        ]
        assert found.quote.changed is None
        assert found.quote.min_get == Decimal("10.5")

    @every("id", ["22", 22, "021", "21.0"])
    def test_another_direction_is_not_ours(self, id: Any) -> None:
        """Without a valid id the exchanger answers about its first direction."""
        with pytest.raises(OutcomeUnknown) as unknown:
            read("get_direction", id=id)
        assert "another direction" in unknown.value.staff

    def test_found_by_its_currencies_it_may_be_any(self) -> None:
        answer = sample("get_direction", id=99)["data"]
        assert directions.one("")(money(answer), {}).id == "99"

    def test_none_at_all_is_not_found(self) -> None:
        found = judged("get_direction", recorded("get_direction_empty"))
        assert (type(found), found.reason, list(found.fields)) == (Refused, "not_found", ["direction_id"])

    @every("info", [[], None, "x", ..., {"timeline_text": ["x"]}])
    def test_its_texts_may_be_missing(self, info: Any) -> None:
        assert read("get_direction", info=info).description == ""

    @every(
        "changes",
        [
            {name: ...}
            for name in ("id", "currency_code_give", "currency_code_get", "course_give", "course_get")
        ]
        + [{"course_give": "1,5"}, {"course_get": -1}, {"min_give": "some"}, {"sum_give": [1]}],
    )
    def test_what_lacks_or_garbles_something_is_unknown(self, changes: dict[str, Any]) -> None:
        with pytest.raises(OutcomeUnknown):
            read("get_direction", **changes)


def money(data: Any) -> Any:
    """Numbers as the client reads them."""
    return {key: Decimal(value) if isinstance(value, int) else value for key, value in data.items()} | {
        "min_get": Decimal("10.5"),
        "sum_get_com": Decimal(99),
    }


class TestFields:
    def test_recorded(self) -> None:
        account, holder = read("get_direction").give_fields
        assert account == Field(
            "account1", "From account", "text", required=True, help="The card you pay from\n16 digits"
        )
        assert (holder.name, holder.required) == ("cfgive8", True)
        _mail, network, bank, comment, rules = read("get_direction").direction_fields
        assert network == Field(
            "cf12",
            "Network",
            "choice",
            choices=(("0", "No selected"), ("1", "TRC20"), ("2", "ERC20")),
            help="Changes the fee",
            calculates=True,
        )
        assert bank.choices == (("0", "No selected"), ("2", "Alfa"), ("5", "Tinkoff"))
        assert (comment.kind, comment.required) == ("textarea", False)
        assert (rules.kind, rules.choices) == (
            "choice",
            (("1", "I agree to the rules (https://exchanger.example/rules/)"),),
        )

    @every("empty", [[], {}, None, False, "", ...])
    def test_there_may_be_none(self, empty: Any) -> None:
        assert read("get_direction", give_fields=empty, get_fields=empty, dir_fields=empty).form == ()

    @every(
        ("req", "required"),
        [
            *((yes, True) for yes in (1, "1", True, "yes")),
            *((no, False) for no in (0, "0", "", None, False, "no", [])),
        ],
    )
    def test_whether_it_is_needed_in_any_spelling(self, req: Any, required: bool) -> None:
        (field,) = read("get_direction", give_fields=[{"name": "cf1", "req": req, "cd": req}]).give_fields
        assert (field.required, field.calculates) == (required, required)

    @every(
        ("options", "choices"),
        [
            ({"a": "A", "b": "<b>B</b>"}, (("a", "A"), ("b", "B"))),
            (["A", "B"], (("0", "A"), ("1", "B"))),
            ([{"value": "x", "title": "X"}, {"id": 7, "name": "Y"}], (("x", "X"), ("7", "Y"))),
            ({"1": {"title": "One"}}, (("1", "One"),)),
            ({"1": None}, (("1", "1"),)),
        ],
    )
    def test_what_a_choice_offers_in_any_shape(self, options: Any, choices: Any) -> None:
        spec = {"name": "cf1", "type": "select", "options": options}
        (field,) = read("get_direction", give_fields={"cf1": spec}).give_fields
        assert (field.kind, field.choices) == ("choice", choices)

    @every("options", [[], {}, None, "x", 5])
    def test_a_choice_of_nothing_is_a_text(self, options: Any) -> None:
        spec = {"name": "cf1", "type": "select", "options": options}
        assert read("get_direction", give_fields=[spec]).give_fields[0].kind == "text"

    @every("label", ["E-mail", "Your email", "Эл. почта", "эл почта"])
    def test_an_email_is_one_by_its_label(self, label: str) -> None:
        for kind in ("text", "textarea"):
            spec = {"name": "cf1", "type": kind, "label": label}
            assert read("get_direction", give_fields=[spec]).give_fields[0].kind == "email"

    def test_the_key_is_the_name_where_none_stands_inside(self) -> None:
        found = read(
            "get_direction", give_fields={"cf1": {"label": "One"}, "cf2": "Two", "cf3": None}
        ).give_fields
        assert [(field.name, field.label) for field in found] == [
            ("cf1", "One"),
            ("cf2", "Two"),
            ("cf3", "cf3"),
        ]

    @every(
        "value",
        [
            "x",
            5,
            True,
            ["x"],
            [5],
            [{}],
            [{"label": "no name"}],
            [{"name": "calc_amount"}],
            {"api_id": {}},
            [{"name": "callback_url"}],
            [{"name": "a b"}],
            [{"name": "cf1"}, {"name": "cf1"}],
            [{"name": ["cf1"]}],
        ],
    )
    def test_what_has_no_name_or_one_of_ours_is_unknown(self, value: Any) -> None:
        with pytest.raises(OutcomeUnknown):
            read("get_direction", dir_fields=value)


class TestCalculation:
    def test_recorded(self) -> None:
        found = read("get_calc")
        assert (found.give, found.give_with_fee) == (Decimal(9240), Decimal("9332.4"))
        assert (found.get, found.get_with_fee) == (Decimal(100), Decimal(99))
        assert (found.give_fee, found.get_fee) == ("Fee 1% of the payment system", "1 USDT")
        assert (found.course_give, found.course_get, found.reserve) == (
            Decimal("92.4"),
            1,
            Decimal("25000.5"),
        )
        assert found.changed is False

    def test_an_amount_that_was_moved_into_the_limits(self) -> None:
        assert read("get_calc", "get_calc_changed").changed is True

    @every(
        ("value", "limit"),
        [
            ("no", None),
            (" NO ", None),
            (None, None),
            ("", None),
            (False, None),
            (..., None),
            (0, Decimal(0)),
            ("0", Decimal(0)),
            ("0.00", Decimal(0)),
            (10.5, Decimal("10.5")),
            ("1000", Decimal(1000)),
            ("1.0E-5", Decimal("0.000010")),
        ],
    )
    def test_a_limit_is_a_number_a_text_or_no(self, value: Any, limit: Decimal | None) -> None:
        for name in ("min_give", "max_give", "min_get", "max_get"):
            assert getattr(read("get_calc", **{name: value}), name) == limit

    @every("value", ["1,5", "some", -1, True, [1], {"a": 1}, "1 000", "١٢"])
    def test_a_limit_that_is_neither_is_not_guessed(self, value: Any) -> None:
        with pytest.raises(OutcomeUnknown):
            read("get_calc", max_give=value)

    @every("name", ["sum_give", "sum_give_com", "sum_get", "sum_get_com"])
    @every("value", [..., None, "", "no", "x", -1])
    def test_each_amount_must_be_there(self, name: str, value: Any) -> None:
        with pytest.raises(OutcomeUnknown):
            read("get_calc", **{name: value})

    @every("value", ["∞", "many", [], None, ...])
    def test_a_reserve_in_words_is_not_stated(self, value: Any) -> None:
        assert read("get_calc", reserve=value).reserve is None

    @every(("value", "changed"), [(0, False), ("1", True), (True, True), (None, None), (..., None)])
    def test_changed(self, value: Any, changed: bool | None) -> None:
        assert read("get_calc", changed=value).changed is changed

    @every("value", [2, "maybe", [1], "-1"])
    def test_changed_that_is_neither(self, value: Any) -> None:
        with pytest.raises(OutcomeUnknown):
            read("get_calc", changed=value)


class TestCreatedBid:
    def test_recorded(self) -> None:
        found = read("create_bid")
        assert (found.provider_id, found.hash, found.url) == (
            "501",
            HASH,
            "https://exchanger.example/hst_9kQ2xYw7/",
        )
        assert (found.status, found.provider_status, found.needs_person) == ("new", "new", False)
        assert (found.amount_give, found.amount_get) == (Decimal("9332.4"), 99)
        assert (found.give_currency, found.get_currency) == ("RUB", "USDT")
        assert (found.give_system, found.get_system) == ("Sberbank", "Tether TRC20")
        assert found.status_title == "Awaiting payment"
        assert (found.actions.can_cancel, found.actions.can_pay) == (True, True)
        assert found.actions.pay_amount == Decimal("9332.4")

    def test_its_id_and_hash_are_proof_enough(self) -> None:
        found = read("create_bid", "create_bid_bare")
        assert (found.provider_id, found.hash, found.status, found.provider_status) == ("501", HASH, None, "")
        assert (found.amount_give, found.amount_get) == (None, None)

    @every(
        "changes",
        [
            {"id": ...},
            {"id": ""},
            {"id": []},
            {"hash": ...},
            {"hash": None},
            {"amount_give": "x"},
            {"status": ["x"]},
        ],
    )
    def test_without_them_or_garbled_it_is_unknown(self, changes: dict[str, Any]) -> None:
        with pytest.raises(OutcomeUnknown):
            read("create_bid", **changes)

    @every("data", [[], "", None, "501", 501, [{"id": 501}]])
    def test_success_without_a_bid_is_unknown(self, data: Any) -> None:
        assert type(judged("create_bid", {"error": 0, "error_text": "", "data": data})) is OutcomeUnknown


class TestFoundBid:
    def test_recorded(self) -> None:
        found = read("bid_info")
        assert (found.reference, found.status, found.provider_status) == ("", "paid", "payed")
        assert found.actions.type == "finished"
        assert (found.actions.can_cancel, found.actions.can_pay, found.actions.pay_url) == (False, False, "")

    def test_links_address_tag_and_words(self) -> None:
        actions = read("bid_info", "bid_info_address").actions
        assert actions.type == "address"
        assert (actions.can_cancel, actions.cancel_url) == (
            False,
            "https://exchanger.example/cancel/9kQ2xYw7",
        )
        assert (actions.can_pay, actions.pay_url) == (False, "https://exchanger.example/pay/9kQ2xYw7")
        assert (actions.address, actions.tag) == ("bc1qexampleaddress", "7788")
        assert (actions.pay_amount, actions.pay_amount_text) == (None, "0.0105 BTC")
        assert actions.instruction == "Scan this (https://exchanger.example/qr)"

    @every("changes", [{"id": "502"}, {"hash": "other"}, {"id": 5010}])
    def test_another_bid_is_not_ours(self, changes: dict[str, Any]) -> None:
        with pytest.raises(OutcomeUnknown) as unknown:
            read("bid_info", **changes)
        assert (unknown.value.staff, unknown.value.reason) == (bids.OTHER_BID, "other")

    @every(
        "changes",
        [{name: ...} for name in ("id", "hash", "status", "amount_give", "amount_get", "currency_code_give")]
        + [
            {"status": ""},
            {"status": True},
            {"amount_get": "1,5"},
            {"amount_give": -1},
            {"amount_give": "1e400"},
        ],
    )
    def test_what_lacks_or_garbles_something_is_unknown(self, changes: dict[str, Any]) -> None:
        with pytest.raises(OutcomeUnknown):
            read("bid_info", **changes)

    @every("value", [[], None, "x", 5, ..., {}, {"pay": ["x"], "pay_amount": []}])
    def test_actions_in_any_shape_allow_nothing(self, value: Any) -> None:
        actions = read("bid_info", api_actions=value).actions
        assert (actions.can_cancel, actions.can_pay, actions.cancel_url, actions.pay_url) == (
            False,
            False,
            "",
            "",
        )
        assert actions.pay_amount is None

    @every("link", ["javascript:alert(1)", "/pay", "disabled", "API ", "ftp://x/y"])
    def test_only_a_web_address_is_a_link(self, link: str) -> None:
        actions = read("bid_info", api_actions={"pay": link}).actions
        assert (actions.pay_url, actions.can_pay) == ("", link == "API ")


class TestStates:
    @every(("operation", "word"), [("cancel_bid", "cancel"), ("pay_bid", "payed")])
    def test_a_text(self, operation: str, word: str) -> None:
        assert judged(operation, recorded(operation)).provider_status == word

    def test_an_object(self) -> None:
        assert judged("success_bid", recorded("success_bid")).status == "complete"

    @every("operation", ["cancel_bid", "pay_bid", "success_bid"])
    @every("data", [[], {}, "", None, {"state": "x"}, ["cancel"], True, {"status": [1]}])
    def test_without_a_status_it_is_unknown(self, operation: str, data: Any) -> None:
        assert type(judged(operation, {"error": 0, "data": data})) is OutcomeUnknown


class TestListedBids:
    def test_recorded(self) -> None:
        first, second = read("get_exchanges").rows
        assert (first.provider_id, first.reference, first.hash) == ("501", "261120101530123456", HASH)
        assert (first.status, first.success_flag) == ("complete", "1")
        assert (first.time_text, first.date_text) == ("1795249800", "2026-11-20 10:30:00")
        assert [(one.status, one.date_text) for one in first.history] == [
            ("new", "2026-11-20 09:30:00"),
            ("complete", "2026-11-20 10:30:00"),
        ]
        assert (second.reference, second.status, second.provider_status) == ("", None, "verify_docs")
        assert first.raw["api_id"] == "261120101530123456"

    def test_an_empty_list(self) -> None:
        assert judged("get_exchanges", recorded("get_exchanges_empty")).rows == ()

    @every("reference", ["261120101530123456", "26112010153012345", "501", "2.61120101530123456e17"])
    def test_only_rows_of_exactly_the_wanted_reference_are_taken(self, reference: str) -> None:
        """C06: the exchanger's own filter compares another column."""
        data = {"items": [row(id="501"), row(id="7", api_id=261120101530123456), row(id="8", api_id=501)]}
        found = bids.listed(reference=reference)(numbers(data), {"data": data})
        expected = {"261120101530123456": ["501", "7"], "501": ["8"]}.get(reference, [])
        assert [one.provider_id for one in found.rows] == expected

    def test_one_bad_row_does_not_hide_the_others(self) -> None:
        """E11."""
        data = {"items": [row(id=str(n)) for n in range(1, 1001)]}
        data["items"][500]["amount_give"] = "1,5"
        data["items"][501] = "gone"
        found = judged("get_exchanges", {"error": 0, "error_text": "", "data": data})
        assert len(found.rows) == 998
        assert [one if isinstance(one, str) else one["id"] for one in found.unreadable] == ["501", "gone"]

    @every("flag", [0, 1, "0", "1", None, [], "yes", ...])
    @every("word", DOCUMENT["statuses"]["bid"])
    def test_only_the_status_decides(self, flag: Any, word: str) -> None:
        """C05: both polarities of exchange_success with every status."""
        one = row(status=word, exchange_success=flag)
        found = judged("get_exchanges", {"error": 0, "data": {"items": [one]}}).rows
        if flag == [] or flag is ... or flag is None:
            assert found[0].success_flag == ""
        assert (found[0].status, found[0].needs_person) == bids.words(word)[::2]
        contradicts = found[0].flag_contradicts_document
        if str(flag) not in ("0", "1") or found[0].status is None:
            assert contradicts is None
        else:
            assert contradicts is ((str(flag) == "1") == (word == "success"))

    @every("items", [[], {}, None, False, ""])
    def test_no_rows_in_any_shape(self, items: Any) -> None:
        assert judged("get_exchanges", {"error": "0", "data": {"items": items}}).rows == ()

    @every("data", ["x", 5, [1], {"items": "x"}, {"items": 5}])
    def test_what_is_no_list_is_unknown(self, data: Any) -> None:
        assert type(judged("get_exchanges", {"error": "0", "data": data})) is OutcomeUnknown


def row(**changes: Any) -> dict[str, Any]:
    one = sample("get_exchanges")["data"]["items"][0] | {"statuses": []} | changes
    return {key: value for key, value in one.items() if value is not ...}


def numbers(data: Any) -> Any:
    """Numbers as the client reads them."""
    if isinstance(data, dict):
        return {key: numbers(value) for key, value in data.items()}
    if isinstance(data, list):
        return [numbers(value) for value in data]
    return Decimal(data) if isinstance(data, int) else data


class TestPartner:
    def test_info(self) -> None:
        found = read("get_partner_info")
        assert (found.partner_id, found.balance, found.min_payout) == ("17", Decimal("42.5"), 10)
        assert [(one.id, one.title, one.commission, one.amount) for one in found.methods] == [
            ("5", "Tether TRC20 USDT", "1%", Decimal("42.07")),
            ("3", "Sberbank RUB", "0%", 3927),
        ]

    @every("items", [[], {}, None, "", False, ...])
    def test_info_without_currencies(self, items: Any) -> None:
        assert read("get_partner_info", items=items).methods == ()

    @every("changes", [{"balance": ...}, {"balance": "x"}, {"partner_id": ...}, {"items": "x"}])
    def test_info_that_lacks_something_is_unknown(self, changes: dict[str, Any]) -> None:
        with pytest.raises(OutcomeUnknown):
            read("get_partner_info", **changes)

    def test_links(self) -> None:
        (found,) = read("get_partner_links").rows
        assert (found.browser, found.ip, found.query_string) == (
            "Firefox 128",
            "198.51.100.7",
            "rid=17&utm=x",
        )
        assert (found.referrer, found.user_hash) == ("https://forum.example/t/1", "u9c")

    def test_exchanges(self) -> None:
        first, second = read("get_partner_exchanges").rows
        assert (first.bid.provider_id, first.accrued, first.reward) == ("480", True, Decimal("0.45"))
        assert (second.bid.status, second.accrued, second.reward) == ("canceled", False, 0)
        assert len(first.bid.history) == 1

    def test_payouts(self) -> None:
        first, second = read("get_partner_payouts").rows
        assert (first.provider_id, first.status, first.provider_status) == ("9", "pending", "0")
        assert (first.pay_amount, first.pay_currency) == (Decimal("42.07"), "USDT")
        assert (first.original_amount, first.original_currency) == (Decimal("42.5"), "USD")
        assert (second.status, second.method_id, second.account) == ("complete", "3", "4111111111111111")
        assert "4111" not in repr(second)
        assert second.raw["account"] == "411111******1111"

    @every(
        ("value", "state"), [(2, "canceled"), ("3", "canceled"), ("4", None), ("paid", None), (0, "pending")]
    )
    def test_status_of_a_payout(self, value: Any, state: str | None) -> None:
        answer = sample("get_partner_payouts")
        answer["data"]["items"][0]["status"] = value
        found = judged("get_partner_payouts", answer).rows[0]
        assert (found.status, found.provider_status) == (state, str(value))

    @every("value", [None, "", False, [], ...])
    def test_a_payout_without_a_status_is_not_pending(self, value: Any) -> None:
        answer = sample("get_partner_payouts")
        answer["data"]["items"][0]["status"] = value
        if value is ...:
            del answer["data"]["items"][0]["status"]
        found = judged("get_partner_payouts", answer)
        assert (len(found.rows), len(found.unreadable)) == (1, 1)

    @every("operation", [name for name in READERS if name.startswith("get_partner_")][1:])
    def test_empty_lists(self, operation: str) -> None:
        assert judged(operation, {"error": "0", "data": []}).rows == ()
