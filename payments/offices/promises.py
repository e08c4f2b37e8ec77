"""Promises about exchange bids and partner payouts that can be checked on the database at any moment. Reads only."""

from __future__ import annotations

from collections import Counter

from backoffice.kit import office
from payments.models import Approval, Bid, BidAct, Movement, PartnerPayout

SIDES = ("bid_give", "bid_get")


def completed_by_two() -> list[str]:
    """V5: what declared a bid complete was confirmed by somebody who had not asked for it."""
    broken = []
    sent = BidAct.objects.filter(act=BidAct.Act.COMPLETE, sent_at__isnull=False).select_related(
        "bid__reference"
    )
    for act in sent:
        if act.confirmed_by_id in (None, act.created_by_id):
            broken.append(f"{act.bid}: declared complete without a second person")
        given = Approval.objects.filter(reference=act.bid.reference, step=Approval.Step.COMPLETE)
        if not given.exclude(approver=act.created_by).exists():
            broken.append(f"{act.bid}: declared complete without an approval")
    return broken


def paid_out_by_two() -> list[str]:
    """V5: a partner payout that was sent had an approval of another person."""
    broken = []
    for payout in PartnerPayout.objects.filter(sent_at__isnull=False).select_related("reference"):
        given = Approval.objects.filter(reference=payout.reference, step=Approval.Step.SEND)
        if not given.exclude(approver=payout.created_by_id).exists():
            broken.append(f"{payout} was sent without an approval")
        if given.filter(approver=payout.created_by_id).exists():
            broken.append(f"{payout} was approved by its requester")
    return broken


def bids_in_the_books() -> list[str]:
    """V9: a bid that is complete stands in the books once on each side, off balance; no other does."""
    rows = Movement.objects.filter(kind__in=SIDES)
    broken = [
        f"movement {pk} of a bid is on balance"
        for pk in rows.filter(on_balance=True).values_list("pk", flat=True)
    ]
    booked = Counter(rows.values_list("reference", "kind"))
    broken += [
        f"reference row {one}: {kind} is booked {n} times" for (one, kind), n in booked.items() if n > 1
    ]
    complete = dict(Bid.objects.filter(status="complete").values_list("reference", "is_imported"))
    for reference in {one for one, _kind in booked} - complete.keys():
        broken.append(f"reference row {reference} is booked as a bid and is not complete")
    for reference, is_imported in complete.items():
        if not is_imported and not booked[reference, "bid_give"]:
            broken.append(f"reference row {reference} is a complete bid and not booked")
    return broken


ALL = (
    office.Invariant("V5 bids", "no bid is declared complete by one person", completed_by_two),
    office.Invariant("V5 payouts", "no partner payout leaves by one person", paid_out_by_two),
    office.Invariant("V9 bids", "complete bids are booked once", bids_in_the_books),
)
