"""Withdrawals: what is checked, what it costs, the nine statuses and the odd one, repeats, faults, the page."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
import requests

from sandbox.routes import ControlError
from tests.payments.providers.bitexbit.facts import case
from tests.sandbox.bitexbit.conftest import TRON
from tests.sandbox.bitexbit.test_bitexbit_wallets import sample

CARD = "4111111111111111"


class TestCreate:
    def test_answer_has_the_fields_of_the_sample(self, gate):
        made = gate.withdraw("1", comment="Order 7", auto_buy_ticker="ETH", auto_buy_percent=10)
        assert list(made) == list(sample("withdraw_create"))
        assert (made["id"], made["amount"], made["status"], made["fee_payer"]) == (1, 22, 10, 1)
        assert made["client_order_id"] == "1"
        listed = gate.get("withdraw/history")["results"][0]
        assert list(listed) == list(sample("withdraw_history")["results"][0])

    def test_this_is_refused_at_its_field(self, gate):
        for params, field in [
            ({"amount": None}, "amount"),
            ({"amount": "4.99"}, "amount"),
            ({"amount": "1e9"}, "amount"),
            ({"address": ""}, "address"),
            ({"address": "0x1"}, "address"),
            ({"ticker": "UAH", "network": "wiretransfer", "amount": "200"}, "card"),
            ({"ticker": "UAH", "network": "wiretransfer", "amount": "200", "card": "x"}, "card"),
            ({"ticker": "XRP", "network": "ripple", "address": "r" + "1" * 30}, "destination_tag"),
            ({"ticker": "EUR", "network": "sepa"}, "network"),
            ({"fee_payer": 3}, "fee_payer"),
            ({"network": "ethereum", "address": "0x" + "0" * 40, "fee_payer": 2}, "fee_payer"),
            ({"auto_buy_ticker": "XRP"}, "auto_buy_ticker"),
            ({"callback_url": "x"}, "callback_url"),
            ({"client_order_id": 5}, "client_order_id"),
            ({"amount": "99999"}, "detail"),
        ]:
            with case(params, field):
                assert list(gate.withdraw("1", **params)) == [field]
                assert gate.rows() == []
                assert gate.balance("USDT") == 25000

    @pytest.mark.parametrize("amount", ["22", 22, 22.0, "22.00000000"])
    def test_an_amount_as_text_or_number(self, gate, amount):
        assert gate.withdraw("1", amount=amount)["amount"] == 22

    def test_a_card(self, gate):
        gate.withdraw("1", ticker="UAH", network="wiretransfer", amount="200", card=CARD, address=None)
        assert gate.get("withdraw/history")["results"][0]["card"] == CARD
        assert CARD not in json.dumps(gate.box.control("bitexbit/requests"))


class TestCosts:
    @pytest.mark.parametrize(("payer", "debit"), [(1, 23), (2, 22), (None, 23)])
    def test_who_pays_the_fee(self, gate, payer, debit):
        gate.withdraw("1", fee_payer=payer)
        assert gate.balance("USDT") == 25000 - debit

    def test_a_fee_in_another_currency(self, gate):
        gate.withdraw("1", network="ethereum", address="0x" + "a" * 40)
        assert gate.balance("USDT") == 24978
        assert gate.balance("ETH") == Decimal("19.997")

    def test_what_is_bought_for_it(self, gate):
        gate.set(pairs={"ETH_USDT": "2000"})
        order = gate.withdraw("1", amount="200", auto_buy_ticker="ETH", auto_buy_percent=0)["auto_buy"]
        assert order == {
            "symbol": "ETH_USDT",
            "amount": "0.10000000",
            "price": "2000.00000000",
            "side": "SELL",
            "state": "filled",
        }
        assert gate.balance("ETH") == Decimal("19.9")
        assert gate.balance("USDT") == 24999

    @pytest.mark.parametrize("verb", ["refuse", "cancel"])
    def test_a_bad_end_gives_everything_back(self, gate, box, verb):
        gate.withdraw("1", auto_buy_ticker="ETH", network="ethereum", address="0x" + "a" * 40)
        box.control(f"bitexbit/withdrawals/1/{verb}", {})
        assert (gate.balance("USDT"), gate.balance("ETH")) == (25000, 20)
        box.control("bitexbit/withdrawals/1/done", {})
        assert gate.balance("USDT") < 25001
        assert gate.balance("ETH") < 20


class TestWay:
    def test_it_goes_through_the_statuses(self, gate, box):
        gate.set(withdraw_delay=50)
        gate.withdraw("1")
        seen = []
        for _step in range(6):
            seen.append(gate.get("withdraw/history")["results"][0]["status"])
            box.control("clock", {"advance": 10.5})
        assert seen == [10, 10, 20, 23, 26, 30]
        assert gate.get("withdraw/history")["results"][0]["txid"]

    @pytest.mark.parametrize(
        ("verb", "status"),
        [
            *(("renew", 10), ("confirm", 20), ("verify", 23), ("moderate", 25), ("approve", 26)),
            *(("suspend", 27), ("done", 30), ("refuse", 40), ("cancel", 50)),
        ],
    )
    def test_each_by_hand_and_it_stays_there(self, gate, box, verb, status):
        gate.withdraw("1")
        box.control(f"bitexbit/withdrawals/1/{verb}", {})
        box.control("clock", {"advance": 1000})
        assert gate.get("withdraw/history")["results"][0]["status"] == status

    def test_any_other_word(self, gate, box):
        gate.withdraw("1")
        box.control("bitexbit/withdrawals/1/odd", {"status": "LOST"})
        assert gate.get("withdraw/history")["results"][0]["status"] == "LOST"

    def test_the_zero_of_the_sample(self, gate):
        gate.set(withdraw_first="0", withdraw_path=[])
        assert gate.withdraw("1")["status"] == 0
        assert gate.get("withdraw/history", status=0)["count"] == 1

    def test_at_once_and_as_text(self, gate):
        gate.set(withdraw_delay=0, status_style="text", amount_style="text")
        made = gate.withdraw("1")
        assert (made["status"], made["amount"]) == ("10", "22.00000000")
        assert gate.get("withdraw/history")["results"][0]["status"] == "30"

    def test_a_way_must_be_one(self, gate):
        for path in ("x", '["a"]', {"a": 1}):
            with pytest.raises(ControlError):
                gate.set(withdraw_path=path)

    def test_its_callbacks(self, gate, box, receiver):
        gate.set(withdraw_delay=0)
        gate.withdraw("1", callback_url=f"{receiver.url}/cb")
        box.settle()
        told = [json.loads(body) for body, _headers in receiver.got]
        assert sorted(row["status"] for row in told) == [10, 20, 23, 26, 30]
        assert {row["client_order_id"] for row in told} == {"1"}


class TestRepeats:
    def test_nobody_refuses_them_and_the_oracle_counts(self, gate):
        gate.withdraw("1")
        gate.withdraw("1")
        assert [row["accepts"] for row in gate.rows(uniqueid="1")] == [2, 2]
        assert gate.balance("USDT") == 24954

    def test_they_are_refused_where_that_is_set(self, gate, stranger):
        gate.set(dedup=True)
        gate.withdraw("1")
        assert list(gate.withdraw("1")) == ["client_order_id"]
        assert stranger.withdraw("1")["id"] == 2
        assert [row["accepts"] for row in gate.rows(uniqueid="1", account="demo")] == [1]

    @pytest.mark.parametrize(("mode", "accepted"), [("drop_before", 0), ("drop_after", 1)])
    def test_a_lost_answer(self, gate, box, mode, accepted):
        box.control("faults", {"provider": "bitexbit", "action": "withdraw/create", "mode": mode})
        with pytest.raises(requests.ConnectionError):
            gate.withdraw("1")
        assert len(gate.rows(uniqueid="1")) == accepted

    @pytest.mark.parametrize("mode", ["garbage_html", "empty", "truncated", "null", "status_500", "delay"])
    def test_a_spoiled_answer_is_accepted(self, gate, box, mode):
        fault = {"provider": "bitexbit", "action": "withdraw/create", "mode": mode, "seconds": 0.1}
        box.control("faults", {**fault, "uniqueid": "1"})
        gate.send("withdraw/create", json.dumps({"ticker": "USDT", "network": "tron", "amount": "22"}))
        body = {"ticker": "USDT", "network": "tron", "amount": "22", "address": TRON, "client_order_id": "1"}
        gate.send("withdraw/create", json.dumps(body))
        assert len(gate.rows(uniqueid="1")) == 1

    def test_the_history_can_be_silent_for_a_while(self, gate, box):
        gate.withdraw("1")
        box.control("faults", {"provider": "bitexbit", "mode": "not_found_for", "seconds": 30})
        assert gate.get("withdraw/history") == {"count": 0, "next": None, "previous": None, "results": []}
        box.control("clock", {"advance": 31})
        assert gate.get("withdraw/history")["count"] == 1


class TestHistory:
    def test_filters(self, gate, box):
        gate.set(withdraw_delay=0)
        gate.withdraw("1")
        gate.withdraw(
            "2", ticker="BTC", network="bitcoin", address="1BoatSLRHtKNngkdXEeobR76b53LETtpyT", amount="0.5"
        )
        for query in (
            {"ticker": "BTC"},
            {"network": "bitcoin"},
            {"address": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"},
            {"txid": gate.get("withdraw/history")["results"][0]["txid"]},
        ):
            assert [row["client_order_id"] for row in gate.get("withdraw/history", **query)["results"]] == [
                "2"
            ]
        assert gate.get("withdraw/history", client_order_id="1")["count"] == 2  # there is no such filter
        assert gate.get("withdraw/history", status=30)["count"] == 2

    def test_those_of_the_panel_have_no_reference(self, gate, box):
        box.control("bitexbit/withdrawals/elsewhere", {"count": 3})
        found = gate.get("withdraw/history")["results"]
        assert [row["client_order_id"] for row in found] == [None] * 3
        assert gate.balance("USDT") == 25000

    def test_new_ones_shift_the_pages(self, gate, box):
        box.control("bitexbit/withdrawals/elsewhere", {"count": 10})
        gate.set(arrivals_per_page=2)
        first, second = (gate.get("withdraw/history", limit=5, page=page)["results"] for page in (1, 2))
        assert [row["id"] for row in second[:2]] == [row["id"] for row in first[3:]]


class TestControl:
    def test_what_cannot_be_done(self, gate, box, stranger):
        gate.withdraw("1")
        stranger.withdraw("1")
        for path, data in (
            ("bitexbit/withdrawals/1/done", {}),
            ("bitexbit/withdrawals/1/explode", {"account": "demo"}),
            ("bitexbit/withdrawals/404/done", {}),
            ("bitexbit/withdrawals/elsewhere", {"count": 0}),
            ("bitexbit/accounts", {"name": "third", "api_key": gate.keys["api_key"]}),
        ):
            with pytest.raises(ControlError):
                box.control(path, data)
        box.control("bitexbit/withdrawals/1/done", {"account": "demo"})

    def test_the_page_shows_everything_and_its_buttons_work(self, gate, box):
        gate.set(deposit_seconds=60)
        slug = gate.wallet()["slug"]
        gate.invoice()
        gate.withdraw("w-1")
        gate.wallet(callback_url="http://127.0.0.1:9/<b>")
        box.control(f"bitexbit/wallets/{slug}/deposit", {"txid": "tx-1"})
        page = requests.get(f"{box.url}/_control/", timeout=5).text
        for text in ("bitexbit", "w-1", "tx-1", "Payer", gate.keys["api_key"], "/bitexbit/"):
            assert text in page
        assert "<b>" not in page.split('id="bitexbit-transactions"')[1].split("</section>")[0].replace(
            "<b>5", ""
        ).replace("<b>2", "").replace("<b>3", "").replace("<b>1", "")
        form = requests.post(
            f"{box.url}/_control/bitexbit/withdrawals/w-1/done", data={"account": "demo"}, timeout=5
        )
        assert form.status_code == 200
        assert "Withdrawal changed." in form.text
        assert gate.get("withdraw/history")["results"][0]["status"] == 30

    def test_an_account_can_be_made_and_changed(self, box):
        made = box.control("bitexbit/accounts", {"name": "second", "balances": {"USDT": "5.5"}})
        assert made["balances"] == {"USDT": "5.5"}
        assert made["base_url"] == f"{box.url}/bitexbit/"
        changed = box.control("bitexbit/accounts", {"name": "second", "balances": {"USDT": None, "BTC": 1}})
        assert changed["balances"] == {"BTC": "1"}
