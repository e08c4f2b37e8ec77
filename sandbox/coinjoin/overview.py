"""CoinJoin's part of the control page, ready to show. Holds words and colours and changes nothing."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from sandbox import pages, transactions
from sandbox.coinjoin.control import NAME, Control
from sandbox.transactions import Transaction
from sandbox.wire import plain

if TYPE_CHECKING:
    from sandbox.coinjoin.provider import Coinjoin

SHOWN = 50
TONES = {
    "pending": "info",
    "confirming": "warn",
    "processing": "warn",
    "complete": "ok",
    "expired": "muted",
}
BUTTONS = {
    "pending": ("expire", "fail"),
    "confirming": ("confirm", "expire", "fail"),
    "processing": ("complete", "fail"),
    "complete": ("fail",),
    "expired": ("complete",),
}
LABELS = {
    "confirm": _("Confirm"),
    "complete": _("Complete"),
    "expire": _("Expire"),
    "fail": _("Fail"),
}
#: How much more or less the two other deposit buttons pay.
STEP = Decimal("0.00001")


def page_context(provider: Coinjoin) -> dict[str, Any]:
    """Accounts and the latest transactions, ready to show."""
    control = Control(provider)
    with provider.engine.ledger.transaction() as db:
        rows = [_shown(control, db, row) for row in transactions.find(db, provider=NAME, limit=SHOWN)]
    return {"accounts": control.list_accounts({})["accounts"], "transactions": rows}


def _shown(control: Control, db: sqlite3.Connection, row: Transaction) -> dict[str, Any]:
    line = control.transaction_json(db, row)
    missing = row.amount - Decimal(row.data["received"])
    deposits = []
    if row.status in ("pending", "expired") and missing > 0:
        amounts = ((missing, _("Deposit exactly")), (missing - STEP, _("less")), (missing + STEP, _("more")))
        deposits = [{"amount": plain(amount), "label": label} for amount, label in amounts if amount > 0]
    return line | {
        "rows": [
            {"address": address, "money": pages.money(amount)} for address, amount in line["payouts"].items()
        ],
        "money": pages.money(row.amount),
        "fee_money": pages.money(row.data["fee"]),
        "received_money": pages.money(row.data["received"]) if line["received"] != "0" else "",
        "tone": TONES.get(row.status, "bad"),
        "at": pages.moment(row.accepted_at),
        "deposits": deposits,
        "buttons": [
            {"verb": verb, "label": LABELS[verb]} for verb in BUTTONS.get(row.status, ("complete", "expire"))
        ],
    }
