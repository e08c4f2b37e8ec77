"""The document is covered: every endpoint, parameter, answer field, status and error."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from payments.providers.batches import BatchRequest
from payments.providers.coinjoin import reading, refusals
from payments.providers.coinjoin.client import Coinjoin
from payments.providers.errors import ProviderError
from tests.payments.providers.coinjoin.facts import (
    ADDRESS,
    DOCUMENT,
    ENDPOINTS,
    ERRORS,
    FIELDS,
    FIRST,
    ID,
    SECOND,
    batch,
    recorded,
    signature,
    spelled,
)
from tests.payments.providers.wires import answered, answering, peer

VALUES: dict[str, Any] = {"btc_address": ADDRESS, "limit": 2, "offset": 7, "id": ID, **FIELDS}


def answer(operation: str) -> dict[str, Any]:
    """A good answer with every documented field in it."""
    if operation == "createTransaction":
        return batch()
    names = {"status": "status", "validateAddress": "valid", "transactions": "transactions"}
    data = json.loads(recorded(names.get(operation, "transaction_signed")))
    if operation == "transaction":
        data |= {"refCode": "qljncygz"}
        data["signature"] = signature(spelled({name: data[name] for name in data if name != "signature"}))
    return data


def call(client: Coinjoin, operation: str, given: dict[str, Any]) -> Any:
    return {
        "status": client.service_status,
        "validateAddress": lambda: client.validate_address(given["btc_address"]),
        "createTransaction": lambda: client.create(BatchRequest("1", given)),
        "transactions": lambda: client.list(**given),
        "transaction": lambda: client.find(given["id"]),
    }[operation]()


def names(operation: str, *, mandatory: bool = False) -> list[str]:
    return [row["name"] for row in ENDPOINTS[operation]["parameters"] if row["mandatory"] or not mandatory]


def given_for(operation: str, *, mandatory: bool = False) -> dict[str, Any]:
    return {name: VALUES[name] for name in names(operation, mandatory=mandatory)}


def sent(join: Any, operation: str, given: dict[str, Any]) -> bytes:
    with peer(answering(answered(json.dumps(answer(operation)).encode()))) as there:
        call(join(there), operation, given)
        return there.requests[0]


class TestEndpoints:
    def test_there_are_five(self) -> None:
        assert set(ENDPOINTS) == {
            "status",
            "validateAddress",
            "createTransaction",
            "transactions",
            "transaction",
        }

    @pytest.mark.parametrize("operation", ENDPOINTS)
    def test_it_is_called_where_and_how_the_document_says(self, join, operation: str) -> None:
        fact = ENDPOINTS[operation]
        head, _, body = sent(join, operation, given_for(operation)).partition(b"\r\n\r\n")
        path = fact["path"].replace("{btc_address}", ADDRESS).replace("{id}", ID)
        assert head.split(b" ")[0] == fact["http"].encode()
        assert head.split(b" ")[1].partition(b"?")[0] == f"{DOCUMENT['path']}{path}".encode()
        assert (b"\r\nauthorization: bearer " in head.lower()) != fact["public"]
        assert bool(body) == (fact["http"] == "POST")
        if body:
            kind = DOCUMENT["content_type"].replace(" ", "")
            assert f"\r\ncontent-type: {kind}".encode() in head.lower()

    @pytest.mark.parametrize("operation", ENDPOINTS)
    def test_only_calls_that_change_nothing_are_repeated(self, join, operation: str) -> None:
        good = answered(json.dumps(answer(operation)).encode())
        with peer(answering(answered(b"null"), good)) as there:
            client = join(there, read_pauses=(0,))
            if ENDPOINTS[operation]["safe"]:
                call(client, operation, given_for(operation))
                assert len(there.requests) == 2
            else:
                with pytest.raises(ProviderError):
                    call(client, operation, given_for(operation))
                assert len(there.requests) == 1

    def test_each_has_a_grade_if_it_creates(self) -> None:
        assert set(Coinjoin.grades) == {name for name, row in ENDPOINTS.items() if not row["safe"]}


class TestParameters:
    @pytest.mark.parametrize(
        ("operation", "row"),
        [(operation, row) for operation in ENDPOINTS for row in ENDPOINTS[operation]["parameters"]],
        ids=lambda value: value if isinstance(value, str) else value["name"],
    )
    def test_it_is_sent_under_its_name(self, join, operation: str, row: dict[str, Any]) -> None:
        head, _, body = sent(join, operation, given_for(operation)).partition(b"\r\n\r\n")
        target, value = head.split(b" ")[1].decode(), VALUES[row["name"]]
        if row["in"] == "path":
            assert target.endswith(f"/{value}")
        elif row["in"] == "query":
            assert f"{row['name']}={value}" in target.partition("?")[2].split("&")
        elif row["name"] == "payouts":
            # The document's table: address and amount. A list without amounts is in its sample only.
            assert json.loads(body)["payouts"] == {FIRST: "0.001", SECOND: "0.002"}
        else:
            assert json.loads(body)[row["name"]] == str(value)

    @pytest.mark.parametrize("operation", ENDPOINTS)
    def test_what_is_not_given_is_not_sent_or_as_documented(self, join, operation: str) -> None:
        head, _, body = sent(join, operation, given_for(operation, mandatory=True)).partition(b"\r\n\r\n")
        assert set(json.loads(body) if body else ()) == (
            set(names(operation, mandatory=True)) if body else set()
        )
        for row in ENDPOINTS[operation]["parameters"]:
            if "default" in row:
                assert f"{row['name']}={row['default']}".encode() in head

    def test_the_form_offers_every_parameter(self) -> None:
        fields = {field.name: field for field in Coinjoin.batch_fields}
        assert list(fields) == names("createTransaction")
        for row in ENDPOINTS["createTransaction"]["parameters"]:
            assert fields[row["name"]].required == row["mandatory"]


class TestAnswers:
    """Each documented field of each answer is read: changing it changes the report."""

    IGNORED = {("transactions", "limit"), ("transactions", "offset")}  # only an echo of what we asked

    @pytest.mark.parametrize(
        ("operation", "name"),
        [(operation, row["name"]) for operation, fact in ENDPOINTS.items() for row in fact["answer"]],
    )
    def test_the_field_is_read(self, join, operation: str, name: str) -> None:
        data = answer(operation)
        assert name in data
        changed = {**data, name: self.other(data[name])}
        if operation == "status" and name == "timestamp":  # counts where the other time is missing
            data, changed = data | {"datetime": ""}, changed | {"datetime": ""}
        signed = name == "signature"
        same = self.report(join, operation, data, signed) == self.report(join, operation, changed, signed)
        assert same == ((operation, name) in self.IGNORED)

    @pytest.mark.parametrize("name", [row["name"] for row in ENDPOINTS["transactions"]["row"]])
    def test_the_field_of_a_row_is_read(self, join, name: str) -> None:
        data, changed = answer("transactions"), answer("transactions")
        row = changed["transactions"][0]
        row[name] = self.other(row[name])
        assert self.report(join, "transactions", data) != self.report(join, "transactions", changed)

    @staticmethod
    def other(value: Any) -> Any:
        if isinstance(value, dict):
            return {FIRST: "0.5"}
        if isinstance(value, list):
            return value[:1]
        if value == "true":
            return "false"
        return "2022-01-01T00:00:00+00:00" if isinstance(value, str) and "T" in value[10:11] else "7"

    @staticmethod
    def report(join: Any, operation: str, data: dict[str, Any], signed: bool = False) -> Any:
        """What is told of the data, without the raw answer and (unless `signed`) without its signature."""
        with peer(answering(answered(json.dumps(data).encode()))) as there:
            try:
                found = call(join(there), operation, given_for(operation))
            except ProviderError as error:
                return str(error)
        rows = getattr(found, "rows", None)
        hidden = {"raw", *(() if signed else ("signature_ok", "signature_form"))}
        told = [
            {key: value for key, value in vars(row).items() if key not in hidden} for row in rows or [found]
        ]
        return [*told, getattr(found, "total", None)]


class TestStatuses:
    @pytest.mark.parametrize(("word", "state"), DOCUMENT["statuses"]["transaction"].items())
    def test_of_a_transaction(self, join, word: str, state: str) -> None:
        with peer(answering(answered(json.dumps(batch(status=word)).encode()))) as there:
            found = join(there).create(BatchRequest("1", FIELDS))
        assert (found.status, found.provider_status) == (state, word)

    def test_no_other_word_is_known(self) -> None:
        assert DOCUMENT["statuses"]["transaction"] == reading.STATES

    def test_of_the_service(self, join) -> None:
        for word, ok in DOCUMENT["statuses"]["service"].items():
            body = json.dumps(answer("status") | {"status": word}).encode()
            with peer(answering(answered(body))) as there:
                assert join(there).service_status().ok is ok


class TestErrors:
    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: error["text"])
    @pytest.mark.parametrize("operation", ENDPOINTS)
    def test_it_comes_out_of_every_call(self, join, operation: str, error: dict[str, Any]) -> None:
        said = error.get("example", error["text"])
        body = json.dumps(dict(zip(DOCUMENT["error"], (error["code"], said), strict=True))).encode()
        with peer(answering(answered(body, error["code"]))) as there:
            with pytest.raises(ProviderError) as raised:
                call(join(there), operation, given_for(operation))
            assert len(there.requests) == 1
        safe = ENDPOINTS[operation]["safe"]
        assert type(raised.value).__name__ == error["ask" if safe else "create"]
        assert raised.value.provider_message == said
        assert refusals.find(error["code"], {"code": Decimal(error["code"]), "description": said}, operation)
