"""Promises of the books and the wire that can be checked on the database at any moment. Reads only.

The numbers V1 to V10 are those of docs/reliability.md; what needs the provider's own ledger is checked by tests.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db.models import Count, F, Sum
from django.utils import timezone

from backoffice.kit import money, office
from backoffice.models import AuditEntry
from payments.models import Callback, ExceptionItem, Invoice, Movement, ProviderCall

LATE = dt.timedelta(minutes=10)


def sent_once() -> list[str]:
    """V1: no intent was accepted twice: at most one good answer to a call that moves or creates."""
    twice = (
        ProviderCall.objects.filter(safe=False, outcome="ok", reference__isnull=False)
        .values("reference__value", "operation")
        .annotate(times=Count("id"))
        .filter(times__gt=1)
    )
    return [
        f"{row['reference__value']}: {row['operation']} was accepted {row['times']} times" for row in twice
    ]


def final_stays() -> list[str]:
    """V3: nothing was written about an invoice's state after a final one."""
    final = {f"invoice.{status}" for status, ways in Invoice.TRANSITIONS.items() if not ways}
    words = {f"invoice.{status}" for status in Invoice.Status.values}
    ended: dict[str, str] = {}
    broken = []
    rows = AuditEntry.objects.filter(object_type="payments.invoice", verb__in=words).order_by("id")
    for number, verb in rows.values_list("object_id", "verb").iterator():
        if number in ended:
            broken.append(f"invoice {number}: {verb} after {ended[number]}")
        if verb in final:
            ended[number] = verb
    return broken


def told_once() -> list[str]:
    """V6: the state of every invoice is the last that the audit trail tells."""
    words = {f"invoice.{status}": status for status in Invoice.Status.values}
    told = dict(
        AuditEntry.objects.filter(object_type="payments.invoice", verb__in=[*words, "invoice.created"])
        .order_by("id")
        .values_list("object_id", "verb")
    )
    broken = []
    for pk, status in Invoice.objects.values_list("pk", "status").iterator():
        verb = told.get(str(pk), "")
        if words.get(verb, "creating" if verb == "invoice.created" else "") != status:
            broken.append(f"invoice {pk} is {status}, the audit trail says {verb or 'nothing'}")
    return broken


def inbox_moves() -> list[str]:
    """V7: every callback is processed, waits with a time, or stands visibly dead."""
    broken = [
        f"callback {pk} has waited for a worker since {since:%Y-%m-%d %H:%M}"
        for pk, since in Callback.objects.filter(
            status__in=["new", "working"], next_try_at__lt=timezone.now() - LATE
        ).values_list("pk", "received_at")
    ]
    for pk in Callback.objects.filter(status="dead").values_list("pk", flat=True):
        if not ExceptionItem.objects.filter(kind="dead_callback", facts__callback=pk).exists():
            broken.append(f"callback {pk} is dead and nobody is told")
    return broken


def books_foot() -> list[str]:
    """V9: each paid invoice is booked once with what was received, and nothing else is booked as an invoice."""
    broken = []
    booked = {
        row["reference"]: (row["n"], row["total"])
        for row in Movement.objects.filter(kind="invoice")
        .values("reference")
        .annotate(n=Count("id"), total=Sum("amount"))
        .order_by()
    }
    paid = Invoice.objects.filter(status="paid").values_list("reference", "reference__value", "received")
    for reference, value, received in paid.iterator():
        times, total = booked.pop(reference, (0, None))
        if times != 1 or total != received:
            broken.append(f"{value}: received {money.plain(received or Decimal(0))}, booked {times} times")
    broken += [f"reference row {reference} is booked without a paid invoice" for reference in booked]
    wrong = Movement.objects.filter(kind="invoice").exclude(reference__invoice__currency=F("currency"))
    broken += [
        f"movement {pk} is in another currency than its invoice" for pk in wrong.values_list("pk", flat=True)
    ]
    return broken


ALL = (
    office.Invariant("V1", "nothing was sent and accepted twice", sent_once),
    office.Invariant("V3", "final states never change", final_stays),
    office.Invariant("V6", "the audit trail tells every state", told_once),
    office.Invariant("V7", "no callback is forgotten", inbox_moves),
    office.Invariant("V9", "the books foot", books_foot),
)
