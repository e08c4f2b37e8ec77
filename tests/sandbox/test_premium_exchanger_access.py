"""Keys, addresses, methods and switches of the simulated exchanger, and the envelope of its answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from sandbox.premium_exchanger import errors
from sandbox.premium_exchanger.provider import METHODS

FACTS = json.loads((Path(__file__).parents[1] / "wire" / "premium_exchanger" / "documented.json").read_text())


class TestDocumented:
    """Two readers of one document."""

    def test_it_has_its_methods_and_no_other(self):
        assert list(METHODS) == [endpoint["operation"] for endpoint in FACTS["endpoints"]]

    def test_its_refusals_are_the_documents(self):
        known = [value for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)]
        assert [text.lower() for text in known] == [error["text"].lower() for error in FACTS["errors"]]
        documented = [error["text"].lower() for error in FACTS["errors"] if error["documented"]]
        assert [text.lower() for text in errors.DOCUMENTED] == documented

    @pytest.mark.parametrize("endpoint", FACTS["endpoints"], ids=lambda one: one["operation"])
    def test_every_documented_field_is_answered(self, exchanger, endpoint):
        bid = exchanger.bid(api_id=77)
        exchanger.control("partner/links", {})
        exchanger.control("partner/exchanges", {"reward": "0.45"})
        operation = endpoint["operation"]
        if operation == "get_partner_payouts":
            exchanger.data("add_partner_payout", method_id=2, account="x")
        params = {
            "get_direction": {"direction_id": 10},
            "get_calc": {"direction_id": 10, "calc_amount": 5000, "calc_action": 1},
            "get_exchanges": {"status_history": 1},
            "get_partner_exchanges": {"status_history": 1},
            "add_partner_payout": {"method_id": 2, "account": "x"},
        }.get(operation, {"hash": bid["hash"]})
        if operation == "create_bid":
            data = exchanger.bid()
        else:
            data = exchanger.data(operation, **params)
        if operation in ("cancel_bid", "pay_bid", "success_bid"):
            assert isinstance(data, str)
            return
        for name in endpoint["answer"]:
            place = data[0] if isinstance(data, list) else data
            for part in name.split("."):
                place = place[0] if isinstance(place, list) else place
                if part in ("options", "label") and "name" not in place:
                    place = place["cf12"]
                assert part in place or "cf12" in place, name
                place = place[part] if part in place else place["cf12"][part]


class TestKeys:
    def test_right_ones_are_told_who_they_are(self, exchanger):
        data = exchanger.data("test")
        assert data == {"ip": "127.0.0.1", "user_id": data["user_id"], "locale": "en_US", "partner_id": 0}
        assert data["user_id"] > 0

    @pytest.mark.parametrize(
        "headers", [{"API_LOGIN": None}, {"API_KEY": None}, {"API_LOGIN": "nobody"}, {"API_KEY": "wrong"}]
    )
    def test_wrong_ones_are_api_disabled(self, exchanger, headers):
        answer = exchanger.post("test", headers=headers).json()
        assert answer == {"error": 1, "error_text": "Api disabled"}

    def test_another_accounts_key_does_not_fit(self, exchanger, stranger):
        answer = exchanger.post("test", headers={"API_KEY": stranger.keys["api_key"]}).json()
        assert answer["error_text"] == "Api disabled"

    def test_the_language_is_told(self, exchanger):
        assert exchanger.post("test", headers={"API_LANG": "ru_RU"}).json()["data"]["locale"] == "ru_RU"

    def test_the_exchangers_own_key_is_user_0(self, exchanger):
        exchanger.control("accounts", {"name": "demo", "user_id": 0})
        assert exchanger.data("test")["user_id"] == 0


class TestSwitches:
    def test_the_api_can_be_off(self, exchanger):
        exchanger.set(api_access="disabled")
        assert exchanger.error("test") == ("1", "Api disabled")

    def test_or_for_selected_accounts(self, exchanger):
        exchanger.control("accounts", {"name": "demo", "work_api": False})
        assert exchanger.error("test") == ("0", "")
        exchanger.set(api_access="selected")
        assert exchanger.error("test") == ("1", "Api disabled")

    def test_only_allowed_addresses_may_call(self, exchanger):
        exchanger.control("accounts", {"name": "demo", "allowed_ips": ["203.0.113.10"]})
        assert exchanger.error("create_bid") == ("2", "IP blocked")
        answer = exchanger.post("test", headers={"X_Sandbox_Client": "203.0.113.10"}).json()
        assert answer["data"]["ip"] == "203.0.113.10"
        exchanger.control("accounts", {"name": "demo", "allowed_ips": ""})
        assert exchanger.error("test") == ("0", "")

    def test_only_allowed_methods_may_be_called(self, exchanger):
        exchanger.control("accounts", {"name": "demo", "methods": ["test"]})
        assert exchanger.error("get_directions") == ("3", "Method not supported")
        assert exchanger.error("test") == ("0", "")

    @pytest.mark.parametrize("method", ["", "nothing", "create_bids"])
    def test_unknown_methods_are_not_supported(self, exchanger, method):
        assert exchanger.error(method) == ("3", "Method not supported")

    @pytest.mark.parametrize(
        ("method", "code"),
        [("get_directions", "1"), ("get_calc", "2"), ("create_bid", "2"), ("bid_info", "2")],
    )
    def test_maintenance(self, exchanger, method, code):
        exchanger.set(maintenance=True)
        assert exchanger.error(method) == (code, "maintenance")
        assert exchanger.error("test") == ("0", "")


class TestEnvelope:
    @pytest.mark.parametrize(
        ("style", "values"), [("mixed", [0, "0"]), ("number", [0, 0]), ("text", ["0", "0"])]
    )
    def test_error_is_a_number_or_a_text(self, exchanger, style, values):
        exchanger.set(error_style=style)
        found = [exchanger.call(method)["error"] for method in ("test", "get_exchanges")]
        assert found == values
        assert [type(one) for one in found] == [type(one) for one in values]

    def test_slashes_are_escaped_as_php_does(self, exchanger):
        assert b"http:\\/\\/" in exchanger.post("get_directions").content

    def test_json_is_no_form(self, exchanger):
        response = exchanger.session.post(
            exchanger.keys["base_url"] + "get_direction",
            json={"direction_id": 11},
            headers=exchanger.headers(),
            timeout=5,
        )
        assert response.json()["data"]["id"] == "10"  # the first: no parameter arrived

    def test_other_addresses_are_404(self, box):
        assert requests.get(box.url + "/premium_exchanger/api/v2/", timeout=5).status_code == 404
