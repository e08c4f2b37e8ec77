"""The control API over HTTP, its forms, and its page."""

from __future__ import annotations

import pytest
import requests

from sandbox.faults import MODES
from sandbox.routes import ControlError


def post(box, path: str, data=None, **kwargs) -> requests.Response:
    return requests.post(f"{box.url}/_control/{path}", json=data, timeout=5, allow_redirects=False, **kwargs)


class TestJson:
    def test_what_is_answered_is_json(self, box):
        response = requests.get(box.url + "/_control/clock", timeout=5)
        assert response.headers["Content-Type"] == "application/json"
        assert set(response.json()) == {"now", "offset_seconds", "speed"}

    @pytest.mark.parametrize(
        ("method", "path", "body", "status"),
        [
            ("GET", "nothing", b"", 404),
            ("GET", "reset", b"", 405),
            ("POST", "clock", b"{", 400),
            ("POST", "clock", b"[]", 400),
            ("POST", "clock", b"{}", 400),
            ("POST", "clock", b'{"advance":1e300}', 400),
            ("POST", "bitloga/invoices/404/pay", b"", 404),
            ("POST", "bitloga/withdrawals/404/complete", b"", 404),
            ("POST", "bitloga/codes/aaaa-bbbb/disable", b"", 404),
            ("POST", "bitloga/codes", b'{"amount":0}', 400),
            ("POST", "bitloga/accounts", b'{"balances":5}', 400),
            ("POST", "bitloga/accounts", b'{"active":"maybe"}', 400),
            ("DELETE", "faults/99", b"", 404),
        ],
    )
    def test_what_cannot_be_done_is_said_in_words(self, box, method, path, body, status):
        response = requests.request(method, f"{box.url}/_control/{path}", data=body, timeout=5)
        assert response.status_code == status
        assert response.json()["error"]

    def test_clock_still_works_after_an_impossible_jump(self, box):
        post(box, "clock", {"advance": 1e300})
        assert box.control("clock")["offset_seconds"] == 0

    def test_pages_of_other_sites_cannot_post(self, box):
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert post(box, "reset", {}, headers=headers).status_code == 403
        assert post(box, "reset", {}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
        assert post(box, "reset", {}, headers={"Origin": box.url}).status_code == 200


class TestAccounts:
    def test_new_account_has_random_keys_and_the_base_url(self, box):
        account = post(box, "bitloga/accounts", {"name": "second", "balances": {"USDT": "5.5"}}).json()
        assert len(account["api_key"]) == 32
        assert len(account["api_secret"]) == 64
        assert account["base_url"] == box.url + "/bitloga/api/v1/"
        assert account["balances"] == {"USDT": "5.5"}

    def test_keys_can_be_given_but_not_twice(self, box):
        post(box, "bitloga/accounts", {"name": "a", "api_key": "k", "api_secret": "s"})
        assert post(box, "bitloga/accounts", {"name": "b", "api_key": "k"}).status_code == 409

    def test_known_name_is_changed(self, box):
        before = box.account()
        changed = post(box, "bitloga/accounts", {"name": "demo", "balances": {"USDT": 7, "KZT": None}}).json()
        assert changed["api_key"] == before["api_key"]
        assert changed["balances"]["USDT"] == "7"
        assert "KZT" not in changed["balances"]

    def test_all_are_listed(self, box):
        names = [account["name"] for account in box.control("bitloga/accounts")["accounts"]]
        assert names == ["demo"]


class TestTransactions:
    def test_oracle_tells_every_accept_with_its_effect(self, api, box):
        api.invoice("1")
        api.withdraw("2")
        api.withdraw("2")
        found = requests.get(box.url + "/_control/bitloga/transactions", timeout=5).json()
        assert found["count"] == 2
        row = found["transactions"][0]
        assert (row["uniqueid"], row["kind"], row["accepts"], row["net"]) == ("2", "withdrawal", 1, "-10.05")
        assert row["params"]["purse"] == "bob"
        assert row["accepted_at"].endswith("+00:00")

    def test_filters(self, api, other, box):
        api.invoice("1")
        other.invoice("1")
        api.withdraw("2")
        assert box.control("bitloga/transactions?uniqueid=1")["count"] == 2
        assert box.control("bitloga/transactions?uniqueid=1&account=other")["count"] == 1
        assert box.control("bitloga/transactions?kind=withdrawal")["count"] == 1
        with pytest.raises(ControlError):
            box.control("bitloga/transactions?account=nobody")

    def test_same_id_in_two_accounts_needs_the_account(self, api, other, box):
        api.invoice("1")
        other.invoice("1")
        with pytest.raises(ControlError, match="which account"):
            box.control("bitloga/invoices/1/pay", {})
        box.control("bitloga/invoices/1/pay", {"account": "other"})
        assert other.balance("USDT") == 25100
        assert api.balance("USDT") == 25000

    @pytest.mark.parametrize(("verb", "status"), [("pay", 409), ("explode", 404)])
    def test_moves_that_cannot_be(self, api, box, verb, status):
        api.invoice("1")
        box.control("bitloga/invoices/1/pay", {})
        assert post(box, f"bitloga/invoices/1/{verb}").status_code == status

    @pytest.mark.parametrize("amount", ["0", "-1", "x", "NaN"])
    def test_odd_amounts_cannot_be_paid(self, api, box, amount):
        api.invoice("1")
        assert post(box, "bitloga/invoices/1/pay", {"amount": amount}).status_code == 400
        assert api.rows("1")[0]["status"] == "Created"

    def test_any_unique_id_can_be_moved(self, api, box):
        api.invoice("a/b?c d%20é")
        assert post(box, "bitloga/invoices/a%2Fb%3Fc%20d%2520%C3%A9/pay").status_code == 200


class TestRequests:
    def test_tells_what_was_asked_without_secrets(self, api, box):
        code = api.code("create", amount=1, currency="USD", **{"pass": "geheim-1"})["code"]
        api.code("apply", code=code, **{"pass": "geheim-2"})
        api.withdraw("1", purse="4242424242424242", paysys="CARD_RUB")
        text = requests.get(box.url + "/_control/bitloga/requests", timeout=5).text
        for secret in (
            "geheim-1",
            "geheim-2",
            code,
            "4242424242424242",
            api.keys["api_secret"],
            "X-SIGNATURE",
        ):
            assert secret not in text
        assert "424242***4242" in text

    def test_refused_ones_are_told_too(self, api, box):
        api.withdraw("1", amount=0)
        (line,) = box.control("bitloga/requests?uniqueid=1")["requests"]
        assert (line["action"], line["account"], line["answer"]) == (
            "withdraw",
            "demo",
            "Amount is not defined",
        )
        assert len(line["body_sha256"]) == 64


class TestSettings:
    def test_unknown_names_and_odd_values_change_nothing(self, box):
        before = box.control("settings")
        for data in (
            {"nope": 1},
            {"withdraw_delay": 1, "nope": 1},
            {"withdraw_delay": -1},
            {"withdraw_delay": "x"},
            {"withdraw_delay": True},
            {"withdraw_delay": None},
            {"dedup": "maybe"},
            {"number_style": "roman"},
            {"rates": 5},
            {"rates": "{"},
            {"unverified_cards": "x"},
            {"limits": {"NOPE": {"min": 1}}},
            {"limits": {"BTC": {"least": 1}}},
            {"methods": {"BTC": {"min": "x"}}},
            {"methods": {"NEW": {"title": "no currency"}}},
            {"methods": {"NEW": 5}},
        ):
            with pytest.raises(ControlError):
                box.control("settings", data)
        assert box.control("settings") == before

    def test_one_method_is_laid_over_the_others(self, box):
        box.control("settings", {"methods": {"BTC": {"max": "20"}}})
        methods = box.control("settings")["bitloga"]["methods"]
        assert methods["BTC"]["max"] == "20"
        assert methods["BTC"]["min"] == "0.0001"
        assert "LTC" in methods


class TestReset:
    def test_forgets_everything_but_accounts(self, api, box):
        api.withdraw("1")
        box.control("settings", {"withdraw_delay": 1})
        box.control("faults", {"mode": "null"})
        box.control("clock", {"advance": 5000})
        keys = dict(box.account())
        box.control("reset", {})
        assert box.account() == keys
        assert api.balance("USDT") == 25000
        assert api.rows() == []
        assert box.control("faults")["faults"] == []
        assert box.control("clock")["offset_seconds"] == 0
        assert box.control("settings")["bitloga"]["withdraw_delay"] == 5
        assert api.withdraw("1")["orderid"] == 1


class TestForms:
    def form(self, box, path: str, **fields: str) -> requests.Response:
        return requests.post(f"{box.url}/_control/{path}", data=fields, timeout=5, allow_redirects=False)

    def test_leads_back_to_the_page_with_a_word(self, api, box):
        api.invoice("1")
        response = self.form(box, "bitloga/invoices/1/pay", account="demo")
        assert response.status_code == 303
        assert response.headers["Location"].startswith("/_control/?said=")
        assert response.headers["Location"].endswith("#transactions")
        assert api.rows("1")[0]["status"] == "Payed"

    def test_error_is_shown_on_the_page(self, box):
        response = self.form(box, "faults", mode="<nope>")
        page = requests.get(box.url + response.headers["Location"], timeout=5).text
        assert "There is no mode &#x27;&lt;nope&gt;&#x27;" in page

    def test_every_form_field_may_be_empty(self, box):
        response = self.form(
            box,
            "faults",
            provider="bitloga",
            action="*",
            mode="null",
            count="",
            seconds="",
            text="",
            status="",
        )
        assert "said" in response.headers["Location"]
        assert box.control("faults")["faults"][0]["count"] == 1

    def test_settings_take_text(self, box):
        self.form(box, "settings", provider="bitloga", dedup="false")
        self.form(box, "settings", provider="bitloga", rate_limit="")
        self.form(box, "settings", provider="bitloga", code_limits='{"USD": {"min": "5"}}')
        settings = box.control("settings")["bitloga"]
        assert settings["dedup"] is False
        assert settings["rate_limit"] is None
        assert settings["code_limits"] == {"USD": {"min": "5"}}


class TestPage:
    def test_shows_everything_there_is(self, api, box, receiver):
        api.invoice("inv-1", callbackurl=receiver.url + "/cb", desc="<script>alert(1)</script>")
        api.withdraw("out-1", purse="bob")
        code = api.code("create", amount=1, currency="USD")["code"]
        box.control("bitloga/invoices/inv-1/pay", {})
        box.settle()
        box.control("faults", {"mode": "slow", "text": "<b>", "action": "details"})
        response = requests.get(box.url + "/_control/", timeout=5)
        assert response.status_code == 200
        for text in ("inv-1", "out-1", code, receiver.url, box.account()["api_key"], "Payed", "25", *MODES):
            assert text in response.text
        assert "<script" not in response.text
        assert "style-src 'self'" in response.headers["Content-Security-Policy"]

    def test_bare_addresses_lead_to_it(self, box):
        for path in ("/", "/_control"):
            assert requests.get(box.url + path, timeout=5).url == box.url + "/_control/"

    def test_style_is_served(self, box):
        response = requests.get(box.url + "/_static/sandbox.css", timeout=5)
        assert response.headers["Content-Type"].startswith("text/css")
        assert "prefers-color-scheme: dark" in response.text
