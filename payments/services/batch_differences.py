"""Where the provider's order is not what was approved, as sentences. Deals floor: reads, writes nothing."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from backoffice.kit import money
from payments.models import BatchPayout
from payments.providers.batches import BatchReport, differences

from . import batch_fields

Signature = BatchPayout.Signature


def reasons(batch: BatchPayout, report: BatchReport) -> dict[str, str]:
    """All that differs, by the name of what it is; empty when the report is what was asked for."""
    names = set(differences(batch_fields.to_send(batch), report))
    if batch.deposit_amount is not None and report.deposit_amount is None:
        names.discard("depositAmount")  # stated and compared before
    if batch.deposit_address and not report.deposit_address:
        names.discard("depositAddress")
    found = {}
    if "payouts" in names:
        found["payouts"] = _("It pays other payees or other amounts than were approved.")
    if "delay" in names:
        found["delay"] = _("The delay is %(theirs)s hours, approved were %(ours)s.") % {
            "theirs": "?" if report.delay is None else report.delay,
            "ours": batch.delay,
        }
    if "depositAddress" in names:
        found["depositAddress"] = _("There is no deposit address in the answer.")
    elif report.deposit_address and batch.deposit_address not in ("", report.deposit_address):
        found["depositAddress"] = _("The deposit address was %(ours)s, now it is %(theirs)s.") % {
            "ours": batch.deposit_address,
            "theirs": report.deposit_address[:100],
        }
    if "depositAmount" in names:
        found["depositAmount"] = _(
            "The deposit %(deposit)s is not the payouts %(total)s plus the fee %(fee)s."
        ) % {
            "deposit": shown(report.deposit_amount),
            "total": shown(report.payouts_total),
            "fee": shown(report.fee),
        }
    elif report.deposit_amount is not None and batch.deposit_amount not in (None, report.deposit_amount):
        found["depositAmount"] = _("The deposit was %(ours)s, now it is %(theirs)s.") % {
            "ours": shown(batch.deposit_amount),
            "theirs": shown(report.deposit_amount),
        }
    if report.fee is not None and batch.max_fee is not None and report.fee > batch.max_fee:
        found["fee"] = _("The fee is %(theirs)s, at most %(ours)s was approved.") % {
            "theirs": shown(report.fee),
            "ours": shown(batch.max_fee),
        }
    # Once wrong, only a right one makes it good: an answer without any does not.
    if "signature" in names or (report.signature_ok is None and batch.signed == Signature.WRONG):
        found["signature"] = _("The signature of the answer is wrong: it may not be theirs.")
    return found


def shown(amount: Any) -> str:
    """An amount for a sentence; one that was not stated is a question mark."""
    return "?" if amount is None else money.plain(amount)
