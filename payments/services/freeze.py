"""Stopping all sending at once: one person sets it, two lift it. Base floor."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.permissions import APPROVER, guarded, roles
from payments.models import Freeze, ProviderAccount
from payments.providers.errors import Unavailable

#: How long the first person's yes to lifting waits for the second's, as every other proposal does.
FIRST_YES = dt.timedelta(hours=24)


def current(*, account: ProviderAccount | None = None) -> Freeze | None:
    """The freeze that stands for exactly this account, or (None) for everything."""
    return Freeze.objects.filter(account=account, lifted_at__isnull=True).first()


def standing() -> list[Freeze]:
    """What is stopped now, everything first."""
    found = Freeze.objects.filter(lifted_at__isnull=True).select_related("account", "set_by", "first_lift_by")
    return sorted(found.order_by("set_at"), key=lambda one: one.account_id is not None)


def reasons() -> list[tuple[str, str | None]]:
    """Why sending is stopped now, and from which account (None: from all); everything first. Cheap: every page asks."""
    found = Freeze.objects.filter(lifted_at__isnull=True).order_by("set_at")
    return sorted(found.values_list("reason", "account__name"), key=lambda one: one[1] is not None)


def stops(account_id: int) -> bool:
    """Whether anything stops sending from this account now."""
    return Freeze.objects.filter(Q(account_id=account_id) | Q(account=None), lifted_at__isnull=True).exists()


def check(account_id: int) -> None:
    """Raise Unavailable while sending is stopped: nothing leaves."""
    if stops(account_id):
        raise Unavailable("frozen", staff=gettext_noop("Sending is frozen. Nothing was sent."))


@guarded("payments.set_freeze")
@transaction.atomic
def set(*, actor: Any, account: ProviderAccount | None = None, reason: str) -> Freeze:
    """Stop all sending, or that of one account. Raises ValidationError without a reason.

    While it stands already, lifting begins anew: the freeze wins.
    """
    reason = (reason or "").strip()
    if not reason:
        raise ValidationError({"reason": _("Write why.")})
    row = None
    while row is None:  # one that is lifted between our look and our lock is set anew
        Freeze.objects.bulk_create(
            [Freeze(account=account, reason=reason[:300], set_by=actor)], ignore_conflicts=True
        )
        row = _locked(account)
    row.first_lift_by, row.first_lift_at = None, None
    row.save(update_fields=["first_lift_by", "first_lift_at"])
    audit.record(actor, "freeze.set", row, reason=reason)
    return row


def _locked(account: ProviderAccount | None) -> Freeze | None:
    rows = Freeze.objects.select_for_update(of=("self",))
    return rows.filter(account=account, lifted_at__isnull=True).first()


@guarded("payments.lift_freeze")
@transaction.atomic
def lift(*, actor: Any, account: ProviderAccount | None = None) -> Freeze:
    """Say yes to sending again; the second person's yes lifts it, within 24 hours of the first and while who said that
    may approve still: else it is the first. Raises ValidationError for the same person.
    """
    row = _locked(account)
    if row is None:
        raise ValidationError(_("Nothing is frozen here."))
    if not _has_first_yes(row):
        row.first_lift_by, row.first_lift_at = actor, timezone.now()
        row.save(update_fields=["first_lift_by", "first_lift_at"])
        audit.record(actor, "freeze.first_lift", row)
        return row
    if row.first_lift_by_id == actor.pk:
        raise ValidationError(_("You have said so already. A second person must lift it."))
    row.lifted_by, row.lifted_at = actor, timezone.now()
    row.save(update_fields=["lifted_by", "lifted_at"])
    audit.record(actor, "freeze.lifted", row)
    return row


def _has_first_yes(row: Freeze) -> bool:
    if row.first_lift_by is None or row.first_lift_at is None:
        return False
    return row.first_lift_at > timezone.now() - FIRST_YES and APPROVER in roles(row.first_lift_by)


def in_the_way(account: ProviderAccount, *, refusal: str) -> list[str]:
    """What keeps money from leaving now, besides the people: `refusal`, a freeze, the provider. As sentences."""
    found = [refusal] if refusal else []
    if stops(account.pk):
        found.append(_("Sending is frozen. It can be approved, and is sent when the freeze is lifted."))
    if account.health.state in ("down", "denied"):
        found.append(
            _("The provider does not work for this account at the moment (%s). It is sent when it does.")
            % account.health.get_state_display()
        )
    return found
