"""Every pair of HTTP status and body of the error table, for each call (RELIABILITY A10)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from payments.providers.coinjoin import refusals
from payments.providers.errors import OutcomeUnknown, ProviderError
from tests.payments.providers.coinjoin.facts import ENDPOINTS, ERRORS
from tests.payments.providers.coinjoin.test_reading import read

STATUSES = (200, 201, 302, 400, 401, 403, 404, 409, 500, 502, 503)


def raised(operation: str, status: int, body: Any) -> ProviderError:
    with pytest.raises(ProviderError) as found:
        read(operation, body if isinstance(body, bytes) else json.dumps(body).encode(), status)
    return found.value


class TestTable:
    @pytest.mark.parametrize("operation", ENDPOINTS)
    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: error["text"])
    @pytest.mark.parametrize("as_text", [False, True])
    def test_status_and_code_together(self, operation: str, error: dict[str, Any], as_text: bool) -> None:
        code = error["code"]
        said = error.get("example", error["text"])
        found = raised(operation, code, {"code": str(code) if as_text else code, "description": said})
        assert type(found).__name__ == error["ask" if ENDPOINTS[operation]["safe"] else "create"]
        expected = error["reason"]
        if operation == "transaction":
            expected = error.get("reason_of_look_up", expected)
        assert found.reason == expected
        assert found.provider_message == said
        assert found.code == str(code)
        assert found.staff.endswith(".")

    @pytest.mark.parametrize("operation", ENDPOINTS)
    @pytest.mark.parametrize("status", STATUSES)
    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: error["text"])
    def test_status_and_code_that_disagree_prove_nothing(
        self, operation: str, status: int, error: dict[str, Any]
    ) -> None:
        if status != error["code"]:
            found = raised(operation, status, {"code": error["code"], "description": error["text"]})
            assert type(found) is OutcomeUnknown

    @pytest.mark.parametrize("operation", ENDPOINTS)
    @pytest.mark.parametrize("code", [400, 404, 503])
    @pytest.mark.parametrize("body", [b"", b"<html></html>", b"null", b"[]", b"{}", b'{"code":'])
    def test_the_status_alone_proves_nothing(self, operation: str, code: int, body: bytes) -> None:
        assert type(raised(operation, code, body)) is OutcomeUnknown

    def test_the_table_is_the_documents(self) -> None:
        assert [row.code for row in refusals.CODES] == [error["code"] for error in ERRORS]

    @pytest.mark.parametrize("code", [True, None, [], {}, "4 00", 400.5, "four hundred", 10**40])
    def test_a_code_that_is_none(self, code: Any) -> None:
        assert type(raised("createTransaction", 400, {"code": code, "description": "x"})) is OutcomeUnknown


class TestWords:
    def test_out_of_service_forbids_a_repeat_only_to_what_creates(self) -> None:
        body = {"code": 503, "description": "service unavailable"}
        assert raised("createTransaction", 503, body).staff == OutcomeUnknown.default_staff
        assert "out of service" in raised("status", 503, body).staff

    def test_an_unlisted_code_is_told_to_readers(self) -> None:
        body = {"code": 410, "description": "gone"}
        assert raised("transactions", 410, body).staff == refusals.UNLISTED
        assert raised("createTransaction", 410, body).staff == OutcomeUnknown.default_staff
