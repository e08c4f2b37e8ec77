"""Promises of the books and the wire that can be checked on the database at any moment. Reads only.

The numbers V1 to V10 are those of docs/reliability.md; what needs the provider's own ledger is checked by tests.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Sum
from django.utils import timezone

from backoffice.kit import money, office
from backoffice.kit.fields import keyed_digests
from backoffice.models import AuditEntry
from payments.models import (
    Approval,
    BatchPayout,
    Bid,
    Callback,
    Deposit,
    ExceptionItem,
    Invoice,
    Movement,
    PartnerPayout,
    ProviderCall,
    Reference,
    Reservation,
    Wallet,
    Withdrawal,
)
from payments.services import daily_sums

LATE = dt.timedelta(minutes=10)
# word: (model, the verbs that tell its first state)
TOLD: dict[str, tuple[Any, dict[str, str]]] = {
    "invoice": (Invoice, {"invoice.created": "creating", "invoice.requested": "awaiting_approval"}),
    "withdrawal": (Withdrawal, {"withdrawal.requested": "awaiting_approval"}),
    "bid": (Bid, {"bid.created": "creating"}),
    "partnerpayout": (PartnerPayout, {"partnerpayout.requested": "awaiting_approval"}),
    "batch_payout": (BatchPayout, {"batch_payout.requested": "awaiting_approval"}),
    "wallet": (Wallet, {"wallet.created": "creating", "wallet.requested": "awaiting_approval"}),
    "deposit": (Deposit, {"deposit.seen": "pending"}),
}


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


def _trail(verbs: Mapping[str, Collection[str]]) -> Iterator[tuple[str, str, str]]:
    """Word, number and verb of what the trail tells of these kinds, in the order in which it happened."""
    words = {model._meta.label_lower: word for word, (model, _first) in TOLD.items()}
    rows = AuditEntry.objects.filter(
        object_type__in=words, verb__in={v for some in verbs.values() for v in some}
    )
    for kind, number, verb in rows.order_by("id").values_list("object_type", "object_id", "verb").iterator():
        if verb in verbs[words[kind]]:
            yield words[kind], number, verb


def final_stays() -> list[str]:
    """V3: nothing was written about an object's state after a final one."""
    broken = []
    verbs = {
        word: {f"{word}.{status}": not ways for status, ways in model.TRANSITIONS.items()}
        for word, (model, _first) in TOLD.items()
    }
    ended: dict[tuple[str, str], str] = {}
    for word, number, verb in _trail(verbs):
        if (word, number) in ended:
            broken.append(f"{word} {number}: {verb} after {ended[word, number]}")
        if verbs[word][verb]:
            ended[word, number] = verb
    return broken


def told_once() -> list[str]:
    """V6: the state of every object is the last that the audit trail tells."""
    broken = []
    states = {
        word: first | {f"{word}.{status}": str(status) for status in model.TRANSITIONS}
        for word, (model, first) in TOLD.items()
    }
    told = {(word, number): verb for word, number, verb in _trail(states)}
    for word, (model, _first) in TOLD.items():
        for pk, status in model.objects.values_list("pk", "status").iterator():
            verb = told.get((word, str(pk)), "")
            if states[word].get(verb) != status:
                broken.append(f"{word} {pk} is {status}, the audit trail says {verb or 'nothing'}")
    return broken


def reserved_for_open() -> list[str]:
    """V4: exactly the money-out that may still be debited holds a reservation, of the most that may be debited."""
    held = dict(
        Reservation.objects.filter(ended_at__isnull=True, reference__kind=Reference.Kind.WITHDRAWAL)
        .filter(balance__currency=F("reference__withdrawal__balance_currency"))
        .values_list("reference", "amount")
    )
    broken = []
    waiting = Withdrawal.objects.filter(status__in=Withdrawal.OPEN, debit__isnull=True)
    for reference, value, most in waiting.values_list("reference", "reference__value", "max_debit"):
        if held.pop(reference, None) != most:
            broken.append(
                f"{value} may still be debited and reserves another amount than {money.plain(most)}"
            )
    # A fee that another balance pays is reserved there, as long as its withdrawal is open.
    apart = Reservation.objects.filter(
        ended_at__isnull=True, reference__kind=Reference.Kind.WITHDRAWAL
    ).exclude(balance__currency=F("reference__withdrawal__balance_currency"))
    held |= dict(
        apart.exclude(reference__withdrawal__status__in=Withdrawal.OPEN).values_list("reference", "amount")
    )
    return broken + [f"reference row {reference} reserves money and is not open" for reference in held]


def approved_by_another() -> list[str]:
    """V5: whatever was sent had an approval of another person over its digest."""
    broken = []
    columns = ("reference", "reference__value", "created_by")
    sent = [
        row
        for model in (Withdrawal, BatchPayout)
        for row in model.objects.filter(sent_at__isnull=False).values_list(*columns)
    ]
    for reference, value, requester in sent:
        approvals = Approval.objects.filter(reference=reference, step=Approval.Step.SEND)
        if not approvals.exclude(approver=requester).exists():
            broken.append(f"{value} was sent without an approval")
        if approvals.filter(approver=requester).exists():
            broken.append(f"{value} was approved by its requester")
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


def _booked(kinds: list[str], **where: Any) -> dict[int, tuple[int, Decimal]]:
    rows = (
        Movement.objects.filter(kind__in=kinds, **where)
        .values("reference")
        .annotate(n=Count("id"), total=Sum("amount"))
    )
    return {row["reference"]: (row["n"], row["total"]) for row in rows.order_by()}


def books_foot() -> list[str]:
    """V9: what is paid or sent is booked once, to the last unit, and nothing else is."""
    broken = []
    booked = _booked(["invoice"], reference__kind="invoice")
    paid = Invoice.objects.filter(status="paid").values_list("reference", "reference__value", "received")
    for reference, value, received in paid.iterator():
        times, total = booked.pop(reference, (0, None))
        if times != 1 or total != received:
            broken.append(f"{value}: received {money.plain(received or Decimal(0))}, booked {times} times")
    # A fee that another balance pays is no part of the debit.
    paid_from = {"reference__kind": "withdrawal", "currency": F("reference__withdrawal__balance_currency")}
    # What a provider kept of a payment was taken off, and nothing else.
    kept = _booked(["fee"], reference__kind="invoice")
    for reference, value, fee in Invoice.objects.filter(status="paid", fee__gt=0).values_list(
        "reference", "reference__value", "fee"
    ):
        if kept.pop(reference, (0, Decimal(0)))[1] + (fee or 0) != 0:
            broken.append(f"{value}: its fee is not booked")
    broken += [f"reference row {reference} paid a fee without cause" for reference in kept]
    debited = _booked(["withdrawal", "fee"], **paid_from)
    back = _booked(["reversal"], **paid_from)
    for reference, value, stated, status in Withdrawal.objects.filter(debit__isnull=False).values_list(
        "reference", "reference__value", "debit", "status"
    ):
        debit = stated or Decimal(0)
        _times, total = debited.pop(reference, (0, Decimal(0)))
        if total != -debit:
            broken.append(f"{value}: debited {money.plain(debit)}, booked {money.plain(total)}")
        returned = back.pop(reference, (0, Decimal(0)))[1]
        if returned != (debit if status == "failed" else 0):
            broken.append(f"{value} is {status}, taken back were {money.plain(returned)}")
    broken += _deposits_foot()
    for reference in [*booked, *debited, *back]:
        broken.append(f"reference row {reference} is booked without cause")
    wrong = Movement.objects.filter(kind="invoice").exclude(reference__invoice__currency=F("currency"))
    broken += [
        f"movement {pk} is in another currency than its invoice" for pk in wrong.values_list("pk", flat=True)
    ]
    return broken


def batches_foot() -> list[str]:
    """V9 of batch payouts: what was deposited went to payees and fee, off the balances, and is marked."""
    broken = []
    booked: dict[int, dict[str, Decimal]] = {}
    rows = Movement.objects.filter(reference__kind=Reference.Kind.BATCH_PAYOUT)
    for reference, kind, amount, on_balance, tag in rows.values_list(
        "reference", "kind", "amount", "on_balance", "tag"
    ):
        booked.setdefault(reference, {})[kind] = amount
        if on_balance or not tag:
            broken.append(f"a movement of reference row {reference} is on balance or not marked")
    for one in BatchPayout.objects.select_related("reference").filter(status="complete"):
        lines = booked.get(one.reference_id, {})
        if lines.get("batch_payout") != -one.total or sum(lines.values()) != 0:
            broken.append(f"{one}: complete, and what was booked of it is not nothing in the end")
    return broken


def deposits_paid_once() -> list[str]:
    """C08: no deposit address got more than one payment of ours that may have left."""
    broken = []
    for one in BatchPayout.objects.exclude(deposit_address="").select_related("reference"):
        digests = keyed_digests(one.deposit_address, "withdrawal purse")
        paid = Withdrawal.objects.filter(purse_digest__in=digests, sent_at__isnull=False)
        count = paid.exclude(status__in=["rejected", "canceled", "failed"]).count()
        if count + (one.paid_outside_at is not None) > 1:
            broken.append(f"{one}: its deposit was paid {count} times")
    return broken


def _deposits_foot() -> list[str]:
    """Each confirmed deposit is credited once, gross, and its fee taken off; no other is."""
    booked = _booked(["deposit"])
    fees = _booked(["fee"], reference__kind="deposit")
    broken = []
    for reference, value, amount, fee in Deposit.objects.filter(status="confirmed").values_list(
        "reference", "reference__value", "amount", "fee"
    ):
        times, total = booked.pop(reference, (0, None))
        if times != 1 or total != amount + fee or -fees.pop(reference, (0, Decimal(0)))[1] != fee:
            broken.append(
                f"deposit {value}: {money.plain(amount)} and a fee of {money.plain(fee)}, booked {times} times"
            )
    return broken + [
        f"reference row {reference} is credited without a confirmed deposit" for reference in booked
    ]


def sums_agree() -> list[str]:
    """The daily sums, with what is not folded in yet, are those of the movements."""
    return [
        f"the sums of {line['day']}, account {line['account']}, {line['currency']}, {line['kind']} are off by"
        f" {line['count']} movements, {money.plain(line['came'])} in, {money.plain(line['went'])} out"
        for line in daily_sums.differences()
    ]


ALL = (
    office.Invariant("V1", "nothing was sent and accepted twice", sent_once),
    office.Invariant("V3", "final states never change", final_stays),
    office.Invariant("V4", "open money-out is reserved", reserved_for_open),
    office.Invariant("V5", "what was sent was approved by another person", approved_by_another),
    office.Invariant("V6", "the audit trail tells every state", told_once),
    office.Invariant("V7", "no callback is forgotten", inbox_moves),
    office.Invariant("V9", "the books foot", books_foot),
    office.Invariant("V9 of batches", "batch payouts foot and are marked", batches_foot),
    office.Invariant("C08", "the deposit of a batch payout is paid once", deposits_paid_once),
    office.Invariant("sums", "daily sums are those of the movements", sums_agree),
)
