"""The simulated exchanger, put together: its addresses and which method answers what. Holds no rule itself."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

import simplejson

from sandbox.accounts import Account
from sandbox.premium_exchanger import (
    access,
    bids,
    control,
    directions,
    errors,
    listing,
    merging,
    moves,
    overview,
    page,
    partner,
    witness,
)
from sandbox.premium_exchanger.calls import Context
from sandbox.premium_exchanger.declared import SETTINGS
from sandbox.premium_exchanger.errors import Refusal
from sandbox.provider import Provider
from sandbox.routes import Route
from sandbox.transactions import Transaction
from sandbox.wire import JSON, Answer, Call, Reply, Request, plain
from sandbox.wire import page as html_page

API = "/premium_exchanger/api/userapi/v1/"


def _test(context: Context) -> dict[str, Any]:
    """Method test."""
    return {
        "ip": context.provider.address(context.request),
        "user_id": access.user_id(context.account),
        "locale": context.request.headers.get("api-lang") or "en_US",
        "partner_id": context.whole("partner_id"),
    }


METHODS: Mapping[str, Callable[[Context], Any]] = {
    "test": _test,
    "get_direction_currencies": directions.currencies,
    "get_directions": directions.listed,
    "get_direction": directions.one,
    "get_calc": directions.calculated,
    "get_exchanges": listing.exchanges,
    "create_bid": bids.create,
    "cancel_bid": bids.cancel,
    "pay_bid": bids.pay,
    "success_bid": bids.succeed,
    "bid_info": bids.info,
    "get_partner_info": partner.info,
    "get_partner_links": partner.links,
    "get_partner_exchanges": partner.exchanges,
    "get_partner_payouts": partner.payouts,
    "add_partner_payout": partner.request,
}
# Whose arrival is written down whatever comes of it.
WITNESSED = ("create_bid", "cancel_bid", "pay_bid", "success_bid", "add_partner_payout")
WITH_FIELDS = ("create_bid", "bid_info")
NUMBERS = ("test", "get_direction_currencies", "get_directions")


class PremiumExchanger(Provider):
    """The exchanger as its document describes it, with what copies of the script are seen to do."""

    name = "premium_exchanger"
    title = "PremiumExchanger"
    schema = witness.SCHEMA
    tables = witness.TABLES
    settings = SETTINGS
    actions: ClassVar[tuple[str, ...]] = tuple(METHODS)
    lookup_action = "bid_info"
    not_found = errors.NO_BID
    inside = "data"
    success_name = "error"
    control_template = "sandbox/premium_exchanger/control.html"

    @property
    def base_url(self) -> str:
        """As typed into the product."""
        return self.engine.url + API

    @property
    def opening_balances(self) -> Mapping[str, Decimal]:
        """A new partner's balance."""
        return {"USD": Decimal("42.50")}

    def keys(self, account: Account) -> dict[str, str]:
        """What is typed into the product."""
        return {"api_login": account.api_key, "api_key": account.api_secret, "api_lang": "en_US"}

    @staticmethod
    def address(request: Request) -> str:
        """The caller's address as the exchanger sees it."""
        return access.address(request)

    def read(self, request: Request) -> Call | Reply:
        """Calls by their address; the page of a bid at once."""
        if request.path.startswith(API):
            return access.open_call(self, request, request.path.removeprefix(API).strip("/"))
        if found := re.fullmatch(r"/premium_exchanger/hst_([0-9A-Za-z]+)/", request.path):
            return page.reply(self, request, found[1])
        return html_page("<!doctype html><title>404</title><h1>404 Not Found</h1>", 404)

    def answer(self, call: Call) -> Answer:
        """Deal with a call; refusals are answers too. create_bid takes its time, with the bid in the ledger."""
        with self.engine.ledger.transaction() as db:
            account = None
            outcome = "accepted"
            try:
                account = access.admit(self, db, call, self.actions)
                context = Context(
                    provider=self,
                    db=db,
                    account=account,
                    request=call.request,
                    method=call.action,
                    params=access.parameters(call.request),
                    now=self.engine.timestamp(),
                )
                data = METHODS[call.action](context)
                answer = self._success(call.action, data)
            except Refusal as refusal:
                outcome = refusal.text
                answer = self._refused(call.action, refusal)
            if account is not None and call.action in WITNESSED:
                params = access.parameters(call.request)
                witness.arrived(
                    db,
                    account_id=account.id,
                    method=call.action,
                    api_id=params.get("api_id", ""),
                    bid=params.get("hash") or params.get("id") or "",
                    outcome=outcome,
                    now=self.engine.timestamp(),
                )
        if call.action == "create_bid":
            self.engine.stopping.wait(float(self.setting("create_seconds")))
        return answer

    def _success(self, method: str, data: Any) -> Answer:
        code, text = "0", ""
        if method == "add_partner_payout" and self.setting("payout_error"):
            code, text = "1", errors.NO_PROGRAM
        fields: dict[str, Any] = {"error_fields": []} if method in WITH_FIELDS else {}
        return Answer({"error": self._code(method, code), "error_text": text, **fields, "data": data})

    def _refused(self, method: str, refusal: Refusal) -> Answer:
        if method not in METHODS or refusal.text in (errors.API_DISABLED, errors.METHOD_NOT_SUPPORTED):
            return self.refusal(refusal.text)
        fields: dict[str, Any] = {}
        if method in WITH_FIELDS:
            fields["error_fields"] = dict(refusal.fields) if refusal.fields else []
        empty: Any = "" if method in ("cancel_bid", "pay_bid", "success_bid") else []
        code = self._code(method, refusal.code)
        return Answer({"error": code, "error_text": refusal.text, **fields, "data": empty})

    def _code(self, method: str, code: str) -> Any:
        style = self.setting("error_style")
        is_number = style == "number" or (style == "mixed" and (method in NUMBERS or not method))
        return int(code) if is_number and code.isdigit() else code

    def refusal(self, message: str, status: int | None = None) -> Answer:
        """A refusal before or beside any method."""
        code = self._code("", errors.CODES.get(message, "1"))
        return Answer({"error": code, "error_text": message}, status or 200)

    def encode(self, answer: Answer) -> Reply:
        """JSON as PHP prints it: slashes and all beyond ASCII escaped."""
        as_text = self.setting("amount_style") == "text"
        text = simplejson.dumps(_printed(answer.data, as_text), separators=(",", ":"), use_decimal=True)
        return Reply(answer.status, text.replace("/", "\\/").encode(), JSON, dict(answer.headers))

    def move(
        self, db: sqlite3.Connection, row: Transaction, verb: str, options: Mapping[str, Any]
    ) -> Transaction:
        """Move a bid or a payout. Raises ControlError."""
        if row.kind == partner.PAYOUT:
            return partner.move_payout(self, db, row, verb)
        return moves.move(self, db, row, verb, options)

    def callback_headers(self, body: bytes, account: Account) -> dict[str, str]:
        """A form; nothing is signed."""
        return {"Content-Type": access.FORM}

    def callback_body(self, fields: Mapping[str, Any]) -> str:
        """Callbacks are forms."""
        return urlencode({name: str(value) for name, value in fields.items()})

    def callback_fields(self, body: str) -> dict[str, Any]:
        """The fields of a callback's body."""
        return dict(parse_qsl(body, keep_blank_values=True))

    def merge_settings(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Single currencies, directions and rates are laid over those that there are."""
        return merging.merge_settings(self, changes)

    def routes(self) -> Sequence[Route]:
        """The control API of the exchanger."""
        return control.routes(self)

    def control_context(self) -> dict[str, Any]:
        """What the control page shows of the exchanger."""
        return overview.page_context(self)


def _printed(value: Any, as_text: bool) -> Any:
    """Amounts as texts or as numbers, never with an exponent; all other values as they are."""
    if isinstance(value, Decimal):
        return plain(value) if as_text else simplejson.RawJSON(plain(value))
    if isinstance(value, dict):
        return {name: _printed(item, as_text) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printed(item, as_text) for item in value]
    return value
