"""A small exchanger for tests of services: it keeps bids, counts what it accepted, and errs as it is told.

Written from the document, not from our client. `bids` is the witness; times are its own.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from payments.models import Bid, Direction, OwnDestination, ProviderAccount
from payments.services import accounts, bids, destinations, directions
from tests import factories

RATE = Decimal("92.4")
ADDRESS = "TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC"
COURSES = {"course_give": "92.4", "course_get": "1"}
DIRECTION: dict[str, Any] = {
    "id": "21",
    "url": "https://exchanger.example/exchange_SBERRUB_to_USDTTRC20/",
    "currency_code_give": "RUB",
    "currency_code_get": "USDT",
    "reserve": "25000.5",
    **COURSES,
    "com_give": "Fee <b>1%</b>",
    "com_get": "1 USDT",
    "min_give": "1000",
    "max_give": "no",
    "min_get": 10.5,
    "max_get": "no",
    "give_fields": {
        "account1": {"name": "account1", "type": "text", "label": "From account", "req": 0, "cd": 0},
    },
    "get_fields": {
        "account2": {
            "name": "account2",
            "type": "text",
            "label": "Into account",
            "req": 1,
            "tooltip": "TRC20 only",
        },
    },
    "dir_fields": [
        {"name": "cf6", "type": "text", "label": "E-mail", "req": "1"},
        {
            "name": "cf12",
            "type": "select",
            "label": "Network",
            "req": 0,
            "options": ["", "Slow", "Fast"],
            "cd": 1,
        },
    ],
    "info": {"timeline_text": "<p>Send, we check, you receive.</p><script>alert(1)</script>"},
}
LISTED = {
    "direction_id": "21",
    "currency_give_id": "3",
    "currency_give_title": "Sberbank",
    "currency_get_id": "5",
    "currency_get_title": "Tether TRC20",
}


def plain(number: Decimal) -> str:
    return format(number.normalize(), "f")


class Exchanger:
    """Listens on loopback. `faults[method]` is a list of modes, one per request; "" is none.

    Modes: drop (nothing answered, nothing done), drop_after (done, then no answer), late (done, and answered after
    `delay` seconds), html, status_500, empty, or a dict: this object is the answer, and nothing is done.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(501)
        self.bids: dict[str, dict[str, Any]] = {}
        self.payouts: list[dict[str, Any]] = []
        self.partner_exchanges: list[dict[str, Any]] = []
        self.balance = Decimal("120.5")
        self.directions: list[dict[str, Any]] = [LISTED]
        self.direction: dict[str, Any] = copy.deepcopy(DIRECTION)
        self.faults: dict[str, list[Any]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.accepted: list[tuple[str, str]] = []
        self.blind = False  # its filter by api_id looks at another column
        self.flag = {"success": 1}  # what exchange_success says of a status
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda bid: bid
        self.delay = 0.0
        self.zone = (
            0  # hours that its clock is ahead of the world's: of its times and of the windows it is asked for
        )
        self.is_unique = True
        self.hash = "hash{}x"  # of a bid, by its number
        self.hidden: set[str] = set()  # bids that bid_info does not show
        self._lock = threading.RLock()
        box = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                body = self.rfile.read(size).decode()
                if len(body.encode()) < size:  # whoever sent it is gone: a half request is none
                    self.close_connection = True
                    return
                with contextlib.suppress(ConnectionError):
                    box._serve(
                        self, self.path.rsplit("/", 1)[-1], dict(parse_qsl(body, keep_blank_values=True))
                    )

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.base_url = f"http://{self.host}/api/userapi/v1/"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # --- What tests do with it ---
    def fail(self, method: str, *modes: Any) -> None:
        self.faults[method] = list(modes)

    def word(self, number: str, status: str) -> None:
        bid = self.bids[number]
        bid["status"] = status
        bid["statuses"].append({"time": int(time.time()), "date": "2026-11-21 10:00:00", "status": status})

    def count(self, method: str) -> int:
        """How often it was asked this."""
        return sum(1 for name, _sent in self.asked if name == method)

    def elsewhere(self, **more: Any) -> dict[str, Any]:
        """A bid that somebody made on its pages."""
        with self._lock:
            bid = self._made({"calc_amount": "100", "calc_action": "2"}) | more
            self.bids[bid["id"]] = bid
        return bid

    # --- Serving ---
    def _serve(self, handler: BaseHTTPRequestHandler, method: str, sent: dict[str, str]) -> None:
        with self._lock:
            self.asked.append((method, sent))
            queue = self.faults.get(method) or [""]
            mode = queue.pop(0)
            if mode == "drop":
                handler.connection.close()
                return
            if isinstance(mode, dict):
                self._answer(handler, mode)
                return
            if mode in ("html", "status_500"):
                status = 500 if mode == "status_500" else 200
                self._bytes(handler, b"<html>Oops</html>", status)
                return
            if handler.headers.get("API-KEY") != "key":
                self._answer(handler, {"error": 1, "error_text": "Api disabled", "data": []})
                return
            answer = getattr(self, f"_{method}")(sent)
        if mode == "late":
            time.sleep(self.delay)
        if mode == "drop_after":
            handler.connection.close()
        elif mode == "garbage_after":
            self._bytes(handler, b"<html>Oops</html>", 502)
        else:
            self._answer(handler, answer)

    def _answer(self, handler: BaseHTTPRequestHandler, answer: dict[str, Any]) -> None:
        self._bytes(handler, json.dumps(answer).encode(), 200)

    @staticmethod
    def _bytes(handler: BaseHTTPRequestHandler, body: bytes, status: int) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    @staticmethod
    def _ok(data: Any) -> dict[str, Any]:
        return {"error": 0, "error_text": "", "error_fields": [], "data": data}

    @staticmethod
    def _no(text: str, code: Any = 1, **more: Any) -> dict[str, Any]:
        return {"error": code, "error_text": text, "data": [], **more}

    def _test(self, _sent: dict[str, str]) -> Any:
        return self._ok({"ip": "203.0.113.10", "user_id": 0, "locale": "en_US", "partner_id": 17})

    def _get_directions(self, _sent: dict[str, str]) -> Any:
        return self._ok(self.directions)

    def _get_direction(self, sent: dict[str, str]) -> Any:
        known = {one["direction_id"] for one in self.directions}
        number = sent["direction_id"] if sent["direction_id"] in known else "1"
        return self._ok(self.direction | {"id": number})

    def _sums(self, sent: dict[str, str]) -> dict[str, Any]:
        amount = Decimal(sent["calc_amount"])
        extra = Decimal(1) if "cf12" in sent.get("cd", "") and parse_qs(sent["cd"])["cf12"] == ["2"] else 0
        match sent["calc_action"]:
            case "1":
                give = amount
            case "3":
                give = amount / Decimal("1.01")
            case "4":
                give = (amount + 1) * RATE
            case _:
                give = amount * RATE
        changed = 0
        if give < 1000:
            give, changed = Decimal(1000), 1
        got = give / RATE
        exact = Decimal("0.00000001")
        return {
            "sum_give": plain(give.quantize(exact)),
            "sum_give_com": plain((give * Decimal("1.01")).quantize(exact)),
            "sum_get": plain(got.quantize(exact)),
            "sum_get_com": plain((got - 1 - extra).quantize(exact)),
            "changed": changed,
        }

    def _get_calc(self, sent: dict[str, str]) -> Any:
        kept = {
            name: value for name, value in self.direction.items() if "fields" not in name and name != "info"
        }
        return self._ok(kept | self._sums(sent))

    def _made(self, sent: dict[str, str]) -> dict[str, Any]:
        sums = self._sums(sent)
        number = str(next(self._numbers))
        return {
            "id": number,
            "hash": self.hash.format(number),
            "api_id": sent.get("api_id", ""),
            "status": "new",
            "psys_give": "Sberbank",
            "psys_get": "Tether TRC20",
            "currency_code_give": "RUB",
            "currency_code_get": "USDT",
            "amount_give": sums["sum_give_com"],
            "amount_get": sums["sum_get_com"],
            "time": int(time.time()),
            "date": "2026-11-21 09:00:00",
            "statuses": [{"time": int(time.time()), "date": "2026-11-21 09:00:00", "status": "new"}],
        }

    def _create_bid(self, sent: dict[str, str]) -> Any:
        if self.is_unique and any(one["api_id"] == sent["api_id"] for one in self.bids.values()):
            return self._no("api id not unique", "3")
        bid = self.change(self._made(sent))
        bid["sent"] = sent
        self.bids[bid["id"]] = bid
        self.accepted.append(("create_bid", sent["api_id"]))
        return self._ok(self._info(bid))

    def _info(self, bid: dict[str, Any]) -> dict[str, Any]:
        shown = {
            name: value
            for name, value in bid.items()
            if name not in ("api_id", "sent", "statuses", "time", "date")
        }
        return shown | {
            "url": f"https://exchanger.example/hst_{bid['hash']}/",
            "status_title": bid["status"].title(),
            "api_actions": {
                "type": "mypaid",
                "cancel": "api",
                "pay": "api",
                "pay_amount": bid["amount_give"],
                "instruction": "<p>Send it to<br />the account on the page</p>",
            },
        }

    def _bid_info(self, sent: dict[str, str]) -> Any:
        bid = self.bids.get(sent.get("id", ""))
        if bid is None or bid["id"] in self.hidden:
            return self._no("No bid exists")
        return self._ok(self._info(bid))

    def _moved(self, sent: dict[str, str], method: str, status: str) -> Any:
        bid = next((one for one in self.bids.values() if one["hash"] == sent["hash"]), None)
        if bid is None:
            return self._no("No bid exists")
        self.accepted.append((method, bid["id"]))
        self.word(bid["id"], status)
        return self._ok(status)

    def _cancel_bid(self, sent: dict[str, str]) -> Any:
        return self._moved(sent, "cancel_bid", "cancel")

    def _pay_bid(self, sent: dict[str, str]) -> Any:
        return self._moved(sent, "pay_bid", "payed")

    def _success_bid(self, sent: dict[str, str]) -> Any:
        return self._moved(sent, "success_bid", "success")

    def _get_exchanges(self, sent: dict[str, str]) -> Any:
        found = sorted(self.bids.values(), key=lambda one: int(one["id"]), reverse=True)
        if number := sent.get("id"):
            found = [one for one in found if one["id"] == number]
        found = [one for one in found if self._is_between(one["time"] + self.zone * 3600, sent)]
        if self.blind and sent.get("api_id"):
            found = [one for one in found if one["id"] == sent["api_id"]]
        begin = int(sent.get("offset", 0))
        rows = found[begin : begin + min(int(sent.get("limit", 100)), 500)]
        return self._ok({"items": [self._row(one, sent) for one in rows]})

    @staticmethod
    def _is_between(moment: int, sent: dict[str, str]) -> bool:
        return int(sent.get("start_time", 0)) <= moment <= int(sent.get("end_time", 10**12))

    def _row(self, bid: dict[str, Any], sent: dict[str, str]) -> dict[str, Any]:
        row = {name: value for name, value in bid.items() if name not in ("sent", "statuses", "hash")}
        row |= COURSES | {"exchange_success": self.flag.get(bid["status"], 1 - self.flag["success"])}
        return row | ({"statuses": bid["statuses"]} if sent.get("status_history") == "1" else {})

    # --- Partner programme ---
    def _get_partner_info(self, _sent: dict[str, str]) -> Any:
        items = [{"id": "5", "title": "Tether TRC20", "comission": "1%", "amount": plain(self.balance)}]
        return self._ok(
            {"partner_id": 17, "balance": plain(self.balance), "min_payout": "10", "items": items}
        )

    def _get_partner_links(self, _sent: dict[str, str]) -> Any:
        row = {"time": 1795246200, "date": "2026-11-20 09:30:00", "browser": "Firefox", "ip": "203.0.113.9"}
        return self._ok(
            {"items": [row | {"referrer": "https://shop.example/<b>", "query_string": "?rid=17"}]}
        )

    def _get_partner_exchanges(self, sent: dict[str, str]) -> Any:
        return self._ok({"items": self._page(self.partner_exchanges, sent)})

    def _get_partner_payouts(self, sent: dict[str, str]) -> Any:
        return self._ok({"items": self._page(self.payouts, sent)})

    def _page(self, lines: list[dict[str, Any]], sent: dict[str, str]) -> list[dict[str, Any]]:
        found = [one for one in lines if self._is_between(int(one["time"]), sent)]
        return found[: min(int(sent.get("limit", 100)), 500)]

    def _add_partner_payout(self, sent: dict[str, str]) -> Any:
        number = str(len(self.payouts) + 9)
        self.accepted.append(("add_partner_payout", number))
        self.payouts.insert(
            0,
            {
                "id": number,
                "time": int(time.time()),
                "date": "2026-11-21 10:00:00",
                "method_id": sent["method_id"],
                "account": sent["account"],
                "pay_amount": plain(self.balance),
                "pay_currency_code": "USDT",
                "original_amount": plain(self.balance),
                "original_currency_code": "USD",
                "status": 0,
            },
        )
        self.balance = Decimal(0)
        return {"error": "1", "error_text": "", "data": {"payout_id": number}}  # as public copies answer


# --- Ours ---
def account(box: Exchanger, *, name: str = "exchanger", **options: Any) -> ProviderAccount:
    """An account of ours at it."""
    options = {"rate_limit": "500", "money_out": True} | options
    return accounts.create(
        actor=None,
        provider="premium_exchanger",
        name=name,
        base_url=box.base_url,
        credentials={"api_login": "login", "api_key": "key"},
        **options,
    )


def direction(of: ProviderAccount) -> Direction:
    """Its one direction, with rate and form."""
    directions.refresh_list(account_id=of.pk)
    return directions.refresh(direction_id=Direction.objects.get(account=of, provider_id="21").pk)


def book(
    of: ProviderAccount, address: str = ADDRESS, *, method: str = "USDT", tag: str = ""
) -> OwnDestination:
    """An address of ours that two people have put into the book."""
    operator, approver = factories.person("operator"), factories.person("approver")
    made = destinations.propose(
        actor=operator, method=method, label=f"Cold {address[-4:]}", address=address, tag=tag
    )
    return destinations.approve(actor=approver, destination=made)


FIELDS = {
    "direction_id": "21",
    "calc_amount": "100",
    "calc_action": "2",
    "account2": ADDRESS,
    "cf6": "shop@example.com",
}


def asked(of: ProviderAccount, *, actor: Any = None, **fields: Any) -> Bid:
    """The intent of a bid: nothing has been sent yet. Needs the direction, and the address in the book."""
    given = {name: value for name, value in (FIELDS | fields).items() if value is not None}
    return bids.create(actor=actor, account=of, fields=given)


def made(of: ProviderAccount, *, actor: Any = None, **fields: Any) -> Bid:
    """A bid that the exchanger has."""
    bid = asked(of, actor=actor, **fields)
    bids.submit(bid_id=bid.pk)
    bid.refresh_from_db()
    assert bid.status == "new", (bid.status, bid.last_error, bid.reference.hold_reason)
    return bid
