"""The signature of an answer, and how numbers stand in it ("Signature"). Holds no answers.

PHP prints a number in two ways: into JSON with the shortest text that is exact, and in a sentence with 14
digits. Which one is signed the document does not say: a setting chooses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from sandbox.bitloga.numbers import php_number
from sandbox.wire import plain

STYLES = ("raw", "php", "wrong", "missing")
SENTENCE = Context(prec=14, rounding=ROUND_HALF_EVEN)


def in_sentence(number: Decimal) -> str:
    """A float as PHP casts it to text: 0.00005 -> 5.0E-5, 1.0 -> 1, 20999999.99999999 -> 21000000."""
    held = Decimal(float(number))  # what PHP really holds: it decides to which side a half is rounded
    short = SENTENCE.create_decimal(held).normalize()
    if not short:
        return "0"
    power = short.adjusted()
    if -5 < power < SENTENCE.prec:
        return plain(short)
    sign, digits, _ = short.as_tuple()
    text = "".join(map(str, digits))
    mark = "-" if power < 0 else "+"
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{mark}{abs(power)}"


def _text(value: Any, number: Callable[[Decimal], str]) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "1"
    return number(value) if isinstance(value, Decimal) else str(value)


def base_text(details: Mapping[str, Any], number: Callable[[Decimal], str]) -> str:
    """What is signed: the values in their order; a map is its keys, a comma, its values."""
    parts = []
    for value in details.values():
        if isinstance(value, Mapping):
            parts.append(",".join(value) + "," + ",".join(_text(one, number) for one in value.values()))
        elif isinstance(value, (list, tuple)):
            keys = ",".join(str(place) for place in range(len(value)))
            parts.append(keys + "," + ",".join(_text(one, number) for one in value))
        else:
            parts.append(_text(value, number))
    return "|".join(parts)


def sign(details: Mapping[str, Any], secret: str, style: str) -> dict[str, Any]:
    """The details with their signature; `style` is one of STYLES. Decimals stand for JSON numbers."""
    if style == "missing":
        return dict(details)
    key = secrets.token_hex(32) if style == "wrong" else secret
    text = base_text(details, in_sentence if style == "php" else php_number)
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return {**details, "signature": base64.b64encode(digest).decode()}
