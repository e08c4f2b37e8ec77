"""A running sandbox: an engine, and a listener on loopback unless told otherwise. `running()` starts one
inside a test's own process; the command `sandbox` is a process of its own. Holds no HTTP."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from sandbox.accounts import by_name
from sandbox.engine import DEMO, Engine
from sandbox.listener import Server

LOOPBACK = "127.0.0.1"


class Box:
    """A running sandbox: its address, and its control without HTTP."""

    def __init__(self, engine: Engine, *, host: str = LOOPBACK, port: int = 0) -> None:
        self.engine = engine
        self._host = host
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._listen(port)
        self.engine.url = self.url

    def _listen(self, port: int) -> None:
        self._server = Server((self._host, port), self.engine)
        self.port = self._server.server_port
        self._control = self._server.control
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="sandbox-server", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        host = LOOPBACK if self._host in ("", "0.0.0.0") else self._host  # noqa: S104 - compared, not bound
        return f"http://{host}:{self.port}"

    def base_url(self, provider: str = "bitloga") -> str:
        """The base URL of a provider's API."""
        return self.engine.providers[provider].base_url

    def account(self, name: str = DEMO, provider: str = "bitloga") -> Mapping[str, str]:
        """Keys of an account as the product asks for them, and its base_url. Raises LookupError."""
        with self.engine.ledger.transaction() as db:
            found = by_name(db, provider=provider, name=name)
        if found is None:
            raise LookupError(f"no account {name}")
        return {**self.engine.providers[provider].keys(found), "base_url": self.base_url(provider)}

    def control(self, path: str, data: Mapping[str, Any] | None = None, *, method: str = "") -> Any:
        """Use the control API: `path` below /_control/, POST if there are data, else GET.

        Returns what the JSON API answers. Raises sandbox.routes.ControlError.
        """
        path, _, query = path.partition("?")
        asked = dict(parse_qsl(query)) | dict(data or {})
        return self._control.call(method or ("GET" if data is None else "POST"), path, asked)

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until nothing is due and no callback is under way."""
        return self.engine.settle(timeout)

    def pause(self) -> None:
        """Stop listening: connections are refused, as if the provider were off. The ledger stays open."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.end_connections()
            self._thread.join(5)
            self._server = None

    def resume(self) -> None:
        """Listen again, on the same port."""
        if self._server is None:
            self._listen(self.port)

    def stop(self) -> None:
        """End everything."""
        self.engine.stopping.set()
        self.pause()
        self.engine.stop()


@contextmanager
def running(*, ledger: Path | str | None = None, port: int = 0, speed: float = 1.0) -> Iterator[Box]:
    """A sandbox in threads of this process, on loopback, for tests. Without `ledger` it forgets everything.

    with server.running() as box: box.base_url(), box.account(), box.control("faults", {...})
    """
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        engine = Engine(ledger=ledger or Path(folder) / "ledger.sqlite3", speed=speed)
        box = Box(engine, port=port)
        engine.start()
        try:
            yield box
        finally:
            box.stop()
        if engine.errors:
            raise RuntimeError("the sandbox itself failed meanwhile") from engine.errors[0]
