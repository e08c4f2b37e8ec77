"""The only place that talks to providers: one call, with its gate, its fence, its trace and its error class.

Holds no Django, no provider's words and no decision about money. `Transport` is how the caller takes part.
"""

from __future__ import annotations

import hashlib
import http.client
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

import requests
import urllib3

from payments.providers import headers, hosts, sockets
from payments.providers.errors import Invalid, OutcomeUnknown, ProviderError, Unavailable
from payments.providers.exchange import Answer, Exchange, Request, Transport
from payments.providers.redaction import Redactor
from payments.providers.words import gettext_noop as _

__all__ = ["Answer", "Exchange", "Http", "Request", "Transport"]

Read = TypeVar("Read")

CHUNK = 65_536
#: What a trace keeps of an answer that was cut off for its size.
KEPT_OF_OVERSIZED = 65_536
BROKEN = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,  # what the libraries raise over a header or a number that they cannot read
)

NOT_TRUSTED = _("The provider's certificate was not accepted. Nothing was sent.")
NO_TIME = _("The provider could not be reached in time. Nothing was sent.")
NOT_ALLOWED = _("The provider's name leads to an address that is not public. Nothing was sent.")
BAD_KEYS = _("The account's keys hold characters that cannot be sent. An admin must enter them again.")
NO_ANSWER = _("The provider gave no complete answer. It will be asked again.")
TOO_LARGE = _("The provider's answer was too large to be read.")


class Http:
    """Calls of one account. Has no state of its own: safe to share between threads."""

    def __init__(
        self, *, provider: str, base_url: str, account_key: str, transport: Transport, redactor: Redactor
    ) -> None:
        self._provider = provider
        self._base_url = base_url
        self._account_key = account_key
        self._transport = transport
        self._redactor = redactor

    def call(self, request: Request, read: Callable[[Answer], Read]) -> Read:
        """Send and let `read` judge the answer. Returns what `read` returns.

        Raises what `read` raises; Unavailable when nothing left this machine; OutcomeUnknown as soon as one
        byte may have; Invalid when the account's address is not allowed; and whatever a hook raised.
        """
        transport, begun = self._transport, time.monotonic()
        redactor = self._redactor.with_secrets(request.secrets)
        now = transport.now()
        exchange = Exchange(
            provider=self._provider,
            operation=request.operation,
            method=request.method,
            url=redactor.text(request.url),
            safe=request.safe,
            priority=transport.read_priority if request.safe else "money",
            request_digest=hashlib.sha256(request.body).hexdigest(),
            request_size=len(request.body),
            request_redacted=redactor.body(request.body),
            deadline=now + timedelta(seconds=transport.total_timeout),
            started_at=now,
        )
        attempts = _Attempts(self._base_url, self._account_key, transport, redactor, request, exchange, begun)
        try:
            attempts.stage("prepared")
            result = attempts.run(read)
            exchange.outcome = "ok"
            return result
        except BaseException as error:
            exchange.outcome = type(error).__name__
            if isinstance(error, ProviderError):
                exchange.error, exchange.reason = redactor.text(str(error)), error.reason
            raise
        finally:
            exchange.duration_ms = round((time.monotonic() - begun) * 1000)
            transport.record("done", exchange)


class _Attempts:
    """The attempts of one call: one, or a few when the call is safe and there is time left."""

    def __init__(
        self,
        base_url: str,
        account_key: str,
        transport: Transport,
        redactor: Redactor,
        request: Request,
        exchange: Exchange,
        begun: float,
    ) -> None:
        self._base_url = base_url
        self._account_key = account_key
        self._transport = transport
        self._redactor = redactor
        self._request = request
        self._exchange = exchange
        self._deadline = begun + transport.total_timeout
        self._seen: set[str] = set()
        self._left = False
        self._stopped = False

    def stage(self, name: str) -> None:
        """Record a stage the first time it is reached."""
        if name not in self._seen:
            self._seen.add(name)
            self._transport.record(name, self._exchange)

    def run(self, read: Callable[[Answer], Read]) -> Read:
        """Try, and repeat a read that broke, was garbled or found nobody, within the call's time."""
        target = self._target()
        pauses = iter(self._transport.read_pauses if self._request.safe else ())
        while True:
            self._transport.gate(self._exchange.priority)
            try:
                return self._judged(self._attempt(target), read)
            except (Unavailable, OutcomeUnknown):
                pause = None if self._stopped else next(pauses, None)
                if pause is None or time.monotonic() + pause >= self._deadline:
                    raise
            time.sleep(pause)

    def _judged(self, answer: Answer, read: Callable[[Answer], Read]) -> Read:
        """What `read` says, without its frames: their local variables hold the answer as it came."""
        try:
            return read(answer)
        except ProviderError as error:
            failure = error.with_traceback(None)
        except Exception as error:  # noqa: BLE001 - whatever a reader trips over, bytes have left
            failure = OutcomeUnknown(f"{self._request.operation}: {type(error).__name__} while reading")
        raise failure

    def _target(self) -> hosts.Target:
        refusal = ""
        try:
            return hosts.parse_target(self._base_url, self._transport.internal_hosts)
        except hosts.HostRefused as error:
            refusal = error.staff
        raise Invalid("the account's base URL is not allowed", staff=refusal)

    def _attempt(self, target: hosts.Target) -> Answer:
        """One attempt. No exception of the libraries leaves: their frames hold headers, and so keys."""
        transport, request = self._transport, self._request
        wire = sockets.Wire(
            deadline=self._deadline,
            connect_timeout=transport.connect_timeout,
            read_timeout=transport.read_timeout,
            lookup=lambda host, port, seconds: self._addresses(target, host, port, seconds),
            begin=self._begin,
            stage=self.stage,
            body=request.body,
            halves=not request.safe,
        )
        self._exchange.status = self._exchange.response_date = self._exchange.clock_skew_ms = None
        self._exchange.response_redacted = self._exchange.response_digest = ""
        session = sockets.session_for(self._account_key)
        if not request.safe:
            session.close()  # a fresh connection: a kept one may have died, and nobody could tell when
        failure: BaseException
        response: requests.Response | None = None
        try:
            with sockets.speaking(wire):
                response = session.send(
                    self._prepared(session),
                    stream=True,
                    timeout=(transport.connect_timeout, transport.read_timeout),
                    allow_redirects=False,
                    verify=transport.ca_bundle or True,
                    proxies={},
                )
                return self._answer(response, wire)
        except sockets.HookFailed:
            failure = wire.failure or Unavailable("a hook failed")
            self._stopped = True
            if wire.left and isinstance(failure, ProviderError):
                failure = OutcomeUnknown(f"{request.operation}: refused after bytes had left")
        except BROKEN as error:
            failure = self._broken(error, wire)
        except BaseException as error:  # noqa: BLE001 - raised again below
            # Ours, or a stop from outside (a time limit, Ctrl-C): goes on without the libraries' frames.
            failure = error.with_traceback(None)
            failure.__context__ = failure.__cause__ = None
        finally:
            self._left = self._left or wire.left
            if response is not None:
                response.close()
        raise failure

    def _prepared(self, session: requests.Session) -> requests.PreparedRequest:
        request = self._request
        with suppress(requests.RequestException, ValueError):
            prepared = session.prepare_request(
                requests.Request(request.method, request.url, data=request.body or None)
            )
            for name, value in request.headers.items():
                prepared.headers[name] = headers.sendable(value)
            return prepared
        raise Unavailable("a header or the address cannot be sent", staff=BAD_KEYS)

    def _begin(self) -> None:
        self.stage("connected")
        self._transport.before_bytes()

    def _addresses(self, target: hosts.Target, host: str, port: int, seconds: float) -> list[str]:
        """The checked addresses of the very name that is being connected to."""
        if (host.lower(), port) != (target.host, target.port):
            raise Unavailable("the connection went elsewhere", staff=NOT_ALLOWED)
        resolver, internal = self._transport.resolver, target.internal
        with suppress(hosts.HostRefused):
            return hosts.addresses(host, port, internal=internal, resolver=resolver, seconds=seconds)
        raise Unavailable("the host's address is not public", staff=NOT_ALLOWED)

    def _answer(self, response: requests.Response, wire: sockets.Wire) -> Answer:
        exchange = self._exchange
        exchange.status = response.status_code
        exchange.response_date = headers.date(response.headers.get("Date", ""))
        exchange.clock_skew_ms = headers.skew_ms(exchange.response_date, wire.sent_at)
        wire.hook(self.stage, "headers")
        body, complete = bytearray(), False
        try:
            while len(body) <= self._transport.max_answer:
                # read1: what came before a break is kept for the trace
                chunk = response.raw.read1(CHUNK, decode_content=False)
                if not chunk:
                    complete = True
                    break
                body += chunk
        finally:
            oversized = len(body) > self._transport.max_answer
            kept = bytes(body[:KEPT_OF_OVERSIZED] if oversized else body)
            exchange.response_redacted = self._redactor.body(kept)
            exchange.response_digest = hashlib.sha256(body).hexdigest()
        if not complete:
            staff = TOO_LARGE if self._request.safe else ""
            raise OutcomeUnknown("the answer is larger than the limit", staff=staff)
        wire.hook(self.stage, "body")
        return Answer(
            status=response.status_code,
            body=kept,
            redacted=exchange.response_redacted,
            retry_after=response.headers.get("Retry-After", ""),
            clock_skew_ms=exchange.clock_skew_ms,
            clean=self._redactor.text,
        )

    def _broken(self, error: Exception, wire: sockets.Wire) -> ProviderError:
        """Name a broken connection by the one thing that matters: whether a byte may have left."""
        root = _root(error)
        line = f"{self._request.operation}: {type(root).__name__}"
        if isinstance(root, OSError) and root.strerror:
            line = f"{line}: {root.strerror}"
        if self._left or wire.left:
            return OutcomeUnknown(line, staff=NO_ANSWER if self._request.safe else "")
        if isinstance(root, ssl.SSLError):
            return Unavailable(line, staff=NOT_TRUSTED)
        return Unavailable(line, staff=NO_TIME if isinstance(root, TimeoutError) else "")


def _root(error: BaseException) -> BaseException:
    """The first cause below the wrappings of the libraries."""
    for _depth in range(10):
        inner = error.__cause__ or error.__context__
        inner = inner or next((part for part in error.args if isinstance(part, BaseException)), None)
        inner = inner or getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            break
        error = inner
    return error
