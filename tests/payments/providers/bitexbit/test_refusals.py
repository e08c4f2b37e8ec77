"""What answers prove, beyond the table: shapes of reasons, odd statuses, waits (RELIABILITY A10, E03)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from payments.providers.bitexbit import refusals
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, RateLimited, Refused
from payments.providers.exchange import Answer
from payments.providers.redaction import Redactor
from tests.payments.providers.bitexbit.facts import case, recorded

CLEAN = Redactor(("card",))


def judged(status: int, body: bytes | Any, *, safe: bool = False, retry_after: str = "") -> Any:
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    answer = Answer(status, body, CLEAN.body(body), retry_after, None, CLEAN.text)
    return refusals.judged(answer, operation="withdraw", safe=safe, place="https://x.example/")


def error(status: int, body: bytes | Any, **named: Any) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        judged(status, body, **named)
    return raised.value


class TestReasons:
    def test_by_field(self) -> None:
        found = error(400, recorded("error_400_fields"))
        assert type(found) is Refused
        assert found.fields == {"amount": refusals.VALUE, "address": refusals.VALUE}
        assert found.provider_message == (
            "amount: Ensure this value is greater than or equal to 5.; address: This field is required."
        )

    def test_detail(self) -> None:
        found = error(400, recorded("error_400_detail"))
        assert (type(found), found.provider_message, found.fields) == (Refused, "Not enough funds.", {})

    def test_list(self) -> None:
        assert error(400, recorded("error_400_list")).provider_message == "Pair does not exist."

    def test_one_about_our_reference_says_look_it_up(self) -> None:
        found = error(400, recorded("error_400_reference"))
        assert (type(found), found.reason, found.fields) == (Refused, "exists", {})

    def test_deep_ones_and_other_names(self) -> None:
        found = error(
            400, {"errors": {"colour": [{"code": "bad", "text": "No."}], "x": None}, "amount": "Low"}
        )
        assert found.provider_message == "code: bad; text: No.; amount: Low"
        assert list(found.fields) == ["amount"]
        deep: Any = "x"
        for _level in range(50):
            deep = [deep]
        assert error(400, deep).provider_message == ""

    def test_endless_ones_are_cut(self) -> None:
        assert len(error(400, {"detail": "x" * 5000}).provider_message) == 1000

    def test_without_a_reason_a_400_proves_nothing(self) -> None:
        for body in [b"", b"null", b"{}", b"[]", b'""', b"5", b"true", b"<p>", b"\xff", b"{"]:
            with case(body):
                assert type(error(400, body)) is OutcomeUnknown
                assert type(error(400, body, safe=True)) is OutcomeUnknown

    def test_what_describes_something_made_is_no_reason(self) -> None:
        for name in ["withdraw_create", "wallet_create", "invoice_create", "wallets"]:
            for status in [400, 401, 403]:
                with case(name, status):
                    assert type(error(status, recorded(name))) is OutcomeUnknown


class TestStatuses:
    def test_those_of_no_table_prove_nothing(self) -> None:
        for status in [*range(300, 309), 402, 404, 405, 408, 409, 410, 418, 422, 451, 500, 501]:
            for safe in [True, False]:
                with case(status, safe):
                    for body in (b'{"detail":"No."}', b"<p>", b"", recorded("withdraw_create")):
                        assert type(error(status, body, safe=safe)) is OutcomeUnknown

    def test_a_success_needs_an_object_or_a_list(self) -> None:
        for status in [200, 201, 202, 204]:
            with case(status):
                assert judged(status, recorded("withdraw_create"))["client_order_id"]
                assert judged(status, b"[]") == []
                for body in (b"", b"null", b"5", b'"x"', b"<p>", b"\xff", b'{"a":1,"a":2}'):
                    assert type(error(status, body)) is OutcomeUnknown

    def test_recorded_ones(self) -> None:
        assert type(error(401, recorded("error_401"))) is Denied
        assert type(error(403, recorded("error_403"))) is Denied
        assert type(error(404, recorded("error_404"))) is OutcomeUnknown
        assert type(error(502, recorded("error_502"))) is OutcomeUnknown
        assert type(error(429, recorded("error_429"))) is RateLimited

    def test_a_wait_is_read(self) -> None:
        found = error(429, recorded("error_429"), retry_after="3")
        assert isinstance(found, RateLimited)
        assert found.retry_after == 3

    def test_a_card_in_a_reason_is_masked(self) -> None:
        assert error(400, {"detail": "Card 4111111111111111"}).provider_message == "Card 411111******1111"

    def test_staff_are_told_not_to_send_again(self) -> None:
        assert "Do not send it again" in error(500, b"").staff
        assert error(500, b"", safe=True).staff == refusals.CLOSED
        assert error(200, b"<p>", safe=True).staff == refusals.GARBLED
