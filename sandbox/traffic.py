"""What was asked lately, and how fast. Holds the log of requests (no secrets) and the limit of calls per
second; both are forgotten when the sandbox stops."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections import deque
from typing import Any

from sandbox.wire import Call

KEPT = 5000


class Traffic:
    """The last requests of all providers, newest last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._log: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._times: dict[tuple[str, str], deque[float]] = {}

    def record(self, call: Call, *, at: str, answer: str, fault: str, duration_ms: int) -> None:
        """Keep one request. `call.params` must be without secrets; the body is kept as a digest."""
        line = {
            "id": next(self._numbers),
            "at": at,
            "provider": call.provider,
            "account": call.account,
            "action": call.action,
            "uniqueid": call.uniqueid,
            "params": call.params,
            "body_sha256": hashlib.sha256(call.request.body).hexdigest(),
            "body_size": len(call.request.body),
            "answer": answer,
            "fault": fault,
            "duration_ms": duration_ms,
        }
        with self._lock:
            self._log.append(line)

    def requests(self, provider: str) -> list[dict[str, Any]]:
        """What a provider was asked, newest first."""
        with self._lock:
            return [line for line in reversed(self._log) if line["provider"] == provider]

    def is_too_fast(self, call: Call, *, limit: int | None) -> bool:
        """Whether this call is one too many within its account's last second. Refused calls count too."""
        if limit is None:
            return False
        now = time.monotonic()
        with self._lock:
            times = self._times.setdefault((call.provider, call.account), deque())
            while times and times[0] <= now - 1:
                times.popleft()
            times.append(now)
            return len(times) > limit

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._log.clear()
            self._times.clear()
