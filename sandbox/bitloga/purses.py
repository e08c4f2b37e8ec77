"""What a purse must look like, by payment system, and a payer's requisites. Holds formats only."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from typing import Any

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
FORMATS = {
    "any": r".{1,128}",
    "login": r"[A-Za-z0-9][A-Za-z0-9._@+-]{2,63}",
    "btc": r"(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{11,71})",
    "ltc": r"(?:[LM3][1-9A-HJ-NP-Za-km-z]{25,34}|ltc1[02-9ac-hj-np-z]{11,71})",
    "trc20": r"T[1-9A-HJ-NP-Za-km-z]{33}",
    "erc20": r"0x[0-9A-Fa-f]{40}",
    "xrp": r"r[1-9A-HJ-NP-Za-km-z]{24,34}",
    "wmz": r"Z\d{12}",
    "wme": r"E\d{12}",
    "wmr": r"R\d{12}",
    "phone": r"7\d{10}",
    "card": r"\d{16,19}",
    "account": r"\d{20}",
}


def luhn(digits: str) -> bool:
    """Whether the last digit of a card number fits the others."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        digit = int(char) * (2 if place % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def is_wellformed(purse: str, kind: str) -> bool:
    """Whether a purse looks like one of that kind. Unknown kinds are regular expressions themselves."""
    if not re.fullmatch(FORMATS.get(kind, kind), purse, re.ASCII):
        return False
    return kind != "card" or luhn(purse)


def base58check(version: int, payload: bytes) -> str:
    """An address with a valid checksum."""
    raw = bytes((version,)) + payload
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = BASE58[rest] + text
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text


def requisites(
    *, kind: str, code: str, amount: Decimal, currency: str, seed: str, page_url: str
) -> dict[str, Any] | None:
    """The payment details of one invoice: always the same ones for one seed. None for systems without any.

    Addresses have valid checksums but belong to nobody; phone, card and account are made up.
    """
    digest = hashlib.sha256(f"{seed}:{code}".encode()).digest()
    digits = str(int.from_bytes(digest, "big"))
    data: dict[str, Any] = {"amount": amount, "currency": currency, "type": kind}
    if kind == "crypto":
        versions = {"BTC": 0x00, "LTC": 0x30, "USDTTRC20": 0x41}
        payload = digest[:20]
        data["wallet"] = base58check(versions[code], payload) if code in versions else "0x" + payload.hex()
        data["info"] = f"Network: {code}. Send exactly this amount in one transaction."
    elif kind == "phone":
        data |= {
            "wallet": "79" + digits[:9],
            "info": "Bank: any bank. Recipient: Anna S.",
            "country": "Russia",
        }
    elif kind == "card":
        body = "2200" + digits[:11]
        number = next(body + last for last in "0123456789" if luhn(body + last))
        data |= {"wallet": number, "info": "Bank: Example Bank. Card owner: IVAN P.", "country": "Russia"}
    elif kind == "account":
        data |= {"wallet": "40817" + digits[:15], "info": "Bank: Example Bank. Recipient: Ivan P."}
    elif kind == "qr":
        data |= {"wallet": page_url, "payment_url": page_url, "info": "Scan with the app of your bank."}
    else:
        return None
    return data
