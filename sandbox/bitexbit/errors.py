"""Bitexbit's refusals: a status of its table of errors and a body. The document lists no texts: these are made up in
the manner of its framework. Holds no checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NO_KEY = "Authentication credentials were not provided."
WRONG_KEY = "Invalid API key."
NO_DEADLINE = "X-Timeout is not an integer."
TOO_LATE = "Request timeout has expired."
TOO_FAR = "Request timeout is too far in the future."
WRONG_SIGNATURE = "Invalid signature."
NO_ACCESS = "You do not have permission to perform this action."
NOT_JSON = "JSON parse error."
NO_PAGE = "Invalid page."
NO_BALANCE = "Insufficient balance."
REQUIRED = "This field is required."
NOT_A_TEXT = "Not a valid string."
NOT_A_NUMBER = "A valid number is required."
NOT_A_URL = "Enter a valid URL."
NOT_AN_IP = "Enter a valid IPv4 or IPv6 address."
NOT_A_CHOICE = "Not a valid choice."
NO_TICKER = "Unknown ticker."
NO_NETWORK = "Unknown network for this ticker."
NO_PAIR = "Pair does not exist."
DISABLED = "This method is disabled."
WRONG_ADDRESS = "Invalid address."
WRONG_CARD = "Invalid card."
FEE_ELSEWHERE = "The fee is charged in another currency."
ID_USED = "This client_order_id is already used."
NO_SUCH_FILTER = "Unknown ordering."


class Refusal(Exception):
    """A request that is turned away with this status and body. Nothing was accepted."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.status, self.body = status, dict(body)


def detail(status: int, text: str) -> Refusal:
    """A refusal with one text."""
    return Refusal(status, {"detail": text})


def field(name: str, text: str) -> Refusal:
    """A parameter that must be changed."""
    return Refusal(400, {name: [text]})
