"""A client of the simulated bitexbit that signs by itself, as the document's sample does."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from sandbox import server

TRON = "TR4d6N2HoC3Annqt2JK6HhQWuNARMNx5pW"


class Gateway:
    """Signs and sends; written apart from the sandbox's own signature."""

    def __init__(self, box: server.Box, name: str = "demo") -> None:
        self.box = box
        self.keys = box.account(name, "bitexbit")
        self.session = requests.Session()

    def headers(
        self, path: str, body: str = "", *, seconds: float = 10, **changed: str | None
    ) -> dict[str, str]:
        timeout = str(int(time.time() * 1000 + seconds * 1000))
        payload = f"{self.keys['api_key']}{path}{timeout}{body}"
        signature = hmac.new(
            self.keys["api_secret"].encode(), payload.encode(), digestmod="sha256"
        ).hexdigest()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "X-Key": self.keys["api_key"],
            "X-Timeout": timeout,
            "X-Sign": signature,
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        return {name: value for name, value in headers.items() if value is not None}

    def send(
        self, path: str, body: str | None = None, *, query: str = "", method: str = "", **changed: Any
    ) -> requests.Response:
        full = f"/api/gateway/{path}"
        return self.session.request(
            method or ("GET" if body is None else "POST"),
            self.keys["base_url"].rstrip("/") + full + query,
            data=None if body is None else body.encode(),
            headers=self.headers(full, body or "", **changed),
            timeout=5,
            allow_redirects=False,
        )

    def get(self, path: str, **query: Any) -> Any:
        response = self.send(path, query=f"?{urlencode(query)}" if query else "")
        return json.loads(response.text, parse_float=Decimal)

    def post(self, path: str, **params: Any) -> Any:
        return json.loads(self.send(path, json.dumps(params)).text, parse_float=Decimal)

    def wallet(self, **params: Any) -> Any:
        return self.post("wallet/create", **{"ticker": "USDT", "network": "tron", **params})

    def invoice(self, **params: Any) -> Any:
        basis = {"ticker": "UAH", "network": "wiretransfer", "amount": "300", "client_ip": "203.0.113.7"}
        return self.post("invoice/create", **{**basis, **params})

    def withdraw(self, reference: str, /, **params: Any) -> Any:
        basis = {"ticker": "USDT", "network": "tron", "address": TRON, "amount": "22"}
        return self.post("withdraw/create", **{**basis, "client_order_id": reference, **params})

    def rows(self, **query: Any) -> list[dict[str, Any]]:
        return self.box.control(f"bitexbit/transactions?{urlencode(query)}")["transactions"]

    def balance(self, currency: str) -> Decimal:
        for account in self.box.control("bitexbit/accounts")["accounts"]:
            if account["api_key"] == self.keys["api_key"]:
                return Decimal(account["balances"].get(currency, "0"))
        raise LookupError

    def set(self, **settings: Any) -> None:
        self.box.control("settings", {"provider": "bitexbit", **settings})


@pytest.fixture
def gate(box: server.Box) -> Iterator[Gateway]:
    gate = Gateway(box)
    yield gate
    gate.session.close()


@pytest.fixture
def stranger(box: server.Box) -> Iterator[Gateway]:
    box.control("bitexbit/accounts", {"name": "other"})
    gate = Gateway(box, "other")
    yield gate
    gate.session.close()
