"""One call of the simulated bitloga while it is dealt with: who calls, with which parameters, and the readers
of parameters. Holds no rule of a single action."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandbox.accounts import Account
from sandbox.bitloga import errors
from sandbox.bitloga.errors import Refusal
from sandbox.bitloga.methods import Method, converted, method, rounded

if TYPE_CHECKING:
    from sandbox.bitloga.provider import Bitloga

NUMERIC = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass
class Context:
    """A call inside the ledger's transaction. `burnable` is the unique id that a refusal would use up."""

    provider: Bitloga
    db: sqlite3.Connection
    account: Account
    params: Mapping[str, Any]
    now: str
    burnable: str = ""

    def setting(self, name: str) -> Any:
        """The value of one setting."""
        return self.provider.setting(name)

    def check_shapes(self, *, texts: tuple[str, ...], amounts: tuple[str, ...] = ()) -> None:
        """Refuse parameters of a wrong type. Raises Refusal."""
        for name in texts:
            if self.params.get(name) is not None and not isinstance(self.params[name], str):
                raise Refusal(errors.BAD_DATA)
        for name in amounts:
            self.amount(name)

    def text(self, name: str, missing: str = "") -> str:
        """A text, "" if it is not passed. Raises Refusal(missing) if a text for that is given."""
        value = self.params.get(name)
        text = value if isinstance(value, str) else ""
        if not text.strip() and missing:
            raise Refusal(missing)
        return text

    def amount(self, name: str) -> Decimal | None:
        """An amount, as a number or as a number's text; None if it is not passed or zero. Raises Refusal."""
        value = self.params.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str) and NUMERIC.fullmatch(value):
            try:
                value = Decimal(value)
            except InvalidOperation as error:
                raise Refusal(errors.BAD_DATA) from error
        if not isinstance(value, Decimal) or not value.is_finite():
            raise Refusal(errors.BAD_DATA)
        return value or None

    def check_url(self, name: str) -> None:
        """Refuse what is not an http(s) address. Raises Refusal."""
        url = self.text(name)
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise Refusal(errors.BAD_DATA) from error
        if url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise Refusal(errors.BAD_DATA)

    def check_email(self, name: str) -> None:
        """Refuse what is not an e-mail address. Raises Refusal."""
        if self.text(name) and not EMAIL.fullmatch(self.text(name)):
            raise Refusal(errors.BAD_DATA)

    # --- Money ---
    def method(self, code: str, operation: str) -> Method:
        """The payment system of that code, if the operation is open to it. Raises Refusal."""
        data = self.setting("methods").get(code)
        found = method(code, data) if data else None
        if found is None or operation not in found.operations:
            raise Refusal(errors.PAYSYSTEM_NOT_SUPPORTED)
        return found

    def rounded(self, amount: Decimal, currency: str) -> Decimal:
        """An amount at the currency's scale."""
        return rounded(amount, currency, self.setting("scales"))

    def converted(self, amount: Decimal, source: str, target: str) -> Decimal | None:
        """An amount in another currency; None without a rate."""
        return converted(amount, source, target, self.setting("rates"), self.setting("scales"))

    def check_limits(
        self, amount: Decimal, *, low: Decimal | None, high: Decimal | None, currency: str
    ) -> None:
        """Refuse too little, too much, and more decimals than the currency has. Raises Refusal."""
        if amount < (low or 0) or amount <= 0:
            raise Refusal(errors.min_amount(low or Decimal(0)))
        if high is not None and amount > high:
            raise Refusal(errors.max_amount(high))
        if amount.adjusted() > 30 or self.rounded(amount, currency) != amount:
            raise Refusal(errors.BAD_DATA)
