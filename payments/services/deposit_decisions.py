"""What people decide about a deposit that an AML check does not let pass: one proposes to release it, another confirms.

Deals floor. Nothing is credited here: released, it goes the way of every deposit when the provider is asked next.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import wake
from backoffice.permissions import guarded
from payments.models import Approval, Deposit, Reference

from . import approvals, decisions, deposit_reports, exceptions

STEP, OUTCOME = Approval.Step.RESOLVE, "released"


def bound(deposit: Deposit) -> str:
    """The digest of what both people read: what came in, where, and why it is held."""
    held_at = deposit.reference.held_at
    payload = {
        "amount": deposit.amount,
        "fee": deposit.fee,
        "currency": deposit.currency,
        "network": deposit.network,
        "address": deposit.address,
        "tag": deposit.tag,
        "txid": deposit.txid,
        "wallet": deposit.wallet_id,
        "told": json.dumps(deposit.told, sort_keys=True),
        "held_at": "" if held_at is None else held_at.isoformat(),
        "reason": deposit.reference.hold_reason,
    }
    return approvals.digest(
        reference=deposit.reference, account=deposit.account, payload=payload, max_debit=Decimal(0)
    )


def needs_two(deposit: Deposit) -> bool:
    """Whether it is held and two people must release it."""
    return deposit.reference.held_at is not None and exceptions.needs_two(deposit.reference)


def pending(deposit: Deposit) -> Approval | None:
    """The proposal that waits for a second person, if there is one."""
    return decisions.proposal(deposit.reference) if needs_two(deposit) else None


def stands(deposit: Deposit) -> bool:
    """Whether a proposal waits that can still be confirmed: nothing has changed since, and whoever made it approves still."""
    return pending(deposit) is not None and not approvals.why_not(
        reference=deposit.reference, digest=bound(deposit), step=STEP
    )


def _may_confirm(locked: Deposit, actor: Any) -> Approval:
    found = decisions.check_second(row=locked, actor=actor, found=pending(locked), digest=bound(locked))
    approvals.check_person(actor=actor, requester=found.approver)
    return found


def why_not(*, actor: Any, deposit: Deposit) -> str:
    """What bars this person from confirming now, as a sentence; "" when nothing does. Reads only."""
    try:
        _may_confirm(deposit, actor)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@guarded("payments.release_hold")
@transaction.atomic
def propose_release(*, actor: Any, deposit: Deposit, note: str) -> Deposit:
    """The first person's yes, with a note: it takes effect when another approver confirms. Raises ValidationError."""
    note = decisions.noted(note)
    locked = deposit_reports.lock(deposit.pk)
    if not needs_two(locked):
        raise ValidationError(_("Only what an AML check holds is released by two people."))
    decisions.propose(row=locked, actor=actor, step=STEP, digest=bound(locked), outcome=OUTCOME, note=note)
    Deposit.objects.filter(pk=locked.pk).update(version=locked.version + 1)
    audit.record(actor, "deposit.release_proposed", locked, note=note)
    return locked


@guarded("payments.confirm_deposit")
@transaction.atomic
def confirm_release(*, actor: Any, deposit: Deposit) -> Deposit:
    """The second person's yes: the hold ends, and it is credited if the provider still says that it is confirmed.

    Raises ValidationError (own proposal, none there, older than 24 hours, something has changed since).
    """
    locked = deposit_reports.lock(deposit.pk)
    found = _may_confirm(locked, actor)
    approvals.use(found)
    exceptions.end_hold(actor=actor, reference=locked.reference, note=found.note)
    Deposit.objects.filter(pk=locked.pk).update(version=locked.version + 1)
    wake.later("payments.refresh_reference", locked.reference.value)
    return locked


def waiting_for(user: Any) -> QuerySet[Deposit]:
    """The deposits whose release waits for this person's confirmation."""
    proposed = (
        Approval.objects.standing(STEP)
        .filter(reference__kind=Reference.Kind.DEPOSIT, reference__held_at__isnull=False)
        .exclude(approver=user)
    )
    return Deposit.objects.filter(reference__in=proposed.values("reference"))
