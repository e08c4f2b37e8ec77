"""Threads that start at the same instant, and locks taken away: what every test of a race is made of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.db import connections, models
from django.db.models.query import QuerySet

from payments.services import calls


def race(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run all of them at the same instant, each in a thread with a connection of its own.

    Gives for each what it returned, or the exception that it raised.
    """
    gate = threading.Barrier(len(calls))

    def one(call: Callable[[], Any]) -> Any:
        try:
            connections["default"].ensure_connection()
            gate.wait(60)
            return call()
        except Exception as error:  # noqa: BLE001 - handed to the test, which judges it
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def won(outcomes: Sequence[Any]) -> list[Any]:
    """Those that raised nothing."""
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


def lost(outcomes: Sequence[Any]) -> list[BaseException]:
    """What the others were told."""
    return [outcome for outcome in outcomes if isinstance(outcome, BaseException)]


def without_lock(monkeypatch: pytest.MonkeyPatch, *unlocked: type[models.Model]) -> None:
    """Take the row lock of these models away: `select_for_update` reads without it. For controls only."""
    locking = QuerySet.select_for_update

    def reading(self: Any, *arguments: Any, **options: Any) -> Any:
        return self.all() if self.model in unlocked else locking(self, *arguments, **options)

    monkeypatch.setattr(QuerySet, "select_for_update", reading)


def meet(
    monkeypatch: pytest.MonkeyPatch, place: Any, name: str, *, parties: int, seconds: float = 1.0
) -> None:
    """Let that many threads reach the end of `place.name` before any goes on, or give up after `seconds`.

    Makes a window certain that is short in life. With the lock in place they cannot meet, and go on one by one.
    """
    real, gate = getattr(place, name), threading.Barrier(parties)

    def waiting(*arguments: Any, **named: Any) -> Any:
        result = real(*arguments, **named)
        with suppress(threading.BrokenBarrierError):
            gate.wait(seconds)
        return result

    monkeypatch.setattr(place, name, waiting)


class Sleeper:
    """A worker that stands still where `place.name` is called, before it or (`after`) when that has answered.

    Unless said otherwise that is where a client is made: the row is claimed and no attempt is written down.
    """

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        place: Any = calls,
        name: str = "client",
        *,
        after: bool = False,
    ) -> None:
        self.asleep, self.wake = threading.Event(), threading.Event()
        self._real, self._after = getattr(place, name), after
        monkeypatch.setattr(place, name, self._slow)
        self._thread = threading.Thread(target=lambda: None)

    def _slow(self, *arguments: Any, **named: Any) -> Any:
        if threading.current_thread() is not self._thread or self.asleep.is_set():
            return self._real(*arguments, **named)
        if self._after:
            result = self._real(*arguments, **named)
            self._stand()
            return result
        self._stand()
        return self._real(*arguments, **named)

    def _stand(self) -> None:
        self.asleep.set()
        assert self.wake.wait(30)

    def begin(self, work: Callable[[], Any]) -> None:
        """Let it work, until it stands still."""

        def run() -> None:
            try:
                work()
            finally:
                connections.close_all()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert self.asleep.wait(30)

    def end(self) -> None:
        """Let it go on, until it has ended."""
        self.wake.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
