"""Reads bitloga's public ticker, whose form no document tells: takes what is clear, keeps everything in
`raw`.

Rates from here are for people to look at. Nothing is booked or compared by them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal, localcontext
from typing import Any

from backoffice.kit import money
from payments.providers import answers
from payments.providers.answers import Unreadable
from payments.providers.base import Rate, RatesReport
from payments.providers.errors import OutcomeUnknown
from payments.providers.exchange import Answer
from payments.providers.words import gettext_noop as _

_GIVE = ("give", "from", "currency_give", "give_currency")
_GET = ("get", "to", "currency_get", "get_currency")
_RATE = ("rate", "course", "price", "last")
_IN, _OUT = ("in", "course_give"), ("out", "course_get")
_MAX_DEPTH = 4
CLOSED = _("bitloga's rates cannot be read at the moment.")


def read(answer: Answer) -> RatesReport:
    """Rates of one answer. An answer that is no 2xx raises OutcomeUnknown; one in an unknown form has no
    rates.
    """
    if not 200 <= answer.status < 300:
        raise OutcomeUnknown(f"ticker: HTTP {answer.status}", staff=CLOSED)
    try:
        data = money.loads(answer.redacted)
    except ValueError:
        return RatesReport((), {"text": answer.redacted})
    return RatesReport(tuple(_rates(data, "", 0)), data if isinstance(data, dict) else {"data": data})


def _rates(data: Any, name: str, depth: int) -> Iterator[Rate]:
    """Walk lists and objects: each object that names two currencies and a rate, or `BTC_USDT: 1.5`, is
    one.
    """
    if depth > _MAX_DEPTH:
        return
    if isinstance(data, list):
        for item in data:
            yield from _rates(item, "", depth + 1)
    elif isinstance(data, dict):
        rate = _rate(data, name)
        if rate is not None:
            yield rate
            return
        for key, item in data.items():
            yield from _rates(item, key, depth + 1)
    else:
        rate = _rate({"rate": data}, name)
        if rate is not None:
            yield rate


def _rate(data: Mapping[str, Any], name: str) -> Rate | None:
    give, get = _first_text(data, _GIVE), _first_text(data, _GET)
    if not give or not get:
        give, _mark, get = name.replace("/", "_").replace("-", "_").partition("_")
    number = _first_amount(data, _RATE)
    if number is None:
        inwards, outwards = _first_amount(data, _IN), _first_amount(data, _OUT)
        if inwards and outwards:
            with localcontext() as context:
                context.prec = money.MAX_DIGITS
                number = outwards / inwards
    return Rate(give, get, number) if give and get and number else None


def _first_text(data: Mapping[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        with suppress(Unreadable):
            found = answers.text(data, name, limit=50)
            if found:
                return found
    return ""


def _first_amount(data: Mapping[str, Any], names: tuple[str, ...]) -> Decimal | None:
    for name in names:
        with suppress(Unreadable):
            return answers.amount(data, name)
    return None
