"""Callbacks: neither text nor signature is documented, so every one is a hint."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.providers.base import Hint, Raw
from payments.providers.bitexbit import callbacks
from tests.payments.providers.bitexbit.facts import DOCUMENT, REFERENCE, case, recorded


def read(body: bytes, **headers: str) -> Hint:
    return callbacks.read(Raw(headers, body))


class TestHint:
    def test_a_withdrawals_names_its_reference(self) -> None:
        assert read(recorded("callback_withdraw")) == Hint(REFERENCE)

    def test_a_number_as_reference_becomes_a_text(self) -> None:
        assert read(b'{"client_order_id":261120101530123456}') == Hint(REFERENCE)

    def test_others_name_none_and_the_address_tells(self) -> None:
        assert read(recorded("callback_invoice")) == Hint("")

    def test_no_field_and_no_signature_are_documented(self) -> None:
        assert DOCUMENT["callback"]["fields"] == []
        assert DOCUMENT["callback"]["signature_header"] == ""

    def test_a_signature_changes_nothing(self) -> None:
        assert read(recorded("callback_withdraw"), X_Sign="0" * 64) == Hint(REFERENCE)

    def test_what_is_no_object_is_still_a_reason_to_ask(self) -> None:
        for body in [
            b"",
            b"null",
            b"[]",
            b"5",
            b"{",
            b"\xff",
            b"slug=1&status=5",
            b"[" * 50_000,
            b'{"x":NaN}',
        ]:
            with case(body):
                assert read(body) == Hint("")

    def test_what_is_no_reference_names_none(self) -> None:
        for value in [
            "{}",
            '""',
            "null",
            "true",
            "[]",
            '["1"]',
            '"a b"',
            '"\\u0000"',
            "1e400",
            f'"{"1" * 65}"',
        ]:
            with case(value):
                assert read(f'{{"client_order_id":{value}}}'.encode()) == Hint("")

    @given(st.binary(max_size=200))
    @settings(max_examples=200, deadline=None)
    def test_nothing_raises(self, body: bytes) -> None:
        assert isinstance(read(body), Hint)
