"""Any JSON whatever: only the closed set, never a wrong word (a small RELIABILITY P02, and C11)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.providers.errors import ProviderError
from payments.providers.premium_exchanger import bids
from tests.payments.providers.premium_exchanger.facts import DOCUMENT, ENDPOINTS, ERRORS, MOVES, recorded
from tests.payments.providers.premium_exchanger.test_refusals import judged

NAMES = sorted({part for fact in ENDPOINTS.values() for name in fact["answer"] for part in name.split(".")})
WORDS = [*DOCUMENT["statuses"]["bid"], "api", "disabled", "no", "select", "https://x.example/p"]
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from([*WORDS, "1.50", "1,5", "1e400", "0", "1", "21", *(row["text"] for row in ERRORS)])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=10,
)
operations = st.sampled_from(sorted(ENDPOINTS))
statuses = st.sampled_from([200, 200, 200, 201, 301, 400, 401, 403, 404, 429, 500])


def check(operation: str, answer: Any, status: int) -> None:
    found = judged(operation, answer, status)  # raises only what is not in the closed set
    if isinstance(found, ProviderError):
        return
    assert 200 <= status < 300
    error = answer["error"]
    if operation == "add_partner_payout":
        assert found.provider_id not in ("", "0")
    else:
        assert not isinstance(error, bool)
        assert str(error).strip() in ("0", "0.0", "-0.0", "-0")
    if operation in ("create_bid", "bid_info"):
        assert found.provider_id
        assert found.status == bids.STATES.get(str(answer["data"].get("status", "")).strip().lower())
        acts = answer["data"].get("api_actions")
        if found.actions.can_pay:
            assert acts["pay"].strip().lower() == "api"
    if operation == "get_direction":
        assert found.id == "21"


def volume(share: int) -> Any:
    """Hypothesis' examples: a share of 700 in `make test`, of 5,000 and more in the long form."""
    return pytest.mark.parametrize(
        "examples", [share * 100, pytest.param(share * 1000, marks=pytest.mark.long, id="long")]
    )


def hold(examples: int, **strategies: Any) -> Any:
    """Runs a function over so many examples."""

    def decorate(function: Any) -> None:
        settings(max_examples=examples, deadline=None)(given(**strategies)(function))()

    return decorate


class TestAnyAnswer:
    """C11: 7,000 shapes in the long form: no exception but the closed set, no wrong default."""

    @volume(1)
    def test_any_json(self, examples: int) -> None:
        @hold(examples, operation=operations, answer=values, status=statuses)
        def _run(operation: str, answer: Any, status: int) -> None:
            check(operation, answer, status)

    @volume(1)
    def test_any_data(self, examples: int) -> None:
        @hold(examples, operation=operations, error=scalars, data=values, status=statuses)
        def _run(operation: str, error: Any, data: Any, status: int) -> None:
            check(operation, {"error": error, "error_text": "", "data": data}, status)

    @volume(3)
    def test_a_good_answer_with_some_fields_changed(self, examples: int) -> None:
        some = st.dictionaries(st.sampled_from(NAMES), values, max_size=3)

        @hold(examples, operation=operations, changes=some, rows=some, status=statuses)
        def _run(operation: str, changes: dict[str, Any], rows: dict[str, Any], status: int) -> None:
            answer = json.loads(recorded(operation))
            if isinstance(answer["data"], dict):
                for row in answer["data"].get("items", []):
                    row.update(rows)
                answer["data"].update(changes)
            check(operation, answer, status)

    @volume(1)
    def test_a_good_answer_with_one_byte_changed(self, examples: int) -> None:
        @hold(examples, operation=operations, place=st.integers(0, 2000), other=st.integers(0, 255))
        def _run(operation: str, place: int, other: int) -> None:
            body = bytearray(recorded(operation))
            body[place % len(body)] = other
            judged(operation, bytes(body))

    @volume(1)
    def test_any_refusal(self, examples: int) -> None:
        @hold(
            examples, operation=st.sampled_from(MOVES), text=st.text(max_size=40), code=scalars, fields=values
        )
        def _run(operation: str, text: str, code: Any, fields: Any) -> None:
            found = judged(operation, {"error": code, "error_text": text, "error_fields": fields, "data": []})
            assert isinstance(found, ProviderError)
            for sentence in (found.staff, *found.fields.values()):
                assert isinstance(sentence % found.params, str)
