"""One call of the simulated bitexbit while it is dealt with: who calls, with which parameters, and the readers of
parameters. Holds no rule of a single call."""

from __future__ import annotations

import ipaddress
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandbox.accounts import Account
from sandbox.bitexbit import errors
from sandbox.bitexbit.methods import Method, Side, method, price, rounded

if TYPE_CHECKING:
    from sandbox.bitexbit.provider import Bitexbit

NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?", re.ASCII)


@dataclass
class Context:
    """A call inside the ledger's transaction. `params` is the body of a POST or the query of a GET."""

    provider: Bitexbit
    db: sqlite3.Connection
    account: Account
    params: Mapping[str, Any]
    now: str

    def setting(self, name: str) -> Any:
        """The value of one setting."""
        return self.provider.setting(name)

    def text(self, name: str, *, required: bool = False) -> str:
        """A text, "" if it is not passed. Raises Refusal."""
        value = self.params.get(name)
        if value is None or value == "":
            if required:
                raise errors.field(name, errors.REQUIRED)
            return ""
        if not isinstance(value, str):
            raise errors.field(name, errors.NOT_A_TEXT)
        return value

    def number(self, name: str, *, required: bool = False) -> Decimal | None:
        """A number, as a number or as a number's text; None if it is not passed. Raises Refusal."""
        value = self.params.get(name)
        if value is None or value == "":
            if required:
                raise errors.field(name, errors.REQUIRED)
            return None
        if isinstance(value, str) and NUMBER.fullmatch(value):
            value = Decimal(value)
        if not isinstance(value, Decimal) or not value.is_finite() or value.adjusted() > 20:
            raise errors.field(name, errors.NOT_A_NUMBER)
        return value

    def url(self, name: str) -> str:
        """An http(s) address, "" if it is not passed. Raises Refusal."""
        found = self.text(name)
        try:
            parts = urlsplit(found)
        except ValueError as error:
            raise errors.field(name, errors.NOT_A_URL) from error
        if found and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise errors.field(name, errors.NOT_A_URL)
        return found

    def ip(self, name: str) -> str:
        """An IP address. Raises Refusal."""
        found = self.text(name, required=True)
        try:
            return str(ipaddress.ip_address(found))
        except ValueError as error:
            raise errors.field(name, errors.NOT_AN_IP) from error

    def method(self) -> Method:
        """The payment method that `ticker` and `network` name. Raises Refusal."""
        ticker, network = self.text("ticker", required=True), self.text("network", required=True)
        known = self.setting("methods")
        if not any(code.partition(":")[0] == ticker for code in known):
            raise errors.field("ticker", errors.NO_TICKER)
        data = known.get(f"{ticker}:{network}")
        if data is None:
            raise errors.field("network", errors.NO_NETWORK)
        return method(f"{ticker}:{network}", data)

    def amount(self, side: Side) -> Decimal:
        """`amount`, within the limits of that side of a method. Raises Refusal."""
        amount = self.number("amount", required=True)
        assert amount is not None  # noqa: S101 - required
        if amount <= 0 or amount < side.least:
            text = f"Ensure this value is greater than or equal to {side.least}."
            raise errors.field("amount", text)
        if amount > side.most:
            raise errors.field("amount", f"Ensure this value is less than or equal to {side.most}.")
        if rounded(amount) != amount:
            raise errors.field("amount", "Ensure that there are no more than 8 decimal places.")
        return amount

    def check_pair(self, name: str, ticker: str) -> str:
        """`convert_ticker` or `auto_buy_ticker`: one that makes a pair with the ticker, or "". Raises Refusal."""
        other = self.text(name)
        if other and price(self.setting("pairs"), ticker, other) is None:
            raise errors.field(name, errors.NO_PAIR)
        return other

    def conversion(self, ticker: str) -> dict[str, str]:
        """`convert_*` as they are kept: texts, "" for what is not wanted. Raises Refusal."""
        other = self.check_pair("convert_ticker", ticker)
        limit, percent = self.number("convert_limit"), self.number("convert_percent")
        if not other:
            return {"convert_ticker": "", "convert_limit": "", "convert_percent": ""}
        return {
            "convert_ticker": other,
            "convert_limit": "" if limit is None else format(limit, "f"),
            "convert_percent": format(Decimal(5) if percent is None else percent, "f"),
        }
