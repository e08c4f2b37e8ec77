"""A line to the sandbox that breaks on order: after so many bytes of the request, or of the answer. On loopback."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from django.test import override_settings


class Proxy:
    """Hands every connection on to `target`. `up` and `down` say after how many bytes both ends are reset (None:
    never). `seen` is how many bytes of requests were handed on over the last connection.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.up: int | None = None
        self.down: int | None = None
        self.seen = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def whole(self) -> None:
        """From now on nothing breaks."""
        self.up = self.down = None

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                threading.Thread(target=self._serve, args=(client, self.up, self.down), daemon=True).start()

    def _serve(self, client: socket.socket, up: int | None, down: int | None) -> None:
        self.seen = 0
        if up == 0:
            client.close()  # nobody is there, and says so before anything was sent
            return
        server = socket.create_connection(("127.0.0.1", self._target))
        answers = threading.Thread(target=self._pump, args=(server, client, down, False), daemon=True)
        if up is None:  # else a quick answer to the last byte could overtake the reset
            answers.start()
        self._pump(client, server, up, True)
        if up is None:
            answers.join(10)
        for end in (client, server):
            end.close()

    def _pump(self, source: socket.socket, sink: socket.socket, most: int | None, counts: bool) -> None:
        """Hand bytes on until the source ends or `most` of them have passed; then end both sides with RST."""
        passed = 0
        with suppress(OSError):
            while part := source.recv(65536):
                part = part if most is None else part[: most - passed]
                sink.sendall(part)
                passed += len(part)
                self.seen += len(part) if counts else 0
                if most is not None and passed >= most:
                    for end in (source, sink):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        end.shutdown(socket.SHUT_RDWR)
                    return
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def nobody_there(proxy: Proxy) -> Iterator[None]:
    """It hangs up before the first byte, and our side has surely heard of it: it waits a moment once it is connected."""
    with pytest.MonkeyPatch.context() as patch, override_settings(FAILPOINTS=True):
        patch.setenv("BACKOFFICE_FAILPOINT", "F4=sleep")
        patch.setenv("BACKOFFICE_FAILPOINT_SECONDS", "0.2")
        proxy.up = 0
        try:
            yield
        finally:
            proxy.whole()


@contextmanager
def breaking(target: int) -> Iterator[Proxy]:
    """A proxy to this port, for the length of a test."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
