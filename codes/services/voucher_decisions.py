"""What people decide about a voucher whose outcome is unknown: two people, fresh evidence, nothing sent again.

A new code in doubt is found by the machine or closed as failed; a redemption in doubt only people can end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import money
from backoffice.permissions import guarded
from codes.models import Voucher
from payments.models import Approval, Balance, ProviderCall
from payments.services import approvals, decisions, exceptions, methods

from . import creation, redemptions, voucher_fields
from . import voucher_states as states

Status = Voucher.Status
Way = audit.Way
OTHER_CUSTOMER = gettext_noop(
    "The account's keys were replaced since it was sent: the list that is read now may be another customer's."
)


def operation(voucher: Voucher) -> str:
    """The call whose outcome is in question."""
    return creation.OPERATION if voucher.is_issued else redemptions.OPERATION


def bound(voucher: Voucher) -> str:
    """The digest that ties a proposal to what it is about. A received one holds nothing that could leave."""
    if voucher.is_issued:
        return voucher_fields.bound(voucher)
    return approvals.digest(
        reference=voucher.reference,
        account=voucher.account,
        payload={"code": voucher.code_digest},
        max_debit=Decimal(0),
    )


# --- Evidence ---
def last_look(voucher: Voucher) -> ProviderCall | None:
    """The newest question about this voucher that the provider answered."""
    return decisions.last_look(voucher.reference)


def is_fresh(moment: dt.datetime | None) -> bool:
    """Whether evidence of that moment still counts."""
    return moment is not None and moment > timezone.now() - decisions.FRESH


def _in_doubt(locked: Voucher) -> None:
    if locked.status != Status.UNKNOWN:
        raise ValidationError(_("Only an unknown outcome can be resolved."))


def _fresh_look(locked: Voucher) -> ProviderCall:
    look = decisions.fresh_look(locked.reference)
    moment = locked.not_found_at if locked.is_issued else locked.balances_after_at
    if not is_fresh(moment):
        raise ValidationError(_("Press “Check now” first: a look-up younger than a minute is needed."))
    return look


# --- Who may decide what now ---
def _may_redeemed(locked: Voucher, actor: Any) -> None:
    _in_doubt(locked)
    if locked.is_issued:
        raise ValidationError(_("A new code is found by “Check now”, or it does not exist."))
    decisions.check_outsider(row=locked, actor=actor)
    _fresh_look(locked)


def _may_fail(locked: Voucher, actor: Any) -> None:
    _in_doubt(locked)
    decisions.check_outsider(row=locked, actor=actor)
    _may_be_over(locked)


def _may_be_over(locked: Voucher) -> None:
    look = _fresh_look(locked)
    decisions.check_settled(reference=locked.reference, operation=operation(locked), look=look)
    decisions.check_same_customer(row=locked, operation=operation(locked), why=_(OTHER_CUSTOMER))


def _may_confirm(locked: Voucher, actor: Any) -> Approval:
    found = decisions.check_second(row=locked, actor=actor, found=pending(locked), digest=bound(locked))
    _in_doubt(locked)
    _may_be_over(locked)
    return found


CHECKS: dict[str, Callable[[Voucher, Any], object]] = {
    "redeemed": _may_redeemed,
    "failed": _may_fail,
    "confirm": _may_confirm,
}


def why_not(*, actor: Any, voucher: Voucher, step: str) -> str:
    """What bars this person from this step (of CHECKS) now, as a sentence; "" when nothing does. Reads only."""
    try:
        CHECKS[step](voucher, actor)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


# --- Deciding ---
@guarded("codes.resolve_voucher")
@transaction.atomic
def resolve(
    *, actor: Any, voucher: Voucher, outcome: str, note: str, amount: Any = None, currency: str = ""
) -> Voucher:
    """Say what became of it: `redeemed` at once, with the `amount` (text or Decimal) and `currency` that the balance
    shows; `failed` once another approver confirms. Raises ValidationError (state, person, note, age of the look-up).
    """
    note = decisions.noted(note)
    locked = states.lock(voucher.pk)
    if outcome == Status.REDEEMED:
        _may_redeemed(locked, actor)
        _redeemed(locked, actor, note, amount, currency)
    elif outcome == Status.FAILED:
        _may_fail(locked, actor)
        decisions.propose(
            row=locked,
            actor=actor,
            step=Approval.Step.RESOLVE,
            digest=bound(locked),
            outcome=Status.FAILED,
            note=note,
        )
        Voucher.objects.filter(pk=locked.pk).update(version=locked.version + 1)
        audit.record(actor, "voucher.resolve_proposed", locked, note=note)
    else:
        raise ValidationError({"outcome": _("Choose what became of it.")})
    return locked


def _redeemed(locked: Voucher, actor: Any, note: str, amount: Any, currency: str) -> None:
    if not Balance.objects.filter(account=locked.account, currency=currency).exists():
        raise ValidationError({"currency": _("Choose the balance that it was credited to.")})
    if amount in (None, ""):
        raise ValidationError({"amount": _("How much was credited?")})
    typed = money.plain(amount) if isinstance(amount, Decimal) else amount
    worth = methods.read_amount(typed, code=currency, name="amount")
    states.book_redeemed(
        locked,
        amount=worth,
        currency=currency,
        way=Way.STAFF,
        label=gettext_noop("assumed, resolved by a person"),
        actor=actor,
    )
    _release(locked, actor, note)
    approvals.void(reference=locked.reference, reason=_("resolved"))
    states.move(
        locked,
        Status.REDEEMED,
        way=Way.STAFF,
        actor=actor,
        note=note,
        amount=worth,
        currency=currency,
        password="",
    )


def _release(locked: Voucher, actor: Any, note: str) -> None:
    if locked.reference.held_at is not None:
        exceptions.end_hold(actor=actor, reference=locked.reference, note=note)


def pending(voucher: Voucher) -> Approval | None:
    """The proposal that waits for a second person, if there is one; none once it has healed."""
    return decisions.proposal(voucher.reference) if voucher.status == Status.UNKNOWN else None


@guarded("codes.confirm_voucher")
@transaction.atomic
def confirm(*, actor: Any, voucher: Voucher) -> Voucher:
    """The second person's yes to `failed`, with evidence that is fresh again. Nothing is sent again by it.

    Raises ValidationError for the proposer, the requester, or when a look-up has found something since.
    """
    locked = states.lock(voucher.pk)
    found = _may_confirm(locked, actor)
    approvals.use(found)
    _release(locked, actor, found.note)
    dropped: dict[str, Any] = {} if locked.is_issued else {"password": ""}
    states.move(locked, Status.FAILED, way=Way.STAFF, actor=actor, note=found.note, **dropped)
    return locked


def waiting_for(user: Any) -> QuerySet[Approval]:
    """The proposals that wait for this person's confirmation."""
    return open_proposals().exclude(approver=user).exclude(reference__voucher__created_by=user)


def open_proposals() -> Any:
    """The proposals that still wait for a second person: those whose voucher is still in doubt."""
    return Approval.objects.standing(Approval.Step.RESOLVE).filter(reference__voucher__status=Status.UNKNOWN)
