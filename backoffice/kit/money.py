"""Exact amounts: text to Decimal and back, JSON with Decimals, and the rounding of currencies.

Imports nothing of ours. Holds no currency table (see payments.models.currencies) and no rule about money.
"""

from __future__ import annotations

import json
import re
from decimal import (
    ROUND_HALF_EVEN,
    Decimal,
    DefaultContext,
    Inexact,
    InvalidOperation,
    getcontext,
    localcontext,
)
from typing import Any

import simplejson

MAX_DIGITS = 36
DECIMAL_PLACES = 18

# Python rounds every sum, and even -amount, to 28 digits; amounts have 36 and their products 72. The first
# line is for threads to come, the second for the one that imports us.
DefaultContext.prec = 2 * MAX_DIGITS
getcontext().prec = 2 * MAX_DIGITS

# [0-9], not \d: Arabic and other digits are refused rather than guessed.
_PLAIN = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?", re.ASCII)


#: Numbers with more digits than this are nobody's amount; spelled out, 1E+999999999 would fill the memory.
_SPELLABLE = 1000


def gettext_noop(message: str) -> str:
    """Return `message` unchanged: it marks the sentence for translation without importing Django."""
    return message


class BadAmount(ValueError):
    """The text is not an exact amount that we can keep. The message is a plain sentence for a person.

    To translate it: `_(error.words) % error.params`.
    """

    def __init__(self, words: str, **params: object) -> None:
        self.words, self.params = words, params
        super().__init__(words % params)


_NOT_PLAIN = gettext_noop("Enter a number such as 12.50: digits and a point, nothing else.")
_NOT_A_NUMBER = gettext_noop("This is not a number.")
_NOT_FINITE = gettext_noop("This is not a finite number.")
_TOO_LARGE = gettext_noop("This number is too large.")
_TOO_FINE = gettext_noop("At most %(places)s digits after the point are possible here.")


def parse(text: str, *, places: int = DECIMAL_PLACES) -> Decimal:
    """Read an amount that a person typed: digits with an optional point, at most `places` decimals.

    Raises BadAmount for anything else: exponents, commas, spaces, other digits, too large, too fine.
    """
    if not isinstance(text, str) or not _PLAIN.fullmatch(text):
        raise BadAmount(_NOT_PLAIN)
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
        raise BadAmount(_NOT_A_NUMBER)
    return _kept(number, places=DECIMAL_PLACES)


def _kept(number: Decimal, *, places: int) -> Decimal:
    if not number.is_finite():
        raise BadAmount(_NOT_FINITE)
    if number.is_zero():
        return Decimal(0)
    # The exponent is looked at before any arithmetic: 1E+9999 must not be spelled out.
    if number.adjusted() >= MAX_DIGITS - DECIMAL_PLACES:
        raise BadAmount(_TOO_LARGE)
    with localcontext() as context:
        context.prec = MAX_DIGITS
        context.traps[Inexact] = True
        try:
            stripped = number.normalize()
        except Inexact:  # more digits than we keep, wherever the point stands: never rounded away
            raise BadAmount(_TOO_FINE, places=places) from None
        if -int(stripped.as_tuple().exponent) > places:
            raise BadAmount(_TOO_FINE, places=places)
        return stripped.quantize(Decimal(1)) if stripped == stripped.to_integral_value() else stripped


def quantize(number: Decimal, places: int) -> Decimal:
    """Round half to even to `places` decimals. The one rounding of the house: say so where it is shown."""
    with localcontext() as context:
        context.prec = 2 * MAX_DIGITS + DECIMAL_PLACES
        return number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)


def _spelled(number: Decimal) -> str:
    if not number.is_finite():
        raise BadAmount(_NOT_FINITE)
    if number.is_zero():
        return "0"
    if number.adjusted() > _SPELLABLE or -int(number.as_tuple().exponent) > _SPELLABLE:
        raise BadAmount(_TOO_LARGE)
    return format(number, "f")


def plain(number: Decimal) -> str:
    """Spell an amount without exponent and without trailing zeros after the point.

    Raises BadAmount for what is not finite or would take thousands of digits.
    """
    text = _spelled(number)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _refuse(_word: str) -> Any:
    raise BadAmount(_NOT_A_NUMBER)


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
    except InvalidOperation:  # an exponent of twenty digits
        raise BadAmount(_TOO_LARGE) from None


def _raw(value: Any) -> Any:
    if isinstance(value, Decimal):
        return simplejson.RawJSON(_spelled(value))
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("Names in JSON are texts.")  # simplejson would spell numbers in its own way
        return {name: _raw(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_raw(item) for item in value]
    if isinstance(value, float):
        raise BadAmount("Amounts are never floats.")
    return value


def dumps(value: Any) -> bytes:
    """Write compact JSON whose Decimals are plain numbers (no exponent): the exact bytes to sign and send.

    Raises BadAmount for floats and for numbers that are not finite, TypeError for what JSON has no form for.
    """
    return simplejson.dumps(_raw(value), separators=(",", ":"), ensure_ascii=False).encode("utf-8")
