"""What one call is made of: its trace, the caller's part in it, the request and the answer. Holds no
behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from payments.providers import hosts
from payments.providers.redaction import Secret


@dataclass
class Exchange:
    """The trace of one call, handed to `Transport.record` at each stage. Never holds a secret.

    `number` belongs to the services. `outcome` is "ok" or the name of the error class, `reason` that of a
    refusal (see Refused). `clock_skew_ms` is
    our clock minus the provider's, to about half a second. After a repeated read it speaks of the last
    attempt.
    """

    provider: str
    operation: str
    method: str
    url: str
    safe: bool
    priority: str
    request_digest: str
    request_size: int
    request_redacted: str
    deadline: datetime
    started_at: datetime
    number: int | None = None
    status: int | None = None
    response_redacted: str = ""
    response_digest: str = ""
    response_date: datetime | None = None
    outcome: str = ""
    error: str = ""
    reason: str = ""
    duration_ms: int | None = None
    clock_skew_ms: int | None = None


def _nothing(*_arguments: object) -> None:
    return None


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Transport:
    """How the caller takes part in a call, and its limits (seconds).

    `gate(priority)` is rate limit and breaker ("callback", "money", "read" or "poll"): raises RateLimited or
    Unavailable. `before_bytes()` runs after connect and TLS, right before the first byte leaves: whatever it
    raises, nothing was sent. `record(stage, exchange)` sees prepared, connected, half (of the body; not for
    reads), sent, headers, body, each at most once and in this order, then exactly one done, also after
    errors. What a hook raises reaches the caller untouched, but no hook can refuse what has left: a
    ProviderError raised after the first byte becomes OutcomeUnknown. `internal_hosts` are the host:port that
    may be private and without TLS. `read_pauses` are the waits before a read is repeated; a call that is not
    safe never is. `now` gives the time that a call is dated by.
    """

    gate: Callable[[str], None] = _nothing
    before_bytes: Callable[[], None] = _nothing
    record: Callable[[str, Exchange], None] = _nothing
    internal_hosts: frozenset[str] = frozenset()
    read_priority: str = "read"
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    total_timeout: float = 35.0
    max_answer: int = 1 << 20
    read_pauses: tuple[float, ...] = (0.2, 1.0)
    resolver: hosts.Resolver = hosts.resolve
    ca_bundle: str = ""
    now: Callable[[], datetime] = _utc_now


@dataclass(frozen=True)
class Request:
    """One call, ready to be sent: the exact bytes, and what must not be seen of them.

    `safe`: repeating it changes nothing there. `secrets`: values of this call that no trace may show.
    """

    operation: str
    method: str
    url: str
    safe: bool
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, Secret | str] = field(default_factory=dict, repr=False)
    secrets: tuple[Secret, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Answer:
    """What came back, complete and within the limit. `redacted` is the body's text without secrets.

    `clean` takes this call's secrets out of any other text of the answer.
    """

    status: int
    body: bytes = field(repr=False)
    redacted: str
    retry_after: str
    clock_skew_ms: int | None
    clean: Callable[[str], str] = field(repr=False)
