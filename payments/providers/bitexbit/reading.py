"""What bitexbit's answers have in common: moments, confirmations, orders, AML, tags and pages. Pure: asks nobody.

Source: the document's samples; codes and amounts come as numbers or as text. Whatever cannot be read exactly raises
Unreadable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from backoffice.kit import money
from payments.providers import answers
from payments.providers.answers import Unreadable, amount, needed, signed_amount, text
from payments.providers.bitexbit.paging import Page
from payments.providers.wallets import Aml, BadRow, Conversion, ConversionSettings

Row = TypeVar("Row")
Data = Mapping[str, Any]

#: Deposits, and payments of invoices: the document has one table for both.
DEPOSIT_STATES = {"1": "pending", "5": "confirmed", "6": "rejected"}
#: 0 stands in the document's sample and in no table: it is not known, and not final.
WITHDRAWAL_STATES = {
    "10": "pending",
    "20": "pending",
    "23": "pending",
    "25": "pending",
    "26": "pending",
    "27": "pending",
    "30": "complete",
    "40": "failed",
    "50": "failed",
}
TAGS = ("destination_tag", "memo", "payment_id")
#: What a row keeps for good.
STEADY = ("id", "slug", "client_order_id", "ticker", "network", "address", "amount", "created_at")
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def moment(data: Data, name: str) -> datetime:
    """A time, in UTC. One without a zone is not guessed."""
    found = None
    with suppress(ValueError):
        found = datetime.fromisoformat(needed(data, name, limit=50))
    if found is None or found.tzinfo is None:
        raise Unreadable(f"{name} is not a time with a zone")
    return found.astimezone(UTC)


def optional_moment(data: Data, name: str) -> datetime | None:
    """The same, None when it is missing."""
    return moment(data, name) if text(data, name) else None


def optional_amount(data: Data, name: str) -> Decimal | None:
    """An amount, None when it is missing."""
    return None if data.get(name) in (None, "") else amount(data, name)


def kept_amount(data: Data, name: str) -> Decimal:
    """An amount that is booked: one with more digits than the house keeps cannot be read, it is never rounded."""
    try:
        return money.read(amount(data, name))
    except money.BadAmount as error:
        raise Unreadable(f"{name} has too many digits") from error


def whole(data: Data, name: str) -> int | None:
    """A count, None when it is missing."""
    found = optional_amount(data, name)
    if found is None:
        return None
    if found != found.to_integral_value():
        raise Unreadable(f"{name} is not a whole number")
    return int(found)


def status(data: Data, states: Mapping[str, str]) -> tuple[str | None, str]:
    """Our word and theirs."""
    found = needed(data, "status", limit=100)
    return states.get(answers.word(found)), found


def tag(data: Data) -> str:
    """Whatever this network calls its tag."""
    return next((found for name in TAGS if (found := text(data, name))), "")


def conversion_settings(data: Data) -> ConversionSettings | None:
    """The `convert_*` of a wallet or invoice; None when nothing is converted."""
    ticker = text(data, "convert_ticker", limit=50)
    if not ticker:
        return None
    percent = None if data.get("convert_percent") in (None, "") else signed_amount(data, "convert_percent")
    return ConversionSettings(ticker, optional_amount(data, "convert_limit"), percent)


def conversion(data: Data, name: str) -> Conversion | None:
    """The order that was placed, under `convert` or `auto_buy`. For information: what it lacks spoils nothing."""
    found = data.get(name)
    if not isinstance(found, dict) or not found:
        return None
    return Conversion(
        symbol=_loose(found, "symbol"),
        amount=_loose_amount(found, "amount"),
        price=_loose_amount(found, "price"),
        side=_loose(found, "side"),
        state=_loose(found, "state"),
    )


def aml(data: Data) -> Aml:
    """The `aml_*` fields, of which the document shows truths, numbers and texts. What they lack spoils nothing."""
    stated = data.get("aml_success")
    success = stated if isinstance(stated, bool) else _TRUTHS.get(answers.word(_loose(data, "aml_success")))
    return Aml(success, _loose(data, "aml_risk"), answers.link(data, "aml_url"))


def _loose(data: Data, name: str) -> str:
    with suppress(Unreadable):
        return text(data, name)
    return ""


def _loose_amount(data: Data, name: str) -> Decimal | None:
    with suppress(Unreadable):
        return optional_amount(data, name)
    return None


def one(data: Any) -> Data:
    """An object that describes one thing."""
    if not isinstance(data, dict):
        raise Unreadable("the answer is not an object")
    return data


def rows(
    data: Any, raw: Any, read: Callable[[Data, Data], Row], bad: list[BadRow] | None = None
) -> tuple[Row, ...]:
    """Every row of a list. One that cannot be read goes to `bad`; without that it spoils the page: none is left out
    silently.
    """
    if not isinstance(data, list):
        raise Unreadable("this is not a list of objects")
    if not isinstance(raw, list) or len(raw) != len(data):
        raise Unreadable("the list cannot be shown without its secrets")
    found = []
    for row, shown in zip(data, raw, strict=True):
        try:
            if not isinstance(row, dict):
                raise Unreadable("this is not a list of objects")
            found.append(read(row, shown))
        except Unreadable as error:
            if bad is None:
                raise
            bad.append(_bad_row(str(error), shown))
    return tuple(found)


def _bad_row(problem: str, shown: Any) -> BadRow:
    told = shown if isinstance(shown, dict) else {"line": shown}
    mark = {name: str(told[name]) for name in STEADY if name in told} or {
        str(name): str(value) for name, value in told.items()
    }
    return BadRow(problem, told, repr(sorted(mark.items())))


def page(
    read: Callable[[Data, Data], Row], bad: list[BadRow] | None = None
) -> Callable[[Any, Any], Page[Row]]:
    """The answer of a list: `count`, `results`, and whether there is a `next`, whose address is never used."""

    def reader(data: Any, raw: Any) -> Page[Row]:
        found = one(data)
        count = whole(found, "count")
        if count is None:
            raise Unreadable("count is missing")
        shown = raw.get("results") if isinstance(raw, dict) else None
        more = bool(text(found, "next", limit=4000))
        unread: list[BadRow] = []
        read_ones = rows(found.get("results"), shown, read, None if bad is None else unread)
        if bad is not None:
            bad.extend(unread)
        return Page(read_ones, count, more, len(unread))

    return reader
