"""Signatures of callbacks and what a signed text may lack (RELIABILITY D04)."""

from __future__ import annotations

import hashlib
import hmac
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.providers.base import Forged, Raw, Signed
from payments.providers.bitloga import callbacks
from payments.providers.redaction import Secret
from tests.every import every
from tests.payments.providers.bitloga.facts import DOCUMENT
from tests.payments.providers.wires import recorded

SECRET = Secret("test_secret")
BODY = (
    b'{"to":"WMZ","amount":1.00,"purse":"Z123456789012","type":"Invoice","status":"Payed","invoiceid":5,'
    b'"uniqueid":"125"}'
)
SIGNATURE = (
    "4eaee98c4c6f41cc0edc3e58cd24e3d467f307c74b78a49418d1a535a5316128"
    "096ef423b8852688e8b4c4f3e09ed4202c68ca7c0d7e6f1fd3eadd2a15725c61"
)


def read(body: bytes, *, name: str = "X-SIGNATURE", secret: Secret = SECRET) -> Signed | Forged:
    return callbacks.read(secret, Raw({"Host": "x", name: callbacks.sign(SECRET, body)}, body))


class TestSigned:
    def test_the_vector_of_the_wire_notes(self) -> None:
        found = callbacks.read(SECRET, Raw({"X-SIGNATURE": SIGNATURE}, BODY))
        assert isinstance(found, Signed)
        assert found.reference == "125"
        assert found.fields["status"] == "Payed"
        assert "Z123" not in repr(found)

    @every("name", ["X-SIGNATURE", "X-Signature", "x-signature", "HTTP_X_SIGNATURE", "X_SIGNATURE"])
    def test_the_headers_name_in_any_spelling(self, name: str) -> None:
        assert isinstance(read(BODY, name=name), Signed)

    @every("change", [str.upper, str.lower, str.swapcase, str.title])
    def test_hex_of_any_case(self, change) -> None:
        assert isinstance(callbacks.read(SECRET, Raw({"X-SIGNATURE": change(SIGNATURE)}, BODY)), Signed)

    def test_a_number_as_reference_becomes_a_text(self) -> None:
        found = read(b'{"uniqueid":261120101530123456}')
        assert isinstance(found, Signed)
        assert found.reference == "261120101530123456"

    @every("field", [row["name"] for row in DOCUMENT["callback"]["fields"]])
    def test_every_documented_field_is_passed_on(self, field: str) -> None:
        body = json.dumps({**json.loads(BODY), field: "5"}).encode()
        found = read(body)
        assert isinstance(found, Signed)
        assert found.fields[field] == "5"

    def test_recorded(self) -> None:
        assert isinstance(read(recorded("callback")), Signed)


class TestForged:
    @every(
        ("signature", "reason"),
        [
            ("", callbacks.MISSING),
            (SIGNATURE[:-1], callbacks.MALFORMED),
            (SIGNATURE + "0", callbacks.MALFORMED),
            (SIGNATURE[:64], callbacks.MALFORMED),
            (SIGNATURE + "\n", callbacks.MALFORMED),
            (" " + SIGNATURE, callbacks.MALFORMED),
            ("g" + SIGNATURE[1:], callbacks.MALFORMED),
            ("é" + SIGNATURE[1:], callbacks.MALFORMED),
            (f"{SIGNATURE}, {SIGNATURE}", callbacks.MALFORMED),
            ("0" * 128, callbacks.WRONG),
            (SIGNATURE[::-1], callbacks.WRONG),
            (hmac.new(b"other", BODY, hashlib.sha512).hexdigest(), callbacks.WRONG),
            (hmac.new(b"test_secret", BODY, hashlib.sha256).hexdigest() * 2, callbacks.WRONG),
            (hashlib.sha512(BODY).hexdigest(), callbacks.WRONG),
        ],
    )
    def test_a_signature_that_is_missing_cut_or_wrong(self, signature: str, reason: str) -> None:
        assert callbacks.read(SECRET, Raw({"X-SIGNATURE": signature}, BODY)) == Forged(reason)

    def test_no_header(self) -> None:
        assert callbacks.read(SECRET, Raw({"X-SIGN": SIGNATURE}, BODY)) == Forged(callbacks.MISSING)

    def test_two_headers(self) -> None:
        raw = Raw({"X-SIGNATURE": SIGNATURE, "HTTP_X_SIGNATURE": SIGNATURE}, BODY)
        assert callbacks.read(SECRET, raw) == Forged(callbacks.MALFORMED)

    @every("body", [BODY + b" ", BODY.replace(b"125", b"126"), BODY.replace(b"1.00", b"1.0"), b""])
    def test_a_text_that_was_changed(self, body: bytes) -> None:
        assert callbacks.read(SECRET, Raw({"X-SIGNATURE": SIGNATURE}, body)) == Forged(callbacks.WRONG)

    def test_an_account_without_a_secret_accepts_nothing(self) -> None:
        signature = hmac.new(b"", BODY, hashlib.sha512).hexdigest()
        assert callbacks.read(Secret(""), Raw({"X-SIGNATURE": signature}, BODY)) == Forged(
            callbacks.NO_SECRET
        )


class TestSignedGarbage:
    @every("body", [b"", b"null", b"[]", b"5", b"{", b"\xff", b"[" * 50_000, b'{"uniqueid":NaN}'])
    def test_what_is_no_object_names_nothing(self, body: bytes) -> None:
        assert read(body) == Forged(callbacks.UNREADABLE)

    @every(
        "value",
        [
            "{}",
            '""',
            "null",
            "true",
            "[]",
            '["125"]',
            '"a b"',
            '"a\\u0000"',
            '"\\ud800"',
            "1e400",
            f'"{"1" * 65}"',
        ],
    )
    def test_what_has_no_usable_reference_names_nothing(self, value: str) -> None:
        assert read(f'{{"uniqueid":{value}}}'.encode()) == Forged(callbacks.NO_REFERENCE)
        assert read(b'{"status":"Payed"}') == Forged(callbacks.NO_REFERENCE)

    @given(st.binary(max_size=200), st.text(max_size=140), st.booleans())
    @settings(max_examples=200, deadline=None)
    def test_nothing_raises(self, body: bytes, signature: str, signed: bool) -> None:
        header = callbacks.sign(SECRET, body) if signed else signature
        assert isinstance(callbacks.read(SECRET, Raw({"X-SIGNATURE": header}, body)), Signed | Forged)

    @every("reason", [callbacks.MISSING, callbacks.WRONG, callbacks.NO_REFERENCE])
    def test_reasons_are_sentences(self, reason: str) -> None:
        assert reason.endswith(".")
