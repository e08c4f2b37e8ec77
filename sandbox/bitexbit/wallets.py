"""Crypto wallets of the simulated bitexbit: making and listing them. What arrives there stands in deposits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox import transactions
from sandbox.bitexbit import addresses, errors, listing
from sandbox.bitexbit.calls import Context
from sandbox.bitexbit.methods import eight
from sandbox.bitexbit.telling import slug, witness
from sandbox.transactions import Transaction

KIND = "wallet"
PARAMETERS = ("ticker", "network", "callback_url", "convert_ticker", "convert_limit", "convert_percent")
PATH = "/api/gateway/wallets"


def create(context: Context) -> dict[str, Any]:
    """`wallet/create`: check everything, keep it, answer with the address. Raises Refusal."""
    target = context.method()
    url = context.url("callback_url")
    conversion = context.conversion(target.ticker)
    if target.fiat:
        raise errors.field("network", errors.NO_NETWORK)
    if not target.deposit.enabled:
        raise errors.field("network", errors.DISABLED)
    name = slug()
    row = transactions.accept(
        context.db,
        account=context.account,
        kind=KIND,
        now=context.now,
        params=context.params,
        currency=target.ticker,
        amount=Decimal(0),
        status="",
        uniqueid=witness(url, name),
        public_id=name,
        data={
            "network": target.network,
            "address": addresses.make(target.address, name),
            "tag": {target.tag: str(int(name[:7], 16))} if target.tag else {},
            "callback_url": url,
            **conversion,
        },
    )
    return describe(row)


def describe(row: Transaction) -> dict[str, Any]:
    """A wallet as `wallet/create` and `wallets` tell it, in the order of the document's sample."""
    return {
        "address": row.data["address"],
        **row.data["tag"],
        "slug": row.public_id,
        "ticker": row.currency,
        "network": row.data["network"],
        "callback_url": row.data["callback_url"] or None,
        **conversion(row),
        "created_at": moment(row.accepted_at),
    }


def conversion(row: Transaction) -> dict[str, Any]:
    """`convert_*` of a wallet or invoice, as answers print them."""
    wanted = {name: row.data[name] for name in ("convert_ticker", "convert_limit", "convert_percent")}
    return {
        "convert_ticker": wanted["convert_ticker"] or None,
        "convert_limit": eight(Decimal(wanted["convert_limit"])) if wanted["convert_limit"] else None,
        "convert_percent": eight(Decimal(wanted["convert_percent"])) if wanted["convert_percent"] else None,
    }


def moment(timestamp: str) -> str:
    """A time as answers print it."""
    return timestamp.replace("+00:00", "Z")


def every(context: Context) -> dict[str, Any]:
    """`wallets`. Raises Refusal."""
    rows = transactions.find(context.db, provider="bitexbit", account_id=context.account.id, kind=KIND)
    return listing.page(context, rows, describe, path=PATH, whole=True)
