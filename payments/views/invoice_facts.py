"""What the page of an invoice tells beyond its row: ways to pay, doubt about its creation, differences.

Reads; decides nothing. What a provider wrote stays text: templates escape it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit import money
from payments.models import Invoice, ProviderCall
from payments.providers import PROVIDERS
from payments.services import invoice_fields, invoice_scans, invoices, orders

QR_BYTES = 1500


@dataclass(frozen=True)
class Way:
    """One way to pay directly, as the provider told it. All of it is text from outside."""

    kind: str
    label: Any
    wallet: str
    amount: Decimal | None
    amount_text: str
    currency: str
    info: str
    country: str
    payment_url: str
    qr: str
    qr_label: Any


WALLET_LABELS = {
    "card": gettext_lazy("Card number"),
    "phone": gettext_lazy("Phone number"),
    "account": gettext_lazy("Account number"),
    "crypto": gettext_lazy("Address"),
    "qr": gettext_lazy("Content of the QR code"),
}


def way(stored: dict[str, Any]) -> Way:
    """One entry of Invoice.requisites for the page: with a QR code where a payer can scan one."""
    given = {name: str(stored.get(name) or "") for name in ("type", "wallet", "payment_url")}
    kind, wallet, url = given["type"].lower(), given["wallet"], given["payment_url"]
    by_wallet = kind == "crypto" or (kind == "qr" and not url)
    code = wallet if by_wallet else url
    amount = str(stored.get("amount") or "")
    return Way(
        kind=kind,
        label=WALLET_LABELS.get(kind, kind or _("Pay to")),
        wallet="" if wallet == url else wallet,
        amount=money.read(amount) if amount else None,
        amount_text=amount,
        currency=str(stored.get("currency") or ""),
        info=str(stored.get("info") or ""),
        country=str(stored.get("country") or ""),
        payment_url=url,
        qr=code if len(code.encode()) <= QR_BYTES else "",
        qr_label=_("QR code of the address") if by_wallet else _("QR code of the payment"),
    )


@dataclass(frozen=True)
class Doubt:
    """What is known about an invoice whose creation stayed unknown, and what still bars closing it.

    settled_at: when the last attempt can no longer arrive (None: none is known). asked: the last look-up.
    """

    attempt: ProviderCall | None
    settled_at: dt.datetime | None
    is_settled: bool
    asked: ProviderCall | None
    says_not_found: bool
    is_fresh: bool
    # Where the provider only lists: how often the whole list did not show it, of how many that are needed.
    looks: int | None = None
    looks_needed: int = 0


def doubt(invoice: Invoice) -> Doubt:
    """The evidence for services.invoices.resolve, which checks the same again."""
    calls = ProviderCall.objects.filter(reference_id=invoice.reference_id).order_by("-started_at")
    attempt = calls.filter(operation=invoices.OPERATION, safe=False).first()
    asked = calls.filter(safe=True).first()
    now = timezone.now()
    settled_at = attempt.started_at + invoices.SETTLE if attempt else None
    if invoice_scans.is_scanned(invoice.account):
        left = max(0, settings.SCAN_TIMES - invoice.misses)
        asked = ProviderCall(started_at=invoice.checked_at) if invoice.checked_at else None
        fresh = invoice.checked_at is not None and invoice.checked_at > now - invoices.FRESH
        return Doubt(
            attempt,
            settled_at,
            left == 0,
            asked,
            invoice.misses > 0,
            fresh,
            invoice.misses,
            settings.SCAN_TIMES,
        )
    return Doubt(
        attempt=attempt,
        settled_at=settled_at,
        is_settled=settled_at is None or settled_at <= now,
        asked=asked,
        says_not_found=asked is not None and asked.says_not_found,
        is_fresh=asked is not None and asked.started_at > now - invoices.FRESH,
    )


# What stands elsewhere on the page.
_TOLD = frozenset({"paysys", "amount", "pay_amount", "comis", "desc", "dtag", "purse"})


def asked_for(invoice: Invoice) -> list[tuple[str, str]]:
    """The other parameters that were sent, under the provider's names."""
    return [(name, str(value)) for name, value in invoice.fields.items() if name not in _TOLD]


def parameters(invoice: Invoice) -> list[tuple[Any, str, str]]:
    """All that is sent: label, the provider's name, and the value with its meaning."""
    known = {field.name: field for field in PROVIDERS[invoice.account.provider].invoice_fields}
    found = []
    for name, value in invoice_fields.to_send(invoice).items():
        text = money.plain(value) if isinstance(value, Decimal) else str(value)
        if name.endswith("_percent"):
            text = f"{text}: {orders.in_words(text)}"
        found.append((_(known[name].label) if name in known else name, name, text))
    return found


def over(invoice: Invoice) -> Decimal | None:
    """What was received beyond what was expected; negative: less. None while either is missing."""
    if invoice.received is None or invoice.expected is None or invoice.received == invoice.expected:
        return None
    return invoice.received - invoice.expected
