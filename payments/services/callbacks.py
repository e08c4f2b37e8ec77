"""The callback inbox: reading what came, asking the provider, and saying what became of it. Conductors' floor.

A callback never moves anything by itself: signed ones and hints alike mean "ask the provider now, apply its answer".
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import office, wake
from backoffice.permissions import guarded
from payments.models import Callback, ExceptionItem, Reference
from payments.providers.base import Callbacks, Forged, Raw
from payments.providers.errors import ProviderError, Refused

from . import calls, exceptions, schedule

log = structlog.get_logger(__name__)
Status = Callback.Status
OPEN = [Status.NEW, Status.WORKING, Status.WAITING]
MAX_TRIES = 5
ASK_TRIES = 50  # a provider that is down for hours: the poll asks anyway


def claim(limit: int) -> list[int]:
    """Take up to `limit` callbacks whose time has come. Rows in another worker's hands are skipped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payments_callback SET status = 'working', tries = tries + 1,"
            " next_try_at = now() + make_interval(secs => %s) WHERE id IN ("
            " SELECT id FROM payments_callback WHERE status IN ('new', 'working', 'waiting') AND next_try_at <= now()"
            " ORDER BY next_try_at LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING id",
            [settings.CLAIM_SECONDS, limit],
        )
        return [row[0] for row in cursor.fetchall()]


def process(*, callback_id: int) -> None:
    """Read one callback, ask the provider, apply its answer and note the result. Safe to repeat."""
    callback = Callback.objects.select_related("account", "reference", "token_reference").get(pk=callback_id)
    if callback.status not in OPEN:
        return
    try:
        _process(callback)
    except ProviderError as error:
        _wait(callback, error)
    except Exception as error:
        log.exception("callback.failed", callback=callback_id)
        _stumble(callback, error)


def _process(callback: Callback) -> None:
    client = calls.client(callback.account, priority="callback")
    if not isinstance(client, Callbacks):
        _done(callback, Status.STRAY, _("This provider sends no callbacks."))
        return
    raw = Raw(
        headers={"X-SIGNATURE": callback.signature, "Content-Type": callback.content_type},
        body=bytes(callback.body),
    )
    said = client.read(raw)
    if isinstance(said, Forged):
        _forged(callback, said.reason)
        return
    reference = (
        callback.token_reference
        or Reference.objects.filter(account=callback.account, value=said.reference).first()
    )
    if callback.token_reference is not None and not _speaks_of(callback.token_reference, said.reference):
        _mismatch(callback, said.reference)
    if reference is None:
        _stray(callback, said.reference)
        return
    Callback.objects.filter(pk=callback.pk).update(reference=reference)
    callback.reference = reference
    kind = office.kind(reference.kind)
    if kind.refresh is None:
        _done(callback, Status.STRAY, _("Nothing of this kind is asked about."))
        return
    obj = getattr(reference, reference.kind)
    # A question since then counts only if it was answered.
    if obj.checked_at is None or obj.checked_at <= callback.received_at or obj.last_error:
        kind.refresh(**{f"{reference.kind}_id": obj.pk}, way=audit.Way.CALLBACK, priority="callback")
    obj.refresh_from_db()
    _compare(callback, getattr(said, "fields", {}), obj)
    _done(callback, Status.DONE, _("Asked the provider: %s.") % obj.get_status_display())


def _speaks_of(reference: Reference, said: str) -> bool:
    """Whether a callback to the address of one transaction names just that one: by our reference, or (what is not
    signed often does) by the provider's own number. What names none, or a number that we do not know yet, may.
    """
    number = getattr(getattr(reference, reference.kind, None), "provider_id", "")
    if said in ("", reference.value, number):
        return True
    return not number and len(said) != len(reference.value)


def _compare(callback: Callback, fields: Any, obj: Any) -> None:
    """A signed body that differs from what the provider then answered is told to a person; the answer counts."""
    claimed, confirmed = fields.get("amount"), getattr(obj, "received", None)
    if claimed is not None and confirmed is not None and claimed != confirmed:
        with transaction.atomic():
            exceptions.open_item(
                kind=ExceptionItem.Kind.MISMATCH,
                key=f"callback:{callback.reference}",
                title=_("A callback named %(claimed)s, the provider then answered %(confirmed)s.")
                % {"claimed": claimed, "confirmed": confirmed.normalize()},
                account=callback.account,
                reference=callback.reference,
                way=audit.Way.CALLBACK,
            )


# --- Ends ---
def _done(callback: Callback, status: str, result: str) -> None:
    """The end of a callback. What looks like a card or a code leaves the kept body now."""
    client = calls.client(callback.account, priority="callback")
    body = client.redacted(bytes(callback.body)).encode()
    Callback.objects.filter(pk=callback.pk).update(
        status=status, result=result[:300], processed_at=timezone.now(), next_try_at=None, body=body
    )


def _forged(callback: Callback, reason: str) -> None:
    with transaction.atomic():
        _done(callback, Status.FORGED, reason)
        exceptions.open_item(
            kind=ExceptionItem.Kind.FORGED_CALLBACK,
            key=str(callback.account_id),
            title=_("%s: callbacks with a wrong signature arrive. They change nothing.") % callback.account,
            account=callback.account,
            way=audit.Way.CALLBACK,
            reason=reason,
        )
    _delete_surplus(callback)


def _delete_surplus(callback: Callback) -> None:
    """Past 20 forged ones a minute the rows are only counted (on the item), not kept."""
    minute = Callback.objects.filter(
        account=callback.account,
        status=Status.FORGED,
        received_at__gt=timezone.now() - dt.timedelta(minutes=1),
    )
    kept = minute.order_by("-received_at").values_list("pk", flat=True)[: settings.CALLBACK_FORGED_PER_MINUTE]
    minute.exclude(pk__in=list(kept)).delete()


def _stray(callback: Callback, said: str) -> None:
    with transaction.atomic():
        _done(callback, Status.STRAY, _("We have no transaction %s.") % said[:40])
        exceptions.open_item(
            kind=ExceptionItem.Kind.UNKNOWN_REFERENCE,
            key=f"{callback.account_id}:{said[:40]}",
            title=_("%(account)s sent a signed callback for %(reference)s, which is not ours.")
            % {"account": callback.account, "reference": said[:40]},
            account=callback.account,
            way=audit.Way.CALLBACK,
        )


@transaction.atomic
def _mismatch(callback: Callback, said: str) -> None:
    with transaction.atomic():
        exceptions.open_item(
            kind=ExceptionItem.Kind.MISMATCH,
            key=f"callback:{callback.token_reference}",
            title=_("A callback for %(ours)s speaks of %(theirs)s.")
            % {"ours": callback.token_reference, "theirs": said[:40]},
            account=callback.account,
            reference=callback.token_reference,
            way=audit.Way.CALLBACK,
        )


def _wait(callback: Callback, error: ProviderError) -> None:
    """The provider cannot be asked now: the page says so, nothing moves, and it is tried again."""
    if isinstance(error, Refused) and error.reason == "not_found":
        _done(callback, Status.DONE, _("The provider does not know this transaction. Nothing was changed."))
        return
    if callback.reference is not None:
        claim = office.kind(callback.reference.kind).claimed
        if claim is not None:
            claim(object_id=getattr(callback.reference, callback.reference.kind).pk)
    if callback.tries >= ASK_TRIES:
        _dead(callback, calls.explain(error))
        return
    Callback.objects.filter(pk=callback.pk).update(
        status=Status.WAITING,
        result=calls.explain(error)[:300],
        next_try_at=schedule.after_failures(callback.tries),
    )


def _stumble(callback: Callback, error: Exception) -> None:
    """Our own fault: five tries with growing pauses, then it stands apart for a person."""
    result = _("Could not be processed: %s.") % type(error).__name__
    if callback.tries >= MAX_TRIES:
        _dead(callback, result)
        return
    Callback.objects.filter(pk=callback.pk).update(
        status=Status.WAITING, result=result, next_try_at=schedule.after_failures(callback.tries)
    )


def _dead(callback: Callback, result: str) -> None:
    with transaction.atomic():
        Callback.objects.filter(pk=callback.pk).update(
            status=Status.DEAD, result=result[:300], processed_at=timezone.now(), next_try_at=None
        )
        exceptions.open_item(
            kind=ExceptionItem.Kind.DEAD_CALLBACK,
            key=str(callback.pk),
            title=_("A callback of %s could not be processed.") % callback.account,
            account=callback.account,
            reference=callback.reference,
            way=audit.Way.CALLBACK,
            callback=callback.pk,
        )


def may_replay(callback: Callback) -> bool:
    """Whether `replay` would find something to do."""
    if callback.status == Status.DEAD:
        return True
    return callback.status not in (*OPEN, Status.FORGED) and callback.reference_id is not None


def body_text(callback: Callback) -> str:
    """The body as text for people, without what looks like a key, a card number or a code."""
    return calls.client(callback.account, priority="callback").redacted(bytes(callback.body))


@guarded("payments.replay_callback")
@transaction.atomic
def replay(*, actor: Any, callback: Callback) -> None:
    """Process again: the provider is asked anew; a dead one begins from the start.

    Raises ValidationError while it is still in work, for a forged one, and for one about nothing of ours.
    """
    locked = Callback.objects.select_for_update().get(pk=callback.pk)
    if locked.status == Status.DEAD:
        Callback.objects.filter(pk=locked.pk).update(
            status=Status.WAITING,
            tries=0,
            next_try_at=timezone.now(),
            processed_at=None,
            result=_("Asked for again."),
        )
        audit.record(actor, "callback.replayed", locked)
        return
    if locked.status in OPEN:
        raise ValidationError(_("This is still being processed."))
    if locked.status == Status.FORGED:
        raise ValidationError(_("This was forged. There is nothing to process."))
    if locked.reference is None:
        raise ValidationError(_("This belongs to no transaction of ours."))
    Callback.objects.filter(pk=locked.pk).update(result=_("Asked for again."), processed_at=timezone.now())
    audit.record(actor, "callback.replayed", locked)
    wake.later("payments.refresh_reference", locked.reference.value)


# --- Pruning ---
def prune() -> int:
    """Drop the bodies of callbacks older than TRAFFIC_DAYS; digest, time and result stay."""
    limit = timezone.now() - dt.timedelta(days=settings.TRAFFIC_DAYS)
    return (
        Callback.objects.filter(received_at__lt=limit)
        .exclude(Q(status__in=OPEN) | Q(body=b""))
        .update(body=b"")
    )
