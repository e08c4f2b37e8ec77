"""Approvals bound to a digest: who said yes to what exactly. Base floor: knows no object that is approved."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import permissions
from backoffice.kit import money
from backoffice.kit.fields import keyed_digest
from backoffice.services import roles
from payments.models import Approval, ProviderAccount, Reference

LIFETIME = dt.timedelta(hours=24)


def digest(
    *, reference: Reference, account: ProviderAccount, payload: Mapping[str, Any], max_debit: Decimal
) -> str:
    """A keyed digest of what will leave: reference, account, base URL, payload and the most that may be debited.

    Keyed, because it is shown: of a card only six digits are hidden, and a plain hash would give them away.
    """
    bound = {
        "reference": reference.value,
        "account": str(account.uuid),
        "base_url": account.base_url,
        "payload": {
            name: money.plain(v) if isinstance(v, Decimal) else str(v) for name, v in payload.items()
        },
        "max_debit": money.plain(max_debit),
    }
    return keyed_digest(json.dumps(bound, sort_keys=True, separators=(",", ":")), "approval")


def check_person(*, actor: Any, requester: Any) -> None:
    """Raise ValidationError unless this person may decide what the other one requested."""
    if requester is None:
        return
    if actor.pk == requester.pk:
        raise ValidationError(_("You requested this yourself. Another person must decide."))
    if roles.recently_given(user=actor, by=requester):
        raise ValidationError(
            _(
                "Your role was given by the person who requested this, less than 24 hours ago. Ask another person."
            )
        )


def why_not_person(*, actor: Any, requester: Any) -> str:
    """The same as a sentence; "" if they may. Reads only."""
    try:
        check_person(actor=actor, requester=requester)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def grant(
    *, reference: Reference, step: str, digest: str, approver: Any, outcome: str = "", note: str = ""
) -> Approval:
    """Write a yes; an older open one of the same step is void then. Inside the caller's transaction."""
    void(reference=reference, step=step, reason=_("replaced"))
    return Approval.objects.create(
        reference=reference,
        step=step,
        digest=digest,
        approver=approver,
        outcome=outcome,
        note=note,
        expires_at=timezone.now() + LIFETIME,
    )


def find(*, reference: Reference, step: str) -> Approval | None:
    """The open approval of this step, expired or not."""
    return Approval.objects.filter(
        reference=reference, step=step, used_at__isnull=True, voided_at__isnull=True
    ).first()


def why_not(*, reference: Reference, digest: str, step: str = Approval.Step.SEND) -> str:
    """Why nothing may be sent now, as a sentence; empty when the approval of this step is good."""
    approval = find(reference=reference, step=step)
    if approval is None:
        return _("There is no approval.")
    if approval.expires_at <= timezone.now():
        return _("The approval is older than 24 hours.")
    if approval.digest != digest:
        return _("Something has changed since it was approved.")
    if permissions.APPROVER not in permissions.roles(approval.approver):
        return _("Whoever approved it is no approver any more.")
    return ""


def void(*, reference: Reference, reason: str, step: str | None = None) -> int:
    """Make open approvals void. Gives how many."""
    found = Approval.objects.filter(reference=reference, used_at__isnull=True, voided_at__isnull=True)
    if step is not None:
        found = found.filter(step=step)
    return found.update(voided_at=timezone.now(), void_reason=reason[:200])


def void_account(*, account: ProviderAccount, reason: str) -> int:
    """Make every open approval of an account void: what was approved would now go elsewhere. Gives how many."""
    found = Approval.objects.filter(reference__account=account, used_at__isnull=True, voided_at__isnull=True)
    return found.update(voided_at=timezone.now(), void_reason=reason[:200])


def use(approval: Approval) -> None:
    """Mark it as spent: it does not count again."""
    Approval.objects.filter(pk=approval.pk).update(used_at=timezone.now())
