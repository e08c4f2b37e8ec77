"""The sandbox's own time: the wall clock plus an offset that can be moved. Holds no waiting."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Time that can be moved on. `speed` shortens every pause (2 = half as long); it does not bend dates."""

    def __init__(self, *, speed: float = 1.0, offset: float = 0.0) -> None:
        if speed <= 0:
            raise ValueError("speed must be above zero")
        self.speed = speed
        self.offset = offset

    def stamp(self) -> float:
        """Sandbox time as seconds since 1970 (UTC)."""
        return time.time() + self.offset

    def now(self) -> datetime:
        """Sandbox time as an aware UTC datetime."""
        return datetime.fromtimestamp(self.stamp(), UTC)

    def after(self, seconds: float) -> float:
        """The stamp at which a pause of that many seconds, begun now, is over."""
        return self.stamp() + self.pause(seconds)

    def pause(self, seconds: float) -> float:
        """How long a pause of that many seconds lasts at this speed."""
        return seconds / self.speed

    def advance(self, seconds: float) -> None:
        """Move the clock on, or back when negative."""
        self.offset += seconds
