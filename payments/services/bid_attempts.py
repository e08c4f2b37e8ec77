"""Attempts at a bid that gave nothing to apply: in doubt, refused, never sent, not answered. Deals floor.

Each ends in the one door of bid_reports.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from payments.models import Bid
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, Refused

from . import bid_reports, calls, schedule

Status = Bid.Status


def _mine(bid_id: int, fence: int | None) -> Bid | None:
    """The locked row, if it is still being created and nobody has taken it over."""
    bid = bid_reports.lock(bid_id)
    return bid if bid.status == Status.CREATING and fence in (None, bid.fence) else None


@transaction.atomic
def doubt(*, bid_id: int, fence: int | None = None, error: str, way: str) -> None:
    """The request may have arrived: unknown, in amber, and the exchanger's list will be read."""
    bid = _mine(bid_id, fence)
    if bid is not None:
        bid_reports.move(bid, Status.UNKNOWN, way=way, last_error=error[:300], check_failures=1)


@transaction.atomic
def refused(*, bid_id: int, fence: int, error: ProviderError, way: str) -> None:
    """There is no bid: refused in documented words, or never sent. What was wrong with which field is kept."""
    bid = _mine(bid_id, fence)
    if bid is None:
        return
    found = {name: str(_(sentence) % error.params) for name, sentence in error.fields.items()}
    bid_reports.move(bid, Status.CANCELED, way=way, last_error=calls.explain(error)[:300], errors=found)


@transaction.atomic
def not_sent(*, bid_id: int, fence: int, error: ProviderError) -> None:
    """Proven not sent: the row waits and is tried again by itself, as long as its quote is young."""
    bid = _mine(bid_id, fence)
    if bid is None:
        return
    failures = bid.check_failures + 1
    schedule.unclaim(
        Bid,
        bid_id,
        fence,
        **schedule.bump(
            last_error=calls.explain(error)[:300],
            check_failures=failures,
            next_check_at=schedule.after_failures(failures, at_least=schedule.asked_to_wait(error)),
        ),
    )


@transaction.atomic
def not_answered(*, bid_id: int, error: ProviderError, asked_at: dt.datetime) -> None:
    """A look-up gave nothing to apply: the row keeps its state, says why, and is asked again later.

    Also “no bid exists” and “maintenance” come here: neither ends anything.
    """
    bid = bid_reports.lock(bid_id)
    words = calls.explain(error)[:300]
    changes: dict[str, Any] = {
        "last_error": words,
        "check_failures": bid.check_failures + 1,
        "version": bid.version + (words != bid.last_error),
    }
    if isinstance(error, (Refused, Denied, OutcomeUnknown)):
        changes["checked_at"] = asked_at
    if bid.status not in Bid.FINAL:
        changes["next_check_at"] = schedule.after_failures(changes["check_failures"])
    Bid.objects.filter(pk=bid.pk).update(**changes)
