"""Attempts at a withdrawal that gave nothing to apply: in doubt, refused, never sent, not answered. Deals floor.

Each ends in the one door of withdrawal_reports.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from backoffice import audit
from payments.models import Withdrawal
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, Refused

from . import calls, schedule, withdrawal_reports

Status = Withdrawal.Status


def _mine(withdrawal_id: int, fence: int) -> Withdrawal | None:
    """The locked row, if it is still `sending` and nobody has taken it over."""
    withdrawal = withdrawal_reports.lock(withdrawal_id)
    return withdrawal if withdrawal.status == Status.SENDING and withdrawal.fence == fence else None


@transaction.atomic
def doubt(*, withdrawal_id: int, fence: int, error: str, way: str) -> None:
    """The request may have arrived: unknown, in amber, and the provider will be asked."""
    withdrawal = _mine(withdrawal_id, fence)
    if withdrawal is not None:
        withdrawal_reports.move(withdrawal, Status.UNKNOWN, way=way, last_error=error[:300], check_failures=1)


@transaction.atomic
def fail(*, withdrawal_id: int, fence: int, error: ProviderError, way: str) -> None:
    """The provider refused in documented words: nothing happened there."""
    withdrawal = _mine(withdrawal_id, fence)
    if withdrawal is not None:
        withdrawal_reports.move(withdrawal, Status.FAILED, way=way, last_error=calls.explain(error)[:300])


@transaction.atomic
def not_sent(*, withdrawal_id: int, fence: int, error: ProviderError) -> None:
    """Proven not sent: back to approved by itself, and tried again later under the same approval."""
    withdrawal = _mine(withdrawal_id, fence)
    if withdrawal is None:
        return
    failures = withdrawal.check_failures + 1
    withdrawal_reports.move(
        withdrawal,
        Status.APPROVED,
        way=audit.Way.SYSTEM,
        last_error=calls.explain(error)[:300],
        check_failures=failures,
        next_check_at=schedule.after_failures(failures, at_least=schedule.asked_to_wait(error)),
        note=calls.explain(error)[:300],
    )


@transaction.atomic
def not_answered(*, withdrawal_id: int, error: ProviderError, asked_at: dt.datetime) -> None:
    """A look-up gave nothing to apply: the row keeps its state, says why, and is asked again later."""
    withdrawal = withdrawal_reports.lock(withdrawal_id)
    words = calls.explain(error)[:300]
    changes: dict[str, Any] = {
        "last_error": words,
        "check_failures": withdrawal.check_failures + 1,
        "version": withdrawal.version + (words != withdrawal.last_error),
    }
    if isinstance(error, (Refused, Denied, OutcomeUnknown)):
        changes["checked_at"] = asked_at
    if withdrawal.status not in withdrawal_reports.FINAL:
        changes["next_check_at"] = schedule.after_failures(changes["check_failures"])
    Withdrawal.objects.filter(pk=withdrawal.pk).update(**changes)
