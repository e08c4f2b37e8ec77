"""Connections that know one call: checked addresses, one deadline, and the moment before the first byte.

A thin layer over requests and urllib3. Holds no trace, no error class and no provider's words.
"""

from __future__ import annotations

import http.client
import io
import os
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection

MAX_SESSIONS = 64
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "merchant-back-office"}


class HookFailed(Exception):
    """A hook of the caller raised: the error itself lies in `Wire.failure`, past the library that would eat
    it.
    """


class Wire:
    """What the connections of one call need. One object per attempt; `left` turns true before the first
    byte.
    """

    def __init__(
        self,
        *,
        deadline: float,
        connect_timeout: float,
        read_timeout: float,
        lookup: Callable[[str, int, float], list[str]],
        begin: Callable[[], None],
        stage: Callable[[str], None],
        body: bytes,
        halves: bool,
    ) -> None:
        self.deadline = deadline
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.lookup = lookup
        self.begin = begin
        self.stage = stage
        self.body = body
        self.halves = halves
        self.left = False
        self.sent_at = 0.0
        self.failure: Exception | None = None

    def remaining(self, most: float) -> float:
        """Seconds that the next step may take. Raises TimeoutError when the call's time is over."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for this call is over")
        return min(most, left)

    def hook(self, call: Callable[..., None], *arguments: Any) -> None:
        """Run a hook so that what it raises arrives untouched: urllib3 would wrap or repeat some errors."""
        try:
            call(*arguments)
        except Exception as error:  # noqa: BLE001 - raised again by whoever catches HookFailed
            self.failure = error
        if self.failure is not None:
            raise HookFailed


_WIRE: ContextVar[Wire] = ContextVar("wire")


@contextmanager
def speaking(wire: Wire) -> Iterator[None]:
    """Within this block this thread's connections belong to `wire`."""
    token = _WIRE.set(wire)
    try:
        yield
    finally:
        _WIRE.reset(token)


class _PacedIO(socket.SocketIO):
    """Reads whose time limit shrinks with the call's: a peer that drips bytes cannot stretch it."""

    def __init__(self, sock: socket.socket, wire: Wire) -> None:
        super().__init__(sock, "r")
        sock._io_refs += 1  # type: ignore[attr-defined] # as socket.makefile does: the last reader closes it
        self._wire = wire

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._wire.remaining(self._wire.read_timeout))  # type: ignore[attr-defined]
        return super().readinto(buffer)


class _Paced:
    """Stands for a socket where http.client asks for its file."""

    def __init__(self, sock: socket.socket, wire: Wire) -> None:
        self._sock, self._wire = sock, wire

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_PacedIO(self._sock, self._wire))


class _Careful(HTTPConnection):
    """Connects to checked addresses only, and says when bytes leave."""

    def _new_conn(self) -> socket.socket:
        wire = _WIRE.get()
        until = time.monotonic() + wire.remaining(wire.connect_timeout)
        port = self.port or self.default_port
        host = f"[{self._dns_host}]" if ":" in self._dns_host else self._dns_host
        addresses = wire.lookup(host, port, max(until - time.monotonic(), 0.001))
        failure: OSError | None = None
        for address in addresses:
            try:
                seconds = max(until - time.monotonic(), 0.001)
                sock = create_connection((address, port), seconds, socket_options=self.socket_options)
            except OSError as error:
                failure = error
                continue
            sock.settimeout(max(until - time.monotonic(), 0.001))  # what is left is for the TLS handshake
            return sock
        raise NewConnectionError(self, "no address answered") from failure

    def response_class(self, sock: socket.socket, *arguments: Any, **named: Any) -> http.client.HTTPResponse:  # type: ignore[override]
        return http.client.HTTPResponse(_Paced(sock, _WIRE.get()), *arguments, **named)  # type: ignore[arg-type]

    def request(self, *arguments: Any, **named: Any) -> None:
        wire = _WIRE.get()
        super().request(*arguments, **named)
        wire.hook(wire.stage, "sent")

    def send(self, data: Any) -> None:
        wire = _WIRE.get()
        if self.sock is None:
            self.connect()
        if not wire.left:
            wire.hook(wire.begin)
            if _peer_is_gone(self.sock):
                # No OSError: urllib3 swallows a reset here and would go on to wait for an answer.
                raise http.client.NotConnected
            wire.left = True
            wire.sent_at = time.time()
        parts = [data]
        if wire.halves and data == wire.body:
            parts = [data[: len(data) // 2], data[len(data) // 2 :]]
        for part in parts:
            self.sock.settimeout(wire.remaining(wire.read_timeout))
            super().send(part)
            if len(parts) > 1 and part is parts[0]:
                wire.hook(wire.stage, "half")


class _CarefulTLS(_Careful, HTTPSConnection):
    """The same under TLS: the name is verified, the address is the checked one."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Careful


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _CarefulTLS


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Never one: even when it follows nothing, requests reads a redirect's whole body to prepare for
        it.
        """
        return None


_sessions = threading.local()


def session_for(account_key: str) -> requests.Session:
    """This thread's session of one account: no proxies or passwords from the environment, no cookies."""
    kept: OrderedDict[tuple[int, str], requests.Session] = _sessions.__dict__.setdefault(
        "kept", OrderedDict()
    )
    key = (os.getpid(), account_key)  # a forked child must not speak on its parent's sockets
    session = kept.get(key)
    if session is None:
        session = _Session()
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers = requests.structures.CaseInsensitiveDict(HEADERS)
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Adapter(pool_connections=2, pool_maxsize=1))
        kept[key] = session
    kept.move_to_end(key)
    while len(kept) > MAX_SESSIONS:
        kept.popitem(last=False)[1].close()
    return session


def _peer_is_gone(sock: socket.socket) -> bool:
    """Whether the peer closed before we sent anything: the one case where silence is proof of nothing
    sent.
    """
    try:
        sock.settimeout(0)
        with suppress(BlockingIOError):
            # The plain socket's method: under TLS this looks at the raw stream without consuming it.
            return socket.socket.recv(sock, 1, socket.MSG_PEEK) == b""
    except OSError:
        return True
    return False
