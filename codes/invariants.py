"""Promises about vouchers that can be checked on the database at any moment. Reads only.

They are those of payments.invariants with the same numbers, for vouchers.
"""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Count, Sum

from backoffice.kit import money, office
from backoffice.models import AuditEntry
from codes.models import Voucher
from payments.models import Approval, Movement, Reference, Reservation

Status = Voucher.Status
FIRST = {"voucher.requested": "awaiting_approval", "voucher.redeeming": "redeeming"}
ISSUED, RECEIVED = Voucher.Direction.ISSUED, Voucher.Direction.RECEIVED
# In these states a code was made, so our balance was debited.
MADE = (Status.ACTIVE, Status.REDEEMED, Status.DISABLED)


def final_stays() -> list[str]:
    """V3: nothing was written about a voucher's state after a final one."""
    verbs = {f"voucher.{status}": not ways for status, ways in Voucher.TRANSITIONS.items()}
    broken: list[str] = []
    ended: dict[str, str] = {}
    rows = AuditEntry.objects.filter(object_type="codes.voucher", verb__in=verbs).order_by("id")
    for number, verb in rows.values_list("object_id", "verb").iterator():
        if number in ended:
            broken.append(f"voucher {number}: {verb} after {ended[number]}")
        if verbs[verb]:
            ended[number] = verb
    return broken


def told_once() -> list[str]:
    """V6: the state of every voucher is the last that the audit trail tells; a found one is told with its state."""
    states = FIRST | {f"voucher.{status}": str(status) for status in Voucher.TRANSITIONS}
    told: dict[str, str] = {}
    rows = AuditEntry.objects.filter(object_type="codes.voucher", verb__in=[*states, "voucher.found"])
    for number, verb, facts in rows.order_by("id").values_list("object_id", "verb", "facts").iterator():
        told[number] = facts.get("status", "") if verb == "voucher.found" else states[verb]
    return [
        f"voucher {pk} is {status}, the audit trail says {told.get(str(pk), 'nothing')}"
        for pk, status in Voucher.objects.values_list("pk", "status").iterator()
        if told.get(str(pk)) != status
    ]


def reserved_for_open() -> list[str]:
    """V4: exactly the vouchers that may still be debited hold a reservation, of their amount."""
    held = dict(
        Reservation.objects.filter(ended_at__isnull=True, reference__kind=Reference.Kind.VOUCHER).values_list(
            "reference", "amount"
        )
    )
    broken = []
    waiting = Voucher.objects.filter(direction=ISSUED, status__in=Voucher.OPEN)
    for reference, value, amount in waiting.values_list("reference", "reference__value", "amount"):
        if held.pop(reference, None) != amount:
            broken.append(f"{value} may still be debited and reserves another amount than its own")
    return broken + [f"reference row {reference} reserves money and is not open" for reference in held]


def approved_by_another() -> list[str]:
    """V5: whatever was made had another person's approval, or was within the account's free amount."""
    broken = []
    sent = Voucher.objects.filter(direction=ISSUED, sent_at__isnull=False)
    for reference, value, requester, free in sent.values_list(
        "reference", "reference__value", "created_by", "free_digest"
    ):
        approvals = Approval.objects.filter(reference=reference, step=Approval.Step.SEND)
        if not free and not approvals.exclude(approver=requester).exists():
            broken.append(f"{value} was sent without an approval")
        if approvals.filter(approver=requester).exists():
            broken.append(f"{value} was approved by its requester")
    return broken


def _booked(kind: str) -> dict[int, tuple[int, Decimal]]:
    rows = Movement.objects.filter(kind=kind).order_by().values("reference")
    return {
        row["reference"]: (row["n"], row["total"])
        for row in rows.annotate(n=Count("id"), total=Sum("amount"))
    }


def books_foot() -> list[str]:
    """V9: what was made or redeemed is booked once, to the last unit, and nothing else is.

    One that stood in the provider's list before its first reading is not: its money had left before.
    """
    broken = []
    made, credited = _booked(Movement.Kind.VOUCHER), _booked(Movement.Kind.REDEMPTION)
    for voucher in Voucher.objects.select_related("reference").iterator():
        booked, sign = (made, -1) if voucher.is_issued else (credited, 1)
        times, total = booked.pop(voucher.reference_id, (0, Decimal(0)))
        due = voucher.status in MADE if voucher.is_issued else voucher.status == Status.REDEEMED
        if voucher.found and not times:
            continue
        if times != due or (due and total != sign * (_debited(voucher) or Decimal(0))):
            broken.append(
                f"{voucher.reference.value} is {voucher.status}: booked {times} times, {money.plain(total)}"
            )
    return broken + [f"reference row {reference} is booked without cause" for reference in [*made, *credited]]


def _debited(voucher: Voucher) -> Decimal | None:
    """What left or came; what the list states later, and a person lets go, does not change the books."""
    booked = Movement.objects.filter(reference=voucher.reference, amount__lt=0).first()
    if voucher.is_issued and booked is not None and -booked.amount in (voucher.amount, voucher.stated):
        return -booked.amount
    return voucher.amount


ALL = (
    office.Invariant("V3-vouchers", "final states of vouchers never change", final_stays),
    office.Invariant("V4-vouchers", "open vouchers are reserved", reserved_for_open),
    office.Invariant(
        "V5-vouchers", "what was made was approved by another person or free", approved_by_another
    ),
    office.Invariant("V6-vouchers", "the audit trail tells every state of a voucher", told_once),
    office.Invariant("V9-vouchers", "the books of vouchers foot", books_foot),
)
