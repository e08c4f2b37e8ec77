"""How bitloga prints its answers: as PHP's json_encode does. Holds no amounts' meaning.

This and coinjoin.signing are the only places of the sandbox with floats: PHP has no decimals, and its artefacts
are what is imitated. The ledger never sees these numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import simplejson

from sandbox.wire import plain

LARGEST = 300
STYLES = ("php", "noise", "string", "fixed")


def php_number(amount: Decimal) -> str:
    """A number as json_encode prints a float with serialize_precision -1: 10.00 -> 10, 1e-8 -> 1.0e-8."""
    if not amount:
        return "0"
    shortest = Decimal(repr(float(amount))).normalize()
    sign, digits, _ = shortest.as_tuple()
    text = "".join(map(str, digits))
    point = shortest.adjusted() + 1  # the value is 0.text times ten to the power of this
    minus = "-" if sign else ""
    if point < -3 or point > 17:
        power = point - 1
        return f"{minus}{text[0]}.{text[1:] or '0'}e{'-' if power < 0 else '+'}{abs(power)}"
    return minus + plain(abs(shortest))


def noisy_number(amount: Decimal) -> str:
    """A number with what a float really holds: 10.1 -> 10.0999999999999996."""
    text = format(float(amount), ".16f").rstrip("0").rstrip(".")
    return text or "0"


def fixed_number(amount: Decimal) -> str:
    """A number with at least two decimals: 10 -> 10.00."""
    text = plain(amount)
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def _value(value: Any, style: str) -> Any:
    if isinstance(value, Decimal):
        if style == "string":
            return plain(value)
        if value.adjusted() > LARGEST:
            return simplejson.RawJSON(
                str(value)
            )  # beyond floats; only a fault puts such numbers into answers
        printed = {"php": php_number, "noise": noisy_number, "fixed": fixed_number}[style](value)
        return simplejson.RawJSON(printed)
    if isinstance(value, dict):
        return {key: _value(item, style) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item, style) for item in value]
    return value


def encode(data: Any, style: str) -> str:
    """JSON as PHP writes it: no spaces, slashes and all beyond ASCII escaped, numbers in that style."""
    text = simplejson.dumps(_value(data, style), separators=(",", ":"), ensure_ascii=True)
    return text.replace("/", "\\/")
