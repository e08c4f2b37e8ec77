"""payments.addresses: published vectors of each network, and that no slip of a finger passes."""

from __future__ import annotations

import hashlib
import string

from hypothesis import given
from hypothesis import strategies as st

from payments import addresses
from tests.every import every

ALPHABET = string.digits + string.ascii_letters
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

# BIP 173 and BIP 350 (test vectors), EIP-55 (test cases), block 0 of Bitcoin, TRON's USDT contract.
RIGHT = [
    ("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("BTC", "1111111111111111111114oLvT2"),
    ("BTC", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
    ("BTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("bitcoin", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"),
    ("BTC", "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"),
    ("BTC", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
    ("LTC", "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1"),
    ("LTC", "MQMcJhpWHYVeQArcZR3sBgyPZxxRtnH441"),
    ("litecoin", "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"),
    ("ETH", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ("USDTERC20", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"),
    ("ethereum", "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"),
    ("usdcerc20", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"),
    ("USDTTRC20", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("TRX", "TLa2f6VPqDgRE67v1736s7bJ8Ray5wYjU7"),
    ("tron", "TLa2f6VPqDgRE67v1736s7bJ8Ray5wYjU7"),
    ("card", "4111 1111 1111 1111"),
]

CHECKSUM, TEST, MISTYPED_CARD = "checksum is wrong", "test network", "not a card number"
WRONG = [
    ("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", CHECKSUM),
    ("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf", CHECKSUM),
    ("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNaa", "35 characters, and such an address has 26–34"),
    ("BTC", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNL", "33 characters, and such an address has 34"),
    ("BTC", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNl0", "0, O, I or l"),
    ("BTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", CHECKSUM),
    ("BTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t", "41 characters, and such an address has 42 or 62"),
    ("BTC", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj", "61 characters"),
    ("BTC", "bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "mixed"),
    ("BTC", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", CHECKSUM),  # Bech32 for Bech32m
    ("BTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", CHECKSUM),  # Bech32m for Bech32
    ("BTC", "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", CHECKSUM),  # "o"
    ("BTC", "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", CHECKSUM),  # version 17
    ("BTC", "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "characters"),  # 16 bytes of version 0
    ("BTC", "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "No wallet can spend"),  # version 2
    ("BTC", "BC1SW50QGDZ25J", "No wallet can spend"),  # version 16
    ("BTC", "bc1pfeessrawgf", "No wallet can spend"),  # version 1, but 2 bytes
    ("BTC", "bc1gmk9yu", "characters"),
    ("BTC", "bc1", "characters"),
    ("BTC", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", TEST),
    ("BTC", "TB1PQQQQP399ET2XYGDJ5XREQHJJVCMZHXW4AYWXECJDZEW6HYLGVSESF3HN0C", TEST),
    ("BTC", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", TEST),
    ("BTC", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", TEST),
    ("BTC", "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", TEST),
    ("LTC", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", TEST),
    ("LTC", "tltc1qw508d6qejxtdg4y5r3zarvary0c5xw7klfsuq0", TEST),
    (
        "BTC",
        "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1",
        "address of Litecoin. Those of Bitcoin begin with: 1, 3, bc1",
    ),
    ("BTC", "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "address of Litecoin"),
    ("BTC", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "address of Ethereum"),
    ("BTC", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "address of TRON"),
    ("BTC", "DBXu2kgc3xtvCUWFcxFE3r9hEYgmuaaCyD", "not an address of Bitcoin"),  # Dogecoin's
    ("BTC", "3QJmnh", "not an address of Bitcoin"),  # a right checksum over nothing
    ("BTC", "0", "not an address of Bitcoin"),
    ("BTC", "Lee", "not an address of Bitcoin"),
    ("LTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "address of Bitcoin"),
    ("LTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "address of Bitcoin"),
    (
        "LTC",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "address of Bitcoin. Those of Litecoin begin with: L, M, ltc1",
    ),
    ("ETH", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed", CHECKSUM),
    ("ETH", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", "41 characters, and such an address has 42"),
    ("ETH", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed0", "43 characters"),
    ("ETH", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg", "0 to 9 and A to F"),
    ("ETH", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "begin with: 0x"),
    ("ETH", "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "begin with: 0x"),
    ("ETH", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "address of TRON. Those of Ethereum begin with: 0x"),
    ("TRX", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6T", CHECKSUM),
    ("TRX", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6", "33 characters, and such an address has 34"),
    ("USDTTRC20", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "address of Ethereum"),
    ("USDTTRC20", "41a614f803b6fd780986a42c78ec9c7f77e6ded13c", "begin with: T"),
    ("USDTTRC20", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "address of Bitcoin"),
    ("card", "4111 1111 1111 1112", MISTYPED_CARD),
    ("card", "4111 1111 1111", MISTYPED_CARD),
    ("card", "٤111111111111111", MISTYPED_CARD),
    ("card", "", MISTYPED_CARD),
]

NO_CHECKSUM = [
    "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
    "0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED",
    "0xde709f2102306220921060314715629080e2fb77",  # its EIP-55 form happens to be all small ...
    "0x52908400098527886E0F7030069857D2E4169EE7",  # ... or all capital: nothing that one could see
]


def base58check(content: bytes) -> str:
    """Base58Check, written here once more: what encodes must not be what decodes."""
    content += hashlib.sha256(hashlib.sha256(content).digest()).digest()[:4]
    number, text = int.from_bytes(content), ""
    while number:
        number, rest = divmod(number, 58)
        text = BASE58[rest] + text
    return "1" * (len(content) - len(content.lstrip(b"\0"))) + text


def segwit(prefix: str, version: int, program: bytes) -> str:
    """BIP 350, written here once more."""
    bits = "".join(f"{byte:08b}" for byte in program)
    bits += "0" * (-len(bits) % 5)
    data = [version, *(int(bits[at : at + 5], 2) for at in range(0, len(bits), 5))]
    check = 1
    for value in [*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix), *data, *[0] * 6]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate([0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]):
            check ^= generator if top >> bit & 1 else 0
    check ^= 0x2BC830A3 if version else 1
    data += [check >> 5 * (5 - place) & 31 for place in range(6)]
    return f"{prefix}1{''.join(BECH32[value] for value in data)}"


def hashes(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


made = st.one_of(
    st.tuples(st.just("BTC"), st.builds(lambda h: base58check(b"\x00" + h), hashes(20))),
    st.tuples(st.just("BTC"), st.builds(lambda h: base58check(b"\x05" + h), hashes(20))),
    st.tuples(st.just("LTC"), st.builds(lambda h: base58check(b"\x30" + h), hashes(20))),
    st.tuples(st.just("LTC"), st.builds(lambda h: base58check(b"\x32" + h), hashes(20))),
    st.tuples(st.just("USDTTRC20"), st.builds(lambda h: base58check(b"\x41" + h), hashes(20))),
    st.tuples(st.just("BTC"), st.builds(lambda h: segwit("bc", 0, h), hashes(20) | hashes(32))),
    st.tuples(st.just("BTC"), st.builds(lambda h: segwit("bc", 1, h), hashes(32))),
    st.tuples(st.just("LTC"), st.builds(lambda h: segwit("ltc", 0, h), hashes(20) | hashes(32))),
    st.tuples(st.just("LTC"), st.builds(lambda h: segwit("ltc", 1, h), hashes(32))),
)


class TestCheck:
    @every(("method", "address"), RIGHT)
    def test_a_published_address_is_right(self, method: str, address: str) -> None:
        verdict = addresses.check(method, address)
        assert verdict.valid is True, verdict.words

    @every(("method", "address", "words"), WRONG)
    def test_a_wrong_one_says_what_is_wrong(self, method: str, address: str, words: str) -> None:
        verdict = addresses.check(method, address)
        assert verdict.valid is False
        assert words in verdict.words

    @every("address", NO_CHECKSUM)
    def test_capitals_are_ethereums_only_checksum(self, address: str) -> None:
        verdict = addresses.check("ETH", address)
        assert verdict.valid is None
        assert "no checksum in it" in verdict.words

    @every("method", ["", "SOL", "USDTBEP20", "RUBBALANCE", "payeer", "wiretransfer", "BTCX"])
    @every("address", ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "anything", ""])
    def test_an_unknown_network_is_not_checked_and_says_so(self, method: str, address: str) -> None:
        verdict = addresses.check(method, address)
        assert verdict.valid is None
        assert verdict.words.startswith("Not checked")

    @every(
        "address",
        ["", " {}", "{} ", "{}\n", "{}\u200b", "{} {}", "bitcoin:{}", "{}?amount=1", "<{}>", "{}" * 4],
    )
    def test_anything_around_it_is_refused(self, address: str) -> None:
        verdict = addresses.check("BTC", address.replace("{}", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"))
        assert verdict.valid is False
        assert "space or a sign" in verdict.words

    def test_a_letter_of_another_script_is_refused(self) -> None:
        assert addresses.check("TRX", "ТR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t").valid is False  # Cyrillic Т

    @given(made)
    def test_every_address_that_the_standards_make_is_right(self, case: tuple[str, str]) -> None:
        method, address = case
        assert addresses.check(method, address).valid is True

    @given(made, st.data())
    def test_one_wrong_character_is_never_right(self, case: tuple[str, str], data: st.DataObject) -> None:
        method, address = case
        at = data.draw(st.integers(0, len(address) - 1))
        other = data.draw(st.sampled_from(ALPHABET.replace(address[at], "")))
        assert addresses.check(method, address[:at] + other + address[at + 1 :]).valid is False

    @given(made, st.data())
    def test_one_missing_or_doubled_character_is_never_right(
        self, case: tuple[str, str], data: st.DataObject
    ) -> None:
        method, address = case
        at = data.draw(st.integers(0, len(address) - 1))
        assert addresses.check(method, address[:at] + address[at + 1 :]).valid is False
        assert addresses.check(method, address[: at + 1] + address[at:]).valid is False

    @every("address", [a for m, a in RIGHT if a.startswith("0x")])
    def test_no_wrong_character_of_these_ethereum_addresses_is_right(self, address: str) -> None:
        """EIP-55 lets one slip in some 4,000 pass, so this is about these addresses, not about any."""
        for at in range(len(address)):
            for other in ALPHABET.replace(address[at], ""):
                verdict = addresses.check("ETH", address[:at] + other + address[at + 1 :])
                assert verdict.valid is False, (at, other)

    @given(st.sampled_from(["BTC", "LTC", "ETH", "TRX", "card"]), st.text(max_size=80))
    def test_no_text_raises(self, method: str, address: str) -> None:
        assert addresses.check(method, address).words

    @every("method", ["BTC", "ETH", "card", "SOL"])
    def test_what_is_kept_beside_an_address_fits_into_its_column(self, method: str) -> None:
        for _, address in [*RIGHT, *(("ETH", address) for address in NO_CHECKSUM)]:
            verdict = addresses.check(method, address)
            assert verdict.valid is False or len(verdict.words) <= 120


class TestLooksLikeCard:
    @every(
        "number",
        [
            "4111111111111111",
            "5500-0000-0000-0004",
            "378282246310005",
            "6304000000000000",
            "2200 0000 0000 0004",
        ],
    )
    def test_a_right_check_digit_is_a_card(self, number: str) -> None:
        assert addresses.looks_like_card(number)

    @given(st.from_regex(r"[0-9]{12,18}", fullmatch=True), st.data())
    def test_one_wrong_digit_never_passes(self, digits: str, data: st.DataObject) -> None:
        card = next(digits + str(last) for last in range(10) if addresses.looks_like_card(digits + str(last)))
        at = data.draw(st.integers(0, len(card) - 1))
        other = data.draw(st.sampled_from(string.digits.replace(card[at], "")))
        assert not addresses.looks_like_card(card[:at] + other + card[at + 1 :])

    @every(
        "text",
        ["", "4111", "4111111111111111111111", "4111.1111.1111.1111", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"],
    )
    def test_anything_else_is_not(self, text: str) -> None:
        assert not addresses.looks_like_card(text)
