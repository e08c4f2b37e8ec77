"""Making a code: claimed, sent once, or found out what became of an interrupted attempt. Called by workers.

bitloga's create takes no reference and refuses no repeat (WIRE section 6, grade B): what may have left is only looked for.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from codes.models import Voucher
from payments.models import ProviderAccount, Reference
from payments.providers.base import VoucherRequest
from payments.providers.errors import (
    Denied,
    Invalid,
    NotSupported,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    Unavailable,
)
from payments.services import approvals, calls, freeze, schedule
from payments.services.failpoints import hit

from . import voucher_fields, voucher_reports
from . import voucher_states as states

Status = Voucher.Status
Way = audit.Way
OPERATION = "code.create"


def run(*, voucher_id: int, status: str) -> None:
    """Send an approved voucher, or recover one whose worker vanished."""
    if status == Status.CREATING:
        _recover(voucher_id)
    else:
        claimed = _claim(voucher_id)
        if claimed is not None:
            _send(claimed)


def _claim(voucher_id: int) -> Voucher | None:
    """The first transaction: the row is `creating` before anything leaves. None: not now, or not any more."""
    with transaction.atomic(durable=True):
        fence = schedule.claim(Voucher, voucher_id, status=Status.APPROVED)
        if fence is None:
            return None
        locked = states.lock(voucher_id)
        locked.fence = fence
        if locked.status != Status.APPROVED:
            return None
        refusal = voucher_fields.may_issue(locked.account)
        if refusal or freeze.stops(locked.account_id):
            _wait(locked, refusal or _("Sending is frozen."))
            return None
        if why := voucher_fields.why_not(locked):
            back_to_approval(locked, why)
            return None
        states.move(locked, Status.CREATING, way=Way.SYSTEM, keep_claim=True, sent_at=timezone.now())
    return locked


def _wait(locked: Voucher, why: str) -> None:
    schedule.unclaim(
        Voucher,
        locked.pk,
        locked.fence,
        **schedule.bump(last_error=why[:300], next_check_at=timezone.now() + dt.timedelta(seconds=5)),
    )


def back_to_approval(locked: Voucher, why: str) -> None:
    """What let it through does not hold any more: let the reservation go, ask for a new approval."""
    approvals.void(reference=locked.reference, reason=why)
    states.move(
        locked, Status.AWAITING_APPROVAL, way=Way.SYSTEM, last_error=why[:300], note=why, free_digest=""
    )


def _send(voucher: Voucher) -> None:
    pk, fence = voucher.pk, voucher.fence

    def guard() -> None:
        freeze.check(voucher.account_id)
        if voucher_fields.may_issue(ProviderAccount.objects.get(pk=voucher.account_id)):
            raise Unavailable("may not pay out", staff=gettext_noop("This account may not pay out any more."))
        if not schedule.holds(Voucher, pk, fence, status=Status.CREATING):
            raise Unavailable("claim lost", staff=gettext_noop("Another worker has taken this over."))
        if voucher_fields.why_not(voucher):
            raise Unavailable("not approved", staff=gettext_noop("The approval does not hold any more."))

    try:
        client = calls.client(
            voucher.account, reference=voucher.reference, priority="money", guard=guard, fence=fence
        )
        report = client.create_code(VoucherRequest(fields=voucher_fields.to_send(voucher)))
    except (Unavailable, RateLimited, Denied) as error:
        states.not_sent(voucher_id=pk, fence=fence, status=Status.CREATING, error=error)
    except (Refused, Invalid, NotSupported) as error:
        _refused(voucher, error)
    except OutcomeUnknown as error:
        _doubt(pk, fence, calls.explain(error), Way.REPLY)
    else:
        hit("F9")
        voucher_reports.made(voucher_id=pk, report=report, way=Way.REPLY)
        hit("F10")


def _doubt(pk: int, fence: int, error: str, way: str) -> None:
    states.doubt(voucher_id=pk, fence=fence, status=Status.CREATING, error=error, way=way)


def _refused(voucher: Voucher, error: ProviderError) -> None:
    """This attempt had no effect. One before it may have had: then nobody knows more than before."""
    if calls.may_have_left(voucher.reference, OPERATION, but=voucher.fence):
        _doubt(voucher.pk, voucher.fence, calls.explain(error), Way.REPLY)
    else:
        states.fail(
            voucher_id=voucher.pk,
            fence=voucher.fence,
            status=Status.CREATING,
            error=error,
            way=Way.REPLY,
        )


def _recover(voucher_id: int) -> None:
    """A worker vanished between the two transactions: by its attempt we know whether bytes may have left."""
    with transaction.atomic(durable=True):
        fence = schedule.claim(Voucher, voucher_id, status=Status.CREATING)
        if fence is None:
            return
        hit("F13")
        if calls.may_have_left(Reference.objects.get(voucher=voucher_id), OPERATION):
            _doubt(voucher_id, fence, _("The attempt was interrupted."), Way.SYSTEM)
        else:
            error = Unavailable(
                "interrupted", staff=gettext_noop("The attempt was interrupted before anything was sent.")
            )
            states.not_sent(voucher_id=voucher_id, fence=fence, status=Status.CREATING, error=error)
