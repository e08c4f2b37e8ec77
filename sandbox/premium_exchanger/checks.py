"""What create_bid finds wrong with the fields of a form: HTML by field, as the exchanger writes it.
Holds no amounts and no bids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from sandbox.premium_exchanger.catalog import Direction

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
FORMATS = {
    "card": re.compile(r"[0-9]{16,19}", re.ASCII),
    "trc20": re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}", re.ASCII),
    "email": EMAIL,
}


def problems(direction: Direction, params: Mapping[str, str]) -> dict[str, str]:
    """HTML by the name of the field."""
    found: dict[str, str] = {}
    for field in direction.fields:
        name, value = str(field["name"]), params.get(str(field["name"]), "").strip()
        problem = _problem(field, value)
        if problem:
            found[name] = f'<span class="error">{problem}: <b>{escape(str(field["label"]))}</b></span>'
    return found


def _problem(field: Mapping[str, Any], value: str) -> str:
    options = _options(field)
    if options is not None:
        # The first option of a list says that none was chosen.
        if value in ("", "0"):
            return "Not selected" if field.get("req") else ""
        return "" if value in options else "Not an option"
    if not value:
        return "Empty" if field.get("req") else ""
    pattern = FORMATS.get(str(field.get("check")))
    return "" if pattern is None or pattern.fullmatch(value.replace(" ", "")) else "Wrong"


def _options(field: Mapping[str, Any]) -> set[str] | None:
    options = field.get("options")
    if isinstance(options, dict):
        return set(options)
    if isinstance(options, list):
        return {str(place) for place in range(len(options))}
    return None
