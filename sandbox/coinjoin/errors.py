"""CoinJoin's refusals: the documented codes, and texts of our own except the one that the document shows.
Holds no checks."""

from __future__ import annotations

from decimal import Decimal

from sandbox.wire import plain

BAD_REQUEST, WRONG_KEY, BLOCKED, NOT_FOUND, UNAVAILABLE = 400, 401, 403, 404, 503


class Refusal(Exception):
    """A request that is answered with an error. Nothing was accepted."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


INVALID_JSON = "Invalid JSON data."  # the document's own
INVALID_KEY = "Invalid API key."
ACCESS_DENIED = "Access denied."
NO_ENDPOINT = "Endpoint not found."
NO_TRANSACTION = "Transaction not found."
SERVICE_UNAVAILABLE = "Service unavailable"
TOO_MANY = "Too many requests"
BAD_DELAY = "Invalid delay."
NO_PAYOUTS = "Payouts are missing."
BAD_CODE = "Invalid refCode."
BAD_PAGE = "Invalid limit or offset."

#: The code of a text that somebody orders without saying a code.
CODES = {
    INVALID_KEY: WRONG_KEY,
    ACCESS_DENIED: BLOCKED,
    NO_ENDPOINT: NOT_FOUND,
    NO_TRANSACTION: NOT_FOUND,
    SERVICE_UNAVAILABLE: UNAVAILABLE,
    TOO_MANY: 429,
}


def bad_address(address: str) -> str:
    """An address that is none on this network."""
    return f"Invalid BTC address: {address[:100]}"


def bad_amount(address: str) -> str:
    """An amount that is none."""
    return f"Invalid amount for {address[:100]}"


def min_amount(limit: Decimal) -> str:
    """Too little for one payout."""
    return f"Minimum payout amount is {plain(limit)} BTC"


def max_amount(limit: Decimal) -> str:
    """Too much for one payout."""
    return f"Maximum payout amount is {plain(limit)} BTC"


def max_rows(limit: Decimal) -> str:
    """Too many payouts at once."""
    return f"Maximum number of payouts is {plain(limit)}"


def max_delay(limit: Decimal) -> str:
    """Too long a delay."""
    return f"Maximum delay is {plain(limit)} hours"
