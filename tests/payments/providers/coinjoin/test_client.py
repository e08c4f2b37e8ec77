"""The client against a peer: paths, headers, bytes, secrets, the connection test."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime
from typing import Any

import pytest

from payments.providers.batches import BatchRequest
from payments.providers.coinjoin.client import Coinjoin
from payments.providers.errors import Denied, Invalid, OutcomeUnknown, ProviderError, Refused, Unavailable
from tests.payments.providers.coinjoin.facts import ADDRESS, FIELDS, ID, KEY, REQUEST, SECRET, batch, recorded
from tests.payments.providers.wires import Recorder, answered, answering, peer

CALLS = {
    "createTransaction": lambda client: client.create(REQUEST),
    "transaction": lambda client: client.find(ID),
    "transactions": lambda client: client.list(),
    "validateAddress": lambda client: client.validate_address(ADDRESS),
    "status": lambda client: client.service_status(),
    "check": lambda client: client.check(),
}


def error(code: int, said: str) -> bytes:
    return answered(json.dumps({"code": code, "description": said}).encode(), code)


class TestBytes:
    def test_a_batch(self, join) -> None:
        with peer(answering(answered(json.dumps(batch()).encode()))) as there:
            found = join(there).create(REQUEST)
            head = there.requests[0].partition(b"\r\n\r\n")[0]
            assert there.body() == (
                b'{"delay":"1","payouts":{"mr9if7VDsVfEZ1qUo2u3trv6rU9eH7Yx4u":"0.001",'
                b'"mia3h2FdYvR2LbDR1to9u6TC62hiTbDKM9":"0.002"},"refCode":"qljncygz"}'
            )
        assert found.signature_ok is True
        assert head.startswith(b"POST /api/createTransaction HTTP/1.1\r\n")
        assert f"\r\nAuthorization: Bearer {KEY}\r\n".encode() in head + b"\r\n"
        assert b"\r\nContent-Type: application/json;charset=utf-8" in head

    def test_the_secret_key_is_never_sent(self, join) -> None:
        with peer(answering(answered(b"null"))) as there:
            for call in CALLS.values():
                with pytest.raises(ProviderError):
                    call(join(there))
            assert there.requests
            assert not [sent for sent in there.requests if SECRET.encode() in sent]

    def test_public_calls_send_no_key_and_need_none(self, join) -> None:
        with peer(answering(answered(recorded("status")), answered(recorded("valid")))) as there:
            client = join(there, credentials={})
            assert client.service_status().ok
            assert client.validate_address(ADDRESS).valid
            assert not [sent for sent in there.requests if b"uthorization" in sent]

    @pytest.mark.parametrize("name", ["createTransaction", "transaction", "transactions"])
    @pytest.mark.parametrize("missing", ["api_key", "secret_key"])
    def test_private_calls_without_a_key_send_nothing(self, join, name: str, missing: str) -> None:
        keys = {"api_key": KEY, "secret_key": SECRET} | {missing: ""}
        with peer(answering(answered())) as there:
            with pytest.raises(Unavailable, match="no keys"):
                CALLS[name](join(there, credentials=keys))
            assert there.connections == 0

    @pytest.mark.parametrize("key", ["two words", "line\nbreak", "ключ"])
    def test_a_key_that_no_header_can_carry_is_not_sent(self, join, key: str) -> None:
        with peer(answering(answered())) as there:
            with pytest.raises(Unavailable):
                join(there, credentials={"api_key": key, "secret_key": SECRET}).list()
            assert there.requests == []


class TestCreate:
    def test_it_is_sent_once_whatever_comes(self, join) -> None:
        for answer in (b"null", b"", b"<html>", b'{"id":"A"}'):
            with peer(answering(answered(answer))) as there:
                with pytest.raises(OutcomeUnknown):
                    join(there, read_pauses=(0, 0)).create(REQUEST)
                assert len(there.requests) == 1

    def test_invalid_is_found_before_anything_is_sent(self, join, recorder: Recorder) -> None:
        with peer(answering(answered())) as there:
            with pytest.raises(Invalid):
                join(there).create(BatchRequest("1", FIELDS | {"delay": -1}))
            assert there.connections == 0
        assert recorder.stages == []

    def test_a_call_of_money_goes_first(self, join, recorder: Recorder) -> None:
        with peer(answering(answered(json.dumps(batch()).encode()))) as there:
            join(there).create(REQUEST)
        assert recorder.gated == ["money"]


class TestFind:
    def test_unknown_there(self, join) -> None:
        with peer(answering(error(404, "not found"))) as there, pytest.raises(Refused) as refused:
            join(there).find(ID)
        assert refused.value.reason == "not_found"

    def test_an_id_that_is_none_is_not_sent(self, join) -> None:
        with peer(answering(answered())) as there:
            with pytest.raises(Invalid):
                join(there).find("../status")
            assert there.connections == 0


class TestCheck:
    def test_it_tells_service_key_signature_and_clock(self, join) -> None:
        date = "Date: Fri, 20 Nov 2026 10:00:00 GMT\r\n"
        page = json.loads(recorded("transactions"))
        page["transactions"][0]["id"] = ID
        answers = [
            answered(recorded("status_more"), headers=date),
            answered(json.dumps(page).encode()),
            answered(recorded("transaction_signed")),
        ]
        with peer(answering(*answers)) as there:
            report = join(there).check()
        assert report.ok
        assert report.balances == {}
        assert isinstance(report.clock_skew_ms, int)
        assert report.facts == {
            "service": "ok",
            "key": "accepted",
            "signature": "accepted",
            "fee": "0.5%",
            "limits.min": "0.001",
            "limits.max": "20",
        }

    @pytest.mark.parametrize(
        ("answer", "word"),
        [("transaction", "the answer carries none"), ("wrong", "wrong")],
    )
    def test_a_signature_that_is_missing_or_wrong(self, join, answer: str, word: str) -> None:
        page = json.loads(recorded("transactions"))
        page["transactions"][0]["id"] = ID
        found = json.loads(recorded("transaction")) | ({"signature": "x"} if answer == "wrong" else {})
        bodies = [recorded("status"), json.dumps(page).encode(), json.dumps(found).encode()]
        with peer(answering(*map(answered, bodies))) as there:
            assert join(there).check().facts["signature"] == word

    def test_without_a_batch_there_is_nothing_to_check_the_secret_with(self, join) -> None:
        with peer(answering(answered(recorded("status")), answered(recorded("transactions_empty")))) as there:
            assert join(there).check().facts["signature"] == "no batch to check it with yet"
            assert len(there.requests) == 2

    def test_a_wrong_key_is_denied(self, join) -> None:
        answers = answered(recorded("status")), error(401, "invalid API key")
        with peer(answering(*answers)) as there, pytest.raises(Denied) as denied:
            join(there).check()
        assert "API key" in denied.value.staff


class Watching(Recorder):
    """Remembers everything that any stage could show."""

    def __init__(self, **fail: BaseException) -> None:
        super().__init__(**fail)
        self.seen: list[str] = []

    def record(self, stage: str, exchange: Any) -> None:
        self.seen.append(repr(exchange))
        super().record(stage, exchange)


SIGNED = batch()["signature"]


class TestSecrets:
    """No key and no signature in a trace, an error or a traceback (L01, L07)."""

    BODIES = {
        "refused": error(400, f"Wrong {KEY} {SECRET}"),
        "page": answered(f"<p>{KEY} {SECRET}</p>".encode()),
        "batch": answered(json.dumps(batch()).encode()),
        "unreadable": answered(json.dumps(batch(payouts=[KEY, SECRET, 1])).encode()),
        "truncated": answered(json.dumps(batch()).encode()[:-3]),
    }

    @staticmethod
    def everything(error: BaseException) -> list[str]:
        """What logs, error pages and error trackers can see: also the local variables, but those of tests."""
        found = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown = [repr(error), str(error), repr(vars(error))]
        while found is not None:
            for frame in found.stack:
                if "/tests/" not in frame.filename:
                    shown += [f"{name}={value}" for name, value in (frame.locals or {}).items()]
            following = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
            if following is None:
                return shown
            found = following
        return shown

    @pytest.mark.parametrize("answer", BODIES)
    def test_nothing_shows_them(self, join, answer: str) -> None:
        with peer(answering(self.BODIES[answer])) as there:
            for operation, call in CALLS.items():
                hooks = Watching()
                client = join(there, hooks=hooks)
                shown = [repr(client)]
                try:
                    shown.append(repr(call(client)))
                except ProviderError as error:
                    shown += self.everything(error)
                for secret in (KEY, SECRET, SIGNED):
                    assert not [text for text in shown + hooks.seen if secret in text], (operation, secret)

    @pytest.mark.parametrize("operation", CALLS)
    def test_a_crash_at_any_stage_shows_none_of_them(self, join, operation: str) -> None:
        stages = ("gate", "prepared", "connected", "before_bytes", "half", "sent", "headers", "body", "done")
        with peer(answering(self.BODIES["batch"])) as there:
            for stage in stages:
                hooks = Watching(**{stage: RuntimeError("crash")})
                try:
                    CALLS[operation](join(there, hooks=hooks))
                except (RuntimeError, ProviderError) as error:
                    shown = self.everything(error)
                    for secret in (KEY, SECRET, SIGNED):
                        assert not [text for text in shown if secret in text], (stage, secret)


class TestRegistry:
    def test_what_the_house_needs_to_know(self) -> None:
        assert 0 < len(Coinjoin.report_tag) <= 16  # as long as Movement.tag
        assert not Coinjoin.states_balances
        assert all(field.secret and field.required for field in Coinjoin.credentials)
        assert [field.name for field in Coinjoin.credentials] == ["api_key", "secret_key"]

    def test_a_scan_goes_through_the_list(self, join) -> None:
        page = json.loads(recorded("transactions")) | {"totalTransactions": 2}
        with peer(answering(answered(json.dumps(page).encode()))) as there:
            found = join(there).scan(since=datetime(2022, 5, 1, tzinfo=UTC))
            assert b"GET /api/transactions?limit=100&offset=0 HTTP/1.1" in there.requests[0]
        assert [row.provider_id for row in found] == ["Y9ANXDCJMHG2J6GD"]
