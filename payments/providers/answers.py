"""Reading what providers send: texts, ids and amounts out of parsed JSON, strictly. Holds no provider's
words.

Whatever cannot be read exactly raises Unreadable: nothing is guessed, nothing is dropped silently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal, localcontext
from typing import Any

from backoffice.kit import money
from payments.providers.redaction import storable

#: Integer digits that we can keep, and decimals beyond which no currency goes: PHP prints up to 17 digits of
#: noise.
MAX_WHOLE = money.MAX_DIGITS - money.DECIMAL_PLACES
MAX_PLACES = 40

_LINK = re.compile(r"https?://[^\s\"'<>\\^`{|}]+", re.IGNORECASE)


class Unreadable(ValueError):
    """The answer does not say what it must. The message names the part, never its value."""


def json_object(body: bytes) -> dict[str, Any] | None:
    """A body as a JSON object with Decimals, or None when it is anything else."""
    with suppress(ValueError):
        found = money.loads(body)
        return found if isinstance(found, dict) else None
    return None


def amount(data: Mapping[str, Any], name: str) -> Decimal:
    """An amount, not negative, exactly as it is spelled. JSON numbers and the same as text."""
    found = signed_amount(data, name)
    if found < 0:
        raise Unreadable(f"{name} is negative")
    return found


def signed_amount(data: Mapping[str, Any], name: str) -> Decimal:
    """An amount that may be below zero, as a balance may."""
    value = data.get(name)
    if isinstance(value, str):
        with suppress(ValueError):
            value = money.loads(
                value
            )  # the same grammar: no comma, no sign before, no digits of other scripts
    if not isinstance(value, Decimal) or not value.is_finite():
        raise Unreadable(f"{name} is not a number")
    if value.is_zero():
        return Decimal(0)
    if value.adjusted() >= MAX_WHOLE or int(value.as_tuple().exponent) < -MAX_PLACES:
        raise Unreadable(f"{name} has too many digits")
    return value


def difference(whole: Decimal, part: Decimal) -> Decimal:
    """`whole` - `part` to the last digit: the usual 28 digits of arithmetic would round."""
    with localcontext() as context:
        context.prec = 2 * (MAX_WHOLE + MAX_PLACES)
        return whole - part


def text(data: Mapping[str, Any], name: str, *, limit: int = 300) -> str:
    """A text or a number as text; "" when it is missing or one of PHP's empty values."""
    value = data.get(name)
    if value is None or value is False or value in ("", [], {}):
        return ""
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > MAX_PLACES:
            raise Unreadable(f"{name} is not a text")
        value = money.plain(value)
    if not isinstance(value, str) or len(value) > limit:
        raise Unreadable(f"{name} is not a text")
    return storable(value)


def needed(data: Mapping[str, Any], name: str, *, limit: int = 300) -> str:
    """A text that must be there, without outer spaces."""
    found = text(data, name, limit=limit).strip()
    if not found:
        raise Unreadable(f"{name} is missing")
    return found


def link(data: Mapping[str, Any], name: str) -> str:
    """An http(s) address for people to open; "" for anything else, such as a script."""
    with suppress(Unreadable):
        found = text(data, name, limit=2000).strip()
        return found if _LINK.fullmatch(found) else ""
    return ""


def word(found: str) -> str:
    """A status as it is compared: outer spaces and case do not matter."""
    return found.strip().lower()
