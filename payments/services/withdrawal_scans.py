"""Asking about many withdrawals at once, where a provider only lists them: one paged scan per account. Deals floor.

"Not in the list" proves nothing by itself: it is counted three times, well apart, once the request can no longer be
carried out; then people decide.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from payments.models import ExceptionItem, ProviderAccount, ProviderCall, Reference, Withdrawal
from payments.providers import PROVIDERS
from payments.providers.errors import ProviderError, Refused
from payments.providers.wallets import BadRow, ListedWithdrawalReport, WithdrawalScans

from . import (
    bad_rows,
    calls,
    exceptions,
    schedule,
    withdrawal_attempts,
    withdrawal_bookings,
    withdrawal_reports,
)
from .failpoints import hit

Status = Withdrawal.Status
Kind = ExceptionItem.Kind
ASKED = (Status.UNKNOWN, Status.PENDING, Status.COMPLETE, Status.FAILED)
OPERATION = "withdraw"
#: The provider's own clock names when a row was made: the window begins that much earlier.
MARGIN = dt.timedelta(hours=1)
NOT_FOUND = gettext_noop("Not in the provider's list. That alone proves nothing.")


def is_scanned(account: ProviderAccount) -> bool:
    """Whether this account's withdrawals are asked about by reading the provider's list."""
    return issubclass(PROVIDERS[account.provider], WithdrawalScans)


def scans(*, account_id: int) -> bool:
    """The same by the account's id, for the poll."""
    return is_scanned(ProviderAccount.objects.defer("credentials").get(pk=account_id))


def look(withdrawal: Withdrawal, *, way: str, priority: str) -> Withdrawal:
    """Read the list for one withdrawal. Raises ProviderError when it cannot be read or does not show it."""
    found = scan(account_id=withdrawal.account_id, ids=[withdrawal.pk], way=way, priority=priority)
    withdrawal = withdrawal_reports.lock_free(withdrawal.pk)
    if withdrawal.pk not in found and withdrawal.status in ASKED:
        raise Refused("not in the list", reason="not_found", staff=NOT_FOUND)
    return withdrawal


def scan(*, account_id: int, ids: Sequence[int], way: str, priority: str) -> set[int]:
    """Read the list as far back as the oldest of these, and apply what it says of them. Gives those that it shows.

    Raises ProviderError when it cannot be read: each row then says so and keeps its state.
    """
    rows = list(
        Withdrawal.objects.filter(pk__in=ids, account=account_id, status__in=ASKED).select_related(
            "reference", "account"
        )
    )
    if not rows:
        return set()
    asked_at = timezone.now()
    bad: list[BadRow] = []
    try:
        reference = rows[0].reference if len(rows) == 1 else None
        client = calls.client(rows[0].account, reference=reference, priority=priority)
        hit("F12")
        listed = client.scan_withdrawals(_begin(rows), bad=bad)
    except ProviderError as error:
        for row in rows:
            withdrawal_attempts.not_answered(withdrawal_id=row.pk, error=error, asked_at=asked_at)
        raise
    bad_rows.tell(rows[0].account, bad, "withdraw/history")
    by_reference = defaultdict(list)
    for report in listed:
        by_reference[report.reference].append(report)
    shown = set()
    for row in rows:
        reports = by_reference.get(row.reference.value, [])
        if reports:
            shown.add(row.pk)
        if len(reports) > 1:
            _twice(row.pk, reports, way)
        elif reports:
            withdrawal_reports.apply(withdrawal_id=row.pk, report=reports[0], way=way, asked_at=asked_at)
        else:
            _missed(row.pk, asked_at, by_reference.get("", []), is_whole=not bad)
    _strangers(rows[0].account, listed)
    return shown


def _begin(rows: Iterable[Withdrawal]) -> dt.datetime:
    return min(row.sent_at or row.created_at for row in rows) - MARGIN


# --- What the list shows ---
@transaction.atomic
def _twice(withdrawal_id: int, reports: list[ListedWithdrawalReport], way: str) -> None:
    """Our reference stands there more than once: it may have been paid more than once. A person decides."""
    withdrawal = withdrawal_reports.lock(withdrawal_id)
    numbers = ", ".join(report.provider_id or "?" for report in reports[:10])
    reason = _("The provider's list shows our reference %(times)s times: %(numbers)s.") % {
        "times": len(reports),
        "numbers": numbers,
    }
    if reason not in withdrawal.reference.accepted:
        exceptions.hold(
            reference=withdrawal.reference, obj=withdrawal, reason=reason[:300], way=way, key="twice"
        )
    if withdrawal.debit is None and any(report.status in ("pending", "complete") for report in reports):
        withdrawal_bookings.book_computed(withdrawal, way=way)
    Withdrawal.objects.filter(pk=withdrawal.pk).update(
        **schedule.bump(checked_at=timezone.now(), next_check_at=schedule.after_failures(5))
    )


@transaction.atomic
def _missed(
    withdrawal_id: int, asked_at: dt.datetime, nameless: list[ListedWithdrawalReport], *, is_whole: bool
) -> None:
    """The list does not show it. Counts only once it can no longer arrive, and well after the last time."""
    withdrawal = withdrawal_reports.lock(withdrawal_id)
    if withdrawal.status not in ASKED or schedule.is_overtaken(asked_at, withdrawal.checked_at):
        return
    changes: dict[str, Any] = {"checked_at": asked_at, "check_failures": withdrawal.check_failures + 1}
    changes["next_check_at"] = schedule.after_failures(changes["check_failures"])
    begin = calls.over_at(withdrawal.reference, OPERATION)
    if withdrawal.status == Status.UNKNOWN and is_whole:
        gap = dt.timedelta(seconds=settings.SCAN_GAP_SECONDS)
        if begin is None or asked_at >= begin:
            changes["missed_at"] = asked_at
            if withdrawal.counted_at is None or asked_at - withdrawal.counted_at >= gap:
                changes |= {"misses": withdrawal.misses + 1, "counted_at": asked_at}
            if changes.get("misses", withdrawal.misses) < settings.SCAN_TIMES:
                counted = changes.get("counted_at") or withdrawal.counted_at or asked_at
                changes["next_check_at"] = counted + gap
        else:
            changes["next_check_at"] = begin
        misses = changes.get("misses", withdrawal.misses)
        changes["last_error"] = _("Not in the provider's list: %(n)s of %(times)s looks.") % {
            "n": misses,
            "times": settings.SCAN_TIMES,
        }
        _lookalike(withdrawal, nameless)
    elif withdrawal.status == Status.PENDING:
        changes["last_error"] = _(NOT_FOUND)
    elif withdrawal.status in withdrawal_reports.FINAL:
        changes["next_check_at"] = None
    if changes.get("last_error", withdrawal.last_error) != withdrawal.last_error or "misses" in changes:
        changes["version"] = withdrawal.version + 1
    Withdrawal.objects.filter(pk=withdrawal.pk).update(**changes)


def _lookalike(withdrawal: Withdrawal, nameless: list[ListedWithdrawalReport]) -> None:
    """Rows without any reference that could be this one: never taken for it, but a person must see them."""
    alike = [
        report
        for report in nameless
        if report.purse == withdrawal.purse and report.amount == withdrawal.amount
    ]
    if alike:
        exceptions.open_item(
            kind=Kind.AMBIGUOUS,
            key=f"{withdrawal.reference.value}:nameless",
            title=_(
                "The provider's list shows the same amount to the same destination without our reference."
            ),
            account=withdrawal.account,
            reference=withdrawal.reference,
            numbers=", ".join(report.provider_id for report in alike[:10]),
        )


def _strangers(account: ProviderAccount, listed: Iterable[ListedWithdrawalReport]) -> None:
    """Withdrawals that nobody here asked for: somebody else uses the account, or its keys. Told once each."""
    made_here = [one for one in listed if one.created_at is None or one.created_at > account.created_at]
    ours = set(
        Reference.objects.filter(
            account=account, value__in=[one.reference for one in made_here if one.reference]
        ).values_list("value", flat=True)
    )
    for report in made_here:
        if report.reference in ours:
            continue
        key = f"{account.pk}:withdrawal:{report.provider_id}"[:80]
        if ExceptionItem.objects.filter(key=f"{Kind.UNKNOWN_REFERENCE}:{key}").exists():
            continue
        with transaction.atomic():
            exceptions.open_item(
                kind=Kind.UNKNOWN_REFERENCE,
                key=key,
                title=_(
                    "%(account)s shows a withdrawal of %(amount)s %(currency)s that nobody here asked for."
                )
                % {"account": account, "amount": report.amount.normalize(), "currency": report.currency},
                account=account,
                way=audit.Way.POLL,
                number=report.provider_id,
                status=report.provider_status,
                reference_there=report.reference[:64],
            )


# --- Evidence for people ---
def evidence(withdrawal: Withdrawal) -> ProviderCall | None:
    """The newest look at the list as evidence: unsaved, because one reading of the list is about many."""
    if withdrawal.checked_at is None:
        return None
    missed = withdrawal.missed_at == withdrawal.checked_at
    return ProviderCall(
        account=withdrawal.account,
        operation="scan",
        url=withdrawal.account.base_url,
        started_at=withdrawal.checked_at,
        outcome="Refused" if missed else "ok",
        reason="not_found" if missed else "",
    )


def looks_left(withdrawal: Withdrawal) -> int:
    """How many more looks, well apart, are needed before “not in the list” counts."""
    return max(0, settings.SCAN_TIMES - withdrawal.misses)
