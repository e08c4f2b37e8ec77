"""From premium_exchanger's answers about directions and rates to reports. Pure: asks nobody.

Sources: the document's sections get_direction_currencies, get_directions, get_direction, get_calc.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from payments.providers import answers
from payments.providers.answers import Unreadable, amount, needed
from payments.providers.bids import (
    CurrenciesReport,
    Direction,
    DirectionReport,
    ExchangeCurrency,
    Page,
    Quote,
)
from payments.providers.errors import OutcomeUnknown, Refused
from payments.providers.premium_exchanger import fields
from payments.providers.premium_exchanger.envelope import an_object, rows, sorted_out
from payments.providers.premium_exchanger.plaintext import prose, title
from payments.providers.words import gettext_noop as _

Data = Mapping[str, Any]

#: The longest currency code that can be kept.
CODE_LENGTH = 16

NO_LIMIT = frozenset({"no", "none", "-"})
NO_DIRECTION = _("The exchanger does not offer this direction at the moment.")
OTHER_DIRECTION = _("The exchanger answered about another direction. Somebody must look at this.")


def currencies(data: Any, raw: Data) -> CurrenciesReport:
    """Two lists. One row that cannot be read spoils the answer: a missing currency would go unseen."""
    found = an_object(data)
    sides = [
        tuple(_currency(row, "") for row, _raw in rows(found.get(name), found.get(name)))
        for name in ("give", "get")
    ]
    return CurrenciesReport(give=sides[0], get=sides[1], raw=raw)


def _currency(row: Any, prefix: str) -> ExchangeCurrency:
    if not isinstance(row, dict):
        raise Unreadable("a currency is no object")
    return ExchangeCurrency(
        needed(row, f"{prefix}id", limit=64),
        title(row, f"{prefix}title"),
        answers.link(row, f"{prefix}logo"),
    )


def listed(data: Any, raw: Data) -> Page[Direction]:
    """A list of pairs."""

    def read(row: Data, cleaned: Data) -> Direction:
        return Direction(
            needed(row, "direction_id", limit=64),
            give=_currency(row, "currency_give_"),
            get=_currency(row, "currency_get_"),
            raw=cleaned,
        )

    return Page(*sorted_out(data, raw.get("data"), read))


def one(wanted: str) -> Callable[[Any, Data], DirectionReport]:
    """One direction. Without a valid id the exchanger answers about its first one: that is OutcomeUnknown.

    No direction at all is Refused(reason="not_found").
    """

    def read(data: Any, raw: Data) -> DirectionReport:
        found = an_object(data)
        if not found:
            raise Refused(
                "get_direction: nothing",
                reason="not_found",
                staff=NO_DIRECTION,
                fields={"direction_id": NO_DIRECTION},
            )
        id = needed(found, "id", limit=64)
        if wanted and id != wanted:
            raise OutcomeUnknown("get_direction: another direction", staff=OTHER_DIRECTION)
        texts = found.get("info")
        texts = texts if isinstance(texts, dict) else {}
        return DirectionReport(
            id,
            answers.link(found, "url"),
            _quote(found, raw, needs_sums=False),
            description=prose(texts, "timeline_text"),
            frozen_text=prose(texts, "frozen_text"),
            before_payment=prose(texts, "before_button_text"),
            give_fields=fields.form(found, "give_fields"),
            get_fields=fields.form(found, "get_fields"),
            direction_fields=fields.form(found, "dir_fields"),
            raw=raw,
        )

    return read


def calculated(data: Any, raw: Data) -> Quote:
    """The calculator's answer: the four amounts must be there."""
    return _quote(an_object(data), raw, needs_sums=True)


def _quote(data: Data, raw: Data, *, needs_sums: bool) -> Quote:
    sums = {
        name: optional_amount(data, name) for name in ("sum_give", "sum_give_com", "sum_get", "sum_get_com")
    }
    if needs_sums and None in sums.values():
        raise Unreadable("an amount is missing")
    reserve = None
    with suppress(Unreadable):  # it is shown and limits nothing; some exchangers write words
        reserve = optional_amount(data, "reserve")
    return Quote(
        give_currency=needed(data, "currency_code_give", limit=CODE_LENGTH),
        get_currency=needed(data, "currency_code_get", limit=CODE_LENGTH),
        course_give=amount(data, "course_give"),
        course_get=amount(data, "course_get"),
        give=sums["sum_give"],
        give_with_fee=sums["sum_give_com"],
        get=sums["sum_get"],
        get_with_fee=sums["sum_get_com"],
        give_fee=prose(data, "com_give", limit=500),
        get_fee=prose(data, "com_get", limit=500),
        min_give=limit(data, "min_give"),
        max_give=limit(data, "max_give"),
        min_get=limit(data, "min_get"),
        max_get=limit(data, "max_get"),
        reserve=reserve,
        changed=flag(data, "changed"),
        raw=raw,
    )


def optional_amount(data: Data, name: str) -> Decimal | None:
    """An amount, or None when it is not stated. Raises Unreadable for what is neither."""
    return None if is_missing(data.get(name)) else amount(data, name)


def limit(data: Data, name: str) -> Decimal | None:
    """A limit: a number, or None for "no" and when it is not stated. Raises Unreadable for what is neither."""
    value = data.get(name)
    if isinstance(value, str) and answers.word(value) in NO_LIMIT:
        return None
    return optional_amount(data, name)


def flag(data: Data, name: str) -> bool | None:
    """0 or 1 in any spelling, or None when it is not stated. Raises Unreadable for what is neither."""
    value = data.get(name)
    if isinstance(value, bool):
        return value
    if is_missing(value):
        return None
    found = answers.text(data, name, limit=5).strip()
    if found not in ("0", "1"):
        raise Unreadable(f"{name} is neither 0 nor 1")
    return found == "1"


def is_missing(value: Any) -> bool:
    """None, and PHP's empty values; a zero is a number."""
    return value is None or value is False or (isinstance(value, str | list | dict) and not value)
