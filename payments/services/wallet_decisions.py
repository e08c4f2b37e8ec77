"""Decisions of people about wallets: closing one whose making stayed unknown, and saying whom an address is for. Deals
floor.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import wake
from backoffice.permissions import guarded
from payments.models import Wallet

from . import decisions, wallet_reports

Status = Wallet.Status
Way = audit.Way


@guarded("payments.resolve_wallet")
@transaction.atomic
def resolve(*, actor: Any, wallet: Wallet, note: str) -> Wallet:
    """Close one whose making stayed unknown as failed: the list does not show it. A spare address there harms nobody.

    Raises ValidationError without a note, or before the whole list was read often enough.
    """
    note = decisions.noted(note)
    locked = wallet_reports.lock(wallet.pk)
    if bar := why_not_resolve(locked):
        raise ValidationError(bar)
    wallet_reports.move(locked, Status.FAILED, way=Way.STAFF, actor=actor, note=note, last_error=note[:300])
    return locked


def why_not_resolve(wallet: Wallet) -> str:
    """What bars closing it now, as a sentence; "" when nothing does."""
    if wallet.status != Status.UNKNOWN:
        return _("Only an unknown outcome can be resolved.")
    if wallet.misses < settings.SCAN_TIMES and wallet.reference.held_at is None:
        return _(
            "The whole list must be read %(times)s times first, some minutes apart; it was %(n)s times."
        ) % {
            "times": settings.SCAN_TIMES,
            "n": wallet.misses,
        }
    return ""


@guarded("payments.create_wallet")
@transaction.atomic
def give(*, actor: Any, wallet: Wallet, customer: str, label: str, confirm: bool = False) -> Wallet:
    """Say whom an address is for. One that was given to somebody goes to another only if that is meant.

    Raises ValidationError on `confirm`.
    """
    customer, label = (customer or "").strip()[:120], (label or "").strip()[:120]
    locked = wallet_reports.lock(wallet.pk)
    another = bool(locked.customer) and customer != locked.customer
    if another and not confirm:
        raise ValidationError(
            {
                "confirm": _(
                    "This address was given to %s. What they still pay there would count for another."
                )
                % locked.customer
            }
        )
    was = {"customer": locked.customer, "label": locked.label}
    locked.customer, locked.label = customer, label
    locked.version += 1
    locked.save(update_fields=["customer", "label", "version", "updated_at"])
    audit.record(actor, "wallet.given", locked, was=was, customer=customer, label=label)
    wake.later("backoffice.index_object", "wallet", locked.pk)
    return locked
