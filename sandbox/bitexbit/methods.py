"""Bitexbit's payment methods, pairs and first balances, as data that settings can change. Holds lookups, no checks of
requests. BTC and UAH are those of the document's sample; the others occur in its examples or stand for a kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

PLACES = 8
METHODS: dict[str, dict[str, Any]] = {
    "BTC:bitcoin": {
        "min_deposit": "0.001",
        "max_deposit": "10000000000",
        "min_withdraw": "0.0006",
        "max_withdraw": "100",
        "withdraw_fee_amount": "0.0004",
        "address": "btc",
        "confirmations": 2,
    },
    "ETH:ethereum": {
        "min_deposit": "0.01",
        "min_withdraw": "0.02",
        "max_withdraw": "1000",
        "withdraw_fee_amount": "0.003",
        "address": "erc20",
        "confirmations": 12,
    },
    "USDT:tron": {
        "min_deposit": "1",
        "min_withdraw": "5",
        "max_withdraw": "100000",
        "withdraw_fee_amount": "1",
        "address": "trc20",
        "confirmations": 40,
    },
    "USDT:ethereum": {
        "min_deposit": "20",
        "min_withdraw": "20",
        "max_withdraw": "100000",
        "withdraw_fee_amount": "0.003",
        "withdraw_fee_currency": "ETH",
        "address": "erc20",
        "confirmations": 12,
    },
    "XRP:ripple": {
        "min_deposit": "10",
        "min_withdraw": "20",
        "max_withdraw": "100000",
        "withdraw_fee_amount": "0.25",
        "address": "xrp",
        "tag": "destination_tag",
        "confirmations": 1,
    },
    "USDT:payeer": {
        "fiat": True,
        "min_deposit": "5",
        "max_deposit": "10000",
        "deposit_fee_rate": "0.02",
        "min_withdraw": "10",
        "max_withdraw": "10000",
        "withdraw_fee_rate": "0.01",
    },
    "UAH:wiretransfer": {
        "fiat": True,
        "min_deposit": "25.2",
        "max_deposit": "100000",
        "deposit_fee_amount": "5",
        "deposit_fee_rate": "0.01",
        "min_withdraw": "100",
        "max_withdraw": "10000",
        "withdraw_fee_amount": "5",
        "withdraw_fee_rate": "0.015",
    },
    "EUR:sepa": {
        "fiat": True,
        "min_deposit": "10",
        "min_withdraw": "20",
        "withdraw_fee_amount": "1",
        "deposit_enabled": False,
        "withdraw_enabled": False,
    },
}
#: What one of the first costs in the second.
PAIRS = {"BTC_USDT": "65000", "ETH_USDT": "3300", "BTC_ETH": "19.7", "USDT_UAH": "28.5"}
OPENING = {"USDT": "25000", "BTC": "1.5", "ETH": "20", "XRP": "5000", "UAH": "300000"}
MOST = "10000000000"


@dataclass(frozen=True)
class Side:
    """Deposits or withdrawals of a method."""

    enabled: bool
    least: Decimal
    most: Decimal
    fee_amount: Decimal
    fee_rate: Decimal
    fee_currency: str

    def fee(self, amount: Decimal) -> Decimal:
        """What that amount costs, in the fee's currency."""
        return rounded(self.fee_amount + amount * self.fee_rate)


@dataclass(frozen=True)
class Method:
    """One currency on one network. `address` is the kind of its addresses, `tag` the parameter that it needs."""

    ticker: str
    network: str
    fiat: bool
    deposit: Side
    withdraw: Side
    address: str
    tag: str
    confirmations: int


def method(code: str, data: Mapping[str, Any]) -> Method:
    """A method from its data. Raises ArithmeticError, TypeError or ValueError if they are unfit."""
    ticker, network = code.split(":")

    def side(name: str) -> Side:
        return Side(
            enabled=bool(data.get(f"{name}_enabled", True)),
            least=Decimal(str(data.get(f"min_{name}", "0"))),
            most=Decimal(str(data.get(f"max_{name}", MOST))),
            fee_amount=Decimal(str(data.get(f"{name}_fee_amount", "0"))),
            fee_rate=Decimal(str(data.get(f"{name}_fee_rate", "0"))),
            fee_currency=str(data.get(f"{name}_fee_currency", ticker)),
        )

    return Method(
        ticker=ticker,
        network=network,
        fiat=bool(data.get("fiat")),
        deposit=side("deposit"),
        withdraw=side("withdraw"),
        address=str(data.get("address") or "any"),
        tag=str(data.get("tag") or ""),
        confirmations=int(data.get("confirmations", 1)),
    )


def describe(found: Method) -> dict[str, Any]:
    """A method as `payment-methods` tells it, in the order of the document's sample."""
    deposit, withdraw = found.deposit, found.withdraw
    return {
        "ticker": found.ticker,
        "network": found.network,
        "min_deposit": eight(deposit.least),
        "max_deposit": eight(deposit.most),
        "deposit_fee_amount": eight(deposit.fee_amount),
        "deposit_fee_rate": eight(deposit.fee_rate),
        "min_withdraw": eight(withdraw.least),
        "max_withdraw": eight(withdraw.most),
        "withdraw_fee_amount": eight(withdraw.fee_amount),
        "withdraw_fee_rate": eight(withdraw.fee_rate),
        "withdraw_fee_currency": withdraw.fee_currency,
        "is_fiat": found.fiat,
        "is_deposit_enabled": deposit.enabled,
        "is_withdraw_enabled": withdraw.enabled,
    }


def rounded(amount: Decimal) -> Decimal:
    """An amount with at most eight decimals, halves up."""
    with localcontext() as context:
        context.prec = 60
        return amount.quantize(Decimal(1).scaleb(-PLACES), rounding=ROUND_HALF_UP)


def eight(amount: Decimal) -> str:
    """An amount as the document prints it: text with eight decimals."""
    return format(rounded(amount), "f")


def price(pairs: Mapping[str, Any], one: str, other: str) -> tuple[str, Decimal] | None:
    """The pair of two currencies, whichever way round it is listed, and what one of its first costs."""
    for symbol in (f"{one}_{other}", f"{other}_{one}"):
        if pairs.get(symbol):
            return symbol, Decimal(str(pairs[symbol]))
    return None
