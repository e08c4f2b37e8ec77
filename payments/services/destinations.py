"""The book of our own receiving addresses: proposed by an operator, approved by an approver. Base floor."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit.fields import keyed_digests
from backoffice.kit.states import check_move
from backoffice.permissions import guarded
from backoffice.services import roles
from payments import addresses
from payments.models import Direction, Method, OwnDestination
from payments.providers.redaction import mask_numbers

Status = OwnDestination.Status
PURPOSE = "own destination"


def find_approved(*, method: str, address: str, tag: str = "") -> OwnDestination | None:
    """The approved entry of the book for this address, or None."""
    return OwnDestination.objects.filter(
        method=method, digest__in=keyed_digests(address, PURPOSE), tag=tag, status=Status.APPROVED
    ).first()


def is_approved(destination_id: int) -> bool:
    """Whether this entry of the book may receive money now."""
    return OwnDestination.objects.filter(pk=destination_id, status=Status.APPROVED).exists()


@guarded("payments.propose_owndestination")
def propose(
    *, actor: Any, method: str, label: str, address: str, tag: str = "", form_token: UUID | None = None
) -> OwnDestination:
    """Propose an address of ours. Raises ValidationError by field; the same form twice gives the same row."""
    if form_token is not None:
        earlier = OwnDestination.objects.filter(proposed_by=actor, form_token=form_token).first()
        if earlier is not None:
            return earlier
    address, label, tag = address.strip(), label.strip(), tag.strip()
    known = Method.objects.filter(code=method, for_invoice=True, internal_balance=False).first()
    # An exchanger pays out in a currency, with whatever it asks for: coins, cards and purses alike.
    if known is None and not Direction.objects.filter(get_code=method).exists():
        raise ValidationError({"method": _("Choose a payment system that pays out to an address.")})
    asks_for_card = known is not None and known.is_card
    verdict = addresses.check(addresses.CARD if asks_for_card else method, address)
    if verdict.valid is False:
        raise ValidationError({"address": verdict.words})
    # Also a number that may be of a card or an account, mistyped where nobody asks for one.
    masked = mask_numbers(address)
    is_card = asks_for_card or masked != address
    destination = OwnDestination(
        method=method,
        label=label,
        address=address,
        shown=masked,
        tag=tag,
        is_card=is_card,
        checked=verdict.words,
        proposed_by=actor,
        form_token=form_token,
    )
    destination.full_clean(exclude=["digest"])
    standing = OwnDestination.objects.filter(
        method=method,
        digest__in=keyed_digests(address, PURPOSE),
        tag=tag,
        status__in=[Status.PROPOSED, Status.APPROVED],
    ).first()
    if standing is not None:
        raise ValidationError(
            {"address": _("This address is in the book already, as “%s”.") % standing.label}
        )
    try:
        with transaction.atomic():
            destination.save()
            audit.record(actor, "destination.proposed", destination, method=method, address=destination.shown)
    except IntegrityError:
        # Another tab or person was faster by a moment.
        earlier = OwnDestination.objects.filter(proposed_by=actor, form_token=form_token).first()
        if form_token is not None and earlier is not None:
            return earlier
        raise ValidationError({"address": _("This address was just proposed by somebody else.")}) from None
    return destination


def _decide(actor: Any, destination: OwnDestination, status: str, verb: str, reason: str) -> OwnDestination:
    locked = OwnDestination.objects.select_for_update().get(pk=destination.pk)
    check_move(OwnDestination.TRANSITIONS, locked.status, status)
    if status in (Status.APPROVED, Status.REJECTED) and locked.proposed_by_id == actor.pk:
        raise ValidationError(_("You proposed this yourself. Another person must decide."))
    if status == Status.APPROVED and roles.recently_given(user=actor, by=locked.proposed_by):
        raise ValidationError(
            _(
                "Your role was given by the person who proposed this, less than 24 hours ago. "
                "Ask another person."
            )
        )
    locked.status, locked.decided_by, locked.decided_at, locked.reason = status, actor, timezone.now(), reason
    locked.save(update_fields=["status", "decided_by", "decided_at", "reason"])
    audit.record(actor, verb, locked, address=locked.shown, reason=reason)
    return locked


@guarded("payments.approve_owndestination")
@transaction.atomic
def reveal(*, actor: Any, destination: OwnDestination) -> str:
    """The whole address of a proposal, for the page where it is approved; who saw a card is written down.

    Raises ValidationError for what is decided already and for one's own proposal.
    """
    if destination.status != Status.PROPOSED:
        raise ValidationError(_("This is decided already."))
    if destination.proposed_by_id == actor.pk:
        raise ValidationError(_("You proposed this yourself. Another person must decide."))
    if destination.is_card:
        audit.record(actor, "destination.revealed", destination, address=destination.shown)
    return destination.address


@guarded("payments.approve_owndestination")
@transaction.atomic
def approve(*, actor: Any, destination: OwnDestination) -> OwnDestination:
    """Approve a proposal of another person. Raises IllegalMove or ValidationError."""
    return _decide(actor, destination, Status.APPROVED, "destination.approved", "")


def _reasoned(reason: str) -> str:
    reason = (reason or "").strip()
    if not reason:
        raise ValidationError({"reason": _("Write why.")})
    return reason[:300]


@guarded("payments.approve_owndestination")
@transaction.atomic
def reject(*, actor: Any, destination: OwnDestination, reason: str) -> OwnDestination:
    """Reject a proposal, with a reason. Raises IllegalMove or ValidationError."""
    return _decide(actor, destination, Status.REJECTED, "destination.rejected", _reasoned(reason))


@guarded("payments.approve_owndestination")
@transaction.atomic
def retire(*, actor: Any, destination: OwnDestination, reason: str) -> OwnDestination:
    """Take an approved address out of use, with a reason. Raises IllegalMove or ValidationError."""
    return _decide(actor, destination, Status.RETIRED, "destination.retired", _reasoned(reason))
