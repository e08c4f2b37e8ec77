"""Exchange bids: calculating, creating, sending once, asking. Deals floor.

What a report means stands in bid_reports, what people decide and have done in bid_decisions, bids made elsewhere in
bid_imports.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import wake
from backoffice.permissions import guarded
from payments.models import Bid, ProviderAccount, Reference
from payments.providers.bids import BidReport, BidRequest, BidRow, Bids
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

from . import (
    accounts,
    bid_attempts,
    bid_fields,
    bid_history,
    bid_quotes,
    bid_reports,
    callback_tokens,
    calls,
    destinations,
    references,
    schedule,
)
from .bid_quotes import Quoted
from .failpoints import hit

Status = Bid.Status
Way = audit.Way
OPERATION = "create_bid"
# A bid that could not be sent for so long has another rate by now: a person asks anew.
UNSENT_LIFETIME = dt.timedelta(minutes=15)
# Exchangers' times have no zone: a window is wider on both sides than the world's clocks differ.
ZONES = dt.timedelta(hours=26)
NOTHING = Decimal(0)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
NOT_LISTED = gettext_noop("The exchanger’s list does not show it. That proves nothing yet.")


# --- Calculating ---
@guarded("payments.quote_bid")
def quote(*, actor: Any, account: ProviderAccount, fields: dict[str, Any]) -> Quoted:
    """What the exchanger would give for what is filled in so far, within 5 s. Makes nothing.

    `fields` as for `create`; only direction, amount, action and what changes the calculation count. An unchanged form
    is answered from memory; a second question of this person while one is on its way raises bid_quotes.Busy.
    Raises ValidationError by field.
    """
    return bid_quotes.ask(account=account, fields=fields, asker=f"{actor.pk}:{account.pk}")


# --- Creating ---
@guarded("payments.create_bid", system=True)
def create(
    *, actor: Any, account: ProviderAccount, fields: dict[str, Any], form_token: UUID | None = None
) -> Bid:
    """Make the intent of a bid; a worker sends it. The same form (actor and token) twice gives the same row.

    `fields` are under the exchanger's parameter names, amounts as text, and ours: `_customer_reference`, `_note`,
    `_quote` (`sealed` of the quote that was shown; without it, it is calculated now). Raises ValidationError by field.
    """
    earlier = _by_token(actor, form_token)
    if earlier is not None:
        return earlier
    if refusal := bid_fields.may_exchange(account):
        raise ValidationError(refusal)
    given = bid_fields.filled(fields)
    direction = bid_fields.find_direction(account, given.get("direction_id"))
    key = bid_fields.key(account, bid_fields.calculation(account, direction, given))
    shown = bid_quotes.shown(given.get(bid_fields.QUOTE), key=key)
    if shown is None:
        quoted = bid_quotes.ask(account=account, fields=given)
        shown = dict(quoted.texts) | {"asked_at": quoted.asked_at.isoformat()}
    values = bid_fields.check(account=account, direction=direction, given=given, quote=shown)
    hit("F0")
    try:
        with transaction.atomic(durable=True):
            reference = references.take(account=account, kind=Reference.Kind.BID)
            bid = Bid.objects.create(
                reference=reference,
                account=account,
                created_by=actor,
                form_token=form_token,
                next_check_at=Now(),
                **values,
            )
            callback_tokens.object_token(reference)
            audit.record(
                actor,
                "bid.created",
                bid,
                way=Way.STAFF if actor else Way.SYSTEM,
                **bid_fields.facts(bid),
            )
            transaction.on_commit(lambda: hit("F1"))  # committed, and nobody is woken yet
            wake.later("payments.submit_bid", bid.pk)
            wake.later("backoffice.index_object", "bid", bid.pk)
    except IntegrityError:
        earlier = _by_token(actor, form_token)
        if earlier is None:
            raise
        return earlier
    return bid


def _by_token(actor: Any, form_token: UUID | None) -> Bid | None:
    if form_token is None or actor is None:
        return None
    return Bid.objects.filter(created_by=actor, form_token=form_token).first()


# --- Sending ---
def submit(*, bid_id: int) -> None:
    """Send a `creating` bid once. Called by workers; harmless when called twice, late or in parallel."""
    hit("F2")
    bid = Bid.objects.select_related("reference__account", "account", "destination").get(pk=bid_id)
    if bid.status != Status.CREATING or bid.reference.held_at is not None:
        return
    fence = schedule.claim(Bid, bid_id, status=Status.CREATING)
    if fence is None:
        return
    if calls.may_have_left(bid.reference, OPERATION):
        # An earlier worker died or was cut off in the middle: ask, never send again.
        hit("F13")
        bid_attempts.doubt(
            bid_id=bid_id, fence=fence, error=_("The attempt was interrupted."), way=Way.SYSTEM
        )
        return
    if timezone.now() - bid.created_at > UNSENT_LIFETIME:
        _too_old(bid_id, fence)
        return
    Bid.objects.filter(pk=bid_id, fence=fence, sent_at__isnull=True).update(sent_at=timezone.now())
    _send(bid, fence)


def _too_old(bid_id: int, fence: int) -> None:
    late = Unavailable(
        "too old", staff=gettext_noop("It could not be sent in time, so its rate is too old. Make a new one.")
    )
    bid_attempts.refused(bid_id=bid_id, fence=fence, error=late, way=Way.CLOCK)


def _send(bid: Bid, fence: int) -> None:
    def guard() -> None:
        if not schedule.holds(Bid, bid.pk, fence, status=Status.CREATING):
            raise Unavailable("claim lost", staff=gettext_noop("Another worker has taken this over."))
        if bid.destination_id and not destinations.is_approved(bid.destination_id):
            raise Invalid(
                "destination", staff=gettext_noop("Its receiving address is not in our book any more.")
            )

    told: dict[str, Any] = {"bid_id": bid.pk, "fence": fence}
    try:
        client = calls.client(
            bid.account, reference=bid.reference, priority="money", guard=guard, fence=fence
        )
        report = client.create_bid(
            BidRequest(
                reference=bid.reference.value,
                fields=bid_fields.to_send(bid),
                form=bid_fields.form_to_send(bid),
                callback_url=callback_tokens.object_callback_url(bid.reference),
            )
        )
    except (Unavailable, RateLimited, Denied) as error:
        bid_attempts.not_sent(error=error, **told)
    except Refused as error:
        if error.reason == "exists":
            bid_attempts.doubt(error=calls.explain(error), way=Way.REPLY, **told)
        else:
            bid_attempts.refused(error=error, way=Way.REPLY, **told)
    except (Invalid, NotSupported) as error:
        bid_attempts.refused(error=error, way=Way.REPLY, **told)
    except OutcomeUnknown as error:
        bid_attempts.doubt(error=calls.explain(error), way=Way.REPLY, **told)
    else:
        hit("F9")
        bid_reports.apply(bid_id=bid.pk, report=report, way=Way.REPLY)
        hit("F10")


# --- Asking ---
def refresh(*, bid_id: int, way: str = Way.POLL, priority: str = "poll") -> Bid:
    """Ask the exchanger about one bid and apply its answer through the door.

    Always by the number that we have stored; while there is none, its list is read for exactly our reference.
    An answer about another bid holds this one. Raises ProviderError when it cannot be asked or does not show the bid;
    the row then says so and stays.
    """
    bid = Bid.objects.select_related("reference", "account").get(pk=bid_id)
    if bid.status == Status.CREATING or (bid.status in Bid.FINAL and not bid.provider_id):
        return bid
    asked_at = timezone.now()
    rows: list[BidRow] = []
    is_whole = True
    try:
        client = calls.client(bid.account, reference=bid.reference, priority=priority)
        if not isinstance(client, Bids):
            raise NotSupported("bids")
        hit("F12")
        if not bid.provider_id:
            rows, is_whole = _scan(client, bid)
            bid = bid_reports.adopt(bid_id=bid_id, rows=rows, way=way)
        report = _found(client, bid, rows) if bid.provider_id else None
    except ProviderError as error:
        if error.reason == "other" and bid_reports.other(bid_id=bid_id, error=error, way=way):
            return Bid.objects.select_related("reference", "account").get(pk=bid_id)
        bid_attempts.not_answered(bid_id=bid_id, error=error, asked_at=asked_at)
        raise
    if report is None:
        if rows:  # more than one of them: held
            return bid
        bid_reports.missed(bid_id=bid_id, asked_at=asked_at, is_whole=is_whole)
        raise Refused("get_exchanges: not listed", reason="not_found", staff=NOT_LISTED)
    word = bid.provider_status
    applied = bid_reports.apply(bid_id=bid_id, report=report, way=way, asked_at=asked_at)
    if applied.provider_status != word:
        _read_history(client, applied)
    return applied


def _found(client: Any, bid: Bid, rows: list[BidRow]) -> BidReport:
    """What the exchanger says about the bid with our stored number.

    `bid_info` shows only what was made through the API, and nothing while the direction is switched off: then its
    line in the list is taken. Raises Refused where neither shows it.
    """
    if not bid.is_imported:
        try:
            return client.find_bid(provider_id=bid.provider_id)
        except Refused:
            if line := _line(client, bid, rows):
                return bid_reports.as_report(line)
            raise
    if line := _line(client, bid, rows):
        return bid_reports.as_report(line)
    raise Refused("get_exchanges: not listed", reason="not_found", staff=NOT_LISTED)


def _line(client: Any, bid: Bid, rows: list[BidRow]) -> BidRow | None:
    listed = rows or client.bids(provider_id=bid.provider_id).rows
    return next((row for row in listed if row.provider_id == bid.provider_id), None)


def _scan(client: Any, bid: Bid) -> tuple[list[BidRow], bool]:
    """The lines of the exchanger's list that carry exactly our reference, from around the time it was sent; and whether
    it is none of those that could not be read.

    The exchanger's own filter by reference is tried first and never trusted: what it leaves out is looked for.
    """
    sent = bid.sent_at or bid.created_at
    window = {
        "since": int((sent - ZONES).timestamp()),
        "until": int((timezone.now() + ZONES).timestamp()),
    }
    value = bid.reference.value
    first = client.bids(reference=value, limit=500, **window)
    found = [row for row in first.rows if row.reference == value and not row.is_hidden]
    if found:
        return found, True
    is_whole = True
    for page in client.scan_bids(**window):
        found += [row for row in page.rows if row.reference == value and not row.is_hidden]
        is_whole = is_whole and not any(_may_carry(raw, value) for raw in page.unreadable)
    return found, is_whole


def _may_carry(raw: Any, value: str) -> bool:
    """Whether a line that could not be read may be the one with our reference."""
    return not isinstance(raw, dict) or str(raw.get("api_id", value)) == value


def _read_history(client: Any, bid: Bid) -> None:
    """Something has changed: keep what the exchanger tells of the past. Nothing depends on it."""
    try:
        page = client.bids(provider_id=bid.provider_id, with_history=True)
    except ProviderError:
        return
    rows = [row for row in page.rows if row.provider_id == bid.provider_id]
    with transaction.atomic():
        for row in rows:
            bid_history.note_history(bid_id=bid.pk, history=row.history)
    flags = [row.flag_contradicts_document for row in rows]
    accounts.note_success_flag(
        account=bid.account, contradictions=[flag for flag in flags if flag is not None]
    )


@guarded("payments.refresh_bid")
def ask_now(*, actor: Any, bid: Bid) -> None:
    """Let a worker ask about this bid now."""
    wake.later("payments.refresh_bid", bid.pk)


def search_text(bid: Bid) -> str:
    """What people find a bid by: our number, theirs, whom and what for, the payment systems, the customer's e-mail. No
    account, no handle.
    """
    parts = [
        bid.reference.value,
        bid.provider_id,
        bid.customer,
        bid.purpose,
        bid.give_system,
        bid.get_system,
        bid.give_currency,
        bid.get_currency,
        "" if bid.destination is None or bid.destination.is_card else bid.destination.shown,
        *(
            shown
            for name, _label, shown in bid.fields
            if not name.startswith("account") and EMAIL.fullmatch(shown)
        ),
    ]
    return " ".join(part for part in parts if part)
