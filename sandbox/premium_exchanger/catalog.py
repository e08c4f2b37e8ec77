"""Currencies and exchange directions as data that settings can change, and their lookups. Holds no rule.

The directions between them have form fields of every kind, every way to pay, and limits of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

CURRENCIES: dict[str, dict[str, Any]] = {
    "1": {"title": "Sberbank RUB", "psys": "Sberbank", "code": "RUB", "reserve": "5000000", "places": 2},
    "2": {
        "title": "Tether TRC20 USDT",
        "psys": "Tether TRC20",
        "code": "USDT",
        "reserve": "250000",
        "places": 2,
    },
    "3": {"title": "Bitcoin BTC", "psys": "Bitcoin", "code": "BTC", "reserve": "12.5", "places": 8},
    "4": {"title": "Visa &amp; Mastercard USD", "psys": "Visa/Mastercard", "code": "USD", "reserve": "90000"},
    "5": {"title": "Ripple XRP", "psys": "Ripple", "code": "XRP", "reserve": "400000", "places": 6},
}

CARD_FROM = {"name": "account1", "label": "From account", "req": 1, "side": "give", "check": "card"}
USDT_TO = {"name": "account2", "label": "Into account", "req": 1, "side": "get", "check": "trc20"}
MAIL = {"name": "cf6", "label": "E-mail", "req": 1, "side": "dir", "check": "email"}

DIRECTIONS: dict[str, dict[str, Any]] = {
    "10": {
        "give": "1",
        "get": "2",
        "course_give": "92.4",
        "course_get": "1",
        "min_give": "1000",
        "max_give": "500000",
        "give_fee_rate": "0.01",
        "get_fee_fixed": "1",
        "way": "mypaid",
        "pay_to": "4000 1234 5678 9017",
        "fields": [
            {**CARD_FROM, "tooltip": "The card <i>you</i> pay from<br>16 digits"},
            {"name": "cfgive8", "label": "Name of the cardholder", "req": 1, "side": "give"},
            USDT_TO,
            MAIL,
            {
                "name": "cf12",
                "type": "select",
                "label": "Speed",
                "side": "dir",
                "cd": 1,
                "tooltip": "A faster exchange costs more",
                "options": ["No selected", "Usual", "Fast"],
                "fees": {"2": "0.02"},
            },
            {"name": "cf14", "type": "textarea", "label": "Comment", "side": "dir"},
        ],
        "timeline": "<p>Pay from <b>your own</b> card, then press the button.</p>",
        "before_button": "The rate is fixed for <strong>20&nbsp;minutes</strong>.",
    },
    "11": {
        "give": "2",
        "get": "1",
        "course_give": "1",
        "course_get": "90.15",
        "min_give": "20",
        "min_get": "1500",
        "max_get": "300000",
        "way": "address",
        "pay_to": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
        "fields": [
            {"name": "account2", "label": "Into account", "req": 1, "side": "get", "check": "card"},
            {
                "name": "cfget7",
                "type": "select",
                "label": "Bank",
                "req": 1,
                "side": "get",
                "options": {"0": "No selected", "3": "Sberbank", "7": "Tinkoff"},
            },
            MAIL,
            {"name": "cf11", "label": "Telegram", "side": "dir"},
        ],
        "timeline": "Send to the address. The exchange begins after 20 confirmations.",
    },
    "12": {
        "give": "3",
        "get": "2",
        "course_give": "1",
        "course_get": "67250.5",
        "min_give": "0.001",
        "max_give": "2",
        "give_fee_fixed": "0.0001",
        "way": "link",
        "fields": [USDT_TO, MAIL],
    },
    "13": {
        "give": "2",
        "get": "5",
        "course_give": "1",
        "course_get": "1.85",
        "min_get": "20",
        "get_fee_rate": "0.005",
        "way": "default",
        "fields": [
            {"name": "account2", "label": "Into account", "req": 1, "side": "get"},
            {"name": "cfget9", "label": "Destination tag", "side": "get", "tooltip": "Needed by exchanges"},
            {
                "name": "cf15",
                "type": "checkbox",
                "label": "Rules",
                "text": "I agree to the <a href='/rules/'>rules</a>",
                "req": 1,
                "side": "dir",
            },
        ],
    },
    "14": {
        "give": "4",
        "get": "3",
        "course_give": "68100",
        "course_get": "1",
        "max_give": "no",
        "way": "mypaid",
        "pay_to": "4000 1234 5678 9017",
        "tag": "Order 7",
        "fields": [CARD_FROM, {"name": "account2", "label": "Into account", "req": 1, "side": "get"}],
    },
    "15": {"give": "1", "get": "3", "course_give": "6300000", "course_get": "1", "api": False},
    "16": {"give": "5", "get": "2", "course_give": "1.9", "course_get": "1", "active": False},
}


@dataclass(frozen=True)
class Currency:
    """One currency of the exchanger."""

    id: str
    title: str
    psys: str
    code: str
    reserve: Decimal
    places: int
    payout: bool
    payout_fee: Decimal


@dataclass(frozen=True)
class Direction:
    """One direction. Fees are a part and a fixed sum; a limit that is None is not set.

    `api` off: not offered to the API; `active` off: switched off altogether, also for the bids that it has.
    """

    id: str
    give: Currency
    get: Currency
    course_give: Decimal
    course_get: Decimal
    limits: Mapping[str, Decimal | None]
    fees: Mapping[str, Decimal]
    fields: tuple[Mapping[str, Any], ...]
    way: str
    pay_to: str
    tag: str
    active: bool
    api: bool
    texts: Mapping[str, str]


def currency(id: str, data: Mapping[str, Any]) -> Currency:
    """A currency from its data. Raises KeyError, ValueError or ArithmeticError for what is none."""
    return Currency(
        id=id,
        title=str(data["title"]),
        psys=str(data.get("psys") or data["title"]),
        code=str(data["code"]),
        reserve=Decimal(str(data.get("reserve") or 0)),
        places=int(data.get("places", 2)),
        payout=bool(data.get("payout", True)),
        payout_fee=Decimal(str(data.get("payout_fee") or 0)),
    )


def direction(id: str, data: Mapping[str, Any], currencies: Mapping[str, Mapping[str, Any]]) -> Direction:
    """A direction from its data. Raises KeyError, ValueError or ArithmeticError for what is none."""

    def limit(name: str) -> Decimal | None:
        value = data.get(name)
        return None if value in (None, "", "no") else Decimal(str(value))

    sides = {side: currency(str(data[side]), currencies[str(data[side])]) for side in ("give", "get")}
    courses = [Decimal(str(data[name])) for name in ("course_give", "course_get")]
    if min(courses) <= 0:
        raise ValueError("a rate is above zero")
    return Direction(
        id=id,
        give=sides["give"],
        get=sides["get"],
        course_give=courses[0],
        course_get=courses[1],
        limits={name: limit(name) for name in ("min_give", "max_give", "min_get", "max_get")},
        fees={
            name: Decimal(str(data.get(name) or 0))
            for name in ("give_fee_rate", "give_fee_fixed", "get_fee_rate", "get_fee_fixed")
        },
        fields=tuple(data.get("fields") or ()),
        way=str(data.get("way") or "default"),
        pay_to=str(data.get("pay_to") or ""),
        tag=str(data.get("tag") or ""),
        active=data.get("active") is not False,
        api=data.get("api") is not False,
        texts={name: str(data.get(name) or "") for name in ("timeline", "frozen", "before_button")},
    )
