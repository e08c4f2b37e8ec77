"""When the deposit of a batch payout may be paid, and which withdrawal pays it. Facts floor: reads, moves nothing.

Withdrawals ask here before they are approved and just before their bytes leave, so that a batch that has expired
meanwhile is never paid.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.kit import money
from payments.models import BatchPayout, Withdrawal
from payments.providers import PROVIDERS

from . import accounts

# How old the provider's word that it still waits for the deposit may be.
FRESH = dt.timedelta(hours=1)


def why_not(batch: BatchPayout) -> str:
    """Why the deposit may not be paid now, as a sentence; empty if it may. Whether it was paid is `payments_of`."""
    if batch.status != BatchPayout.Status.AWAITING_DEPOSIT:
        return _("This batch payout is “%s”: no deposit is paid.") % batch.get_status_display()
    if batch.reference.held_at is not None:
        return _("This batch payout is held: no deposit is paid.")
    if batch.differs:
        return _("The provider's order is not what was asked for (%s): no deposit is paid.") % ", ".join(
            batch.differs
        )
    if not batch.deposit_address or batch.deposit_amount is None or batch.fee is None:
        return _("The provider has not stated where and how much to pay.")
    if batch.deposit_amount != batch.total + batch.fee:
        return _("The deposit is not the payouts plus the fee: no deposit is paid.")
    if batch.deposit_txid:
        return _("The provider has seen a deposit already.")
    now = timezone.now()
    if batch.pay_until is None or now >= batch.pay_until:
        return _("Too little time is left until it expires: no deposit is paid any more.")
    if batch.checked_at is None or now - batch.checked_at > FRESH:
        return _("What is known of it is older than an hour. Press “Check now” first.")
    return accounts.why_no_batches(batch.account)


def paid_by(withdrawal: Withdrawal) -> BatchPayout | None:
    """The batch payout whose deposit this withdrawal pays."""
    rows = BatchPayout.objects.select_related("reference", "account", "created_by")
    return rows.filter(withdrawal=withdrawal).first()


def bar(withdrawal: Withdrawal) -> str:
    """Why this withdrawal may not be approved or leave now because of a batch payout; empty for all others."""
    batch = paid_by(withdrawal)
    if batch is None:
        if batches_at(withdrawal.purse).exists():
            return _(
                "This is the deposit address of a batch payout. It is paid from the page of that batch payout, once."
            )
        return ""
    if withdrawal.purse != batch.deposit_address or withdrawal.amount != batch.deposit_amount:
        return _("It would not pay the batch payout's deposit exactly: %(amount)s BTC to %(address)s.") % {
            "amount": money.plain(batch.deposit_amount or batch.total),
            "address": batch.deposit_address,
        }
    return why_not(batch)


def batches_at(address: str) -> QuerySet[BatchPayout]:
    """The batch payouts whose deposit address this is; addresses of one kind of letters are the same in capitals."""
    return BatchPayout.objects.filter(deposit_address__in={address, address.lower(), address.upper()})


def tag_of(withdrawal: Withdrawal) -> str:
    """What the movements of a withdrawal are marked with because of what it pays; mostly nothing."""
    provider = (
        BatchPayout.objects.filter(withdrawal=withdrawal).values_list("account__provider", flat=True).first()
    )
    return PROVIDERS[provider].report_tag if provider else ""
