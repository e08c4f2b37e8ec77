"""The page that `proceed_url` leads to: what to pay, and the way back to the shop. Holds no rule about money: paying and
canceling are moves of the invoice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from sandbox import pages, transactions
from sandbox.bitexbit import invoices
from sandbox.transactions import Transaction
from sandbox.wire import Reply, Request, redirect

if TYPE_CHECKING:
    from sandbox.bitexbit.provider import Bitexbit

WORDS = {
    invoices.OPEN: _("Waiting for payment"),
    invoices.PAID: _("Paid"),
    invoices.CANCELED: _("Canceled"),
}
TONES = {invoices.OPEN: "info", invoices.PAID: "ok", invoices.CANCELED: "muted"}


def reply(provider: Bitexbit, request: Request, public_id: str) -> Reply:
    """Show an invoice to its payer (GET), or pay or cancel it (POST `do`)."""
    with provider.engine.ledger.transaction() as db:
        row = transactions.by_public_id(db, public_id)
        if row is None or row.kind != invoices.KIND or request.method not in ("GET", "HEAD", "POST"):
            return pages.render("sandbox/bitexbit/missing.html", {}, status=404)
        if not _is_the_payer(request, row):
            context = {**_context(provider, row), "elsewhere": True}
            return pages.render("sandbox/bitexbit/payer.html", context, status=403)
        if request.method == "POST":
            verb = request.form().get("do", "")
            if row.status == invoices.OPEN and verb in ("pay", "cancel"):
                provider.move(db, row, verb, {})
    if request.method == "POST":
        provider.engine.wake()
        return redirect(request.path)
    return pages.render("sandbox/bitexbit/payer.html", _context(provider, row))


def _is_the_payer(request: Request, row: Transaction) -> bool:
    """Only from the invoice's `client_ip` it can be paid. Everybody is on this machine here, so that only an address
    that a request claims is compared."""
    claimed = request.headers.get("x-forwarded-for", "").partition(",")[0].strip()
    return claimed in ("", row.data["client_ip"])


def _context(provider: Bitexbit, row: Transaction) -> dict[str, Any]:
    fee = invoices.fee(provider, row, row.amount)
    back = {invoices.PAID: "payment_url", invoices.CANCELED: "cancel_url"}.get(row.status, "")
    return {
        "status": row.status,
        "word": WORDS[row.status],
        "tone": TONES[row.status],
        "amount": pages.money(row.amount),
        "fee": pages.money(fee) if fee else "",
        "currency": row.currency,
        "network": row.data["network"],
        "number": row.public_id[:8],
        "client_ip": row.data["client_ip"],
        "back": row.data[back] if back else "",
        "elsewhere": False,
    }
