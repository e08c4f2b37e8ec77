"""When two spellings of an address are the same address. Holds no checksum and asks nobody."""

from __future__ import annotations

#: Of these the case is a matter of spelling (hex, and bech32 by BIP 173, which QR codes spell in capitals); of all
#: others it is part of the address.
ANY_CASE = ("0x", "bc1", "tb1", "bcrt1", "ltc1", "tltc1", "rltc1")


def comparable(address: str) -> str:
    """How an address is compared with another."""
    return address.lower() if address.lower().startswith(ANY_CASE) else address
