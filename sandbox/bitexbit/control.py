"""Bitexbit's part of the control API. Holds no rule about money: everything happens through the same functions as for
the provider's own clients."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from sandbox import accounts, transactions
from sandbox.accounts import Account
from sandbox.bitexbit import deposits, invoices, wallets, withdrawals
from sandbox.routes import ControlError, Route, amount_of, object_of, text_of, truth_of, whole_of
from sandbox.transactions import Transaction
from sandbox.wire import plain

if TYPE_CHECKING:
    from sandbox.bitexbit.provider import Bitexbit

SWITCHES = ("active", "access")
MOST_AT_ONCE = 10_000
HERE = "bitexbit-transactions"
MOVED = {
    "invoices": (invoices.KIND, _("Invoice changed.")),
    "withdrawals": (withdrawals.KIND, _("Withdrawal changed.")),
    "deposits": (deposits.KIND, _("Deposit changed.")),
    "payments": (invoices.PAYMENT, _("Payment changed.")),
}


def routes(provider: Bitexbit) -> Sequence[Route]:
    """Everything below /_control/bitexbit/."""
    control = Control(provider)
    return (
        Route("GET", "accounts", control.list_accounts),
        Route("POST", "accounts", control.save_account, _("Account saved."), "bitexbit-accounts"),
        Route("GET", "transactions", control.list_transactions),
        Route("GET", "requests", control.list_requests),
        Route("POST", "wallets/(?P<name>.+)/deposit", control.deposit, _("The deposit arrives."), HERE),
        Route("POST", "withdrawals/elsewhere", control.made_elsewhere, _("Withdrawals made."), HERE),
        *(
            Route(
                "POST",
                rf"(?P<what>{what})/(?P<name>.+)/(?P<verb>[a-z]+)",
                control.move,
                said,
                HERE,
            )
            for what, (_kind, said) in MOVED.items()
        ),
    )


class Control:
    """The functions behind the routes; each takes the posted or asked data."""

    def __init__(self, provider: Bitexbit) -> None:
        self.provider = provider
        self.engine = provider.engine

    # --- Accounts ---
    def list_accounts(self, data: Mapping[str, Any]) -> Any:
        """All accounts with keys and balances."""
        with self.engine.ledger.transaction() as db:
            found = accounts.every(db, provider="bitexbit")
            return {"accounts": [self.account_json(db, account) for account in found]}

    def save_account(self, data: Mapping[str, Any]) -> Any:
        """Make an account, or change the one of that name. Raises ControlError."""
        raw = object_of(data, "balances")
        balances = None if raw is None else {currency: amount_of(raw, currency) for currency in raw}
        switches = {name: truth_of(data, name) for name in SWITCHES if data.get(name) not in (None, "")}
        key, secret, now = text_of(data, "api_key"), text_of(data, "api_secret"), self.engine.timestamp()
        with self.engine.ledger.transaction() as db:
            name = text_of(data, "name") or f"account-{len(accounts.every(db, provider='bitexbit')) + 1}"
            account = accounts.by_name(db, provider="bitexbit", name=name)
            try:
                if account is None:
                    opening = self.provider.opening_balances if balances is None else balances
                    known = {currency: amount for currency, amount in opening.items() if amount is not None}
                    account = accounts.create(
                        db,
                        provider="bitexbit",
                        name=name,
                        balances=known,
                        now=now,
                        api_key=key,
                        api_secret=secret,
                        options=switches,
                    )
                else:
                    account = accounts.change(
                        db, account=account, api_key=key, api_secret=secret, options=switches
                    )
                    accounts.set_balances(db, account=account, wanted=balances or {}, now=now)
            except sqlite3.IntegrityError as error:
                raise ControlError("Another account has that API key.", 409) from error
            return self.account_json(db, account)

    def account_json(self, db: sqlite3.Connection, account: Account) -> dict[str, Any]:
        """One account as JSON."""
        return {
            "name": account.name,
            "api_key": account.api_key,
            "api_secret": account.api_secret,
            "base_url": self.provider.base_url,
            "balances": {
                currency: plain(amount) for currency, amount in accounts.balances(db, account.id).items()
            },
            "active": account.options.get("active", True),
            "access": account.options.get("access", True),
        }

    def _pick(self, db: sqlite3.Connection, data: Mapping[str, Any]) -> Account | None:
        """The account that the data name, if they name one. Raises ControlError."""
        name = text_of(data, "account")
        account = accounts.by_name(db, provider="bitexbit", name=name) if name else None
        if name and account is None:
            raise ControlError(f"There is no account {name}.", 404)
        return account

    # --- The oracle ---
    def list_transactions(self, data: Mapping[str, Any]) -> Any:
        """Every accepted request and everything that arrived, newest first, with what it did to balances."""
        with self.engine.ledger.transaction() as db:
            account = self._pick(db, data)
            rows = transactions.find(
                db,
                provider="bitexbit",
                uniqueid=text_of(data, "uniqueid") or None,
                account_id=account.id if account else None,
                kind=text_of(data, "kind") or None,
                limit=whole_of(data, "limit", -1) or -1,
            )
            return {"count": len(rows), "transactions": [self.transaction_json(db, row) for row in rows]}

    def transaction_json(self, db: sqlite3.Connection, row: Transaction) -> dict[str, Any]:
        """One transaction as JSON."""
        lines = accounts.effects(db, row.id)
        net: dict[str, Decimal] = {}
        for line in lines:
            net[line["currency"]] = net.get(line["currency"], Decimal(0)) + Decimal(line["amount"])
        return {
            "id": row.id,
            "account": accounts.by_id(db, row.account_id).name,
            "kind": row.kind,
            "uniqueid": row.uniqueid,
            "accepts": self._accepts(db, row),
            "status": row.status,
            "amount": plain(row.amount),
            "currency": row.currency,
            "params": {name: str(value) for name, value in row.params.items()},
            "data": row.data,
            "number": row.number,
            "slug": row.public_id,
            "payer_url": invoices.payer_url(self.provider, row) if row.kind == invoices.KIND else "",
            "effects": [
                {key: line[key] for key in ("currency", "amount", "after", "reason", "at")} for line in lines
            ],
            "net": {currency: plain(amount) for currency, amount in net.items() if amount},
            "accepted_at": row.accepted_at,
            "updated_at": row.updated_at,
        }

    def _accepts(self, db: sqlite3.Connection, row: Transaction) -> int:
        """How often something of that kind was accepted under this unique id; 1 is right."""
        if not row.uniqueid or row.kind in (deposits.KIND, invoices.PAYMENT):
            return 1
        query = "select count(*) from transactions where account_id = ? and uniqueid = ? and kind = ?"
        return int(db.execute(query, (row.account_id, row.uniqueid, row.kind)).fetchone()[0])

    def list_requests(self, data: Mapping[str, Any]) -> Any:
        """What was asked lately, newest first, without secrets."""
        action, uniqueid = text_of(data, "action"), text_of(data, "uniqueid")
        found = [
            line
            for line in self.engine.traffic.requests("bitexbit")
            if action in ("", line["action"]) and uniqueid in ("", line["uniqueid"])
        ]
        return {"count": len(found), "requests": found}

    # --- Happenings ---
    def deposit(self, data: Mapping[str, Any], *, name: str) -> Any:
        """Money comes to a wallet (its slug, or the last part of its callback address), `count` times. Raises
        ControlError."""
        count = _count(data)
        with self.engine.ledger.transaction() as db:
            wallet = self._one(db, data, wallets.KIND, name)
            rows = [deposits.arrive(self.provider, db, wallet, data) for _one in range(count)]
            result = {"count": count, **self.transaction_json(db, rows[-1])}
        self.engine.wake()
        return result

    def made_elsewhere(self, data: Mapping[str, Any]) -> Any:
        """`count` withdrawals that somebody made in the panel. Raises ControlError."""
        count = _count(data)
        with self.engine.ledger.transaction() as db:
            account = self._pick(db, {"account": "demo", **data})
            assert account is not None  # noqa: S101 - a name was given
            for _one in range(count):
                withdrawals.made_elsewhere(self.provider, db, account, data)
        return {"count": count}

    def move(self, data: Mapping[str, Any], *, what: str, name: str, verb: str) -> Any:
        """Let something happen to one of them. Raises ControlError."""
        with self.engine.ledger.transaction() as db:
            row = self.provider.move(db, self._one(db, data, MOVED[what][0], name), verb, data)
            result = self.transaction_json(db, row)
        self.engine.wake()
        return result

    def _one(self, db: sqlite3.Connection, data: Mapping[str, Any], kind: str, name: str) -> Transaction:
        """The newest of a kind by its unique id or slug. Raises ControlError."""
        account = self._pick(db, data)
        rows = transactions.find(
            db,
            provider="bitexbit",
            uniqueid=name,
            kind=kind,
            account_id=account.id if account else None,
        )
        if not rows:
            row = transactions.by_public_id(db, name)
            rows = [row] if row is not None and row.kind == kind and row.provider == "bitexbit" else []
        if not rows:
            raise ControlError(f"There is no {kind} {name}.", 404)
        if len({row.account_id for row in rows}) > 1:
            raise ControlError(f"Several accounts have a {kind} {name}. Say which account.", 409)
        return rows[0]


def _count(data: Mapping[str, Any]) -> int:
    """How many. Raises ControlError."""
    count = whole_of(data, "count", 1)
    if count is None or not 1 <= count <= MOST_AT_ONCE:
        raise ControlError(f"count: between 1 and {MOST_AT_ONCE}, please.")
    return count
