"""CoinJoin's part of the control API and page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from sandbox.coinjoin import errors
from sandbox.coinjoin.overview import TONES
from sandbox.coinjoin.provider import CALLS
from tests.sandbox.coinjoin.conftest import LEGACY

FACTS = json.loads((Path(__file__).parents[2] / "wire" / "coinjoin" / "documented.json").read_text())


class TestDocument:
    """Two readers of one document: the sandbox says what the facts beside the client's tests say."""

    def test_calls(self):
        documented = {row["operation"]: (row["http"], "{" in row["path"]) for row in FACTS["endpoints"]}
        assert documented == CALLS

    def test_states(self):
        assert list(TONES) == list(FACTS["statuses"]["transaction"])

    def test_codes(self):
        found = {errors.BAD_REQUEST, errors.WRONG_KEY, errors.BLOCKED, errors.NOT_FOUND, errors.UNAVAILABLE}
        assert found == {row["code"] for row in FACTS["errors"]}
        assert FACTS["errors"][0]["example"] == errors.INVALID_JSON

    def test_every_answer_has_the_documented_fields_and_no_other(self, join):
        made = join.create(refCode="abc")
        join.move(made["id"], "deposit")
        join.move(made["id"], "complete")
        found = {
            "status": join.get("status"),
            "validateAddress": join.get(f"validateAddress/{LEGACY}"),
            "createTransaction": made,
            "transactions": join.get("transactions"),
            "transaction": join.get(f"transaction/{made['id']}"),
        }
        for fact in FACTS["endpoints"]:
            assert list(found[fact["operation"]]) == [row["name"] for row in fact["answer"]]
        (row,) = found["transactions"]["transactions"]
        documented = FACTS["endpoints"][3]["row"]
        assert [name for name in row if name != "refCode"] == [one["name"] for one in documented]


class TestAccounts:
    def test_keys_go_by_the_documents_names(self, box):
        account = box.control("coinjoin/accounts", {"name": "second", "api_key": "k", "secret_key": "s"})
        assert (account["api_key"], account["secret_key"]) == ("k", "s")
        assert account["base_url"] == box.url + "/coinjoin/api/"
        names = [row["name"] for row in box.control("coinjoin/accounts")["accounts"]]
        assert names == ["demo", "second"]

    def test_not_twice(self, box):
        box.control("coinjoin/accounts", {"name": "a", "api_key": "k"})
        answer = requests.post(
            f"{box.url}/_control/coinjoin/accounts", json={"name": "b", "api_key": "k"}, timeout=5
        )
        assert answer.status_code == 409


class TestTransactions:
    @pytest.mark.parametrize(
        ("path", "status"),
        [("AAAAAAAAAAAAAAAA/deposit", 404), ("{id}/explode", 404), ("{id}/deposit/now", 404)],
    )
    def test_what_cannot_be_done_is_said_in_words(self, join, box, path, status):
        url = f"{box.url}/_control/coinjoin/transactions/{path.format(id=join.create()['id'])}"
        answer = requests.post(url, json={}, timeout=5)
        assert answer.status_code == status
        assert answer.json()["error"]

    def test_filters(self, join, box):
        first, second = join.create(), join.create(delay=2)
        join.move(first["id"], "expire")
        assert [row["id"] for row in join.rows(status="expired")] == [first["id"]]
        assert [row["id"] for row in join.rows(fingerprint=join.rows(id=second["id"])[0]["fingerprint"])] == [
            second["id"]
        ]
        assert len(join.rows(account="demo")) == 2

    def test_a_reset_forgets_them(self, join, box):
        join.create()
        box.control("reset", {})
        assert join.rows() == []


class TestPage:
    def test_shows_keys_rows_and_what_can_be_done(self, join, box):
        made = join.create(refCode="abc")
        page = requests.get(box.url + "/_control/", timeout=5).text
        for text in (
            made["id"],
            "Deposit exactly",
            join.keys["api_key"],
            "0.00316",
            "abc",
            "coinjoin/accounts",
        ):
            assert text in page
        ids = [part.partition('"')[0] for part in page.split(' id="')[1:]]
        assert len(set(ids)) == len(ids)

    def test_its_buttons_work_as_forms(self, join, box):
        made = join.create()
        url = f"{box.url}/_control/coinjoin/transactions/{made['id']}/deposit"
        answer = requests.post(url, data={"amount": "0.00316"}, timeout=5, allow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith("#coinjoin-transactions")
        assert join.status(made["id"]) == "confirming"

    def test_every_state_is_shown(self, join, box):
        for verb in ("confirm", "complete", "expire", "fail"):
            join.move(join.create()["id"], verb)
        page = requests.get(box.url + "/_control/", timeout=5)
        assert page.status_code == 200
        assert "failed" in page.text
