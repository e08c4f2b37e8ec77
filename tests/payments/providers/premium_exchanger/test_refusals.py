"""Every (HTTP status, body) pair of the error table, texts near the known ones, and errors of fields."""

from __future__ import annotations

import json
from typing import Any

from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, RateLimited, Refused
from payments.providers.exchange import Answer
from payments.providers.premium_exchanger import envelope, partner, refusals
from payments.providers.premium_exchanger.client import PremiumExchanger
from payments.providers.redaction import Redactor
from tests.every import every
from tests.payments.providers.premium_exchanger.facts import (
    ENDPOINTS,
    ERRORS,
    MOVES,
    READERS,
    READS,
    recorded,
)

CLEAN = Redactor(PremiumExchanger.hidden)


def judged(operation: str, body: Any, status: int = 200, retry_after: str = "") -> Any:
    """What a call makes of an answer: a report, or the error that it raises."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Answer(status, data, CLEAN.body(data), retry_after, None, CLEAN.text)
    proof = partner.is_taken if operation == "add_partner_payout" else None
    safe = ENDPOINTS[operation]["safe"]
    try:
        return envelope.reader(operation, READERS[operation], safe=safe, proof=proof)(answer)
    except ProviderError as error:
        return error


def error(text: str, code: Any = 1, **more: Any) -> dict[str, Any]:
    return {"error": code, "error_text": text, "data": [], **more}


def expected(row: dict[str, Any], operation: str, code: str) -> str:
    fits = (not row["calls"] or operation in row["calls"]) and (not row["codes"] or code in row["codes"])
    return row["class"] if fits else "OutcomeUnknown"


class TestEveryPair:
    """Status, code, text and call, all with all."""

    @every("row", ERRORS)
    @every("status", [200, 201, 400, 401, 403, 404, 422])
    def test_a_known_text_means_the_same_under_any_status_that_can_carry_it(
        self, row: dict[str, Any], status: int
    ) -> None:
        for operation in ENDPOINTS:
            for code in ("1", 2, "3", 4):
                found = judged(operation, error(row["text"], code), status)
                assert type(found).__name__ == expected(row, operation, str(code)), (operation, code)
                if type(found) is Refused:
                    assert found.reason == row["reason"]

    @every("row", ERRORS)
    @every("status", [301, 302, 307, 500, 502, 503, 520])
    def test_a_fault_of_the_server_or_a_redirect_proves_nothing(
        self, row: dict[str, Any], status: int
    ) -> None:
        for operation in ENDPOINTS:
            assert type(judged(operation, error(row["text"], 2), status)) is OutcomeUnknown

    @every("operation", ENDPOINTS)
    @every("body", [b"", b"slow down", b'{"error":1}', b'{"error":"2","error_text":"x"}'])
    def test_429_was_not_processed(self, operation: str, body: bytes) -> None:
        found = judged(operation, body, 429, "30")
        assert type(found) is RateLimited
        assert found.retry_after == 30

    @every("operation", ENDPOINTS)
    @every("status", [301, 302, 400, 401, 404, 429, 500, 503])
    def test_success_counts_only_in_a_2xx(self, operation: str, status: int) -> None:
        assert type(judged(operation, recorded(operation), status)) is OutcomeUnknown

    @every("operation", ENDPOINTS)
    @every("status", [401, 403])
    def test_a_page_that_turns_us_away_is_denied_for_reads_only(self, operation: str, status: int) -> None:
        found = judged(operation, b"<html>Forbidden</html>", status)
        assert type(found) is (Denied if operation in READS else OutcomeUnknown)


class TestErrorZero:
    @every("operation", ENDPOINTS)
    @every("zero", [0, "0", " 0 ", 0.0])
    def test_number_and_text_are_the_same(self, operation: str, zero: Any) -> None:
        answer = json.loads(recorded(operation)) | {"error": zero}
        assert not isinstance(judged(operation, answer), ProviderError)

    @every("operation", [name for name in ENDPOINTS if name != "add_partner_payout"])
    @every("flag", [..., None, "", False, True, [], {}, "00", "no", "success", {"error": 0}])
    def test_nothing_else_is_a_success(self, operation: str, flag: Any) -> None:
        answer = json.loads(recorded(operation)) | {"error": flag}
        if flag is ...:
            del answer["error"]
        assert type(judged(operation, answer)) is OutcomeUnknown

    @every("operation", [name for name in ENDPOINTS if name != "add_partner_payout"])
    def test_not_beside_a_known_error(self, operation: str) -> None:
        answer = json.loads(recorded(operation)) | {"error_text": "Api disabled"}
        assert type(judged(operation, answer)) is OutcomeUnknown

    @every("operation", ENDPOINTS)
    @every(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b"0",
            b"<html>502 Bad Gateway</html>",
            b'{"error":0,"data":{"id":1',
            b"\xef\xbb\xbf" + b'{"error":0,"data":[]}',
            b"<br />Warning: x in y.php on line 5" + b'{"error":0,"data":[]}',
            b'{"error":0,"error":1,"data":[]}',
            b'{"error":0,"data":NaN}',
            '{"error":0,"error_text":"é","data":[]}'.encode("latin-1"),
        ],
    )
    def test_what_is_no_json_object_is_unknown(self, operation: str, body: bytes) -> None:
        assert type(judged(operation, body)) is OutcomeUnknown


class TestNear:
    @every("operation", ENDPOINTS)
    @every(
        "text",
        [
            "",
            "Api",
            "Api disabled.",
            "Api  is disabled",
            "no bid",
            "bid exists",
            "IP blocked by admin",
            "Заявка не существует",
            "Technical works until 12:00",
            "api disabled<br />no bid exists",
        ],
    )
    def test_what_is_not_in_the_table_proves_nothing(self, operation: str, text: str) -> None:
        for code in (1, "2", 5):
            assert type(judged(operation, error(text, code))) is OutcomeUnknown

    @every("text", [" API DISABLED\n", "<b>Api disabled</b>", "Api disabled<br />"])
    def test_case_spaces_and_tags_do_not_matter(self, text: str) -> None:
        assert type(judged("create_bid", error(text))) is Denied

    def test_a_reader_is_told_more_about_an_unlisted_text_than_to_wait(self) -> None:
        assert judged("bid_info", error("What?")).staff == refusals.UNLISTED
        assert judged("create_bid", error("What?")).staff == OutcomeUnknown.default_staff

    @every("operation", MOVES)
    def test_a_refusal_with_something_in_data_proves_nothing(self, operation: str) -> None:
        for data in ({"id": 5}, "new", [1], 5):
            found = judged(operation, error("Method not supported", 3) | {"data": data})
            assert type(found) is OutcomeUnknown


class TestLookUpsProveNothing:
    """C07: "no bid exists" and "maintenance" are said of bids that live."""

    def test_not_found_is_not_a_failure(self) -> None:
        found = judged("bid_info", error("no bid exists"))
        assert (type(found), found.reason) == (Refused, "not_found")
        assert "exist all the same" in found.staff

    def test_maintenance_is_unknown_for_all(self) -> None:
        for operation in ENDPOINTS:
            for code in (1, "2"):
                assert type(judged(operation, error("maintenance", code))) is OutcomeUnknown


class TestValidation:
    def test_the_fields_get_plain_sentences(self) -> None:
        found = judged("create_bid", recorded("create_bid_refused"))
        assert type(found) is Refused
        assert found.staff == refusals.VALIDATION
        assert found.provider_message == "Error in the field\nCheck the amount"
        shown = {name: sentence % found.params for name, sentence in found.fields.items()}
        assert shown == {
            "account2": "Wrong account",
            "cf6": "Not an e-mail\n100% needed",
            "calc_amount": "min: 1000 RUB",
        }

    @every(
        "fields",
        [[], {}, None, "", [{"name": "cf6", "text": "x"}], {"cf6": None}, {"cf6": {"a": 1}}, ["x"], 5],
    )
    def test_any_shape_of_error_fields_is_a_refusal(self, fields: Any) -> None:
        found = judged("create_bid", error("Wrong", "3", error_fields=fields))
        assert type(found) is Refused
        assert found.reason == ""
        assert set(found.fields) <= {"cf6"}

    @every("code", ["1", 2, "4", ""])
    def test_another_code_is_no_validation(self, code: Any) -> None:
        assert type(judged("create_bid", error("Wrong", code, error_fields={"cf6": "x"}))) is OutcomeUnknown

    def test_without_the_part_of_fields_it_is_none(self) -> None:
        assert type(judged("create_bid", error("Wrong", 3))) is OutcomeUnknown

    @every("operation", [name for name in ENDPOINTS if name != "create_bid"])
    def test_other_calls_have_none(self, operation: str) -> None:
        assert type(judged(operation, error("Wrong", 3, error_fields={"x": "y"}))) is OutcomeUnknown

    @every("text", ["api id not unique", "Wrong account<br />api id not unique", "API ID not unique<br>x"])
    def test_a_used_reference_is_found_among_other_texts(self, text: str) -> None:
        found = judged("create_bid", error(text, "3", error_fields=[]))
        assert (type(found), found.reason) == (Refused, "exists")

    def test_a_text_of_another_call_is_no_validation(self) -> None:
        assert type(judged("create_bid", error("No bid exists", "3", error_fields=[]))) is OutcomeUnknown


class TestPayout:
    """A21: the id of a payout wins over the error beside it."""

    @every("code", [1, "1", 3, 0, "x"])
    @every("text", ["no active partner program", "Api disabled", "", "Money left"])
    def test_an_id_is_proof(self, code: Any, text: str) -> None:
        found = judged("add_partner_payout", error(text, code) | {"data": {"payout_id": 9}})
        assert found.provider_id == "9"
        assert bool(found.complaint) == (code != 0)

    @every("id", [0, "0", "", None, False, [], "  "])
    def test_nothing_else_is(self, id: Any) -> None:
        for code in (0, 1):
            found = judged("add_partner_payout", error("x", code) | {"data": {"payout_id": id}})
            assert type(found) is OutcomeUnknown

    def test_an_id_outside_of_a_2xx_is_none(self) -> None:
        answer = error("x") | {"data": {"payout_id": 9}}
        for status in (302, 400, 500):
            assert type(judged("add_partner_payout", answer, status)) is OutcomeUnknown
