"""The check that every state change goes through. Imports nothing of ours.

Holds no table of any object: each model keeps its TRANSITIONS beside its choices.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


class IllegalMove(Exception):
    """The object may not go from `old` to `new`. The message is a plain sentence for staff."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new
        super().__init__(f"This is {old} and cannot become {new}.")


def check_move(transitions: Mapping[Any, Collection[str]], old: str, new: str) -> None:
    """Raise IllegalMove unless the table lists `new` behind `old`."""
    if new not in transitions.get(old, ()):
        raise IllegalMove(old, new)


def closed(transitions: Mapping[Any, Collection[str]]) -> set[str]:
    """The states that nothing leaves."""
    return {state for state, ways in transitions.items() if not ways}
