"""What a person is told of a batch payout: a final word taken back, a deposit that expired or is not seen. Deals floor."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone
from django.utils.translation import gettext as _

from payments.models import BatchPayout, ExceptionItem, Withdrawal
from payments.providers.batches import BatchReport

from . import batch_differences, exceptions

Kind = ExceptionItem.Kind
#: A withdrawal in these has not left and will not.
NEVER_LEFT = (Withdrawal.Status.REJECTED, Withdrawal.Status.CANCELED)
GONE_NOWHERE = (*NEVER_LEFT, Withdrawal.Status.FAILED)
# A payment is seen on the network within a minute and stands in a block within the hour, nearly always: after two hours
# it went elsewhere, is too small or never left, and enough of the batch's three days is left to write to the provider.
UNSEEN = dt.timedelta(hours=2)


def tell(batch: BatchPayout, kind: str, title: str, way: str, *, key: str = "") -> None:
    """Open an item about this batch, or count one more sighting of it."""
    exceptions.open_item(
        kind=kind,
        key=f"{batch.reference.value}:{key}",
        title=title,
        account=batch.account,
        reference=batch.reference,
        way=way,
    )


def taken_back(batch: BatchPayout, report: BatchReport, way: str) -> None:
    """The provider goes back on what it said."""
    tell(
        batch,
        Kind.TAKEN_BACK,
        _("This is “%(ours)s” here, but the provider now says “%(theirs)s”.")
        % {"ours": batch.get_status_display(), "theirs": report.provider_status},
        way,
        key=str(report.status),
    )


def expired_paid(batch: BatchPayout, report: BatchReport, way: str) -> None:
    """It has expired, and the deposit is there or on its way: nobody was paid for our money."""
    if "expired" not in (batch.status, report.status):
        return
    withdrawal = batch.withdrawal
    left = withdrawal is not None and withdrawal.sent_at is not None and withdrawal.status not in GONE_NOWHERE
    if not (batch.deposit_txid or report.deposit_txid or left or batch.paid_outside_at):
        return
    tell(
        batch,
        Kind.EXPIRED_PAID,
        _(
            "It has expired, and its deposit of %(amount)s BTC was paid or is on its way. Write to the provider now."
        )
        % {"amount": batch_differences.shown(batch.deposit_amount)},
        way,
    )


def unseen(batch: BatchPayout, way: str) -> None:
    """The deposit left us a while ago, and the provider still waits for it. Over as soon as it does not any more."""
    key = f"{batch.reference.value}:"
    if batch.status != BatchPayout.Status.AWAITING_DEPOSIT:
        exceptions.end(
            kind=Kind.DEPOSIT_UNSEEN, key=key, note=_("The provider does not wait for it any more."), way=way
        )
        return
    paid_at = _paid_at(batch)
    if paid_at is None or timezone.now() - paid_at < UNSEEN:
        return
    told = {"amount": batch_differences.shown(batch.deposit_amount), "hours": UNSEEN // dt.timedelta(hours=1)}
    if batch.deposit_txid:
        words = _(
            "The deposit of %(amount)s BTC left us more than %(hours)s hours ago. The provider sees a payment but goes on waiting: "
            "perhaps too little arrived."
        )
    else:
        words = _(
            "The deposit of %(amount)s BTC left us more than %(hours)s hours ago, and the provider does not see it."
        )
    tell(batch, Kind.DEPOSIT_UNSEEN, words % told, way)


def _paid_at(batch: BatchPayout) -> dt.datetime | None:
    """When the payment of its deposit was complete on our side, or was said to be made from outside."""
    withdrawal = batch.withdrawal
    if withdrawal is not None and withdrawal.status == Withdrawal.Status.COMPLETE:
        return withdrawal.ended_at
    return batch.paid_outside_at
