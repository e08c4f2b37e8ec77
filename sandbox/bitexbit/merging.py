"""What may be said about bitexbit's settings in short forms, spelled out. Holds no defaults (see declared)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.bitexbit.methods import method
from sandbox.routes import ControlError, object_of
from sandbox.wire import load

if TYPE_CHECKING:
    from sandbox.bitexbit.provider import Bitexbit


def merge_settings(provider: Bitexbit, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Single `methods` and `pairs` laid over those that there are, one level deep; None takes one away.

    Raises ControlError."""
    merged = {name: value for name, value in changes.items() if name not in ("methods", "pairs")}
    for name in ("methods", "pairs"):
        given = object_of(changes, name)
        if given is None:
            continue
        found = dict(provider.setting(name))
        for key, value in given.items():
            if isinstance(value, dict) and isinstance(found.get(key), dict):
                found[key] = {**found[key], **value}
            else:
                found[key] = value
        merged[name] = {key: value for key, value in found.items() if value is not None}
    for code, value in merged.get("methods", {}).items():
        try:
            method(code, value)
        except (ArithmeticError, TypeError, ValueError, AttributeError) as error:
            text = f"methods: {code} must be ticker:network, with numbers where numbers stand."
            raise ControlError(text) from error
    if merged.get("withdraw_path") is not None:
        merged["withdraw_path"] = _path(merged["withdraw_path"])
    return merged


def _path(given: Any) -> list[Any]:
    """The statuses of a withdrawal's way, from a list or its JSON. Raises ControlError."""
    found = given
    if isinstance(given, str):
        try:
            found = load(given)
        except ValueError:
            found = None
    if not isinstance(found, list) or not all(str(status).isdecimal() for status in found):
        raise ControlError("withdraw_path: a list of statuses such as [10, 20, 30], please.")
    return found
