"""Withdrawals: debit at acceptance, refusals by their cause, ends and money given back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

CARD = "4242424242424242"


class TestCreate:
    def test_debits_amount_and_fee_at_once(self, api):
        answer = api.withdraw("135")
        assert list(answer) == [
            "from",
            "to",
            "amount_from",
            "amount_from_comis",
            "amount_to",
            "purse",
            "status",
            "orderid",
            "transid",
            "uniqueid",
            "success",
        ]
        assert (answer["amount_from"], answer["amount_from_comis"]) == (10, Decimal("10.05"))
        assert (answer["amount_to"], answer["status"], answer["orderid"]) == (10, "Pending", 1)
        assert api.balance("USDT") == Decimal("24989.95")
        assert len(answer["transid"]) == 32

    def test_other_currency_is_converted_at_the_rate(self, api):
        answer = api.withdraw(
            "1", currency="USD", paysys="CARD_RUB", amount=8000, purse=CARD, name="A", surname="B"
        )
        assert answer["amount_from"] == 100
        assert answer["amount_from_comis"] == Decimal("101.38")  # one percent and 30 RUB
        assert api.balance("USD") == Decimal("9898.62")

    def test_details_say_the_same_with_the_type(self, api, box):
        answer = api.withdraw("1")
        box.control("bitloga/withdrawals/1/complete", {})
        details = api.call("details", uniqueid="1")
        assert details.pop("type") == "Withdraw"
        assert details == answer | {"status": "Complete"}

    def test_whole_balance_can_be_spent_and_no_more(self, api, box):
        box.control("bitloga/accounts", {"name": "demo", "balances": {"USDT": "10.05"}})
        assert api.withdraw("1")["success"] is True
        assert api.balance("USDT") == 0
        assert api.withdraw("2")["message"] == "Insufficient balance"

    def test_fees_are_settings(self, api, box):
        box.control("settings", {"fees": {"USDTBALANCE": {"fixed": "1", "rate": "0"}}})
        assert api.withdraw("1")["amount_from_comis"] == 11


class TestRefusals:
    @pytest.mark.parametrize(
        ("params", "text"),
        [
            ({"currency": ""}, "Currency is not defined"),
            ({"paysys": None}, "Paysystem is not defined"),
            ({"paysys": "BTC"}, "Paysystem is not supported"),
            ({"amount": None}, "Amount is not defined"),
            ({"amount": "0.5"}, "For this currency min amount is 1"),
            ({"amount": 50001}, "For this currency max amount is 50000"),
            ({"amount": "ten"}, "Bad data"),
            ({"uniqueid": None}, "Unique ID is not defined"),
            ({"purse": ""}, "Purse is not defined"),
            ({"purse": "b"}, "Purse has wrong format"),
            ({"currency": "GBP"}, "Currency is not supported"),
            ({"amount": 40000}, "Insufficient balance"),
            ({"paysys": "XRP", "purse": "rDsbeomae4FXwgQTJp9Rs64Qg9vDiTCdBv"}, "Tag/Memo is not defined"),
            ({"paysys": "CARD_RUB", "amount": 600, "purse": CARD}, "Name is not defined"),
            ({"paysys": "CARD_RUB", "amount": 600, "purse": CARD, "name": "A"}, "Surname is not defined"),
            ({"paysys": "CARD_RUB", "amount": 600, "purse": "4000000000000002"}, "Card is not verified"),
        ],
    )
    def test_each_cause_has_its_text(self, api, params, text):
        assert api.withdraw("1", **params) == {"message": text, "success": False}
        assert api.rows() == []
        assert api.balance("USDT") == 25000

    @pytest.mark.parametrize(
        ("setting", "text"),
        [
            ({"disabled_directions": ["USDT>USDTBALANCE"]}, "Dirrection disabled"),
            ({"limits": {"USDTBALANCE": {"reserve": "9.99"}}}, "Insufficient reserve"),
            ({"withdraw_currencies": ["RUB"]}, "Currency is not supported"),
            ({"payment_errors": {"bob": "Recipient is blocked"}}, "Payment error: Recipient is blocked"),
        ],
    )
    def test_causes_that_are_settings(self, api, box, setting, text):
        box.control("settings", setting)
        assert api.withdraw("1")["message"] == text
        assert api.balance("USDT") == 25000

    def test_direction_without_a_rate_is_disabled(self, api, box):
        box.control("settings", {"rates": {"RUB": None}})
        assert api.withdraw("1", currency="RUB")["message"] == "Dirrection disabled"

    def test_disabled_balance_is_refused(self, api, box):
        box.control("bitloga/accounts", {"name": "demo", "balance_disabled": True})
        assert api.withdraw("1")["message"] == "Balance is disabled"
        box.control("bitloga/accounts", {"name": "demo", "balance_disabled": False})


class TestEnds:
    def test_completes_by_itself_after_the_delay(self, api, box):
        api.withdraw("1")
        box.control("clock", {"advance": 2})
        assert api.call("details", uniqueid="1")["status"] == "Pending"
        box.control("clock", {"advance": 3.5})
        assert api.call("details", uniqueid="1")["status"] == "Complete"
        assert api.balance("USDT") == Decimal("24989.95")

    @pytest.mark.parametrize("outcome", ["Error", "Canceled"])
    def test_bad_end_gives_the_money_back(self, api, box, outcome):
        box.control("settings", {"withdraw_outcome": outcome})
        api.withdraw("1")
        box.control("clock", {"advance": 6})
        assert api.call("details", uniqueid="1")["status"] == outcome
        assert api.balance("USDT") == 25000
        assert api.rows("1")[0]["net"] == "0"

    def test_answer_is_final_where_there_is_no_delay(self, api, box):
        box.control("settings", {"withdraw_delay": 0})
        assert api.withdraw("1")["status"] == "Complete"

    def test_first_status_is_a_setting(self, api, box):
        box.control("settings", {"withdraw_status": "Created"})
        assert api.withdraw("1")["status"] == "Created"

    def test_final_word_can_be_taken_back(self, api, box):
        api.withdraw("1")
        box.control("bitloga/withdrawals/1/complete", {})
        box.control("bitloga/withdrawals/1/fail", {})
        assert api.call("details", uniqueid="1")["status"] == "Error"
        assert api.balance("USDT") == 25000
        box.control("bitloga/withdrawals/1/complete", {})
        assert api.balance("USDT") == Decimal("24989.95")

    def test_moved_by_hand_it_does_not_move_by_itself(self, api, box):
        api.withdraw("1")
        box.control("bitloga/withdrawals/1/fail", {})
        box.control("clock", {"advance": 60})
        assert api.call("details", uniqueid="1")["status"] == "Error"


class TestRaces:
    def test_one_of_fifty_with_the_same_id_is_accepted(self, api, box):
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda _: api.withdraw("1"), range(50)))
        texts = [answer.get("message") for answer in answers]
        assert texts.count(None) == 1
        assert texts.count("Received Unique ID has already been used") == 49
        assert len(api.rows("1")) == 1
        assert api.balance("USDT") == Decimal("24989.95")

    def test_balance_for_ten_pays_exactly_ten(self, api, box):
        box.control("bitloga/accounts", {"name": "demo", "balances": {"USDT": "105"}})
        with ThreadPoolExecutor(25) as pool:
            answers = list(pool.map(lambda number: api.withdraw(f"r{number}"), range(30)))
        assert sum(answer["success"] for answer in answers) == 10
        assert api.balance("USDT") == Decimal("4.5")
