"""Numbers of cards and accounts as people write them: recognised, also mistyped, and read without what parts them.

Pure. Masks nothing (redaction does), and knows no provider's words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby

SHORTEST = 12
# What parts the digits of a number that people type; in between may be anything of these.
_PART = r"[ .,\-/_]"
#: What may be the number of a card or an account, mistyped or not: 12 digits and more however they are parted, or an
#: IBAN, also in small letters. To be searched for in a `plain` text.
_NUMBER = re.compile(
    rf"(?<![0-9A-Za-z])(?:(?P<iban>[A-Z]{{2}}[0-9]{{2}}(?:{_PART}{{0,3}}[0-9A-Z]){{11,30}}"
    rf"|[A-Za-z][a-z][0-9]{{2}}(?:{_PART}{{0,3}}[0-9a-z]){{11,30}})|[0-9](?:{_PART}*[0-9]){{11,}})(?![0-9A-Za-z])"
)
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}")
_WORD = re.compile(r"[0-9A-Za-z]+")
_PARTED = re.compile(r"[0-9](?:[ \-]*[0-9])*")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
NEITHER = re.compile(r"[^0-9A-Za-z]+")


def plain(text: str) -> tuple[str, Sequence[int]]:
    """The text in signs that patterns know, and where each of them stood. For recognising only."""
    if text.isascii():
        return text.replace("\t", " "), range(len(text))
    signs = [_plain_sign(sign) for sign in text]
    return "".join(signs), [place for place, sign in enumerate(signs) for _each in sign]


@lru_cache(maxsize=1024)
def _plain_sign(sign: str) -> str:
    if sign.isdecimal():
        return str(int(sign))
    kind = unicodedata.category(sign)
    if kind == "Pd" or sign in "\u2212\u2043":
        return "-"
    # Blanks of all widths, hidden signs, and marks upon the sign before: they part digits, and join none.
    if sign == "\t" or kind in ("Zs", "Cf", "Mn", "Me"):
        return " "
    return unicodedata.normalize("NFKC", sign)


def find(seen: str) -> Iterator[tuple[int, int]]:
    """Where the numbers stand in a `plain` text, one after the other."""
    place = 0
    while match := _NUMBER.search(seen, place):
        start, place = match.span()
        if not match["iban"]:
            yield from _beside_references(seen, start, place)
            continue
        length = _iban_length(match[0])
        place = start + (length or 4)
        if length:
            yield start, place


def _beside_references(seen: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """What of some digits is no reference of ours: these stay readable, also one after the other."""
    groups = _WORD.finditer(seen, start, end)
    for is_ours, row in groupby(groups, lambda group: is_reference(group[0])):
        found = list(row)
        if not is_ours and sum(len(group[0]) for group in found) >= SHORTEST:
            yield found[0].start(), found[-1].end()


def _iban_length(text: str) -> int:
    """How much of the text is an IBAN, 0 for none: up to where its check digits are right, else all that may be one."""
    ends = [word.end() for word in _WORD.finditer(text)][::-1]
    candidates = [(end, NEITHER.sub("", text[:end])) for end in ends]
    candidates = [(end, found) for end, found in candidates if len(found) >= 15]
    for end, found in candidates:
        if _is_iban(found):
            return end
    return next((end for end, found in candidates if found.isupper() or is_number(found)), 0)


def _is_iban(found: str) -> bool:
    """Whether its check digits are right (ISO 13616)."""
    turned = found[4:] + found[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def is_number(found: str) -> bool:
    """Whether most of it are digits."""
    return sum(map(str.isdecimal, found)) * 2 > len(found)


def bare(text: str) -> str:
    """The number of a card or an account, or a right IBAN, without what parts it; "" if the text is anything else."""
    seen = plain(text.strip())[0]
    if _UUID.fullmatch(seen):
        return ""
    if _PARTED.fullmatch(seen):
        return NEITHER.sub("", seen)
    found = re.sub(r"[ \-]", "", seen).upper()
    return found if _IBAN.fullmatch(found) and _is_iban(found) else ""


def is_reference(digits: str) -> bool:
    """Our own references (UTC YYMMDDhhmmss and 6 digits) must stay readable; no card begins like one."""
    if len(digits) != 18 or not "25" <= digits[:2] <= "49":
        return False
    try:
        datetime.strptime(digits[:12], "%y%m%d%H%M%S")
    except ValueError:
        return False
    return True
