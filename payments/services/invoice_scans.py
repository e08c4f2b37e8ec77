"""Asking about bills where a provider only lists them: one reading of its lists per account. Deals floor.

"Not in the list" proves nothing by itself: it is counted three times, well apart; then people decide.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from payments.models import ExceptionItem, Invoice, ProviderAccount
from payments.providers import PROVIDERS
from payments.providers.base import Invoices
from payments.providers.errors import ProviderError, Refused
from payments.providers.wallets import BadRow, FiatInvoices

from . import (
    bad_rows,
    callback_tokens,
    calls,
    decisions,
    exceptions,
    invoice_payments,
    invoice_reports,
    schedule,
)

Status = Invoice.Status
Kind = ExceptionItem.Kind
OPERATION = "invoice"
NOT_FOUND = gettext_noop("Not in the provider's list. That alone proves nothing.")


def is_scanned(account: ProviderAccount) -> bool:
    """Whether this account's bills are asked about by reading the provider's lists."""
    client = PROVIDERS[account.provider]
    return issubclass(client, FiatInvoices) and not issubclass(client, Invoices)


def scans(*, account_id: int) -> bool:
    """The same by the account's id, for the poll."""
    return is_scanned(ProviderAccount.objects.defer("credentials").get(pk=account_id))


def look(invoice: Invoice, *, way: str, priority: str) -> Invoice:
    """Ask about one bill. Raises ProviderError when it cannot be asked, or the list does not show one in doubt."""
    missing = scan(account_id=invoice.account_id, ids=[invoice.pk], way=way, priority=priority)
    if invoice.pk in missing:
        raise Refused("not in the list", reason="not_found", staff=NOT_FOUND)
    return Invoice.objects.select_related("reference", "account").get(pk=invoice.pk)


def scan(*, account_id: int, ids: Sequence[int], way: str, priority: str) -> set[int]:
    """Read what was paid, and for bills in doubt the list of bills. Gives those in doubt that it does not show.

    Raises ProviderError when it cannot be asked: each row then says so and keeps its state.
    """
    rows = list(Invoice.objects.filter(pk__in=ids, account=account_id).select_related("reference", "account"))
    doubted = [row for row in rows if row.status in (Status.UNKNOWN, Status.CREATING)]
    asked_at = timezone.now()
    missing: set[int] = set()
    try:
        if doubted:
            missing = _find(doubted, asked_at, way, priority)
        invoice_payments.read_payments(account_id=account_id, way=way, priority=priority)
    except ProviderError as error:
        for row in rows:
            invoice_reports.not_answered(invoice_id=row.pk, error=error, asked_at=asked_at)
        raise
    for row in rows:
        if row not in doubted:
            invoice_reports.seen(invoice_id=row.pk, asked_at=asked_at)
    return missing


def _find(rows: list[Invoice], asked_at: dt.datetime, way: str, priority: str) -> set[int]:
    """Bills in doubt in the provider's list: ours is the one with our own callback address."""
    reference = rows[0].reference if len(rows) == 1 else None
    client = calls.client(rows[0].account, reference=reference, priority=priority)
    bad: list[BadRow] = []
    listed = client.scan_invoices(min(row.created_at for row in rows) - dt.timedelta(hours=1), bad=bad)
    bad_rows.tell(rows[0].account, bad, "invoices")
    missing = set()
    for row in rows:
        ours = [one for one in listed if callback_tokens.is_own_callback_url(row.reference, one.callback_url)]
        if len(ours) == 1:
            invoice_reports.apply(invoice_id=row.pk, report=ours[0], way=way, asked_at=asked_at)
        else:
            missing.add(row.pk)
            _missed(row.pk, asked_at, several=len(ours), is_whole=not bad)
    return missing


@transaction.atomic
def _missed(invoice_id: int, asked_at: dt.datetime, *, several: int, is_whole: bool) -> None:
    """The list does not show it, or shows it twice. Counts once it can no longer be made, and well apart, and only of a
    list that was read whole.
    """
    invoice = invoice_reports.lock(invoice_id)
    if invoice.status != Status.UNKNOWN:
        return
    if several:
        exceptions.open_item(
            kind=Kind.AMBIGUOUS,
            key=f"{invoice.reference.value}:twice",
            title=_("The provider's list shows several invoices with our callback address."),
            account=invoice.account,
            reference=invoice.reference,
        )
    failures = invoice.check_failures + 1
    gap = dt.timedelta(seconds=settings.SCAN_GAP_SECONDS)
    changes: dict[str, Any] = {"check_failures": failures, "checked_at": asked_at}
    changes["next_check_at"] = schedule.after_failures(failures)
    begin = calls.over_at(invoice.reference, OPERATION) or invoice.created_at
    counts = asked_at >= begin and (invoice.counted_at is None or asked_at - invoice.counted_at >= gap)
    if counts and is_whole and not several:
        changes |= {"misses": invoice.misses + 1, "counted_at": asked_at}
    if changes.get("misses", invoice.misses) < settings.SCAN_TIMES:
        changes["next_check_at"] = max(
            begin, (changes.get("counted_at") or invoice.counted_at or begin) + gap
        )
    changes["last_error"] = _("Not in the provider's list: %(n)s of %(times)s looks.") % {
        "n": changes.get("misses", invoice.misses),
        "times": settings.SCAN_TIMES,
    }
    Invoice.objects.filter(pk=invoice.pk).update(**schedule.bump(**changes))


def why_not_resolve(invoice: Invoice) -> str:
    """What bars closing one in doubt as failed, as a sentence; "" when nothing does."""
    if invoice.misses < settings.SCAN_TIMES:
        return _(
            "The whole list must be read %(times)s times first, some minutes apart; it was %(n)s times."
        ) % {
            "times": settings.SCAN_TIMES,
            "n": invoice.misses,
        }
    if invoice.checked_at is None or invoice.checked_at < timezone.now() - decisions.FRESH:
        return _("Press “Check now” first: a fresh answer “not found” is needed.")
    return ""
