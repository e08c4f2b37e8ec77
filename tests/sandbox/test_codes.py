"""Codes: create, apply, get, and the refusals of each."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest


class TestCreate:
    def test_debits_the_balance_and_answers_with_a_code(self, api):
        answer = api.code("create", amount=1.00, currency="USD")
        assert re.fullmatch(r"[a-z0-9]{4}(-[a-z0-9]{4}){3}", answer["code"])
        assert api.balance("USD") == 9999
        (row,) = api.rows()
        assert (row["kind"], row["net"], row["data"]["code"]) == ("code_create", "-1", answer["code"])

    @pytest.mark.parametrize(
        ("params", "text"),
        [
            ({"amount": 1}, "Currency is not defined"),
            ({"amount": 1, "currency": "GBP"}, "Currency not found"),
            ({"currency": "USD"}, "Amount is not defined"),
            ({"currency": "USD", "amount": "x"}, "Bad data"),
            ({"currency": "USD", "amount": -1}, "For this currency min amount is 0"),
            ({"currency": "USD", "amount": "0.001"}, "Bad data"),
            ({"currency": "USD", "amount": "10000.01"}, "Insufficient balance"),
            ({"currency": "USD", "amount": 1, "pass": 5}, "Bad data"),
        ],
    )
    def test_refusals(self, api, params, text):
        assert api.code("create", **params) == {"message": text, "success": False}
        assert api.balance("USD") == 10000

    def test_limits_are_settings(self, api, box):
        box.control("settings", {"code_limits": {"USD": {"min": "5", "max": "50"}}})
        assert api.code("create", currency="USD", amount=4)["message"] == "For this currency min amount is 5"
        assert (
            api.code("create", currency="USD", amount=51)["message"] == "For this currency max amount is 50"
        )

    def test_disabled_balance_is_refused(self, api, box):
        box.control("bitloga/accounts", {"name": "demo", "balance_disabled": True})
        assert api.code("create", currency="USD", amount=4)["message"] == "Balance is disabled"
        box.control("bitloga/accounts", {"name": "demo", "balance_disabled": False})


class TestApply:
    def test_credits_the_one_who_applies(self, api, other):
        code = api.code("create", amount="2.50", currency="USD")["code"]
        assert other.code("apply", code=code) == {
            "amount": Decimal("2.5"),
            "currency": "USD",
            "success": True,
        }
        assert other.balance("USD") == Decimal("10002.5")
        assert api.balance("USD") == Decimal("9997.5")

    def test_second_time_is_refused(self, api):
        code = api.code("create", amount=1, currency="USD")["code"]
        assert api.code("apply", code=code)["success"] is True
        assert api.code("apply", code=code)["message"] == "Code is not active"
        assert api.balance("USD") == 10000

    def test_password_is_asked_for_where_there_is_one(self, api):
        code = api.code("create", amount=1, currency="USD", **{"pass": "geheim"})["code"]
        assert api.code("apply", code=code)["message"] == "Password is not defined"
        assert api.code("apply", code=code, **{"pass": "falsch"})["message"] == "Wrong Password"
        assert api.code("apply", code=code, **{"pass": "geheim"})["success"] is True

    def test_unknown_and_missing_codes_are_refused(self, api):
        assert api.code("apply")["message"] == "Code is not defined"
        assert api.code("apply", code="aaaa-bbbb-cccc-dddd")["message"] == "Code is not exist"
        assert api.code("apply", code=7)["message"] == "Bad data"

    def test_disabled_code_is_not_active(self, api, box):
        code = api.code("create", amount=1, currency="USD")["code"]
        box.control(f"bitloga/codes/{code}/disable", {})
        assert api.code("apply", code=code)["message"] == "Code is not active"

    def test_somebodys_code_can_be_made_and_redeemed(self, api, box):
        made = box.control("bitloga/codes", {"amount": "7", "currency": "USDT", "pass": "x"})
        assert api.code("apply", code=made["code"], **{"pass": "x"})["amount"] == 7
        assert api.balance("USDT") == 25007

    def test_one_of_fifty_at_once_gets_the_money(self, api):
        code = api.code("create", amount=1, currency="USD")["code"]
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda _: api.code("apply", code=code), range(50)))
        assert sum(answer["success"] for answer in answers) == 1
        assert api.balance("USD") == 10000


class TestGet:
    def test_shows_own_codes_newest_first(self, api, other):
        codes = [api.code("create", amount=number, currency="USD")["code"] for number in (1, 2, 3)]
        other.code("create", amount=9, currency="USD")
        assert [line["code"] for line in api.code("get")["data"]] == codes[::-1]

    def test_line_is_that_of_the_documents_example(self, api):
        code = api.code("create", amount=1, currency="USD", desc="Gift", **{"pass": "geheim"})["code"]
        (line,) = api.code("get", status="Active", limit=10)["data"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", line.pop("createtime"))
        assert line == {
            "code": code,
            "amount": 1,
            "currency": "USD",
            "pass": "Required",
            "desc": "Gift",
            "status": "Active",
        }

    def test_redeemed_code_tells_when(self, api):
        code = api.code("create", amount=1, currency="USD")["code"]
        api.code("apply", code=code)
        (line,) = api.code("get", code=code)["data"]
        assert line["status"] == "Redeemed"
        assert "applytime" in line
        assert "pass" not in line

    def test_filters(self, api, box):
        first = api.code("create", amount=1, currency="USD")["code"]
        second = api.code("create", amount=2, currency="RUB")["code"]
        box.control(f"bitloga/codes/{second}/disable", {})
        for params, expected in (
            ({"code": first}, [first]),
            ({"amount": "2.00"}, [second]),
            ({"currency": "USD"}, [first]),
            ({"status": "Disabled"}, [second]),
        ):
            assert [line["code"] for line in api.code("get", **params)["data"]] == expected

    def test_pages_hold_a_hundred_at_most(self, api):
        for _ in range(103):
            api.code("create", amount=1, currency="USD")
        assert len(api.code("get")["data"]) == 100
        assert len(api.code("get", limit=500)["data"]) == 100
        assert len(api.code("get", offset=100)["data"]) == 3
        assert len(api.code("get", offset=10, limit=5)["data"]) == 5

    def test_nothing_found_is_a_refusal(self, api):
        assert api.code("get") == {"message": "Codes not found", "success": False}

    @pytest.mark.parametrize("params", [{"status": "Gone"}, {"limit": "x"}, {"offset": -1}, {"limit": 1.5}])
    def test_odd_filters_are_bad_data(self, api, params):
        api.code("create", amount=1, currency="USD")
        assert api.code("get", **params)["message"] == "Bad data"

    def test_codes_of_others_are_not_shown(self, api, box):
        code = box.control("bitloga/codes", {"amount": "7", "currency": "USDT"})["code"]
        assert api.code("get", code=code)["message"] == "Codes not found"
