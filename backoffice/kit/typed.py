"""What must not stand in an address, a log, a note or a saved view, although people type it into boxes.

Card numbers and voucher codes. static/js/guard.js says the same to the browser, before anything is sent.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

REFUSED = _(
    "This looks like a card number or a voucher code. It was not searched for and is kept nowhere. "
    "Search by our reference, the name, or the first six or last four digits of the card."
)
NOT_IN_NOTES = _(
    "This looks like a card number or a voucher code, and many read this. Leave it out, or write its last four signs only."
)
_DIGITS = re.compile(r"(?<![^\W_])[0-9]+(?:[ .\-][0-9]+)*(?![^\W_])")
_GROUPS = re.compile(r"(?<![^\W_])[0-9A-Za-z]{4}(?:([ \-])[0-9A-Za-z]{4}){3}(?![^\W_])")
_ANY_DIGIT = re.compile(r"[0-9]")
# What documents and messengers make of a hyphen when a code is copied from them, and what they hide between signs.
_HYPHENS = re.compile("[\u2010-\u2015\u2212]")
_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
SHORTEST, LONGEST, REFERENCE = 13, 19, 18


def is_secret(text: str) -> bool:
    """Whether a card number (13 to 19 digits that pass Luhn's check) or a voucher code stands in the text.

    Our own references (18 digits that begin with a time) are none.
    """
    text = _HIDDEN.sub("", unicodedata.normalize("NFKC", text))
    text = " ".join(_HYPHENS.sub("-", text).split())
    if any(_is_code(found) for found in _GROUPS.finditer(text)):
        return True
    return any(_holds_card(re.split(r"[ .\-]", found[0])) for found in _DIGITS.finditer(text))


def refuse(text: str) -> None:
    """Raise ValidationError for a text that many will read and that holds one of them."""
    if is_secret(text):
        raise ValidationError(NOT_IN_NOTES, code="secret")


def _is_code(found: re.Match[str]) -> bool:
    """Four groups of four; between spaces only with a digit among them, because words have four letters too."""
    return found[1] == "-" or bool(_ANY_DIGIT.search(found[0]))


def _holds_card(groups: list[str]) -> bool:
    """Whether some neighbouring groups make a card number."""
    for start in range(len(groups)):
        number = ""
        for group in groups[start:]:
            number += group
            if len(number) > LONGEST:
                break
            if len(number) >= SHORTEST and passes_luhn(number) and not is_reference(number):
                return True
    return False


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the right one for those before it."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_reference(text: str) -> bool:
    """Whether the text has the form of our 18 digits: YYMMDDhhmmss and six more."""
    if len(text) != REFERENCE or not (text.isascii() and text.isdecimal()):
        return False
    try:
        year = dt.datetime.strptime(text[:12], "%y%m%d%H%M%S").replace(tzinfo=dt.UTC).year
    except ValueError:
        return False
    return 2020 <= year < 2050
