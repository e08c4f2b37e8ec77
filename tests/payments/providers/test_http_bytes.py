"""Nothing left, or something may have: what decides about a second payment (RELIABILITY A08, A09)."""

from __future__ import annotations

import socket
import threading
import time
from decimal import Decimal

import pytest

from payments.providers.base import InvoiceRequest, VoucherRequest, WithdrawalRequest
from payments.providers.bitloga.client import Bitloga
from payments.providers.errors import OutcomeUnknown, Unavailable
from tests.payments.providers.wires import REFERENCE, Peer, Recorder, peer, reset

WITHDRAW = WithdrawalRequest(
    REFERENCE, {"currency": "USDT", "paysys": "USDTBALANCE", "amount": Decimal("10"), "purse": "U7788"}
)

MOVES = {
    "invoice": lambda client: client.create_invoice(
        InvoiceRequest(REFERENCE, {"paysys": "USDTBALANCE", "amount": Decimal(1)})
    ),
    "withdraw": lambda client: client.withdraw(WITHDRAW),
    "code.create": lambda client: client.create_code(
        VoucherRequest({"amount": Decimal(1), "currency": "USDT", "pass": "canary-pass"})
    ),
    "code.apply": lambda client: client.redeem_code(VoucherRequest({"code": "aaaa-bbbb-cccc-dddd"})),
}


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


class TestNothingLeft:
    @pytest.mark.parametrize("operation", MOVES)
    def test_a_refused_connection(self, connect, recorder: Recorder, operation: str) -> None:
        host = closed_port()
        with pytest.raises(Unavailable):
            MOVES[operation](connect(url=f"http://{host}/", internal_hosts=frozenset({host})))
        assert recorder.stages == ["prepared", "done"]

    def test_a_name_that_nobody_knows(self, connect, recorder: Recorder) -> None:
        def unknown(host: str, port: int, seconds: float) -> list[str]:
            raise socket.gaierror(-2, "Name or service not known")

        with pytest.raises(Unavailable):
            connect(url="https://nobody.example/", resolver=unknown).withdraw(WITHDRAW)
        assert recorder.stages == ["prepared", "done"]

    def test_a_name_that_is_not_answered_in_time(self, connect) -> None:
        def late(host: str, port: int, seconds: float) -> list[str]:
            assert seconds <= 0.3
            raise TimeoutError

        with pytest.raises(Unavailable) as refused:
            connect(url="https://late.example/", resolver=late, connect_timeout=0.3).withdraw(WITHDRAW)
        assert "in time" in refused.value.staff

    def test_a_host_that_does_not_answer_the_connection(self, connect, monkeypatch) -> None:
        def never(address, timeout=None, **options):
            assert timeout <= 0.3
            raise TimeoutError("timed out")

        monkeypatch.setattr("payments.providers.sockets.create_connection", never)
        with pytest.raises(Unavailable):
            connect(
                url="https://far.example/", resolver=lambda *a: ["93.184.215.14"], connect_timeout=0.3
            ).withdraw(WITHDRAW)

    def test_the_second_address_is_tried_when_the_first_refuses(self, connect) -> None:
        def serve(there: Peer, conn: socket.socket) -> None:
            there.take(conn)

        with peer(serve) as there:
            host = f"two.example:{there.port}"
            with pytest.raises(OutcomeUnknown):
                connect(
                    url=f"http://{host}/",
                    internal_hosts=frozenset({host}),
                    resolver=lambda *a: ["127.0.0.2", "127.0.0.1"],
                ).withdraw(WITHDRAW)
            assert len(there.requests) == 1


class TestCutAfterBytes:
    """The connection is reset after n bytes of the request."""

    @pytest.mark.parametrize("operation", MOVES)
    def test_cut_before_the_first_byte_is_unavailable(self, connect, operation: str) -> None:
        gone = threading.Event()

        def serve(there: Peer, conn: socket.socket) -> None:
            conn.close()
            gone.set()

        class Waiting(Recorder):
            def before_bytes(self) -> None:
                super().before_bytes()
                gone.wait(2)
                time.sleep(0.05)  # the close must have reached this side

        hooks = Waiting()
        with peer(serve) as there, pytest.raises(Unavailable):
            MOVES[operation](connect(there, hooks=hooks))
        assert hooks.stages == ["prepared", "connected", "before_bytes", "done"]

    @pytest.mark.parametrize("count", [1, 2, 10, 50, 100, 199, 200, 201, 250, 300, 350, 400, 10_000])
    @pytest.mark.parametrize("way", ["reset", "close"])
    def test_cut_after_n_bytes_is_unknown(self, connect, count: int, way: str) -> None:
        def serve(there: Peer, conn: socket.socket) -> None:
            left = count
            conn.settimeout(0.3)
            try:
                while left:
                    left -= len(conn.recv(left))
            except TimeoutError:
                pass
            reset(conn) if way == "reset" else conn.close()

        with peer(serve) as there, pytest.raises(OutcomeUnknown):
            connect(there).withdraw(WITHDRAW)

    def test_every_n_of_the_whole_request(self, connect, monkeypatch) -> None:
        """The socket itself takes n bytes and then breaks: for every n, without a network in between."""
        taken = 0
        limit = 0

        def sendall(sock: socket.socket, data: bytes) -> None:
            nonlocal taken
            room = limit - taken
            taken += min(room, len(data))
            if room < len(data):
                raise BrokenPipeError(32, "Broken pipe")

        monkeypatch.setattr(socket.socket, "sendall", sendall, raising=False)
        with peer(lambda there, conn: there.over.wait(5)) as there:
            client: Bitloga = connect(there, read_timeout=0.02)
            while limit < 600:
                taken = 0
                with pytest.raises(OutcomeUnknown):
                    client.withdraw(WITHDRAW)
                if taken < limit:
                    break
                limit += 7
        assert 300 < taken < 600

    @pytest.mark.parametrize("operation", MOVES)
    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"HTTP/1.1",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n" + b'{"success":true}',
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" + b'{"success":true}',
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"\x16\x03\x01 not http at all",
            b"HTTP/1.1 99999 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n",
        ],
    )
    def test_an_answer_cut_anywhere_is_unknown(self, connect, operation: str, answer: bytes) -> None:
        def serve(there: Peer, conn: socket.socket) -> None:
            there.take(conn)
            conn.sendall(answer)

        with peer(serve) as there, pytest.raises(OutcomeUnknown):
            MOVES[operation](connect(there))

    def test_what_came_before_the_break_is_in_the_trace(self, connect, recorder: Recorder) -> None:
        def serve(there: Peer, conn: socket.socket) -> None:
            there.take(conn)
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n" + b'{"success":true,"st')

        with peer(serve) as there, pytest.raises(OutcomeUnknown):
            connect(there).withdraw(WITHDRAW)
        assert recorder.exchange is not None
        assert recorder.exchange.response_redacted == '{"success":true,"st'
        assert recorder.exchange.status == 200

    def test_no_answer_in_time_is_unknown(self, connect) -> None:
        def serve(there: Peer, conn: socket.socket) -> None:
            there.take(conn)
            there.over.wait(5)

        with peer(serve) as there, pytest.raises(OutcomeUnknown, match="Timeout"):
            connect(there, read_timeout=0.1).withdraw(WITHDRAW)
