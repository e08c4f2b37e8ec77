"""The document's facts, recorded answers, and every call of the client with values for its parameters."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from payments.providers.bids import BidRequest, QuoteRequest
from payments.providers.partner import PartnerPayoutRequest
from payments.providers.premium_exchanger import bids, directions, envelope, partner
from payments.providers.premium_exchanger.client import PremiumExchanger
from tests.payments.providers.wires import Recorder

FOLDER = Path(__file__).parents[3] / "wire" / "premium_exchanger"
DOCUMENT: dict[str, Any] = json.loads((FOLDER / "documented.json").read_text())
ENDPOINTS: dict[str, dict[str, Any]] = {row["operation"]: row for row in DOCUMENT["endpoints"]}
ERRORS: list[dict[str, Any]] = DOCUMENT["errors"]
READS = [name for name, row in ENDPOINTS.items() if row["safe"]]
MOVES = [name for name, row in ENDPOINTS.items() if not row["safe"]]

REFERENCE = "261120101530123456"
HASH = "9kQ2xYw7"
CALLBACK_URL = "https://office.example/callbacks/premium_exchanger/canary-token-of-the-bid/"
LOGIN, KEY = "canary-login-value", "canary-key-value"

#: One value per parameter of create_bid beside those that speak of the calculation.
FIELDS: dict[str, Any] = {
    "account1": "79001112233",
    "account2": "TQWv7b8JmYV8m7",
    "cfgive8": "ANN LEE",
    **{f"cf{number}": f"value {number} “ö” & = +" for number in (1, 2, 3, 4, 5, 6, 8, 10, 11, 99)},
}
BID: dict[str, Any] = {
    "direction_id": "21",
    "calc_amount": Decimal("100.50"),
    "calc_action": "3",
    "partner_id": "17",
    **FIELDS,
}

Calls = dict[str, Callable[[PremiumExchanger], Any]]

#: Each call with every parameter that the document knows.
CALLS: Calls = {
    "test": lambda client: client.check(),
    "get_direction_currencies": lambda client: client.direction_currencies(give_id="3", get_id="5"),
    "get_directions": lambda client: client.directions(give_id="3", get_id="5"),
    "get_direction": lambda client: client.direction("21"),
    "get_calc": lambda client: client.calculate(
        QuoteRequest("21", Decimal("100.50"), 4, {"cf12": "1", "cf13": "a b&c=d"})
    ),
    "get_exchanges": lambda client: client.bids(
        since=1795000000,
        until=1795300000,
        ip="203.0.113.10",
        provider_id="501",
        reference=REFERENCE,
        with_history=True,
        limit=50,
        offset=100,
    ),
    "create_bid": lambda client: client.create_bid(BidRequest(REFERENCE, BID, callback_url=CALLBACK_URL)),
    "cancel_bid": lambda client: client.cancel_bid(HASH),
    "pay_bid": lambda client: client.pay_bid(HASH),
    "success_bid": lambda client: client.complete_bid(HASH),
    "bid_info": lambda client: client.find_bid(provider_id="501", bid_hash=HASH),
    "get_partner_info": lambda client: client.info(),
    "get_partner_links": lambda client: client.links(
        since=1795000000, until=1795300000, ip="203.0.113.10", limit=50
    ),
    "get_partner_exchanges": lambda client: client.exchanges(
        since=1795000000, until=1795300000, ip="203.0.113.10", provider_id="480", with_history=True, limit=50
    ),
    "get_partner_payouts": lambda client: client.payouts(
        since=1795000000, until=1795300000, provider_id="9", limit=50
    ),
    "add_partner_payout": lambda client: client.request_payout(
        PartnerPayoutRequest({"method_id": "5", "account": "TQWv7b8JmYV8m7"})
    ),
}

#: The values that these calls send, as texts.
SENT: dict[str, dict[str, str]] = {
    "get_direction_currencies": {"currency_id_give": "3", "currency_id_get": "5"},
    "get_directions": {"currency_id_give": "3", "currency_id_get": "5"},
    "get_direction": {"direction_id": "21"},
    "get_calc": {
        "direction_id": "21",
        "calc_amount": "100.5",
        "calc_action": "4",
        "cd": "cf12=1&cf13=a%20b%26c%3Dd",
    },
    "get_exchanges": {
        "start_time": "1795000000",
        "end_time": "1795300000",
        "ip": "203.0.113.10",
        "id": "501",
        "api_id": REFERENCE,
        "status_history": "1",
        "limit": "50",
        "offset": "100",
    },
    "create_bid": {
        "direction_id": "21",
        "calc_amount": "100.5",
        "calc_action": "3",
        "partner_id": "17",
        "api_id": REFERENCE,
        "callback_url": CALLBACK_URL,
        **FIELDS,
    },
    "cancel_bid": {"hash": HASH},
    "pay_bid": {"hash": HASH},
    "success_bid": {"hash": HASH},
    "bid_info": {"id": "501", "hash": HASH},
    "get_partner_links": {
        "start_time": "1795000000",
        "end_time": "1795300000",
        "ip": "203.0.113.10",
        "limit": "50",
    },
    "get_partner_exchanges": {
        "start_time": "1795000000",
        "end_time": "1795300000",
        "ip": "203.0.113.10",
        "id": "480",
        "status_history": "1",
        "limit": "50",
    },
    "get_partner_payouts": {
        "start_time": "1795000000",
        "end_time": "1795300000",
        "id": "9",
        "limit": "50",
    },
    "add_partner_payout": {"method_id": "5", "account": "TQWv7b8JmYV8m7"},
}

#: The reader of each call's answer.
READERS: dict[str, Callable[[Any, Any], Any]] = {
    "test": lambda data, _raw: envelope.an_object(data),
    "get_direction_currencies": directions.currencies,
    "get_directions": directions.listed,
    "get_direction": directions.one("21"),
    "get_calc": directions.calculated,
    "get_exchanges": bids.listed(),
    "create_bid": bids.created(REFERENCE),
    "cancel_bid": bids.state,
    "pay_bid": bids.state,
    "success_bid": bids.state,
    "bid_info": bids.found(provider_id="501", bid_hash=HASH),
    "get_partner_info": partner.info,
    "get_partner_links": partner.links,
    "get_partner_exchanges": partner.exchanges,
    "get_partner_payouts": partner.payouts,
    "add_partner_payout": partner.requested,
}


def recorded(name: str) -> bytes:
    """A recorded answer."""
    return (FOLDER / "answers" / f"{name}.json").read_bytes()


def sample(name: str, **changes: Any) -> dict[str, Any]:
    """A recorded answer as an object, with other values in its `data`; ... takes one away."""
    answer = json.loads(recorded(name))
    if changes:
        answer["data"].update(changes)
        answer["data"] = {key: value for key, value in answer["data"].items() if value is not ...}
    return answer


def form(body: bytes) -> dict[str, str]:
    """The fields of a request's body; fails if a name stands twice."""
    pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body))
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def client(
    there: Any = None, *, hooks: Recorder | None = None, lang: str = "", **options: Any
) -> PremiumExchanger:
    """A client with canary keys."""
    return PremiumExchanger(
        base_url=there.url if there else "https://exchanger.example/api/userapi/v1/",
        credentials={"api_login": LOGIN, "api_key": KEY, "api_lang": lang},
        transport=(hooks or Recorder()).transport(there, **options),
        account_key=f"premium-{id(there)}",
    )
