"""Checksums of addresses and card numbers, without asking anybody. Pure: no model, no network.

A right checksum says that nothing was mistyped, never whose address it is. A token contract's or an
exchange's own address passes as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

CARD, TEST = "card", "test"

#: network: its name, and how its addresses begin. Tokens are checked as addresses of their network.
NETWORKS = {
    "bitcoin": ("Bitcoin", "1, 3, bc1"),
    "ethereum": ("Ethereum", "0x"),
    "litecoin": ("Litecoin", "L, M, ltc1"),
    "tron": ("TRON", "T"),
}
#: Codes of payment systems whose network is certain.
CODES = {"BTC": "bitcoin", "ETH": "ethereum", "LTC": "litecoin", "TRX": "tron"}
#: How the code of a token ends: USDTTRC20, USDCERC20.
STANDARDS = {"ERC20": "ethereum", "TRC20": "tron"}

# The first byte in Base58Check (chainparams.cpp of Bitcoin Core and Litecoin Core; TRON's documentation), and
# the prefix in Bech32 (BIP 173; SLIP 173). Litecoin's old "3" is Bitcoin's too: it is taken for Bitcoin's.
_VERSIONS = {
    0x00: "bitcoin",
    0x05: "bitcoin",
    0x30: "litecoin",
    0x32: "litecoin",
    0x41: "tron",
    0x3A: TEST,
    0x6F: TEST,
    0xC4: TEST,
}
_FIRST_LETTERS = {"1": "bitcoin", "3": "bitcoin", "L": "litecoin", "M": "litecoin", "T": "tron"}
_PREFIXES = {"bc": "bitcoin", "ltc": "litecoin", "tb": TEST, "bcrt": TEST, "tltc": TEST, "rltc": TEST}

_TEST_BITCOIN = ("m", "n", "2", "tb1")

_SEGWIT = re.compile(rf"({'|'.join(_PREFIXES)})1")
_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]+")
_LONGEST = 90  # by BIP 173; nothing longer is read at all
_HEX = re.compile(r"0x[0-9A-Fa-f]*")


@dataclass(frozen=True)
class Verdict:
    """What a check found. `words`: a plain translated sentence, at most 120 characters unless it is wrong.

    `valid`: True: the checksum is right. False: no such address. None: nobody can tell, because the payment
    system is not known here or because there is no checksum in the address.
    """

    valid: bool | None
    words: str


@dataclass(frozen=True)
class _Reading:
    """The network that an address is of, as far as it shows ("" if not), and what is wrong with it."""

    network: str
    problem: str = ""


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


def network_of(method: str) -> str | None:
    """The network of a payment system's code (`USDTTRC20`) or of its own word (`tron`), or None."""
    word, code = method.strip().lower(), method.strip().upper()
    if word in NETWORKS or word == CARD:
        return word
    return CODES.get(code) or next((STANDARDS[end] for end in STANDARDS if code.endswith(end)), None)


def check(method: str, address: str) -> Verdict:
    """Check an address for a payment system's code or a network's word; `card` checks a card number.

    Addresses of test networks are wrong. Outer spaces are the caller's: here they are wrong too.
    """
    network = network_of(method)
    if network is None:
        return Verdict(None, _("Not checked: addresses of this payment system cannot be checked here."))
    if network == CARD:
        if looks_like_card(address):
            return Verdict(True, _("The check digit of the card number is right."))
        return Verdict(False, _("This is not a card number: a digit is missing, doubled or mistyped."))
    if not re.fullmatch(rf"[0-9A-Za-z]{{1,{_LONGEST}}}", address):
        return Verdict(
            False, _("There is a space or a sign in it that no address has. Copy it again, alone.")
        )
    found = _read(address)
    if found.network == TEST:
        return Verdict(False, _("This is an address of a test network. Money cannot be sent there."))
    title, begins = NETWORKS[network]
    if found.network != network:
        names = {"title": title, "begins": begins}
        if not found.network or found.problem:
            words = _("This is not an address of %(title)s. Those begin with: %(begins)s.") % names
        else:
            names["other"] = NETWORKS[found.network][0]
            words = _("This is an address of %(other)s. Those of %(title)s begin with: %(begins)s.") % names
        return Verdict(False, words)
    if found.problem:
        return Verdict(False, found.problem)
    if network == "ethereum" and _one_case(address[2:]):
        return Verdict(
            None, _("Looks like an Ethereum address, but has no checksum in it. Compare every character.")
        )
    return Verdict(True, _("The checksum is right."))


def check_bitcoin(address: str, *, testnet: bool) -> Verdict:
    """The same for Bitcoin on one of its networks: an address of the other one is wrong."""
    if not testnet:
        return check("bitcoin", address)
    if not re.fullmatch(rf"[0-9A-Za-z]{{1,{_LONGEST}}}", address):
        return Verdict(
            False, _("There is a space or a sign in it that no address has. Copy it again, alone.")
        )
    found = _read(address)
    if found.network not in (TEST, "") or not address.lower().startswith(_TEST_BITCOIN):
        return Verdict(
            False, _("This is not an address of Bitcoin's test network. Those begin with: m, n, 2, tb1.")
        )
    if found.problem or not found.network:
        return Verdict(False, found.problem or _mistyped())
    return Verdict(True, _("The checksum is right."))


def _read(address: str) -> _Reading:
    one_case = address.lower() if _one_case(address) else address
    if match := _SEGWIT.match(one_case):
        return _Reading(_PREFIXES[match[1]], _segwit_problem(match[1], address))
    if _HEX.match(address):
        return _Reading("ethereum", _hex_problem(address))
    return _base58(address)


def _one_case(text: str) -> bool:
    return text in (text.lower(), text.upper())


def _mistyped() -> str:
    return _("The checksum is wrong: a character is missing, doubled or mistyped. Copy it again.")


def _wrong_length(address: str, *allowed: int) -> str:
    if len(address) in allowed:
        return ""
    numbers = _(" or ").join(map(str, allowed)) if len(allowed) < 3 else f"{allowed[0]}–{allowed[-1]}"
    return _("It has %(has)s characters, and such an address has %(needs)s. Copy it again.") % {
        "has": len(address),
        "needs": numbers,
    }


# bip_utils is imported where it is used: it costs 0.2 s and 24 MB, and few processes ever check an address.
def _segwit_problem(prefix: str, address: str) -> str:
    from bip_utils import Bech32ChecksumError, SegwitBech32Decoder

    if not _one_case(address):
        return _("Small and capital letters are mixed in it, and such an address has only one kind.")
    try:
        version, program = SegwitBech32Decoder.Decode(prefix, address)
    except (Bech32ChecksumError, ValueError):
        begin = len(prefix) + 1
        taproot = address[begin : begin + 1] in ("p", "P")
        return _wrong_length(address, *([begin + 59] if taproot else [begin + 39, begin + 59])) or _mistyped()
    if version > 1 or (version == 1 and len(program) != 32):
        return _("No wallet can spend from such an address yet. Money sent there would be lost.")
    return ""


def _hex_problem(address: str) -> str:
    from bip_utils import EthAddrDecoder

    if not _HEX.fullmatch(address):
        return _("There is a letter in it that no such address has: after 0x come 0 to 9 and A to F.")
    if problem := _wrong_length(address, 42):
        return problem
    try:
        EthAddrDecoder.DecodeAddr(address, skip_chksum_enc=_one_case(address[2:]))
    except ValueError:
        return _mistyped()
    return ""


def _base58(address: str) -> _Reading:
    from bip_utils import Base58ChecksumError, Base58Decoder

    begun = _FIRST_LETTERS.get(address[0], "")
    if not _BASE58.fullmatch(address):
        return _Reading(begun, _("There is a 0, O, I or l in it, and such an address has none of them."))
    try:
        content = Base58Decoder.CheckDecode(address)
    except Base58ChecksumError:
        lengths = range(26, 35) if address[0] == "1" else [34]
        return _Reading(begun, _wrong_length(address, *lengths) or _mistyped())
    return _Reading(_VERSIONS.get(content[0], "") if len(content) == 21 else "")
