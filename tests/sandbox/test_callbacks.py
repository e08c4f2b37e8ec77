"""Callbacks: what is sent, how it is signed, how often it is repeated, and what can be forged."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from sandbox.routes import ControlError


def sign(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()


@pytest.fixture
def paid(api, box, receiver):
    """An invoice that was paid and whose callback has arrived."""
    api.invoice("125", callbackurl=receiver.url + "/cb?x=1")
    box.control("bitloga/invoices/125/pay", {})
    assert box.settle()
    return receiver


class TestPaid:
    def test_body_and_order_are_those_of_the_document(self, paid):
        (body, headers) = paid.got[0]
        assert body == (
            b'{"to":"USDTBALANCE","amount":100,"purse":"","type":"Invoice","status":"Payed",'
            b'"invoiceid":1,"uniqueid":"125"}'
        )
        assert headers["Content-Type"] == "application/json"

    def test_signature_is_over_the_exact_bytes(self, api, paid):
        (body, headers) = paid.got[0]
        assert headers["X-SIGNATURE"] == sign(body, api.keys["api_secret"])

    def test_slashes_are_escaped_as_php_does(self, api, box, receiver):
        api.invoice("1", callbackurl=receiver.url, dtag="a/b")
        box.control("bitloga/invoices/1/pay", {})
        box.settle()
        assert b'"dtag":"a\\/b"' in receiver.got[0][0]

    def test_is_logged_with_its_answer(self, box, paid):
        (row,) = box.control("callbacks")["callbacks"]
        assert (row["state"], row["tries"], row["uniqueid"]) == ("delivered", 1, "125")
        (attempt,) = row["attempts"]
        assert (attempt["status"], attempt["answer"], attempt["signature"]) == (200, "ok", "right")

    def test_only_payed_is_told(self, box, paid):
        box.control("bitloga/invoices/125/complete", {})
        box.control("bitloga/invoices/125/fail", {})
        box.settle()
        assert len(paid.got) == 1

    def test_without_an_address_nothing_is_sent(self, api, box):
        api.invoice("1")
        box.control("bitloga/invoices/1/pay", {})
        box.settle()
        assert box.control("callbacks")["count"] == 0

    def test_withdrawals_are_not_told(self, api, box):
        api.withdraw("1")
        box.control("bitloga/withdrawals/1/complete", {})
        assert box.control("callbacks")["count"] == 0


class TestRepeats:
    def test_pauses_grow_until_it_is_answered_with_200(self, api, box, receiver):
        receiver.answers = [500, 404, 302]
        api.invoice("1", callbackurl=receiver.url)
        box.control("bitloga/invoices/1/pay", {})
        box.settle()
        for seconds, expected in ((25, 1), (6, 2), (54, 2), (6, 3), (114, 3), (6, 4), (10_000, 4)):
            box.control("clock", {"advance": seconds})
            box.settle()
            assert len(receiver.got) == expected
        (row,) = box.control("callbacks")["callbacks"]
        assert [line["status"] for line in row["attempts"]] == [500, 404, 302, 200]
        assert row["state"] == "delivered"

    def test_are_given_up_after_ten(self, api, box, receiver):
        receiver.answers = [500] * 50
        api.invoice("1", callbackurl=receiver.url)
        box.control("bitloga/invoices/1/pay", {})
        box.settle()
        box.control("clock", {"advance": 30 * 2**11})
        box.settle()
        assert len(receiver.got) == 11
        assert box.control("callbacks")["callbacks"][0]["state"] == "given up"

    def test_time_moved_far_lets_all_that_fell_into_it_happen(self, api, box, receiver):
        receiver.answers = [500] * 3
        api.invoice("1", callbackurl=receiver.url)
        box.control("bitloga/invoices/1/pay", {})
        box.settle()
        box.control("clock", {"advance": 86400})
        box.settle()
        assert len(receiver.got) == 4

    def test_nobody_listening_is_an_error_like_others(self, api, box, receiver):
        receiver.stop()
        api.invoice("1", callbackurl=receiver.url)
        box.control("bitloga/invoices/1/pay", {})
        box.settle()
        (row,) = box.control("callbacks")["callbacks"]
        assert row["state"] == "waiting"
        assert "refused" in row["attempts"][0]["error"]

    def test_pause_and_number_are_settings(self, api, box, receiver):
        box.control("settings", {"callback_retry_seconds": 1, "callback_repeats": 1})
        receiver.answers = [500] * 5
        api.invoice("1", callbackurl=receiver.url)
        box.control("bitloga/invoices/1/pay", {})
        box.settle()
        box.control("clock", {"advance": 1.5})
        box.settle()
        assert len(receiver.got) == 2
        assert box.control("callbacks")["callbacks"][0]["state"] == "given up"


class TestLoopbackOnly:
    @pytest.mark.parametrize(
        "url",
        [
            "http://example.com/cb",
            "http://10.0.0.1/cb",
            "http://169.254.169.254/",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.1@example.com/",
            "http://[::ffff:10.0.0.1]/",
            "http://0.0.0.0/",
            "https://localhost.example.com/",
        ],
    )
    def test_other_hosts_are_refused_with_a_note(self, api, box, url):
        api.invoice("1", callbackurl=url)
        box.control("bitloga/invoices/1/pay", {})
        box.settle()
        (row,) = box.control("callbacks")["callbacks"]
        assert row["state"] == "refused"
        assert "loopback" in row["note"]
        assert row["attempts"] == []

    def test_by_hand_too(self, box):
        answer = box.control("callbacks", {"url": "http://example.com/", "body": {}})
        assert "loopback" in answer["answers"][0]["error"]

    def test_localhost_by_name_is_fine(self, api, box, receiver):
        api.invoice("1", callbackurl=receiver.url.replace("127.0.0.1", "localhost"))
        box.control("bitloga/invoices/1/pay", {})
        box.settle()
        assert len(receiver.got) == 1


class TestSendAgain:
    def test_copies_arrive_all_at_once(self, box, paid):
        answer = box.control("callbacks/1/send", {"copies": 20})
        assert [line["status"] for line in answer["answers"]] == [200] * 20
        assert len({body for body, _ in paid.got}) == 1
        assert len(paid.got) == 21

    @pytest.mark.parametrize(
        ("kind", "forged"),
        [
            ("wrong", lambda right: right[:-1] + ("0" if right[-1] != "0" else "1")),
            ("missing", lambda right: None),
            ("upper", str.upper),
            ("truncated", lambda right: right[:64]),
        ],
    )
    def test_signature_can_be_forged(self, api, box, paid, kind, forged):
        box.control("callbacks/1/send", {"signature": kind})
        (body, headers) = paid.got[-1]
        assert headers.get("X-SIGNATURE") == forged(sign(body, api.keys["api_secret"]))

    def test_signature_can_be_another_accounts(self, box, paid, other):
        box.control("callbacks/1/send", {"signature": "other_account"})
        (body, headers) = paid.got[-1]
        assert headers["X-SIGNATURE"] == sign(body, other.keys["api_secret"])

    def test_signature_can_be_with_a_secret_that_nobody_has(self, api, box, paid):
        box.control("callbacks/1/send", {"signature": "other_secret"})
        (body, headers) = paid.got[-1]
        assert headers["X-SIGNATURE"] != sign(body, api.keys["api_secret"])
        assert len(headers["X-SIGNATURE"]) == 128

    def test_fields_can_be_changed_and_are_signed_rightly(self, api, box, paid):
        box.control("callbacks/1/send", {"fields": {"amount": 5, "uniqueid": "126"}})
        (body, headers) = paid.got[-1]
        assert (json.loads(body)["amount"], json.loads(body)["uniqueid"]) == (5, "126")
        assert headers["X-SIGNATURE"] == sign(body, api.keys["api_secret"])

    def test_body_can_be_any_text(self, box, paid):
        box.control("callbacks/1/send", {"body": "not json"})
        assert paid.got[-1][0] == b"not json"

    def test_is_logged_as_done_by_hand_and_not_repeated(self, box, paid):
        paid.answers = [500]
        box.control("callbacks/1/send", {"signature": "upper"})
        box.control("clock", {"advance": 86400})
        box.settle()
        row = box.control("callbacks")["callbacks"][0]
        assert [(line["manual"], line["signature"]) for line in row["attempts"]] == [
            (False, "right"),
            (True, "upper"),
        ]
        assert len(paid.got) == 2

    def test_callback_without_a_payment_can_be_made(self, api, box, receiver):
        body = {"uniqueid": "nobody", "status": "Payed"}
        box.control("callbacks", {"url": receiver.url, "body": body, "copies": 3})
        assert len(receiver.got) == 3
        (sent, headers) = receiver.got[0]
        assert json.loads(sent) == body
        assert headers["X-SIGNATURE"] == sign(sent, api.keys["api_secret"])

    @pytest.mark.parametrize("data", [{"signature": "odd"}, {"copies": 0}, {"copies": 5000}, {"copies": "x"}])
    def test_nonsense_is_refused_in_words(self, box, paid, data):
        with pytest.raises(ControlError):
            box.control("callbacks/1/send", data)

    def test_unknown_callback_is_not_found(self, box):
        with pytest.raises(ControlError, match="no callback 99"):
            box.control("callbacks/99/send", {})
