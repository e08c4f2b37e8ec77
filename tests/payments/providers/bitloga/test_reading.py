"""Recorded answers and their mutations (RELIABILITY E03, E05, E07, E08, E13)."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from payments.providers.base import VoucherReport
from payments.providers.bitloga import reading
from payments.providers.bitloga.client import Bitloga
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, RateLimited, Refused
from payments.providers.exchange import Answer
from payments.providers.redaction import Redactor
from tests.every import every
from tests.payments.providers.bitloga.facts import REFERENCE
from tests.payments.providers.wires import recorded

CLEAN = Redactor(Bitloga.hidden)
READERS: dict[str, tuple[Callable[..., Any], bool, str]] = {
    "balances": (reading.balances, True, "balances"),
    "invoice": (reading.created_invoice(REFERENCE), False, "invoice"),
    "withdraw": (reading.withdrawal(REFERENCE, with_type=False), False, "withdraw"),
    "find_invoice": (reading.found_invoice(REFERENCE), True, "details_invoice"),
    "find_withdrawal": (reading.withdrawal(REFERENCE, with_type=True), True, "details_withdraw"),
    "code.create": (reading.created_code(False), False, "code_create"),
    "code.apply": (reading.redeemed_code("x"), False, "code_apply"),
    "code.get": (reading.code_list, True, "code_get"),
}
MOVES = [name for name, (_read, safe, _answer) in READERS.items() if not safe]


def read(name: str, body: bytes | dict[str, Any], status: int = 200, retry_after: str = "") -> Any:
    reader, safe, _answer = READERS[name]
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    answer = Answer(status, body, CLEAN.body(body), retry_after, None, CLEAN.text)
    operation = "details" if name.startswith("find") else name
    return reading.reader(operation, reader, safe=safe)(answer)


def sample(name: str, **changes: Any) -> dict[str, Any]:
    data = json.loads(recorded(READERS[name][2]))
    data.update(changes)
    return {key: value for key, value in data.items() if value is not ...}


class TestBalances:
    def test_recorded(self) -> None:
        found = read("balances", recorded("balances"))
        assert found.balances == {
            "USDT": Decimal("1520.5"),
            "RUB": Decimal("98000.10"),
            "LTC": Decimal(0),
            "BTC": Decimal("0.00000001"),
            "KZT": Decimal("-12.3"),
        }
        assert found.raw["USDT"] == Decimal("1520.5")

    def test_other_names_and_missing_ones_are_no_balance(self) -> None:
        body = {"success": True, "time": "now", "message": "ok", "USD": 1, "EUR": None, "user_id": 5}
        assert read("balances", body).balances == {"USD": 1}

    @every("value", ["1,5", "x", True, [], {}, "NaN"])
    def test_one_that_cannot_be_read_spoils_the_answer(self, value: Any) -> None:
        with pytest.raises(OutcomeUnknown):
            read("balances", {"success": True, "USD": 1, "BTC": value})


class TestCreatedInvoice:
    def test_recorded(self) -> None:
        found = read("invoice", recorded("invoice"))
        assert (found.reference, found.status, found.provider_status) == (REFERENCE, "open", "")
        assert found.payment_url == "https://bitloga.com/exchange/id-5d1c0f/step-4"
        (requisites,) = found.requisites
        assert requisites.amount == 2438
        assert (requisites.currency, requisites.type, requisites.wallet) == ("RUB", "phone", "79088889999")
        assert (requisites.info, requisites.country) == ("Bank: any. Recipient: <b>G.</b>", "Tajikistan")

    def test_only_a_link(self) -> None:
        found = read("invoice", recorded("invoice_url_only"))
        assert found.requisites == ()
        assert found.payment_url.startswith("https://bitloga.com/")

    def test_a_list_of_requisites(self) -> None:
        first, second = read("invoice", recorded("invoice_list")).requisites
        assert (first.amount, first.type, first.payment_url) == (Decimal("15.5"), "crypto", "")
        assert (second.type, second.payment_url) == ("qr", "https://qr.example/AB12")

    @every("empty", [None, [], {}, False, ...])
    def test_requisites_may_be_missing(self, empty: Any) -> None:
        assert read("invoice", sample("invoice", requisites=empty)).requisites == ()

    @every("link", ["javascript:alert(1)", "", None, 5, ...])
    def test_a_link_that_is_none_is_left_out_when_there_are_requisites(self, link: Any) -> None:
        assert read("invoice", sample("invoice", invoice=link)).payment_url == ""

    @every(
        "changes",
        [
            {"invoice": ..., "requisites": ...},
            {"invoice": "javascript:alert(1)", "requisites": []},
            {"requisites": "none"},
            {"requisites": [1]},
            {"requisites": {"amount": "1,5"}},
            {"requisites": {"amount": -5}},
            {"requisites": {"amount": 1, "wallet": ["x"]}},
        ],
    )
    def test_an_answer_without_a_way_to_pay_or_with_a_garbled_one_is_unknown(
        self, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(OutcomeUnknown):
            read("invoice", sample("invoice", **changes))


class TestFoundInvoice:
    def test_recorded(self) -> None:
        found = read("find_invoice", recorded("details_invoice"))
        assert (found.status, found.provider_status, found.forwarded) == ("paid", "Payed", False)
        assert (found.amount, found.method, found.provider_id) == (Decimal("15.50"), "USDTBALANCE", "5")
        assert (found.name, found.surname, found.tag) == ("Ann", "Lee", "77")
        assert found.raw["invoiceid"] == 5

    @every(
        ("word", "state", "forwarded"),
        [
            ("Payed", "paid", False),
            ("Paid", "paid", False),
            (" pAyEd\n", "paid", False),
            ("Complete", "paid", True),
            ("Created", "open", False),
            ("PENDING", "open", False),
            ("Canceled", "canceled", False),
            ("Error", "failed", False),
            ("Refunded", None, False),
            ("Completed", None, False),
            ("Cancelled", None, False),
            ("payed!", None, False),
            ("оплачен", None, False),
            (1, None, False),
        ],
    )
    def test_a_status_is_read_without_case_and_spaces_and_an_unknown_word_is_kept(
        self, word: Any, state: str | None, forwarded: bool
    ) -> None:
        found = read("find_invoice", sample("find_invoice", status=word))
        assert (found.status, found.forwarded) == (state, forwarded)
        assert found.provider_status == str(word).strip()

    @every(
        "changes",
        [
            {"uniqueid": "261120101530123457"},
            {"uniqueid": ...},
            {"uniqueid": 2.61120101530123456e17},
            {"type": "Withdraw"},
            {"type": ...},
            {"status": ...},
            {"status": ""},
            {"status": None},
            {"status": True},
            {"status": ["Payed"]},
            {"amount": ...},
            {"amount": "1,5"},
            {"amount": -1},
            {"amount": True},
            {"to": ...},
            {"purse": ["x"]},
        ],
    )
    def test_an_answer_that_lacks_or_contradicts_something_is_unknown(self, changes: dict[str, Any]) -> None:
        with pytest.raises(OutcomeUnknown):
            read("find_invoice", sample("find_invoice", **changes))

    def test_the_type_is_read_without_case(self) -> None:
        assert read("find_invoice", sample("find_invoice", type=" INVOICE ")).status == "paid"


class TestWithdrawals:
    def test_recorded_answer_to_withdraw(self) -> None:
        found = read("withdraw", recorded("withdraw"))
        assert (found.status, found.provider_status) == ("complete", "Complete")
        assert found.amount_from == Decimal("10.0999999999999996")
        assert (found.amount, found.debit) == (10, Decimal("10.2"))
        assert found.fee == Decimal("0.1000000000000004")
        assert (found.currency, found.method, found.purse) == ("USDT", "USDTBALANCE", "U7788")
        assert (found.provider_id, found.transaction_id) == ("29", "436fd74c6ec5d1bde1b7969190f81e50")

    def test_recorded_details(self) -> None:
        found = read("find_withdrawal", recorded("details_withdraw"))
        assert (found.status, found.tag, found.name, found.surname) == ("pending", "", "", "")
        assert found.fee == Decimal("0.1")

    @every("name", ["withdraw", "find_withdrawal"])
    @every(
        ("word", "state"),
        [
            ("Complete", "complete"),
            (" COMPLETE ", "complete"),
            ("Created", "pending"),
            ("Pending", "pending"),
            ("Canceled", "failed"),
            ("Error", "failed"),
            ("Payed", None),
            ("Completed", None),
            ("Success", None),
            ("Incomplete", None),
        ],
    )
    def test_a_status(self, name: str, word: str, state: str | None) -> None:
        found = read(name, sample(name, status=word))
        assert (found.status, found.provider_status) == (state, word.strip())

    @every("name", ["withdraw", "find_withdrawal"])
    @every(
        "changes",
        [
            {field: ...}
            for field in ("uniqueid", "status", "from", "to", "amount_from", "amount_from_comis", "amount_to")
        ]
        + [
            {"uniqueid": "5"},
            {"amount_from_comis": "1e400"},
            {"amount_to": "١٢"},
            {"amount_to": -1},
            {"orderid": {"a": 1}},
        ],
    )
    def test_an_answer_that_lacks_or_contradicts_something_is_unknown(
        self, name: str, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(OutcomeUnknown):
            read(name, sample(name, **changes))

    def test_details_of_an_invoice_are_no_withdrawal(self) -> None:
        with pytest.raises(OutcomeUnknown):
            read("find_withdrawal", recorded("details_invoice"))


class TestCodes:
    def test_created(self) -> None:
        found: VoucherReport = read("code.create", recorded("code_create"))
        assert (found.code, found.status, found.amount, found.currency) == (
            "wf9g-amrf-2o9t-831u",
            "active",
            None,
            "",
        )
        assert found.raw["code"] == "***"

    def test_redeemed(self) -> None:
        found = read("code.apply", recorded("code_apply"))
        assert (found.code, found.status, found.amount, found.currency) == (
            "x",
            "redeemed",
            Decimal("1.5"),
            "USDT",
        )

    def test_listed(self) -> None:
        first, second = read("code.get", recorded("code_get"))
        assert (first.status, first.has_password, first.created_text) == ("active", True, "2026-11-11 15:27")
        assert first.description == "Ref 261120101530123456"
        assert (second.status, second.has_password, second.applied_text) == (
            "redeemed",
            False,
            "2026-11-10 09:05",
        )
        assert first.raw["status"] == "Active"

    @every(("word", "state"), [("disabled", "disabled"), ("Blocked", None)])
    def test_a_status(self, word: str, state: str | None) -> None:
        row = json.loads(recorded("code_get"))["data"][0] | {"status": word}
        (found,) = read("code.get", {"success": True, "data": [row]})
        assert (found.status, found.provider_status) == (state, word)

    @every("data", [..., None, "x", {}, {"0": {}}, [1], [{}], [{"code": "x"}]])
    def test_a_list_with_one_row_that_cannot_be_read_is_unknown(self, data: Any) -> None:
        with pytest.raises(OutcomeUnknown):
            read("code.get", sample("code.get", data=data))

    @every("code", [..., "", None, ["x"], True])
    def test_a_creation_without_a_code_is_unknown(self, code: Any) -> None:
        with pytest.raises(OutcomeUnknown):
            read("code.create", sample("code.create", code=code))

    @every("changes", [{"amount": ...}, {"amount": "x"}, {"currency": ...}])
    def test_a_redemption_without_its_worth_is_unknown(self, changes: dict[str, Any]) -> None:
        with pytest.raises(OutcomeUnknown):
            read("code.apply", sample("code.apply", **changes))


class TestSuccess:
    @every("name", READERS)
    @every(
        "flag", [..., None, "true", "True", "false", 0, 1, 1.0, "", [], [True], {"success": True}, {}, "yes"]
    )
    def test_only_a_json_true_is_one(self, name: str, flag: Any) -> None:
        with pytest.raises(OutcomeUnknown):
            read(name, sample(name, success=flag))

    @every("name", READERS)
    def test_not_in_an_object_inside(self, name: str) -> None:
        with pytest.raises(OutcomeUnknown):
            read(name, {"data": sample(name), "result": sample(name)})

    @every("name", READERS)
    def test_not_twice(self, name: str) -> None:
        body = b'{"success":false,' + json.dumps(sample(name)).encode()[1:]
        with pytest.raises(OutcomeUnknown):
            read(name, body)

    @every("name", READERS)
    def test_not_beside_a_documented_error(self, name: str) -> None:
        with pytest.raises(OutcomeUnknown):
            read(name, sample(name, message="Insufficient balance"))

    @every("name", READERS)
    @every("status", [301, 302, 307, 400, 401, 404, 500, 502, 503])
    def test_not_outside_of_2xx(self, name: str, status: int) -> None:
        with pytest.raises(OutcomeUnknown):
            read(name, sample(name), status=status)


class TestGarbage:
    @every("name", READERS)
    @every(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b"[{}]",
            b"true",
            b"<html><body>502 Bad Gateway</body></html>",
            b'{"success":true',
            b'{"success":true}}',
            b"\xef\xbb\xbf" + b'{"success":true}',
            '{"success":true,"desc":"é"}'.encode("latin-1"),
            '{"success":true}'.encode("utf-16"),
            b'{"success":true,"x":NaN}',
            b'{"success":true,"x":1e9999999999999999999}',
            b'{"success": True}',
            b"success=true",
            b"\x00\x01",
        ],
    )
    def test_what_is_no_json_object_is_unknown(self, name: str, body: bytes) -> None:
        with pytest.raises(OutcomeUnknown):
            read(name, body)


class TestStatusCodes:
    REFUSAL = recorded("error")

    @every("name", READERS)
    @every("status", [200, 201, 400, 401, 402, 403, 404, 409, 422])
    def test_a_documented_refusal_is_one_whatever_the_status(self, name: str, status: int) -> None:
        with pytest.raises(Refused) as refused:
            read(name, self.REFUSAL, status=status)
        assert refused.value.reason == "funds"

    @every("name", READERS)
    @every("status", [302, 500, 502, 503, 504])
    def test_a_fault_of_the_server_or_a_redirect_proves_nothing_whatever_the_body(
        self, name: str, status: int
    ) -> None:
        with pytest.raises(OutcomeUnknown):
            read(name, self.REFUSAL, status=status)

    @every("name", READERS)
    @every("body", [b"", b"slow down", b'{"success":false,"message":"x"}', b'{"error":1}'])
    def test_429_was_not_processed(self, name: str, body: bytes) -> None:
        with pytest.raises(RateLimited) as limited:
            read(name, body, status=429, retry_after="30")
        assert limited.value.retry_after == 30

    @every("name", READERS)
    def test_429_that_claims_success_proves_nothing(self, name: str) -> None:
        with pytest.raises(OutcomeUnknown):
            read(name, sample(name), status=429)

    @every("name", READERS)
    @every("status", [401, 403])
    def test_a_page_that_turns_us_away_is_denied_for_reads_only(self, name: str, status: int) -> None:
        expected: type[ProviderError] = OutcomeUnknown if name in MOVES else Denied
        with pytest.raises(expected):
            read(name, b"<html>Forbidden</html>", status=status)
