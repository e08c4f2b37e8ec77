"""What is taken for a card number or a voucher code, and what is not."""

from __future__ import annotations

from backoffice.kit import typed
from tests.every import every

CARD = "4111111111111111"
SECRET = [
    CARD,
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "paid to 4111 1111 1111 1111 yesterday",
    "12 4111111111111111",
    "378282246310005",
    "4222222222222",
    "6304000000000000000",
    "４１１１１１１１１１１１１１１１",
    "ab3d-9fk2-0000-zzzz",
    "code: AB3D-9FK2-0000-ZZZZ.",
    "abcd-efgh-ijkl-mnop",
    "ab3d 9fk2 0000 zzzz",
    "4111  1111\t1111\u00a01111",
    "4111\u20111111\u20131111\u22121111",
    "ab3d\u20119fk2\u20130000\u2014zzzz",
    "ab3d-9fk2\u200b-0000-zzzz",
]
PLAIN = [
    "",
    "anna",
    "4111111111111112",
    "411111 1111",
    "411111******1111",
    "261121150440584458",
    "this that with from",
    "TX" + "4111111111111111" + "ab",
    "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "Order 1042, shop 7",
]


class TestIsSecret:
    @every("text", SECRET)
    def test_card_numbers_and_codes_are(self, text: str) -> None:
        assert typed.is_secret(text)

    @every("text", PLAIN)
    def test_names_references_and_hashes_are_not(self, text: str) -> None:
        assert not typed.is_secret(text)

    def test_a_reference_is_none_even_where_its_digits_would_pass_as_a_card(self) -> None:
        start = "26112115044058445"
        whole = next(start + str(last) for last in range(10) if typed.passes_luhn(start + str(last)))
        assert not typed.is_secret(whole)
        assert typed.is_secret(
            "99" + whole[2:-1] + next(d for d in "0123456789" if typed.passes_luhn("99" + whole[2:-1] + d))
        )


class TestIsReference:
    @every(
        ("text", "is_one"),
        [
            ("261121150440584458", True),
            ("261321150440584458", False),
            ("26112115044058445", False),
            ("991121150440584458", False),
            ("26112115044058445a", False),
        ],
    )
    def test_is_eighteen_digits_that_begin_with_a_time(self, text: str, is_one: bool) -> None:
        assert typed.is_reference(text) is is_one
