"""The simulated bitloga, put together: its addresses and which action answers where. Holds no rule itself."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from sandbox import accounts, transactions
from sandbox.accounts import Account
from sandbox.bitloga import (
    access,
    codes,
    control,
    errors,
    invoices,
    merging,
    overview,
    payer,
    rates,
    withdrawals,
)
from sandbox.bitloga.calls import Context
from sandbox.bitloga.declared import SETTINGS
from sandbox.bitloga.errors import Refusal
from sandbox.bitloga.methods import OPENING
from sandbox.bitloga.numbers import encode
from sandbox.provider import Provider
from sandbox.routes import Route
from sandbox.transactions import Transaction
from sandbox.wire import JSON, Answer, Call, Reply, Request, page, redirect

API = "/bitloga/api/v1/"
CODES = "/bitloga/api/v1/code/"
TICKER = "/bitloga/api/v1/ticker"


def _balances(context: Context) -> dict[str, Any]:
    """Action `balances`. Raises Refusal."""
    context.check_shapes(texts=("currency",))
    balances = accounts.balances(context.db, context.account.id)
    if not balances:
        raise Refusal(errors.BALANCES_NOT_FOUND)
    if context.params.get("currency") is not None:
        currency = context.text("currency", errors.CURRENCY_NOT_DEFINED)
        if currency not in balances:
            raise Refusal(errors.CURRENCY_NOT_FOUND)
        balances = {currency: balances[currency]}
    return {**balances, "success": True}


def _details(context: Context) -> dict[str, Any]:
    """Action `details`. Raises Refusal."""
    context.check_shapes(texts=("uniqueid",))
    uniqueid = context.text("uniqueid", errors.UNIQUEID_NOT_DEFINED)
    rows = transactions.find(
        context.db, provider=context.provider.name, uniqueid=uniqueid, account_id=context.account.id, limit=1
    )
    if not rows:
        raise Refusal(errors.TRANSACTION_NOT_FOUND)
    if rows[0].kind == invoices.KIND:
        described = invoices.describe(context.provider, rows[0])
    else:
        described = withdrawals.describe(context.provider, rows[0], with_type=True)
    return {**described, "success": True}


ACTIONS: Mapping[str, Mapping[str, Callable[[Context], dict[str, Any]]]] = {
    API: {
        "balances": _balances,
        "invoice": invoices.create,
        "withdraw": withdrawals.create,
        "details": _details,
    },
    CODES: {"create": codes.create, "apply": codes.apply, "get": codes.listing},
}


class Bitloga(Provider):
    """The provider as its document describes it."""

    name = "bitloga"
    title = "Bitloga"
    schema = codes.SCHEMA
    tables = codes.TABLES
    settings = SETTINGS
    actions: ClassVar[tuple[str, ...]] = (*ACTIONS[API], *ACTIONS[CODES], "ticker")
    lookup_action = "details"
    not_found = errors.TRANSACTION_NOT_FOUND
    signature_header = "X-SIGNATURE"
    control_template = "sandbox/bitloga/control.html"

    @property
    def base_url(self) -> str:
        """As typed into the product; the trailing slash is needed."""
        return self.engine.url + API

    @property
    def opening_balances(self) -> Mapping[str, Decimal]:
        """Balances of a new account."""
        return {currency: Decimal(amount) for currency, amount in OPENING.items()}

    def read(self, request: Request) -> Call | Reply:
        """Calls by their address; pages at once; an address without its slash is sent to the right one."""
        if request.path in ACTIONS:
            return access.open_call(self, request, request.path)
        if request.path.rstrip("/") == TICKER:
            return access.open_call(self, request, "ticker")
        if request.path + "/" in ACTIONS:
            return redirect(request.path + "/", 301)
        if found := re.fullmatch(r"/bitloga/exchange/id-([0-9a-f]+)/step-4", request.path):
            return payer.reply(self, request, found[1])
        if found := re.fullmatch(r"/bitloga/qr/([0-9a-f]+)", request.path):
            return redirect(f"/bitloga/exchange/id-{found[1]}/step-4")
        return page("<!doctype html><title>404</title><h1>404 Not Found</h1>", 404)

    def answer(self, call: Call) -> Answer:
        """Deal with a call; refusals are answers too."""
        if call.action == "ticker":
            return self._ticker()
        area = call.request.path
        with self.engine.ledger.transaction() as db:
            try:
                account, params = access.admit(self, db, call.request, codes=area == CODES)
                action = ACTIONS[area].get(call.action)
                if action is None:
                    raise Refusal(errors.UNDEFINED_ACTION)
                context = Context(self, db, account, params, self.engine.timestamp())
                return Answer(self._do(action, context))
            except Refusal as refusal:
                return self.refusal(refusal.message)

    def _do(self, action: Callable[[Context], dict[str, Any]], context: Context) -> dict[str, Any]:
        try:
            return action(context)
        except Refusal:
            # All checks come before the first write, so there is nothing to take back.
            if context.burnable and self.setting("burn_failed_ids"):
                transactions.burn(context.db, account_id=context.account.id, uniqueid=context.burnable)
            raise

    def _ticker(self) -> Answer:
        if self.setting("maintenance"):
            return self.refusal(errors.SERVICE_UNAVAILABLE)
        return Answer(rates.ticker(self))

    def refusal(self, message: str, status: int | None = None) -> Answer:
        """`success: false` with that text; the HTTP status is a setting, because the document tells none."""
        return Answer({"message": message, "success": False}, status or int(self.setting("error_status")))

    def encode(self, answer: Answer) -> Reply:
        """JSON as PHP prints it."""
        body = encode(answer.data, self.setting("number_style")).encode()
        return Reply(answer.status, body, JSON, dict(answer.headers))

    def move(
        self, db: sqlite3.Connection, row: Transaction, verb: str, options: Mapping[str, Any]
    ) -> Transaction:
        """Move an invoice or a withdrawal. Raises ControlError."""
        if row.kind == invoices.KIND:
            return invoices.move(self, db, row, verb, options)
        return withdrawals.move(self, db, row, verb)

    def callback_headers(self, body: bytes, account: Account) -> dict[str, str]:
        """Callbacks are signed as requests are."""
        return {"Content-Type": JSON, self.signature_header: access.sign(body, account.api_secret)}

    def merge_settings(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Short forms spelled out: `limits` and `fees` by method, and single methods, rates or currencies."""
        return merging.merge_settings(self, changes)

    def routes(self) -> Sequence[Route]:
        """The control API of bitloga."""
        return control.routes(self)

    def control_context(self) -> dict[str, Any]:
        """What the control page shows of bitloga."""
        return overview.page_context(self)
