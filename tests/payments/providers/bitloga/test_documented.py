"""The document is covered: every endpoint, parameter, answer field, status, error text and payment system."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from backoffice.kit import money
from payments.providers.base import InvoiceRequest, VoucherRequest, WithdrawalRequest
from payments.providers.bitloga import reading, refusals
from payments.providers.bitloga.client import Bitloga
from payments.providers.errors import ProviderError, RateLimited
from tests.every import every
from tests.payments.providers.bitloga.facts import (
    CALLBACK_URL,
    DOCUMENT,
    ENDPOINTS,
    ERRORS,
    REFERENCE,
    VALUES,
    message,
)
from tests.payments.providers.wires import answered, answering, peer, recorded

ANSWERS = {
    "balances": "balances",
    "invoice": "invoice",
    "withdraw": "withdraw",
    "details": "details_invoice",
    "code.create": "code_create",
    "code.apply": "code_apply",
    "code.get": "code_get",
    "ticker": "ticker_list",
}


def call(client: Bitloga, operation: str, given: dict[str, Any]) -> Any:
    """Call the client's method for an operation of the document with the given parameters."""
    fields = {
        name: value for name, value in given.items() if name not in ("action", "uniqueid", "callbackurl")
    }
    callback_url = str(given.get("callbackurl", ""))
    return {
        "balances": lambda: client.balances(**fields),
        "invoice": lambda: client.create_invoice(InvoiceRequest(REFERENCE, fields, callback_url)),
        "withdraw": lambda: client.withdraw(WithdrawalRequest(REFERENCE, fields)),
        "details": lambda: client.find_invoice(REFERENCE),
        "code.create": lambda: client.create_code(VoucherRequest(fields)),
        "code.apply": lambda: client.redeem_code(VoucherRequest(fields)),
        "code.get": lambda: client.codes(**fields),
        "ticker": client.rates,
    }[operation]()


def given_for(operation: str, parameter: str = "") -> dict[str, Any]:
    """Every parameter of an operation; of `amount` and `pay_amount` the one asked for."""
    given = {name: VALUES[name] for name in names(operation) if name in VALUES}
    if operation == "invoice":
        given.pop("amount" if parameter in ("pay_amount", "paylist") else "pay_amount")
        given["callbackurl"] = CALLBACK_URL
    return given


def names(operation: str) -> list[str]:
    return [row["name"] for row in ENDPOINTS[operation]["parameters"]]


def sent(connect: Any, operation: str, given: dict[str, Any]) -> bytes:
    """The bytes of the request that the call made."""
    with peer(answering(answered(recorded(ANSWERS[operation])))) as there:
        call(connect(there), operation, given)
        return there.requests[0]


class TestEndpoints:
    def test_there_are_eight(self) -> None:
        assert set(ENDPOINTS) == set(ANSWERS)

    @pytest.mark.parametrize("operation", ENDPOINTS)
    def test_it_is_called_where_and_how_the_document_says(self, connect, operation: str) -> None:
        fact = ENDPOINTS[operation]
        head, _, body = sent(connect, operation, given_for(operation)).partition(b"\r\n\r\n")
        assert head.startswith(f"{fact['http']} /api/v1/{fact['path']} HTTP/1.1\r\n".encode())
        lower = head.lower()
        signed = operation != "ticker"
        for header in DOCUMENT["headers"]:
            assert (f"\r\n{header.lower()}: ".encode() in lower) == signed
        if signed:
            assert b"\r\ncontent-type: application/json" in lower
            assert json.loads(body)["action"] == fact["action"]
        else:
            assert body == b""

    @pytest.mark.parametrize("operation", ENDPOINTS)
    def test_only_calls_that_change_nothing_are_repeated(self, connect, operation: str) -> None:
        with peer(answering(answered(b"null"), answered(recorded(ANSWERS[operation])))) as there:
            client = connect(there, read_pauses=(0,))
            if ENDPOINTS[operation]["safe"]:
                call(client, operation, given_for(operation))
            else:
                with pytest.raises(ProviderError):
                    call(client, operation, given_for(operation))
            expected = 2 if ENDPOINTS[operation]["safe"] and operation != "ticker" else 1
            assert len(there.requests) == expected

    def test_each_has_a_grade_if_it_moves_or_creates(self) -> None:
        assert set(Bitloga.grades) == {name for name, row in ENDPOINTS.items() if not row["safe"]}


class TestParameters:
    @pytest.mark.parametrize(
        ("operation", "parameter"),
        [(operation, name) for operation in ENDPOINTS for name in names(operation)],
    )
    def test_it_is_sent_under_its_name_and_in_its_type(self, connect, operation: str, parameter: str) -> None:
        given = given_for(operation, parameter)
        body = sent(connect, operation, given).partition(b"\r\n\r\n")[2]
        assert f'"{parameter}":'.encode() in body
        value = money.loads(body)[parameter]
        expected = {"action": ENDPOINTS[operation]["action"], "uniqueid": REFERENCE, **given}[parameter]
        assert value == expected
        kind = next(row["type"] for row in ENDPOINTS[operation]["parameters"] if row["name"] == parameter)
        assert isinstance(value, Decimal if kind == "Numeric" else str)

    @pytest.mark.parametrize("operation", ENDPOINTS)
    def test_nothing_else_is_sent(self, connect, operation: str) -> None:
        body = sent(connect, operation, given_for(operation)).partition(b"\r\n\r\n")[2]
        assert set(money.loads(body) if body else ()) <= set(names(operation))

    @pytest.mark.parametrize("operation", [name for name in ENDPOINTS if names(name)])
    def test_what_is_not_given_is_not_sent(self, connect, operation: str) -> None:
        needed = {
            row["name"]: VALUES[row["name"]]
            for row in ENDPOINTS[operation]["parameters"]
            if row["name"] in VALUES and row["mandatory"] in ("yes", "unless pay_amount")
        }
        body = money.loads(sent(connect, operation, needed).partition(b"\r\n\r\n")[2])
        assert set(body) == {"action", *needed} | {"uniqueid", "limit"} & set(body)

    def test_the_forms_offer_every_parameter_that_a_person_may_fill(self) -> None:
        ours = {"action", "uniqueid", "callbackurl"}
        for fields, operation in (
            (Bitloga.invoice_fields, "invoice"),
            (Bitloga.withdrawal_fields, "withdraw"),
            (Bitloga.voucher_fields, "code.create"),
            (Bitloga.redeem_fields, "code.apply"),
        ):
            assert [field.name for field in fields] == [name for name in names(operation) if name not in ours]
            for field in fields:
                fact = next(row for row in ENDPOINTS[operation]["parameters"] if row["name"] == field.name)
                assert field.required == (fact["mandatory"] == "yes")
                assert field.money == (fact["type"] == "Numeric")

    def test_the_choices_are_the_documents(self) -> None:
        comis = next(field for field in Bitloga.invoice_fields if field.name == "comis")
        assert [value for value, _label in comis.choices] == DOCUMENT["choices"]["comis"]


class TestAnswers:
    """Each documented field of each answer is read: changing it changes the report."""

    @pytest.mark.parametrize(
        ("operation", "name"),
        [
            (operation, row["name"])
            for operation, fact in ENDPOINTS.items()
            for row in fact["answer"]
            if row["name"] != "success"
        ],
    )
    def test_the_field_is_read(self, connect, operation: str, name: str) -> None:
        for answer in self.holding(operation, name):
            report, changed = (
                self.report(connect, operation, answer, value)
                for value in (None, self.other(answer, operation, name))
            )
            assert report != changed, name

    @staticmethod
    def holding(operation: str, name: str) -> list[str]:
        if operation == "details":
            only = {"amount": ["details_invoice"], "invoiceid": ["details_invoice"]}
            withdraw = ("from", "amount_from", "amount_from_comis", "amount_to", "orderid", "transid")
            return only.get(
                name, ["details_withdraw"] if name in withdraw else ["details_invoice", "details_withdraw"]
            )
        return ["invoice_list"] if name == "requisites.payment_url" else [ANSWERS[operation]]

    @staticmethod
    def other(answer: str, operation: str, name: str) -> bytes:
        data = json.loads(recorded(answer))
        numeric = (
            next(row for row in ENDPOINTS[operation]["answer"] if row["name"] == name)["type"] == "Numeric"
        )
        value: Any = 7.25 if numeric else "https://other.example/7"
        if name == "requisites":
            data["requisites"] = []
        elif name.startswith("requisites."):
            row = data["requisites"][1] if isinstance(data["requisites"], list) else data["requisites"]
            row[name.partition(".")[2]] = value
        elif operation == "code.get" and name == "data":
            data["data"] = []
        elif operation == "code.get":
            data["data"][0][name] = value
        else:
            data[name] = "Created" if name == "status" else value
        return json.dumps(data).encode()

    @staticmethod
    def report(connect: Any, operation: str, answer: str, body: bytes | None) -> Any:
        with peer(answering(answered(body or recorded(answer)))) as there:
            client: Bitloga = connect(there)
            try:
                if answer == "details_withdraw":
                    found: Any = client.find_withdrawal(REFERENCE)
                else:
                    found = call(client, operation, given_for(operation))
            except ProviderError as error:
                return str(error)
        rows = found if isinstance(found, list) else [found]
        return [{key: value for key, value in vars(row).items() if key != "raw"} for row in rows]


class TestStatuses:
    @every(("word", "state"), DOCUMENT["statuses"]["invoice"].items())
    def test_invoice(self, word: str, state: str | None) -> None:
        assert reading.INVOICE_STATES.get(word.lower()) == state

    @every(("word", "state"), DOCUMENT["statuses"]["withdrawal"].items())
    def test_withdrawal(self, word: str, state: str | None) -> None:
        assert reading.WITHDRAWAL_STATES.get(word.lower()) == state

    @every(("word", "state"), DOCUMENT["statuses"]["code"].items())
    def test_code(self, word: str, state: str | None) -> None:
        assert reading.VOUCHER_STATES.get(word.lower()) == state

    def test_no_other_word_is_known_but_one_spelling(self) -> None:
        words = {
            kind: {word.lower() for word, state in states.items() if state}
            for kind, states in DOCUMENT["statuses"].items()
        }
        assert set(reading.INVOICE_STATES) == words["invoice"] | {"paid"}
        assert set(reading.WITHDRAWAL_STATES) == words["withdrawal"]
        assert set(reading.VOUCHER_STATES) == words["code"]


class TestErrors:
    def test_the_table_holds_the_documents_44_texts_and_no_other(self) -> None:
        assert [row.text for row in refusals.TEXTS] == [error["text"] for error in ERRORS]
        assert len(ERRORS) == len({error["text"] for error in ERRORS}) == 44

    @every("error", ERRORS)
    def test_its_class_reason_and_field(self, error: dict[str, Any]) -> None:
        row, _params = refusals.find(message(error)) or pytest.fail("not found")
        assert (row.kind.__name__, row.reason, row.field) == (error["class"], error["reason"], error["field"])
        if row.only:
            assert error["actions"] == [row.only]
        assert row.staff.endswith(".")
        assert ("%(limit)s" in row.staff) == ("*n*" in error["text"])

    @pytest.mark.parametrize("error", ERRORS, ids=[error["text"] for error in ERRORS])
    def test_it_comes_out_of_every_call_that_it_is_documented_for(
        self, connect, error: dict[str, Any]
    ) -> None:
        body = json.dumps({"message": message(error), "success": False}).encode()
        anywhere = [name for name in ENDPOINTS if name != "ticker"]
        for operation in error["actions"] or anywhere:
            with peer(answering(answered(body))) as there:
                if error["reason"] == "empty":
                    assert call(connect(there), operation, given_for(operation)) == []
                    continue
                with pytest.raises(ProviderError) as raised:
                    call(connect(there), operation, given_for(operation))
                assert len(there.requests) == 1
            found = raised.value
            assert type(found).__name__ == error["class"]
            assert found.reason == error["reason"]
            assert list(found.fields) == ([error["field"]] if error["field"] else [])
            assert found.provider_message == message(error)
            assert found.staff % found.params
            assert not isinstance(found, RateLimited)


class TestPaymentSystems:
    def test_they_are_the_documents(self) -> None:
        found = [
            {
                "code": method.code,
                "currency": method.currency,
                "operations": list(method.operations),
                "internal": method.internal_balance,
            }
            for method in Bitloga.documented_methods
        ]
        assert found == DOCUMENT["paysys"]

    def test_internal_balances_need_no_purse(self) -> None:
        for method in Bitloga.documented_methods:
            assert method.needs_purse != method.internal_balance
            assert method.title
