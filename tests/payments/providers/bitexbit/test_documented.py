"""The document is covered: every endpoint, parameter, answer field, status and error."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from backoffice.kit import money
from payments.providers.bitexbit import fields, parameters, reading
from payments.providers.bitexbit.client import Bitexbit
from payments.providers.errors import ProviderError
from tests.payments.providers.bitexbit.facts import (
    ANSWERS,
    CALLBACK_URL,
    DOCUMENT,
    ENDPOINTS,
    MOVES,
    REFERENCE,
    VALUES,
    call,
    case,
    given_for,
    names,
    recorded,
)
from tests.payments.providers.wires import answered, answering, peer


def sent(connect: Any, operation: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The head of the request that the call made, and its parameters."""
    with peer(answering(answered(recorded(ANSWERS[operation])))) as there:
        call(connect(there), operation, given)
        (request,) = there.requests
    head, _, body = request.partition(b"\r\n\r\n")
    text = head.decode()
    query = urlsplit(text.split(" ")[1]).query
    return text, money.loads(body) if body else {name: one for name, (one,) in parse_qs(query).items()}


class TestEndpoints:
    def test_there_are_nine(self) -> None:
        assert set(ENDPOINTS) == set(ANSWERS)
        assert len(ENDPOINTS) == 9

    def test_it_is_called_where_and_how_the_document_says(self, connect) -> None:
        for operation in ENDPOINTS:
            with case(operation):
                fact = ENDPOINTS[operation]
                head, _parameters = sent(connect, operation, given_for(operation))
                method, target, _version = head.split("\r\n")[0].split(" ")
                assert method == fact["http"]
                assert urlsplit(target).path == DOCUMENT["prefix"] + fact["path"]
                for header in DOCUMENT["headers"]:
                    assert f"\r\n{header.lower()}: " in head.lower()
                assert "\r\naccept: application/json" in head.lower()

    def test_only_calls_that_change_nothing_are_repeated(self, connect) -> None:
        for operation in ENDPOINTS:
            good = answered(recorded(ANSWERS[operation]))
            with case(operation), peer(answering(answered(b"null"), good)) as there:
                client = connect(there, read_pauses=(0,))
                if ENDPOINTS[operation]["safe"]:
                    call(client, operation, given_for(operation))
                else:
                    with pytest.raises(ProviderError):
                        call(client, operation, given_for(operation))
                assert len(there.requests) == (2 if ENDPOINTS[operation]["safe"] else 1)

    def test_each_has_a_grade_if_it_moves_or_creates(self) -> None:
        assert set(Bitexbit.grades) == set(MOVES)
        assert set(Bitexbit.grades.values()) == {Bitexbit.dedupes} == {"B"}


class TestParameters:
    def test_it_is_sent_under_its_name(self, connect) -> None:
        """Every parameter of every call; of `address` and `card` each in a call of its own."""
        for operation in ENDPOINTS:
            found = sent(connect, operation, given_for(operation))[1]
            if operation == "withdraw":
                found = sent(connect, operation, given_for(operation, "card"))[1] | found
            for parameter in names(operation):
                with case(operation, parameter):
                    self.check(parameter, found[parameter])

    @staticmethod
    def check(parameter: str, value: Any) -> None:
        expected = {**VALUES, "callback_url": CALLBACK_URL, "client_order_id": REFERENCE}[parameter]
        if parameter == "fee_payer":
            assert value == 2
            return
        assert isinstance(value, str)
        if isinstance(expected, Decimal):
            assert Decimal(value) == expected
            assert "E" not in value.upper()
        else:
            assert value == str(expected)

    def test_nothing_else_is_sent(self, connect) -> None:
        for operation in ENDPOINTS:
            with case(operation):
                assert set(sent(connect, operation, given_for(operation))[1]) <= set(names(operation))

    def test_what_is_not_given_is_not_sent(self, connect) -> None:
        for operation in MOVES:
            with case(operation):
                needed = {
                    row["name"] for row in ENDPOINTS[operation]["parameters"] if row["mandatory"] == "yes"
                }
                needed |= {"address"} if operation == "withdraw" else set()
                with peer(answering(answered(recorded(ANSWERS[operation])))) as there:
                    call(connect(there), operation, {name: VALUES[name] for name in needed}, callback_url="")
                    found = set(money.loads(there.body()))
                assert found == needed | ({"client_order_id"} if operation == "withdraw" else set())

    def test_the_forms_offer_every_parameter_that_a_person_may_fill(self) -> None:
        for form, operation in [
            (fields.WALLET, "wallet"),
            (fields.INVOICE, "invoice"),
            (fields.WITHDRAWAL, "withdraw"),
        ]:
            with case(form, operation):
                ours = {"callback_url", "client_order_id"}
                assert {field.name for field in form} == set(names(operation)) - ours
                for field in form:
                    fact = next(
                        row for row in ENDPOINTS[operation]["parameters"] if row["name"] == field.name
                    )
                    assert field.required == (fact["mandatory"] == "yes")
                    assert field.money == (field.name in ("amount", "convert_limit"))

    def test_the_choices_are_the_documents(self) -> None:
        payer = next(field for field in fields.WITHDRAWAL if field.name == "fee_payer")
        assert [value for value, _label in payer.choices] == DOCUMENT["choices"]["fee_payer"]
        assert set(parameters.ORDERINGS) - {""} == set(DOCUMENT["choices"]["ordering"])

    def test_every_call_that_takes_a_callback_gets_one(self) -> None:
        assert [name for name in MOVES if "callback_url" in names(name)] == DOCUMENT["callback"]["offered_by"]


class TestAnswers:
    """Each documented field of each answer is read: changing it changes the report."""

    def test_the_field_is_read(self, connect) -> None:
        for operation, fact in ENDPOINTS.items():
            before = self.report(connect, operation, recorded(ANSWERS[operation]))
            for name in fact["answer"]:
                with case(operation, name):
                    assert before != self.report(connect, operation, self.changed(operation, name))

    def test_the_envelope_is_read(self, connect) -> None:
        for operation in [name for name, fact in ENDPOINTS.items() if fact["paged"]]:
            for name in ["count", "next", "results"]:
                with case(operation, name):
                    data = json.loads(recorded(ANSWERS[operation]))
                    data[name] = {"count": 7, "next": None, "results": []}[name]
                    before = self.report(connect, operation, recorded(ANSWERS[operation]))
                    assert before != self.report(connect, operation, json.dumps(data).encode())

    @staticmethod
    def changed(operation: str, name: str) -> bytes:
        data = json.loads(recorded(ANSWERS[operation]))
        row = data[0] if isinstance(data, list) else data.get("results", [data])[0]
        if operation == "withdraw" and name == "client_order_id":
            value: Any = "1"
        else:
            row = row[name.partition(".")[0]] if "." in name else row
            name = name.rpartition(".")[2]
            old = row.get(name)
            others = {"created_at": "2020-01-01T00:00:00Z", "date": "2020-01-01T00:00:00Z", "fee_payer": 2}
            value = (
                not old if isinstance(old, bool) else others.get(name, 7 if name.endswith("_id") else "7.25")
            )
            if name.endswith(("_url", "confirmations")) or name in ("status", "aml_success"):
                value = {"confirmations": 9, "status": "6", "success": False}.get(
                    name.rpartition("_")[2], "https://other.example/7"
                )
        row[name] = value
        return json.dumps(data).encode()

    @staticmethod
    def report(connect: Any, operation: str, body: bytes) -> Any:
        with peer(answering(answered(body))) as there:
            try:
                found = call(connect(there), operation, given_for(operation))
            except ProviderError as error:
                return str(error)
        rows = found if isinstance(found, tuple) else getattr(found, "rows", None)
        if rows is None:
            rows = [found]
        shown = [{key: value for key, value in vars(row).items() if key != "raw"} for row in rows]
        return shown, getattr(found, "count", 0), getattr(found, "more", False)


class TestStatuses:
    def test_deposit(self) -> None:
        for row in DOCUMENT["statuses"]["deposit"]:
            with case(row):
                assert reading.DEPOSIT_STATES[str(row["code"])] == row["ours"]

    def test_withdrawal(self) -> None:
        for row in DOCUMENT["statuses"]["withdrawal"]:
            with case(row):
                assert reading.WITHDRAWAL_STATES[str(row["code"])] == row["ours"]

    def test_no_other_code_is_known(self) -> None:
        assert list(reading.DEPOSIT_STATES) == [str(row["code"]) for row in DOCUMENT["statuses"]["deposit"]]
        assert list(reading.WITHDRAWAL_STATES) == [
            str(row["code"]) for row in DOCUMENT["statuses"]["withdrawal"]
        ]

    def test_the_undocumented_one_is_not_known_and_kept(self, connect) -> None:
        for row in DOCUMENT["statuses"]["undocumented"]:
            with case(row):
                with peer(answering(answered(recorded("withdraw_create")))) as there:
                    found = call(connect(there), "withdraw", given_for("withdraw"))
                assert (found.status, found.provider_status) == (row["ours"], str(row["code"]))


class TestErrors:
    """Every pair of HTTP status and body of the error table, for every call."""

    BODIES = {"reason": b'{"detail":"Their words."}', "page": b"<html><h1>Error</h1></html>"}

    def test_the_class_is_the_tables(self, connect) -> None:
        for operation in ENDPOINTS:
            for body in self.BODIES:
                for error in DOCUMENT["errors"]:
                    with case(operation, body, error):
                        kind = "read" if ENDPOINTS[operation]["safe"] else "move"
                        with (
                            peer(answering(answered(self.BODIES[body], error["status"]))) as there,
                            pytest.raises(ProviderError) as raised,
                        ):
                            call(connect(there), operation, given_for(operation))
                        found = raised.value
                        assert type(found).__name__ == error["classes"][body][kind]
                        assert found.staff.endswith(".")
                        assert found.code == str(error["status"])
                        if body == "reason" and error["status"] in (400, 401, 403):
                            assert found.provider_message == "Their words."
