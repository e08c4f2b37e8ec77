"""Bitloga's part of the control API. Holds no rule about money: everything happens through the same functions
as for the provider's own clients."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from sandbox import accounts, transactions
from sandbox.accounts import Account
from sandbox.bitloga import codes, invoices, withdrawals
from sandbox.routes import ControlError, Route, amount_of, object_of, text_of, truth_of
from sandbox.transactions import Transaction
from sandbox.wire import plain

if TYPE_CHECKING:
    from sandbox.bitloga.provider import Bitloga

SWITCHES = ("active", "access", "balance_disabled")


def routes(provider: Bitloga) -> Sequence[Route]:
    """Everything below /_control/bitloga/."""
    control = Control(provider)
    return (
        Route("GET", "accounts", control.list_accounts),
        Route("POST", "accounts", control.save_account, _("Account saved."), "accounts"),
        Route("GET", "transactions", control.list_transactions),
        Route("GET", "requests", control.list_requests),
        Route(
            "POST",
            "invoices/(?P<uniqueid>.+)/(?P<verb>[a-z]+)",
            control.move_invoice,
            _("Invoice changed."),
            "transactions",
        ),
        Route(
            "POST",
            "withdrawals/(?P<uniqueid>.+)/(?P<verb>[a-z]+)",
            control.move_withdrawal,
            _("Withdrawal changed."),
            "transactions",
        ),
        Route("GET", "codes", control.list_codes),
        Route("POST", "codes", control.make_code, _("Code made."), "codes"),
        Route(
            "POST",
            "codes/(?P<code>[a-z0-9-]+)/(?P<verb>[a-z]+)",
            control.move_code,
            _("Code changed."),
            "codes",
        ),
    )


class Control:
    """The functions behind the routes; each takes the posted or asked data."""

    def __init__(self, provider: Bitloga) -> None:
        self.provider = provider
        self.engine = provider.engine

    # --- Accounts ---
    def list_accounts(self, data: Mapping[str, Any]) -> Any:
        """All accounts with keys and balances."""
        with self.engine.ledger.transaction() as db:
            return {
                "accounts": [self.account_json(db, row) for row in accounts.every(db, provider="bitloga")]
            }

    def save_account(self, data: Mapping[str, Any]) -> Any:
        """Make an account, or change the one of that name. Raises ControlError."""
        raw = object_of(data, "balances")
        balances = None if raw is None else {currency: amount_of(raw, currency) for currency in raw}
        switches = {name: truth_of(data, name) for name in SWITCHES if data.get(name) not in (None, "")}
        key, secret = text_of(data, "api_key"), text_of(data, "api_secret")
        now = self.engine.timestamp()
        with self.engine.ledger.transaction() as db:
            name = text_of(data, "name") or f"account-{len(accounts.every(db, provider='bitloga')) + 1}"
            account = accounts.by_name(db, provider="bitloga", name=name)
            try:
                if account is None:
                    opening = self.provider.opening_balances if balances is None else balances
                    account = accounts.create(
                        db,
                        provider="bitloga",
                        name=name,
                        balances={
                            currency: amount for currency, amount in opening.items() if amount is not None
                        },
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
            "balance_disabled": account.options.get("balance_disabled", False),
        }

    def _pick(self, db: sqlite3.Connection, data: Mapping[str, Any]) -> Account | None:
        """The account that the data name, if they name one. Raises ControlError."""
        name = text_of(data, "account")
        account = accounts.by_name(db, provider="bitloga", name=name) if name else None
        if name and account is None:
            raise ControlError(f"There is no account {name}.", 404)
        return account

    # --- Transactions ---
    def list_transactions(self, data: Mapping[str, Any]) -> Any:
        """The oracle: every accepted request, newest first, with what it did to balances."""
        with self.engine.ledger.transaction() as db:
            account = self._pick(db, data)
            rows = transactions.find(
                db,
                provider="bitloga",
                uniqueid=text_of(data, "uniqueid") or None,
                account_id=account.id if account else None,
                kind=text_of(data, "kind") or None,
            )
            return {"count": len(rows), "transactions": [self.transaction_json(db, row) for row in rows]}

    def transaction_json(self, db: sqlite3.Connection, row: Transaction) -> dict[str, Any]:
        """One transaction as JSON."""
        lines = accounts.effects(db, row.id)
        is_invoice = row.kind == invoices.KIND
        return {
            "id": row.id,
            "account": accounts.by_id(db, row.account_id).name,
            "kind": row.kind,
            "uniqueid": row.uniqueid,
            "accepts": transactions.accepts(db, row),
            "status": row.status,
            "amount": plain(row.amount),
            "currency": row.currency,
            "params": {name: str(value) for name, value in row.params.items()},
            "data": row.data,
            "number": row.number,
            "public_id": row.public_id,
            "payer_url": invoices.payer_url(self.provider, row) if is_invoice else "",
            "effects": [
                {key: line[key] for key in ("currency", "amount", "after", "reason", "at")} for line in lines
            ],
            "net": plain(sum((Decimal(line["amount"]) for line in lines), Decimal(0))),
            "accepted_at": row.accepted_at,
            "updated_at": row.updated_at,
        }

    def list_requests(self, data: Mapping[str, Any]) -> Any:
        """What was asked lately, newest first, without secrets."""
        action, uniqueid = text_of(data, "action"), text_of(data, "uniqueid")
        found = [
            line
            for line in self.engine.traffic.requests("bitloga")
            if action in ("", line["action"]) and uniqueid in ("", line["uniqueid"])
        ]
        return {"count": len(found), "requests": found}

    def move_invoice(self, data: Mapping[str, Any], *, uniqueid: str, verb: str) -> Any:
        """pay, complete, cancel or fail. Raises ControlError."""
        return self._move(data, invoices.KIND, uniqueid, verb)

    def move_withdrawal(self, data: Mapping[str, Any], *, uniqueid: str, verb: str) -> Any:
        """complete, fail or cancel. Raises ControlError."""
        return self._move(data, withdrawals.KIND, uniqueid, verb)

    def _move(self, data: Mapping[str, Any], kind: str, uniqueid: str, verb: str) -> Any:
        with self.engine.ledger.transaction() as db:
            account = self._pick(db, data)
            rows = transactions.find(
                db,
                provider="bitloga",
                uniqueid=uniqueid,
                kind=kind,
                account_id=account.id if account else None,
            )
            if not rows:
                raise ControlError(f"There is no {kind} {uniqueid}.", 404)
            if len({row.account_id for row in rows}) > 1:
                raise ControlError(f"Several accounts have a {kind} {uniqueid}. Say which account.", 409)
            row = self.provider.move(db, rows[0], verb, data)
            result = self.transaction_json(db, row)
        self.engine.wake()
        return result

    # --- Codes ---
    def list_codes(self, data: Mapping[str, Any]) -> Any:
        """All codes, newest first."""
        with self.engine.ledger.transaction() as db:
            return {"codes": [self.code_json(db, row) for row in codes.every(db)]}

    def make_code(self, data: Mapping[str, Any]) -> Any:
        """A code of somebody outside, to be redeemed; no balance is debited. Raises ControlError."""
        amount, currency = amount_of(data, "amount"), text_of(data, "currency")
        if amount is None or amount <= 0 or not currency:
            raise ControlError("A code needs an amount above zero and a currency.")
        with self.engine.ledger.transaction() as db:
            account = self._pick(db, data)
            code = codes.add(
                db,
                account_id=account.id if account else None,
                amount=amount,
                currency=currency,
                password=text_of(data, "pass"),
                description=text_of(data, "desc"),
                now=self.engine.timestamp(),
            )
            return self._known_code(db, code)

    def move_code(self, data: Mapping[str, Any], *, code: str, verb: str) -> Any:
        """disable, or redeem as somebody outside would. Raises ControlError."""
        with self.engine.ledger.transaction() as db:
            if codes.by_code(db, code) is None:
                raise ControlError("There is no such code.", 404)
            if verb == "disable":
                codes.disable(db, code=code)
            elif verb == "redeem":
                codes.redeem(db, code=code, now=self.engine.timestamp(), account_id=None)
            else:
                raise ControlError(f"A code can disable or redeem, not {verb}.", 404)
            return self._known_code(db, code)

    def _known_code(self, db: sqlite3.Connection, code: str) -> dict[str, Any]:
        row = codes.by_code(db, code)
        if row is None:
            raise ControlError("There is no such code.", 404)
        return self.code_json(db, row)

    def code_json(self, db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
        """One code as JSON."""
        names = {account.id: account.name for account in accounts.every(db, provider="bitloga")}
        return {
            "code": row["code"],
            "account": names.get(row["account_id"], ""),
            "amount": row["amount"],
            "currency": row["currency"],
            "pass": row["password"],
            "desc": row["description"],
            "status": row["status"],
            "created_at": row["created_at"],
            "applied_at": row["applied_at"],
            "applied_by": names.get(row["applied_by"], ""),
        }
