"""The signature of a transaction: base64(HMAC-SHA256(secret_key, its values joined by "|")), as PHP spells them.

Which spelling of a number the service signs is not documented: the text of the JSON (candidate "raw") or PHP's
own of the decoded number ("php"). Both are tried; no amount is ever read here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from payments.providers.redaction import Secret

RAW, PHP = "raw", "php"
FIELD = "signature"

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII)
_EXPONENT = re.compile(r"E([+-])0*([0-9]+)\Z", re.ASCII)
_LARGEST = 2**63 - 1
_LONGEST = 20  # characters of a whole number within 64 bits


class Spelled(str):
    """A JSON number exactly as it was spelled."""

    __slots__ = ()


def spelled(body: bytes) -> Any:
    """JSON with every number as Spelled. For bodies that `answers.json_object` has already accepted."""
    return json.loads(body, parse_float=Spelled, parse_int=Spelled, parse_constant=Spelled)


def judge(secret: Secret, transaction: dict[str, Any]) -> tuple[bool | None, str]:
    """(whether the signature is right, by which candidate). None: there is none.

    `transaction` comes out of `spelled`: names in the order of the answer, numbers as they were written.
    """
    given = transaction.get(FIELD)
    if given is None or given == "":
        return None, ""
    if isinstance(given, str) and not isinstance(given, Spelled):
        for form, number in ((RAW, str), (PHP, php_number)):
            expected = sign(secret, base_string(transaction, number))
            # Compared as bytes: a text with other letters would raise.
            if hmac.compare_digest(expected.encode(), given.strip().encode("utf-8", "replace")):
                return True, form
    return False, ""


def sign(secret: Secret, text: str) -> str:
    """The signature over a base string."""
    digest = hmac.new(secret.reveal().encode(), text.encode("utf-8", "replace"), hashlib.sha256)
    return base64.b64encode(digest.digest()).decode()


def base_string(transaction: dict[str, Any], number: Callable[[str], str]) -> str:
    """PHP's implode('|', ...) of all values but the signature; an array is its keys, a comma, its values."""
    return "|".join(_value(value, number) for name, value in transaction.items() if name != FIELD)


def _value(value: Any, number: Callable[[str], str]) -> str:
    if isinstance(value, dict):
        return _joined(value.keys(), value.values(), number)
    if isinstance(value, list):
        return _joined((str(place) for place in range(len(value))), value, number)
    return _scalar(value, number)


def _joined(keys: Iterable[str], values: Iterable[Any], number: Callable[[str], str]) -> str:
    return f"{','.join(keys)},{','.join(_scalar(value, number) for value in values)}"


def _scalar(value: Any, number: Callable[[str], str]) -> str:
    """A value in an implode of PHP's."""
    if isinstance(value, Spelled):
        return number(value)
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return "Array"
    return "1" if value is True else ""


def php_number(text: str) -> str:
    """A JSON number as PHP casts it to text: whole ones within 64 bits as they are, others with 14 digits.

    PHP prints a mantissa of one digit as 5.0, and an exponent without leading zeros.
    """
    is_whole = len(text) <= _LONGEST and text != "-0" and _WHOLE.fullmatch(text)
    if is_whole and -_LARGEST - 1 <= int(text) <= _LARGEST:
        return text
    found = f"{float(text):.14G}"  # what PHP holds is a float: the one of a signature, not of an amount
    mantissa, mark, _rest = found.partition("E")
    if not mark:
        return found
    if "." not in mantissa:
        found = found.replace("E", ".0E")
    return _EXPONENT.sub(r"E\1\2", found)
