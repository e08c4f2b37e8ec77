"""Bitcoin addresses: whether one is valid on a network, and new ones that belong to nobody.
Written from BIP 13, 173 and 350; shares nothing with the product's own check."""

from __future__ import annotations

import hashlib

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
OLD, NEW = 1, 0x2BC830A3  # what the checksum of witness version 0, and of later ones, comes to
NETWORKS = {"main": ("bc", (0x00, 0x05)), "test": ("tb", (0x6F, 0xC4))}


def is_valid(address: str, network: str) -> bool:
    """Whether an address of that network has a right checksum and form."""
    prefix, versions = NETWORKS[network]
    if address.lower().startswith(f"{prefix}1"):
        return _is_segwit(address, prefix)
    payload = _base58_payload(address)
    return payload is not None and len(payload) == 21 and payload[0] in versions


def _base58_payload(address: str) -> bytes | None:
    number = 0
    for letter in address[:64]:
        if letter not in BASE58:
            return None
        number = number * 58 + BASE58.index(letter)
    zeros = len(address) - len(address.lstrip("1"))
    raw = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    payload, checksum = raw[:-4], raw[-4:]
    twice = hashlib.sha256(hashlib.sha256(payload).digest()).digest()
    return payload if len(raw) == 25 and twice[:4] == checksum else None


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, word in enumerate(GENERATOR):
            check ^= word if top >> place & 1 else 0
    return check


def _expanded(prefix: str) -> list[int]:
    return [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]


def _is_segwit(address: str, prefix: str) -> bool:
    text = address.lower()
    if address not in (text, address.upper()) or not 14 <= len(text) <= 90:
        return False
    letters = text[len(prefix) + 1 :]
    if any(letter not in BECH32 for letter in letters):
        return False
    values = [BECH32.index(letter) for letter in letters]
    version, program = values[0], values[1:-6]
    size, left = divmod(len(program) * 5, 8)
    if version > 16 or left > 4 or not 2 <= size <= 40 or (left and program[-1] & (1 << left) - 1):
        return False
    if version == 0 and size not in (20, 32):
        return False
    return _polymod(_expanded(prefix) + values) == (OLD if version == 0 else NEW)


def fresh(seed: bytes, network: str) -> str:
    """An address of witness version 0, always the same one for one seed."""
    prefix = NETWORKS[network][0]
    number, values = int.from_bytes(hashlib.sha256(seed).digest()[:20], "big"), [0]
    values += [number >> place & 31 for place in range(155, -1, -5)]
    check = _polymod(_expanded(prefix) + values + [0] * 6) ^ OLD
    values += [check >> place & 31 for place in range(25, -1, -5)]
    return f"{prefix}1{''.join(BECH32[value] for value in values)}"
