"""A sandbox per module, reset before every test; a client that signs by itself; a receiver of callbacks."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from sandbox import server
from tests.sandbox.exchanger import PROVIDER, Exchanger


def sign(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()


class Api:
    """Signs and posts as the document says; written apart from the sandbox's own signature."""

    def __init__(self, box: server.Box, name: str = "demo") -> None:
        self.box = box
        self.keys = box.account(name)
        self.session = requests.Session()

    def headers(self, body: bytes, **changed: str | None) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "X-APIKEY": self.keys["api_key"],
            "X-SIGNATURE": sign(body, self.keys["api_secret"]),
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        return {name: value for name, value in headers.items() if value is not None}

    def post(
        self, body: bytes, path: str = "", timeout: float = 5, **changed: str | None
    ) -> requests.Response:
        return self.session.post(
            self.keys["base_url"] + path,
            data=body,
            headers=self.headers(body, **changed),
            timeout=timeout,
            allow_redirects=False,
        )

    def call(self, action: str, path: str = "", **params: Any) -> dict[str, Any]:
        body = json.dumps({"action": action, **params}, separators=(",", ":")).encode()
        return json.loads(self.post(body, path).text, parse_float=Decimal)

    def code(self, action: str, **params: Any) -> dict[str, Any]:
        return self.call(action, "code/", **params)

    def balance(self, currency: str) -> Decimal:
        return Decimal(str(self.call("balances", currency=currency)[currency]))

    def invoice(self, uniqueid: str, /, **params: Any) -> dict[str, Any]:
        return self.call(
            "invoice", **{"uniqueid": uniqueid, "paysys": "USDTBALANCE", "amount": 100, **params}
        )

    def withdraw(self, uniqueid: str, /, **params: Any) -> dict[str, Any]:
        basis = {
            "uniqueid": uniqueid,
            "currency": "USDT",
            "paysys": "USDTBALANCE",
            "amount": 10,
            "purse": "bob",
        }
        return self.call("withdraw", **{**basis, **params})

    def rows(self, uniqueid: str = "") -> list[dict[str, Any]]:
        return self.box.control(f"bitloga/transactions?uniqueid={uniqueid}")["transactions"]


@pytest.fixture(scope="module")
def module_box() -> Iterator[server.Box]:
    with server.running() as box:
        yield box


@pytest.fixture
def box(module_box: server.Box) -> server.Box:
    module_box.control("reset", {"accounts": True})
    return module_box


@pytest.fixture
def api(box: server.Box) -> Iterator[Api]:
    api = Api(box)
    yield api
    api.session.close()


@pytest.fixture
def other(box: server.Box) -> Iterator[Api]:
    box.control("bitloga/accounts", {"name": "other"})
    api = Api(box, "other")
    yield api
    api.session.close()


@pytest.fixture
def exchanger(box: server.Box) -> Iterator[Exchanger]:
    exchanger = Exchanger(box)
    usual = {"name": "demo", "user_id": 17, "work_api": True, "allowed_ips": "", "methods": "all"}
    exchanger.control("accounts", usual)  # a reset leaves accounts as they are
    exchanger.set(create_seconds=0)
    yield exchanger
    exchanger.session.close()


@pytest.fixture
def stranger(box: server.Box) -> Iterator[Exchanger]:
    box.control(f"{PROVIDER}/accounts", {"name": "stranger"})
    stranger = Exchanger(box, "stranger")
    yield stranger
    stranger.session.close()


class Receiver:
    """A merchant's callback address: keeps what came, answers with the next of `answers`, then 200."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, dict[str, str]]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((body, dict(self.headers)))
                status = receiver.answers.pop(0) if receiver.answers else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"{receiver.url}/elsewhere")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args: Any) -> None: ...

        class Server(ThreadingHTTPServer):
            request_queue_size = 100
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()
