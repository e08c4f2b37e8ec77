"""The exchanger's part of the control page, ready to show. Holds words and colours and changes nothing."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from sandbox import pages, transactions
from sandbox.premium_exchanger import bids, partner
from sandbox.premium_exchanger.control import Control
from sandbox.transactions import Transaction

if TYPE_CHECKING:
    from sandbox.premium_exchanger.provider import PremiumExchanger

SHOWN = 30
TONES = {
    "success": "ok",
    "payed": "warn",
    "realpay": "warn",
    "verify": "warn",
    "coldsuccess": "warn",
    "error": "bad",
    "payouterror": "bad",
    "scrpayerror": "bad",
    "cancel": "muted",
    "delete": "muted",
    "auto": "muted",
}
LABELS = {
    "pay": _("Pay"),
    "receive": _("Receive"),
    "complete": _("Complete"),
    "cancel": _("Cancel"),
    "fail": _("Fail"),
    "withdraw": _("Withdraw"),
}
WORDS = {
    partner.PENDING: (_("pending"), "warn"),
    partner.PAID: (_("paid"), "ok"),
    partner.CANCELED: (_("canceled"), "muted"),
    partner.WITHDRAWN: (_("withdrawn"), "muted"),
}


def page_context(provider: PremiumExchanger) -> dict[str, Any]:
    """Accounts, the latest bids, directions and payouts, ready to show."""
    control = Control(provider)
    with provider.engine.ledger.transaction() as db:
        found = transactions.find(db, provider=provider.name, kind=bids.KIND, limit=SHOWN)
        shown = [_bid(control, db, row) for row in found]
        rows = transactions.find(db, provider=provider.name, kind=partner.PAYOUT, limit=SHOWN)
        payouts = [_payout(control, db, row) for row in rows]
        known = control.list_accounts({})["accounts"]
    for account in known:
        account["money"] = [
            (currency, pages.money(amount)) for currency, amount in account["balances"].items()
        ]
        account["ips"] = ", ".join(account["allowed_ips"])
        account["is_system"] = account["user_id"] == 0
    return {
        "accounts": known,
        "bids": shown,
        "payouts": payouts,
        "directions": _directions(provider),
        "statuses": list(bids.TITLES),
    }


def _bid(control: Control, db: sqlite3.Connection, row: Transaction) -> dict[str, Any]:
    line = control.transaction_json(db, row)
    verbs = (
        ("pay", "cancel", "fail") if row.status in bids.UNPAID else ("receive", "complete", "cancel", "fail")
    )
    return line | {
        "give": pages.money(row.amount),
        "get": pages.money(row.data["amount_get"]),
        "currency_get": row.data["currency_get"],
        "tone": TONES.get(row.status, "info"),
        "at": pages.moment(row.accepted_at),
        "buttons": [
            {"url": f"premium_exchanger/bids/{row.number}/{verb}", "label": LABELS[verb], "verb": verb}
            for verb in verbs
            if row.status != bids.HIDDEN
        ],
    }


def _payout(control: Control, db: sqlite3.Connection, row: Transaction) -> dict[str, Any]:
    word, tone = WORDS[row.status]
    return control.transaction_json(db, row) | {
        "money": pages.money(row.amount),
        "pay": pages.money(row.data["pay_amount"]),
        "pay_currency": row.data["pay_currency"],
        "to": row.data["account"],
        "word": word,
        "tone": tone,
        "at": pages.moment(row.accepted_at),
        "buttons": [
            {"url": f"premium_exchanger/payouts/{row.number}/{verb}", "label": LABELS[verb], "verb": verb}
            for verb in (("pay", "cancel", "withdraw") if row.status == partner.PENDING else ())
        ],
    }


def _directions(provider: PremiumExchanger) -> list[dict[str, Any]]:
    currencies = provider.setting("currencies")
    return [
        {
            "id": id,
            "give": currencies[str(data["give"])]["psys"],
            "get": currencies[str(data["get"])]["psys"],
            "rate": f"{data['course_give']} : {data['course_get']}",
            "way": data.get("way") or "default",
            "active": data.get("active") is not False,
            "api": data.get("api") is not False,
        }
        for id, data in provider.setting("directions").items()
    ]
