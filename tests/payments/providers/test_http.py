"""One call: its stages, its hooks, its repeats, its sessions (RELIABILITY E03, E04, E06)."""

from __future__ import annotations

import hashlib
import socket
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from payments.providers.base import WithdrawalRequest
from payments.providers.bitloga.client import Bitloga
from payments.providers.errors import (
    Invalid,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    Unavailable,
)
from tests.payments.providers.wires import (
    REFERENCE,
    Peer,
    Recorder,
    answered,
    answering,
    peer,
    recorded,
)

FIELDS = {"currency": "USDT", "paysys": "USDTBALANCE", "amount": Decimal("10.00"), "purse": "U7788"}
WITHDRAW = WithdrawalRequest(REFERENCE, FIELDS)


class Boom(Exception):
    """What a failpoint raises."""


class TestStages:
    def test_a_read_has_all_stages_but_half(self, connect, recorder: Recorder) -> None:
        with peer(answering(answered(recorded("balances")))) as there:
            connect(there).balances()
        assert recorder.stages == ["prepared", "connected", "before_bytes", "sent", "headers", "body", "done"]

    def test_a_call_that_moves_money_also_has_half(self, connect, recorder: Recorder) -> None:
        with peer(answering(answered(recorded("withdraw")))) as there:
            connect(there).withdraw(WITHDRAW)
        assert recorder.stages == [
            "prepared",
            "connected",
            "before_bytes",
            "half",
            "sent",
            "headers",
            "body",
            "done",
        ]

    def test_at_half_the_peer_has_half_of_the_body(self, connect, recorder: Recorder) -> None:
        seen: list[bytes] = []

        def serve(there: Peer, conn: socket.socket) -> None:
            conn.settimeout(0.2)
            got = b""
            try:
                while True:
                    got += conn.recv(65536)
            except TimeoutError:
                seen.append(got.partition(b"\r\n\r\n")[2])
            halted.set()

        halted = threading.Event()

        class Halting(Recorder):
            def record(self, stage, exchange) -> None:
                super().record(stage, exchange)
                if stage == "half":
                    halted.wait(2)

        hooks = Halting()
        with peer(serve) as there, pytest.raises(OutcomeUnknown):
            connect(there, hooks=hooks).withdraw(WITHDRAW)
        assert hooks.exchange is not None
        assert len(seen[0]) == hooks.exchange.request_size // 2

    def test_the_exchange_tells_all(self, connect, recorder: Recorder) -> None:
        body = recorded("withdraw")
        with peer(answering(answered(body, headers="Date: Fri, 20 Nov 2026 10:00:00 GMT\r\n"))) as there:
            connect(there).withdraw(WITHDRAW)
            sent = there.body()
        seen = recorder.exchange
        assert seen is not None
        assert (seen.provider, seen.operation, seen.method, seen.url) == (
            "bitloga",
            "withdraw",
            "POST",
            there.url,
        )
        assert (seen.safe, seen.priority, seen.status, seen.outcome, seen.error) == (
            False,
            "money",
            200,
            "ok",
            "",
        )
        assert seen.request_digest == hashlib.sha256(sent).hexdigest()
        assert seen.request_size == len(sent)
        assert seen.request_redacted == sent.decode()
        assert seen.response_redacted == body.decode()
        assert seen.response_digest == hashlib.sha256(body).hexdigest()
        assert seen.response_date == datetime(2026, 11, 20, 10, tzinfo=UTC)
        assert seen.deadline - seen.started_at == timedelta(seconds=35)
        assert seen.duration_ms is not None

    @pytest.mark.parametrize(
        "stage", ["gate", "prepared", "connected", "before_bytes", "half", "sent", "headers", "body"]
    )
    @pytest.mark.parametrize("error", [Boom("x"), ConnectionResetError(104, "x"), ValueError("x")])
    def test_what_a_hook_raises_arrives_untouched_and_done_is_recorded(self, connect, stage, error) -> None:
        hooks = Recorder(**{stage: error})
        with peer(answering(answered(recorded("withdraw")))) as there:
            with pytest.raises(type(error)) as raised:
                connect(there, hooks=hooks).withdraw(WITHDRAW)
            early = stage in ("gate", "prepared", "connected", "before_bytes")
            if early:
                assert there.requests == []
        assert raised.value is error
        assert hooks.stages[-1] == "done"
        assert hooks.stages.count("done") == 1
        assert hooks.exchange is not None
        assert hooks.exchange.outcome == type(error).__name__

    @pytest.mark.parametrize("stage", ["half", "sent", "headers", "body"])
    @pytest.mark.parametrize("error", [Unavailable("x"), RateLimited("x"), Refused("x")])
    def test_no_hook_can_call_unsent_what_has_left(self, connect, stage: str, error: ProviderError) -> None:
        hooks = Recorder(**{stage: error})
        with peer(answering(answered(recorded("withdraw")))) as there, pytest.raises(OutcomeUnknown):
            connect(there, hooks=hooks).withdraw(WITHDRAW)
        assert hooks.stages[-1] == "done"

    def test_what_a_hook_refuses_is_not_repeated(self, connect) -> None:
        hooks = Recorder(before_bytes=Unavailable("frozen"))
        with peer(answering(answered())) as there, pytest.raises(Unavailable):
            connect(there, hooks=hooks, read_pauses=(0, 0)).balances()
        assert hooks.stages.count("before_bytes") == 1

    def test_a_reader_that_trips_leaves_the_outcome_unknown(self, connect, monkeypatch) -> None:
        def trips(*arguments: object, **named: object) -> None:
            raise KeyError("canary")

        monkeypatch.setattr("payments.providers.bitloga.reading._judged", trips)
        with (
            peer(answering(answered(recorded("withdraw")))) as there,
            pytest.raises(OutcomeUnknown, match="KeyError while reading") as unknown,
        ):
            connect(there).withdraw(WITHDRAW)
        assert "canary" not in str(unknown.value)

    def test_gate_and_fence_refusing_means_no_byte(self, connect) -> None:
        for stage, error in (("gate", Unavailable("breaker")), ("before_bytes", Unavailable("frozen"))):
            hooks = Recorder(**{stage: error})
            with peer(answering(answered())) as there:
                with pytest.raises(Unavailable):
                    connect(there, hooks=hooks).withdraw(WITHDRAW)
                assert there.requests == []

    def test_an_error_of_the_reader_is_the_outcome(self, connect, recorder: Recorder) -> None:
        with peer(answering(answered(b"<html>"))) as there, pytest.raises(OutcomeUnknown):
            connect(there).withdraw(WITHDRAW)
        assert recorder.exchange is not None
        assert recorder.exchange.outcome == "OutcomeUnknown"
        assert recorder.exchange.error
        assert recorder.exchange.response_redacted == "<html>"

    def test_a_read_has_the_priority_of_its_transport(self, connect, recorder: Recorder) -> None:
        with peer(answering(answered(recorded("balances")))) as there:
            connect(there, read_priority="poll").balances()
        assert recorder.gated == ["poll"]


class TestRepeats:
    def test_a_read_is_repeated_after_garbage_and_after_a_cut(self, connect, recorder: Recorder) -> None:
        def serve(there: Peer, conn: socket.socket) -> None:
            if there.take(conn) and len(there.requests) > 2:
                conn.sendall(answered(recorded("balances")))
            elif len(there.requests) == 2:
                conn.sendall(answered(b"<html>busy</html>", status=503))

        with peer(serve) as there:
            report = connect(there, read_pauses=(0, 0)).balances()
            assert len(there.requests) == 3
        assert report.balances["USDT"] == Decimal("1520.5")
        assert recorder.gated == ["read"] * 3
        assert recorder.stages.count("sent") == recorder.stages.count("done") == 1
        assert recorder.stages.count("before_bytes") == 3

    def test_a_read_is_given_up_after_its_pauses(self, connect) -> None:
        with peer(answering(answered(b"null"))) as there:
            with pytest.raises(OutcomeUnknown):
                connect(there, read_pauses=(0, 0)).balances()
            assert len(there.requests) == 3

    def test_a_repeat_never_outlives_the_total_time(self, connect) -> None:
        with peer(answering(answered(b"null"))) as there:
            with pytest.raises(OutcomeUnknown):
                connect(there, read_pauses=(5, 5), total_timeout=1).balances()
            assert len(there.requests) == 1

    @pytest.mark.parametrize("answer", [answered(b"<html>", status=502), b"", answered(b"null")])
    def test_a_call_that_moves_is_sent_once(self, connect, answer: bytes) -> None:
        def serve(there: Peer, conn: socket.socket) -> None:
            there.take(conn)
            conn.sendall(answer)

        with peer(serve) as there:
            with pytest.raises(OutcomeUnknown):
                connect(there, read_pauses=(0, 0)).withdraw(WITHDRAW)
            assert len(there.requests) == 1

    def test_too_many_requests_is_not_repeated(self, connect) -> None:
        with peer(answering(answered(b"slow down", status=429, headers="Retry-After: 7\r\n"))) as there:
            with pytest.raises(RateLimited) as limited:
                connect(there, read_pauses=(0, 0)).balances()
            assert len(there.requests) == 1
        assert limited.value.retry_after == 7

    def test_an_unavailable_read_after_a_sent_one_is_not_called_unsent(self, connect) -> None:
        def serve(there: Peer, conn: socket.socket) -> None:
            there.take(conn)
            there.close()

        with peer(serve) as there, pytest.raises(OutcomeUnknown):
            connect(there, read_pauses=(0.05,)).balances()


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("where", ["http://127.0.0.1:1/", "https://other.example/", "/api/v1/x"])
    def test_a_redirect_is_never_followed(self, connect, status: int, where: str) -> None:
        with peer(answering(answered(b'{"success":true}', status, f"Location: {where}\r\n"))) as there:
            with pytest.raises(OutcomeUnknown):
                connect(there).withdraw(WITHDRAW)
            with pytest.raises(OutcomeUnknown):
                connect(there).balances()
            assert len(there.requests) == 2

    def test_a_redirect_with_an_endless_body_is_cut(self, connect) -> None:
        def serve(there: Peer, conn: socket.socket) -> None:
            there.take(conn)
            conn.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n")
            while not there.over.is_set():
                conn.sendall(b"x" * 65536)

        with peer(serve) as there, pytest.raises(OutcomeUnknown, match="larger"):
            connect(there, max_answer=100_000).balances()


class TestSessions:
    def test_reads_share_a_connection_and_money_gets_a_fresh_one(self, connect) -> None:
        with peer(answering(*[answered(recorded("balances"))] * 2, answered(recorded("withdraw")))) as there:
            client = connect(there)
            client.balances()
            client.balances()
            assert there.connections == 1
            client.withdraw(WITHDRAW)
            assert there.connections == 2

    def test_a_kept_connection_that_died_costs_a_read_nothing(self, connect) -> None:
        def serve(there: Peer, conn: socket.socket) -> None:
            there.take(conn)
            conn.sendall(answered(recorded("balances")))

        with peer(serve) as there:
            client = connect(there, read_pauses=(0,))
            client.balances()
            client.balances()
            assert there.connections == 2

    def test_threads_do_not_share_a_connection(self, connect) -> None:
        with peer(answering(answered(recorded("balances")))) as there:
            client = connect(there)
            threads = [threading.Thread(target=client.balances) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert there.connections == 3

    def test_nothing_of_the_environment_gets_in(
        self, connect, monkeypatch: pytest.MonkeyPatch, tmp_path
    ) -> None:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
        monkeypatch.setenv("HOME", str(tmp_path))
        with peer(answering(answered(recorded("balances")))) as there, peer(answering(answered())) as proxy:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
                monkeypatch.setenv(name, f"http://{proxy.host}")
            connect(there).balances()
            assert proxy.connections == 0
            assert b"authorization" not in there.requests[0].lower()

    def test_cookies_are_not_kept(self, connect) -> None:
        with peer(answering(answered(recorded("balances"), headers="Set-Cookie: a=1; Path=/\r\n"))) as there:
            client = connect(there)
            client.balances()
            client.balances()
            assert b"cookie" not in there.requests[1].lower()

    def test_no_packed_answer_is_asked_for(self, connect) -> None:
        with peer(answering(answered(recorded("balances")))) as there:
            connect(there).balances()
            assert b"accept-encoding: identity" in there.requests[0].lower()


class TestClock:
    @pytest.mark.parametrize("ahead", [-90, 0, 90])
    def test_the_skew_is_ours_minus_theirs(self, connect, ahead: int) -> None:
        theirs = datetime.now(UTC) - timedelta(seconds=ahead)
        date = theirs.strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n")
        with peer(answering(answered(recorded("balances"), headers=date))) as there:
            skew = connect(there).check().clock_skew_ms
        assert skew is not None
        assert abs(skew - ahead * 1000) < 1200

    @pytest.mark.parametrize("date", ["", "Date: yesterday\r\n", "Date: Fri, 99 Nov 2026\r\n"])
    def test_without_a_readable_date_there_is_none(self, connect, date: str) -> None:
        with peer(answering(answered(recorded("balances"), headers=date))) as there:
            assert connect(there).check().clock_skew_ms is None

    def test_a_clock_that_jumps_does_not_change_the_deadline(self, connect) -> None:
        with peer(answering(answered(recorded("balances")))) as there, time_machine.travel(0, tick=True):
            connect(there).balances()


class TestAccount:
    @pytest.mark.parametrize("missing", ["api_key", "api_secret"])
    def test_without_keys_nothing_is_sent(self, recorder: Recorder, missing: str) -> None:
        with peer(answering(answered())) as there:
            credentials = {"api_key": "k", "api_secret": "s"} | {missing: ""}
            client = Bitloga(
                base_url=there.url,
                credentials=credentials,
                transport=recorder.transport(there),
                account_key="x",
            )
            with pytest.raises(Unavailable):
                client.withdraw(WITHDRAW)
            assert there.connections == 0

    @pytest.mark.parametrize("key", ["line\nbreak", "ключ", "\x00"])
    def test_keys_that_no_header_can_carry_are_named_and_not_shown(
        self, recorder: Recorder, key: str
    ) -> None:
        with peer(answering(answered())) as there:
            client = Bitloga(
                base_url=there.url,
                credentials={"api_key": key, "api_secret": "s"},
                transport=recorder.transport(there),
                account_key="x",
            )
            with pytest.raises(Unavailable) as refused:
                client.withdraw(WITHDRAW)
            assert there.requests == []
        assert key not in str(refused.value)

    def test_a_base_url_without_the_last_slash_gets_it(self, connect) -> None:
        with peer(answering(answered(recorded("balances")))) as there:
            connect(there, url=there.url.rstrip("/")).balances()
            assert there.requests[0].startswith(b"POST /api/v1/ HTTP/1.1\r\n")

    def test_an_address_that_is_not_allowed_is_invalid(self, connect, recorder: Recorder) -> None:
        with pytest.raises(Invalid):
            connect(url="http://bitloga.com/api/v1/").withdraw(WITHDRAW)
        assert recorder.stages == ["prepared", "done"]
