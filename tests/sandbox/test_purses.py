"""Formats of purses, and requisites that look like real ones."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from sandbox.bitloga.methods import METHODS
from sandbox.bitloga.purses import BASE58, base58check, is_wellformed, luhn, requisites
from tests.every import every


class TestIsWellformed:
    @every(
        ("kind", "purse"),
        [
            ("btc", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
            ("ltc", "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"),
            ("erc20", "0x52908400098527886E0F7030069857D2E4169EE7"),
            ("wmz", "Z123456789012"),
            ("phone", "79088889999"),
            ("card", "5555555555554444"),
            ("login", "anna@example.com"),
            ("any", "Ж"),
            (r"\d{3}", "123"),
        ],
    )
    def test_good_ones(self, kind, purse):
        assert is_wellformed(purse, kind)

    @every(
        ("kind", "purse"),
        [
            ("btc", "0x52908400098527886E0F7030069857D2E4169EE7"),
            ("erc20", "0x5290"),
            ("wmz", "Z12345678901\u0662"),
            ("wmz", "Z123456789012\n"),
            ("card", "5555555555554445"),
            ("login", "a"),
            ("any", ""),
        ],
    )
    def test_bad_ones(self, kind, purse):
        assert not is_wellformed(purse, kind)


class TestRequisites:
    def test_are_the_same_for_one_invoice_and_differ_between_two(self):
        def wallet(seed: str) -> str:
            found = requisites(
                kind="crypto", code="BTC", amount=Decimal(1), currency="BTC", seed=seed, page_url=""
            )
            return found["wallet"]

        assert wallet("a") == wallet("a") != wallet("b")

    @every("code", [code for code, data in METHODS.items() if data.get("requisites")])
    def test_fit_the_format_of_their_own_system(self, code):
        data = METHODS[code]
        for seed in map(str, range(20)):
            found = requisites(
                kind=data["requisites"],
                code=code,
                amount=Decimal(1),
                currency=data["currency"],
                seed=seed,
                page_url="http://x/",
            )
            if found["type"] != "qr":
                assert is_wellformed(found["wallet"], data["purse"])

    def test_addresses_have_valid_checksums(self):
        address = base58check(0x41, bytes(range(20)))
        number = 0
        for char in address:
            number = number * 58 + BASE58.index(char)
        raw = number.to_bytes(25, "big")
        assert hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]

    def test_luhn_finds_every_wrong_digit(self):
        assert luhn("4242424242424242")
        assert not any(luhn("424242424242424" + last) for last in "013456789")
