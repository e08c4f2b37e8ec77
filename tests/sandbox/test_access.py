"""Keys, signatures, content types and switches: every refusal before the action, by its cause."""

from __future__ import annotations

import json

import pytest
import requests

BODY = b'{"action":"balances"}'


def message(response: requests.Response) -> str:
    data = response.json()
    assert data["success"] is False
    assert set(data) == {"message", "success"}
    return data["message"]


class TestSignature:
    def test_exact_bytes_are_what_is_signed(self, api):
        spaced = b'{ "action" : "balances" }'
        assert api.post(spaced).json()["success"] is True
        signature = api.headers(BODY)["X-SIGNATURE"]
        assert message(api.post(spaced, X_SIGNATURE=signature)) == "Signature is not correct"

    def test_vector_of_another_implementation_is_accepted(self, box):
        # HMAC-SHA512 of this body under test_secret, worked out once outside of this project.
        body = (
            b'{"action":"withdraw","uniqueid":"135","currency":"USD","paysys":"WMZ","amount":10.00,'
            b'"purse":"Z123456789012"}'
        )
        signature = (
            "5bb7e1bf8b60c8711a34f3f52fdf27400d6d849cf76530c759ba9ac908b8b416"
            "cc66312159497b787eea643ea11c269830a92a61043775e7203ba6239ae11fe7"
        )
        keys = box.control(
            "bitloga/accounts", {"name": "vector", "api_key": "vector-key", "api_secret": "test_secret"}
        )
        headers = {
            "Content-Type": "application/json",
            "X-APIKEY": "vector-key",
            "X-SIGNATURE": signature,
        }
        answer = requests.post(keys["base_url"], data=body, headers=headers, timeout=5).json()
        assert answer["success"] is True
        assert answer["uniqueid"] == "135"

    @pytest.mark.parametrize(
        "forge",
        [
            str.upper,
            lambda text: text[:64],
            lambda text: text + "00",
            lambda text: "ä" * 128,
            lambda text: "0" * 128,
        ],
        ids=["upper case", "truncated", "longer", "not ascii", "zeros"],
    )
    def test_forged_signature_is_refused(self, api, forge):
        body = b'{"action":"balances","currency":"USDT"}'
        signature = forge(api.headers(body)["X-SIGNATURE"])
        assert message(api.post(body, X_SIGNATURE=signature.encode("latin-1"))) == "Signature is not correct"

    def test_signature_of_another_account_is_refused(self, api, other):
        signature = other.headers(BODY)["X-SIGNATURE"]
        assert message(api.post(BODY, X_SIGNATURE=signature)) == "Signature is not correct"

    def test_missing_signature_is_refused(self, api):
        assert message(api.post(BODY, X_SIGNATURE=None)) == "Signature not found"


class TestKey:
    def test_missing_key_is_refused(self, api):
        assert message(api.post(BODY, X_APIKEY=None)) == "API key not found"

    def test_unknown_key_is_refused(self, api):
        assert message(api.post(BODY, X_APIKEY="nobody")) == "API key not found"

    def test_switched_off_key_is_refused_until_it_is_on_again(self, api, box):
        box.control("bitloga/accounts", {"name": "demo", "active": False})
        assert message(api.post(BODY)) == "API key is not active"
        box.control("bitloga/accounts", {"name": "demo", "active": True})
        assert api.post(BODY).json()["success"] is True

    def test_account_without_api_access_is_refused(self, api, box):
        box.control("bitloga/accounts", {"name": "demo", "access": False})
        assert message(api.post(BODY)) == "API access denied"
        box.control("bitloga/accounts", {"name": "demo", "access": True})


class TestSwitches:
    @pytest.mark.parametrize(
        ("setting", "text"),
        [
            ({"maintenance": True}, "Service unavailable"),
            ({"api_enabled": False}, "API is disabled"),
        ],
    )
    def test_whole_api_can_be_off(self, api, box, setting, text):
        box.control("settings", setting)
        assert message(api.post(BODY)) == text

    def test_codes_api_can_be_off_alone(self, api, box):
        box.control("settings", {"codes_api_enabled": False})
        assert message(api.post(b'{"action":"get"}', "code/")) == "Codes API is disabled"
        assert api.post(BODY).json()["success"] is True

    def test_invoice_api_can_be_off_alone(self, api, box):
        box.control("settings", {"invoice_api_enabled": False})
        assert api.invoice("1")["message"] == "Invoice API is disabled"
        assert api.post(BODY).json()["success"] is True

    def test_status_of_refusals_can_be_set(self, api, box):
        assert api.post(BODY, X_APIKEY=None).status_code == 200
        box.control("settings", {"error_status": 403})
        assert api.post(BODY, X_APIKEY=None).status_code == 403


class TestBody:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b'"balances"',
            b"{",
            b"action=balances",
            b'{"action":"balances","amount":NaN}',
            b'{"action":"balances","amount":Infinity}',
            b'{"action":"balances","x":"\xff"}',
            b'{"action":"balances","x":"\\ud800"}',
            b'{"action":"balances","x":1e99999999999999999999}',
            b"[" * 100_000,
            b"\xef\xbb\xbf" + BODY,
        ],
    )
    def test_anything_but_a_json_object_is_bad_data(self, api, body):
        assert message(api.post(body)) == "Bad data"

    def test_other_content_type_is_bad_data(self, api):
        assert message(api.post(BODY, Content_Type="application/x-www-form-urlencoded")) == "Bad data"
        assert message(api.post(BODY, Content_Type=None)) == "Bad data"

    def test_charset_in_the_content_type_is_fine(self, api):
        assert api.post(BODY, Content_Type="application/json; charset=UTF-8").json()["success"] is True

    def test_other_method_is_bad_data(self, api):
        url = api.keys["base_url"]
        assert message(requests.get(url, timeout=5)) == "Bad data"
        headers = api.headers(BODY)
        assert message(requests.put(url, data=BODY, headers=headers, timeout=5)) == "Bad data"


class TestAction:
    @pytest.mark.parametrize("body", [b"{}", b'{"action":""}', b'{"action":"pay"}', b'{"action":5}'])
    def test_unknown_action_is_refused(self, api, body):
        assert message(api.post(body)) == "Undefined action"

    def test_actions_of_the_other_address_are_unknown(self, api):
        assert message(api.post(b'{"action":"create"}')) == "Undefined action"
        assert message(api.post(b'{"action":"balances"}', "code/")) == "Undefined action"


class TestAddress:
    @pytest.mark.parametrize("path", ["/bitloga/api/v1", "/bitloga/api/v1/code"])
    def test_missing_slash_is_a_redirect_that_loses_the_body(self, api, box, path):
        response = requests.post(
            box.url + path, data=BODY, headers=api.headers(BODY), timeout=5, allow_redirects=False
        )
        assert response.status_code == 301
        assert response.headers["Location"] == path + "/"
        # A client that follows turns POST into GET, as browsers and requests do.
        followed = requests.post(box.url + path, data=BODY, headers=api.headers(BODY), timeout=5)
        assert followed.json() == {"message": "Bad data", "success": False}

    def test_unknown_address_is_404(self, box):
        assert requests.get(box.url + "/bitloga/api/v2/", timeout=5).status_code == 404


class TestBalances:
    def test_all_balances_stand_beside_success(self, api):
        assert api.post(BODY).json() == {
            "USDT": 25000,
            "RUB": 1500000,
            "LTC": 120,
            "BTC": 1.5,
            "KZT": 3000000,
            "USD": 10000,
            "success": True,
        }

    def test_one_balance_can_be_asked_for(self, api):
        assert api.call("balances", currency="BTC") == {"BTC": json.loads("1.5"), "success": True}

    def test_unknown_currency_is_not_found(self, api):
        assert api.call("balances", currency="GBP")["message"] == "Currency not found"

    def test_empty_currency_is_not_defined(self, api):
        assert api.call("balances", currency="")["message"] == "Currency is not defined"

    def test_account_without_balances_has_none(self, box, other):
        box.control("bitloga/accounts", {"name": "poor", "balances": {}})
        poor = type(other)(box, "poor")
        assert poor.call("balances")["message"] == "User balances not found"

    def test_wrong_type_is_bad_data(self, api):
        assert api.call("balances", currency=5)["message"] == "Bad data"
