"""Any JSON whatever: only the closed set, never a wrong final state (a small RELIABILITY P02)."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.providers.bitloga import reading
from payments.providers.errors import CLOSED_SET
from payments.providers.exchange import Answer
from payments.providers.redaction import Redactor
from tests.payments.providers.bitloga.facts import DOCUMENT, ENDPOINTS, ERRORS, REFERENCE
from tests.payments.providers.bitloga.test_reading import READERS, sample

CLEAN = Redactor(())
NAMES = sorted({row["name"] for fact in ENDPOINTS.values() for row in fact["answer"]} | {"message"})
WORDS = sorted(
    {word for words in DOCUMENT["statuses"].values() for word in words}
    | {"Paid", "done", "Withdraw", "Invoice"}
)
FINAL = {"paid": ("payed", "paid", "complete"), "complete": ("complete",), "failed": ("error", "canceled")}

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        [*WORDS, REFERENCE, "1.50", "1,5", "١٢", "1e400", "true", *(error["text"] for error in ERRORS)]
    )
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)
statuses = st.sampled_from([200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 503])


def judge(name: str, body: bytes, status: int) -> Any:
    reader, safe, _answer = READERS[name]
    operation = "details" if name.startswith("find") else name
    answer = Answer(status, body, CLEAN.body(body), "", None, CLEAN.text)
    try:
        return reading.reader(operation, reader, safe=safe)(answer)
    except CLOSED_SET:
        return None


def check(name: str, data: Any, status: int) -> None:
    found = judge(name, json.dumps(data).encode(), status)
    if found is None:
        return
    assert 200 <= status < 300
    assert isinstance(data, dict)
    assert data["success"] is True
    state = getattr(found, "status", None)
    if state in FINAL and name not in ("code.create", "code.apply"):
        assert str(data["status"]).strip().lower() in FINAL[state]
        assert str(data["uniqueid"]) == REFERENCE
        amounts = ("amount",) if name == "find_invoice" else ("amount_from", "amount_from_comis", "amount_to")
        assert all(isinstance(data[field], int | float | str) for field in amounts)
    if name.startswith("find"):
        assert data["type"].strip().lower() == ("invoice" if name == "find_invoice" else "withdraw")
    if name == "code.create":
        assert found.code == str(data["code"]).strip()


readers = st.sampled_from(sorted(READERS))


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
        check(name, sample(name) | changes, status)

    @given(name=readers, body=st.binary(max_size=200), status=statuses)
    @settings(max_examples=200, deadline=None)
    def test_any_bytes(self, name: str, body: bytes, status: int) -> None:
        judge(name, body, status)

    @given(name=readers, place=st.integers(0, 400), other=st.integers(0, 255))
    @settings(max_examples=400, deadline=None)
    def test_a_good_answer_with_one_byte_changed(self, name: str, place: int, other: int) -> None:
        body = bytearray(json.dumps(sample(name)).encode())
        body[place % len(body)] = other
        if judge(name, bytes(body), 200) is not None:
            check(name, json.loads(bytes(body)), 200)

    @given(
        name=st.sampled_from(["find_invoice", "find_withdrawal", "withdraw"]),
        word=st.text(max_size=12) | st.sampled_from(WORDS).map(lambda word: f" {word.swapcase()} "),
    )
    @settings(max_examples=200, deadline=None)
    def test_any_status(self, name: str, word: str) -> None:
        check(name, sample(name, status=word), 200)
