"""Transactions of the simulated CoinJoin: making, describing and moving them. Holds no HTTP.

Nothing moves until the deposit comes; amounts are exact, and texts in the ledger."""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from sandbox import transactions
from sandbox.accounts import Account
from sandbox.coinjoin import addresses, errors
from sandbox.coinjoin.errors import Refusal
from sandbox.transactions import Transaction
from sandbox.wire import dump, plain

if TYPE_CHECKING:
    from sandbox.coinjoin.provider import Coinjoin

KIND = "batch"
CURRENCY = "BTC"
SATOSHI = Decimal("0.00000001")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
NUMERIC = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,18})?", re.ASCII)
WHOLE = re.compile(r"[0-9]{1,6}", re.ASCII)
CODE = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)


def fingerprint(sent: Mapping[str, Any]) -> str:
    """What tells two orders apart that carry no reference: a digest of delay and payouts as they were sent."""
    asked = dump({"delay": str(sent.get("delay")), "payouts": sent.get("payouts")})
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def shown(value: Any) -> Any:
    """A parameter as the log of requests shows it."""
    return value if isinstance(value, (str, bool)) else dump(value)


def create(
    provider: Coinjoin, db: sqlite3.Connection, account: Account, params: Mapping[str, Any]
) -> Transaction:
    """Check everything, keep it, and let it expire if nobody pays. Raises Refusal."""
    delay, payouts = _delay(provider, params), _payouts(provider, params)
    code = params.get("refCode")
    if code is not None and not (isinstance(code, str) and CODE.fullmatch(code)):
        raise Refusal(errors.BAD_REQUEST, errors.BAD_CODE)
    total = sum(payouts.values(), Decimal(0))
    fee = (provider.setting("fee_fixed") + total * provider.setting("fee_rate")).quantize(SATOSHI)
    deposit = total + fee + provider.setting("fee_slip")
    public_id = "".join(secrets.choice(LETTERS) for _ in range(16))
    expires = provider.engine.clock.after(float(provider.setting("deposit_lifetime_seconds")))
    row = transactions.accept(
        db,
        account=account,
        kind=KIND,
        now=provider.engine.timestamp(),
        params=params,
        currency=CURRENCY,
        amount=deposit,
        status="pending",
        uniqueid=public_id,
        public_id=public_id,
        data={
            "fingerprint": fingerprint(params),
            "address": addresses.fresh(public_id.encode(), provider.setting("network")),
            "payouts": {address: plain(amount) for address, amount in payouts.items()},
            "fee": plain(fee),
            "delay": str(delay),
            "ref_code": code or "",
            "received": "0",
            "deposit_txid": "",
            "txid": "",
            "expires_at": repr(expires),
        },
    )
    transactions.schedule(db, row, at=expires, verb="expire")
    provider.engine.wake()
    return row


def _delay(provider: Coinjoin, params: Mapping[str, Any]) -> int:
    """Whole hours, as a number or as a text. Raises Refusal."""
    text = params.get("delay")
    text = plain(text) if isinstance(text, Decimal) and text.adjusted() < 6 else text
    if not isinstance(text, str) or not WHOLE.fullmatch(text):
        raise Refusal(errors.BAD_REQUEST, errors.BAD_DELAY)
    if int(text) > provider.setting("max_delay"):
        raise Refusal(errors.BAD_REQUEST, errors.max_delay(provider.setting("max_delay")))
    return int(text)


def _payouts(provider: Coinjoin, params: Mapping[str, Any]) -> dict[str, Decimal]:
    """Addresses and amounts; a list of addresses, as in the sample, has amounts of 0. Raises Refusal."""
    given = params.get("payouts")
    is_list = isinstance(given, list) and provider.setting("accept_list")
    if not given or not (isinstance(given, dict) or is_list):
        raise Refusal(errors.BAD_REQUEST, errors.NO_PAYOUTS)
    if len(given) > provider.setting("max_rows"):
        raise Refusal(errors.BAD_REQUEST, errors.max_rows(provider.setting("max_rows")))
    found: dict[str, Decimal] = {}
    for address in given:
        if not isinstance(address, str) or not addresses.is_valid(address, provider.setting("network")):
            raise Refusal(errors.BAD_REQUEST, errors.bad_address(str(address)))
        found[address] = Decimal(0) if is_list else _amount(provider, address, given[address])
    return found


def _amount(provider: Coinjoin, address: str, value: Any) -> Decimal:
    """An amount within the limits and the digits of BTC. Raises Refusal."""
    try:
        amount = Decimal(value) if isinstance(value, str) and NUMERIC.fullmatch(value) else value
        if not isinstance(amount, Decimal) or amount.adjusted() > 9 or amount != amount.quantize(SATOSHI):
            raise Refusal(errors.BAD_REQUEST, errors.bad_amount(address))
    except InvalidOperation as error:
        raise Refusal(errors.BAD_REQUEST, errors.bad_amount(address)) from error
    if amount < provider.setting("min_payout") or amount <= 0:
        raise Refusal(errors.BAD_REQUEST, errors.min_amount(provider.setting("min_payout")))
    if amount > provider.setting("max_payout"):
        raise Refusal(errors.BAD_REQUEST, errors.max_amount(provider.setting("max_payout")))
    return amount


def accepts(db: sqlite3.Connection, row: Transaction) -> int:
    """How often an order with exactly these payouts and this delay was accepted from this account."""
    rows = transactions.find(db, provider=row.provider, account_id=row.account_id)
    return sum(one.data["fingerprint"] == row.data["fingerprint"] for one in rows)


# --- Describing ---
def _seconds(timestamp: str) -> str:
    return datetime.fromisoformat(timestamp).replace(microsecond=0).isoformat()


def describe(provider: Coinjoin, row: Transaction, *, where: str) -> dict[str, Any]:
    """A transaction as an answer tells it, in the order of the document's examples. `where`: created, listed,
    asked. Decimals become JSON numbers."""
    style, data = provider.setting("number_style"), row.data
    texts = {"document": where == "asked", "text": True, "number": False}[style]
    deposit: dict[str, Any] = {"depositAmount": plain(row.amount) if texts else row.amount}
    if where == "listed" and row.status == "expired":
        deposit = {}  # as in the document's list
    fee = Decimal(data["fee"])
    txid = data["deposit_txid"][:-1] if provider.setting("short_txid") else data["deposit_txid"]
    return {
        "id": row.public_id,
        "status": row.status,
        "depositAddress": data["address"],
        **deposit,
        **({"depositTxid": txid} if txid and where == "asked" else {}),
        "payouts": {
            address: Decimal(amount) if style == "number" else amount
            for address, amount in data["payouts"].items()
        },
        **({"txid": data["txid"]} if data["txid"] and where == "asked" else {}),
        "fee": plain(fee) if style == "text" else fee,
        "delay": data["delay"],
        **({"refCode": data["ref_code"]} if data["ref_code"] else {}),
        "updated": _seconds(row.updated_at),
        "created": _seconds(row.accepted_at),
    }
