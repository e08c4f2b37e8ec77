"""Paying the deposit of a batch payout, which is the money going out: once, exactly, in time, with the usual approval.

Deals floor. When it may be paid stands in batch_deposits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import money
from backoffice.kit.fields import keyed_digests
from backoffice.permissions import guarded
from payments import addresses
from payments.models import BatchPayout, Method, ProviderAccount, Withdrawal
from payments.models.accounts import BitcoinNetwork
from payments.models.batch_payouts import CURRENCY
from payments.providers import offering
from payments.providers.base import Withdrawals

from . import batch_alarms, batch_deposits, batch_states, calls, spellings, withdrawal_fields, withdrawals

Status = BatchPayout.Status
NEVER_LEFT = batch_alarms.NEVER_LEFT
MARKABLE = (Status.AWAITING_DEPOSIT, *batch_states.DEPOSITED, Status.EXPIRED)
OWN = ("_max_debit", "_note")
BITCOIN = "bitcoin"  # as payments.addresses calls it
FEE_IS_OURS = "1"  # see withdrawal_fields.PAYERS
#: Of an error: the provider's name of a field, and what the form of a deposit calls it.
OURS = {"ticker": "currency", "network": "paysys"}


def ways(batch_payout: BatchPayout) -> list[Method]:
    """The payment systems of our accounts that can pay this deposit now: BTC to an address of the main network."""
    if batch_payout.network != BitcoinNetwork.MAIN:
        return []
    by_code = Q(network="", internal_balance=False, needs_purse=True)
    found = Method.objects.filter(
        by_code | ~Q(network=""),
        currency=CURRENCY,
        for_withdrawal=True,
        enabled=True,
        needs_tag=False,
        is_fiat=False,
        is_card=False,
        account__provider__in=offering(Withdrawals),
    ).select_related("account")
    return [
        method
        for method in found.order_by("account__name", "code")
        if addresses.network_of(method.network or method.code) == BITCOIN
        and not withdrawal_fields.may_pay_out(method.account)
    ]


def may_pay_again(withdrawal: Withdrawal | None) -> bool:
    """Whether another withdrawal may take this one's place: it has not left, and will not."""
    if withdrawal is None or withdrawal.status in NEVER_LEFT:
        return True
    return withdrawal.status == Withdrawal.Status.FAILED and not calls.may_have_left(
        withdrawal.reference, withdrawals.OPERATION
    )


def why_not(batch_payout: BatchPayout, *, but: Withdrawal | None = None) -> str:
    """Why no withdrawal may be made for this deposit now, as a sentence; empty if one may. `but`: the one being made."""
    if batch_payout.paid_outside_at is not None:
        return _("Somebody has marked it as paid from outside.")
    if not may_pay_again(batch_payout.withdrawal):
        return _("A withdrawal of ours pays it already: %s.") % batch_payout.withdrawal
    if batch_payout.deposit_address:
        others = Withdrawal.objects.filter(
            purse_digest__in=keyed_digests(batch_payout.deposit_address, "withdrawal purse")
        ).exclude(status__in=NEVER_LEFT)
        for other in others.select_related("reference"):
            if other != but and not may_pay_again(other):
                return _("A withdrawal of ours went to this address already: %s.") % other
    return batch_deposits.why_not(batch_payout)


@guarded("payments.pay_batchpayout")
def pay(
    *,
    actor: Any,
    batch_payout: BatchPayout,
    account: ProviderAccount,
    fields: Mapping[str, Any],
    form_token: UUID | None = None,
) -> Withdrawal:
    """Request the withdrawal that pays the deposit, from another account of ours: exactly the amount, to its address.

    `fields`: `paysys` (the code of one of `ways`), `currency` (of the balance), `_max_debit`, `_note`; amount and
    address are the batch's and cannot be given. Another person approves it as any withdrawal. Raises ValidationError
    by field.
    """
    current = BatchPayout.objects.select_related("reference", "account", "withdrawal").get(pk=batch_payout.pk)
    earlier = Withdrawal.objects.filter(created_by=actor, form_token=form_token, pays_batch=current).first()
    if form_token is not None and earlier is not None:
        return earlier
    if refusal := why_not(current):
        raise ValidationError(refusal)
    asked = (account.pk, fields.get("paysys"))
    method = next((way for way in ways(current) if (way.account_id, way.code) == asked), None)
    if method is None:
        raise ValidationError({"paysys": _("Choose a payment system that pays BTC to an address.")})
    assert current.deposit_amount is not None  # noqa: S101  (why_not has looked)
    sent = {name: value for name, value in fields.items() if name in OWN} | {
        "amount": money.plain(current.deposit_amount),
        "_customer_reference": _("Batch payout %s") % current.reference.value,
        **_spelled(method, current.deposit_address, str(fields.get("currency", ""))),
    }

    def link(withdrawal: Withdrawal) -> None:
        locked = batch_states.lock(current.pk)
        if refusal := why_not(locked, but=withdrawal):
            raise ValidationError(refusal)
        BatchPayout.objects.filter(pk=locked.pk).update(withdrawal=withdrawal, version=locked.version + 1)
        audit.record(
            actor,
            "batch_payout.paying",
            locked,
            withdrawal=withdrawal.reference.value,
            amount=money.plain(withdrawal.amount),
            to=withdrawal.shown,
        )

    try:
        return withdrawals.request(
            actor=actor, account=account, fields=sent, form_token=form_token, link=link
        )
    except ValidationError as error:
        raise spellings.renamed(error, OURS) from error


def _spelled(method: Method, address: str, currency: str) -> dict[str, str]:
    """Payment system, address and balance under the provider's names; the fee is ours, so that exactly the deposit
    arrives. Raises ValidationError on `currency`.
    """
    if not spellings.has_networks(method.account):
        return {"paysys": method.code, "currency": currency, "purse": address}
    if currency not in ("", method.currency):
        raise ValidationError(
            {"currency": _("This account pays it from its balance in %s.") % method.currency}
        )
    return {
        "ticker": method.currency,
        "network": method.network,
        "address": address,
        "fee_payer": FEE_IS_OURS,
    }


@guarded("payments.pay_batchpayout")
@transaction.atomic
def mark_paid(*, actor: Any, batch_payout: BatchPayout, note: str) -> BatchPayout:
    """Say that the deposit was paid from outside, with a note how: then no withdrawal of ours pays it. Nothing is booked
    on a balance. Raises ValidationError.
    """
    note = (note or "").strip()
    if not note:
        raise ValidationError({"note": _("Write from where and how it was paid.")})
    locked = batch_states.lock(batch_payout.pk)
    if locked.status not in MARKABLE:
        raise ValidationError(_("There is no deposit to be paid now."))
    if locked.paid_outside_at is not None:
        raise ValidationError(_("Somebody has marked it as paid from outside."))
    withdrawal = locked.withdrawal
    if withdrawal is not None and withdrawal.status not in (*NEVER_LEFT, Withdrawal.Status.FAILED):
        raise ValidationError(_("A withdrawal of ours pays it already: %s.") % withdrawal)
    BatchPayout.objects.filter(pk=locked.pk).update(
        withdrawal=None,
        paid_outside_at=timezone.now(),
        paid_outside_by=actor,
        paid_outside_note=note[:300],
        version=locked.version + 1,
    )
    audit.record(actor, "batch_payout.paid_outside", locked, note=note)
    locked.refresh_from_db()
    return locked
