"""Any JSON whatever: only the closed set, never a wrong final state (a small RELIABILITY P02)."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.providers.coinjoin import reading
from payments.providers.errors import CLOSED_SET
from payments.providers.exchange import Answer
from payments.providers.redaction import Redactor
from tests.payments.providers.coinjoin.facts import DOCUMENT, ENDPOINTS, FIRST, ID, batch
from tests.payments.providers.coinjoin.test_reading import READERS, sample

CLEAN = Redactor(())
NAMES = sorted(
    {row["name"] for fact in ENDPOINTS.values() for row in [*fact["answer"], *fact.get("row", [])]}
    | {"code", "description"}
)
WORDS = [*DOCUMENT["statuses"]["transaction"], "ok", "paid"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from([*WORDS, ID, FIRST, "1.50", "1,5", "١٢", "1e400", "true", "2022-05-05T08:56:05+00:00"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, FIRST]), inner, max_size=4)
    ),
    max_leaves=8,
)
statuses = st.sampled_from([200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 503])
readers = st.sampled_from(sorted(READERS))


def good(name: str) -> dict[str, Any]:
    return batch() if name == "createTransaction" else sample(name)


def judge(name: str, body: bytes, status: int) -> Any:
    reader, safe, _answer = READERS[name]
    answer = Answer(status, body, CLEAN.body(body), "", None, CLEAN.text)
    try:
        return reading.reader(name, reader, safe=safe)(answer)
    except CLOSED_SET:
        return None


def check(name: str, data: Any, status: int) -> None:
    found = judge(name, json.dumps(data).encode(), status)
    if found is None:
        return
    assert status == 200
    assert isinstance(data, dict)
    assert not ("code" in data and "description" in data)
    if name in ("createTransaction", "transaction"):
        if found.status is not None:
            expected = DOCUMENT["statuses"]["transaction"][str(data["status"]).strip().lower()]
            assert found.status == expected
        assert found.provider_id == str(data["id"]).strip()
        if found.signature_ok:
            assert data["signature"]
        if found.total_ok:
            assert data["depositAmount"] not in (None, "")
    if name == "transaction":
        assert found.provider_id == ID
    if name == "validateAddress" and found.valid:
        assert str(data["result"]).strip().lower() == "true"


class TestAnyAnswer:
    @given(name=readers, data=values, status=statuses)
    @settings(max_examples=200, deadline=None)
    def test_any_json(self, name: str, data: Any, status: int) -> None:
        check(name, data, status)

    @given(name=readers, changes=st.dictionaries(st.sampled_from(NAMES), values, max_size=3), status=statuses)
    @settings(max_examples=400, deadline=None)
    def test_a_good_answer_with_some_fields_changed(
        self, name: str, changes: dict[str, Any], status: int
    ) -> None:
        check(name, good(name) | changes, status)

    @given(name=readers, body=st.binary(max_size=200), status=statuses)
    @settings(max_examples=200, deadline=None)
    def test_any_bytes(self, name: str, body: bytes, status: int) -> None:
        judge(name, body, status)

    @given(name=readers, place=st.integers(0, 700), other=st.integers(0, 255))
    @settings(max_examples=400, deadline=None)
    def test_a_good_answer_with_one_byte_changed(self, name: str, place: int, other: int) -> None:
        body = bytearray(json.dumps(good(name)).encode())
        body[place % len(body)] = other
        if judge(name, bytes(body), 200) is not None:
            check(name, json.loads(bytes(body)), 200)

    @given(place=st.integers(0, 700), other=st.integers(0, 255))
    @settings(max_examples=400, deadline=None)
    def test_no_changed_byte_keeps_a_right_signature_and_another_meaning(
        self, place: int, other: int
    ) -> None:
        body = bytearray(json.dumps(batch()).encode())
        before = json.loads(bytes(body))
        body[place % len(body)] = other
        found = judge("createTransaction", bytes(body), 200)
        if found is not None and found.signature_ok:
            after = json.loads(bytes(body))
            assert list(after.values()) == list(before.values())  # names are not signed
