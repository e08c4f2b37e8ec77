"""Time and size: no peer can hold us longer or make us larger than allowed (RELIABILITY E02, E12)."""

from __future__ import annotations

import gzip
import resource
import socket
import time
from decimal import Decimal

import pytest

from payments.providers.base import WithdrawalRequest
from payments.providers.errors import OutcomeUnknown, Unavailable
from tests.payments.providers.wires import REFERENCE, Peer, Recorder, answered, answering, peer

WITHDRAW = WithdrawalRequest(
    REFERENCE, {"currency": "USDT", "paysys": "USDTBALANCE", "amount": Decimal("10"), "purse": "U7788"}
)
#: A call of 35 s, scaled down.
TOTAL = 0.6


def dripping(head: bytes, drop: bytes):
    """Answer with `head`, then `drop` again and again, a little faster than the read time-out."""

    def serve(there: Peer, conn: socket.socket) -> None:
        there.take(conn)
        conn.sendall(head)
        while not there.over.wait(0.05):
            conn.sendall(drop)

    return serve


class TestTime:
    @pytest.mark.parametrize(
        ("head", "drop"),
        [
            (b"", b"H"),
            (b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
            (b"HTTP/1.1 200 OK\r\n", b"X: a\r\n"),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
            (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        ],
    )
    def test_a_dripping_answer_ends_with_the_total_time(
        self, connect, recorder: Recorder, head, drop
    ) -> None:
        with peer(dripping(head, drop)) as there:
            begun = time.monotonic()
            with pytest.raises(OutcomeUnknown):
                connect(there, total_timeout=TOTAL, read_timeout=0.4).withdraw(WITHDRAW)
            took = time.monotonic() - begun
        assert TOTAL - 0.1 < took < TOTAL + 0.4
        assert recorder.exchange is not None
        assert recorder.exchange.duration_ms is not None

    def test_a_read_that_is_repeated_ends_with_the_total_time(self, connect) -> None:
        with peer(dripping(b"", b"H")) as there:
            begun = time.monotonic()
            with pytest.raises(OutcomeUnknown):
                connect(there, total_timeout=TOTAL, read_timeout=0.4, read_pauses=(0, 0)).balances()
            assert time.monotonic() - begun < TOTAL + 0.4

    def test_time_spent_waiting_at_the_gate_counts(self, connect) -> None:
        class Slow(Recorder):
            def gate(self, priority: str) -> None:
                time.sleep(0.1)

        with peer(answering(answered())) as there:
            with pytest.raises(Unavailable):
                connect(there, hooks=Slow(), total_timeout=0.05).withdraw(WITHDRAW)
            assert there.requests == []

    def test_a_peer_that_does_not_read_cannot_hold_the_sender(self, connect) -> None:
        def serve(there: Peer, conn: socket.socket) -> None:
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            there.over.wait(20)

        fields = {"paysys": "X", "amount": Decimal(1), "currency": "USDT", "purse": "p" * 8_000_000}
        with peer(serve) as there:
            client = connect(there, total_timeout=20, read_timeout=0.2)
            with pytest.raises(OutcomeUnknown):
                client.withdraw(WithdrawalRequest("1", fields))


def endless(head: bytes, chunk: bytes):
    def serve(there: Peer, conn: socket.socket) -> None:
        there.take(conn)
        conn.sendall(head)
        while not there.over.is_set():
            conn.sendall(chunk)

    return serve


class TestSize:
    @pytest.mark.parametrize(
        ("head", "chunk"),
        [
            (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n", b"x" * 65536),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", b"x" * 65536),
        ],
    )
    def test_an_endless_answer_is_cut_at_one_mebibyte(self, connect, recorder: Recorder, head, chunk) -> None:
        with peer(endless(head, chunk)) as there:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            with pytest.raises(OutcomeUnknown, match="larger"):
                connect(there).withdraw(WITHDRAW)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown <= 10 * 1024
        assert recorder.exchange is not None
        assert len(recorder.exchange.response_redacted) == 65536

    def test_an_answer_of_exactly_the_limit_is_read(self, connect) -> None:
        body = b'{"success":true,"USDT":1}' + b" " * ((1 << 20) - 25)
        with peer(answering(answered(body))) as there:
            assert connect(there).balances().balances == {"USDT": 1}
        with peer(answering(answered(body + b" "))) as there, pytest.raises(OutcomeUnknown):
            connect(there).balances()

    def test_a_packed_answer_that_nobody_asked_for_is_not_unpacked(self, connect) -> None:
        bomb = gzip.compress(b'{"success":true}' + b" " * 50_000_000)
        assert len(bomb) < 1 << 20
        with peer(answering(answered(bomb, headers="Content-Encoding: gzip\r\n"))) as there:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            with pytest.raises(OutcomeUnknown):
                connect(there).withdraw(WITHDRAW)
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before <= 10 * 1024

    def test_deep_nesting_is_only_an_unreadable_answer(self, connect) -> None:
        for body in (b"[" * 200_000, b'{"a":' * 100_000, b'{"success":true,"code":' + b"[" * 200_000):
            with peer(answering(answered(body))) as there, pytest.raises(OutcomeUnknown):
                connect(there).withdraw(WITHDRAW)
