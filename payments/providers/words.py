"""Marks English sentences for translation without importing Django. Holds no sentence of its own."""

from __future__ import annotations


def gettext_noop(message: str) -> str:
    """Return `message` unchanged: `makemessages` finds the call, the page that shows it translates."""
    return message
