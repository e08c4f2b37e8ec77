"""A load generator on loopback: keep-alive connections, prepared requests, bounded in time. Measures, judges nothing."""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

PROCESSES = 2


@dataclass(frozen=True)
class Load:
    """What one run saw: answers per second, latency in ms, answers that were not 200."""

    rps: float
    p50: float
    p99: float
    bad: int
    total: int


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.began = 0.0

    def send(self, request: bytes) -> None:
        self.buffer, self.began = b"", time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """The status once the whole answer is here; 0 if the server hung up."""
        part = self.socket.recv(65536)
        if not part:
            return 0
        self.buffer += part
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        length = 0
        if b"transfer-encoding: chunked" in head.lower():
            return int(head[9:12]) if body.endswith(b"0\r\n\r\n") else None
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return int(head[9:12]) if len(body) >= length else None


def _drive(
    port: int,
    connections: int,
    seconds: float,
    number: int,
    make: Callable[[int], bytes],
    out: multiprocessing.Queue[tuple[list[float], int]],
) -> None:
    with selectors.DefaultSelector() as selector:
        serial = number * 10_000_000
        for _each in range(connections):
            connection = _Connection(port)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(make(serial := serial + 1))
        times: list[float] = []
        bad = 0
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            for key, _events in selector.select(0.2):
                connection = key.data
                status = connection.receive()
                if status is None:
                    continue
                times.append(time.perf_counter() - connection.began)
                bad += status != 200
                if status == 0:
                    selector.unregister(connection.socket)
                    connection = _Connection(port)
                    selector.register(connection.socket, selectors.EVENT_READ, connection)
                connection.send(make(serial := serial + 1))
    out.put((times, bad))


def run(*, port: int, connections: int, seconds: float, make: Callable[[int], bytes]) -> Load:
    """Send requests from `connections` sockets for `seconds`; `make(serial)` gives each request's bytes."""
    context = multiprocessing.get_context("fork")
    out: multiprocessing.Queue[tuple[list[float], int]] = context.Queue()
    share = connections // PROCESSES
    drivers = [
        context.Process(target=_drive, args=(port, share, seconds, number, make, out))
        for number in range(PROCESSES)
    ]
    for driver in drivers:
        driver.start()
    found = [out.get(timeout=seconds + 30) for _driver in drivers]
    for driver in drivers:
        driver.join()
    times = sorted(one for some, _bad in found for one in some)
    return Load(
        rps=len(times) / seconds,
        p50=times[len(times) // 2] * 1000,
        p99=times[int(len(times) * 0.99)] * 1000,
        bad=sum(bad for _times, bad in found),
        total=len(times),
    )


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of a POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
