"""Wallets, what arrives there, and the lists of both."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.routes import ControlError
from tests.payments.providers.bitexbit.facts import case

ANSWERS = Path(__file__).parents[2] / "wire" / "bitexbit" / "answers"


def sample(name: str) -> dict:
    return json.loads((ANSWERS / f"{name}.json").read_text())


class TestCreate:
    def test_answer_has_the_fields_of_the_sample(self, gate):
        made = gate.wallet(convert_ticker="ETH", convert_limit=10000, convert_percent=2)
        assert list(made) == list(sample("wallet_create"))
        assert made["address"].startswith("T")
        assert (made["convert_limit"], made["convert_percent"]) == ("10000.00000000", "2.00000000")
        assert made["created_at"].endswith("Z")

    def test_each_is_another_one(self, gate):
        assert gate.wallet()["address"] != gate.wallet()["address"]
        assert len(gate.rows(kind="wallet")) == 2

    def test_the_oracle_counts_by_callback_address(self, gate):
        url = "http://127.0.0.1:9/callbacks/bitexbit/token-1/"
        gate.wallet(callback_url=url)
        gate.wallet(callback_url=url)
        assert [row["accepts"] for row in gate.rows(uniqueid="token-1")] == [2, 2]
        assert gate.box.control("bitexbit/requests?uniqueid=token-1")["count"] == 2

    def test_a_tag_network_gives_a_tag(self, gate):
        assert gate.wallet(ticker="XRP", network="ripple")["destination_tag"].isdecimal()

    def test_this_is_refused_at_its_field(self, gate):
        for params, field in [
            ({"ticker": ""}, "ticker"),
            ({"ticker": 5}, "ticker"),
            ({"ticker": "GBP"}, "ticker"),
            ({"network": "bitcoin"}, "network"),
            ({"ticker": "UAH", "network": "wiretransfer"}, "network"),
            ({"callback_url": "ftp://x"}, "callback_url"),
            ({"convert_ticker": "XRP"}, "convert_ticker"),
            ({"convert_ticker": "ETH", "convert_limit": "x"}, "convert_limit"),
            ({"convert_ticker": "ETH", "convert_percent": "1,5"}, "convert_percent"),
        ]:
            with case(params, field):
                response = gate.send(
                    "wallet/create", json.dumps({"ticker": "USDT", "network": "tron", **params})
                )
                assert response.status_code == 400
                assert list(response.json()) == [field]
                assert gate.rows() == []

    def test_a_closed_way(self, gate):
        gate.set(methods={"USDT:tron": {"deposit_enabled": False}})
        assert list(gate.wallet()) == ["network"]


class TestDeposit:
    def test_it_is_pending_with_growing_confirmations_then_on_the_balance(self, gate, box):
        gate.set(deposit_seconds=100)
        slug = gate.wallet()["slug"]
        box.control(f"bitexbit/wallets/{slug}/deposit", {"amount": "50", "txid": "ab"})
        seen = []
        for seconds in (0, 30, 50):
            box.control("clock", {"advance": seconds})
            (row,) = gate.get("wallet/history")["results"]
            assert row["status"] == "1"
            seen.append(row["actual_confirmations"])
        assert seen == sorted(set(seen))
        assert max(seen) < row["required_confirmations"] == 40
        assert gate.balance("USDT") == 25000
        box.control("clock", {"advance": 30})
        (row,) = gate.get("wallet/history")["results"]
        assert list(row) == list(sample("wallet_history")["results"][0])
        assert (row["status"], row["actual_confirmations"], row["txid"]) == ("5", None, "ab")
        assert (row["amount"], row["fee"], row["wallet_slug"]) == ("50.00000000", "0.00000000", slug)
        assert gate.balance("USDT") == 25050

    def test_final_words_can_be_taken_back(self, gate, box):
        gate.set(deposit_seconds=0)
        slug = gate.wallet()["slug"]
        box.control(f"bitexbit/wallets/{slug}/deposit", {"amount": "5", "txid": "x"})
        for verb, status, balance in (("reject", "6", 0), ("unconfirm", "1", 0), ("confirm", "5", 5)):
            box.control(f"bitexbit/deposits/x/{verb}", {})
            assert gate.get("wallet/history")["results"][0]["status"] == status
            assert gate.balance("USDT") == 25000 + balance

    def test_aml_flags(self, gate, box):
        gate.set(deposit_seconds=0)
        slug = gate.wallet()["slug"]
        flags = {"aml_success": False, "aml_risk": "87.5", "aml_url": "https://aml.example/1"}
        box.control(f"bitexbit/wallets/{slug}/deposit", flags)
        (row,) = gate.get("wallet/history")["results"]
        assert (row["aml_success"], row["aml_risk"], row["aml_url"]) == (
            *(False, Decimal("87.5"), "https://aml.example/1"),
        )

    def test_a_conversion_sells_what_came_up_to_its_limit(self, gate, box):
        gate.set(deposit_seconds=0, pairs={"ETH_USDT": "2000"})
        slug = gate.wallet(
            ticker="ETH", network="ethereum", convert_ticker="USDT", convert_limit=1, convert_percent=10
        )["slug"]
        box.control(f"bitexbit/wallets/{slug}/deposit", {"amount": "3"})
        assert gate.balance("ETH") == 22
        assert gate.balance("USDT") == 26800

    def test_without_a_percent_it_is_five(self, gate):
        assert gate.wallet(convert_ticker="ETH")["convert_percent"] == "5.00000000"

    def test_what_cannot_arrive(self, box, gate):
        slug = gate.wallet()["slug"]
        for path, data in (
            (f"bitexbit/wallets/{slug}/deposit", {"amount": "0"}),
            (f"bitexbit/wallets/{slug}/deposit", {"count": 0}),
            ("bitexbit/wallets/none/deposit", {}),
            ("bitexbit/deposits/none/confirm", {}),
        ):
            with pytest.raises(ControlError):
                box.control(path, data)

    def test_statuses_can_be_numbers(self, gate, box):
        gate.set(deposit_seconds=0, status_style="number")
        box.control(f"bitexbit/wallets/{gate.wallet()['slug']}/deposit", {})
        assert gate.get("wallet/history")["results"][0]["status"] == 5


class TestCallbacks:
    def test_each_change_is_told_unsigned_and_repeated_until_200(self, gate, box, receiver):
        gate.set(deposit_seconds=5, callback_retry_seconds=30)
        receiver.answers = [500]
        slug = gate.wallet(callback_url=f"{receiver.url}/callbacks/bitexbit/t1/")["slug"]
        box.control(f"bitexbit/wallets/{slug}/deposit", {"txid": "ab"})
        box.settle()
        box.control("clock", {"advance": 6})
        box.settle()
        box.control("clock", {"advance": 60})
        box.settle()
        statuses = [json.loads(body)["status"] for body, _headers in receiver.got]
        assert sorted(statuses) == ["1", "1", "5"]
        assert not [name for _body, headers in receiver.got for name in headers if name.lower() == "x-sign"]
        assert {row["uniqueid"] for row in box.control("callbacks")["callbacks"]} == {"t1"}

    @pytest.mark.parametrize(("wanted", "count"), [("never", 0), ("final", 1), ("every", 2)])
    def test_what_is_told_can_be_set(self, gate, box, receiver, wanted, count):
        gate.set(deposit_seconds=5, callbacks=wanted)
        slug = gate.wallet(callback_url=receiver.url)["slug"]
        box.control(f"bitexbit/wallets/{slug}/deposit", {})
        box.control("clock", {"advance": 6})
        box.settle()
        assert len(receiver.got) == count


class TestLists:
    def test_without_a_limit_all_wallets_are_one_page(self, gate):
        made = [gate.wallet()["slug"] for _one in range(3)]
        found = gate.get("wallets")
        assert list(found) == ["count", "next", "previous", "results"]
        assert [row["slug"] for row in found["results"]] == made[::-1]
        assert (found["count"], found["next"], found["previous"]) == (3, None, None)

    def test_pages_and_their_addresses(self, gate):
        made = [gate.wallet()["slug"] for _one in range(5)]
        second = gate.get("wallets", limit=2, page=2)
        assert [row["slug"] for row in second["results"]] == made[::-1][2:4]
        assert second["next"] == f" {gate.box.url}/api/gateway/wallets?page=3"
        assert second["previous"].endswith("?page=1")
        assert gate.send("wallets", query="?limit=2&page=4").status_code == 404
        gate.set(past_the_end="empty")
        assert gate.get("wallets", limit=2, page=4)["results"] == []

    def test_ordering(self, gate):
        made = [gate.wallet()["slug"] for _one in range(3)]
        assert [row["slug"] for row in gate.get("wallets", ordering="id")["results"]] == made
        gate.set(default_ordering="id")
        assert [row["slug"] for row in gate.get("wallets")["results"]] == made
        assert gate.send("wallets", query="?ordering=x").status_code == 400

    def test_numbers_that_are_none(self, gate):
        for query in ["page=0", "page=x", "limit=0", "limit=x", "page=-1"]:
            with case(query):
                assert gate.send("wallets", query=f"?{query}").status_code in (400, 404)

    def test_others_see_none_of_them(self, gate, stranger, box):
        gate.set(deposit_seconds=0)
        box.control(f"bitexbit/wallets/{gate.wallet()['slug']}/deposit", {})
        assert stranger.get("wallets")["count"] == 0
        assert stranger.get("wallet/history")["count"] == 0

    def test_filters(self, gate, box):
        gate.set(deposit_seconds=0)
        tron, ripple = gate.wallet(), gate.wallet(ticker="XRP", network="ripple")
        box.control(f"bitexbit/wallets/{tron['slug']}/deposit", {"txid": "a"})
        box.control(f"bitexbit/wallets/{ripple['slug']}/deposit", {"txid": "b"})
        for query in (
            {"ticker": "XRP"},
            {"network": "ripple"},
            {"txid": "b"},
            {"address": ripple["address"]},
            {"destination_tag": ripple["destination_tag"]},
        ):
            assert [row["txid"] for row in gate.get("wallet/history", **query)["results"]] == ["b"]
        assert gate.get("wallet/history", status=6)["count"] == 0
        assert gate.get("wallet/history", status=5)["count"] == 2
        assert gate.get("wallet/history", memo="x", payment_id="y")["count"] == 0

    def test_new_rows_shift_the_pages(self, gate, box):
        gate.set(deposit_seconds=0, arrivals_per_page=3)
        box.control(f"bitexbit/wallets/{gate.wallet()['slug']}/deposit", {"count": 10})
        pages = [gate.get("wallet/history", limit=5, page=page) for page in (1, 2)]
        assert [page["count"] for page in pages] == [13, 16]
        first, second = ([row["txid"] for row in page["results"]] for page in pages)
        assert second[:3] == first[2:]

    def test_a_history_has_pages_by_itself_and_a_longest_one(self, gate, box):
        gate.set(deposit_seconds=0, history_page=4)
        box.control(f"bitexbit/wallets/{gate.wallet()['slug']}/deposit", {"count": 10})
        assert len(gate.get("wallet/history")["results"]) == 4
        gate.set(most_rows=3)
        assert len(gate.get("wallet/history", limit=9)["results"]) == 3
