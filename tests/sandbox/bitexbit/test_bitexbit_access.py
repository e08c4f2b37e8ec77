"""Keys, deadlines, signatures, rights and shapes: every refusal before a call, by its cause."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import requests

from tests.payments.providers.bitexbit.facts import case

FACTS = json.loads((Path(__file__).parents[2] / "wire" / "bitexbit" / "documented.json").read_text())
METHODS = "payment-methods"


def refused(response: requests.Response, status: int) -> str:
    assert response.status_code == status
    return response.json()["detail"]


class TestSignature:
    def test_vectors_of_another_implementation_are_accepted(self, box):
        facts = FACTS["vectors"]
        box.control("settings", {"provider": "bitexbit", "check_deadline": False})
        account = {"name": "vector", "api_key": facts["key"], "api_secret": facts["secret"]}
        url = box.control("bitexbit/accounts", account)["base_url"].rstrip("/")
        for fact in facts["cases"]:
            headers = {"X-Key": facts["key"], "X-Timeout": facts["timeout"], "X-Sign": fact["signature"]}
            method = "POST" if fact["body"] else "GET"
            response = requests.request(
                method, url + fact["path"], data=fact["body"] or None, headers=headers, timeout=5
            )
            assert response.status_code == (400 if fact["body"] else 200)  # that body has no address
            assert "address" in response.json() if fact["body"] else response.json()

    def test_the_query_is_not_signed(self, gate):
        assert gate.send(METHODS, query="?ordering=-id").status_code == 200

    def test_exact_bytes_are_what_is_signed(self, gate):
        body = '{ "ticker" : "USDT" , "network":"tron" }'
        assert gate.send("wallet/create", body).status_code == 200
        headers = gate.headers("/api/gateway/wallet/create", body)
        url = gate.keys["base_url"] + "api/gateway/wallet/create"
        response = requests.post(url, data=body + " ", headers=headers, timeout=5)
        assert refused(response, 401) == "Invalid signature."

    def test_forged_signature_is_refused(self, gate):
        for forge in [str.upper, lambda text: text[:32], lambda text: text + "00", lambda text: "0" * 64]:
            with case(forge):
                signature = forge(gate.headers("/api/gateway/payment-methods")["X-Sign"])
                assert refused(gate.send(METHODS, X_Sign=signature), 401) == "Invalid signature."

    def test_signature_of_another_path_deadline_or_account_is_refused(self, gate, stranger):
        for headers in (
            gate.headers("/api/gateway/wallets"),
            {
                **gate.headers("/api/gateway/payment-methods"),
                "X-Timeout": str(int(time.time() * 1000) + 9000),
            },
            {
                **gate.headers("/api/gateway/payment-methods"),
                "X-Sign": stranger.headers("/api/gateway/payment-methods")["X-Sign"],
            },
        ):
            url = gate.keys["base_url"] + "api/gateway/payment-methods"
            assert refused(requests.get(url, headers=headers, timeout=5), 401) == "Invalid signature."

    def test_missing_header_is_refused(self, gate):
        for header in ["X_Key", "X_Sign", "X_Timeout"]:
            with case(header):
                assert "not provided" in refused(gate.send(METHODS, **{header: None}), 401)

    def test_a_signature_with_the_prefix_of_the_sandbox_is_wrong(self, gate):
        key, secret = gate.keys["api_key"], gate.keys["api_secret"]
        timeout = str(int(time.time() * 1000) + 9000)
        text = f"{key}/bitexbit/api/gateway/payment-methods{timeout}"
        signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        assert refused(gate.send(METHODS, X_Timeout=timeout, X_Sign=signature), 401) == "Invalid signature."


class TestDeadline:
    def test_one_that_is_over_is_refused(self, gate):
        assert refused(gate.send(METHODS, seconds=-0.5), 401) == "Request timeout has expired."

    def test_one_that_is_no_number_is_refused(self, gate):
        for timeout in ["", "soon", "1.5", "-1", "٢"]:
            with case(timeout):
                assert gate.send(METHODS, X_Timeout=timeout.encode()).status_code == 401

    def test_one_that_is_a_length_is_over(self, gate):
        assert refused(gate.send(METHODS, X_Timeout="500"), 401) == "Request timeout has expired."

    def test_one_that_is_too_far_is_refused_where_that_is_set(self, gate):
        assert gate.send(METHODS, seconds=3600).status_code == 200
        gate.set(deadline_most_seconds=60)
        assert "too far" in refused(gate.send(METHODS, seconds=3600), 401)

    def test_the_clock_there_can_run_ahead_in_date_and_deadline(self, gate):
        gate.set(date_offset_seconds=30)
        response = gate.send(METHODS, seconds=10)
        assert refused(response, 401) == "Request timeout has expired."
        ahead = parsedate_to_datetime(response.headers["Date"]).timestamp() - time.time()
        assert 28 < ahead < 31
        assert gate.send(METHODS, seconds=40).status_code == 200


class TestKey:
    def test_unknown_and_inactive_keys_are_refused(self, gate, box):
        assert refused(gate.send(METHODS, X_Key="nobody"), 401) == "Invalid API key."
        box.control("bitexbit/accounts", {"name": "demo", "active": False})
        assert refused(gate.send(METHODS), 401) == "Invalid API key."
        box.control("bitexbit/accounts", {"name": "demo", "active": True})

    def test_an_account_without_rights_is_refused(self, gate, box):
        box.control("bitexbit/accounts", {"name": "demo", "access": False})
        assert "permission" in refused(gate.send(METHODS), 403)
        box.control("bitexbit/accounts", {"name": "demo", "access": True})


class TestOtherStatuses:
    def test_too_many(self, gate):
        gate.set(rate_limit=1, retry_after=3)
        answers = [gate.send(METHODS) for _one in range(3)]
        assert answers[-1].status_code == 429
        assert answers[-1].headers["Retry-After"] == "3"

    def test_maintenance_is_502_and_a_fault_500(self, gate, box):
        gate.set(maintenance=True)
        assert gate.send(METHODS).status_code == 502
        gate.set(maintenance=False)
        box.control("faults", {"provider": "bitexbit", "action": METHODS, "mode": "status_500"})
        assert gate.send(METHODS).status_code == 500

    def test_every_status_of_the_table_can_be_had(self, gate, box):
        for error in FACTS["errors"]:
            fault = {"provider": "bitexbit", "mode": "message", "text": "No.", "status": error["status"]}
            box.control("faults", fault)
            assert refused(gate.send(METHODS), error["status"]) == "No."

    def test_other_methods_and_places(self, gate):
        assert gate.send(METHODS, "{}").status_code == 405
        assert gate.send("wallet/create").status_code == 405
        assert gate.send("nothing").status_code == 404

    def test_anything_but_a_json_object_is_refused(self, gate):
        for body in ["", "null", "[]", "{", "ticker=USDT", '{"a":NaN}', '{"a":"\\ud800"}']:
            with case(body):
                assert refused(gate.send("wallet/create", body, method="POST"), 400) == "JSON parse error."


class TestMethods:
    def test_those_of_the_documents_sample(self, gate):
        found = gate.get(METHODS)
        sample = json.loads(
            (Path(__file__).parents[2] / "wire/bitexbit/answers/payment_methods.json").read_text()
        )
        for row in sample:
            assert row in found
        assert [list(row) for row in found] == [list(sample[0])] * len(found)

    def test_ordering(self, gate):
        assert (
            gate.get(METHODS, ordering="-id")
            == gate.get(METHODS)[::-1]
            == gate.get(METHODS, ordering="id")[::-1]
        )
        assert gate.send(METHODS, query="?ordering=name").status_code == 400

    def test_they_can_be_changed(self, gate, box):
        gate.set(methods={"UAH:wiretransfer": {"withdraw_enabled": False}, "BTC:bitcoin": None})
        found = {row["ticker"]: row for row in gate.get(METHODS)}
        assert "BTC" not in found
        assert found["UAH"]["is_withdraw_enabled"] is False
        assert found["UAH"]["min_deposit"] == "25.20000000"
        with pytest.raises(Exception, match="ticker:network"):
            gate.set(methods={"BTC": {}})


class TestDocumented:
    """Two readers of one document: the sandbox knows what the facts beside the client's tests say."""

    def documented(self, operation: str) -> set[str]:
        endpoint = next(row for row in FACTS["endpoints"] if row["operation"] == operation)
        return {row["name"] for row in endpoint["parameters"]}

    def test_endpoints(self, box):
        actions = box.engine.providers["bitexbit"].actions
        assert set(actions) == {row["path"] for row in FACTS["endpoints"]}

    def test_parameters(self):
        from sandbox.bitexbit import deposits, invoices, wallets, withdrawals

        assert set(wallets.PARAMETERS) == self.documented("wallet")
        assert set(invoices.PARAMETERS) == self.documented("invoice")
        assert set(withdrawals.PARAMETERS) == self.documented("withdraw")
        paging = {"page", "limit", "ordering"}
        assert (
            {*deposits.FILTERS, *paging}
            == self.documented("wallet/history")
            == self.documented("invoice/history")
        )
        assert {*withdrawals.FILTERS, *paging} == self.documented("withdraw/history")

    def test_statuses(self):
        from sandbox.bitexbit import deposits, withdrawals

        assert sorted(withdrawals.STATUSES.values()) == [
            str(row["code"]) for row in FACTS["statuses"]["withdrawal"]
        ]
        assert sorted(deposits.VERBS.values()) == [str(row["code"]) for row in FACTS["statuses"]["deposit"]]
