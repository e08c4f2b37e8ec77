"""The document's facts, recorded answers, and values to fill its parameters with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from payments.providers.base import InvoiceRequest, WithdrawalRequest
from payments.providers.bitexbit import clock
from payments.providers.bitexbit.client import Bitexbit
from payments.providers.wallets import WalletRequest

FOLDER = Path(__file__).parents[3] / "wire" / "bitexbit"
DOCUMENT: dict[str, Any] = json.loads((FOLDER / "documented.json").read_text())
ENDPOINTS: dict[str, dict[str, Any]] = {row["operation"]: row for row in DOCUMENT["endpoints"]}
MOVES = [name for name, row in ENDPOINTS.items() if not row["safe"]]
READS = [name for name, row in ENDPOINTS.items() if row["safe"]]
REFERENCE = "261120101530123456"
CALLBACK_URL = "https://office.example/callbacks/bitexbit/canary-token-of-the-object/"

ANSWERS = {
    "payment-methods": "payment_methods",
    "wallet": "wallet_create",
    "wallets": "wallets",
    "wallet/history": "wallet_history",
    "invoice": "invoice_create",
    "invoices": "invoices",
    "invoice/history": "invoice_history",
    "withdraw": "withdraw_create",
    "withdraw/history": "withdraw_history",
}

#: One value per parameter.
VALUES: dict[str, Any] = {
    "ticker": "USDT",
    "network": "tron",
    "amount": Decimal("12.50"),
    "convert_ticker": "ETH",
    "convert_limit": Decimal("100"),
    "convert_percent": "-0.5",
    "client_ip": "203.0.113.7",
    "payment_url": "https://shop.example/ok",
    "cancel_url": "https://shop.example/no",
    "address": "TR4d6N2HoC3Annqt2JK6HhQWuNARMNx5pW",
    "card": "4111111111111111",
    "payment_id": "77",
    "memo": "memo “ö”",
    "destination_tag": "88",
    "comment": "Order 7 “ö”",
    "fee_payer": "2",
    "auto_buy_ticker": "BTC",
    "auto_buy_percent": Decimal("2.5"),
    "status": "5",
    "txid": "ab12",
    "page": 3,
    "limit": 50,
    "ordering": "id",
}


@contextmanager
def case(*named: Any) -> Iterator[None]:
    """One case of a test of many: no clock is known at first, and a failure names it."""
    clock.forget()
    told = ", ".join(str(one)[:200] for one in named)
    try:
        yield
    except pytest.fail.Exception as failed:
        raise AssertionError(f"{told}: {failed}") from failed
    except Exception as error:
        error.add_note(f"case: {told}")
        raise


def recorded(name: str) -> bytes:
    """A recorded answer."""
    (found,) = (FOLDER / "answers").glob(f"{name}.*")
    return found.read_bytes()


def names(operation: str) -> list[str]:
    """The documented parameters of an operation."""
    return [row["name"] for row in ENDPOINTS[operation]["parameters"]]


def given_for(operation: str, parameter: str = "") -> dict[str, Any]:
    """Every parameter of an operation; of `address` and `card` the one asked for."""
    given = {name: VALUES[name] for name in names(operation) if name in VALUES}
    if operation == "withdraw":
        given.pop("address" if parameter == "card" else "card")
    return given


def call(client: Bitexbit, operation: str, given: dict[str, Any], callback_url: str = CALLBACK_URL) -> Any:
    """Call the client's method for an operation of the document."""
    return {
        "payment-methods": lambda: client.payment_methods(**given),
        "wallet": lambda: client.create_wallet(WalletRequest(given, callback_url)),
        "wallets": lambda: client.wallet_page(**given),
        "wallet/history": lambda: client.deposit_page(**given),
        "invoice": lambda: client.create_invoice(InvoiceRequest(REFERENCE, given, callback_url)),
        "invoices": lambda: client.invoice_page(**given),
        "invoice/history": lambda: client.invoice_payment_page(**given),
        "withdraw": lambda: client.withdraw(WithdrawalRequest(REFERENCE, given, callback_url)),
        "withdraw/history": lambda: client.withdrawal_page(**given),
    }[operation]()
