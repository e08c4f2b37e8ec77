"""The check that every state change goes through. Imports nothing of ours.

Holds no table of any object: each model keeps its TRANSITIONS beside its choices.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _


class IllegalMove(Exception):
    """The object may not go from `old` to `new`. The message is a plain sentence for staff."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new
        super().__init__(
            _("This is %(old)s and cannot become %(new)s.") % {"old": _word(old), "new": _word(new)}
        )


def _word(state: str) -> str:
    """A state as people read it: its label where it has one."""
    return str(getattr(state, "label", state)).replace("_", " ").lower()


def check_move(transitions: Mapping[Any, Collection[str]], old: str, new: str) -> None:
    """Raise IllegalMove unless the table lists `new` behind `old`."""
    if new not in transitions.get(old, ()):
        labelled = {str(state): state for state in transitions}
        raise IllegalMove(labelled.get(old, old), labelled.get(new, new))


def closed(transitions: Mapping[Any, Collection[str]]) -> set[str]:
    """The states that nothing leaves."""
    return {state for state, ways in transitions.items() if not ways}
