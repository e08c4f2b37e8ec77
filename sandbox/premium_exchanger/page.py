"""The page of a bid, which its owner opens: what to pay, and two buttons. Holds no rule about bids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import pages
from sandbox.premium_exchanger import bids, moves
from sandbox.wire import Reply, Request, redirect

if TYPE_CHECKING:
    from sandbox.premium_exchanger.provider import PremiumExchanger


def reply(provider: PremiumExchanger, request: Request, hash: str) -> Reply:
    """Show a bid (GET), or say that it is paid or cancel it (POST `do`)."""
    with provider.engine.ledger.transaction() as db:
        row = bids.find(db, hash=hash)
        direction = bids.direction_of(provider, row) if row else None
        if row is None or direction is None or row.status == bids.HIDDEN:
            return pages.render("sandbox/bitloga/missing.html", {}, status=404)
        wanted = request.form().get("do", "") if request.method == "POST" else ""
        if wanted in ("pay", "cancel") and row.status in bids.UNPAID:
            row = moves.become(provider, db, row, moves.VERBS[wanted])
    if request.method == "POST":
        return redirect(request.path)
    shown = bids.describe(provider, row, direction)
    return pages.render(
        "sandbox/premium_exchanger/bid.html",
        {
            "bid": shown,
            "give": pages.money(row.amount),
            "get": pages.money(row.data["amount_get"]),
            "open": row.status in bids.UNPAID,
            "pay_to": direction.pay_to,
        },
    )
