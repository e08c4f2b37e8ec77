"""kit.money: what goes in comes out to the last digit, and what is not exact is refused (I02, I03, I04)."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import example, given
from hypothesis import strategies as st

from backoffice.kit import money
from tests.every import every

LARGEST = Decimal("999999999999999999.999999999999999999")
SMALLEST = Decimal("0.000000000000000001")


def amounts(*, places: int = 18) -> st.SearchStrategy[Decimal]:
    """Every amount that fits into 36 digits, 18 of them decimals."""
    top = 10 ** (18 + places) - 1
    return st.integers(-top, top).map(lambda units: Decimal(f"{units}e-{places}"))


#: Scales 0 to 18, and sizes from 10^-18 to 10^18 alike: plain integers would nearly all be huge.
any_amount = st.builds(
    lambda digits, shift: Decimal(f"{digits[:shift] or '0'}.{digits[shift:] or '0'}"),
    st.text("0123456789", min_size=1, max_size=18),
    st.integers(0, 18),
) | amounts(places=18)


class TestParse:
    @given(any_amount)
    @example(LARGEST)
    @example(-LARGEST)
    @example(SMALLEST)
    @example(Decimal("1000000000000000"))
    def test_what_was_spelled_is_read_back_to_the_last_digit(self, amount: Decimal) -> None:
        text = money.plain(amount)
        assert money.parse(text) == amount
        assert money.plain(money.parse(text)) == text

    @every("places", range(19))
    def test_every_scale_takes_its_smallest_step_and_no_smaller(self, places: int) -> None:
        step = Decimal(1).scaleb(-places)
        assert money.parse(format(step, "f"), places=places) == step
        with pytest.raises(money.BadAmount, match=f"At most {places} digits"):
            money.parse(format(step / 10, "f"), places=places)

    @every("exponent", range(-18, 16))
    def test_every_power_of_ten_keeps_its_place(self, exponent: int) -> None:
        power = Decimal(1).scaleb(exponent)
        assert money.parse(format(power, "f")) == power

    @every(
        ("typed", "meant"),
        [
            ("12.50", "12.5"),
            ("0.10", "0.1"),
            ("100", "100"),
            ("007", "7"),
            ("0", "0"),
            ("1." + "0" * 30, "1"),
        ],
    )
    def test_zeros_that_say_nothing_do_not_count_as_decimals(self, typed: str, meant: str) -> None:
        assert money.plain(money.parse(typed, places=2)) == meant

    @every("typed", ["-0", "-0.00", "0.000"])
    def test_zero_has_no_sign_and_no_places(self, typed: str) -> None:
        assert str(money.parse(typed)) == "0"

    @every(
        "typed",
        [
            *[
                "",
                " ",
                "-",
                ".",
                "+1",
                ".5",
                "5.",
                "-.5",
                "--1",
                "1-",
                "0x10",
                "1_000",
                "1.2.3",
                "1\x00",
                "\ufeff1",
            ],
            *["½", "１２", "٣", "৩", "²", "1\u066b5", "\u22121"],  # digits, point and minus of other scripts
            *["NaN", "nan", "sNaN", "Infinity", "-inf", "∞", "1e5", "1E-8", "1e400", "1e"],
            *[" 1", "1 ", "1 000", "1\u00a0000", "1\u202f000", "1\n", "\t1"],
            *["1,5", "1,000.00", "1.000,00", "$1", "1 USDT", "true", "null"],
        ],
    )
    def test_refuses_what_is_not_digits_and_a_point(self, typed: str) -> None:
        with pytest.raises(money.BadAmount, match="digits and a point"):
            money.parse(typed)

    @every("given", [None, 1, 1.5, True, Decimal(1), b"1", ["1"]])
    def test_refuses_what_is_not_text(self, given: Any) -> None:
        with pytest.raises(money.BadAmount):
            money.parse(given)

    @every("typed", ["1" + "0" * 18, "-1" + "0" * 18, "9" * 40])
    def test_refuses_what_is_too_large_to_keep(self, typed: str) -> None:
        with pytest.raises(money.BadAmount, match="too large"):
            money.parse(typed)

    @every("typed", ["0." + "0" * 18 + "1", "0." + "9" * 19, "9" * 18 + "." + "9" * 40])
    def test_refuses_what_is_too_fine_and_never_rounds_it(self, typed: str) -> None:
        with pytest.raises(money.BadAmount, match="At most 18 digits"):
            money.parse(typed)

    @given(st.text(max_size=12))
    def test_any_text_is_read_exactly_or_refused(self, typed: str) -> None:
        try:
            amount = money.parse(typed)
        except money.BadAmount:
            return
        assert typed.isascii()
        assert set(typed) <= set("-.0123456789")
        assert Decimal(typed) == amount

    def test_its_refusal_can_be_translated(self) -> None:
        with pytest.raises(money.BadAmount) as caught:
            money.parse("1.005", places=2)
        assert "%(places)s" in caught.value.words
        assert caught.value.words % caught.value.params == str(caught.value)


class TestRead:
    @every(
        ("given", "meant"),
        [
            (Decimal("1.0e-8"), "0.00000001"),
            ("1.0e-8", "0.00000001"),
            ("1E+3", "1000"),
            ("1e17", "100000000000000000"),
            ("1e-18", "0.000000000000000001"),
            (" 12.50 ", "12.5"),
            (12, "12"),
            (-3, "-3"),
            (Decimal("-0.0"), "0"),
            (Decimal("0E+999999"), "0"),
            ("0e-9999", "0"),
            ("1" + "0" * 17 + "." + "0" * 390, "1" + "0" * 17),
        ],
    )
    def test_reads_numbers_as_providers_write_them(self, given: Any, meant: str) -> None:
        assert money.plain(money.read(given)) == meant

    @given(any_amount)
    def test_reads_every_spelling_alike(self, amount: Decimal) -> None:
        assert money.read(amount) == money.read(f"{amount:e}") == money.read(f"{amount:f}") == amount

    @every("given", [1.0, 0.1, float("nan"), True, False, None, [], {}, b"1"])
    def test_refuses_floats_and_what_is_no_number(self, given: Any) -> None:
        with pytest.raises(money.BadAmount, match="not a number"):
            money.read(given)

    @every(
        "given",
        ["", "abc", "1,5", "1 000", "+1", ".5", "5.", "0x1", "٣", "NaN", "Infinity", "1e", "1e+", "1e99999"],
    )
    def test_refuses_text_that_is_no_number(self, given: str) -> None:
        with pytest.raises(money.BadAmount):
            money.read(given)

    @every("word", ["NaN", "sNaN", "Infinity", "-Infinity"])
    def test_refuses_what_is_not_finite(self, word: str) -> None:
        with pytest.raises(money.BadAmount, match="finite"):
            money.read(Decimal(word))

    @every("given", ["1e400", "1e18", Decimal("1E+999999999999999999"), 10**18, "9" * 400])
    def test_refuses_what_is_too_large(self, given: Any) -> None:
        with pytest.raises(money.BadAmount, match="too large"):
            money.read(given)

    @every(
        "given",
        [
            "1e-19",
            "1e-400",
            Decimal("1E-999999999999999999"),
            Decimal("0." + "9" * 200),
            Decimal("9" * 18 + "." + "9" * 200),
            "0.1" + "0" * 150 + "1",
        ],
    )
    def test_refuses_what_is_too_fine_and_never_rounds_it(self, given: Any) -> None:
        with pytest.raises(money.BadAmount, match="At most 18 digits"):
            money.read(given)


class TestPlain:
    @given(any_amount)
    def test_has_no_exponent_and_no_idle_zero(self, amount: Decimal) -> None:
        text = money.plain(amount)
        assert Decimal(text) == amount
        assert set(text) <= set("-.0123456789")
        assert "." not in text or text[-1] not in "0."

    @every("word", ["NaN", "Infinity", "1E+999999999", "1E-999999999"])
    def test_refuses_what_would_be_no_amount_or_fill_the_memory(self, word: str) -> None:
        with pytest.raises(money.BadAmount):
            money.plain(Decimal(word))


class TestArithmetic:
    """Importing kit.money makes Python's own sums exact, in every thread."""

    @given(amounts(places=18), amounts(places=18))
    def test_sums_and_signs_are_exact(self, one: Decimal, other: Decimal) -> None:
        assert (one + other) - other == one
        assert -one == one.copy_negate()
        assert sum([one] * 7, Decimal(0)) == one * 7

    def test_a_new_thread_counts_alike(self) -> None:
        with ThreadPoolExecutor(1) as pool:
            assert str(pool.submit(lambda: LARGEST + SMALLEST).result()) == "1" + "0" * 18 + "." + "0" * 18
            assert str(pool.submit(lambda: LARGEST * LARGEST).result())[-3:] == "001"


class TestQuantize:
    """I04: one rounding, half to even."""

    @every(
        ("given", "places", "rounded"),
        [
            ("0.125", 2, "0.12"),
            ("0.135", 2, "0.14"),
            ("-0.125", 2, "-0.12"),
            ("2.5", 0, "2"),
            ("3.5", 0, "4"),
            ("0.1251", 2, "0.13"),
            ("999999999999999999.999999999999999999", 18, "999999999999999999.999999999999999999"),
        ],
    )
    def test_rounds_half_to_even(self, given: str, places: int, rounded: str) -> None:
        assert str(money.quantize(Decimal(given), places)) == rounded

    @given(any_amount, st.integers(0, 18))
    def test_is_never_off_by_more_than_half_a_step(self, amount: Decimal, places: int) -> None:
        assert abs(money.quantize(amount, places) - amount) <= Decimal(5).scaleb(-places - 1)

    @given(amounts(places=2), st.integers(0, 10_000))
    def test_a_fee_and_the_rest_are_the_whole(self, whole: Decimal, rate: int) -> None:
        fee = money.quantize(whole * Decimal(rate).scaleb(-4), 2)
        assert (whole - fee) + fee == whole


def check_kept(count: int) -> None:
    """I02: parse, store, render, parse again: `count` values, the same for each seed."""
    chance = random.Random(count)
    typed = []
    for _ in range(count):
        scale = chance.randint(0, 18)
        units = chance.randrange(10 ** chance.randint(1, scale + 15)) + 1
        typed.append(f"{'-' * chance.randint(0, 1)}{Decimal(units).scaleb(-scale):f}")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE kept (place integer, amount numeric(36, 18)) ON COMMIT DROP")
        cursor.executemany(
            "INSERT INTO kept VALUES (%s, %s)", [(n, money.parse(t)) for n, t in enumerate(typed)]
        )
        cursor.execute("SELECT amount FROM kept ORDER BY place")
        kept = [amount for (amount,) in cursor.fetchall()]
    assert len(kept) == count
    for text, amount in zip(typed, kept, strict=True):
        shown = money.plain(amount)
        assert Decimal(shown) == Decimal(text)
        assert money.read(money.loads(money.dumps([money.parse(shown)]))[0]) == Decimal(text)


@pytest.mark.django_db
class TestStored:
    def test_two_thousand_values_come_back_from_the_database(self) -> None:
        check_kept(2_000)

    @pytest.mark.long
    def test_fifty_thousand_values_come_back_from_the_database(self) -> None:
        check_kept(50_000)
