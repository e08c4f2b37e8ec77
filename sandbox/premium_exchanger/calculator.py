"""The exchanger's calculator: the four amounts of an exchange from any one of them, within the limits.
Holds no parameters and no bids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from sandbox.premium_exchanger.catalog import Direction
from sandbox.wire import plain

HUNDRED = Decimal(100)
GIVE, GET, GIVE_WITH_FEE, GET_WITH_FEE = 1, 2, 3, 4


@dataclass(frozen=True)
class Sums:
    """What an exchange costs. `problems` are the limits that the amount asked for does not keep."""

    give: Decimal
    give_with_fee: Decimal
    get: Decimal
    get_with_fee: Decimal
    course_give: Decimal
    course_get: Decimal
    changed: bool
    problems: Mapping[str, str]


@dataclass(frozen=True)
class Rate:
    """So much of one currency buys so much of the other. Multiplied first: a division alone would cut digits."""

    course_give: Decimal
    course_get: Decimal

    def get(self, give: Decimal) -> Decimal:
        """What an amount buys."""
        return give * self.course_get / self.course_give

    def give(self, get: Decimal) -> Decimal:
        """What buys an amount."""
        return get * self.course_give / self.course_get


def sums(
    direction: Direction,
    amount: Decimal,
    action: int,
    *,
    chosen: Mapping[str, str] | None = None,
    worse: Decimal = Decimal(0),
) -> Sums:
    """The sums for an amount; one outside of the limits is moved to the nearest one.

    `chosen` are the values of the fields that change the fee; `worse` is taken off the rate, in per cent.
    An unknown action means GIVE.
    """
    with localcontext() as context:
        context.prec = 60
        course_get = direction.course_get * (1 - worse / HUNDRED)
        rate = Rate(direction.course_give, course_get)
        fees = _fees(direction, chosen or {})
        give = _give(
            direction,
            amount,
            action if action in (GIVE, GET, GIVE_WITH_FEE, GET_WITH_FEE) else GIVE,
            rate,
            fees,
        )
        give = _rounded(give, direction.give.places)
        problems = _problems(direction, give, rate.get(give))
        changed = bool(problems)
        if changed:
            give = _within(direction, give, rate)
        get = _rounded(rate.get(give), direction.get.places, down=True)
        give_with_fee = give * (1 + fees["give_fee_rate"]) + fees["give_fee_fixed"]
        get_with_fee = max(get * (1 - fees["get_fee_rate"]) - fees["get_fee_fixed"], Decimal(0))
        return Sums(
            give=give,
            give_with_fee=_rounded(give_with_fee, direction.give.places),
            get=get,
            get_with_fee=_rounded(get_with_fee, direction.get.places, down=True),
            course_give=direction.course_give,
            course_get=_rounded(course_get, 12),
            changed=changed,
            problems=problems,
        )


def _fees(direction: Direction, chosen: Mapping[str, str]) -> dict[str, Decimal]:
    fees = dict(direction.fees)
    for field in direction.fields:
        if field.get("cd"):
            more = (field.get("fees") or {}).get(chosen.get(str(field["name"]), ""))
            fees["give_fee_rate"] += Decimal(str(more or 0))
    return fees


def _give(
    direction: Direction, amount: Decimal, action: int, rate: Rate, fees: Mapping[str, Decimal]
) -> Decimal:
    if action == GET:
        return rate.give(amount)
    if action == GIVE_WITH_FEE:
        return max((amount - fees["give_fee_fixed"]) / (1 + fees["give_fee_rate"]), Decimal(0))
    if action == GET_WITH_FEE:
        return rate.give((amount + fees["get_fee_fixed"]) / (1 - fees["get_fee_rate"]))
    return amount


def _bounds(direction: Direction, rate: Rate) -> tuple[Decimal, Decimal]:
    """The least and the most that may be given: both sides' limits, and what is in reserve."""
    limits = direction.limits
    least = max(limits["min_give"] or Decimal(0), rate.give(limits["min_get"] or Decimal(0)))
    most = [rate.give(direction.get.reserve)]
    if limits["max_give"] is not None:
        most.append(limits["max_give"])
    if limits["max_get"] is not None:
        most.append(rate.give(limits["max_get"]))
    return least, min(most)


def _within(direction: Direction, give: Decimal, rate: Rate) -> Decimal:
    least, most = _bounds(direction, rate)
    moved = min(max(give, least), most)
    unit = Decimal(1).scaleb(-direction.give.places)
    rounded = _rounded(moved, direction.give.places, down=True)
    # Down would fall below the least by a part of a unit.
    return rounded if rounded >= least else rounded + unit


def _problems(direction: Direction, give: Decimal, get: Decimal) -> dict[str, str]:
    """HTML by the calculator's own names of its two boxes."""
    found: dict[str, str] = {}
    for box, side, amount, code in (
        ("sum1", "give", give, direction.give.code),
        ("sum2", "get", get, direction.get.code),
    ):
        least, most = direction.limits[f"min_{side}"], direction.limits[f"max_{side}"]
        if side == "get" and (most is None or most > direction.get.reserve):
            most = direction.get.reserve
        if amount <= 0 or (least is not None and amount < least):
            found[box] = f"<span>min.: <b>{plain(least or Decimal(0))}</b> {code}</span>"
        elif most is not None and amount > most:
            found[box] = f"<span>max.: <b>{plain(most)}</b> {code}</span>"
    return found


def _rounded(amount: Decimal, places: int, *, down: bool = False) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN if down else ROUND_HALF_UP)


def fee_text(rate: Decimal, fixed: Decimal, code: str) -> str:
    """A fee in the exchanger's words, with its HTML; "" for none."""
    parts = []
    if rate:
        parts.append(f"<b>{plain(rate * HUNDRED)}%</b>")
    if fixed:
        parts.append(f"<b>{plain(fixed)}</b> {code}")
    return f"Fee: {' + '.join(parts)}" if parts else ""


def described(direction: Direction, found: Sums) -> dict[str, Any]:
    """The part that get_direction and get_calc share, in the document's order."""
    fees = direction.fees
    return {
        "currency_code_give": direction.give.code,
        "currency_code_get": direction.get.code,
        "reserve": direction.get.reserve,
        "course_give": found.course_give,
        "course_get": found.course_get,
        "sum_give": found.give,
        "sum_give_com": found.give_with_fee,
        "sum_get": found.get,
        "sum_get_com": found.get_with_fee,
        "com_give": fee_text(fees["give_fee_rate"], fees["give_fee_fixed"], direction.give.code),
        "com_get": fee_text(fees["get_fee_rate"], fees["get_fee_fixed"], direction.get.code),
        **{name: "no" if limit is None else limit for name, limit in direction.limits.items()},
    }
