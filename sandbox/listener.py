"""The sandbox's HTTP: one thread per connection, requests in, answers and faults out. Holds no provider's
rules and does not decide where to listen (see server)."""

from __future__ import annotations

import logging
import socket
import time
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox import control, pages
from sandbox.engine import Engine
from sandbox.faults import Fault
from sandbox.provider import Provider
from sandbox.sending import Line
from sandbox.wire import Answer, Call, Reply, Request, page, redirect

LARGEST_BODY = 1024 * 1024
logger = logging.getLogger("sandbox")


class _WholeLines:
    """A reader that gives whole lines or none."""

    def __init__(self, reader: BufferedIOBase) -> None:
        self._reader = reader

    def readline(self, limit: int) -> bytes:
        """The next line. Raises ConnectionError at the end of the stream."""
        line = self._reader.readline(limit)
        if not line.endswith(b"\n") and len(line) < limit:
            raise ConnectionError("the headers were cut short")
        return line


class Handler(BaseHTTPRequestHandler):
    """One client's connection, request by request."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True
    server: Server
    raw_requestline: bytes

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

    def parse_request(self) -> bool:
        """Read the headers. Raises ConnectionError if they are cut short: half a request is none."""
        if not self.raw_requestline.endswith(b"\n"):
            raise ConnectionError("the request line was cut short")
        whole, self.rfile = self.rfile, _WholeLines(self.rfile)  # type: ignore[assignment]
        try:
            return super().parse_request()
        finally:
            self.rfile = whole

    def _serve(self) -> None:
        self.close_connection = True
        try:
            self._answer_request()
        except (ConnectionError, TimeoutError):
            raise
        except Exception as error:
            if self.server.engine.stopping.is_set():
                return
            logger.exception("the sandbox has a fault that nobody ordered")
            self.server.engine.errors.append(error)
            Line(self.connection, self.server.engine.stopping).send(
                page("<h1>500</h1><p>The sandbox itself failed. See its log.</p>", 500),
                date=self._date(0),
                close=True,
            )

    def _answer_request(self) -> None:
        engine, line = self.server.engine, Line(self.connection, self.server.engine.stopping)
        parts = urlsplit(self.path)
        provider = engine.providers.get(parts.path.lstrip("/").partition("/")[0])
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
        """The whole body, or a refusal if its length will not do. Raises ConnectionError if cut short."""
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
        if fault and fault.mode == "delay" and fault.late:
            # It is accepted late even if the client has lost patience meanwhile.
            self.server.engine.stopping.wait(fault.seconds or 1.0)
        answer = self._answer(provider, call, fault)
        if fault:
            answer = fault.edit(answer, success=provider.success_name, inside=provider.inside)
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
        return line.send(reply, date=date, close=self._closes(), head_only=self.command == "HEAD")

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
    return str(
        data.get("message")
        or data.get("error_text")
        or data.get("status")
        or ("ok" if answer.status == 200 else answer.status)
    )


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
        """Say what ended a connection; clients that hang up never come here."""
        logger.exception("a connection ended badly")

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection until either side ends it."""
        with suppress(ConnectionError, TimeoutError):
            super().finish_request(request, client_address)

    def end_connections(self) -> None:
        """Hang up on everybody."""
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
