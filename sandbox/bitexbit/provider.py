"""The simulated bitexbit, put together: its addresses and which call answers where. Holds no rule itself."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from sandbox.accounts import Account
from sandbox.bitexbit import (
    access,
    control,
    deposits,
    errors,
    invoices,
    merging,
    methods,
    overview,
    payer,
    wallets,
    withdrawals,
)
from sandbox.bitexbit.calls import Context
from sandbox.bitexbit.declared import SETTINGS
from sandbox.bitexbit.errors import Refusal
from sandbox.bitexbit.telling import witness
from sandbox.provider import Provider
from sandbox.routes import ControlError, Route
from sandbox.transactions import Transaction
from sandbox.wire import JSON, Answer, Call, Reply, Request, dump, load, page

API = "/bitexbit/api/gateway/"
HIDDEN = "***"


def _methods(context: Context) -> list[dict[str, Any]]:
    """`payment-methods`. Raises Refusal."""
    if context.params.get("ordering", "id") not in ("id", "-id"):
        raise errors.field("ordering", errors.NO_SUCH_FILTER)
    found = [methods.method(code, data) for code, data in context.setting("methods").items()]
    described = [methods.describe(one) for one in found]
    return described[::-1] if context.params.get("ordering") == "-id" else described


CALLS: Mapping[str, tuple[str, Callable[[Context], Any]]] = {
    "payment-methods": ("GET", _methods),
    "wallet/create": ("POST", wallets.create),
    "wallets": ("GET", wallets.every),
    "wallet/history": ("GET", deposits.history),
    "invoice/create": ("POST", invoices.create),
    "invoices": ("GET", invoices.every),
    "invoice/history": ("GET", invoices.history),
    "withdraw/create": ("POST", withdrawals.create),
    "withdraw/history": ("GET", withdrawals.history),
}


class Bitexbit(Provider):
    """The provider as its document describes it."""

    name = "bitexbit"
    title = "bitexbit"
    settings = SETTINGS
    actions: ClassVar[tuple[str, ...]] = tuple(CALLS)
    lookup_action = "withdraw/history"
    not_found = "(an empty list)"
    control_template = "sandbox/bitexbit/control.html"

    @property
    def base_url(self) -> str:
        """As typed into the product."""
        return f"{self.engine.url}/bitexbit/"

    @property
    def opening_balances(self) -> Mapping[str, Decimal]:
        """Balances of a new account."""
        return {currency: Decimal(amount) for currency, amount in methods.OPENING.items()}

    def code(self, status: str, *, number: bool) -> Any:
        """A status as answers print it: text or number as the samples do, or as a setting wants it."""
        style = self.setting("status_style")
        as_number = number if style == "document" else style == "number"
        return int(status) if as_number and status.isdecimal() else status

    def number(self, amount: Decimal) -> Any:
        """An amount of an invoice or withdrawal: the samples have whole ones as numbers, others as text."""
        whole = self.setting("amount_style") == "document" and amount == amount.to_integral_value()
        return amount.quantize(Decimal(1)) if whole else methods.eight(amount)

    def read(self, request: Request) -> Call | Reply:
        """Calls by their address, and the payer's page."""
        action = request.path.removeprefix(API) if request.path.startswith(API) else ""
        if action in CALLS:
            return self._call(request, action)
        if found := re.fullmatch(r"/bitexbit/pay/([0-9a-f]+)", request.path):
            return payer.reply(self, request, found[1])
        return page("<!doctype html><title>404</title><h1>404 Not Found</h1>", 404)

    def _call(self, request: Request, action: str) -> Call:
        """What can be told about a call before it is checked; card numbers are taken out."""
        params = _parameters(request) or {}
        with self.engine.ledger.transaction() as db:
            account = access.caller(self, db, request)
        url = params.get("callback_url")
        uniqueid = str(params.get("client_order_id") or "")
        return Call(
            provider=self.name,
            action=action,
            request=request,
            account=account.name if account else "",
            uniqueid=uniqueid or (witness(url, "") if isinstance(url, str) else ""),
            params={name: _shown(name, value) for name, value in params.items()},
        )

    def answer(self, call: Call) -> Answer:
        """Deal with a call; refusals are answers too."""
        method, action = CALLS[call.action]
        if self.setting("maintenance"):
            return self.refusal("Bad Gateway", 502)
        if call.request.method != method:
            return self.refusal(f'Method "{call.request.method}" not allowed.', 405)
        with self.engine.ledger.transaction() as db:
            try:
                account = access.admit(self, db, call.request)
                params = _parameters(call.request)
                if params is None:
                    raise errors.detail(400, errors.NOT_JSON)
                return Answer(action(Context(self, db, account, params, self.engine.timestamp())))
            except Refusal as refusal:
                # All checks come before the first write, so there is nothing to take back.
                return Answer(refusal.body, refusal.status)

    def refusal(self, message: str, status: int | None = None) -> Answer:
        """A text under `detail`; what "finds nothing" is an empty list here."""
        if message == self.not_found:
            return Answer({"count": 0, "next": None, "previous": None, "results": []}, status or 200)
        return Answer({"detail": message}, status or 400)

    def encode(self, answer: Answer) -> Reply:
        """JSON."""
        return Reply(answer.status, dump(answer.data).encode(), JSON, dict(answer.headers))

    def move(
        self, db: sqlite3.Connection, row: Transaction, verb: str, options: Mapping[str, Any]
    ) -> Transaction:
        """Move anything that can move. Raises ControlError."""
        if row.kind == withdrawals.KIND:
            return withdrawals.move(self, db, row, verb, options)
        if row.kind == deposits.KIND:
            return deposits.move(self, db, row, verb)
        if row.kind == invoices.PAYMENT:
            return invoices.move_payment(self, db, row, verb)
        if row.kind == invoices.KIND:
            return invoices.move(self, db, row, verb, options)
        raise ControlError("A wallet does not move.", 404)

    def callback_headers(self, body: bytes, account: Account) -> dict[str, str]:
        """Callbacks are not signed: the document knows nothing of that."""
        return {"Content-Type": JSON}

    def merge_settings(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Single methods and pairs are laid over those that there are."""
        return merging.merge_settings(self, changes)

    def routes(self) -> Sequence[Route]:
        """The control API of bitexbit."""
        return control.routes(self)

    def control_context(self) -> dict[str, Any]:
        """What the control page shows of bitexbit."""
        return overview.page_context(self)


def _parameters(request: Request) -> dict[str, Any] | None:
    """The query of a GET, the JSON object of a POST; None if it is anything else."""
    if request.method == "GET":
        return dict(request.query)
    try:
        data = load(request.body)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _shown(name: str, value: Any) -> Any:
    text = str(value)
    if name == "card":
        return f"{text[:6]}{HIDDEN}{text[-4:]}"
    return text if not isinstance(value, (str, bool)) else value
