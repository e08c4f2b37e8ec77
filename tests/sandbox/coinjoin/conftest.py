"""A client of the simulated CoinJoin that knows only its document, and addresses that are nobody's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox import server

# The vectors of BIP 173 and 350, and two well-known addresses.
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
LEGACY = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
SCRIPT = "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"
TEST = "n3PdePLBgEeTYk4nAhcbehsnjvr1i3LyYS"  # the document's


class Api:
    """Asks as the document says."""

    def __init__(self, box: server.Box, name: str = "demo") -> None:
        self.box = box
        self.keys = box.account(name, "coinjoin")
        self.session = requests.Session()

    def ask(
        self, path: str, *, data: bytes | None = None, key: str | None = "", timeout: float = 5
    ) -> requests.Response:
        token = self.keys["api_key"] if key == "" else key
        return self.session.request(
            "GET" if data is None else "POST",
            self.keys["base_url"] + path,
            data=data,
            headers={"Authorization": f"Bearer {token}"} if token is not None else {},
            timeout=timeout,
            allow_redirects=False,
        )

    def get(self, path: str) -> dict[str, Any]:
        return json.loads(self.ask(path).text, parse_float=Decimal)

    def create(self, **changes: Any) -> dict[str, Any]:
        asked = {"delay": "1", "payouts": {SEGWIT: "0.001", LEGACY: "0.002"}, **changes}
        sent = {name: value for name, value in asked.items() if value is not ...}
        return json.loads(
            self.ask("createTransaction", data=json.dumps(sent).encode()).text, parse_float=Decimal
        )

    def rows(self, **filters: str) -> list[dict[str, Any]]:
        return self.box.control("coinjoin/transactions", filters, method="GET")["transactions"]

    def move(self, public_id: str, verb: str, **data: Any) -> dict[str, Any]:
        return self.box.control(f"coinjoin/transactions/{public_id}/{verb}", data)

    def status(self, public_id: str) -> str:
        return self.get(f"transaction/{public_id}")["status"]

    def set(self, **settings: Any) -> None:
        self.box.control("settings", {"provider": "coinjoin", **settings})


@pytest.fixture
def join(box: server.Box) -> Iterator[Api]:
    api = Api(box)
    yield api
    api.session.close()
