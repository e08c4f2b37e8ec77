"""What became of an attempt at a partner payout: taken, in doubt, refused, never sent, not answered. Deals floor.

Each ends in the one door of payout_reports.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import wake
from payments.models import PartnerPayout
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, Refused

from . import calls, exceptions, payout_reports, schedule

Status = PartnerPayout.Status


def _mine(payout_id: int, fence: int) -> PartnerPayout | None:
    payout = payout_reports.lock(payout_id)
    return payout if payout.status == Status.SENDING and payout.fence == fence else None


@transaction.atomic
def created(*, payout_id: int, fence: int, provider_id: str, complaint: str) -> None:
    """The exchanger named a number: it has the request, whatever else it said."""
    payout = _mine(payout_id, fence)
    if payout is None:
        return
    taken = PartnerPayout.objects.filter(account=payout.account, provider_id=provider_id).exclude(
        pk=payout_id
    )
    if taken.exists():
        payout_reports.move(payout, Status.UNKNOWN, way=audit.Way.REPLY)
        reason = _("The answer names payout %s, which is another one of ours.") % provider_id
        exceptions.hold(reference=payout.reference, obj=payout, reason=reason, way=audit.Way.REPLY)
        return
    payout_reports.move(
        payout,
        Status.PENDING,
        way=audit.Way.REPLY,
        provider_id=provider_id[:64],
        complaint=complaint[:300],
        next_check_at=timezone.now(),
    )
    wake.later("backoffice.index_object", "partner_payout", payout.pk)


@transaction.atomic
def doubt(*, payout_id: int, fence: int, error: str, way: str) -> None:
    """The request may have arrived: unknown, and the list will be looked at. Never sent again by a machine."""
    payout = _mine(payout_id, fence)
    if payout is not None:
        payout_reports.move(payout, Status.UNKNOWN, way=way, last_error=error[:300], check_failures=1)


@transaction.atomic
def fail(*, payout_id: int, fence: int, error: ProviderError) -> None:
    """Refused in documented words: nothing happened there."""
    payout = _mine(payout_id, fence)
    if payout is not None:
        payout_reports.move(payout, Status.FAILED, way=audit.Way.REPLY, last_error=calls.explain(error)[:300])


@transaction.atomic
def not_sent(*, payout_id: int, fence: int, error: ProviderError) -> None:
    """Proven not sent: back to approved by itself, and tried again later under the same approval."""
    payout = _mine(payout_id, fence)
    if payout is None:
        return
    failures = payout.check_failures + 1
    payout_reports.move(
        payout,
        Status.APPROVED,
        way=audit.Way.SYSTEM,
        last_error=calls.explain(error)[:300],
        check_failures=failures,
        next_check_at=schedule.after_failures(failures, at_least=schedule.asked_to_wait(error)),
    )


@transaction.atomic
def back_to_approval(*, payout_id: int, fence: int, why: str) -> None:
    """What would leave is not what was approved any more: another approval is needed."""
    payout = _mine(payout_id, fence)
    if payout is not None:
        payout_reports.move(
            payout,
            Status.AWAITING_APPROVAL,
            way=audit.Way.SYSTEM,
            last_error=why[:300],
            sent_at=None,
            note=why,
        )


@transaction.atomic
def not_answered(*, payout_id: int, error: ProviderError, asked_at: dt.datetime) -> None:
    """A look-up gave nothing to apply: the row keeps its state, says why, and is asked again later."""
    payout = payout_reports.lock(payout_id)
    words = calls.explain(error)[:300]
    changes: dict[str, Any] = {
        "last_error": words,
        "check_failures": payout.check_failures + 1,
        "version": payout.version + (words != payout.last_error),
    }
    if isinstance(error, (Refused, Denied, OutcomeUnknown)):
        changes["checked_at"] = asked_at
    if payout.status not in PartnerPayout.FINAL:
        changes["next_check_at"] = schedule.after_failures(changes["check_failures"])
    PartnerPayout.objects.filter(pk=payout.pk).update(**changes)
