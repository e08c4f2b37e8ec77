"""Keeping in step with the provider's own list of codes, page by page. Called by workers; sends nothing that moves.

New codes push the others to later pages while we read: pages overlap and every code is looked at by its digest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.permissions import guarded
from codes.models import Voucher, VoucherListing
from payments.models import ExceptionItem, ProviderAccount, Reference
from payments.providers import PROVIDERS
from payments.providers.base import VoucherReport, Vouchers
from payments.providers.errors import ProviderError
from payments.services import calls, schedule

from . import voucher_fields, voucher_reports
from . import voucher_states as states

Status = Voucher.Status
Way = audit.Way
PAGE, OVERLAP = 100, 10
EVERY = dt.timedelta(minutes=5)
MOST_PAGES = 5000
# What is made while the list is being read may be missing from it.
FRESH = dt.timedelta(minutes=1)


def pages(
    account: ProviderAccount, *, reference: Reference | None = None, priority: str = "poll", **query: Any
) -> Iterator[list[VoucherReport]]:
    """The provider's list, newest first, in overlapping pages. Raises ProviderError as it is."""
    offset = 0
    for _number in range(MOST_PAGES):
        client = calls.client(account, reference=reference, priority=priority)
        page = list(client.codes(offset=offset, limit=PAGE, **query))
        if page:
            yield page
        if len(page) < PAGE:
            return
        offset += PAGE - OVERLAP


def sync(*, account_id: int, priority: str = "poll") -> VoucherListing:
    """Read the whole list and follow it: what was redeemed or switched off, what was made elsewhere, what is missing.

    The first reading keeps what stands there without booking it: its money had left before we looked. Raises
    ProviderError as it is; what was read until then is kept.
    """
    account = ProviderAccount.objects.get(pk=account_id)
    listing, _made = VoucherListing.objects.get_or_create(account=account)
    started = timezone.now()
    seen: dict[str, VoucherReport] = {}
    try:
        for page in pages(account, priority=priority):
            fresh = {voucher_reports.digests(one.code)[0]: one for one in page}
            _follow(account, {key: one for key, one in fresh.items() if key not in seen}, listing, started)
            seen |= fresh
    except ProviderError as error:
        _not_read(listing, error, started)
        raise
    _tell_missing(account, started)
    # Not by a reader that slept: its sums are older than those that stand.
    VoucherListing.objects.filter(pk=listing.pk).filter(Q(read_at=None) | Q(read_at__lt=started)).update(
        read_at=started,
        count=len(seen),
        outstanding=_outstanding(seen.values()),
        tried_at=started,
        failures=0,
        last_error="",
        next_try_at=timezone.now() + EVERY,
    )
    listing.refresh_from_db()
    return listing


def _not_read(listing: VoucherListing, error: ProviderError, started: dt.datetime) -> None:
    listing.failures += 1
    listing.tried_at, listing.last_error = started, calls.explain(error)[:300]
    listing.next_try_at = max(schedule.after_failures(listing.failures), timezone.now() + EVERY / 5)
    listing.save(update_fields=["failures", "tried_at", "last_error", "next_try_at"])


def _outstanding(reports: Any) -> dict[str, list[Any]]:
    sums: dict[str, tuple[int, Decimal]] = {}
    for one in reports:
        if one.status == Status.ACTIVE:
            count, total = sums.get(one.currency, (0, Decimal(0)))
            sums[one.currency] = (count + 1, total + (one.amount or Decimal(0)))
    return {currency: [count, money.plain(total)] for currency, (count, total) in sorted(sums.items())}


def _follow(
    account: ProviderAccount, reports: dict[str, VoucherReport], listing: VoucherListing, started: dt.datetime
) -> None:
    """Apply the lines of one page. What stands as before is noted in one statement."""
    every = {digest: one for one in reports.values() for digest in voucher_reports.digests(one.code)}
    known = Voucher.objects.filter(
        account=account, direction=Voucher.Direction.ISSUED, code_digest__in=every
    ).exclude(status__in=Voucher.NOTHING)
    here = {}
    same = []
    for row in known.only("code_digest", "status", "amount", "stated", "currency", "provider_status"):
        report = every[row.code_digest]
        here[voucher_reports.digests(report.code)[0]] = row.pk
        if _is_same(row, report):
            same.append(row.pk)
            continue
        voucher_reports.listed(voucher_id=row.pk, report=report, way=Way.POLL, asked_at=started)
    Voucher.objects.filter(pk__in=same).filter(Q(listed_at=None) | Q(listed_at__lt=started)).update(
        listed_at=started
    )
    for digest, report in reports.items():
        if digest not in here:
            _unknown(account, report, listing, started)


def _is_same(row: Voucher, report: VoucherReport) -> bool:
    return (
        row.status == report.status
        and row.worth == report.amount
        and row.currency == report.currency
        and row.provider_status == report.provider_status
    )


def _unknown(
    account: ProviderAccount, report: VoucherReport, listing: VoucherListing, started: dt.datetime
) -> None:
    """A code that nobody here has: ours, whose answer we never got, or one that was made elsewhere."""
    mine = voucher_reports.named_here(account, report)
    if mine is not None:
        voucher_reports.listed(voucher_id=mine.pk, report=report, way=Way.POLL, asked_at=started)
        return
    if report.amount is None or report.amount <= 0 or not report.currency:
        return
    try:
        with transaction.atomic():
            voucher_reports.keep_found(
                account,
                report,
                amount=report.amount,
                currency=report.currency,
                way=Way.POLL,
                is_new=listing.read_at is not None,
            )
    except IntegrityError:
        # Another reader kept it in this moment.
        if voucher_reports.found_here(account, report) is None:
            raise


def _tell_missing(account: ProviderAccount, started: dt.datetime) -> None:
    """What we owe must stand in the provider's list; what was made during the reading may not yet."""
    missing = Voucher.objects.filter(
        account=account,
        direction=Voucher.Direction.ISSUED,
        status=Status.ACTIVE,
        updated_at__lt=started - FRESH,
    ).filter(Q(listed_at=None) | Q(listed_at__lt=started))
    for voucher in missing.select_related("reference", "account")[:100]:
        with transaction.atomic():
            states.tell(
                voucher,
                ExceptionItem.Kind.VOUCHER_MISSING,
                _("We owe this voucher, but the provider's list does not show it."),
                Way.POLL,
                key="missing",
            )


# --- One voucher ---
def look_up(*, voucher: Voucher, way: str, priority: str) -> Voucher:
    """Ask about one issued voucher: by its code, or by our reference in the description where no code is known.

    Raises ProviderError when it cannot be asked; the row then says so and stays.
    """
    asked_at = timezone.now()
    try:
        report = _find(voucher, priority)
    except ProviderError as error:
        voucher_reports.not_answered(voucher_id=voucher.pk, error=error, asked_at=asked_at)
        raise
    if report is None:
        return voucher_reports.not_there(voucher_id=voucher.pk, asked_at=asked_at)
    return voucher_reports.listed(
        voucher_id=voucher.pk, report=report, way=way, asked_at=asked_at, was_asked=True
    )


def _find(voucher: Voucher, priority: str) -> VoucherReport | None:
    if voucher.has_code:
        wanted = voucher_reports.digests(voucher.code)
        query: dict[str, Any] = {"code": voucher.code}
    else:
        wanted = []
        # Not by amount: one that the provider changed must be found, too.
        query = {"currency": voucher.currency}
    for page in pages(voucher.account, reference=voucher.reference, priority=priority, **query):
        for report in page:
            if voucher.has_code and voucher_reports.digests(report.code)[0] in wanted:
                return report
            if not voucher.has_code and voucher_reports.named(report) == voucher.reference.value:
                return report
    return None


# --- Whose turn it is ---
def stale_accounts() -> list[int]:
    """Active accounts whose list should be read again."""
    having = [name for name, client in PROVIDERS.items() if issubclass(client, Vouchers)]
    waiting = VoucherListing.objects.filter(next_try_at__gt=Now()).values("account_id")
    return list(
        ProviderAccount.objects.filter(is_active=True, provider__in=having)
        .exclude(pk__in=waiting)
        .exclude(credentials="")
        .values_list("pk", flat=True)
    )


@guarded("codes.refresh_voucher")
def ask_now(*, actor: Any, account: ProviderAccount) -> None:
    """Let a worker read the account's list now."""
    if voucher_fields.has_vouchers(account):
        wake.later("codes.sync_account", account.pk)
