"""What people decide about a batch payout whose answer was lost: which of the provider's it is, or that there is none.

Deals floor. Creating costs nothing and an order that nobody pays expires, so one outsider with fresh evidence decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import wake
from backoffice.permissions import guarded
from payments.models import BatchPayout

from . import batch_payouts, batch_states, decisions, exceptions, schedule

Status = BatchPayout.Status
SAME_CUSTOMER = gettext_noop(
    "The account's keys were replaced since it was sent: another customer's list shows nothing."
)


def _in_doubt(batch: BatchPayout) -> None:
    if batch.status != Status.UNKNOWN:
        raise ValidationError(_("Only an unknown outcome can be resolved."))


def _may_adopt(batch: BatchPayout, actor: Any) -> None:
    _in_doubt(batch)
    if batch.provider_id:
        raise ValidationError(_("It is known which one it is. Release the hold instead."))
    if not batch.candidates:
        raise ValidationError(_("The provider's list shows none that it may be."))
    decisions.check_outsider(row=batch, actor=actor)
    decisions.fresh_look(batch.reference)


def _may_fail(batch: BatchPayout, actor: Any) -> None:
    _in_doubt(batch)
    decisions.check_outsider(row=batch, actor=actor)
    look = decisions.fresh_look(batch.reference)
    if look.outcome not in ("ok", "Refused"):
        raise ValidationError(_("The last look-up told nothing. Press “Check now” again."))
    decisions.check_settled(reference=batch.reference, operation=batch_payouts.OPERATION, look=look)
    decisions.check_same_customer(row=batch, operation=batch_payouts.OPERATION, why=_(SAME_CUSTOMER))


CHECKS: dict[str, Callable[[BatchPayout, Any], object]] = {"adopt": _may_adopt, "failed": _may_fail}


def why_not(*, actor: Any, batch_payout: BatchPayout, step: str) -> str:
    """What bars this person from this step (of CHECKS) now, as a sentence; "" when nothing does. Reads only."""
    try:
        CHECKS[step](batch_payout, actor)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@guarded("payments.resolve_batchpayout")
@transaction.atomic
def resolve(*, actor: Any, batch_payout: BatchPayout, outcome: str, note: str) -> BatchPayout:
    """Say what became of it: `failed` (there is none, or it is never paid), or the number of one of its candidates.

    Raises ValidationError (state, person, note, age of the look-up).
    """
    note = decisions.noted(note)
    locked = batch_states.lock(batch_payout.pk)
    if outcome == "failed":
        _may_fail(locked, actor)
        if locked.reference.held_at is not None:
            exceptions.end_hold(actor=actor, reference=locked.reference, note=note)
        batch_states.move(locked, Status.FAILED, way=audit.Way.STAFF, actor=actor, note=note)
        return locked
    _may_adopt(locked, actor)
    if outcome not in {one["id"] for one in locked.candidates}:
        raise ValidationError({"outcome": _("Choose one that the list shows.")})
    if BatchPayout.objects.filter(account=locked.account, provider_id=outcome).exists():
        raise ValidationError({"outcome": _("Another batch payout of ours has this one.")})
    BatchPayout.objects.filter(pk=locked.pk).update(**schedule.bump(provider_id=outcome, candidates=[]))
    audit.record(actor, "batch_payout.chosen", locked, id=outcome, note=note)
    wake.later("payments.refresh_batch_payout", locked.pk)
    locked.refresh_from_db()
    return locked
