"""Addresses of the simulated bitexbit: how they look by network, and made-up ones with valid checksums that belong to
nobody. Holds formats only."""

from __future__ import annotations

import hashlib
import re

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
FORMATS = {
    "any": r"\S{1,128}",
    "btc": r"(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{11,71})",
    "trc20": r"T[1-9A-HJ-NP-Za-km-z]{33}",
    "erc20": r"0x[0-9A-Fa-f]{40}",
    "xrp": r"r[1-9A-HJ-NP-Za-km-z]{24,34}",
}
CARD = r"\d{12,19}"
VERSIONS = {"btc": 0x00, "trc20": 0x41, "any": 0x05}


def is_wellformed(address: str, kind: str) -> bool:
    """Whether an address looks like one of its network."""
    return re.fullmatch(FORMATS.get(kind, FORMATS["any"]), address, re.ASCII) is not None


def is_card(card: str) -> bool:
    """Whether a card number looks like one."""
    return re.fullmatch(CARD, card, re.ASCII) is not None


def make(kind: str, seed: str) -> str:
    """An address, always the same one for one seed."""
    payload = hashlib.sha256(seed.encode()).digest()[:20]
    if kind == "erc20":
        return "0x" + payload.hex()
    if kind == "xrp":
        return "rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh"  # one for all: the tag tells them apart
    raw = bytes((VERSIONS.get(kind, 0x05),)) + payload
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, len(ALPHABET))
        text = ALPHABET[rest] + text
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text
