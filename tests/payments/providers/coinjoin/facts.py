"""The document's facts, recorded answers, and a signature of our own making, apart from the client's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from payments.providers.batches import BatchRequest, Payout

WIRE = Path(__file__).parents[3] / "wire" / "coinjoin"
DOCUMENT: dict[str, Any] = json.loads((WIRE / "documented.json").read_text())
ENDPOINTS: dict[str, dict[str, Any]] = {row["operation"]: row for row in DOCUMENT["endpoints"]}
ERRORS: list[dict[str, Any]] = DOCUMENT["errors"]

#: The secret of the vectors.
SECRET = "test_secret"
KEY = "canary-key-value"
ID = "Q96G3MSNW8MPQRTX"
ADDRESS = "n3PdePLBgEeTYk4nAhcbehsnjvr1i3LyYS"
FIRST, SECOND = "mr9if7VDsVfEZ1qUo2u3trv6rU9eH7Yx4u", "mia3h2FdYvR2LbDR1to9u6TC62hiTbDKM9"
ROWS = (Payout(FIRST, Decimal("0.001")), Payout(SECOND, Decimal("0.00200000")))
FIELDS: dict[str, Any] = {"delay": 1, "payouts": ROWS, "refCode": "qljncygz"}
REQUEST = BatchRequest("261120101530123456", FIELDS)


def recorded(name: str) -> bytes:
    """A recorded answer of coinjoin."""
    return (WIRE / "answers" / f"{name}.json").read_bytes()


def signature(base: str, secret: str = SECRET) -> str:
    """The signature over a base string that the test spells itself."""
    return base64.b64encode(hmac.new(secret.encode(), base.encode(), hashlib.sha256).digest()).decode()


def batch(**changes: Any) -> dict[str, Any]:
    """An answer to createTransaction as it should be: all amounts told, and signed unless told otherwise."""
    data = json.loads(recorded("created_document"))
    data |= {"payouts": {FIRST: "0.001", SECOND: "0.002"}}
    data.pop("signature")
    signed = changes.pop("signature", True)
    data |= changes
    data = {name: value for name, value in data.items() if value is not ...}
    if signed is True:
        data["signature"] = signature(spelled(data))
    elif signed is not ...:
        data["signature"] = signed
    return data


def spelled(data: dict[str, Any]) -> str:
    """The base string of a flat answer with at most one map in it, numbers as JSON spells them."""
    parts = []
    for value in data.values():
        if isinstance(value, dict):
            parts.append(",".join([*value, *map(str, value.values())]))
        elif isinstance(value, str):
            parts.append(value)
        else:
            parts.append(json.dumps(value))
    return "|".join(parts)
