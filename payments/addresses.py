"""Checksums of addresses, without asking anybody. Pure: no model, no network."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """`valid`: True, False, or None where the network is not known here. `words`: a plain sentence."""

    valid: bool | None
    words: str


def looks_like_card(address: str) -> bool:
    """Whether this is a card number: 13 to 19 digits with a right check digit (Luhn)."""
    digits = re.sub(r"[ -]", "", address)
    if not re.fullmatch(r"[0-9]{13,19}", digits):
        return False
    total = 0
    for place, letter in enumerate(reversed(digits)):
        value = int(letter) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def check(method: str, address: str) -> Verdict:
    return Verdict(None, "not checked")
