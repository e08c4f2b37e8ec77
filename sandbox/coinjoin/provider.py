"""The simulated CoinJoin, put together: its addresses and which call answers where. Holds no rule itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from sandbox import transactions
from sandbox.accounts import Account
from sandbox.bitloga.numbers import encode
from sandbox.coinjoin import access, addresses, batches, control, errors, moves, overview, signing
from sandbox.coinjoin.declared import SETTINGS
from sandbox.coinjoin.errors import Refusal
from sandbox.provider import Provider
from sandbox.routes import Route
from sandbox.transactions import Transaction
from sandbox.wire import JSON, Answer, Call, Reply, Request, page

API = "/coinjoin/api/"
# Each call's method, and whether something follows its name in the path.
CALLS = {
    "status": ("GET", False),
    "validateAddress": ("GET", True),
    "createTransaction": ("POST", False),
    "transactions": ("GET", False),
    "transaction": ("GET", True),
}


class Coinjoin(Provider):
    """The provider as its document describes it."""

    name = "coinjoin"
    title = "CoinJoin"
    settings = SETTINGS
    actions: ClassVar[tuple[str, ...]] = tuple(CALLS)
    lookup_action = "transaction"
    not_found = errors.NO_TRANSACTION
    control_template = "sandbox/coinjoin/control.html"

    @property
    def base_url(self) -> str:
        """As typed into the product."""
        return self.engine.url + API

    @property
    def opening_balances(self) -> Mapping[str, Decimal]:
        """There are no balances: each transaction is paid by its own deposit."""
        return {}

    def read(self, request: Request) -> Call | Reply:
        """Calls by their address and method; anything else is 404, in the documented form below /api/."""
        if not request.path.startswith(API):
            return page("<!doctype html><title>404</title><h1>404 Not Found</h1>", 404)
        action, mark, value = request.path.removeprefix(API).partition("/")
        method, has_value = CALLS.get(action, ("", False))
        if method != request.method or has_value != bool(value) or bool(mark) != has_value or "/" in value:
            return self.encode(self.refusal(errors.NO_ENDPOINT))
        return access.open_call(self, request, action, value)

    def answer(self, call: Call) -> Answer:
        """Deal with a call; refusals are answers too."""
        with self.engine.ledger.transaction() as db:
            try:
                if self.setting("maintenance"):
                    raise Refusal(errors.UNAVAILABLE, errors.SERVICE_UNAVAILABLE)
                if call.action == "status":
                    return Answer(self._status())
                if call.action == "validateAddress":
                    return Answer(self._validate(call.uniqueid))
                account = access.admit(self, db, call.request)
                return Answer(self._private(db, account, call))
            except Refusal as refusal:
                return self.refusal(refusal.description, refusal.code)

    # --- The calls ---
    def _status(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "status": "ok",
            "timestamp": Decimal(int(self.engine.clock.stamp())),
            "datetime": self.engine.clock.now().replace(microsecond=0).isoformat(),
        }
        if self.setting("status_tells_limits"):
            found["fee"] = {"fixed": self.setting("fee_fixed"), "rate": self.setting("fee_rate")}
            names = ("min_payout", "max_payout", "max_rows", "max_delay")
            found["limits"] = {name: self.setting(name) for name in names}
        return found

    def _validate(self, address: str) -> dict[str, Any]:
        valid = addresses.is_valid(address, self.setting("network"))
        return {"result": valid if self.setting("boolean_style") == "boolean" else str(valid).lower()}

    def _private(self, db: sqlite3.Connection, account: Account, call: Call) -> dict[str, Any]:
        if call.action == "createTransaction":
            params = access.parameters(call.request)
            if params is None:
                raise Refusal(errors.BAD_REQUEST, errors.INVALID_JSON)
            return self._signed(batches.create(self, db, account, params), account, "created", signs=True)
        if call.action == "transactions":
            return self._list(db, account, call.request.query)
        found = transactions.find(
            db, provider=self.name, uniqueid=call.uniqueid, account_id=account.id, limit=1
        )
        if not found:
            raise Refusal(errors.NOT_FOUND, errors.NO_TRANSACTION)
        return self._signed(found[0], account, "asked", signs=self.setting("sign_details"))

    def _signed(self, row: Transaction, account: Account, where: str, *, signs: bool) -> dict[str, Any]:
        style = self.setting("signature") if signs else "missing"
        return signing.sign(batches.describe(self, row, where=where), account.api_secret, style)

    def _list(self, db: sqlite3.Connection, account: Account, query: Mapping[str, str]) -> dict[str, Any]:
        given = {name: query.get(name, default) for name, default in (("limit", "30"), ("offset", "0"))}
        if not all(batches.WHOLE.fullmatch(text) for text in given.values()) or not int(given["limit"]):
            raise Refusal(errors.BAD_REQUEST, errors.BAD_PAGE)
        limit = min(int(given["limit"]), int(self.setting("max_limit")))
        offset = int(given["offset"])
        rows = transactions.find(
            db, provider=self.name, account_id=account.id, kind=batches.KIND, limit=limit, offset=offset
        )
        signs = self.setting("sign_list")
        return {
            "transactions": [self._signed(row, account, "listed", signs=signs) for row in rows],
            "totalTransactions": Decimal(transactions.count(db, account_id=account.id, kind=batches.KIND)),
            # As in the example: what was passed comes back as a text, what was not as a number.
            "limit": str(limit) if "limit" in query else Decimal(limit),
            "offset": str(offset) if int(query.get("offset", "0")) else Decimal(offset),
        }

    # --- What every provider offers ---
    def refusal(self, message: str, status: int | None = None) -> Answer:
        """The documented error; a text that is not ours is a bad request unless a code is said."""
        code = status or errors.CODES.get(message, errors.BAD_REQUEST)
        return Answer({"code": Decimal(code), "description": message}, code)

    def encode(self, answer: Answer) -> Reply:
        """JSON as PHP prints it."""
        return Reply(answer.status, encode(answer.data, "php").encode(), JSON, dict(answer.headers))

    def move(
        self, db: sqlite3.Connection, row: Transaction, verb: str, options: Mapping[str, Any]
    ) -> Transaction:
        """Move a transaction. Raises ControlError."""
        return moves.move(self, db, row, verb, options)

    def callback_headers(self, body: bytes, account: Account) -> dict[str, str]:
        """There are no callbacks; one ordered by hand comes unsigned."""
        return {"Content-Type": JSON}

    def routes(self) -> Sequence[Route]:
        """The control API of CoinJoin."""
        return control.routes(self)

    def control_context(self) -> dict[str, Any]:
        """What the control page shows of CoinJoin."""
        return overview.page_context(self)
