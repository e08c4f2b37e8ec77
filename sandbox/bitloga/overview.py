"""Bitloga's part of the control page, ready to show. Holds words and colours and changes nothing."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from sandbox import pages, transactions
from sandbox.bitloga import codes, invoices, withdrawals
from sandbox.bitloga.control import Control
from sandbox.transactions import Transaction

if TYPE_CHECKING:
    from sandbox.bitloga.provider import Bitloga

SHOWN = 50
TONES = {
    "Created": "info",
    "Pending": "warn",
    "Payed": "ok",
    "Complete": "ok",
    "Active": "ok",
    "Redeemed": "muted",
    "Canceled": "muted",
    "Disabled": "bad",
    "Error": "bad",
}
BUTTONS = {
    invoices.KIND: {
        "Created": ("pay", "cancel", "fail"),
        "Pending": ("confirm", "cancel", "fail"),
        "Payed": ("complete", "cancel", "fail"),
        "Complete": ("fail",),
        "Canceled": ("pay",),
        "Error": ("pay",),
    },
    withdrawals.KIND: {
        "Created": ("complete", "cancel", "fail"),
        "Pending": ("complete", "cancel", "fail"),
        "Complete": ("fail",),
        "Canceled": ("complete",),
        "Error": ("complete",),
    },
}
LABELS = {
    "pay": _("Pay"),
    "confirm": _("Confirm"),
    "complete": _("Complete"),
    "cancel": _("Cancel"),
    "fail": _("Fail"),
}
KINDS = {
    "invoice": _("Invoice"),
    "withdrawal": _("Withdrawal"),
    "code_create": _("Code created"),
    "code_apply": _("Code redeemed"),
}


def page_context(provider: Bitloga) -> dict[str, Any]:
    """Accounts, the latest transactions and codes, ready to show."""
    control = Control(provider)
    with provider.engine.ledger.transaction() as db:
        rows = transactions.find(db, provider="bitloga", limit=SHOWN)
        shown = [_shown(control, db, row) for row in rows]
        found = [control.code_json(db, row) for row in codes.every(db, SHOWN)]
        known = control.list_accounts({})["accounts"]
    for account in known:
        account["money"] = [
            (currency, pages.money(amount)) for currency, amount in account["balances"].items()
        ]
    for code in found:
        code |= {
            "money": pages.money(code["amount"]),
            "tone": TONES[code["status"]],
            "at": pages.moment(code["created_at"]),
        }
    return {"accounts": known, "transactions": shown, "codes": found}


def _shown(control: Control, db: sqlite3.Connection, row: Transaction) -> dict[str, Any]:
    line = control.transaction_json(db, row)
    where = {invoices.KIND: "invoices", withdrawals.KIND: "withdrawals"}.get(row.kind, "")
    return line | {
        "what": KINDS.get(row.kind, row.kind),
        "method": row.data.get("paysys", ""),
        "purse": row.data.get("purse", ""),
        "money": pages.money(row.amount),
        "net_money": pages.money(line["net"]) if line["effects"] else "",
        "tone": TONES.get(row.status, "muted"),
        "at": pages.moment(row.accepted_at),
        "buttons": [
            {"url": f"bitloga/{where}/{row.uniqueid}/{verb}", "label": LABELS[verb], "verb": verb}
            for verb in BUTTONS.get(row.kind, {}).get(row.status, ())
        ],
    }
