"""The page on which a payer pays."""

from __future__ import annotations

import requests


def payer_url(api, uniqueid: str = "1") -> str:
    return api.rows(uniqueid)[0]["payer_url"]


def press(url: str, button: str) -> str:
    response = requests.post(url, data={"do": button}, timeout=5)
    assert response.status_code == 200
    assert response.url == url
    return response.text


class TestPage:
    def test_shows_amount_way_description_and_requisites(self, api):
        answer = api.invoice("1", desc="Order <1042>")
        text = requests.get(payer_url(api), timeout=5).text
        for part in (
            "101.00",
            "USDT",
            "TRC20 USDT",
            "Order &lt;1042&gt;",
            answer["requisites"]["wallet"],
            "<svg",
        ):
            assert part in text
        assert "Back to the shop" not in text

    def test_another_way_can_be_chosen(self, api):
        api.invoice("1", paylist="BTC,SBP_RUB")
        text = requests.get(payer_url(api) + "?by=SBP_RUB", timeout=5).text
        assert "8\u202f080.00" in text
        text = requests.get(payer_url(api) + "?by=NOPE", timeout=5).text
        assert "BTC" in text

    def test_pay_amount_is_what_the_payer_sees(self, api):
        api.invoice("1", amount=None, pay_amount=8000, paylist="SBP_RUB", comis="payee")
        assert "8\u202f000.00" in requests.get(payer_url(api), timeout=5).text

    def test_unknown_invoice_is_not_found(self, box):
        response = requests.get(box.url + "/bitloga/exchange/id-abc/step-4", timeout=5)
        assert response.status_code == 404
        assert "Invoice not found" in response.text

    def test_qr_address_leads_to_it(self, api):
        requisites = api.invoice("1", paysys="RUBBALANCE", paylist="NSPK_RUB")["requisites"]
        assert requests.get(requisites["payment_url"], timeout=5).url == payer_url(api)


class TestPay:
    def test_pays_credits_and_leads_back_to_the_shop(self, api):
        api.invoice("1", successurl="http://127.0.0.1:1/thanks", failurl="http://127.0.0.1:1/pity")
        text = press(payer_url(api), "pay")
        assert "Thank you" in text
        assert "http://127.0.0.1:1/thanks" in text
        assert "pity" not in text
        assert api.balance("USDT") == 25100

    def test_sends_the_callback(self, api, box, receiver):
        api.invoice("1", callbackurl=receiver.url)
        press(payer_url(api), "pay")
        assert box.settle()
        assert len(receiver.got) == 1

    def test_second_press_pays_nothing_more(self, api, box):
        api.invoice("1")
        press(payer_url(api), "pay")
        press(payer_url(api), "pay")
        press(payer_url(api), "cancel")
        assert api.rows("1")[0]["status"] == "Payed"
        assert api.balance("USDT") == 25100

    def test_payment_can_stay_pending_first(self, api, box):
        box.control("settings", {"invoice_pending_seconds": 60})
        api.invoice("1")
        assert "being confirmed" in press(payer_url(api), "pay")
        assert api.call("details", uniqueid="1")["status"] == "Pending"
        assert api.balance("USDT") == 25000
        box.control("clock", {"advance": 61})
        assert api.call("details", uniqueid="1")["status"] == "Payed"
        assert api.balance("USDT") == 25100

    def test_odd_button_does_nothing(self, api):
        api.invoice("1")
        press(payer_url(api), "explode")
        assert api.rows("1")[0]["status"] == "Created"


class TestCancel:
    def test_cancels_and_leads_back_to_the_shop(self, api):
        api.invoice("1", successurl="http://127.0.0.1:1/thanks", failurl="http://127.0.0.1:1/pity")
        text = press(payer_url(api), "cancel")
        assert "cannot be paid any more" in text
        assert "http://127.0.0.1:1/pity" in text
        assert api.call("details", uniqueid="1")["status"] == "Canceled"
