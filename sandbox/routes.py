"""How the control API maps a method and a path to a function. Holds no routes itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.wire import load


class ControlError(Exception):
    """A control request that cannot be done; the text is for people."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Route:
    """One place of the control API. `view(data, **groups)` returns what is answered as JSON."""

    method: str
    pattern: str
    view: Callable[..., Any]
    said: Any = ""  # what the page says after a form did this
    anchor: str = ""  # where on the page the person is taken then

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The named groups of the pattern, if method and path fit."""
        found = re.fullmatch(self.pattern, path) if method == self.method else None
        return found.groupdict() if found else None


def amount_of(data: Mapping[str, Any], name: str) -> Decimal | None:
    """An amount from JSON or a form; None where it is absent or empty. Raises ControlError."""
    value = data.get(name)
    if value is None or value == "":
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise ControlError(f"{name}: a number, please.")
    return amount


def seconds_of(data: Mapping[str, Any], name: str) -> float | None:
    """A length of time from JSON or a form; None where it is absent. Raises ControlError."""
    amount = amount_of(data, name)
    return None if amount is None else float(amount)


def whole_of(data: Mapping[str, Any], name: str, default: int | None = None) -> int | None:
    """A whole number from JSON or a form. Raises ControlError."""
    amount = amount_of(data, name)
    if amount is None:
        return default
    if amount != int(amount):
        raise ControlError(f"{name}: a whole number, please.")
    return int(amount)


def truth_of(data: Mapping[str, Any], name: str, default: bool | None = None) -> bool | None:
    """Yes or no from JSON or a form. Raises ControlError."""
    value = data.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool):
        return value
    words = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
    if str(value).lower() not in words:
        raise ControlError(f"{name}: true or false, please.")
    return words[str(value).lower()]


def text_of(data: Mapping[str, Any], name: str, default: str = "") -> str:
    """A text from JSON or a form. Raises ControlError."""
    value = data.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise ControlError(f"{name}: a text, please.")
    return value


def object_of(data: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """An object from JSON, or from a form's text that is JSON. Raises ControlError."""
    value = data.get(name)
    if isinstance(value, str) and value.strip():
        try:
            value = load(value)
        except ValueError as error:
            raise ControlError(f"{name}: this is not JSON.") from error
    if value is None or value == "":
        return None
    if not isinstance(value, dict):
        raise ControlError(f"{name}: an object, please.")
    return value
