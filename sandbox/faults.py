"""Misbehaviour on order: which faults exist, the queue of those ordered, and what they do to an answer.
Holds no sockets (see sending) and no provider's rules."""

from __future__ import annotations

import itertools
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.clock import Clock
from sandbox.wire import HTML, Answer, Call, Reply, dump

# Nothing is accepted under these, unless `accept` says so.
REFUSING = ("drop_before", "down", "rate_limit", "message", "not_found_for")
# The request is dealt with first; then the answer goes wrong.
ACCEPTING = (
    "drop_after",
    "hang_after",
    "half_body",
    "garbage_html",
    "empty",
    "truncated",
    "null",
    "status_500",
    "status_302",
    "slow",
    "delay",
    "oversized",
    "body",
    "bom",
    "latin1",
    "no_success",
    "odd_status",
    "fields",
)
MODES = (*REFUSING, *ACCEPTING)
# They hold until they are deleted or their time is over; others are used up call by call.
LASTING = ("down", "not_found_for")
OVERSIZE = 2 * 1024 * 1024


class BadFault(ValueError):
    """A fault that cannot be ordered; the text is for people."""


@dataclass
class Fault:
    """One order. `count` 0 means until it is deleted; `seconds` is a length or a pause."""

    provider: str
    action: str
    mode: str
    count: int = 1
    seconds: float | None = None
    text: str = ""
    status: int | None = None
    accept: bool | None = None
    late: bool = False
    reset: bool = False
    uniqueid: str = ""
    size: int = OVERSIZE
    value: Any = None
    fields: dict[str, Any] = field(default_factory=dict)
    id: int = 0
    used: int = 0
    until: float | None = None

    @property
    def accepts(self) -> bool:
        """Whether the request is dealt with before the fault shows."""
        return self.mode in ACCEPTING if self.accept is None else self.accept

    def fits(self, call: Call) -> bool:
        """Whether this call meets the fault."""
        return (
            self.provider in ("*", call.provider)
            and self.action in ("*", call.action)
            and self.uniqueid in ("", call.uniqueid)
        )

    def edit(self, answer: Answer, *, success: str = "success", inside: str = "") -> Answer:
        """The answer as data, changed where the fault changes data.

        `success` and `inside` are the provider's names of what tells success and of what holds the fields.
        """
        if not isinstance(answer.data, dict):
            return answer
        data = dict(answer.data)
        if self.mode == "no_success":
            if self.value is None:
                data.pop(success, None)
            else:
                data[success] = self.value
            return Answer(data, answer.status, answer.headers)
        if inside and isinstance(data.get(inside), dict):
            inner = self.edit(Answer(data[inside]))
            return Answer({**data, inside: inner.data}, answer.status, answer.headers)
        if self.mode == "odd_status":
            data["status"] = self.text or "Processing"
        elif self.mode == "fields":
            data.update(self.fields)
            data = {name: value for name, value in data.items() if value is not None}
        elif self.mode == "latin1":
            data["info"] = "Reçu"
        return Answer(data, answer.status, answer.headers)

    def spoil(self, reply: Reply) -> Reply:
        """The answer as bytes, changed where the fault changes bytes."""
        body, text = reply.body, self.text
        if self.mode == "garbage_html":
            html = text or "<!doctype html><title>Maintenance</title><h1>We will be back soon.</h1>"
            return Reply(self.status or 200, html.encode(), HTML)
        if self.mode == "status_500":
            html = text or "<html><h1>Internal Server Error</h1></html>"
            return Reply(self.status or 500, html.encode(), HTML)
        if self.mode == "status_302":
            location = text or "http://127.0.0.1:9/elsewhere"
            return Reply(self.status or 302, b"", HTML, {"Location": location})
        if self.mode == "body":
            return Reply(self.status or reply.status, text.encode(), reply.content_type)
        changed = {
            "empty": b"",
            "null": b"null",
            "truncated": body[: max(1, len(body) * 2 // 3)],
            "bom": b"\xef\xbb\xbf" + body,
            "latin1": body.replace(b"Re\\u00e7u", "Reçu".encode("latin-1")),
        }.get(self.mode, body)
        return Reply(reply.status, changed, reply.content_type, reply.headers)

    def as_json(self) -> dict[str, Any]:
        """The order as the control API shows it."""
        return asdict(self)


class Faults:
    """The orders, oldest first; each call takes the first that fits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._queue: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Order a fault. Raises BadFault."""
        if fault.mode not in MODES:
            raise BadFault(f"There is no mode {fault.mode!r}. There are: {', '.join(MODES)}.")
        if fault.mode == "message" and not fault.text:
            raise BadFault("The mode message needs a text.")
        if fault.mode == "not_found_for" and not fault.seconds:
            raise BadFault("The mode not_found_for needs seconds.")
        if fault.count < 0 or fault.size < 0 or (fault.seconds or 0) < 0:
            raise BadFault("count, size and seconds cannot be negative.")
        if fault.status is not None and not 200 <= fault.status <= 599:
            raise BadFault("status must be between 200 and 599.")
        dump(fault.fields)
        with self._lock:
            fault.id = next(self._numbers)
            if fault.mode in LASTING and fault.seconds:
                fault.until = self._clock.after(fault.seconds)
                fault.count = 0
            self._queue.append(fault)
        return fault

    def take(self, call: Call) -> Fault | None:
        """The first fault that fits this call, used once by that."""
        with self._lock:
            self._drop_old()
            for fault in self._queue:
                if fault.mode != "down" and fault.fits(call):
                    fault.used += 1
                    self._drop_old()
                    return fault
        return None

    def is_down(self, provider: str) -> bool:
        """Whether connections to this provider are closed at once."""
        with self._lock:
            self._drop_old()
            for fault in self._queue:
                if fault.mode == "down" and fault.provider in ("*", provider):
                    fault.used += 1
                    return True
        return False

    def _drop_old(self) -> None:
        now = self._clock.stamp()
        self._queue = [
            fault
            for fault in self._queue
            if (fault.count == 0 or fault.used < fault.count) and (fault.until is None or fault.until > now)
        ]

    def waiting(self) -> list[Fault]:
        """The orders that still wait for calls, oldest first."""
        with self._lock:
            self._drop_old()
            return list(self._queue)

    def cancel(self, fault_id: int | None = None) -> int:
        """Forget one order, or all; how many there were."""
        with self._lock:
            kept = [fault for fault in self._queue if fault_id is not None and fault.id != fault_id]
            gone = len(self._queue) - len(kept)
            self._queue = kept
        return gone
