"""The document's facts, and values to fill its parameters with."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[3] / "wire" / "bitloga" / "documented.json"
DOCUMENT: dict[str, Any] = json.loads(FILE.read_text())
ENDPOINTS: dict[str, dict[str, Any]] = {row["operation"]: row for row in DOCUMENT["endpoints"]}
ERRORS: list[dict[str, Any]] = DOCUMENT["errors"]
REFERENCE = "261120101530123456"

#: One value per parameter, in the type that the document names.
VALUES: dict[str, Any] = {
    "currency": "USDT",
    "paysys": "USDTTRC20",
    "amount": Decimal("12.50"),
    "pay_amount": Decimal("1500.00"),
    "purse": "TQWv7b8JmYV8m7",
    "paylist": "SBP_RUB",
    "comis": "payee",
    "dtag": "7788",
    "email": "ann@example.com",
    "name": "Ann",
    "surname": "Lee",
    "desc": "Order 7 “ö”",
    "successurl": "https://shop.example/ok",
    "failurl": "https://shop.example/no",
    "code": "wf9g-amrf-2o9t-831u",
    "pass": "canary-pass",
    "status": "Active",
    "offset": 100,
    "limit": 50,
}
CALLBACK_URL = "https://office.example/callbacks/bitloga/canary-token-of-the-account/"


def message(error: dict[str, Any]) -> str:
    """A documented text as the provider would send it."""
    return str(error["text"]).replace("*n*", "10.5").replace("*error*", "No route")
