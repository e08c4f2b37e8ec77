"""Bids of the simulated exchanger: made, refused, found, moved; its witness, lists and callbacks."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl

import pytest
import requests

from sandbox.premium_exchanger.bids import TITLES
from sandbox.routes import ControlError
from tests.every import every

REFERENCE = "261120101530123456"
LOST = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


class TestCreate:
    def test_it_is_accepted_and_told_in_the_documents_order(self, exchanger):
        bid = exchanger.bid(api_id=REFERENCE)
        assert list(bid) == [
            *("url", "id", "hash", "status", "status_title", "psys_give", "psys_get", "currency_code_give"),
            *("currency_code_get", "amount_give", "amount_get", "api_actions"),
        ]
        assert (bid["id"], bid["status"], bid["amount_give"], bid["amount_get"]) == (
            "1",
            "new",
            "10100",
            "107.22",
        )
        assert bid["api_actions"]["pay_amount"] == "10100"
        (row,) = exchanger.control(f"bids?api_id={REFERENCE}")["bids"]
        assert (row["accepts"], row["arrivals"], row["id"]) == (1, 1, "1")
        assert row["data"]["fields"]["account2"].startswith("TR7")

    def test_it_takes_its_time_with_the_bid_in_the_ledger(self, exchanger):
        exchanger.set(create_seconds="0.6")
        with pytest.raises(requests.Timeout):
            exchanger.post("create_bid", timeout=0.2, direction_id=13, calc_amount=50, account2="r", cf15=1)
        assert exchanger.control("bids")["count"] == 1
        begun = time.monotonic()
        exchanger.bid()
        assert time.monotonic() - begun > 0.5

    @every(
        ("change", "fields"),
        [
            ({"account1": None}, {"account1"}),
            ({"account1": "12"}, {"account1"}),
            ({"account2": "0xabc", "cf6": "x"}, {"account2", "cf6"}),
            ({"cf12": "9"}, {"cf12"}),
            ({"calc_amount": "5"}, {"sum1"}),
            ({"calc_amount": "x"}, {"sum1", "sum2"}),
            ({"calc_amount": 600000}, {"sum1"}),
        ],
    )
    def test_what_is_wrong_stands_at_its_field_in_html(self, exchanger, change, fields):
        answer = exchanger.create(**change)
        assert (answer["error"], answer["data"]) == ("3", [])
        assert set(answer["error_fields"]) == fields
        assert all(text.startswith("<span") for text in answer["error_fields"].values())
        assert exchanger.control("bids")["count"] == 0

    def test_a_required_choice_must_be_made(self, exchanger):
        other = {"direction_id": 11, "calc_amount": 100, "account2": "4000123456789017", "account1": None}
        assert set(exchanger.create(**other)["error_fields"]) == {"cfget7"}
        assert set(exchanger.create(**other, cfget7="0")["error_fields"]) == {"cfget7"}
        assert exchanger.create(**other, cfget7="3")["error"] == "0"

    @pytest.mark.parametrize("id", ["15", "16", "99", ""])
    def test_a_direction_that_is_not_offered(self, exchanger, id):
        answer = exchanger.create(direction_id=id)
        assert (answer["error"], answer["error_text"]) == ("1", "direction not found")

    def test_an_unknown_action_silently_is_1(self, exchanger):
        assert exchanger.bid(calc_action="9")["amount_give"] == "10100"

    def test_the_rate_may_be_worse_than_quoted(self, exchanger):
        exchanger.set(rate_worse="2")
        assert exchanger.bid()["amount_get"] == "105.06"


class TestApiId:
    def test_a_number_above_zero_is_refused_twice(self, exchanger):
        exchanger.bid(api_id=REFERENCE)
        answer = exchanger.create(api_id=REFERENCE)
        assert (answer["error"], answer["error_text"], answer["error_fields"]) == (
            "3",
            "api id not unique",
            [],
        )
        (row,) = exchanger.control(f"bids?api_id={REFERENCE}")["bids"]
        assert (row["accepts"], row["arrivals"]) == (1, 2)
        outcomes = [line["outcome"] for line in exchanger.control(f"arrivals?api_id={REFERENCE}")["arrivals"]]
        assert outcomes == ["api id not unique", "accepted"]

    @pytest.mark.parametrize("api_id", ["", "0", "order-7", "-5", "x12"])
    def test_anything_else_is_not_looked_for(self, exchanger, api_id):
        exchanger.bid(api_id=api_id)
        exchanger.bid(api_id=api_id)
        rows = exchanger.control("bids")["bids"]
        assert [row["accepts"] for row in rows] == ([2, 2] if api_id else [1, 1])

    def test_of_another_account_it_is_free(self, exchanger, stranger):
        exchanger.bid(api_id=REFERENCE)
        stranger.bid(api_id=REFERENCE)

    def test_a_gullible_exchanger_accepts_it_again(self, exchanger):
        exchanger.set(dedup=False)
        exchanger.bid(api_id=REFERENCE)
        exchanger.bid(api_id=REFERENCE)
        assert exchanger.control("bids")["bids"][0]["accepts"] == 2

    def test_a_refused_try_may_leave_a_hidden_bid(self, exchanger):
        exchanger.set(hidden_rows=True)
        assert exchanger.create(api_id=REFERENCE, cf6="x")["error"] == "3"
        assert exchanger.create(api_id=REFERENCE)["error_text"] == "api id not unique"
        assert exchanger.data("get_exchanges") == []
        assert exchanger.error("bid_info", id=1) == ("1", "no bid exists")
        rows = exchanger.control("bids")["bids"]
        assert [(row["status"], row["accepts"]) for row in rows] == [("auto", 0)] * 2

    def test_a_hundred_at_once_are_one(self, exchanger):
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda _: exchanger.create(api_id="5"), range(100)))
        (row,) = exchanger.control("bids?api_id=5")["bids"]
        assert (row["accepts"], row["arrivals"]) == (1, 100)


class TestInfo:
    def test_by_id_or_hash(self, exchanger):
        bid = exchanger.bid()
        for params in ({"id": bid["id"]}, {"hash": bid["hash"]}):
            assert exchanger.data("bid_info", **params) == bid

    def test_what_is_not_there_or_anothers(self, exchanger, stranger):
        bid = exchanger.bid()
        for params in ({}, {"id": 99}, {"hash": "x"}):
            assert exchanger.error("bid_info", **params) == ("1", "no bid exists")
        assert stranger.error("bid_info", id=bid["id"]) == ("1", "no bid exists")

    def test_while_its_direction_is_off_it_does_not_exist(self, exchanger):
        bid = exchanger.bid()
        exchanger.control("directions/10", {"active": False})
        assert exchanger.error("bid_info", hash=bid["hash"]) == ("1", "no bid exists")
        assert len(exchanger.data("get_exchanges")["items"]) == 1
        exchanger.control("directions/10", {"active": True})
        assert exchanger.data("bid_info", hash=bid["hash"]) == bid

    @every("status", [*TITLES, "verify_docs"])
    def test_every_status_can_be_set(self, exchanger, status):
        bid = exchanger.bid()
        exchanger.control(f"bids/{bid['id']}/status", {"status": status})
        found = exchanger.data("bid_info", id=bid["id"])
        assert found["status"] == status
        assert (found["api_actions"]["type"] == "finished") == (
            status not in ("new", "coldnew", "techpay", "coldpay")
        )

    @pytest.mark.parametrize("status", ["", "Paid!", "x" * 41])
    def test_a_status_is_a_word(self, exchanger, status):
        bid = exchanger.bid()
        with pytest.raises(ControlError):
            exchanger.control(f"bids/{bid['id']}/status", {"status": status})


class TestOwnersMoves:
    def test_cancel_and_pay_can_be_repeated(self, exchanger):
        for method, status in (("cancel_bid", "cancel"), ("pay_bid", "payed")):
            bid = exchanger.bid()
            assert [exchanger.data(method, hash=bid["hash"]) for _ in range(2)] == [status] * 2

    def test_not_from_every_status(self, exchanger):
        bid = exchanger.bid()
        exchanger.data("cancel_bid", hash=bid["hash"])
        assert exchanger.error("pay_bid", hash=bid["hash"]) == ("1", "no bid exists")

    def test_any_bid_can_be_completed(self, exchanger):
        bid = exchanger.bid()
        exchanger.data("cancel_bid", hash=bid["hash"])
        assert exchanger.data("success_bid", hash=bid["hash"]) == "success"

    def test_the_way_to_pay_may_forbid_it(self, exchanger):
        other = {"direction_id": 11, "calc_amount": 100, "account2": "4000123456789017", "cfget7": "3"}
        bid = exchanger.bid(**other)
        assert bid["api_actions"]["pay"] == "disabled"
        assert exchanger.error("pay_bid", hash=bid["hash"]) == ("2", "action disabled")

    def test_the_answer_may_be_an_object(self, exchanger):
        exchanger.set(state_shape="object")
        assert exchanger.data("pay_bid", hash=exchanger.bid()["hash"]) == {"status": "payed"}

    def test_every_arrival_is_witnessed(self, exchanger):
        bid = exchanger.bid()
        exchanger.call("success_bid", hash=bid["hash"])
        exchanger.call("success_bid", hash="nobody")
        found = exchanger.control("arrivals?method=success_bid")["arrivals"]
        assert [(line["bid"], line["outcome"]) for line in found] == [
            ("nobody", "no bid exists"),
            (bid["hash"], "accepted"),
        ]


class TestWaysToPay:
    @pytest.mark.parametrize(
        ("params", "kind", "pay", "has"),
        [
            ({}, "mypaid", "api", {"address"}),
            ({"direction_id": 12, "calc_amount": "0.5"}, "link", "http", set()),
            ({"direction_id": 13, "calc_amount": 50, "cf15": 1}, "default", "api", set()),
            (
                {"direction_id": 14, "calc_amount": 9000, "account2": "bc1q"},
                "mypaid",
                "api",
                {"address", "dest_tag"},
            ),
        ],
    )
    def test_each(self, exchanger, params, kind, pay, has):
        actions = exchanger.bid(**params)["api_actions"]
        assert actions["type"] == kind
        assert actions["pay"].startswith(pay)
        assert set(actions) - {"type", "cancel", "pay", "pay_amount", "instruction"} == has

    def test_the_page_of_a_bid(self, exchanger):
        bid = exchanger.bid()
        shown = requests.get(bid["url"], timeout=5)
        assert "4000 1234 5678 9017" in shown.text
        assert requests.post(bid["url"], data={"do": "pay"}, timeout=5).status_code == 200
        assert exchanger.data("bid_info", id=1)["status"] == "payed"
        assert requests.get(bid["url"].replace("hst_", "hst_x"), timeout=5).status_code == 404


class TestExchanges:
    def test_the_last_changed_comes_first_with_its_history(self, exchanger, box):
        first, _second = exchanger.bid(), exchanger.bid()
        box.control("clock", {"advance": 60})
        exchanger.data("pay_bid", hash=first["hash"])
        rows = exchanger.data("get_exchanges", status_history=1)["items"]
        assert [row["id"] for row in rows] == ["1", "2"]
        assert [change["status"] for change in rows[0]["statuses"]] == ["new", "payed"]
        assert "statuses" not in exchanger.data("get_exchanges")["items"][0]

    def test_times_are_the_sites_own(self, exchanger):
        exchanger.bid()
        at = {}
        for hours in (0, 3):
            exchanger.set(utc_offset_hours=hours)
            at[hours] = exchanger.data("get_exchanges")["items"][0]["time"]
        assert at[3] - at[0] == 3 * 3600
        assert abs(at[0] - time.time()) < 60
        exchanger.set(utc_offset_hours=3)
        now = int(time.time())
        assert exchanger.data("get_exchanges", end_time=now + 60) == []
        assert len(exchanger.data("get_exchanges", start_time=now + 3 * 3600 - 60)["items"]) == 1

    @pytest.mark.parametrize(
        ("way", "asked", "found"),
        [("bid id", "77", []), ("bid id", "1", ["1"]), ("api_id", "77", ["1"]), ("nothing", "5", ["2", "1"])],
    )
    def test_the_filter_by_api_id_is_not_what_it_seems(self, exchanger, way, asked, found):
        exchanger.bid(api_id=77)
        exchanger.bid(api_id=78)
        exchanger.set(api_id_filter=way, empty_lists="items")
        assert [row["id"] for row in exchanger.data("get_exchanges", api_id=asked)["items"]] == found

    @pytest.mark.parametrize(("polarity", "flags"), [("copies", [1, 0]), ("document", [0, 1])])
    def test_both_polarities_of_success(self, exchanger, polarity, flags):
        exchanger.set(success_flag=polarity)
        exchanger.bid()
        exchanger.data("success_bid", hash=exchanger.bid()["hash"])
        rows = {row["id"]: row["exchange_success"] for row in exchanger.data("get_exchanges")["items"]}
        assert [rows["2"], rows["1"]] == flags

    def test_pages_have_100_rows_unless_told_and_500_at_most(self, exchanger):
        for _ in range(12):
            exchanger.bid()
        assert len(exchanger.data("get_exchanges", limit=5)["items"]) == 5
        assert [row["id"] for row in exchanger.data("get_exchanges", limit=5, offset=10)["items"]] == [
            "2",
            "1",
        ]
        assert len(exchanger.data("get_exchanges", limit=9999)["items"]) == 12

    def test_other_filters(self, exchanger):
        exchanger.bid()
        exchanger.bid()
        assert len(exchanger.data("get_exchanges", id="2,99")["items"]) == 1
        assert len(exchanger.data("get_exchanges", ip="127.0.0.1")["items"]) == 2
        assert exchanger.data("get_exchanges", ip="198.51.100.1") == []

    def test_only_the_exchangers_own_key_sees_everybodys(self, exchanger, stranger):
        exchanger.bid()
        assert stranger.data("get_exchanges") == []
        exchanger.control("accounts", {"name": "stranger", "user_id": 0})
        assert len(stranger.data("get_exchanges")["items"]) == 1

    @pytest.mark.parametrize(("way", "data"), [("list", []), ("items", {"items": []})])
    def test_an_empty_list(self, exchanger, way, data):
        exchanger.set(empty_lists=way)
        assert exchanger.data("get_exchanges") == data

    def test_or_a_refusal(self, exchanger):
        exchanger.set(empty_lists="refusal")
        assert exchanger.error("get_exchanges") == ("1", "Empty response")


class TestCallbacks:
    def test_one_form_with_the_bids_id_and_nothing_signed(self, exchanger, box, receiver):
        bid = exchanger.bid(callback_url=receiver.url + "/cb/token/")
        exchanger.control(f"bids/{bid['id']}/pay", {})
        box.settle()
        ((body, headers),) = receiver.got
        assert body == b"bid_id=1"
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"

    def test_status_too_if_so_set(self, exchanger, box, receiver):
        exchanger.set(callback_status=True)
        bid = exchanger.bid(callback_url=receiver.url)
        exchanger.data("cancel_bid", hash=bid["hash"])
        box.settle()
        assert dict(parse_qsl(receiver.got[0][0].decode())) == {"bid_id": "1", "status": "cancel"}

    def test_it_is_sent_once_whatever_is_answered(self, exchanger, box, receiver):
        receiver.answers = [500]
        bid = exchanger.bid(callback_url=receiver.url)
        exchanger.control(f"bids/{bid['id']}/pay", {})
        box.settle()
        box.control("clock", {"advance": 86400})
        box.settle()
        assert len(receiver.got) == 1
        assert box.control("callbacks")["callbacks"][0]["state"] == "given up"

    def test_it_can_be_sent_again_with_other_fields(self, exchanger, box, receiver):
        bid = exchanger.bid(callback_url=receiver.url)
        exchanger.control(f"bids/{bid['id']}/pay", {})
        box.settle()
        box.control("callbacks/1/send", {"fields": {"bid_id": 99, "status": "success"}})
        assert receiver.got[-1][0] == b"bid_id=99&status=success"
        assert box.control("callbacks/1/send", {"copies": 20})["answers"][0]["status"] == 200
        assert len(receiver.got) == 22

    def test_one_that_no_bid_caused(self, exchanger, box, receiver):
        data = {"provider": "premium_exchanger", "url": receiver.url, "body": {"bid_id": 5}}
        box.control("callbacks", data)
        assert receiver.got[0][0] == b"bid_id=5"


class TestTime:
    def test_a_paid_bid_completes_by_itself_if_so_set(self, exchanger, box):
        exchanger.set(process_seconds=600)
        bid = exchanger.bid()
        exchanger.data("pay_bid", hash=bid["hash"])
        box.control("clock", {"advance": 601})
        assert exchanger.data("bid_info", id=1)["status"] == "success"


class TestFaults:
    def order(self, exchanger, mode, **more):
        return exchanger.fault(mode, action="create_bid", **more)

    @pytest.mark.parametrize(("mode", "accepted"), [("drop_before", 0), ("drop_after", 1), ("half_body", 1)])
    def test_dropped(self, exchanger, mode, accepted):
        self.order(exchanger, mode)
        with pytest.raises(LOST):
            exchanger.create(api_id=REFERENCE)
        assert exchanger.control("bids")["count"] == accepted
        assert exchanger.control("arrivals")["count"] == accepted

    @pytest.mark.parametrize(
        ("mode", "begin"),
        [("garbage_html", b"<!doctype"), ("empty", b""), ("null", b"null"), ("bom", b"\xef\xbb\xbf{")],
    )
    def test_spoiled(self, exchanger, mode, begin):
        self.order(exchanger, mode)
        wanted = {"direction_id": 13, "calc_amount": 50, "account2": "r", "cf15": 1}
        assert exchanger.post("create_bid", **wanted).content.startswith(begin)
        assert exchanger.control("bids")["count"] == 1

    def test_changed_data(self, exchanger):
        self.order(exchanger, "odd_status", text="verify_docs")
        assert exchanger.bid()["status"] == "verify_docs"
        self.order(exchanger, "fields", fields={"id": "77", "hash": None})
        assert exchanger.bid()["id"] == "77"
        self.order(exchanger, "no_success")
        assert "error" not in exchanger.create()

    def test_a_refusal_after_accepting(self, exchanger):
        self.order(exchanger, "message", text="maintenance", accept=True)
        assert exchanger.create(api_id=5)["error_text"] == "maintenance"
        assert exchanger.control("bids?api_id=5")["count"] == 1

    def test_slow_and_limited(self, exchanger):
        self.order(exchanger, "delay", seconds=0.3)
        with pytest.raises(requests.Timeout):
            exchanger.post("create_bid", timeout=0.1, direction_id=13, calc_amount=50, account2="r", cf15=1)
        assert exchanger.control("bids")["count"] == 1
        self.order(exchanger, "rate_limit", seconds=7)
        assert exchanger.post("create_bid").headers["Retry-After"] == "7"

    def test_no_bid_exists_for_a_while(self, exchanger, box):
        bid = exchanger.bid()
        exchanger.fault("not_found_for", seconds=600)
        assert exchanger.error("bid_info", id=bid["id"]) == ("1", "no bid exists")
        box.control("clock", {"advance": 601})
        assert exchanger.data("bid_info", id=bid["id"])["id"] == bid["id"]
