"""Deposits: reading what arrived at our addresses, and crediting it once. Deals floor.

The provider gives deposits no number. Rows that are alike in all that tells them apart are counted as a group, so that
one confirmed payment is credited once, wherever it stands in the list.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Container, Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.permissions import guarded
from payments.models import Deposit, ExceptionItem, ProviderAccount, Reference
from payments.providers import offering
from payments.providers.errors import NotSupported
from payments.providers.wallets import BadRow, DepositReport, Wallets

from . import bad_rows, calls, deposit_reports, exceptions, listed_reports, references

Status = Deposit.Status
Kind = ExceptionItem.Kind
Key = tuple[str, ...]
#: The list is read back at least so far beyond what is known: rows may appear late.
OVERLAP = dt.timedelta(days=1)
#: How many groups of deposits are kept in one transaction.
AT_ONCE = 50
#: A deposit that stays pending longer is not looked for any more by itself.
PATIENCE = dt.timedelta(days=30)


def accounts_to_scan() -> list[int]:
    """The active accounts whose provider receives money for us."""
    found = ProviderAccount.objects.filter(is_active=True, provider__in=offering(Wallets)).exclude(
        credentials=""
    )
    return list(found.values_list("pk", flat=True))


def scan(*, account_id: int, way: str = audit.Way.POLL, priority: str = "poll") -> int:
    """Read the list and apply what is new in it. Gives how many deposits were added or changed.

    Raises ProviderError when it cannot be read whole: then nothing is changed.
    """
    account = ProviderAccount.objects.get(pk=account_id)
    client = calls.client(account, priority=priority)
    if not isinstance(client, Wallets):
        raise NotSupported("deposits")
    bad: list[BadRow] = []
    listed = client.scan_deposits(_begin(account), bad=bad)
    bad_rows.tell(account, bad, "wallet/history")
    return keep(account=account, listed=listed, way=way)


def refresh(*, deposit_id: int, way: str = audit.Way.POLL, priority: str = "poll") -> Deposit:
    """The same for the account of one deposit."""
    deposit = Deposit.objects.get(pk=deposit_id)
    scan(account_id=deposit.account_id, way=way, priority=priority)
    Deposit.objects.filter(pk=deposit_id).update(checked_at=timezone.now())
    deposit.refresh_from_db()
    return deposit


@guarded("payments.refresh_deposit")
def ask_now(*, actor: Any, account: ProviderAccount) -> None:
    """Let a worker read the list of deposits now."""
    wake.later("payments.scan_deposits", account.pk)


def _begin(account: ProviderAccount) -> dt.datetime:
    known = Deposit.objects.filter(account=account)
    # One that is dated in the future must not hide all that arrives until then.
    past = known.filter(arrived_at__lte=timezone.now())
    latest = past.order_by("-arrived_at").values_list("arrived_at", flat=True).first()
    pending = known.filter(status=Status.PENDING, arrived_at__gt=timezone.now() - PATIENCE)
    oldest = pending.order_by("arrived_at").values_list("arrived_at", flat=True).first()
    begin = (latest or account.created_at) - OVERLAP
    return begin if oldest is None else min(begin, oldest)


# --- What is listed against what is known ---
def keep(*, account: ProviderAccount, listed: Iterable[DepositReport], way: str) -> int:
    """Apply a list. Safe to repeat and to run twice at once."""
    groups: dict[Key, list[DepositReport]] = defaultdict(list)
    for report in listed:
        groups[report.identity].append(report)
    if not groups:
        return 0
    known: dict[Key, list[Deposit]] = defaultdict(list)
    oldest = min(report.created_at for reports in groups.values() for report in reports)
    for row in Deposit.objects.filter(account=account, arrived_at__gte=oldest).select_related("reference"):
        known[_identity(row)].append(row)
    by_age = sorted(groups.items(), key=lambda item: item[1][0].created_at)
    fresh = [reports for identity, reports in by_age if not _is_same(known[identity], reports)]
    changed = 0
    for begin in range(0, len(fresh), AT_ONCE):
        some = fresh[begin : begin + AT_ONCE]
        try:
            changed += _apply_groups(account, some, way, listed_keys=groups.keys())
        except bad_rows.FAULTS:  # one of them: the others are kept without it
            for reports in some:
                with bad_rows.apart(account, "wallet/history", reports[0].identity, reports[0].raw):
                    changed += _apply_groups(account, [reports], way, listed_keys=groups.keys())
    return changed


def _identity(row: Deposit) -> Key:
    """The `identity` of the reports that this row is."""
    number, at = money.plain(money.read(row.amount)), row.arrived_at.astimezone(dt.UTC).isoformat()
    return (row.currency, row.network, number, at, row.address, row.tag)


def _is_same(rows: list[Deposit], reports: list[DepositReport]) -> bool:
    """Whether nothing of it is new: then no row is locked."""
    return len(rows) == len(reports) and all(
        row is not None
        and row.reference.held_at is None
        and deposit_reports.told(row) == deposit_reports.says(report)
        and (not report.transaction_id or row.txid == report.transaction_id[:200])
        for row, report in listed_reports.paired(rows, reports)
    )


@transaction.atomic
def _apply_groups(
    account: ProviderAccount,
    groups: list[list[DepositReport]],
    way: str,
    *,
    listed_keys: Container[Key],
) -> int:
    """Some deposits, each group of those that are alike, under one lock. What they need is read once for all of them."""
    # One at a time per account: two workers that read the same list at once must not both add a row.
    ProviderAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=account.pk)
    known = _locked(account, groups)
    plan = [
        (known[reports[0].identity], listed_reports.paired(known[reports[0].identity], reports))
        for reports in groups
    ]
    new = [report for _rows, pairs in plan for row, report in pairs if row is None]
    wallets = deposit_reports.Addresses(account, (report for _rows, pairs in plan for _row, report in pairs))
    spare = references.take_many(account=account, kind=Reference.Kind.DEPOSIT, count=len(new)) if new else []
    alike = _with_transactions(account, new)
    changed = 0
    for rows, pairs in plan:
        gone = [row for row in rows if row not in [paired for paired, _report in pairs]]
        ordinal = max((row.ordinal for row in rows), default=-1)
        for row, report in pairs:
            if row is not None:
                changed += deposit_reports.apply(row, report, way, wallets)
                continue
            ordinal += 1
            made = _new(account, spare.pop(), report, ordinal=ordinal, way=way, wallets=wallets)
            _same_transaction(made, alike[made.txid], listed_keys, way)
            _another_transaction(made, gone, way)
            deposit_reports.apply(made, report, way, wallets)
            changed += 1
    return changed


def _locked(account: ProviderAccount, groups: list[list[DepositReport]]) -> dict[Key, list[Deposit]]:
    """The rows that these may be, locked, each with its reference as it is after the wait."""
    found = Deposit.objects.select_for_update(of=("self",)).filter(
        account=account,
        arrived_at__in={reports[0].created_at for reports in groups},
        address__in={reports[0].address for reports in groups},
    )
    rows = list(found.select_related("account"))
    now = Reference.objects.in_bulk([row.reference_id for row in rows]) if rows else {}
    known: dict[Key, list[Deposit]] = defaultdict(list)
    for row in rows:
        row.reference = now[row.reference_id]
        known[_identity(row)].append(row)
    return known


def _with_transactions(account: ProviderAccount, new: list[DepositReport]) -> dict[str, list[Deposit]]:
    """What is kept of the transactions of new rows, by transaction."""
    found: dict[str, list[Deposit]] = defaultdict(list)
    if named := {report.transaction_id[:200] for report in new if report.transaction_id}:
        for row in Deposit.objects.filter(account=account, txid__in=named).select_related("reference"):
            found[row.txid].append(row)
    return found


def _new(
    account: ProviderAccount,
    reference: Reference,
    report: DepositReport,
    *,
    ordinal: int,
    way: str,
    wallets: deposit_reports.Addresses,
) -> Deposit:
    row = Deposit(
        reference=reference,
        account=account,
        wallet=wallets.owner(report),
        currency=report.ticker,
        network=report.network,
        amount=report.amount,
        address=report.address,
        tag=report.tag,
        txid=report.transaction_id[:200],
        arrived_at=report.created_at,
        happened_at=report.happened_at,
        ordinal=ordinal,
        version=1,
    )
    deposit_reports.take_over(row, report)
    row.save(force_insert=True)
    audit.record(
        None,
        "deposit.seen",
        row,
        way=way,
        amount=money.plain(report.amount),
        currency=report.ticker,
        word=report.provider_status,
    )
    wake.later("backoffice.index_object", "deposit", row.pk)
    return row


def _same_transaction(row: Deposit, alike: Iterable[Deposit], listed_keys: Container[Key], way: str) -> None:
    """The same transaction stood here otherwise (its amount, how its address is spelled, a tag) and is not listed any
    more: a person looks at both.
    """
    for other in alike:
        if (
            other.currency == row.currency
            and _identity(other) not in listed_keys
            and other.status != Status.REJECTED
        ):
            exceptions.hold(
                reference=row.reference,
                obj=row,
                reason=_("The same transaction stood here with %(amount)s %(currency)s: %(number)s.")
                % {
                    "amount": money.plain(money.read(other.amount)),
                    "currency": other.currency,
                    "number": other.reference.value,
                },
                way=way,
            )


def _another_transaction(row: Deposit, gone: Iterable[Deposit], way: str) -> None:
    """One that was alike in all but its transaction is not listed any more: it may be the same money."""
    for other in gone:
        if other.status != Status.REJECTED:
            exceptions.hold(
                reference=row.reference,
                obj=row,
                reason=_("It may be the same money as %(number)s, whose transaction is not listed any more.")
                % {"number": other.reference.value},
                way=way,
            )


def search_text(deposit: Deposit) -> str:
    """What people find a deposit by: our number, transaction, address, whom the address was made for."""
    parts = [deposit.reference.value, deposit.txid, deposit.address, deposit.tag]
    if deposit.wallet is not None:
        parts += [deposit.wallet.customer, deposit.wallet.label]
    return " ".join(part for part in parts if part)
