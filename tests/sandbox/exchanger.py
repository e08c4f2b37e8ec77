"""A client of the simulated exchanger, written apart from the product's: a form, three headers, JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import requests

from sandbox import server

PROVIDER = "premium_exchanger"
TO = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
FIELDS = {
    "account1": "4000123456789017",
    "cfgive8": "ANN LEE",
    "account2": TO,
    "cf6": "ann@example.com",
}


class Exchanger:
    """Posts as the document says."""

    def __init__(self, box: server.Box, name: str = "demo") -> None:
        self.box = box
        self.keys = box.account(name, PROVIDER)
        self.session = requests.Session()

    def headers(self, **changed: str | None) -> dict[str, str]:
        headers = {
            "API-LOGIN": self.keys["api_login"],
            "API-KEY": self.keys["api_key"],
            "API-LANG": "en_US",
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        return {name: value for name, value in headers.items() if value is not None}

    def post(
        self, method: str, /, timeout: float = 5, headers: Any = None, **params: Any
    ) -> requests.Response:
        return self.session.post(
            self.keys["base_url"] + method,
            data=params,
            headers=self.headers(**(headers or {})),
            timeout=timeout,
            allow_redirects=False,
        )

    def call(self, method: str, /, **params: Any) -> dict[str, Any]:
        return json.loads(self.post(method, **params).text, parse_float=Decimal)

    def data(self, method: str, /, **params: Any) -> Any:
        answer = self.call(method, **params)
        assert str(answer["error"]) == "0", answer
        return answer["data"]

    def error(self, method: str, /, **params: Any) -> tuple[str, str]:
        answer = self.call(method, **params)
        return str(answer["error"]), answer["error_text"]

    def create(self, /, **params: Any) -> dict[str, Any]:
        wanted = {"direction_id": 10, "calc_amount": 10000, "calc_action": 1, **FIELDS, **params}
        return self.call("create_bid", **{name: value for name, value in wanted.items() if value is not None})

    def bid(self, **params: Any) -> dict[str, Any]:
        answer = self.create(**params)
        assert str(answer["error"]) == "0", answer
        return answer["data"]

    def control(self, path: str, data: Any = None) -> Any:
        return self.box.control(f"{PROVIDER}/{path}", data)

    def set(self, **settings: Any) -> None:
        self.box.control("settings", {"provider": PROVIDER, **settings})

    def fault(self, mode: str, **more: Any) -> Any:
        return self.box.control("faults", {"provider": PROVIDER, "mode": mode, **more})
