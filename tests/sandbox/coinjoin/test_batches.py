"""Transactions: what is refused, what is kept, what the clock makes of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from sandbox.coinjoin import addresses
from tests.sandbox.coinjoin.conftest import LEGACY, SEGWIT, TEST

HOUR = 3600


class TestCreate:
    def test_what_is_answered(self, join):
        made = join.create(refCode="qljncygz")
        assert list(made) == [
            *("id", "status", "depositAddress", "depositAmount", "payouts", "fee", "delay", "refCode"),
            *("updated", "created", "signature"),
        ]
        assert made["status"] == "pending"
        assert made["payouts"] == {SEGWIT: "0.001", LEGACY: "0.002"}
        # Exactly the document's: 0.003 to be paid out, 0.00016 fee.
        assert (made["fee"], made["depositAmount"]) == (Decimal("0.00016"), Decimal("0.00316"))
        assert addresses.is_valid(made["depositAddress"], "main")
        assert made["created"].endswith("+00:00")

    def test_it_is_kept_as_texts_before_it_is_answered(self, join):
        made = join.create()
        (row,) = join.rows(id=made["id"])
        assert (row["deposit_amount"], row["fee"], row["received"]) == ("0.00316", "0.00016", "0")
        assert row["accepts"] == 1
        assert join.rows(address=LEGACY) == join.rows(address=made["depositAddress"]) == [row]

    def test_a_repeat_makes_another_one_and_can_be_counted(self, join):
        first, second = join.create(), join.create()
        assert first["id"] != second["id"]
        assert {row["accepts"] for row in join.rows()} == {2}
        join.create(delay=2)
        assert [row["accepts"] for row in join.rows()] == [1, 2, 2]
        (line, *_rest) = join.box.control("coinjoin/requests?action=createTransaction")["requests"]
        assert line["uniqueid"] == join.rows()[0]["fingerprint"]

    @pytest.mark.parametrize("delay", [0, "0", 72, "72"])
    def test_hours_come_as_a_number_or_a_text(self, join, delay):
        assert join.create(delay=delay)["delay"] == str(delay)

    def test_a_list_as_in_the_sample_pays_nobody(self, join):
        made = join.create(payouts=[SEGWIT, LEGACY])
        assert made["payouts"] == {SEGWIT: "0", LEGACY: "0"}
        assert made["depositAmount"] == made["fee"]

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"delay": ...}, "Invalid delay."),
            ({"delay": "x"}, "Invalid delay."),
            ({"delay": -1}, "Invalid delay."),
            ({"delay": 1.5}, "Invalid delay."),
            ({"delay": True}, "Invalid delay."),
            ({"delay": 73}, "Maximum delay is 72 hours"),
            ({"payouts": ...}, "Payouts are missing."),
            ({"payouts": {}}, "Payouts are missing."),
            ({"payouts": []}, "Payouts are missing."),
            ({"payouts": "x"}, "Payouts are missing."),
            ({"payouts": [5]}, "Invalid BTC address: 5"),
            ({"payouts": {TEST: "1"}}, f"Invalid BTC address: {TEST}"),
            ({"payouts": {"x": "1"}}, "Invalid BTC address: x"),
            ({"payouts": {LEGACY: "x"}}, f"Invalid amount for {LEGACY}"),
            ({"payouts": {LEGACY: "1,5"}}, f"Invalid amount for {LEGACY}"),
            ({"payouts": {LEGACY: "-1"}}, f"Invalid amount for {LEGACY}"),
            ({"payouts": {LEGACY: "1e3"}}, f"Invalid amount for {LEGACY}"),
            ({"payouts": {LEGACY: True}}, f"Invalid amount for {LEGACY}"),
            ({"payouts": {LEGACY: "0.123456789"}}, f"Invalid amount for {LEGACY}"),
            ({"payouts": {LEGACY: "0.00009999"}}, "Minimum payout amount is 0.0001 BTC"),
            ({"payouts": {LEGACY: "0"}}, "Minimum payout amount is 0.0001 BTC"),
            ({"payouts": {LEGACY: 100.5}}, "Maximum payout amount is 100 BTC"),
            ({"refCode": "a b"}, "Invalid refCode."),
            ({"refCode": 5}, "Invalid refCode."),
        ],
    )
    def test_what_is_refused(self, join, changes, said):
        assert join.create(**changes) == {"code": 400, "description": said}
        assert join.rows() == []

    def test_too_many_rows(self, join):
        join.set(max_rows=1)
        assert join.create()["description"] == "Maximum number of payouts is 1"

    @pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff", b'{"delay":NaN}'])
    def test_what_is_no_json(self, join, body):
        answer = join.ask("createTransaction", data=body)
        assert answer.status_code == 400
        assert answer.json() == {"code": 400, "description": "Invalid JSON data."}

    def test_the_test_network_is_a_setting(self, join):
        join.set(network="test")
        assert join.create(payouts={TEST: "1"})["depositAddress"].startswith("tb1q")
        assert join.create()["code"] == 400

    def test_a_deposit_that_no_fee_explains(self, join):
        join.set(fee_slip="0.00000001")
        assert join.create()["depositAmount"] == Decimal("0.00316001")

    def test_many_at_once_are_all_kept(self, join):
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: join.create()["id"], range(24)))
        assert len(set(made)) == 24
        assert {row["accepts"] for row in join.rows()} == {24}


class TestDeposit:
    def test_the_whole_way_by_the_clock(self, join, box):
        made = join.create(delay=2)
        join.move(made["id"], "deposit")
        found = join.get(f"transaction/{made['id']}")
        assert found["status"] == "confirming"
        assert len(found["depositTxid"]) == 64
        box.control("clock", {"advance": 11})
        assert join.status(made["id"]) == "processing"
        box.control("clock", {"advance": 2 * HOUR - 60})
        assert join.status(made["id"]) == "processing"
        box.control("clock", {"advance": 70})
        found = join.get(f"transaction/{made['id']}")
        assert found["status"] == "complete"
        assert len(found["txid"]) == 64
        assert found["depositAmount"] == "0.00316"  # a text, as in the document's example

    def test_less_waits_for_the_rest(self, join, box):
        made = join.create()
        assert join.move(made["id"], "deposit", amount="0.003")["received"] == "0.003"
        assert join.status(made["id"]) == "pending"
        join.move(made["id"], "deposit")
        assert join.status(made["id"]) == "confirming"
        assert join.rows()[0]["received"] == "0.00316"

    def test_less_expires_with_the_money_in_it(self, join, box):
        made = join.create()
        join.move(made["id"], "deposit", amount="0.001")
        box.control("clock", {"advance": 72 * HOUR - 10})
        assert join.status(made["id"]) == "pending"
        box.control("clock", {"advance": 20})
        found = join.get(f"transaction/{made['id']}")
        assert found["status"] == "expired"
        assert found["depositTxid"]

    def test_more_is_kept_and_goes_on(self, join):
        made = join.create()
        assert join.move(made["id"], "deposit", amount="0.005")["status"] == "confirming"

    def test_without_one_it_expires(self, join, box):
        made = join.create()
        box.control("clock", {"advance": 72 * HOUR + 1})
        found = join.get(f"transaction/{made['id']}")
        assert (found["status"], "depositTxid" in found) == ("expired", False)
        (row,) = join.get("transactions")["transactions"]
        assert "depositAmount" not in row  # as in the document's list

    @pytest.mark.parametrize(("setting", "status"), [("expired", "expired"), ("confirming", "confirming")])
    def test_after_the_end_it_is_an_expired_one_with_a_deposit_or_goes_on(self, join, box, setting, status):
        join.set(late_deposit=setting)
        made = join.create()
        join.move(made["id"], "expire")
        join.move(made["id"], "deposit")
        found = join.get(f"transaction/{made['id']}")
        assert (found["status"], bool(found["depositTxid"])) == (status, True)

    @pytest.mark.parametrize("amount", ["0", "-1", "x", "0.000000001", "1e20"])
    def test_no_other_amount(self, join, box, amount):
        made = join.create()
        answer = join.session.post(
            f"{box.url}/_control/coinjoin/transactions/{made['id']}/deposit",
            json={"amount": amount},
            timeout=5,
        )
        assert answer.status_code == 400
        assert join.status(made["id"]) == "pending"


class TestByHand:
    @pytest.mark.parametrize(
        ("verb", "status"),
        [("confirm", "processing"), ("complete", "complete"), ("expire", "expired"), ("fail", "failed")],
    )
    def test_from_any_state(self, join, box, verb, status):
        made = join.create()
        for _ in range(2):
            assert join.move(made["id"], verb)["status"] == status
        if verb != "confirm":
            box.control("clock", {"advance": 100 * HOUR})
        assert join.status(made["id"]) in (status, "complete")

    def test_the_word_of_a_failure_is_not_the_documents(self, join):
        join.set(fail_status="error")
        made = join.create()
        join.move(made["id"], "fail")
        assert join.status(made["id"]) == "error"

    def test_txid_of_63_letters_as_in_the_example(self, join):
        join.set(short_txid=True)
        made = join.create()
        join.move(made["id"], "deposit")
        assert len(join.get(f"transaction/{made['id']}")["depositTxid"]) == 63


class TestList:
    def test_newest_first_in_pages(self, join):
        ids = [join.create()["id"] for _ in range(5)]
        found = join.get("transactions?limit=2&offset=1")
        assert [row["id"] for row in found["transactions"]] == [ids[3], ids[2]]
        assert (found["totalTransactions"], found["limit"], found["offset"]) == (5, "2", "1")
        found = join.get("transactions")
        assert len(found["transactions"]) == 5
        assert (found["limit"], found["offset"]) == (30, 0)
        assert join.get("transactions?offset=9")["transactions"] == []

    @pytest.mark.parametrize("query", ["limit=0", "limit=x", "offset=-1", "limit=", "limit=1.5"])
    def test_no_other_page(self, join, query):
        assert join.get(f"transactions?{query}")["code"] == 400

    def test_the_largest_page_is_a_setting(self, join):
        join.set(max_limit=2)
        for _ in range(3):
            join.create()
        assert len(join.get("transactions?limit=100")["transactions"]) == 2

    def test_accounts_see_their_own(self, join, box):
        made = join.create()
        box.control("coinjoin/accounts", {"name": "other"})
        other = type(join)(box, "other")
        assert other.get("transactions")["totalTransactions"] == 0
        assert other.get(f"transaction/{made['id']}")["code"] == 404
