"""Every pair of HTTP status and body of the error table, for each call (RELIABILITY A10)."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from payments.providers.coinjoin import refusals
from payments.providers.errors import OutcomeUnknown, ProviderError
from tests.every import every
from tests.payments.providers.coinjoin.facts import ENDPOINTS, ERRORS
from tests.payments.providers.coinjoin.test_reading import read

STATUSES = (200, 201, 302, 400, 401, 403, 404, 409, 500, 502, 503)


def raised(operation: str, status: int, body: Any) -> ProviderError:
    with pytest.raises(ProviderError) as found:
        read(operation, body if isinstance(body, bytes) else json.dumps(body).encode(), status)
    return found.value


class TestTable:
    @every("operation", ENDPOINTS)
    def test_status_and_code_together(self, operation: str) -> None:
        for error, as_text in itertools.product(ERRORS, (False, True)):
            code, case = error["code"], (error["text"], as_text)
            said = error.get("example", error["text"])
            found = raised(operation, code, {"code": str(code) if as_text else code, "description": said})
            assert type(found).__name__ == error["ask" if ENDPOINTS[operation]["safe"] else "create"], case
            expected = error["reason"]
            if operation == "transaction":
                expected = error.get("reason_of_look_up", expected)
            assert found.reason == expected, case
            assert found.provider_message == said, case
            assert found.code == str(code), case
            assert found.staff.endswith("."), case

    @every("operation", ENDPOINTS)
    def test_status_and_code_that_disagree_prove_nothing(self, operation: str) -> None:
        for status, error in itertools.product(STATUSES, ERRORS):
            if status != error["code"]:
                found = raised(operation, status, {"code": error["code"], "description": error["text"]})
                assert type(found) is OutcomeUnknown, (status, error["text"])

    @every("operation", ENDPOINTS)
    def test_the_status_alone_proves_nothing(self, operation: str) -> None:
        bodies = [b"", b"<html></html>", b"null", b"[]", b"{}", b'{"code":']
        for code, body in itertools.product([400, 404, 503], bodies):
            assert type(raised(operation, code, body)) is OutcomeUnknown, (code, body)

    def test_the_table_is_the_documents(self) -> None:
        assert [row.code for row in refusals.CODES] == [error["code"] for error in ERRORS]

    def test_a_code_that_is_none(self) -> None:
        for code in (True, None, [], {}, "4 00", 400.5, "four hundred", 10**40):
            found = raised("createTransaction", 400, {"code": code, "description": "x"})
            assert type(found) is OutcomeUnknown, code


class TestWords:
    def test_out_of_service_forbids_a_repeat_only_to_what_creates(self) -> None:
        body = {"code": 503, "description": "service unavailable"}
        assert raised("createTransaction", 503, body).staff == OutcomeUnknown.default_staff
        assert "out of service" in raised("status", 503, body).staff

    def test_an_unlisted_code_is_told_to_readers(self) -> None:
        body = {"code": 410, "description": "gone"}
        assert raised("transactions", 410, body).staff == refusals.UNLISTED
        assert raised("createTransaction", 410, body).staff == OutcomeUnknown.default_staff
