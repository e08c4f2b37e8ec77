"""A provider made of bare sockets, and a transport that remembers: shared by the tests of providers."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from payments.providers import http
from payments.providers.exchange import Exchange

ANSWERS = Path(__file__).parents[2] / "wire" / "bitloga" / "answers"
SECRET = "canary-secret-value"
KEY = "canary-key-value"
REFERENCE = "261120101530123456"


def recorded(name: str) -> bytes:
    """A recorded answer of bitloga."""
    return (ANSWERS / f"{name}.json").read_bytes()


def answered(body: bytes = b'{"success":true}', status: int = 200, headers: str = "") -> bytes:
    """A whole HTTP answer."""
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def read_request(conn: socket.socket) -> bytes:
    """One request, with its body."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = conn.recv(65536)
        if not part:
            return got
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    size = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            size = int(line.split(b":")[1])
    while len(body) < size:
        part = conn.recv(65536)
        if not part:
            break
        body += part
    return head + b"\r\n\r\n" + body


def reset(conn: socket.socket) -> None:
    """Close with RST."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


class Peer:
    """Listens on loopback; every connection is given to `serve(peer, conn)` in a thread of its own."""

    def __init__(
        self, serve: Callable[[Peer, socket.socket], None], context: ssl.SSLContext | None = None
    ) -> None:
        self._serve, self._context = serve, context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}/api/v1/"
        self.requests: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                conn, _address = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._one, args=(conn,), daemon=True).start()

    def _one(self, conn: socket.socket) -> None:
        with suppress(OSError):
            if self._context is not None:
                conn = self._context.wrap_socket(conn, server_side=True)
            with conn:
                self._serve(self, conn)

    def take(self, conn: socket.socket) -> bytes:
        """Read one request and remember it."""
        got = read_request(conn)
        if got:
            self.requests.append(got)
        return got

    def body(self) -> bytes:
        """The body of the last request."""
        return self.requests[-1].partition(b"\r\n\r\n")[2]

    def close(self) -> None:
        self.over.set()
        self._listener.close()


@contextmanager
def peer(
    serve: Callable[[Peer, socket.socket], None], context: ssl.SSLContext | None = None
) -> Iterator[Peer]:
    """A peer for the length of a block."""
    there = Peer(serve, context)
    try:
        yield there
    finally:
        there.close()


def answering(*answers: bytes) -> Callable[[Peer, socket.socket], None]:
    """Serve the answers in turn, the last one again and again, on connections that stay open."""

    def serve(there: Peer, conn: socket.socket) -> None:
        while there.take(conn):
            conn.sendall(answers[min(len(there.requests), len(answers)) - 1])

    return serve


class Recorder:
    """A transport's hooks: remembers the stages and can fail at any of them."""

    def __init__(self, **fail: BaseException) -> None:
        self.stages: list[str] = []
        self.exchange: Exchange | None = None
        self.gated: list[str] = []
        self.fail = fail

    def gate(self, priority: str) -> None:
        self.gated.append(priority)
        self._maybe("gate")

    def before_bytes(self) -> None:
        self.stages.append("before_bytes")
        self._maybe("before_bytes")

    def record(self, stage: str, exchange: Exchange) -> None:
        self.stages.append(stage)
        self.exchange = exchange
        self._maybe(stage)

    def _maybe(self, stage: str) -> None:
        if stage in self.fail:
            raise self.fail[stage]

    def transport(self, there: Peer | None = None, **options: Any) -> http.Transport:
        options.setdefault("internal_hosts", frozenset({there.host} if there else ()))
        options.setdefault("read_pauses", ())
        return http.Transport(self.gate, self.before_bytes, self.record, **options)
