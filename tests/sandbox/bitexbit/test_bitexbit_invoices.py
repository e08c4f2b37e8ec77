"""Fiat invoices, the payer's page, and the history that does not say which invoice was paid."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
import requests

from sandbox.routes import ControlError
from tests.payments.providers.bitexbit.facts import case
from tests.sandbox.bitexbit.test_bitexbit_wallets import sample


class TestCreate:
    def test_answer_has_the_fields_of_the_sample(self, gate):
        made = gate.invoice(payment_url="https://shop.example/ok")
        assert list(made) == list(sample("invoice_create"))
        assert made["amount"] == 300
        assert made["proceed_url"].startswith(gate.box.url)
        assert "status" not in made
        assert list(gate.get("invoices")["results"][0]) == list(sample("invoices")["results"][0])

    def test_this_is_refused_at_its_field(self, gate):
        for params, field in [
            ({"amount": None}, "amount"),
            ({"amount": "x"}, "amount"),
            ({"amount": "0"}, "amount"),
            ({"amount": 25}, "amount"),
            ({"amount": 100001}, "amount"),
            ({"amount": "30.123456789"}, "amount"),
            ({"client_ip": ""}, "client_ip"),
            ({"client_ip": "here"}, "client_ip"),
            ({"ticker": "USDT", "network": "tron"}, "network"),
            ({"ticker": "EUR", "network": "sepa"}, "network"),
            ({"payment_url": "x"}, "payment_url"),
            ({"convert_ticker": "XRP"}, "convert_ticker"),
        ]:
            with case(params, field):
                assert list(gate.invoice(**params)) == [field]
                assert gate.rows() == []

    def test_the_oracle_counts_by_callback_address(self, gate):
        gate.invoice(callback_url="http://127.0.0.1:9/callbacks/bitexbit/token-2/")
        assert [row["accepts"] for row in gate.rows(uniqueid="token-2")] == [1]


class TestPayer:
    def open(self, gate, **params) -> str:
        return gate.invoice(**params)["proceed_url"]

    def test_paying_on_the_page(self, gate):
        url = self.open(gate, payment_url="https://shop.example/ok")
        page = requests.get(url, timeout=5).text
        assert "300.00" in page
        assert "203.0.113.7" in page
        after = requests.post(url, data={"do": "pay"}, timeout=5).text
        assert "has arrived" in after
        assert "https://shop.example/ok" in after
        requests.post(url, data={"do": "pay"}, timeout=5)
        assert gate.get("invoice/history")["count"] == 1
        assert gate.balance("UAH") == 300292

    def test_canceling_on_the_page(self, gate):
        url = self.open(gate, cancel_url="https://shop.example/no")
        assert "https://shop.example/no" in requests.post(url, data={"do": "cancel"}, timeout=5).text
        assert gate.get("invoice/history")["count"] == 0

    def test_only_from_the_payers_address(self, gate):
        url = self.open(gate)
        other = requests.post(url, data={"do": "pay"}, headers={"X-Forwarded-For": "198.51.100.1"}, timeout=5)
        assert other.status_code == 403
        assert gate.get("invoice/history")["count"] == 0
        requests.post(url, data={"do": "pay"}, headers={"X-Forwarded-For": "203.0.113.7"}, timeout=5)
        assert gate.get("invoice/history")["count"] == 1

    def test_no_such_invoice(self, gate):
        assert requests.get(f"{gate.box.url}/bitexbit/pay/abcdef", timeout=5).status_code == 404
        slug = gate.wallet()["slug"]
        assert requests.get(f"{gate.box.url}/bitexbit/pay/{slug}", timeout=5).status_code == 404

    def test_nothing_of_the_invoice_is_code_on_the_page(self, gate):
        url = self.open(gate, cancel_url="https://shop.example/<script>alert(1)</script>")
        assert "<script>" not in requests.post(url, data={"do": "cancel"}, timeout=5).text


class TestHistory:
    def test_the_amount_is_net_and_no_invoice_is_named(self, gate, box):
        slug = gate.invoice()["slug"]
        box.control(f"bitexbit/invoices/{slug}/pay", {})
        (row,) = gate.get("invoice/history")["results"]
        assert list(row) == list(sample("invoice_history")["results"][0])
        assert (row["amount"], row["fee"], row["status"]) == ("292.00000000", "8.00000000", "5")
        assert row["convert"] is None
        assert slug not in json.dumps(row, default=str)

    def test_another_amount_twice_and_after_canceling(self, gate, box):
        slug = gate.invoice()["slug"]
        box.control(f"bitexbit/invoices/{slug}/cancel", {})
        for amount in ("100", "400"):
            box.control(f"bitexbit/invoices/{slug}/pay", {"amount": amount})
        found = gate.get("invoice/history")["results"]
        assert [Decimal(row["amount"]) + Decimal(row["fee"]) for row in found] == [400, 100]

    def test_it_may_wait_and_be_rejected(self, gate, box):
        gate.set(payment_seconds=60)
        box.control(f"bitexbit/invoices/{gate.invoice()['slug']}/pay", {})
        (row,) = gate.get("invoice/history")["results"]
        assert row["status"] == "1"
        assert gate.balance("UAH") == 300000
        box.control("clock", {"advance": 61})
        assert gate.balance("UAH") == 300292
        box.control(f"bitexbit/payments/{row['txid']}/reject", {})
        assert gate.get("invoice/history", status="6")["count"] == 1
        assert gate.balance("UAH") == 300000

    def test_a_conversion_is_told_with_its_order(self, gate, box):
        gate.set(pairs={"USDT_UAH": "30"})
        slug = gate.invoice(convert_ticker="USDT", convert_percent=0)["slug"]
        box.control(f"bitexbit/invoices/{slug}/pay", {})
        convert = gate.get("invoice/history")["results"][0]["convert"]
        assert convert == {
            "symbol": "USDT_UAH",
            "amount": "9.73333333",
            "price": "30.00000000",
            "side": "BUY",
            "state": "filled",
        }
        assert gate.balance("USDT") == Decimal("25009.73333333")

    def test_the_callback_names_the_invoice(self, gate, box, receiver):
        made = gate.invoice(callback_url=receiver.url)
        box.control(f"bitexbit/invoices/{made['slug']}/pay", {})
        box.settle()
        assert json.loads(receiver.got[0][0])["slug"] == made["slug"]

    def test_what_an_invoice_cannot_do(self, gate, box):
        slug = gate.invoice()["slug"]
        for verb, data in (("pay", {"amount": "-1"}), ("complete", {})):
            with pytest.raises(ControlError):
                box.control(f"bitexbit/invoices/{slug}/{verb}", data)
