"""What exchange bids give to the shared pages: their kind, what waits, invariants, the audit trail's words."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.kit import office, verbs
from payments.models import Bid, PartnerPayout, Reference
from payments.services import bid_decisions, bids, decisions, partner, payout_decisions

from . import promises


def _bid(bid: Bid) -> office.Summary:
    is_held = bid.reference.held_at is not None
    return office.Summary(
        title=bid.customer or f"{bid.give_system} → {bid.get_system}",
        status=_("Held") if is_held else bid.get_status_display(),
        tone="warn" if is_held else Bid.TONES[Bid.Status(bid.status)],
        amount=bid.give,
        currency=bid.give_currency,
        account=bid.account,
    )


def _payout(payout: PartnerPayout) -> office.Summary:
    is_held = payout.reference.held_at is not None
    return office.Summary(
        title=payout.method or payout.shown,
        status=_("Held") if is_held else payout.get_status_display(),
        tone="warn" if is_held else PartnerPayout.TONES[PartnerPayout.Status(payout.status)],
        amount=payout.expected if payout.original_amount is None else payout.original_amount,
        currency=payout.currency,
        account=payout.account,
    )


PARTS = (
    office.Kind(
        kind="bid",
        model="payments.Bid",
        label=_("Bid"),
        label_plural=_("Bids"),
        detail="payments:bid",
        permission="payments.view_bid",
        refresh=bids.refresh,
        submit=bids.submit,
        sends=(Bid.Status.CREATING,),
        search_text=bids.search_text,
        summary=_bid,
        icon="arrow-right-left",
    ),
    office.Waiting(
        name="bids-to-confirm",
        label=_("Bids to confirm"),
        url="payments:bid_list",
        query="status=to_confirm",
        permission="payments.confirm_bid",
        rows=lambda user: bid_decisions.waiting_for(user),
        icon="badge-check",
    ),
    office.Waiting(
        name="bids-to-pay",
        label=_("Bids that we are to pay"),
        url="payments:bid_list",
        query="status=to_pay",
        permission="payments.pay_bid",
        rows=lambda user: Bid.objects.filter(Bid.TO_PAY),
        icon="hand-coins",
    ),
    office.Waiting(
        name="held-bids",
        label=_("Held bids"),
        url="payments:bid_list",
        query="status=held",
        permission="payments.release_hold",
        rows=lambda user: Bid.objects.filter(
            reference__in=Reference.objects.filter(held_at__isnull=False)
        ).exclude(created_by=user),
        icon="hand",
    ),
    office.Waiting(
        name="unknown-bids",
        label=_("Bids with an unknown outcome"),
        url="payments:bid_list",
        query="status=unknown",
        permission="payments.resolve_bid",
        rows=lambda user: decisions.open_to(Bid.objects.filter(status="unknown"), user),
        icon="circle-question-mark",
    ),
    office.Kind(
        kind="partner_payout",
        model="payments.PartnerPayout",
        label=_("Partner payout"),
        label_plural=_("Partner payouts"),
        detail="payments:partnerpayout",
        permission="payments.view_partnerpayout",
        refresh=partner.refresh,
        submit=partner.submit,
        sends=(PartnerPayout.Status.APPROVED, PartnerPayout.Status.SENDING),
        expire=partner.expire,
        search_text=partner.search_text,
        summary=_payout,
        icon="piggy-bank",
    ),
    office.Waiting(
        name="partner-payouts-to-approve",
        label=_("Partner payouts to approve"),
        url="payments:partnerpayout_list",
        query="status=awaiting_approval",
        permission="payments.approve_partnerpayout",
        rows=lambda user: PartnerPayout.objects.filter(status="awaiting_approval").exclude(created_by=user),
        icon="stamp",
    ),
    office.Waiting(
        name="partner-payouts-to-confirm",
        label=_("Partner payouts: decisions to confirm"),
        url="payments:partnerpayout_list",
        query="status=unknown",
        permission="payments.confirm_partnerpayout",
        rows=lambda user: payout_decisions.waiting_for(user),
        icon="badge-check",
    ),
    office.Waiting(
        name="unknown-partner-payouts",
        label=_("Partner payouts with an unknown outcome"),
        url="payments:partnerpayout_list",
        query="status=unknown",
        permission="payments.resolve_partnerpayout",
        rows=lambda user: decisions.open_to(PartnerPayout.objects.filter(status="unknown"), user),
        icon="circle-question-mark",
    ),
    *promises.ALL,
)
VERBS = {
    "account.bids_imported": _("Import of bids started"),
    "account.bids_import_stopped": _("Import of bids stopped"),
    "partnerpayout.requested": _("Partner payout requested"),
    "partnerpayout.revealed": _("Whole account shown"),
    "partnerpayout.awaiting_approval": _("Back to be approved"),
    "partnerpayout.approved": _("Approved"),
    "partnerpayout.sending": _("Sending"),
    "partnerpayout.unknown": _("Outcome unknown"),
    "partnerpayout.pending": _("Requested at the exchanger"),
    "partnerpayout.complete": _("Complete"),
    "partnerpayout.failed": _("Failed"),
    "partnerpayout.rejected": _("Rejected"),
    "partnerpayout.canceled": _("Canceled"),
    "partnerpayout.resolve_proposed": _("Proposed: close it as failed"),
    "bid.created": _("Bid asked for"),
    "bid.unknown": _("Outcome unknown"),
    "bid.adopted": _("Found in the exchanger’s list"),
    "bid.new": _("Waits for payment at the exchanger"),
    "bid.paid": _("Paid, as the exchanger was told"),
    "bid.processing": _("Processing at the exchanger"),
    "bid.complete": _("Complete"),
    "bid.canceled": _("Canceled"),
    "bid.failed": _("Failed"),
    "bid.refunded": _("Refunded"),
    "bid.resolve_proposed": _("Proposed: how it ended"),
    "bid.cancel_asked": _("To be canceled at the exchanger"),
    "bid.cancel_sending": _("Cancel: sending"),
    "bid.cancel_done": _("Canceled by us at the exchanger"),
    "bid.cancel_refused": _("Cancel: refused"),
    "bid.cancel_unknown": _("Cancel: outcome unknown"),
    "bid.cancel_dropped": _("Cancel: not sent"),
    "bid.pay_asked": _("“We have paid” is to be sent"),
    "bid.pay_sending": _("“We have paid”: sending"),
    "bid.pay_done": _("The exchanger knows that we have paid"),
    "bid.pay_refused": _("“We have paid”: refused"),
    "bid.pay_unknown": _("“We have paid”: outcome unknown"),
    "bid.pay_dropped": _("“We have paid”: not sent"),
    "bid.complete_awaiting": _("Asked: declare it complete"),
    "bid.complete_asked": _("Confirmed: declare it complete"),
    "bid.complete_sending": _("Declaring it complete: sending"),
    "bid.complete_done": _("Declared complete at the exchanger"),
    "bid.complete_refused": _("Declaring it complete: refused"),
    "bid.complete_unknown": _("Declaring it complete: outcome unknown"),
    "bid.complete_dropped": _("Declaring it complete: not sent"),
}

office.register(*PARTS)
verbs.say(VERBS)
