"""How far our clock is from bitexbit's, as its answers show. Holds the memory of one process and the limit; asks nobody.

A request carries the moment until which it may be carried out. With clocks apart that moment is another one there: a
withdrawal that we believe dead could still leave.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from payments.providers.words import gettext_noop as _

#: Beyond this nothing that moves or creates is sent.
MOST_SKEW_MS = 2_000
#: A measurement is believed for so long.
BELIEVED_SECONDS = 300
#: An answer that took longer says too little about the moment at which its date was written.
QUICK_SECONDS = 1.5

APART = _(
    "Our clock and bitexbit's are %(seconds)s seconds apart, and no more than 2 are allowed. Nothing is sent until the "
    "clock of this machine is right."
)


@dataclass(frozen=True)
class _Measured:
    skew_ms: int
    wall_ms: int
    monotonic_ms: int


_measured: dict[str, _Measured] = {}
_lock = threading.Lock()


def note(place: str, skew_ms: int | None, took: float) -> None:
    """Remember what an answer of `place` (a base URL) showed: our clock minus theirs; `took` is in seconds."""
    if skew_ms is None or took > QUICK_SECONDS:
        return
    with _lock:
        _measured[place] = _Measured(skew_ms, time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000)


def known(place: str) -> int | None:
    """Our clock minus theirs in milliseconds, corrected by what our clock was set since; None if nobody knows lately."""
    with _lock:
        measured = _measured.get(place)
    if measured is None:
        return None
    passed = time.monotonic_ns() // 1_000_000 - measured.monotonic_ms
    if passed > BELIEVED_SECONDS * 1000:
        return None
    return measured.skew_ms + (time.time_ns() // 1_000_000 - measured.wall_ms) - passed


def is_apart(skew_ms: int | None) -> bool:
    """Whether a skew is beyond the limit."""
    return skew_ms is not None and abs(skew_ms) > MOST_SKEW_MS


def seconds(skew_ms: int) -> str:
    """A skew for a sentence: seconds with one decimal."""
    whole, tenths = divmod(abs(skew_ms) // 100, 10)
    return f"{whole}.{tenths}"


def forget() -> None:
    """Know nothing, as after a start."""
    with _lock:
        _measured.clear()
