"""Bids that were made elsewhere with our key, read from the exchanger's list into ours. Deals floor.

Oldest first, in windows that overlap by more than the world's clocks differ; every line is known again by its number,
so that a reading that was cut off anywhere goes on without missing or doubling one.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.permissions import guarded
from backoffice.services import search
from payments.models import Bid, BidImport, ExceptionItem, ProviderAccount, Reference
from payments.providers import offering
from payments.providers.bids import BidRow, Bids, Page
from payments.providers.errors import NotSupported, ProviderError

from . import accounts, bad_rows, bid_fields, bid_history, bid_reports, bids, calls, exceptions, references

WINDOW = dt.timedelta(days=30)
EVERY = dt.timedelta(minutes=15)
LEASE = dt.timedelta(minutes=2)
ROUND_SECONDS = 60.0
EARLIEST = dt.timedelta(days=3660)
Status = Bid.Status


@guarded("payments.import_bid")
def start(*, actor: Any, account: ProviderAccount, since: dt.datetime) -> BidImport:
    """Read this account's bids from `since` on, and go on reading new ones. Raises ValidationError.

    An earlier `since` than before reads again from there; what is known already is not doubled.
    """
    if refusal := bid_fields.may_exchange(account):
        raise ValidationError(refusal)
    now = timezone.now()
    if since >= now or since < now - EARLIEST:
        raise ValidationError({"since": _("Choose a day of the last ten years.")})
    with transaction.atomic():
        made, is_new = BidImport.objects.select_for_update().get_or_create(
            account=account, defaults={"since": since, "cursor": since, "started_by": actor}
        )
        if not is_new:
            again = since < made.since
            made.since, made.cursor = min(since, made.since), since if again else made.cursor
            made.is_on, made.last_error, made.started_by = True, "", actor
            made.next_check_at = now
            made.save()
        audit.record(actor, "account.bids_imported", account, since=since.isoformat())
        wake.later("payments.import_bids", account.pk)
    return made


@guarded("payments.import_bid")
@transaction.atomic
def stop(*, actor: Any, account: ProviderAccount) -> None:
    """Read no more bids of this account. What was read stays."""
    BidImport.objects.filter(account=account).update(is_on=False)
    audit.record(actor, "account.bids_import_stopped", account)


def due() -> list[int]:
    """The accounts whose import has something to do now."""
    return list(
        BidImport.objects.filter(
            Q(claimed_until__isnull=True) | Q(claimed_until__lt=Now()),
            is_on=True,
            next_check_at__lte=Now(),
            account__is_active=True,
            account__provider__in=offering(Bids),
        ).values_list("account_id", flat=True)
    )


def run(*, account_id: int, seconds: float = ROUND_SECONDS) -> int:
    """Read windows until now is reached or the time is over. Gives how many lines were read.

    Called by workers; a second one at the same time does nothing. Raises ProviderError as it is; the row says so.
    """
    mine = BidImport.objects.filter(
        Q(claimed_until__isnull=True) | Q(claimed_until__lt=Now()), account_id=account_id, is_on=True
    ).update(claimed_until=timezone.now() + LEASE)
    if not mine:
        return 0
    until, count = time.monotonic() + seconds, 0
    try:
        while True:
            read, is_over = _window(account_id)
            count += read
            if is_over or time.monotonic() > until:
                break
    except ProviderError as error:
        BidImport.objects.filter(account_id=account_id).update(
            last_error=calls.explain(error)[:300],
            next_check_at=timezone.now() + EVERY,
            claimed_until=None,
        )
        raise
    BidImport.objects.filter(account_id=account_id).update(
        claimed_until=None, next_check_at=timezone.now() + (EVERY if is_over else dt.timedelta())
    )
    return count


def _window(account_id: int) -> tuple[int, bool]:
    """Read one window, and move the cursor behind it: (lines read, whether now was reached)."""
    job = BidImport.objects.select_related("account").get(account_id=account_id)
    now = timezone.now()
    end = min(job.cursor + WINDOW, now)
    client = calls.client(job.account, priority="poll")
    if not isinstance(client, Bids):
        raise NotSupported("bids")
    count = 0
    since, until = job.cursor - bids.ZONES, end + bids.ZONES
    for page in client.scan_bids(
        since=max(int(since.timestamp()), 0), until=int(until.timestamp()), with_history=True
    ):
        count += len(page.rows) + len(page.unreadable)
        _take_page(job.account, page)
        BidImport.objects.filter(pk=job.pk).update(claimed_until=timezone.now() + LEASE)
    BidImport.objects.filter(pk=job.pk, cursor=job.cursor).update(cursor=end, last_error="", read_at=now)
    return count, end >= now


# --- One page ---
def _take_page(account: ProviderAccount, page: Page[BidRow]) -> None:
    """Every line of a page: what we know, what is ours and in doubt, and what is new. One bad line hides no other."""
    rows = {row.provider_id: row for row in page.rows if not row.is_hidden}
    known = {
        bid.provider_id: bid
        for bid in Bid.objects.filter(account=account, provider_id__in=rows)
        .only("pk", "provider_id", "provider_status")
        .annotate(told=Count("history", filter=Q(history__is_told=True)))
    }
    for number in known:
        _again(known[number], rows[number])
    left = [row for number, row in rows.items() if number not in known]
    ours = {
        bid.reference.value: bid
        for bid in Bid.objects.filter(
            account=account, reference__value__in=[row.reference for row in left if row.reference]
        ).select_related("reference", "account")
    }
    for row in left:
        if row.reference in ours:
            _one_of_ours(ours[row.reference], row)
    fresh, unfit = [], list(page.unreadable)
    for row in left:
        if row.reference not in ours:
            try:
                money.read(row.amount_give), money.read(row.amount_get)
                fresh.append(row)
            except money.BadAmount:
                unfit.append(dict(row.raw))
    added, spoilt = _take(account, fresh)
    bad = sum(_set_aside(account, raw) for raw in [*unfit, *(dict(row.raw) for row in spoilt)])
    BidImport.objects.filter(account=account).update(
        seen=F("seen") + len(page.rows) + len(page.unreadable), added=F("added") + added, bad=F("bad") + bad
    )
    flags = [row.flag_contradicts_document for row in fresh]
    accounts.note_success_flag(account=account, contradictions=[flag for flag in flags if flag is not None])


def _again(bid: Any, row: BidRow) -> None:
    """A line of a bid that we have: whoever made it, what is new in it goes through the door."""
    if bid.told != len(row.history):
        bid_history.note_history(bid_id=bid.pk, history=row.history)
    if row.provider_status != bid.provider_status:
        bid_reports.apply(bid_id=bid.pk, report=bid_reports.as_report(row), way=audit.Way.POLL)


def _one_of_ours(ours: Bid, row: BidRow) -> None:
    """A line with our reference under a number that we do not know: a bid in doubt is found, or there are two."""
    found = bid_reports.adopt(bid_id=ours.pk, rows=[row], way=audit.Way.POLL)
    if found.provider_id == row.provider_id:
        bid_reports.apply(bid_id=ours.pk, report=bid_reports.as_report(row), way=audit.Way.POLL)
    elif found.provider_id:
        _second(ours, row)


def _take(account: ProviderAccount, rows: list[BidRow]) -> tuple[int, list[BidRow]]:
    """Make bids of new lines: (how many, the lines that the database refused). All at once, else one by one."""
    try:
        _make(account, rows)
        return len(rows), []
    except DatabaseError:
        if len(rows) == 1:
            return 0, rows
    count = 0
    spoilt: list[BidRow] = []
    for row in rows:
        one, bad = _take(account, [row])
        count, spoilt = count + one, spoilt + bad
    return count, spoilt


@transaction.atomic
def _make(account: ProviderAccount, rows: list[BidRow]) -> None:
    if not rows:
        return
    now = timezone.now()
    taken = references.take_many(account=account, kind=Reference.Kind.BID, count=len(rows))
    made = Bid.objects.bulk_create(
        [_new(reference, row, now) for reference, row in zip(taken, rows, strict=True)]
    )
    for bid, row in zip(made, rows, strict=True):
        audit.record(
            None, f"bid.{bid.status}", bid, way=audit.Way.POLL, word=bid.provider_status, made="elsewhere"
        )
        if row.status is None:  # held, or a word that we do not know
            bid_reports.apply(bid_id=bid.pk, report=bid_reports.as_report(row), way=audit.Way.POLL)
    bid_history.note_histories({bid.pk: row.history for bid, row in zip(made, rows, strict=True)})
    search.index(kind="bid", object_ids=[bid.pk for bid in made])


def _new(reference: Reference, row: BidRow, now: dt.datetime) -> Bid:
    is_final = row.status in Bid.FINAL
    return Bid(
        reference=reference,
        account=reference.account,
        is_imported=True,
        status=row.status or Status.UNKNOWN,
        provider_id=row.provider_id,
        provider_status=row.provider_status[:64],
        provider_time=(row.date_text or row.time_text)[:200],
        handle=row.hash,
        give_system=row.give_system[:200],
        get_system=row.get_system[:200],
        give_currency=row.give_currency,
        get_currency=row.get_currency,
        amount_give=money.read(row.amount_give),
        amount_get=money.read(row.amount_get),
        answer=_numbers(row),
        ended_at=now if is_final else None,
        next_check_at=None if is_final else now + EVERY,
    )


def _numbers(row: BidRow) -> dict[str, Any]:
    amounts = {"amount_give": row.amount_give, "amount_get": row.amount_get}
    courses = {"course_give": row.course_give, "course_get": row.course_get}
    return {name: money.plain(value) for name, value in (amounts | courses).items() if value is not None}


def _second(ours: Bid, row: BidRow) -> None:
    """Another bid there carries a reference of ours, which we know under another number."""
    with transaction.atomic():
        exceptions.open_item(
            kind=ExceptionItem.Kind.AMBIGUOUS,
            key=f"{ours.reference.value}:{row.provider_id}",
            title=_("The exchanger has our reference also on bid %s.") % row.provider_id,
            account=ours.account,
            reference=ours.reference,
            way=audit.Way.POLL,
        )


def _set_aside(account: ProviderAccount, raw: Any) -> bool:
    title = _("%(account)s: a line of the exchanger’s list of bids could not be read.")
    return bad_rows.set_aside(account=account, raw=raw, title=title % {"account": account.name})
