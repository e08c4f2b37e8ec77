"""Bitexbit's part of the control page, ready to show. Holds words and colours and changes nothing."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from sandbox import pages, transactions
from sandbox.bitexbit import deposits, invoices, wallets, withdrawals
from sandbox.bitexbit.control import Control
from sandbox.transactions import Transaction

if TYPE_CHECKING:
    from sandbox.bitexbit.provider import Bitexbit

SHOWN = 50
KINDS = {
    wallets.KIND: _("Wallet"),
    deposits.KIND: _("Deposit"),
    invoices.KIND: _("Invoice"),
    invoices.PAYMENT: _("Invoice payment"),
    withdrawals.KIND: _("Withdrawal"),
}
PLACES = {
    deposits.KIND: "deposits",
    invoices.KIND: "invoices",
    invoices.PAYMENT: "payments",
    withdrawals.KIND: "withdrawals",
}
ARRIVED = {
    "1": (_("pending"), "warn", ("confirm", "reject")),
    "5": (_("confirmed"), "ok", ("reject",)),
    "6": (_("rejected"), "bad", ("confirm",)),
}
STATUSES: dict[str, dict[str, tuple[Any, str, tuple[str, ...]]]] = {
    deposits.KIND: ARRIVED,
    invoices.PAYMENT: ARRIVED,
    invoices.KIND: {
        invoices.OPEN: (_("open"), "info", ("pay", "cancel")),
        invoices.PAID: (_("paid"), "ok", ("pay",)),
        invoices.CANCELED: (_("canceled"), "muted", ("pay",)),
    },
    withdrawals.KIND: {
        "10": (_("new"), "info", ("confirm", "moderate", "done", "cancel")),
        "20": (_("confirmed"), "warn", ("verify", "done", "refuse")),
        "23": (_("verified"), "warn", ("moderate", "approve", "done")),
        "25": (_("moderation"), "warn", ("approve", "suspend", "refuse")),
        "26": (_("approved"), "warn", ("suspend", "done")),
        "27": (_("suspended"), "warn", ("approve", "refuse")),
        "30": (_("done"), "ok", ("refuse",)),
        "40": (_("refused"), "bad", ("done",)),
        "50": (_("cancelled"), "muted", ("done",)),
    },
}
UNKNOWN = (_("unknown"), "muted", ("done", "refuse"))
LABELS = {
    "confirm": _("Confirm"),
    "reject": _("Reject"),
    "pay": _("Pay"),
    "cancel": _("Cancel"),
    "verify": _("Verify"),
    "moderate": _("Moderate"),
    "approve": _("Approve"),
    "suspend": _("Suspend"),
    "done": _("Done"),
    "refuse": _("Refuse"),
}


def page_context(provider: Bitexbit) -> dict[str, Any]:
    """Accounts and the latest transactions, ready to show."""
    control = Control(provider)
    with provider.engine.ledger.transaction() as db:
        rows = transactions.find(db, provider="bitexbit", limit=SHOWN)
        shown = [_shown(control, db, row) for row in rows]
        known = control.list_accounts({})["accounts"]
    for account in known:
        account["money"] = [
            (currency, pages.money(amount)) for currency, amount in account["balances"].items()
        ]
    return {"accounts": known, "transactions": shown}


def _shown(control: Control, db: sqlite3.Connection, row: Transaction) -> dict[str, Any]:
    line = control.transaction_json(db, row)
    word, tone, verbs = STATUSES.get(row.kind, {}).get(row.status, UNKNOWN if row.status else ("", "", ()))
    name = row.uniqueid or row.public_id
    place = PLACES.get(row.kind, "")
    return line | {
        "what": KINDS[row.kind],
        "is_wallet": row.kind == wallets.KIND,
        "method": f"{row.currency}:{row.data['network']}",
        "where": row.data.get("address") or "",
        "money": "" if row.kind == wallets.KIND else pages.money(row.amount),
        "booked": [(currency, pages.money(Decimal(amount))) for currency, amount in line["net"].items()],
        "word": word,
        "code": "" if row.kind == invoices.KIND else row.status,
        "tone": tone,
        "at": pages.moment(row.accepted_at),
        "deposit": f"bitexbit/wallets/{row.public_id}/deposit",
        "buttons": [
            {"url": f"bitexbit/{place}/{name}/{verb}", "label": LABELS[verb], "verb": verb}
            for verb in (verbs if name else ())
        ],
    }
