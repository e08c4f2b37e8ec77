"""Faults on order: what the client sees, and whether the ledger has it."""

from __future__ import annotations

import json
import socket
import time

import pytest
import requests

from sandbox.routes import ControlError

LOST = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def order(box, mode: str, **more):
    return box.control("faults", {"action": "withdraw", "mode": mode, **more})


def withdraw(api, uniqueid: str = "1", timeout: float = 5) -> requests.Response:
    body = json.dumps(
        {
            "action": "withdraw",
            "uniqueid": uniqueid,
            "currency": "USDT",
            "paysys": "USDTBALANCE",
            "amount": 10,
            "purse": "bob",
        }
    ).encode()
    return api.post(body, timeout=timeout)


class TestDropped:
    @pytest.mark.parametrize("reset", [False, True])
    def test_before_means_not_accepted(self, api, box, reset):
        order(box, "drop_before", reset=reset)
        with pytest.raises(LOST):
            withdraw(api)
        assert api.rows() == []
        assert withdraw(api).json()["success"] is True

    @pytest.mark.parametrize("reset", [False, True])
    def test_after_means_accepted(self, api, box, reset):
        order(box, "drop_after", reset=reset)
        with pytest.raises(LOST):
            withdraw(api)
        assert len(api.rows("1")) == 1
        assert api.call("details", uniqueid="1")["success"] is True
        assert withdraw(api).json()["message"] == "Received Unique ID has already been used"

    def test_reset_is_seen_as_a_reset(self, api, box):
        order(box, "drop_after", reset=True)
        with pytest.raises(requests.ConnectionError, match=r"[Rr]eset"):
            withdraw(api)


class TestSpoiled:
    """The request is accepted; the answer is not what it should be."""

    @pytest.mark.parametrize(
        ("mode", "status", "begin"),
        [
            ("garbage_html", 200, b"<!doctype html>"),
            ("empty", 200, b""),
            ("null", 200, b"null"),
            ("status_500", 500, b"<html>"),
            ("status_302", 302, b""),
            ("bom", 200, b"\xef\xbb\xbf{"),
        ],
    )
    def test_body_and_status(self, api, box, mode, status, begin):
        order(box, mode)
        response = withdraw(api)
        assert response.status_code == status
        assert response.content.startswith(begin)
        assert begin or response.content == b""
        assert len(api.rows("1")) == 1

    def test_truncated_json_arrives_in_full_length(self, api, box):
        order(box, "truncated")
        response = withdraw(api)
        with pytest.raises(ValueError):
            response.json()
        assert int(response.headers["Content-Length"]) == len(response.content) > 10

    def test_half_a_body_and_then_nothing(self, api, box):
        order(box, "half_body")
        with pytest.raises(LOST):
            withdraw(api)
        assert len(api.rows("1")) == 1

    def test_latin1_bytes_are_no_utf8(self, api, box):
        order(box, "latin1")
        content = withdraw(api).content
        with pytest.raises(UnicodeDecodeError):
            content.decode("utf-8")
        assert json.loads(content.decode("latin-1"))["info"] == "Reçu"

    def test_oversized_answer_has_the_size_asked_for(self, api, box):
        order(box, "oversized", size=3_000_000)
        assert len(withdraw(api).content) > 3_000_000

    def test_answer_can_be_endless(self, api, box):
        box.control("faults", {"mode": "oversized", "size": 0})
        response = api.session.post(api.keys["base_url"], b"", stream=True, timeout=5)
        got = sum(len(chunk) for chunk, _ in zip(response.iter_content(65536), range(100), strict=False))
        response.close()
        assert got > 5_000_000

    def test_body_can_be_any_text(self, api, box):
        order(box, "body", text='{"success":true,"amount_from":1e400}')
        assert withdraw(api).content == b'{"success":true,"amount_from":1e400}'
        assert len(api.rows("1")) == 1

    def test_status_and_target_of_a_redirect_can_be_chosen(self, api, box):
        order(box, "status_302", status=307, text="http://169.254.169.254/")
        response = withdraw(api)
        assert (response.status_code, response.headers["Location"]) == (307, "http://169.254.169.254/")

    def test_status_of_an_error_can_be_chosen(self, api, box):
        order(box, "status_500", status=520)
        assert withdraw(api).status_code == 520

    def test_accept_false_spoils_without_accepting(self, api, box):
        order(box, "status_500", accept=False)
        assert withdraw(api).status_code == 500
        assert api.rows() == []


class TestChangedData:
    def test_success_can_be_missing_or_odd(self, api, box):
        order(box, "no_success")
        assert "success" not in withdraw(api).json()
        order(box, "no_success", value="false")
        assert withdraw(api, "2").json()["success"] == "false"

    def test_status_can_be_odd(self, api, box):
        order(box, "odd_status", text=" complete ")
        assert withdraw(api).json()["status"] == " complete "
        assert api.rows("1")[0]["status"] == "Pending"

    def test_numbers_beyond_floats_can_be_told(self, api, box):
        order(box, "fields", fields={"amount_from": 10**400})
        assert b'"amount_from":1' in withdraw(api).content

    def test_any_field_can_be_replaced_or_taken_away(self, api, box):
        order(box, "fields", fields={"uniqueid": "other", "transid": None})
        answer = withdraw(api).json()
        assert answer["uniqueid"] == "other"
        assert "transid" not in answer


class TestMessage:
    def test_any_text_refuses_without_accepting(self, api, box):
        order(box, "message", text="Payment error: gateway")
        assert withdraw(api).json() == {"message": "Payment error: gateway", "success": False}
        assert api.rows() == []

    def test_the_same_after_accepting(self, api, box):
        order(box, "message", text="Service unavailable", accept=True)
        assert withdraw(api).json()["message"] == "Service unavailable"
        assert len(api.rows("1")) == 1

    def test_text_is_needed(self, box):
        with pytest.raises(ControlError, match="needs a text"):
            order(box, "message")


class TestSlow:
    def test_delay_answers_late_but_accepts_at_once(self, api, box):
        order(box, "delay", seconds=0.3)
        with pytest.raises(requests.Timeout):
            withdraw(api, timeout=0.1)
        assert len(api.rows("1")) == 1

    def test_late_delay_accepts_after_the_client_has_gone(self, api, box):
        order(box, "delay", seconds=0.5, late=True)
        with pytest.raises(requests.Timeout):
            withdraw(api, timeout=0.1)
        assert api.call("details", uniqueid="1")["message"] == "Transaction is not found"
        deadline = time.monotonic() + 5
        while not api.call("details", uniqueid="1")["success"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def test_delay_passes_and_the_answer_is_right(self, api, box):
        order(box, "delay", seconds=0.1)
        assert withdraw(api).json()["success"] is True

    def test_hang_accepts_and_never_answers(self, api, box):
        order(box, "hang_after")
        with pytest.raises(requests.Timeout):
            withdraw(api, timeout=0.1)
        assert len(api.rows("1")) == 1

    def test_slow_sends_byte_by_byte(self, api, box):
        order(box, "slow", seconds=0.02)
        with socket.create_connection(("127.0.0.1", box.port)) as sock:
            body = b'{"action":"withdraw"}'
            lines = "".join(f"{name}: {value}\r\n" for name, value in api.headers(body).items())
            head = f"POST /bitloga/api/v1/ HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
            sock.sendall(head.encode() + body)
            sock.settimeout(2)
            started = time.monotonic()
            got = b""
            while len(got) < 8:
                got += sock.recv(1)
        assert got == b"HTTP/1.1"
        assert time.monotonic() - started > 0.1


class TestRateLimit:
    def test_one_call_can_be_limited_with_and_without_a_hint(self, api, box):
        order(box, "rate_limit", seconds=7)
        response = withdraw(api)
        assert (response.status_code, response.headers["Retry-After"]) == (429, "7")
        order(box, "rate_limit")
        assert "Retry-After" not in withdraw(api).headers
        assert api.rows() == []

    def test_calls_per_second_and_account(self, api, other, box):
        box.control("settings", {"rate_limit": 3, "retry_after": 1})
        statuses = [api.post(b'{"action":"balances"}').status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        assert other.post(b'{"action":"balances"}').status_code == 200


class TestNotFound:
    def test_lookup_denies_for_a_while(self, api, box):
        withdraw(api)
        box.control("faults", {"mode": "not_found_for", "seconds": 600})
        for _ in range(3):
            assert api.call("details", uniqueid="1")["message"] == "Transaction is not found"
        assert api.call("balances")["success"] is True
        box.control("clock", {"advance": 601})
        assert api.call("details", uniqueid="1")["status"] == "Complete"


class TestDown:
    def test_connections_are_closed_until_it_is_cancelled(self, api, box):
        fault = box.control("faults", {"mode": "down"})
        for _ in range(2):
            with pytest.raises(LOST):
                withdraw(api)
        assert box.control("bitloga/requests")["count"] == 0
        box.control(f"faults/{fault['id']}", method="DELETE")
        assert withdraw(api).json()["success"] is True

    def test_control_stays_reachable(self, box):
        box.control("faults", {"mode": "down"})
        assert requests.get(box.url + "/_control/faults", timeout=5).json()["faults"][0]["mode"] == "down"

    def test_paused_sandbox_refuses_connections(self, api, box):
        box.pause()
        with pytest.raises(requests.ConnectionError, match="refused"):
            withdraw(api)
        box.resume()
        assert withdraw(api).json()["success"] is True


class TestQueue:
    def test_oldest_fitting_fault_comes_first_and_is_used_up(self, api, box):
        box.control("faults", {"mode": "null", "count": 2})
        order(box, "empty")
        bodies = [withdraw(api, str(number)).content for number in range(4)]
        assert bodies[:3] == [b"null", b"null", b""]
        assert json.loads(bodies[3])["success"] is True

    def test_count_zero_holds_until_all_are_cancelled(self, api, box):
        order(box, "null", count=0)
        assert [withdraw(api, str(number)).content for number in range(5)] == [b"null"] * 5
        box.control("faults", method="DELETE")
        assert withdraw(api, "9").json()["success"] is True

    def test_other_calls_do_not_meet_it(self, api, box):
        order(box, "null")
        assert api.call("balances")["success"] is True
        assert len(box.control("faults")["faults"]) == 1

    def test_one_unique_id_can_be_singled_out(self, api, box):
        order(box, "null", uniqueid="2")
        assert withdraw(api, "1").json()["success"] is True
        assert withdraw(api, "2").content == b"null"

    def test_log_names_the_fault(self, api, box):
        order(box, "null")
        withdraw(api)
        assert box.control("bitloga/requests")["requests"][0]["fault"] == "null"

    @pytest.mark.parametrize(
        "data",
        [
            {"mode": "nope"},
            {"mode": ""},
            {"mode": "null", "action": "nope"},
            {"mode": "null", "provider": "nope"},
            {"mode": "null", "count": -1},
            {"mode": "null", "count": "x"},
            {"mode": "not_found_for"},
            {"mode": "status_500", "status": 42},
            {"mode": "fields", "fields": "["},
        ],
    )
    def test_nonsense_is_refused_in_words(self, box, data):
        with pytest.raises(ControlError):
            box.control("faults", data)
        assert box.control("faults")["faults"] == []
