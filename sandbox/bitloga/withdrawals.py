"""Withdrawals of the simulated bitloga: debit at acceptance, an end later, money back if that is a bad one.
Holds nothing about invoices."""

from __future__ import annotations

import secrets
import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox import accounts, transactions
from sandbox.bitloga import deals, errors
from sandbox.bitloga.calls import Context
from sandbox.bitloga.errors import Refusal
from sandbox.bitloga.methods import Method
from sandbox.ledger import next_number
from sandbox.routes import ControlError
from sandbox.transactions import Transaction
from sandbox.wire import plain

if TYPE_CHECKING:
    from sandbox.bitloga.provider import Bitloga

KIND = "withdrawal"
STATUSES = {"complete": "Complete", "fail": "Error", "cancel": "Canceled"}
VERBS = {status: verb for verb, status in STATUSES.items()}
GIVEN_BACK = ("Error", "Canceled")
TEXTS = ("uniqueid", "currency", "paysys", "purse", "dtag", "name", "surname")


def create(context: Context) -> dict[str, Any]:
    """Action `withdraw`: check everything, debit the balance, keep it, answer. Raises Refusal."""
    context.check_shapes(texts=TEXTS, amounts=("amount",))
    currency = context.text("currency", errors.CURRENCY_NOT_DEFINED)
    target = context.method(context.text("paysys", errors.PAYSYSTEM_NOT_DEFINED), "withdraw")
    amount = context.amount("amount")
    if amount is None:
        raise Refusal(errors.AMOUNT_NOT_DEFINED)
    context.check_limits(amount, low=target.min, high=target.max, currency=target.currency)
    uniqueid = deals.check_uniqueid(context)
    purse = deals.check_recipient(context, target, purse_needed=True)
    deals.check_balance_enabled(context)
    balance = _balance(context, currency)
    before_fee, debit = _costs(context, target, amount, currency)
    if target.reserve is not None and amount > target.reserve:
        raise Refusal(errors.INSUFFICIENT_RESERVE)
    if debit > balance:
        raise Refusal(errors.INSUFFICIENT_BALANCE)
    if purse in context.setting("payment_errors"):
        raise Refusal(errors.payment_error(context.setting("payment_errors")[purse]))

    row = transactions.accept(
        context.db,
        account=context.account,
        kind=KIND,
        now=context.now,
        params=context.params,
        currency=currency,
        amount=debit,
        status=context.setting("withdraw_status"),
        uniqueid=uniqueid,
        public_id=secrets.token_hex(16),
        number=next_number(context.db, "bitloga.orderid"),
        data={
            "paysys": target.code,
            "amount_from": plain(before_fee),
            "amount_to": plain(amount),
            "purse": purse,
            **deals.given(context),
        },
    )
    _book(context.db, row, context.now)
    verb, delay = VERBS[context.setting("withdraw_outcome")], float(context.setting("withdraw_delay"))
    if delay:
        clock = context.provider.engine.clock
        transactions.schedule(context.db, row, at=clock.after(delay), verb=verb)
        context.provider.engine.wake()
    else:
        row = move(context.provider, context.db, row, verb)
    return {**describe(context.provider, row, with_type=False), "success": True}


def _balance(context: Context, currency: str) -> Decimal:
    """What the account owns in that currency. Raises Refusal."""
    supported = context.setting("withdraw_currencies")
    balances = accounts.balances(context.db, context.account.id)
    if currency not in balances or (supported is not None and currency not in supported):
        raise Refusal(errors.CURRENCY_NOT_SUPPORTED)
    return balances[currency]


def _costs(context: Context, target: Method, amount: Decimal, currency: str) -> tuple[Decimal, Decimal]:
    """amount_from and amount_from_comis in the balance's currency. Raises Refusal."""
    if f"{currency}>{target.code}" in context.setting("disabled_directions"):
        raise Refusal(errors.DIRECTION_DISABLED)
    before_fee = context.converted(amount, target.currency, currency)
    fixed = context.converted(target.fee_fixed, target.currency, currency)
    if before_fee is None or fixed is None:
        raise Refusal(errors.DIRECTION_DISABLED)
    fee = context.rounded(before_fee * target.fee_rate, currency) + fixed
    return before_fee, before_fee + fee


def describe(provider: Bitloga, row: Transaction, *, with_type: bool) -> dict[str, Any]:
    """A withdrawal as `withdraw` and `details` tell it, in the order of the document's example."""
    as_text = provider.setting("id_style") == "string"
    return {
        "from": row.currency,
        "to": row.data["paysys"],
        "amount_from": Decimal(row.data["amount_from"]),
        "amount_from_comis": row.amount,
        "amount_to": Decimal(row.data["amount_to"]),
        "purse": row.data["purse"],
        **({"type": "Withdraw"} if with_type else {}),
        "status": row.status,
        **{name: row.data[name] for name in deals.OPTIONAL if row.data.get(name)},
        "orderid": str(row.number) if as_text else row.number,
        "transid": row.public_id,
        "uniqueid": row.uniqueid,
    }


def move(provider: Bitloga, db: sqlite3.Connection, row: Transaction, verb: str) -> Transaction:
    """complete, fail or cancel, from any status: providers take back final words too. Raises ControlError."""
    if verb not in STATUSES:
        raise ControlError(f"A withdrawal can complete, fail or cancel, not {verb}.", 404)
    now = provider.engine.timestamp()
    row = transactions.change(db, row, status=STATUSES[verb], now=now)
    _book(db, row, now)
    return row


def _book(db: sqlite3.Connection, row: Transaction, now: str) -> None:
    """Let the balance be what the status says: debited, or given back."""
    accounts.book_to(
        db,
        account_id=row.account_id,
        transaction_id=row.id,
        currency=row.currency,
        total=Decimal(0) if row.status in GIVEN_BACK else -row.amount,
        reason=f"withdrawal {row.status}",
        now=now,
    )
