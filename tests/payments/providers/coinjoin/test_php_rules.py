"""C09: random numbers and whole transactions against PHP's own rules, written here a second time with whole numbers alone.

Where a real PHP stands on the machine, it is asked as well.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from payments.providers.coinjoin import signatures
from payments.providers.redaction import Secret
from tests.payments.providers.coinjoin.facts import SECRET, signature

RUNS = [500, pytest.param(20_000, marks=pytest.mark.long)]
DIGITS = 14  # php.ini's precision, as PHP ships it


# --- PHP's rules, from its own sources' description: json_decode, then a cast to text ---
def php(text: str) -> str:
    """A JSON number as PHP prints it: a whole one within 64 bits as it is, any other as a double with 14 digits."""
    if re.fullmatch(r"-?(0|[1-9][0-9]*)", text) and text != "-0" and -(2**63) <= int(text) < 2**63:
        return text
    held = float(text)
    sign = "-" if struct.pack(">d", held)[0] & 0x80 else ""
    if held in (float("inf"), float("-inf")):
        return f"{sign}INF"
    if held == 0:
        return f"{sign}0"
    above, below = abs(held).as_integer_ratio()
    power = len(str(above)) - len(str(below))
    while above >= 10 ** (power + 1) * below if power >= -1 else above * 10 ** (-power - 1) >= below:
        power += 1
    while above < 10**power * below if power >= 0 else above * 10**-power < below:
        power -= 1
    # The first digit stands at 10**power: keep 14 of them, a half to the even neighbour.
    shift = DIGITS - 1 - power
    top, bottom = (above * 10**shift, below) if shift >= 0 else (above, below * 10**-shift)
    kept, rest = divmod(top, bottom)
    if 2 * rest > bottom or (2 * rest == bottom and kept % 2):
        kept += 1
    if kept == 10**DIGITS:
        kept, power = kept // 10, power + 1
    digits = str(kept).rstrip("0")
    if power < -4 or power >= DIGITS:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}E{'-' if power < 0 else '+'}{abs(power)}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    whole = digits[: power + 1].ljust(power + 1, "0")
    return f"{sign}{whole}" + (f".{digits[power + 1 :]}" if len(digits) > power + 1 else "")


def implode(values: dict[str, Any], number: Callable[[str], str]) -> str:
    """implode("|", ...) of the values, an array in it being its keys and its values, each joined by a comma."""

    def one(value: Any) -> str:
        if isinstance(value, dict):
            return ",".join(value) + "," + ",".join(one(inner) for inner in value.values())
        if value is None or value is False:
            return ""
        return "1" if value is True else number(str(value)) if isinstance(value, Number) else str(value)

    return "|".join(one(value) for value in values.values())


class Number(str):
    """A JSON number as it is spelled; all other texts are JSON texts."""

    __slots__ = ()


# --- Random ones ---
def amount(chance: random.Random) -> str:
    """BTC with up to 8 digits, as people and PHP's json_encode spell it."""
    satoshi = chance.choice([chance.randrange(10**4), chance.randrange(10**8), chance.randrange(21 * 10**14)])
    found = Decimal(satoshi).scaleb(-8)
    return chance.choice(
        [f"{found:f}", f"{float(found)!r}", f"{found.normalize():f}", f"{float(found):.17g}"]
    )


def any_number(chance: random.Random) -> str:
    """Whatever JSON calls a number: doubles of any bits, whole ones around 64 bits, halves of the last digit."""
    kind = chance.randrange(6)
    if kind < 2:
        return amount(chance)
    if kind == 2:
        found: float = struct.unpack(">d", chance.randbytes(8))[0]
        return f"{found!r}" if abs(found) < float("inf") else "0.1"
    if kind == 3:
        return str(chance.choice([-1, 1]) * (2 ** chance.choice([31, 53, 63, 64]) + chance.randrange(-3, 4)))
    if kind == 4:  # exactly between two of 14 digits, as far as a double can be
        return f"{chance.randrange(10**13, 10**14)}.5"
    return f"{chance.choice(['', '-'])}{chance.randrange(10)}.{chance.randrange(10**9)}e{chance.randrange(-330, 310)}"


def transaction(chance: random.Random) -> dict[str, Any]:
    """In the shapes of the document, with numbers and texts mixed as services do."""

    def money() -> str:
        return chance.choice([Number, str])(amount(chance))

    return {
        "id": f"Q{chance.randrange(10**9)}",
        "status": chance.choice(["pending", "confirming", "processing", "complete", "expired"]),
        "depositAddress": f"bc1q{chance.randrange(10**12)}",
        "depositAmount": money(),
        "payouts": {f"1A{place}": money() for place in range(chance.randrange(4))},
        "fee": money(),
        "delay": chance.choice([Number(chance.randrange(72)), "2", None, True, False]),
    }


def body(values: dict[str, Any], **more: str) -> bytes:
    """As JSON, numbers spelled as they are."""

    def one(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ",".join(f"{json.dumps(name)}:{one(inner)}" for name, inner in value.items()) + "}"
        return str(value) if isinstance(value, Number) else json.dumps(value)

    return one(values | more).encode()


@pytest.mark.parametrize("runs", RUNS)
def test_numbers_are_spelled_as_php_spells_them(runs: int) -> None:
    chance = random.Random(9)
    texts = [any_number(chance) for _run in range(runs)]
    wrong = [(text, signatures.php_number(text), php(text)) for text in texts]
    assert [line for line in wrong if line[1] != line[2]] == []


@pytest.mark.parametrize("runs", RUNS)
def test_a_transaction_signed_either_way_is_known_as_such_and_a_changed_one_is_not(runs: int) -> None:
    chance, key = random.Random(10), Secret(SECRET)
    for _run in range(runs // 10):
        values = transaction(chance)
        raw, spelled = implode(values, str), implode(values, php)
        for text, form in ((raw, "raw"), (spelled, "raw" if raw == spelled else "php")):
            signed = signatures.spelled(body(values, signature=signature(text)))
            assert signatures.judge(key, signed) == (True, form), text
            changed = signed | {"depositAddress": "bc1qsomebodyelse"}
            assert signatures.judge(key, changed) == (False, ""), text


@pytest.mark.long
@pytest.mark.skipif(shutil.which("php") is None, reason="there is no PHP here; the rules above stand for it")
def test_a_real_php_says_the_same() -> None:
    chance = random.Random(9)
    texts = [any_number(chance) for _run in range(20_000)]
    script = 'foreach (json_decode(stream_get_contents(STDIN)) as $one) { echo implode("|", [$one]), "\\n"; }'
    command = ["php", "-d", "precision=14", "-r", script]
    said = subprocess.run(command, input=f"[{','.join(texts)}]", capture_output=True, text=True, check=True)
    assert said.stdout.split("\n")[:-1] == [php(text) for text in texts]
