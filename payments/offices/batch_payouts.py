"""What batch payouts give to the shared pages: their kind, what waits, the audit trail's words. Holds no rule."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.kit import office, verbs
from payments.models import BatchPayout
from payments.services import batch_payouts, decisions

Status = BatchPayout.Status


def _summary(batch: BatchPayout) -> office.Summary:
    is_held = batch.reference.held_at is not None
    return office.Summary(
        title=batch.purpose.strip().split("\n", 1)[0][:60] or _("%s payees") % batch.row_count,
        status=_("Held") if is_held else batch.get_status_display(),
        tone="warn" if is_held else BatchPayout.TONES[Status(batch.status)],
        amount=batch.total,
        currency=batch.currency,
        account=batch.account,
    )


def _to_approve(user: Any) -> QuerySet[BatchPayout]:
    return BatchPayout.objects.filter(status=Status.AWAITING_APPROVAL).exclude(created_by=user)


office.register(
    office.Kind(
        kind="batch_payout",
        model="payments.BatchPayout",
        label=_("Batch payout"),
        label_plural=_("Batch payouts"),
        detail="payments:batchpayout",
        permission="payments.view_batchpayout",
        refresh=batch_payouts.refresh,
        submit=batch_payouts.submit,
        sends=(Status.APPROVED, Status.CREATING),
        expire=batch_payouts.expire,
        search_text=batch_payouts.search_text,
        summary=_summary,
        icon="split",
    ),
    office.Waiting(
        name="batch-payouts-to-approve",
        label=_("Batch payouts to approve"),
        url="payments:batchpayout_list",
        query="status=awaiting_approval",
        permission="payments.approve_batchpayout",
        rows=_to_approve,
        icon="stamp",
    ),
    office.Waiting(
        name="batch-payouts-to-pay",
        label=_("Batch payouts whose deposit is to be paid"),
        url="payments:batchpayout_list",
        query="status=unpaid",
        permission="payments.pay_batchpayout",
        rows=lambda user: BatchPayout.objects.unpaid(),
        icon="split",
    ),
    office.Waiting(
        name="batch-payouts-in-trouble",
        label=_("Batch payouts whose deposit was paid and lost sight of"),
        url="payments:batchpayout_list",
        query="status=trouble",
        permission="payments.own_exceptionitem",
        rows=lambda user: BatchPayout.objects.in_trouble(),
        icon="triangle-alert",
    ),
    office.Waiting(
        name="unknown-batch-payouts",
        label=_("Batch payouts with an unknown outcome"),
        url="payments:batchpayout_list",
        query="status=unknown",
        permission="payments.resolve_batchpayout",
        rows=lambda user: decisions.open_to(BatchPayout.objects.filter(status=Status.UNKNOWN), user),
        icon="circle-question-mark",
    ),
)

verbs.say(
    {
        "account.batches_on": _("Batch payouts switched on"),
        "account.batches_off": _("Batch payouts switched off"),
        "batch_payout.requested": _("Batch payout requested"),
        "batch_payout.awaiting_approval": _("Back to be approved"),
        "batch_payout.approved": _("Approved"),
        "batch_payout.creating": _("Creating"),
        "batch_payout.unknown": _("Outcome unknown"),
        "batch_payout.awaiting_deposit": _("Waits for its deposit"),
        "batch_payout.confirming": _("Deposit seen, being confirmed"),
        "batch_payout.processing": _("Being paid out"),
        "batch_payout.complete": _("Complete"),
        "batch_payout.expired": _("Expired"),
        "batch_payout.failed": _("Failed"),
        "batch_payout.rejected": _("Rejected"),
        "batch_payout.canceled": _("Canceled"),
        "batch_payout.adopted": _("Found in the provider's list"),
        "batch_payout.chosen": _("A person chose which of the provider's it is"),
        "batch_payout.paying": _("Withdrawal for the deposit requested"),
        "batch_payout.paid_outside": _("Marked as paid from outside"),
    }
)
