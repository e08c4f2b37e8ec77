"""Items that need a person: opening, owning, closing, and releasing holds. Base floor: loads no object, knows its kind."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Sum, When
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import wake
from backoffice.permissions import guarded
from payments.models import Balance, ExceptionItem, Movement, ProviderAccount, Reference

from . import approvals, movements, references

Kind = ExceptionItem.Kind
#: Told again at each look while they last: only another content counts. Of other kinds each telling is an event.
LASTING = (Kind.AML_FLAG, Kind.UNKNOWN_WORD, Kind.TAKEN_BACK)


def open_item(
    *,
    kind: str,
    key: str,
    title: str,
    account: ProviderAccount | None = None,
    reference: Reference | None = None,
    way: str = audit.Way.SYSTEM,
    **facts: Any,
) -> ExceptionItem:
    """Open an item, or count one more sighting of the open one with this key; of what lasts (LASTING) only one that says
    something else, and of a hold none: it goes on saying what is accepted when it is released. Inside the caller's
    transaction.
    """
    key = f"{kind}:{key}"[:120]
    item = ExceptionItem(
        kind=kind, key=key, title=title[:300], account=account, reference=reference, facts=_plain(facts)
    )
    open_ones = ExceptionItem.objects.filter(key=key, status=ExceptionItem.Status.OPEN)
    if not _seen_again(open_ones, item):
        # Somebody else may open the same item in this moment: one row wins, the other is a sighting.
        ExceptionItem.objects.bulk_create([item], ignore_conflicts=True)
        opened = open_ones.get()
        if opened.opened_at == item.opened_at:
            audit.record(None, "exception.opened", opened, way=way, kind=kind)
        else:
            _seen_again(open_ones, item)
    return open_ones.get()


def _seen_again(items: QuerySet[ExceptionItem], told: ExceptionItem) -> int:
    if told.kind == Kind.HOLD:
        return items.update(last_seen_at=timezone.now())
    if told.kind not in LASTING:
        return items.update(seen=F("seen") + 1, last_seen_at=timezone.now())
    same = When(title=told.title, facts=told.facts, then=F("seen"))
    return items.update(
        seen=Case(same, default=F("seen") + 1),
        title=told.title,
        facts=told.facts,
        last_seen_at=timezone.now(),
    )


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in facts.items()}


def hold(
    *,
    reference: Reference,
    obj: Any,
    reason: str,
    key: str = "hold",
    kind: str = Kind.HOLD,
    title: str = "",
    way: str = audit.Way.SYSTEM,
    **facts: Any,
) -> None:
    """Hold a transaction and open its item. A row that is held already keeps its first reason.

    `kind`: AML_FLAG for money that came in and is not let pass: its newest reason counts, as scores change while people
    decide; where something else holds the row as well, beside that. `title`: what the item says, if not the reason.
    """
    begun = references.hold(reference=reference, reason=reason, obj=obj, way=way)
    if not begun and kind == Kind.AML_FLAG and not _is_held_otherwise(reference):
        references.retell(reference=reference, reason=reason, obj=obj, way=way)
    open_item(
        kind=kind,
        key=f"{reference.value}:{key}",
        title=title or reason,
        account=reference.account,
        reference=reference,
        way=way,
        **facts,
        **({"reason": reason} if title else {}),
    )


def _is_held_otherwise(reference: Reference) -> bool:
    holds = ExceptionItem.objects.filter(reference=reference, kind=Kind.HOLD)
    return holds.filter(status=ExceptionItem.Status.OPEN).exists()


def _locked(item: ExceptionItem) -> ExceptionItem:
    locked = ExceptionItem.objects.select_for_update().get(pk=item.pk)
    if locked.status != ExceptionItem.Status.OPEN:
        raise ValidationError(_("This is closed already."))
    return locked


def _noted(note: str) -> str:
    note = (note or "").strip()
    if not note:
        raise ValidationError({"note": _("Write what you found and decided.")})
    return note


@guarded("payments.own_exceptionitem")
@transaction.atomic
def own(*, actor: Any, item: ExceptionItem) -> ExceptionItem:
    """Take the item over. Raises ValidationError if it is closed."""
    locked = _locked(item)
    locked.owner = actor
    locked.save(update_fields=["owner"])
    audit.record(actor, "exception.owned", locked)
    return locked


@guarded("payments.close_exceptionitem")
@transaction.atomic
def close(*, actor: Any, item: ExceptionItem, note: str, book: bool = False) -> ExceptionItem:
    """Close the item with a note. `book` writes what a balance does not explain as an adjustment movement.

    Raises ValidationError without a note, for a closed item, and for a hold (that is released, not closed).
    """
    if book:  # the balance before its item, in the order in which the comparison of balances takes them
        list(
            Balance.objects.select_for_update().filter(
                account=item.account, currency=item.facts.get("currency")
            )
        )
    locked = _locked(item)
    note = _noted(note)
    if locked.is_held:
        raise ValidationError(_("A held transaction is released, not closed."))
    if book:
        _book_drift(locked, actor)
    return _close(locked, actor, note)


def _close(item: ExceptionItem, actor: Any, note: str, *, way: str = audit.Way.STAFF) -> ExceptionItem:
    item.status = ExceptionItem.Status.CLOSED
    item.resolution, item.closed_by, item.closed_at = note, actor, timezone.now()
    item.save(update_fields=["status", "resolution", "closed_by", "closed_at"])
    audit.record(actor, "exception.closed", item, way=way, note=note)
    return item


@transaction.atomic
def end(*, kind: str, key: str, note: str, way: str = audit.Way.SYSTEM) -> bool:
    """Close the open item with this key by the system: what it told of is over by itself. False if there is none."""
    open_ones = ExceptionItem.objects.filter(key=f"{kind}:{key}"[:120], status=ExceptionItem.Status.OPEN)
    item = open_ones.select_for_update().first() if open_ones.exists() else None
    if item is not None:
        _close(item, None, note, way=way)
    return item is not None


def _book_drift(item: ExceptionItem, actor: Any) -> None:
    if item.kind != Kind.UNEXPLAINED_BALANCE or item.account is None:
        raise ValidationError({"book": _("Only an unexplained balance can be booked.")})
    balance = Balance.objects.select_for_update().get(account=item.account, currency=item.facts["currency"])
    moved = Movement.objects.filter(account=item.account, currency=balance.currency, on_balance=True)
    explained = balance.opening + (moved.aggregate(total=Sum("amount"))["total"] or Decimal(0))
    # Not the drift that was kept: what was booked since the balance was asked for may be the explanation.
    if (
        balance.drift != Decimal(item.facts["drift"])
        or (balance.stated or Decimal(0)) - explained != balance.drift
    ):
        raise ValidationError(
            _("The difference has changed since this was opened. Look at the balance again.")
        )
    movements.book(
        key=f"adjustment:{item.pk}",
        account=item.account,
        kind=Movement.Kind.ADJUSTMENT,
        currency=balance.currency,
        amount=balance.drift,
        way=audit.Way.STAFF,
        label=_("unexplained balance, booked by a person"),
        actor=actor,
    )
    Balance.objects.filter(pk=balance.pk).update(drift=0, drift_since=None)


@guarded("payments.release_hold")
@transaction.atomic
def release_hold(*, actor: Any, reference: Reference, note: str) -> Reference:
    """Let a held transaction go on and close its items. Raises ValidationError (no note, no hold, own request, or it
    needs two people).
    """
    note = _noted(note)
    locked = Reference.objects.select_for_update().get(pk=reference.pk)
    if locked.held_at is None:
        raise ValidationError(_("This is not held."))
    if needs_two(locked):
        raise ValidationError(
            _("The AML check did not let it pass. One approver proposes to release it, another confirms.")
        )
    row = getattr(locked, locked.kind, None)
    approvals.check_person(actor=actor, requester=getattr(row, "created_by", None))
    end_hold(actor=actor, reference=locked, note=note)
    wake.later("payments.refresh_reference", locked.value)
    return locked


def needs_two(reference: Reference) -> bool:
    """Whether two people must release it: money that came in and that an AML check does not let pass."""
    flags = ExceptionItem.objects.filter(reference=reference, kind=Kind.AML_FLAG)
    return (
        reference.kind == Reference.Kind.DEPOSIT and flags.filter(status=ExceptionItem.Status.OPEN).exists()
    )


def end_hold(*, actor: Any, reference: Reference, note: str) -> None:
    """Take a hold away and close its items, for a service that has asked who may. In its transaction."""
    of_hold = Q(kind=Kind.HOLD) | Q(kind=Kind.AML_FLAG, reference__kind=Reference.Kind.DEPOSIT)
    items = ExceptionItem.objects.select_for_update(of=("self",)).filter(
        of_hold, reference=reference, status=ExceptionItem.Status.OPEN
    )
    told = [_close(item, actor, note).facts.get("reason", item.title) for item in items]
    references.release(reference=reference, told=told)
    audit.record(actor, "hold.released", reference, note=note)
