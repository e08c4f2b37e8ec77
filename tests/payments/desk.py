"""A small bitexbit of the tests' own: it keeps what it accepts, lists it page by page, and can be told to misbehave.

It checks no signature: the client's own tests and the sandbox do that.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PREFIX = "/api/gateway/"


def method(ticker: str, network: str, **changed: Any) -> dict[str, Any]:
    """One row of payment-methods."""
    return {
        "ticker": ticker,
        "network": network,
        "min_deposit": "1.00000000",
        "max_deposit": "10000.00000000",
        "deposit_fee_amount": "0.00000000",
        "deposit_fee_rate": "0.00000000",
        "min_withdraw": "5.00000000",
        "max_withdraw": "1000.00000000",
        "withdraw_fee_amount": "1.00000000",
        "withdraw_fee_rate": "0.01000000",
        "withdraw_fee_currency": ticker,
        "is_fiat": False,
        "is_deposit_enabled": True,
        "is_withdraw_enabled": True,
        **changed,
    }


METHODS = [
    method("USDT", "tron"),
    method("USDC", "erc20", withdraw_fee_currency="ETH", withdraw_fee_rate="0"),
    method("XRP", "xrp"),
    method("UAH", "visa", is_fiat=True, deposit_fee_amount="0", deposit_fee_rate="0.02"),
    method("BTC", "btc", is_withdraw_enabled=False, min_deposit="0.0001"),
    method("ETH", "eth", withdraw_fee_amount="0.001", withdraw_fee_rate="0"),
]


class Desk:
    """Rows by list, the newest first. `faults`: by path, what befalls the next calls: drop, drop_before, a status, or
    seconds (a float) until the answer to what was done comes."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.reset()
        desk = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_arguments: Any) -> None:
                pass

            def do_GET(self) -> None:
                desk.answer(self, b"")

            def do_POST(self) -> None:
                desk.answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def date_time_string(self, timestamp: float | None = None) -> str:
                return format_datetime(dt.datetime.now(dt.UTC) + desk.clock, usegmt=True)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.base_url = f"http://127.0.0.1:{self.port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def reset(self) -> None:
        """Empty, well-behaved, with a right clock."""
        self.methods: list[Any] = [dict(row) for row in METHODS]
        self.lists: dict[str, list[dict[str, Any]]] = {
            name: []
            for name in ("wallets", "wallet/history", "invoices", "invoice/history", "withdraw/history")
        }
        self.faults: dict[str, list[Any]] = {}
        self.seen: Counter[str] = Counter()
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        self.clock = dt.timedelta()
        self.status: Any = 10
        self.change: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda _path, row: row

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # --- One call ---
    def answer(self, http: BaseHTTPRequestHandler, body: bytes) -> None:
        parts = urlsplit(http.path)
        path = parts.path.removeprefix(PREFIX)
        with self.lock:
            self.seen[path] += 1
            queue = self.faults.get(path, [])
            fault = queue.pop(0) if queue else None
            if fault == "drop_before":
                http.close_connection = True
                http.connection.close()
                return
            if isinstance(fault, int):
                self._send(http, fault, {"detail": "no"} if fault < 500 else None)
                return
            data = json.loads(body) if body else None
            status, found = (
                self._create(path, data) if data is not None else self._list(path, parse_qs(parts.query))
            )
        if fault == "drop":
            http.close_connection = True
            http.connection.close()
            return
        if isinstance(fault, float):
            time.sleep(fault)
        self._send(http, status, found)

    @staticmethod
    def _send(http: BaseHTTPRequestHandler, status: int, data: Any) -> None:
        body = b"<html>fault</html>" if data is None else json.dumps(data).encode()
        http.send_response(status)
        http.send_header("Content-Type", "application/json" if data is not None else "text/html")
        http.send_header("Content-Length", str(len(body)))
        http.end_headers()
        http.wfile.write(body)

    def _list(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        if path == "payment-methods":
            return 200, self.methods
        rows = self.lists.get(path)
        if rows is None:
            return 404, {"detail": "Not found."}
        page, limit = (int(query.get(name, ["1"])[0]) for name in ("page", "limit"))
        begin = (page - 1) * limit
        if begin and begin >= len(rows):
            return 404, {"detail": "Invalid page."}
        more = begin + limit < len(rows)
        there = f" https://elsewhere.example/api?page={page + 1}" if more else None
        return 200, {
            "count": len(rows),
            "next": there,
            "previous": None,
            "results": rows[begin : begin + limit],
        }

    def _create(self, path: str, data: dict[str, Any]) -> tuple[int, Any]:
        self.bodies.append((path, data))
        number = next(self.numbers)
        made = now()
        if path == "withdraw/create":
            row = {"id": number, **data, "status": self.status, "created_at": made, "txid": None}
            row |= {"aml_success": None, "aml_risk": None, "aml_url": None, "auto_buy": {}}
            row["amount"] = f"{data['amount']}"
            self.lists["withdraw/history"].insert(0, row)
        elif path == "wallet/create":
            row = {**data, "slug": f"wallet-{number}", "address": f"T{number:033d}", "created_at": made}
            self.lists["wallets"].insert(0, row)
        else:
            row = {**data, "slug": f"invoice-{number}", "created_at": made}
            self.lists["invoices"].insert(0, dict(row))
            row["proceed_url"] = f"https://pay.example/{number}"
        return 201, self.change(path, dict(row))

    # --- What happens there ---
    def deposit(self, **values: Any) -> dict[str, Any]:
        """Money arrives at an address."""
        number = next(self.numbers)
        row = {
            "address": "T0",
            "wallet_slug": "",
            "date": now(),
            "amount": "292",
            "fee": "8",
            "ticker": "USDT",
            "network": "tron",
            "status": 1,
            "txid": f"tx{number}",
            "actual_confirmations": None,
            "required_confirmations": 20,
            "aml_success": None,
            "aml_risk": None,
            "aml_url": None,
            "created_at": now(),
        } | values
        self.lists["wallet/history"].insert(0, row)
        return row

    def payment(self, **values: Any) -> dict[str, Any]:
        """Somebody pays a bill."""
        number = next(self.numbers)
        row = {
            "date": now(),
            "amount": "98",
            "fee": "2",
            "ticker": "UAH",
            "network": "visa",
            "status": 5,
            "txid": f"tx{number}",
            "convert": {},
            "created_at": now(),
        } | values
        self.lists["invoice/history"].insert(0, row)
        return row

    def sent(self) -> Counter[str]:
        """How often each reference was accepted for a withdrawal: the witness."""
        return Counter(row["client_order_id"] for row in self.lists["withdraw/history"])


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()


@contextmanager
def running() -> Iterator[Desk]:
    """A desk for the length of a block."""
    desk = Desk()
    try:
        yield desk
    finally:
        desk.close()
