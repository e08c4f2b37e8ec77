"""The page that a payer opens: what to pay, how, and the way back to the shop. Holds no rule about money:
paying and canceling are moves of the invoice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import segno
from django.utils.translation import gettext_lazy as _

from sandbox import pages, transactions
from sandbox.bitloga import invoices
from sandbox.routes import ControlError
from sandbox.transactions import Transaction
from sandbox.wire import Reply, Request, redirect

if TYPE_CHECKING:
    from sandbox.bitloga.provider import Bitloga

OPEN = ("Created", "Pending")
WORDS = {
    "Created": _("Waiting for payment"),
    "Pending": _("Payment is being confirmed"),
    "Payed": _("Paid"),
    "Complete": _("Paid"),
    "Canceled": _("Canceled"),
    "Error": _("Failed"),
}


def reply(provider: Bitloga, request: Request, public_id: str) -> Reply:
    """Show an invoice to its payer (GET), or pay or cancel it (POST `do`)."""
    engine = provider.engine
    with engine.ledger.transaction() as db:
        row = transactions.by_public_id(db, public_id)
        if row is None or row.kind != invoices.KIND:
            return pages.render("sandbox/bitloga/missing.html", {}, status=404)
        if request.method == "POST":
            _act(provider, db, row, request.form())
    if request.method == "POST":
        engine.wake()
        way = request.form().get("by", "")
        return redirect(request.path + (f"?by={way}" if way.isidentifier() else ""))
    return pages.render("sandbox/bitloga/payer.html", _context(provider, row, request.query.get("by", "")))


def _act(provider: Bitloga, db: Any, row: Transaction, form: dict[str, str]) -> None:
    """Pay or cancel while the invoice is open; anything else leaves it as it is."""
    if row.status not in OPEN or form.get("do") not in ("pay", "cancel"):
        return
    if form["do"] == "pay" and row.status == "Pending":
        return
    try:
        provider.move(db, row, form["do"], {})
    except ControlError:
        return


def _context(provider: Bitloga, row: Transaction, chosen: str) -> dict[str, Any]:
    ways = invoices.ways_to_pay(provider, row)
    codes = [way.code for way in ways]
    code = chosen if chosen in codes else codes[0] if codes else ""
    way = next((way for way in ways if way.code == code), None)
    amount = invoices.due(provider, row, way) if way else None
    details = invoices.requisites_of(provider, row, code) if code else None
    status = "open" if row.status in OPEN else "paid" if row.status in invoices.PAID else "closed"
    back = {"paid": "successurl", "closed": "failurl"}.get(status, "")
    return {
        "status": status,
        "pending": row.status == "Pending",
        "word": WORDS.get(row.status, row.status),
        "tone": {"open": "info", "paid": "ok", "closed": "muted"}[status],
        "amount": pages.money(amount if amount is not None else row.amount),
        "currency": way.currency if way else row.currency,
        "invoice_amount": pages.money(invoices.received(row)),
        "invoice_currency": row.currency,
        "payee_fee": row.data["comis"] == "payee",
        "method": way.title if way else "",
        "method_code": code,
        "ways": [{"code": item.code, "title": item.title} for item in ways],
        "description": row.params.get("desc") or "",
        "details": details,
        "qr": _qr(details),
        "number": str(row.number),
        "back": row.params.get(back) or "" if back else "",
    }


def _qr(details: dict[str, Any] | None) -> str:
    """The QR code of an address or payment page, as inline SVG."""
    if not details or details["type"] not in ("crypto", "qr"):
        return ""
    code = segno.make(details["wallet"], error="m", micro=False)
    return code.svg_inline(scale=4, border=2, svgclass="qr", lineclass=None, omitsize=True)
