"""The exchanger's part of the control API. Holds no rule about bids: everything happens through the same
functions as for its own clients."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from sandbox import accounts, transactions
from sandbox.accounts import Account
from sandbox.premium_exchanger import bids, moves, partner, witness
from sandbox.routes import ControlError, Route, amount_of, object_of, text_of, truth_of, whole_of
from sandbox.transactions import Transaction
from sandbox.wire import load, plain

if TYPE_CHECKING:
    from sandbox.premium_exchanger.provider import PremiumExchanger

ANCHOR = "premium_exchanger"


def routes(provider: PremiumExchanger) -> Sequence[Route]:
    """Everything below /_control/premium_exchanger/."""
    control = Control(provider)
    return (
        Route("GET", "accounts", control.list_accounts),
        Route("POST", "accounts", control.save_account, _("Account saved."), ANCHOR),
        Route("GET", "transactions", control.list_transactions),
        Route("GET", "bids", control.list_bids),
        Route("GET", "arrivals", control.list_arrivals),
        Route("GET", "requests", control.list_requests),
        Route("POST", "bids/status", control.set_status, _("Bid changed."), f"{ANCHOR}-bids"),
        Route(
            "POST",
            "bids/(?P<bid>[0-9A-Za-z]+)/(?P<verb>[a-z]+)",
            control.move_bid,
            _("Bid changed."),
            f"{ANCHOR}-bids",
        ),
        Route(
            "POST",
            "directions/(?P<id>[0-9]+)",
            control.change_direction,
            _("Direction changed."),
            f"{ANCHOR}-directions",
        ),
        Route("POST", "partner/links", control.add_link, _("Somebody came."), f"{ANCHOR}-partner"),
        Route(
            "POST",
            "partner/exchanges",
            control.add_referral,
            _("Bid of a visitor made."),
            f"{ANCHOR}-partner",
        ),
        Route(
            "POST",
            "partner/payouts",
            control.add_payout,
            _("Payout made."),
            f"{ANCHOR}-partner",
        ),
        Route(
            "POST",
            "payouts/(?P<number>[0-9]+)/(?P<verb>[a-z]+)",
            control.move_payout,
            _("Payout changed."),
            f"{ANCHOR}-partner",
        ),
    )


class Control:
    """The functions behind the routes; each takes the posted or asked data."""

    def __init__(self, provider: PremiumExchanger) -> None:
        self.provider = provider
        self.engine = provider.engine

    # --- Accounts ---
    def list_accounts(self, data: Mapping[str, Any]) -> Any:
        """All accounts with their keys."""
        with self.engine.ledger.transaction() as db:
            found = accounts.every(db, provider=self.provider.name)
            return {"accounts": [self.account_json(db, row) for row in found]}

    def save_account(self, data: Mapping[str, Any]) -> Any:
        """Make an account, or change the one of that name. Raises ControlError."""
        options: dict[str, Any] = {}
        if data.get("work_api") not in (None, ""):
            options["work_api"] = truth_of(data, "work_api")
        if data.get("user_id") not in (None, ""):
            options["user_id"] = whole_of(data, "user_id")
        for name in ("allowed_ips", "methods"):
            if name in data:
                options[name] = _texts(data, name)
        raw = object_of(data, "balances")
        balances = None if raw is None else {currency: amount_of(raw, currency) for currency in raw}
        login, key = text_of(data, "api_login"), text_of(data, "api_key")
        now = self.engine.timestamp()
        with self.engine.ledger.transaction() as db:
            known = accounts.every(db, provider=self.provider.name)
            name = text_of(data, "name") or f"account-{len(known) + 1}"
            account = accounts.by_name(db, provider=self.provider.name, name=name)
            try:
                if account is None:
                    opening = self.provider.opening_balances if balances is None else balances
                    account = accounts.create(
                        db,
                        provider=self.provider.name,
                        name=name,
                        balances={code: amount for code, amount in opening.items() if amount is not None},
                        now=now,
                        api_key=login,
                        api_secret=key,
                        options=options,
                    )
                else:
                    account = accounts.change(
                        db, account=account, api_key=login, api_secret=key, options=options
                    )
                    accounts.set_balances(db, account=account, wanted=balances or {}, now=now)
            except sqlite3.IntegrityError as error:
                raise ControlError("Another account has that login.", 409) from error
            return self.account_json(db, account)

    def account_json(self, db: sqlite3.Connection, account: Account) -> dict[str, Any]:
        """One account as JSON."""
        balances = accounts.balances(db, account.id)
        return {
            "name": account.name,
            **self.provider.keys(account),
            "base_url": self.provider.base_url,
            "balances": {currency: plain(amount) for currency, amount in balances.items()},
            "user_id": account.options.get("user_id", account.id),
            "work_api": account.options.get("work_api", True),
            "allowed_ips": account.options.get("allowed_ips") or [],
            "methods": account.options.get("methods"),
        }

    def _named(self, db: sqlite3.Connection, name: str) -> Account:
        account = accounts.by_name(db, provider=self.provider.name, name=name)
        if account is None:
            raise ControlError(f"There is no account {name}.", 404)
        return account

    def _pick(self, db: sqlite3.Connection, data: Mapping[str, Any]) -> Account | None:
        """The account that the data name, if they name one. Raises ControlError."""
        name = text_of(data, "account")
        return self._named(db, name) if name else None

    # --- The witness ---
    def list_transactions(self, data: Mapping[str, Any]) -> Any:
        """Everything that was accepted, newest first: bids, payouts, bids of visitors."""
        with self.engine.ledger.transaction() as db:
            account = self._pick(db, data)
            rows = transactions.find(
                db,
                provider=self.provider.name,
                uniqueid=text_of(data, "uniqueid") or None,
                account_id=account.id if account else None,
                kind=text_of(data, "kind") or None,
            )
            return {"count": len(rows), "transactions": [self.transaction_json(db, row) for row in rows]}

    def list_bids(self, data: Mapping[str, Any]) -> Any:
        """Bids only; `api_id` singles out those of one reference."""
        asked = {"kind": bids.KIND, "uniqueid": text_of(data, "api_id"), "account": text_of(data, "account")}
        found = self.list_transactions(asked)
        return {"count": found["count"], "bids": found["transactions"]}

    def transaction_json(self, db: sqlite3.Connection, row: Transaction) -> dict[str, Any]:
        """One row as JSON. `accepts`: how many bids that are not hidden have its api_id in its account."""
        same = (
            transactions.find(
                db, provider=row.provider, uniqueid=row.uniqueid, account_id=row.account_id, kind=row.kind
            )
            if row.uniqueid
            else [row]
        )
        lines = accounts.effects(db, row.id)
        return {
            "id": str(row.number),
            "account": accounts.by_id(db, row.account_id).name,
            "kind": row.kind,
            "uniqueid": row.uniqueid,
            "accepts": len([one for one in same if one.status != bids.HIDDEN]),
            "arrivals": len(witness.arrivals(db, method="create_bid", api_id=row.uniqueid))
            if row.uniqueid
            else 0,
            "hash": row.public_id,
            "status": row.status,
            "statuses": [dict(line) for line in witness.statuses(db, row.id)],
            "amount": plain(row.amount),
            "currency": row.currency,
            "params": row.params,
            "data": row.data,
            "url": bids.page_url(self.provider, row) if row.kind == bids.KIND else "",
            "net": plain(sum((Decimal(line["amount"]) for line in lines), Decimal(0))),
            "accepted_at": row.accepted_at,
            "updated_at": row.updated_at,
        }

    def list_arrivals(self, data: Mapping[str, Any]) -> Any:
        """Every arrival of a call that moves or creates, whatever came of it; filters `method`, `api_id`."""
        with self.engine.ledger.transaction() as db:
            found = witness.arrivals(db, method=text_of(data, "method"), api_id=text_of(data, "api_id"))
        return {"count": len(found), "arrivals": found}

    def list_requests(self, data: Mapping[str, Any]) -> Any:
        """What was asked lately, newest first, without secrets."""
        action, uniqueid = text_of(data, "action"), text_of(data, "uniqueid")
        found = [
            line
            for line in self.engine.traffic.requests(self.provider.name)
            if action in ("", line["action"]) and uniqueid in ("", line["uniqueid"])
        ]
        return {"count": len(found), "requests": found}

    # --- Making things happen ---
    def move_bid(self, data: Mapping[str, Any], *, bid: str, verb: str) -> Any:
        """A verb of moves.VERBS, or `status` with any word, for a bid by its id or hash. Raises ControlError."""
        with self.engine.ledger.transaction() as db:
            row = bids.find(db, number=int(bid)) if bid.isdigit() else None
            row = row or bids.find(db, hash=bid)
            if row is None:
                raise ControlError(f"There is no bid {bid}.", 404)
            return self.transaction_json(db, moves.move(self.provider, db, row, verb, data))

    def set_status(self, data: Mapping[str, Any]) -> Any:
        """The same for the `bid` and the `status` of a form. Raises ControlError."""
        return self.move_bid(data, bid=text_of(data, "bid").strip(), verb="status")

    def change_direction(self, data: Mapping[str, Any], *, id: str) -> Any:
        """Lay values over a direction: `active`, `api`, rates, limits. Raises ControlError."""
        if id not in self.provider.setting("directions"):
            raise ControlError(f"There is no direction {id}.", 404)
        changed = {name: value for name, value in data.items() if value not in (None, "")}
        for name in ("active", "api"):
            if name in changed:
                changed[name] = truth_of(changed, name)
        merged = self.provider.merge_settings({"directions": {id: changed}})
        self.engine.settings.update(self.provider.name, merged)
        return self.provider.setting("directions")[id]

    def _partner(self, db: sqlite3.Connection, data: Mapping[str, Any]) -> Account:
        return self._named(db, text_of(data, "account") or "demo")

    def add_link(self, data: Mapping[str, Any]) -> Any:
        """Somebody comes by a link of an account's partner."""
        with self.engine.ledger.transaction() as db:
            account = self._partner(db, data)
            witness.came(
                db,
                account_id=account.id,
                now=self.engine.timestamp(),
                browser=text_of(data, "browser") or "Firefox 128",
                ip=text_of(data, "ip") or "198.51.100.7",
                referrer=text_of(data, "referrer") or "https://forum.example/",
                user_hash=text_of(data, "user_hash") or "u9c",
                query_string=text_of(data, "query_string") or f"rid={account.id}",
            )
            return {"visits": len(witness.visits(db, account.id))}

    def add_referral(self, data: Mapping[str, Any]) -> Any:
        """A bid of a visitor: `reward`, `status` (success accrues it). Raises ControlError."""
        reward = amount_of(data, "reward")
        options = {
            "reward": Decimal("0.45") if reward is None else reward,
            "status": text_of(data, "status") or "success",
        }
        with self.engine.ledger.transaction() as db:
            row = partner.refer(self.provider, db, self._partner(db, data), options)
            return self.transaction_json(db, row)

    def add_payout(self, data: Mapping[str, Any]) -> Any:
        """A payout of long ago, asked for on the exchanger's pages: `amount`. Raises ControlError."""
        amount = amount_of(data, "amount") or Decimal(10)
        with self.engine.ledger.transaction() as db:
            row = partner.paid_out_elsewhere(self.provider, db, self._partner(db, data), amount)
            return self.transaction_json(db, row)

    def move_payout(self, data: Mapping[str, Any], *, number: str, verb: str) -> Any:
        """pay, cancel or withdraw. Raises ControlError."""
        with self.engine.ledger.transaction() as db:
            rows = transactions.find(db, provider=self.provider.name, kind=partner.PAYOUT)
            row = next((row for row in rows if row.number == int(number)), None)
            if row is None:
                raise ControlError(f"There is no payout {number}.", 404)
            return self.transaction_json(db, self.provider.move(db, row, verb, data))


def _texts(data: Mapping[str, Any], name: str) -> list[str] | None:
    """A list of texts, also as JSON or with commas; None, "" or "all" for no restriction. Raises ControlError."""
    value = data.get(name)
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            try:
                value = load(text)
            except ValueError as error:
                raise ControlError(f"{name}: this is not JSON.") from error
        else:
            value = [part.strip() for part in text.split(",") if part.strip()]
            if value in ([], ["all"]):
                return None
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ControlError(f"{name}: a list of texts, please.")
    return value
