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
