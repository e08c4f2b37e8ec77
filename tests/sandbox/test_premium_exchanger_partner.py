"""The partner programme of the simulated exchanger, its part of the control page, and what a reset forgets."""

from __future__ import annotations

import pytest
import requests

from sandbox.routes import ControlError


class TestInfo:
    def test_balance_and_what_it_is_worth(self, exchanger):
        exchanger.set(currencies={"1": {"payout_fee": "2"}, "3": {"payout": False}})
        found = exchanger.data("get_partner_info")
        assert (found["balance"], found["min_payout"]) == ("42.5", "10")
        items = {item["id"]: item for item in found["items"]}
        assert items["2"]["amount"] == "42.5"
        assert items["1"]["commission"] == "2%"
        assert "3" not in items

    def test_the_other_spelling(self, exchanger):
        exchanger.set(commission_name="comission")
        assert exchanger.data("get_partner_info")["items"][0]["comission"] == "0%"

    @pytest.mark.parametrize(
        "method",
        [
            "get_partner_info",
            "get_partner_links",
            "get_partner_exchanges",
            "get_partner_payouts",
            "add_partner_payout",
        ],
    )
    def test_without_a_programme_or_a_partner(self, exchanger, method):
        exchanger.control("accounts", {"name": "demo", "user_id": 0})
        assert exchanger.error(method) == ("1", "no partner id")
        exchanger.set(partner_program=False)
        assert exchanger.error(method) == ("1", "no active partner program")


class TestLists:
    def test_visitors(self, exchanger):
        exchanger.control("partner/links", {"referrer": "https://a.example/", "ip": "198.51.100.9"})
        exchanger.control("partner/links", {})
        rows = exchanger.data("get_partner_links")["items"]
        assert [row["referrer"] for row in rows] == ["https://forum.example/", "https://a.example/"]
        assert len(exchanger.data("get_partner_links", ip="198.51.100.9")["items"]) == 1
        assert len(exchanger.data("get_partner_links", limit=1)["items"]) == 1

    def test_rewards_are_accrued_with_success(self, exchanger):
        exchanger.control("partner/exchanges", {"reward": "1.25"})
        exchanger.control("partner/exchanges", {"reward": "2", "status": "new"})
        rows = exchanger.data("get_partner_exchanges", status_history=1)["items"]
        assert [(row["accrued"], row["partner_reward"], row["status"]) for row in rows] == [
            (0, "2", "new"),
            (1, "1.25", "success"),
        ]
        assert "api_id" not in rows[0]
        assert exchanger.data("get_partner_info")["balance"] == "43.75"


class TestPayouts:
    def ask(self, exchanger, **params):
        return exchanger.call("add_partner_payout", **{"method_id": 2, "account": "TR7x", **params})

    def test_the_whole_balance_goes(self, exchanger):
        assert self.ask(exchanger)["data"] == {"payout_id": "1"}
        assert exchanger.data("get_partner_info")["balance"] == "0"
        (row,) = exchanger.data("get_partner_payouts")["items"]
        assert (row["pay_amount"], row["pay_currency_code"]) == ("42.5", "USDT")
        assert (row["original_amount"], row["original_currency_code"], row["status"]) == ("42.5", "USD", "0")

    def test_error_1_although_it_worked(self, exchanger):
        exchanger.set(payout_error=True)
        answer = self.ask(exchanger)
        assert (answer["error"], answer["error_text"], answer["data"]) == (
            "1",
            "no active partner program",
            {"payout_id": "1"},
        )
        assert exchanger.control("transactions?kind=payout")["count"] == 1

    @pytest.mark.parametrize("params", [{"method_id": 99}, {"method_id": ""}, {"account": " "}])
    def test_refused(self, exchanger, params):
        answer = self.ask(exchanger, **params)
        assert (answer["error"], answer["data"]) == ("1", [])
        assert exchanger.data("get_partner_info")["balance"] == "42.5"

    def test_a_second_one_finds_nothing_left(self, exchanger):
        self.ask(exchanger)
        assert "Minimum" in self.ask(exchanger)["error_text"]
        found = exchanger.control("arrivals?method=add_partner_payout")["arrivals"]
        assert [line["outcome"] == "accepted" for line in found] == [False, True]

    @pytest.mark.parametrize(
        ("verb", "status", "balance"), [("pay", "1", "0"), ("cancel", "2", "42.5"), ("withdraw", "3", "42.5")]
    )
    def test_what_becomes_of_it(self, exchanger, verb, status, balance):
        self.ask(exchanger)
        exchanger.control(f"payouts/1/{verb}", {})
        assert exchanger.data("get_partner_payouts", id=1)["items"][0]["status"] == status
        assert exchanger.data("get_partner_info")["balance"] == balance

    def test_what_cannot_be(self, exchanger):
        self.ask(exchanger)
        for path in ("payouts/9/pay", "payouts/1/explode"):
            with pytest.raises(ControlError):
                exchanger.control(path, {})


class TestControl:
    def test_the_page_shows_everything_there_is(self, exchanger, box):
        bid = exchanger.bid(api_id=77)
        exchanger.call("add_partner_payout", method_id=2, account="TR7x")
        page = requests.get(box.url + "/_control/", timeout=5).text
        keys = box.account(provider="premium_exchanger")
        for text in (
            keys["api_login"],
            keys["base_url"],
            bid["url"],
            "77",
            "TR7x",
            "Sberbank → Tether TRC20",
        ):
            assert text in page
        for place in ("bids", "directions", "partner"):
            assert page.count(f'id="premium_exchanger-{place}"') == 1
        for place in ("settings", "requests"):
            assert page.count(f'id="{place}-premium_exchanger"') == 1
        assert page.count('id="settings"') == page.count('id="requests"') == 1

    @pytest.mark.parametrize(
        ("path", "fields", "anchor"),
        [
            ("bids/1/complete", {}, "premium_exchanger-bids"),
            ("bids/status", {"bid": "1", "status": "verify"}, "premium_exchanger-bids"),
            ("directions/10", {"active": "false"}, "premium_exchanger-directions"),
            ("partner/links", {"referrer": ""}, "premium_exchanger-partner"),
            ("partner/exchanges", {"reward": ""}, "premium_exchanger-partner"),
            (
                "accounts",
                {"name": "demo", "allowed_ips": "", "user_id": "", "balances": ""},
                "premium_exchanger",
            ),
        ],
    )
    def test_its_forms_lead_back_with_a_word(self, exchanger, box, path, fields, anchor):
        exchanger.bid()
        response = requests.post(
            f"{box.url}/_control/premium_exchanger/{path}",
            data={"x": "", **fields},
            timeout=5,
            allow_redirects=False,
        )
        assert response.headers["Location"].startswith("/_control/?said=")
        assert response.headers["Location"].endswith(f"#{anchor}")

    @pytest.mark.parametrize(
        ("path", "data"),
        [
            ("bids/9/pay", {}),
            ("bids/1/explode", {}),
            ("directions/99", {"active": False}),
            ("accounts", {"name": "demo", "methods": 5}),
            ("accounts", {"name": "demo", "allowed_ips": "[5]"}),
            ("accounts", {"name": "demo", "user_id": "x"}),
            ("partner/links", {"account": "nobody"}),
            ("partner/exchanges", {"reward": "x"}),
        ],
    )
    def test_nonsense_is_refused_in_words(self, exchanger, path, data):
        exchanger.bid()
        with pytest.raises(ControlError):
            exchanger.control(path, data)

    def test_what_was_asked_is_told_without_cards_and_tokens(self, exchanger, box, receiver):
        exchanger.bid(callback_url=receiver.url + "/callbacks/x/geheim/")
        text = requests.get(box.url + "/_control/premium_exchanger/requests", timeout=5).text
        for secret in ("4000123456789017", "geheim", exchanger.keys["api_key"]):
            assert secret not in text
        assert "400012***9017" in text

    def test_a_reset_forgets_all_but_accounts(self, exchanger, box):
        exchanger.bid(api_id=5)
        exchanger.control("partner/links", {})
        keys = dict(box.account(provider="premium_exchanger"))
        box.control("reset", {})
        assert box.account(provider="premium_exchanger") == keys
        assert exchanger.control("arrivals")["count"] == exchanger.control("bids")["count"] == 0
        assert exchanger.data("get_partner_links") == []
        assert exchanger.bid(api_id=5)["id"] == "1"

    def test_a_provider_that_is_not_named_is_the_first(self, box):
        box.control("settings", {"dedup": False})
        assert box.control("settings")["bitloga"]["dedup"] is False
        assert box.control("settings")["premium_exchanger"]["dedup"] is True
