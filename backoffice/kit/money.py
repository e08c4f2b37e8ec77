"""Exact amounts: text to Decimal and back, JSON with Decimals, and the rounding of currencies.

Imports nothing of ours. Holds no currency table (see payments.models.currencies) and no rule about money.
"""

from __future__ import annotations

import json
import re
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import simplejson

MAX_DIGITS = 36
DECIMAL_PLACES = 18
LIMIT = Decimal(10) ** (MAX_DIGITS - DECIMAL_PLACES)
STEP = Decimal(1).scaleb(-DECIMAL_PLACES)

# [0-9], not \d: Arabic and other digits are refused rather than guessed.
_PLAIN = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?", re.ASCII)


class BadAmount(ValueError):
    """The text is not an exact amount that we can keep. The message is a plain sentence for a person."""


def parse(text: str, *, places: int = DECIMAL_PLACES) -> Decimal:
    """Read an amount that a person typed: digits with an optional point, at most `places` decimals.

    Raises BadAmount for anything else: exponents, commas, spaces, other digits, too large, too fine.
    """
    if not isinstance(text, str) or not _PLAIN.fullmatch(text):
        raise BadAmount("Enter a number such as 12.50: digits and a point, nothing else.")
    return _kept(Decimal(text), places=places)


def read(value: Any) -> Decimal:
    """Read an amount that a provider sent: a JSON number or the same as text, exponent allowed.

    Raises BadAmount for anything that is not a finite number within 36 digits and 18 decimals.
    """
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, int) and not isinstance(value, bool):
        number = Decimal(value)
    elif isinstance(value, str) and _NUMBER.fullmatch(value.strip(" ")):
        number = Decimal(value.strip(" "))
    else:
        raise BadAmount("This is not a number.")
    return _kept(number, places=DECIMAL_PLACES)


def _kept(number: Decimal, *, places: int) -> Decimal:
    if not number.is_finite():
        raise BadAmount("This is not a finite number.")
    if number.is_zero():
        return Decimal(0)
    # The exponent is looked at before any arithmetic: 1E+9999 must not be spelled out.
    if number.adjusted() >= MAX_DIGITS - DECIMAL_PLACES:
        raise BadAmount("This number is too large.")
    if number.adjusted() < -DECIMAL_PLACES - 40:
        raise BadAmount(f"At most {places} digits after the point are possible here.")
    with localcontext() as context:
        context.prec = 120
        stripped = number.normalize()
        if -int(stripped.as_tuple().exponent) > places:
            raise BadAmount(f"At most {places} digits after the point are possible here.")
        return stripped.quantize(Decimal(1)) if stripped == stripped.to_integral_value() else stripped


def quantize(number: Decimal, places: int) -> Decimal:
    """Round half to even to `places` decimals. The one rounding of the house: say so where it is shown."""
    with localcontext() as context:
        context.prec = 80
        return number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)


def plain(number: Decimal) -> str:
    """Spell an amount without exponent and without trailing zeros after the point."""
    if number.is_zero():
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _refuse(word: str) -> Any:
    raise BadAmount(f"{word} is not a number.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def loads(text: str | bytes) -> Any:
    """Read JSON with every number as Decimal. Raises ValueError (BadAmount is one) for anything unclear:

    NaN and Infinity, a name given twice, nesting too deep, bytes that are not UTF-8, a byte order mark.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    try:
        return json.loads(
            text, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse, object_pairs_hook=_unique
        )
    except RecursionError:
        raise ValueError("nested too deep") from None


def _raw(value: Any) -> Any:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise BadAmount("This is not a finite number.")
        return simplejson.RawJSON(format(value, "f"))
    if isinstance(value, dict):
        return {name: _raw(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_raw(item) for item in value]
    if isinstance(value, float):
        raise BadAmount("Amounts are never floats.")
    return value


def dumps(value: Any) -> bytes:
    """Write compact JSON whose Decimals are plain numbers (no exponent): the exact bytes to sign and send.

    Raises BadAmount for floats and for numbers that are not finite.
    """
    return simplejson.dumps(_raw(value), separators=(",", ":"), ensure_ascii=False).encode("utf-8")
