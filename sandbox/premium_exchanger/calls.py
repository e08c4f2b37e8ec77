"""One call of the simulated exchanger while it is dealt with, and the readers of its parameters, which read as
PHP does: what is no number is 0. Holds no rule of a single method."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from sandbox.accounts import Account
from sandbox.premium_exchanger import errors
from sandbox.premium_exchanger.catalog import Currency, Direction, currency, direction
from sandbox.premium_exchanger.errors import Refusal
from sandbox.wire import Request

if TYPE_CHECKING:
    from sandbox.premium_exchanger.provider import PremiumExchanger

WHOLE = re.compile(r"\s*([+-]?[0-9]{1,18})", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)


@dataclass
class Context:
    """A call inside the ledger's transaction."""

    provider: PremiumExchanger
    db: sqlite3.Connection
    account: Account
    request: Request
    method: str
    params: Mapping[str, str]
    now: str

    def setting(self, name: str) -> Any:
        """The value of one setting."""
        return self.provider.setting(name)

    def text(self, name: str) -> str:
        """A text without outer spaces, "" if it is not passed."""
        return self.params.get(name, "").strip()

    def whole(self, name: str) -> int:
        """A whole number: the digits at the begin, or 0."""
        found = WHOLE.match(self.params.get(name, ""))
        return int(found[1]) if found else 0

    def amount(self, name: str) -> Decimal:
        """An amount, or 0."""
        text = self.text(name).replace(",", ".")
        if not NUMBER.fullmatch(text):
            return Decimal(0)
        try:
            return Decimal(text)
        except InvalidOperation:
            return Decimal(0)

    def check_open(self) -> None:
        """Refuse while the exchanger is closed. Raises Refusal."""
        if self.setting("maintenance"):
            code = "1" if self.method in errors.MAINTENANCE_LISTS else "2"
            raise Refusal(errors.MAINTENANCE, code)

    # --- Directions ---
    def currencies(self) -> dict[str, Currency]:
        """All currencies by id."""
        return {id: currency(id, data) for id, data in self.setting("currencies").items()}

    def directions(self) -> list[Direction]:
        """What is offered to the API."""
        return [one for one in self.every_direction().values() if one.active and one.api]

    def every_direction(self) -> dict[str, Direction]:
        """All directions by id, also those that are switched off."""
        currencies = self.setting("currencies")
        return {id: direction(id, data, currencies) for id, data in self.setting("directions").items()}

    # --- Time ---
    def local(self, timestamp: str) -> dict[str, Any]:
        """A moment as the site tells it: its own clock, and that clock's seconds as if it were UTC."""
        moment = datetime.fromisoformat(timestamp) + timedelta(hours=float(self.setting("utc_offset_hours")))
        return {"time": int(moment.timestamp()), "date": f"{moment:%Y-%m-%d %H:%M:%S}"}

    def is_within(self, timestamp: str) -> bool:
        """Whether a moment lies between start_time and end_time, compared as the site does."""
        moment, begin, end = self.local(timestamp)["time"], self.whole("start_time"), self.whole("end_time")
        return (begin <= 0 or moment >= begin) and (end <= 0 or moment <= end)

    def page(self, rows: list[Any]) -> list[Any]:
        """The part of a list that limit and offset ask for: 100 rows unless told, 500 at most."""
        limit = self.whole("limit")
        limit = 100 if limit < 1 else min(limit, 500)
        offset = max(self.whole("offset"), 0)
        return rows[offset : offset + limit]

    def listed(self, rows: list[dict[str, Any]]) -> Any:
        """A list as `data`, and the ways in which an empty one is told. Raises Refusal."""
        if rows or self.setting("empty_lists") == "items":
            return {"items": rows}
        if self.setting("empty_lists") == "refusal":
            raise Refusal(errors.EMPTY_RESPONSE)
        return []
