"""Keys, switches, places and faults: every documented code by its cause."""

from __future__ import annotations

import json

import pytest
import requests

from sandbox.coinjoin.provider import CALLS
from tests.sandbox.coinjoin.conftest import LEGACY, SEGWIT, TEST

PRIVATE = ["transactions", "transaction/AAAAAAAAAAAAAAAA"]


def error(response: requests.Response) -> tuple[int, str]:
    data = response.json()
    assert set(data) == {"code", "description"}
    assert data["code"] == response.status_code
    return data["code"], data["description"]


class TestKeys:
    @pytest.mark.parametrize("path", PRIVATE)
    @pytest.mark.parametrize("key", [None, "nobody", "ключ".encode().decode("latin-1")])
    def test_private_calls_need_one(self, join, path, key):
        assert error(join.ask(path, key=key)) == (401, "Invalid API key.")

    def test_so_does_creating_and_nothing_is_kept(self, join):
        assert error(join.ask("createTransaction", data=b"{}", key="nobody"))[0] == 401
        assert join.rows() == []

    def test_public_calls_need_none(self, join):
        assert join.ask("status", key=None).json()["status"] == "ok"
        assert join.ask(f"validateAddress/{LEGACY}", key=None).json() == {"result": "true"}

    def test_one_that_is_not_active(self, join, box):
        box.control("coinjoin/accounts", {"name": "demo", "active": False})
        assert error(join.ask("transactions"))[0] == 401
        box.control("coinjoin/accounts", {"name": "demo", "active": True, "access": False})
        assert error(join.ask("transactions")) == (403, "Access denied.")
        box.control("coinjoin/accounts", {"name": "demo", "access": True})
        assert join.ask("transactions").status_code == 200


class TestPlaces:
    @pytest.mark.parametrize(
        "path",
        ["", "nothing", "status/", "status/x", "transaction", "transaction/", "validateAddress", "a/b/c"],
    )
    def test_there_is_no_other(self, join, path):
        assert error(join.ask(path)) == (404, "Endpoint not found.")

    def test_nor_by_another_method(self, join):
        assert error(join.ask("status", data=b"{}"))[0] == 404
        assert error(join.ask("createTransaction"))[0] == 404

    def test_an_unknown_transaction(self, join):
        assert error(join.ask("transaction/AAAAAAAAAAAAAAAA")) == (404, "Transaction not found.")

    def test_maintenance(self, join):
        join.set(maintenance=True)
        for path in ("status", f"validateAddress/{LEGACY}", *PRIVATE):
            assert error(join.ask(path))[0] == 503


class TestStatus:
    def test_tells_its_clock(self, join, box):
        box.control("clock", {"advance": 3600})
        found = join.get("status")
        assert list(found) == ["status", "timestamp", "datetime"]
        assert found["datetime"].endswith("+00:00")

    def test_fees_and_limits_where_a_service_tells_them(self, join):
        join.set(status_tells_limits=True)
        found = join.get("status")
        assert set(found["limits"]) == {"min_payout", "max_payout", "max_rows", "max_delay"}
        assert set(found["fee"]) == {"fixed", "rate"}


class TestValidate:
    @pytest.mark.parametrize(
        ("address", "valid"), [(SEGWIT, True), (LEGACY, True), (TEST, False), ("x", False)]
    )
    def test_as_a_text_or_as_a_boolean(self, join, address, valid):
        assert join.get(f"validateAddress/{address}") == {"result": str(valid).lower()}
        join.set(boolean_style="boolean")
        assert join.get(f"validateAddress/{address}") == {"result": valid}


class TestFaults:
    """The common machinery meets this provider's calls too."""

    def order(self, box, **fault):
        box.control("faults", {"provider": "coinjoin", **fault})

    def test_every_call_can_be_named(self, join, box):
        for action in CALLS:
            self.order(box, action=action, mode="null")
        assert len(box.control("faults")["faults"]) == 5

    def test_dropped_after_it_was_accepted(self, join, box):
        self.order(box, action="createTransaction", mode="drop_after")
        with pytest.raises(requests.ConnectionError):
            join.create()
        assert [row["accepts"] for row in join.rows()] == [1]
        (line,) = box.control("coinjoin/requests?action=createTransaction")["requests"]
        assert line["fault"] == "drop_after"

    def test_dropped_before(self, join, box):
        self.order(box, action="createTransaction", mode="drop_before")
        with pytest.raises(requests.ConnectionError):
            join.create()
        assert join.rows() == []
        assert box.control("coinjoin/requests?action=createTransaction")["count"] == 1

    def test_a_lookup_that_finds_nothing_for_a_while(self, join, box):
        made = join.create()
        self.order(box, mode="not_found_for", seconds=60)
        assert error(join.ask(f"transaction/{made['id']}")) == (404, "Transaction not found.")
        assert join.get("transactions")["totalTransactions"] == 1
        box.control("clock", {"advance": 61})
        assert join.status(made["id"]) == "pending"

    def test_any_text_with_any_code(self, join, box):
        self.order(box, action="createTransaction", mode="message", text="No.")
        assert join.create() == {"code": 400, "description": "No."}
        self.order(box, action="createTransaction", mode="message", text="No.", status=403)
        assert join.create() == {"code": 403, "description": "No."}
        self.order(box, action="createTransaction", mode="message", text="No.", status=503, accept=True)
        assert join.create()["code"] == 503
        assert len(join.rows()) == 1

    def test_garbage_fields_words_and_slowness(self, join, box):
        made = join.create()
        path = f"transaction/{made['id']}"
        self.order(box, action="transaction", mode="garbage_html")
        assert "<h1>" in join.ask(path).text
        self.order(box, action="transaction", mode="odd_status", text="frozen")
        assert join.status(made["id"]) == "frozen"
        self.order(box, action="transaction", mode="fields", fields={"fee": "7", "delay": None})
        found = join.get(path)
        assert (found["fee"], "delay" in found) == ("7", False)
        self.order(box, action="transaction", mode="slow", seconds=0)
        assert join.status(made["id"]) == "pending"

    def test_too_fast(self, join):
        join.set(rate_limit=1, retry_after=3)
        answers = [join.ask("transactions") for _ in range(3)]
        assert answers[-1].status_code == 429
        assert answers[-1].headers["Retry-After"] == "3"
        assert json.loads(answers[-1].text)["code"] == 429

    def test_other_providers_are_not_met(self, join, box, api):
        self.order(box, mode="down")
        with pytest.raises(requests.ConnectionError):
            join.get("status")
        assert api.call("balances")["success"] is True
