"""Bitloga's payment systems, currencies and rates, as data that settings can change. Holds lookups, no checks
of requests.

The first six are those of the document ("Payment system codes") with the operations it grants them. The
others occur in its examples or stand for a kind that it describes (cards, tags, QR); the setting `methods`
can take them away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

METHODS: dict[str, dict[str, Any]] = {
    "BTC": {
        "title": "Bitcoin BTC",
        "currency": "BTC",
        "operations": ["invoice", "pay"],
        "purse": "btc",
        "min": "0.0001",
        "max": "10",
        "requisites": "crypto",
    },
    "LTC": {
        "title": "Litecoin LTC",
        "currency": "LTC",
        "operations": ["invoice", "pay"],
        "purse": "ltc",
        "min": "0.01",
        "max": "1000",
        "requisites": "crypto",
    },
    "USDTTRC20": {
        "title": "TRC20 USDT",
        "currency": "USDT",
        "operations": ["invoice", "pay"],
        "purse": "trc20",
        "min": "5",
        "max": "100000",
        "requisites": "crypto",
    },
    "USDTERC20": {
        "title": "ERC20 USDT",
        "currency": "USDT",
        "operations": ["invoice", "pay"],
        "purse": "erc20",
        "min": "20",
        "max": "100000",
        "requisites": "crypto",
    },
    "RUBBALANCE": {
        "title": "Wallet RUB",
        "currency": "RUB",
        "operations": ["invoice", "pay"],
        "purse": "login",
        "internal": True,
        "min": "100",
        "max": "1000000",
        "pay_by": "SBP_RUB",
    },
    "USDTBALANCE": {
        "title": "Wallet USDT",
        "currency": "USDT",
        "operations": ["invoice", "withdraw", "pay"],
        "purse": "login",
        "internal": True,
        "min": "1",
        "max": "50000",
        "fee_rate": "0.005",
        "pay_by": "USDTTRC20",
    },
    "WMZ": {
        "title": "WebMoney WMZ",
        "currency": "USD",
        "operations": ["invoice", "withdraw", "pay"],
        "purse": "wmz",
        "min": "1",
        "max": "10000",
        "fee_rate": "0.01",
    },
    "WME": {"title": "WebMoney WME", "currency": "EUR", "operations": ["pay"], "purse": "wme"},
    "WMR": {"title": "WebMoney WMR", "currency": "RUB", "operations": ["pay"], "purse": "wmr"},
    "SBP_RUB": {
        "title": "SBP RUB",
        "currency": "RUB",
        "operations": ["pay"],
        "purse": "phone",
        "requisites": "phone",
    },
    "NSPK_RUB": {
        "title": "SBP QR RUB",
        "currency": "RUB",
        "operations": ["pay"],
        "purse": "phone",
        "requisites": "qr",
    },
    "ACCOUNT_RUB": {
        "title": "Bank account RUB",
        "currency": "RUB",
        "operations": ["pay"],
        "purse": "account",
        "requisites": "account",
    },
    "CARD_RUB": {
        "title": "Bank card RUB",
        "currency": "RUB",
        "operations": ["invoice", "withdraw", "pay"],
        "purse": "card",
        "names": True,
        "min": "500",
        "max": "150000",
        "fee_rate": "0.01",
        "fee_fixed": "30",
        "requisites": "card",
    },
    "XRP": {
        "title": "Ripple XRP",
        "currency": "XRP",
        "operations": ["invoice", "withdraw"],
        "purse": "xrp",
        "tag": True,
        "min": "10",
        "max": "100000",
        "fee_fixed": "0.25",
        "pay_by": "USDTTRC20",
    },
}
# What one unit is worth in USD.
RATES = {
    "USD": "1",
    "USDT": "1",
    "EUR": "1.08",
    "RUB": "0.0125",
    "KZT": "0.002",
    "BTC": "65000",
    "LTC": "80",
    "XRP": "0.5",
}
SCALES = {"USD": 2, "EUR": 2, "RUB": 2, "KZT": 2, "USDT": 6, "XRP": 6, "BTC": 8, "LTC": 8}
OPENING = {"USDT": "25000", "RUB": "1500000", "LTC": "120", "BTC": "1.5", "KZT": "3000000", "USD": "10000"}
DEFAULT_SCALE = 8


@dataclass(frozen=True)
class Method:
    """One payment system. Limits and the fixed fee are in `currency`, rates are fractions of one."""

    code: str
    title: str
    currency: str
    operations: tuple[str, ...]
    purse: str
    internal: bool
    tag: bool
    names: bool
    min: Decimal | None
    max: Decimal | None
    reserve: Decimal | None
    fee_rate: Decimal
    fee_fixed: Decimal
    invoice_fee_rate: Decimal
    requisites: str
    pay_by: str


def _amount(value: Any) -> Decimal | None:
    return None if value is None or value == "" else Decimal(str(value))


def method(code: str, data: Mapping[str, Any]) -> Method:
    """A payment system from its data. Raises ArithmeticError, KeyError or TypeError if the data are unfit."""
    return Method(
        code=code,
        title=str(data.get("title") or code),
        currency=str(data["currency"]),
        operations=tuple(data.get("operations") or ()),
        purse=str(data.get("purse") or "any"),
        internal=bool(data.get("internal")),
        tag=bool(data.get("tag")),
        names=bool(data.get("names")),
        min=_amount(data.get("min")),
        max=_amount(data.get("max")),
        reserve=_amount(data.get("reserve")),
        fee_rate=_amount(data.get("fee_rate")) or Decimal(0),
        fee_fixed=_amount(data.get("fee_fixed")) or Decimal(0),
        invoice_fee_rate=Decimal("0.01")
        if data.get("invoice_fee_rate") is None
        else Decimal(str(data["invoice_fee_rate"])),
        requisites=str(data.get("requisites") or ""),
        pay_by=str(data.get("pay_by") or ""),
    )


def rounded(amount: Decimal, currency: str, scales: Mapping[str, Any]) -> Decimal:
    """An amount at the currency's scale, halves up as PHP's round() does."""
    with localcontext() as context:
        context.prec = 60
        places = int(scales.get(currency, DEFAULT_SCALE))
        return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def converted(
    amount: Decimal, source: str, target: str, rates: Mapping[str, Any], scales: Mapping[str, Any]
) -> Decimal | None:
    """An amount in another currency; None if there is no rate for it."""
    if source == target:
        return rounded(amount, target, scales)
    give, get = _amount(rates.get(source)), _amount(rates.get(target))
    if not give or not get:
        return None
    with localcontext() as context:
        context.prec = 60
        return rounded(amount * give / get, target, scales)
