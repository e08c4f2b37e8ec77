"""Invoices: what is accepted, what is refused and in which words, and how they move."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

BTC = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
TRON = "TNr3SvWf9f7W9YguBpPQG8Lmmg5KHd8k9G"
CARD = "4242424242424242"


class TestCreate:
    def test_answers_with_the_payers_address(self, api, box):
        answer = api.invoice("1")
        assert answer["success"] is True
        assert re.fullmatch(
            re.escape(box.url) + r"/bitloga/exchange/id-[0-9a-f]{30}/step-4", answer["invoice"]
        )

    def test_is_kept_before_it_is_answered(self, api):
        api.invoice("1", desc="Order", comis="payer")
        (row,) = api.rows("1")
        assert (row["kind"], row["status"], row["accepts"], row["amount"]) == ("invoice", "Created", 1, "100")
        assert row["params"]["desc"] == "Order"
        assert row["effects"] == []

    def test_details_are_those_of_the_documents_example(self, api):
        api.invoice("125", paysys="WMZ", purse="Z123456789012", amount=1.00)
        assert api.call("details", uniqueid="125") == {
            "to": "WMZ",
            "amount": 1,
            "purse": "Z123456789012",
            "type": "Invoice",
            "status": "Created",
            "invoiceid": 1,
            "uniqueid": "125",
            "success": True,
        }

    def test_tag_and_names_come_back_in_their_place(self, api):
        api.invoice("1", dtag="77", name="Anna", surname="S")
        keys = list(api.call("details", uniqueid="1"))
        assert keys[4:9] == ["status", "dtag", "name", "surname", "invoiceid"]

    def test_ids_can_be_strings(self, api, box):
        box.control("settings", {"id_style": "string"})
        api.invoice("1")
        assert api.call("details", uniqueid="1")["invoiceid"] == "1"

    def test_amount_may_be_a_numeric_string(self, api):
        assert api.invoice("1", amount="10.50")["success"] is True
        assert api.call("details", uniqueid="1")["amount"] == Decimal("10.5")


class TestPayAmount:
    def test_amount_is_worked_out(self, api):
        answer = api.invoice("1", amount=None, pay_amount=8000, paylist="SBP_RUB")
        assert answer["success"] is True
        assert api.call("details", uniqueid="1")["amount"] == 100
        assert answer["requisites"]["amount"] == 8080  # with the payer's fee of one percent
        assert answer["requisites"]["currency"] == "RUB"

    @pytest.mark.parametrize(
        ("params", "text"),
        [
            ({"pay_amount": 0, "paylist": "SBP_RUB"}, "Pay amount is not defined"),
            ({"pay_amount": "abc", "paylist": "SBP_RUB"}, "Pay amount is not defined"),
            ({"pay_amount": -5, "paylist": "SBP_RUB"}, "Pay amount is not defined"),
            ({"pay_amount": 1e300, "paylist": "SBP_RUB"}, "Pay amount is not defined"),
            ({"pay_amount": 8000}, "Paylist is not defined"),
            (
                {"pay_amount": 8000, "paylist": "SBP_RUB,WMZ"},
                "For pay_amount, paylist must contain exactly one paysystem",
            ),
            ({"pay_amount": 8000, "paylist": "NOPE"}, "Paysystem is not supported"),
            ({"pay_amount": 8000, "paylist": "SBP_RUB", "amount": 5}, "Bad data"),
        ],
    )
    def test_refusals(self, api, params, text):
        assert api.invoice("1", **{"amount": None, **params})["message"] == text
        assert api.rows() == []

    def test_direction_without_a_rate_cannot_be_calculated(self, api, box):
        box.control("settings", {"rates": {"RUB": None}})
        answer = api.invoice("1", amount=None, pay_amount=8000, paylist="SBP_RUB")
        assert answer["message"] == "Unable to calculate invoice amount by pay_amount"


class TestRefusals:
    @pytest.mark.parametrize(
        ("params", "text"),
        [
            ({"paysys": ""}, "Paysystem is not defined"),
            ({"paysys": "NOPE"}, "Paysystem is not supported"),
            ({"paysys": "SBP_RUB"}, "Paysystem is not supported"),
            ({"amount": None}, "Amount is not defined"),
            ({"amount": ""}, "Amount is not defined"),
            ({"amount": 0}, "Amount is not defined"),
            ({"amount": "abc"}, "Bad data"),
            ({"amount": "1,5"}, "Bad data"),
            ({"amount": "١٢"}, "Bad data"),
            ({"amount": True}, "Bad data"),
            ({"amount": [1]}, "Bad data"),
            ({"amount": -1}, "For this currency min amount is 1"),
            ({"amount": "0.999999"}, "For this currency min amount is 1"),
            ({"amount": "50000.000001"}, "For this currency max amount is 50000"),
            ({"amount": 1e300}, "For this currency max amount is 50000"),
            ({"amount": "1.0000001"}, "Bad data"),
            ({"paylist": "WMZ,NOPE"}, "Paysystem is not supported"),
            ({"uniqueid": ""}, "Unique ID is not defined"),
            ({"uniqueid": "  "}, "Unique ID is not defined"),
            ({"uniqueid": 125}, "Bad data"),
            ({"uniqueid": "x" * 65}, "Bad data"),
            ({"purse": "!"}, "Purse has wrong format"),
            ({"comis": "nobody"}, "Bad data"),
            ({"callbackurl": "ftp://127.0.0.1/"}, "Bad data"),
            ({"callbackurl": "javascript:alert(1)"}, "Bad data"),
            ({"successurl": "http://[bad"}, "Bad data"),
            ({"email": "nobody"}, "Bad data"),
            ({"desc": 5}, "Bad data"),
            ({"paysys": "WMZ"}, "Purse is not defined"),
            ({"paysys": "WMZ", "purse": "Z12"}, "Purse has wrong format"),
            ({"paysys": "BTC", "amount": 1, "purse": TRON}, "Purse has wrong format"),
            ({"paysys": "CARD_RUB", "amount": 600, "purse": "4242424242424243"}, "Purse has wrong format"),
            ({"paysys": "CARD_RUB", "amount": 600, "purse": "4000000000000002"}, "Card is not verified"),
            ({"paysys": "CARD_RUB", "amount": 600, "purse": CARD}, "Name is not defined"),
            ({"paysys": "CARD_RUB", "amount": 600, "purse": CARD, "name": "A"}, "Surname is not defined"),
            ({"paysys": "XRP", "purse": "rDsbeomae4FXwgQTJp9Rs64Qg9vDiTCdBv"}, "Tag/Memo is not defined"),
        ],
    )
    def test_each_cause_has_its_text(self, api, params, text):
        assert api.invoice("1", **params) == {"message": text, "success": False}
        assert api.rows() == []

    def test_disabled_balance_is_refused(self, api, box):
        box.control("bitloga/accounts", {"name": "demo", "balance_disabled": True})
        assert api.invoice("1")["message"] == "Balance is disabled"
        box.control("bitloga/accounts", {"name": "demo", "balance_disabled": False})

    def test_limits_are_settings(self, api, box):
        box.control("settings", {"limits": {"USDTBALANCE": {"min": "150.5", "max": "200"}}})
        assert api.invoice("1")["message"] == "For this currency min amount is 150.5"
        assert api.invoice("1", amount=201)["message"] == "For this currency max amount is 200"
        assert api.invoice("1", amount=200)["success"] is True

    def test_methods_can_be_taken_away(self, api, box):
        box.control("settings", {"methods": {"USDTBALANCE": None}})
        assert api.invoice("1")["message"] == "Paysystem is not supported"


class TestUniqueId:
    def test_second_use_is_refused(self, api):
        api.invoice("1")
        assert api.invoice("1")["message"] == "Received Unique ID has already been used"
        assert len(api.rows("1")) == 1

    def test_invoices_and_withdrawals_share_them(self, api):
        api.invoice("1")
        api.withdraw("2")
        assert api.withdraw("1")["message"] == "Received Unique ID has already been used"
        assert api.invoice("2")["message"] == "Received Unique ID has already been used"

    def test_accounts_do_not_share_them(self, api, other):
        api.invoice("1")
        assert other.invoice("1")["success"] is True
        assert other.call("details", uniqueid="1")["status"] == "Created"

    def test_failed_try_leaves_it_free(self, api):
        assert api.invoice("1", purse="!")["success"] is False
        assert api.invoice("1")["success"] is True

    def test_failed_try_burns_it_where_that_is_set(self, api, box):
        box.control("settings", {"burn_failed_ids": True})
        assert api.invoice("1", purse="!")["message"] == "Purse has wrong format"
        assert api.invoice("1")["message"] == "Received Unique ID has already been used"
        assert api.call("details", uniqueid="1")["message"] == "Transaction is not found"

    def test_repeats_are_accepted_where_that_is_set(self, api, box):
        box.control("settings", {"dedup": False})
        api.invoice("1")
        assert api.invoice("1")["success"] is True
        assert [row["accepts"] for row in api.rows("1")] == [2, 2]


class TestRequisites:
    @pytest.mark.parametrize(
        ("paysys", "purse", "paylist", "kind"),
        [
            ("USDTBALANCE", "", "", "crypto"),
            ("RUBBALANCE", "", "", "phone"),
            ("USDTBALANCE", "", "BTC", "crypto"),
            ("RUBBALANCE", "", "CARD_RUB", "card"),
            ("RUBBALANCE", "", "ACCOUNT_RUB", "account"),
            ("RUBBALANCE", "", "NSPK_RUB", "qr"),
        ],
    )
    def test_type_follows_the_way_to_pay(self, api, paysys, purse, paylist, kind):
        requisites = api.invoice("1", paysys=paysys, purse=purse, paylist=paylist)["requisites"]
        assert requisites["type"] == kind
        assert requisites["wallet"]
        assert ("payment_url" in requisites) == (kind == "qr")

    def test_are_absent_while_the_way_is_not_clear(self, api):
        assert "requisites" not in api.invoice("1", paylist="BTC,LTC")

    def test_are_absent_for_systems_that_pay_on_the_page(self, api):
        assert "requisites" not in api.invoice("1", paylist="WMZ")

    def test_can_be_switched_off_or_forced(self, api, box):
        box.control("settings", {"requisites": "never"})
        assert "requisites" not in api.invoice("1")
        box.control("settings", {"requisites": "always"})
        assert api.invoice("2", paylist="BTC,LTC")["requisites"]["currency"] == "BTC"

    def test_can_be_a_list_as_the_table_says(self, api, box):
        box.control("settings", {"requisites_shape": "list"})
        assert len(api.invoice("1")["requisites"]) == 1

    def test_payer_pays_the_fee_unless_the_payee_does(self, api):
        assert api.invoice("1")["requisites"]["amount"] == 101
        assert api.invoice("2", comis="payee")["requisites"]["amount"] == 100


class TestPay:
    def test_credits_an_internal_balance_once(self, api, box):
        api.invoice("1")
        box.control("bitloga/invoices/1/pay", {})
        assert api.call("details", uniqueid="1")["status"] == "Payed"
        assert api.balance("USDT") == 25100
        box.control("bitloga/invoices/1/complete", {})
        assert api.call("details", uniqueid="1")["status"] == "Complete"
        assert api.balance("USDT") == 25100
        assert api.rows("1")[0]["net"] == "100"

    def test_payees_fee_comes_off_the_credit_but_not_off_the_amount(self, api, box):
        api.invoice("1", comis="payee")
        box.control("bitloga/invoices/1/pay", {})
        assert api.balance("USDT") == 25099
        assert api.call("details", uniqueid="1")["amount"] == 100

    def test_outside_purse_touches_no_balance(self, api, box):
        api.invoice("1", paysys="USDTTRC20", purse=TRON)
        box.control("bitloga/invoices/1/pay", {})
        assert api.balance("USDT") == 25000
        assert api.rows("1")[0]["effects"] == []

    def test_another_amount_can_be_paid(self, api, box):
        api.invoice("1")
        box.control("bitloga/invoices/1/pay", {"amount": "99.5"})
        assert api.call("details", uniqueid="1")["amount"] == Decimal("99.5")
        assert api.balance("USDT") == Decimal("25099.5")

    def test_paid_invoice_can_be_taken_back(self, api, box):
        api.invoice("1")
        box.control("bitloga/invoices/1/pay", {})
        box.control("bitloga/invoices/1/fail", {})
        assert api.call("details", uniqueid="1")["status"] == "Error"
        assert api.balance("USDT") == 25000
        assert [line["amount"] for line in api.rows("1")[0]["effects"]] == ["100", "-100"]

    def test_canceled_invoice_can_be_paid_late(self, api, box):
        api.invoice("1")
        box.control("bitloga/invoices/1/cancel", {})
        assert api.call("details", uniqueid="1")["status"] == "Canceled"
        box.control("bitloga/invoices/1/pay", {})
        assert api.balance("USDT") == 25100

    def test_tiny_amounts_are_exact(self, api, box):
        box.control("settings", {"limits": {"BTC": {"min": "0.00000001"}}})
        box.control(
            "settings",
            {"methods": {"BTCBALANCE": {"currency": "BTC", "operations": ["invoice"], "internal": True}}},
        )
        api.invoice("1", paysys="BTCBALANCE", amount="0.00000001")
        box.control("bitloga/invoices/1/pay", {})
        assert api.balance("BTC") == Decimal("1.50000001")
        assert b'"amount":1.0e-8,' in api.post(b'{"action":"details","uniqueid":"1"}').content


class TestDetails:
    def test_missing_and_unknown_ids_are_refused(self, api):
        assert api.call("details")["message"] == "Unique ID is not defined"
        assert api.call("details", uniqueid="404")["message"] == "Transaction is not found"
        assert api.call("details", uniqueid=404)["message"] == "Bad data"

    def test_other_accounts_transactions_are_not_found(self, api, other):
        api.invoice("1")
        assert other.call("details", uniqueid="1")["message"] == "Transaction is not found"
