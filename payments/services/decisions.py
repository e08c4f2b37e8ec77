"""What binds people who decide about an unknown outcome, whatever its kind: who, on which evidence, with whose yes.

Facts floor: knows rows that are Tracked and none of their states; moves nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.permissions import APPROVER, roles
from payments.models import Approval, ProviderCall, Reference, Tracked

from . import accounts, approvals, calls

PROPOSALS = (Approval.Step.RESOLVE, Approval.Step.RESEND)
FRESH = dt.timedelta(seconds=60)


def noted(note: str) -> str:
    """The note without outer spaces. Raises ValidationError for an empty one."""
    note = (note or "").strip()
    if not note:
        raise ValidationError({"note": _("Write what you found and decided.")})
    return note


def check_outsider(*, row: Tracked, actor: Any) -> None:
    """Raise ValidationError unless this person neither requested the row nor approved it."""
    approvals.check_person(actor=actor, requester=row.created_by)
    if Approval.objects.filter(reference=row.reference, step=Approval.Step.SEND, approver=actor).exists():
        raise ValidationError(
            _("You approved this. Somebody who did neither request nor approve it must decide.")
        )


def open_to(rows: QuerySet[Any], user: Any) -> QuerySet[Any]:
    """Those of the rows that this person neither requested nor approved, and so may decide about."""
    approved = Approval.objects.filter(
        reference=OuterRef("reference"), step=Approval.Step.SEND, approver=user.pk
    )
    return rows.exclude(created_by=user.pk).exclude(Exists(approved))


# --- Evidence ---
def last_look(reference: Reference) -> ProviderCall | None:
    """The newest question about this transaction that the provider answered in some way, if it can show what was sent."""
    looks = ProviderCall.objects.filter(reference=reference, safe=True)
    answered = looks.exclude(outcome__in=["", "Unavailable", "RateLimited"])
    return after_attempts(reference, answered.order_by("-started_at").first())


def after_attempts(reference: Reference, look: ProviderCall | None) -> ProviderCall | None:
    """The same look, if it began after all was over that may have left: one from before says nothing about that."""
    left = ProviderCall.objects.filter(reference=reference, safe=False).exclude(outcome__in=calls.NO_EFFECT)
    over = left.aggregate(at=Max(Coalesce("finished_at", "started_at")))["at"]
    return None if look is None or (over is not None and look.started_at <= over) else look


def fresh_look(reference: Reference) -> ProviderCall:
    """The newest question, if it is younger than a minute. Raises ValidationError otherwise."""
    return check_fresh(last_look(reference))


def check_fresh(look: ProviderCall | None) -> ProviderCall:
    """The same look, if it is younger than a minute. Raises ValidationError otherwise."""
    if look is None or look.started_at < timezone.now() - FRESH:
        raise ValidationError(_("Press “Check now” first: a look-up younger than a minute is needed."))
    return look


def attempts(reference: Reference, operation: str) -> list[ProviderCall]:
    """The calls that may have sent it, the newest first, without what was said."""
    calls_made = ProviderCall.objects.filter(reference=reference, operation=operation, safe=False)
    return list(calls_made.defer("request", "response").order_by("-started_at"))


def minutes_left(attempt: ProviderCall | None) -> int:
    """How long this attempt may still arrive, in begun minutes; 0: it cannot any more."""
    if attempt is None:
        return 0
    settled_at = (attempt.finished_at or attempt.started_at) + dt.timedelta(seconds=settings.SETTLE_SECONDS)
    return -int(-max((settled_at - timezone.now()).total_seconds(), 0) // 60)


def check_settled(*, reference: Reference, operation: str, look: ProviderCall) -> None:
    """Raise ValidationError unless a fresh “not there” proves something: the same server was asked that it was
    sent to, and enough time has passed since the attempt.
    """
    if calls.was_sent_elsewhere(reference, operation, look):
        raise ValidationError(
            _(
                "It was sent to another address than the one that is asked now. What is unknown here proves nothing."
            )
        )
    last = (
        ProviderCall.objects.filter(reference=reference, operation=operation, safe=False)
        .order_by("-started_at")
        .first()
    )
    settle = dt.timedelta(seconds=settings.SETTLE_SECONDS)
    if last is not None and timezone.now() - (last.finished_at or last.started_at) < settle:
        minutes = int(settle.total_seconds() // 60)
        raise ValidationError(
            _("Wait until %s minutes have passed since the attempt: it may still arrive.") % minutes
        )


def check_same_customer(*, row: Tracked, operation: str, why: str) -> None:
    """Raise ValidationError(why) if the account's keys were replaced since it was sent: another customer's list, or
    another customer's refusal of a repeat, says nothing about it.
    """
    sent = ProviderCall.objects.filter(reference=row.reference, operation=operation, safe=False)
    first = sent.exclude(outcome__in=calls.NO_EFFECT).order_by("started_at").first()
    if first is not None and accounts.keys_replaced_since(account=row.account, moment=first.started_at):
        raise ValidationError(why)


# --- Two people ---
def propose(
    *, row: Tracked, actor: Any, step: str, digest: str, outcome: str = "", note: str = ""
) -> Approval:
    """Write down what this person proposes; whatever was proposed before is replaced. In the caller's transaction."""
    for other in PROPOSALS:  # one proposal stands at a time: the newest
        approvals.void(reference=row.reference, reason=_("replaced"), step=other)
    return approvals.grant(
        reference=row.reference, step=step, digest=digest, approver=actor, outcome=outcome, note=note
    )


def proposal(reference: Reference) -> Approval | None:
    """The proposal that waits for a second person, if one stands and is younger than 24 hours."""
    for step in PROPOSALS:
        found = approvals.find(reference=reference, step=step)
        if found is not None and found.expires_at > timezone.now():
            return found
    return None


def check_second(*, row: Tracked, actor: Any, found: Approval | None, digest: str) -> Approval:
    """The proposal, if this person may be its second. Raises ValidationError (none there, own proposal, own request,
    something has changed since, or whoever proposed it is no approver any more).
    """
    if found is None:
        raise ValidationError(_("Nothing waits for a confirmation here."))
    if found.approver_id == actor.pk:
        raise ValidationError(_("You proposed this. Another approver must confirm it."))
    approvals.check_person(actor=actor, requester=row.created_by)
    if found.digest != digest:
        raise ValidationError(_("Something has changed since this was proposed. It must be proposed again."))
    if APPROVER not in roles(found.approver):
        raise ValidationError(_("Whoever proposed this is no approver any more. It must be proposed again."))
    return found
