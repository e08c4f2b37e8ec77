"""The sandbox's HTTP server: sockets in, sockets out, one thread per connection. Holds no provider's rules.

Loopback only unless told otherwise. `running()` starts one inside a test's own process."""

from __future__ import annotations

import logging
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox import control, pages
from sandbox.accounts import by_name
from sandbox.engine import DEMO, Engine
from sandbox.faults import Fault
from sandbox.provider import Provider
from sandbox.sending import Line
from sandbox.wire import Answer, Call, Reply, Request, page, redirect

LOOPBACK = "127.0.0.1"
LARGEST_BODY = 1024 * 1024
logger = logging.getLogger("sandbox")


class Handler(BaseHTTPRequestHandler):
    """One client's connection, request by request."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        """Remember the connection, so that stopping the server ends it."""
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        """Forget the connection."""
        self.server.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged here: addresses may hold tokens. The control API tells what was asked."""

    def _serve(self) -> None:
        engine, line = self.server.engine, Line(self.connection, self.server.engine.stopping)
        parts = urlsplit(self.path)
        provider = engine.providers.get(parts.path.split("/")[1])
        self.close_connection = True
        if provider is not None and engine.faults.is_down(provider.name):
            line.drop(reset=True)
            return
        body = self._body()
        if isinstance(body, Reply):
            line.send(body, date=self._date(0), close=True)
            return
        request = Request(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            body,
        )
        if provider is None:
            reply = self._place(request)
            keep = line.send(
                reply, date=self._date(0), close=self._closes(), head_only=self.command == "HEAD"
            )
        else:
            keep = self._provide(line, provider, request)
        self.close_connection = not keep

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve

    def _closes(self) -> bool:
        return self.headers.get("connection", "").lower() == "close" or self.request_version == "HTTP/1.0"

    def _date(self, offset: float) -> str:
        return formatdate(time.time() + offset, usegmt=True)

    def _body(self) -> bytes | Reply:
        """The whole body; a refusal if its length is unknown or too great. Raises ConnectionError if cut short."""
        if self.headers.get("transfer-encoding"):
            return page("<h1>411 Length Required</h1>", 411)
        length = self.headers.get("content-length") or "0"
        if not length.isdecimal():
            return page("<h1>400 Bad Request</h1>", 400)
        if int(length) > LARGEST_BODY:
            return page("<h1>413 Content Too Large</h1>", 413)
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionError("the client hung up before its request was complete")
        return body

    def _place(self, request: Request) -> Reply:
        """Everything that belongs to no provider."""
        if request.path.startswith(control.PREFIX):
            return self.server.control.reply(request)
        if request.path == pages.STYLE_PATH:
            return pages.style()
        if request.path in ("/", control.PREFIX.rstrip("/")):
            return redirect(control.PREFIX)
        return page("<!doctype html><title>404</title><h1>404 Not Found</h1>", 404)

    def _provide(self, line: Line, provider: Provider, request: Request) -> bool:
        """A provider's API or page, with the limit of calls and the faults that were ordered."""
        date = self._date(float(provider.setting("date_offset_seconds")))
        call = provider.read(request)
        if isinstance(call, Reply):
            head_only = self.command == "HEAD"
            return line.send(call, date=date, close=self._closes(), head_only=head_only)
        started = time.monotonic()
        fault = self.server.engine.faults.take(call)
        if fault and fault.mode == "delay" and fault.late and not line.wait(fault.seconds or 1.0):
            return False
        answer = self._answer(provider, call, fault)
        if fault:
            answer = fault.edit(answer)
        reply = provider.encode(answer)
        if fault:
            reply = fault.spoil(reply)
        self.server.engine.traffic.record(
            call,
            at=self.server.engine.timestamp(),
            answer=_summary(answer),
            fault=fault.mode if fault else "",
            duration_ms=round((time.monotonic() - started) * 1000),
        )
        if fault:
            return line.send_with(fault, reply, date=date)
        return line.send(reply, date=date, close=self._closes())

    def _answer(self, provider: Provider, call: Call, fault: Fault | None) -> Answer:
        engine = self.server.engine
        limit, pause = provider.setting("rate_limit"), provider.setting("retry_after")
        if fault and fault.mode == "rate_limit":
            return _too_many(provider, fault.seconds, fault.status or 429)
        if engine.traffic.is_too_fast(call, limit=None if limit is None else int(limit)):
            return _too_many(provider, None if pause is None else float(pause), 429)
        answer = None
        if fault is None or fault.accepts:
            answer = provider.answer(call)
            engine.wake()
        if fault and fault.mode == "message":
            return provider.refusal(fault.text, fault.status)
        if fault and fault.mode == "not_found_for":
            return provider.refusal(provider.not_found, fault.status)
        return answer or provider.refusal("Service unavailable")


def _too_many(provider: Provider, retry_after: float | None, status: int) -> Answer:
    answer = provider.refusal("Too many requests", status)
    if retry_after is not None:
        answer.headers["Retry-After"] = f"{retry_after:g}"
    return answer


def _summary(answer: Answer) -> str:
    """What a log line says about an answer: its refusal, its status, or ok."""
    data = answer.data if isinstance(answer.data, dict) else {}
    return str(data.get("message") or data.get("status") or ("ok" if answer.status == 200 else answer.status))


class Server(ThreadingHTTPServer):
    """Listens for one engine."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], engine: Engine) -> None:
        super().__init__(address, Handler)
        self.engine = engine
        self.control = control.Control(engine)
        self.connections: set[socket.socket] = set()

    def server_bind(self) -> None:
        """Bind without asking a name server who we are, as the base class would."""
        super(ThreadingHTTPServer, self).server_bind()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are nothing to talk about; everything else is."""
        logger.exception("a request could not be answered")

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection until either side ends it."""
        with suppress(ConnectionError, TimeoutError):
            super().finish_request(request, client_address)

    def end_connections(self) -> None:
        """Hang up on everybody."""
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Box:
    """A running sandbox: its address, and its control without HTTP."""

    def __init__(self, engine: Engine, *, host: str = LOOPBACK, port: int = 0, public_url: str = "") -> None:
        self.engine = engine
        self._host = host
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._listen(port)
        self.engine.url = public_url.rstrip("/") or self.url

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
        return f"http://{self._host}:{self.port}"

    def base_url(self, provider: str = "bitloga") -> str:
        """The base URL of a provider's API."""
        return self.engine.providers[provider].base_url

    def account(self, name: str = DEMO, provider: str = "bitloga") -> Mapping[str, str]:
        """Keys of an account: api_key, api_secret, base_url. Raises LookupError."""
        with self.engine.ledger.transaction() as db:
            found = by_name(db, provider=provider, name=name)
        if found is None:
            raise LookupError(f"no account {name}")
        return {
            "api_key": found.api_key,
            "api_secret": found.api_secret,
            "base_url": self.base_url(provider),
        }

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
