"""CoinJoin's part of the control API. Holds no rule about money: everything happens through the same functions
as for the provider's own clients."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from sandbox import accounts, transactions
from sandbox.accounts import Account
from sandbox.coinjoin import batches
from sandbox.routes import ControlError, Route, text_of, truth_of
from sandbox.transactions import Transaction
from sandbox.wire import plain

if TYPE_CHECKING:
    from sandbox.coinjoin.provider import Coinjoin

NAME = "coinjoin"
SWITCHES = ("active", "access")


def routes(provider: Coinjoin) -> Sequence[Route]:
    """Everything below /_control/coinjoin/."""
    control = Control(provider)
    return (
        Route("GET", "accounts", control.list_accounts),
        Route("POST", "accounts", control.save_account, _("Account saved."), "coinjoin-accounts"),
        Route("GET", "transactions", control.list_transactions),
        Route("GET", "requests", control.list_requests),
        Route(
            "POST",
            "transactions/(?P<public_id>[0-9A-Z]+)/(?P<verb>[a-z]+)",
            control.move_transaction,
            _("Transaction changed."),
            "coinjoin-transactions",
        ),
    )


class Control:
    """The functions behind the routes; each takes the posted or asked data."""

    def __init__(self, provider: Coinjoin) -> None:
        self.provider = provider
        self.engine = provider.engine

    # --- Accounts ---
    def list_accounts(self, data: Mapping[str, Any]) -> Any:
        """All accounts with their keys."""
        with self.engine.ledger.transaction() as db:
            return {"accounts": [self.account_json(row) for row in accounts.every(db, provider=NAME)]}

    def save_account(self, data: Mapping[str, Any]) -> Any:
        """Make an account, or change the one of that name. Raises ControlError."""
        switches = {name: truth_of(data, name) for name in SWITCHES if data.get(name) not in (None, "")}
        key, secret = text_of(data, "api_key"), text_of(data, "secret_key")
        with self.engine.ledger.transaction() as db:
            name = text_of(data, "name") or f"account-{len(accounts.every(db, provider=NAME)) + 1}"
            account = accounts.by_name(db, provider=NAME, name=name)
            try:
                if account is None:
                    account = accounts.create(
                        db,
                        provider=NAME,
                        name=name,
                        balances={},
                        now=self.engine.timestamp(),
                        api_key=key,
                        api_secret=secret,
                        options=switches,
                    )
                else:
                    account = accounts.change(
                        db, account=account, api_key=key, api_secret=secret, options=switches
                    )
            except sqlite3.IntegrityError as error:
                raise ControlError("Another account has that API key.", 409) from error
        return self.account_json(account)

    def account_json(self, account: Account) -> dict[str, Any]:
        """One account as JSON, its keys under the names of the document."""
        return {
            "name": account.name,
            "api_key": account.api_key,
            "secret_key": account.api_secret,
            "base_url": self.provider.base_url,
            "active": account.options.get("active", True),
            "access": account.options.get("access", True),
        }

    def _pick(self, db: sqlite3.Connection, data: Mapping[str, Any]) -> Account | None:
        """The account that the data name, if they name one. Raises ControlError."""
        name = text_of(data, "account")
        account = accounts.by_name(db, provider=NAME, name=name) if name else None
        if name and account is None:
            raise ControlError(f"There is no account {name}.", 404)
        return account

    # --- Transactions ---
    def list_transactions(self, data: Mapping[str, Any]) -> Any:
        """The oracle: every accepted order, newest first; filters `id`, `account`, `status`, `address` (of a
        payee or of the deposit), `fingerprint`."""
        with self.engine.ledger.transaction() as db:
            account = self._pick(db, data)
            rows = transactions.find(
                db,
                provider=NAME,
                uniqueid=text_of(data, "id") or None,
                account_id=account.id if account else None,
            )
            rows = [row for row in rows if _fits(row, data)]
            return {"count": len(rows), "transactions": [self.transaction_json(db, row) for row in rows]}

    def transaction_json(self, db: sqlite3.Connection, row: Transaction) -> dict[str, Any]:
        """One transaction as JSON. `accepts`: how often an order for just this was accepted."""
        data = row.data
        return {
            "id": row.public_id,
            "account": accounts.by_id(db, row.account_id).name,
            "accepts": batches.accepts(db, row),
            "fingerprint": data["fingerprint"],
            "status": row.status,
            "deposit_address": data["address"],
            "deposit_amount": plain(row.amount),
            "received": data["received"],
            "fee": data["fee"],
            "payouts": data["payouts"],
            "delay": data["delay"],
            "ref_code": data["ref_code"],
            "deposit_txid": data["deposit_txid"],
            "txid": data["txid"],
            "params": {name: batches.shown(value) for name, value in row.params.items()},
            "accepted_at": row.accepted_at,
            "updated_at": row.updated_at,
        }

    def list_requests(self, data: Mapping[str, Any]) -> Any:
        """What was asked lately, refused calls too, newest first; filters `action`, `uniqueid` (an id, an
        address, or the fingerprint of an order), `account`."""
        wanted = {name: text_of(data, name) for name in ("action", "uniqueid", "account")}
        found = [
            line
            for line in self.engine.traffic.requests(NAME)
            if all(value in ("", line[name]) for name, value in wanted.items())
        ]
        return {"count": len(found), "requests": found}

    def move_transaction(self, data: Mapping[str, Any], *, public_id: str, verb: str) -> Any:
        """deposit, confirm, complete, expire or fail. Raises ControlError."""
        with self.engine.ledger.transaction() as db:
            rows = transactions.find(db, provider=NAME, uniqueid=public_id, limit=1)
            if not rows:
                raise ControlError(f"There is no transaction {public_id}.", 404)
            row = self.provider.move(db, rows[0], verb, data)
            result = self.transaction_json(db, row)
        self.engine.wake()
        return result


def _fits(row: Transaction, data: Mapping[str, Any]) -> bool:
    address = text_of(data, "address")
    return (
        text_of(data, "status") in ("", row.status)
        and text_of(data, "fingerprint") in ("", row.data["fingerprint"])
        and (not address or address == row.data["address"] or address in row.data["payouts"])
    )
