"""The document is covered: every endpoint, parameter, answer field, status and error text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from payments.providers import base, bids, partner
from payments.providers.base import Hint, Raw
from payments.providers.errors import ProviderError
from payments.providers.premium_exchanger import bids as reading
from payments.providers.premium_exchanger import fields, refusals
from payments.providers.premium_exchanger import partner as partner_reading
from payments.providers.premium_exchanger.client import PremiumExchanger
from tests.every import every
from tests.payments.providers.premium_exchanger.facts import (
    CALLS,
    DOCUMENT,
    ENDPOINTS,
    ERRORS,
    FOLDER,
    KEY,
    LOGIN,
    MOVES,
    READERS,
    SENT,
    client,
    form,
    recorded,
    sample,
)
from tests.payments.providers.wires import answered, answering, peer


def names(operation: str) -> list[str]:
    return [row["name"] for row in ENDPOINTS[operation]["parameters"]]


def sent(operation: str) -> bytes:
    with peer(answering(answered(recorded(operation)))) as there:
        CALLS[operation](client(there))
        return there.requests[0]


class TestEndpoints:
    def test_there_are_sixteen(self) -> None:
        assert len(ENDPOINTS) == 16
        assert set(ENDPOINTS) == set(CALLS) == set(READERS)

    @every("operation", ENDPOINTS)
    def test_it_is_called_where_and_how_the_document_says(self, operation: str) -> None:
        head, _, body = sent(operation).partition(b"\r\n\r\n")
        assert head.startswith(f"POST /api/v1/{operation} HTTP/1.1\r\n".encode())
        lower = head.lower()
        for name, value in zip(DOCUMENT["headers"], (LOGIN, KEY, "en_US"), strict=True):
            assert f"\r\n{name.lower()}: {value.lower()}".encode() in lower
        assert f"\r\ncontent-type: {DOCUMENT['content_type']}".encode() in lower
        assert f"\r\ncontent-length: {len(body)}".encode() in lower

    @every("operation", ENDPOINTS)
    def test_only_calls_that_change_nothing_are_repeated(self, operation: str) -> None:
        with peer(answering(answered(b""), answered(recorded(operation)))) as there:
            asking = client(there, read_pauses=(0,))
            if ENDPOINTS[operation]["safe"]:
                CALLS[operation](asking)
            else:
                with pytest.raises(ProviderError):
                    CALLS[operation](asking)
            assert len(there.requests) == (2 if ENDPOINTS[operation]["safe"] else 1)

    def test_each_that_moves_or_creates_has_a_grade(self) -> None:
        assert set(PremiumExchanger.grades) == set(MOVES)
        assert {PremiumExchanger.grades[name] for name in ("success_bid", "add_partner_payout")} == {"C"}

    def test_it_can_do_what_its_protocols_say(self) -> None:
        for protocol in (bids.Bids, partner.Partner, base.Callbacks, base.Probe):
            assert issubclass(PremiumExchanger, protocol)
        for protocol in (base.Balances, base.Invoices, base.Withdrawals, base.Vouchers, base.Rates):
            assert not issubclass(PremiumExchanger, protocol)


class TestParameters:
    @every("operation", ENDPOINTS)
    def test_every_one_is_sent_under_its_name_and_nothing_else(self, operation: str) -> None:
        body = form(sent(operation).partition(b"\r\n\r\n")[2])
        assert body == SENT.get(operation, {})
        assert set(body) == set(names(operation))

    def test_the_forms_offer_what_a_person_may_fill(self) -> None:
        by_direction = {
            "account1",
            "account2",
            "cfgive8",
            *(f"cf{n}" for n in (1, 2, 3, 4, 5, 6, 8, 10, 11, 99)),
        }
        assert {field.name for field in PremiumExchanger.bid_fields} == set(
            names("create_bid")
        ) - by_direction - {
            "api_id",
            "callback_url",
        }
        assert all(
            fields.DOCUMENTED.fullmatch(name) for name in by_direction | set(DOCUMENT["create_fields"])
        )
        assert [field.name for field in PremiumExchanger.partner_payout_fields] == names("add_partner_payout")

    def test_the_choices_are_the_documents(self) -> None:
        assert [value for value, _label in fields.ACTIONS] == list(DOCUMENT["choices"]["calc_action"])

    def test_the_keys_are_those_of_the_headers(self) -> None:
        found = ["-".join(field.name.split("_")).upper() for field in PremiumExchanger.credentials]
        assert found == DOCUMENT["headers"]
        assert [field.secret for field in PremiumExchanger.credentials] == [True, True, False]


#: Where another recorded answer, or another place of it, holds the field.
SHOWN_BY = {"api_actions.cancel": "bid_info_address", "api_actions.pay": "bid_info_address"}


class TestAnswers:
    """Each documented field of each answer is read: changing it changes the report."""

    @every(
        ("operation", "name"),
        [(operation, name) for operation, fact in ENDPOINTS.items() for name in fact["answer"]],
    )
    def test_the_field_is_read(self, operation: str, name: str) -> None:
        answer = SHOWN_BY.get(name, operation)
        assert self.report(operation, sample(answer)) != self.report(
            operation, self.changed(sample(answer), operation, name)
        )

    @staticmethod
    def changed(answer: dict[str, Any], operation: str, name: str) -> dict[str, Any]:
        *path, last = name.split(".")
        place: Any = answer["data"]
        if isinstance(place, str):
            answer["data"] = "other"
            return answer
        if operation == "get_directions":
            place = place[0]
        for part in path:
            place = place[part]
            place = place[0 if part != "dir_fields" else 1] if isinstance(place, list) else place
        if last in ("items", "give", "get", "statuses", "give_fields", "get_fields", "dir_fields"):
            place[last] = []
        elif last == "api_actions":
            place[last] = {}
        elif last in ("req", "cd", "changed", "accrued"):
            place[last] = 1 - int(place[last])
        elif last == "options":
            place[last] = {"7": "other"}
        elif last == "type" and "dir_fields" in path:
            place[last] = "textarea"
        elif last in ("url", "logo", "cancel", "pay"):
            place[last] = "https://other.example/7"
        elif last == "exchange_success":
            place[last] = 0
        else:
            place[last] = "7.25" if last not in ("currency_code_give", "currency_code_get") else "ABC"
        return answer

    @staticmethod
    def report(operation: str, answer: dict[str, Any]) -> Any:
        with peer(answering(answered(json.dumps(answer).encode()))) as there:
            try:
                # Without a filter: a list answers what it was asked for.
                found = (
                    client(there).bids() if operation == "get_exchanges" else CALLS[operation](client(there))
                )
            except ProviderError as error:
                return str(error)
        return TestAnswers.facts(found)

    @staticmethod
    def facts(found: Any) -> Any:
        """A report without what it was read from, and without what its `repr` hides."""
        if isinstance(found, tuple):
            return [TestAnswers.facts(one) for one in found]
        if hasattr(found, "__dataclass_fields__"):
            return {key: TestAnswers.facts(value) for key, value in vars(found).items() if key != "raw"}
        return found


class TestStatuses:
    @every(("word", "state"), DOCUMENT["statuses"]["bid"].items())
    def test_of_a_bid(self, word: str, state: str | None) -> None:
        for spelled in (word, f" {word.upper()}\n"):
            assert reading.words(spelled) == (
                state if state != "hold" else None,
                spelled,
                state == "hold",
            )

    @every(("word", "state"), DOCUMENT["statuses"]["partner_payout"].items())
    def test_of_a_partner_payout(self, word: str, state: str) -> None:
        assert partner_reading.PAYOUT_STATES[word] == state

    def test_no_other_word_is_known(self) -> None:
        known = {word for word, state in DOCUMENT["statuses"]["bid"].items() if state}
        assert set(reading.STATES) | reading.NEED_PERSON == known
        assert set(partner_reading.PAYOUT_STATES) == set(DOCUMENT["statuses"]["partner_payout"])
        assert reading.words("verify_docs") == (None, "verify_docs", False)

    @every("kind", DOCUMENT["types"])
    def test_each_way_to_pay_is_kept(self, kind: str) -> None:
        assert reading.actions({"type": kind.upper()}).type == kind


class TestErrors:
    def test_the_table_holds_these_and_no_other(self) -> None:
        assert [row.text for row in refusals.TEXTS] == [error["text"] for error in ERRORS]
        assert len([error for error in ERRORS if error["documented"]]) == 5

    @every("error", ERRORS)
    def test_its_class_reason_field_and_calls(self, error: dict[str, Any]) -> None:
        row = refusals.find(f" {error['text'].upper()} ")
        assert row is not None
        assert (row.kind.__name__, row.reason, row.field) == (error["class"], error["reason"], error["field"])
        assert (row.only, row.codes) == (set(error["calls"]), set(error["codes"]))
        assert row.staff.endswith(".")

    @every("error", ERRORS)
    def test_it_comes_out_of_every_call_that_it_belongs_to(self, error: dict[str, Any]) -> None:
        code = (error["codes"] or ["1"])[0]
        body = json.dumps({"error": code, "error_text": error["text"], "data": []}).encode()
        lists = {
            "get_directions",
            "get_exchanges",
            *(name for name in READERS if name.startswith("get_partner_")),
        }
        for operation in error["calls"] or ENDPOINTS:
            with peer(answering(answered(body))) as there:
                if error["reason"] == "empty" and operation in lists - {"get_partner_info"}:
                    assert CALLS[operation](client(there)).rows == ()
                    continue
                with pytest.raises(ProviderError) as raised:
                    CALLS[operation](client(there))
                assert len(there.requests) == 1
            found = raised.value
            assert (type(found).__name__, found.reason) == (error["class"], error["reason"]), operation
            assert list(found.fields) == ([error["field"]] if error["field"] else [])
            assert (found.provider_message, found.code) == (error["text"], code)
            assert found.staff % found.params


class TestCallback:
    @every("name", ["callback", "callback_status"])
    def test_it_is_read(self, name: str) -> None:
        body = (FOLDER / "answers" / f"{name}.txt").read_bytes()
        assert client().read(Raw({}, body)) == Hint("501")
        assert set(form(body)) <= {*DOCUMENT["callback"]["fields"], *DOCUMENT["callback"]["seen_fields"]}
