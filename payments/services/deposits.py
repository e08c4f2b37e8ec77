"""Deposits: reading what arrived at our addresses, and crediting it once. Deals floor.

The provider gives deposits no number. Rows that are alike in all that tells them apart are counted as a group, so that
one confirmed payment is credited once, wherever it stands in the list.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.kit.states import check_move
from backoffice.permissions import guarded
from payments.models import Balance, Deposit, ExceptionItem, Movement, ProviderAccount, Reference, Wallet
from payments.providers import offering
from payments.providers.errors import NotSupported
from payments.providers.wallets import DepositReport, Wallets

from . import balances, calls, exceptions, listed_reports, movements, references, stated_methods

Status = Deposit.Status
Kind = ExceptionItem.Kind
Key = tuple[str, ...]
#: The list is read back at least so far beyond what is known: rows may appear late.
OVERLAP = dt.timedelta(days=1)
#: A deposit that stays pending longer is not looked for any more by itself.
PATIENCE = dt.timedelta(days=30)
_RANK = {Status.CONFIRMED: 0, Status.REJECTED: 1, Status.PENDING: 2}


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
    bad: list[Any] = []
    listed = client.scan_deposits(_begin(account), **stated_methods.takes_bad(client.scan_deposits, bad))
    stated_methods.told(account, bad, "wallet/history")
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
    latest = known.order_by("-arrived_at").values_list("arrived_at", flat=True).first()
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
    changed = 0
    for identity, reports in sorted(groups.items(), key=lambda item: item[1][0].created_at):
        if not _is_same(known[identity], reports):
            changed += _apply_group(account, identity, reports, way, listed_keys=groups.keys())
    return changed


def _identity(row: Deposit) -> Key:
    number, at = money.plain(money.read(row.amount)), row.arrived_at.astimezone(dt.UTC).isoformat()
    return (row.txid, row.currency, row.network, number, at, row.address, row.tag)


def _is_same(rows: list[Deposit], reports: list[DepositReport]) -> bool:
    """Whether nothing of it is new: then no row is locked."""
    if len(rows) != len(reports):
        return False
    pairs = zip(_by_rank(rows), _reports_by_rank(reports), strict=True)
    return all(row.reference.held_at is None and _told(row) == _says(report) for row, report in pairs)


def _by_rank(rows: Iterable[Deposit]) -> list[Deposit]:
    return sorted(rows, key=lambda row: (_RANK[Status(row.status)], row.ordinal))


def _reports_by_rank(reports: Iterable[DepositReport]) -> list[DepositReport]:
    """Those that ended first: a confirmed one is paired with a row that is confirmed already."""
    return sorted(
        reports, key=lambda one: (_RANK.get(Status(one.status), 2) if one.status else 2, one.ordinal)
    )


def _says(report: DepositReport) -> tuple[Any, ...]:
    word = report.status or Status.PENDING
    aml = listed_reports.told(aml=report.aml, order=None)
    return (
        word,
        report.provider_status[:64],
        report.fee,
        report.confirmations,
        report.required_confirmations,
        aml,
    )


def _told(row: Deposit) -> tuple[Any, ...]:
    fee = money.read(row.fee)
    return (row.status, row.provider_status, fee, row.confirmations, row.required_confirmations, row.told)


@transaction.atomic
def _apply_group(
    account: ProviderAccount,
    identity: Key,
    reports: list[DepositReport],
    way: str,
    *,
    listed_keys: Iterable[Key],
) -> int:
    """All deposits that are alike, under one lock."""
    # One at a time per account: two workers that read the same list at once must not both add a row.
    ProviderAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=account.pk)
    one = reports[0]
    found = Deposit.objects.select_for_update(of=("self",)).filter(
        account=account,
        txid=one.transaction_id[:200],
        address=one.address,
        currency=one.ticker,
        network=one.network,
        tag=one.tag[:200],
        amount=one.amount,
        arrived_at=one.created_at,
    )
    rows = _by_rank(found.select_related("reference", "account"))
    changed = 0
    for place, report in enumerate(_reports_by_rank(reports)):
        if place < len(rows):
            row = rows[place]
        else:
            row = _new(account, report, ordinal=place, way=way)
            _same_transaction(row, identity, listed_keys, way)
        changed += _apply(row, report, way)
    return changed


def _new(account: ProviderAccount, report: DepositReport, *, ordinal: int, way: str) -> Deposit:
    reference = references.take(account=account, kind=Reference.Kind.DEPOSIT)
    row = Deposit.objects.create(
        reference=reference,
        account=account,
        wallet=_wallet(account, report),
        currency=report.ticker,
        network=report.network,
        amount=report.amount,
        fee=report.fee,
        address=report.address,
        tag=report.tag[:200],
        txid=report.transaction_id[:200],
        arrived_at=report.created_at,
        happened_at=report.happened_at,
        ordinal=ordinal,
    )
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


def _wallet(account: ProviderAccount, report: DepositReport) -> Wallet | None:
    ours = Wallet.objects.filter(account=account)
    if report.wallet_id and (found := ours.filter(provider_id=report.wallet_id[:64]).first()):
        return found
    by_address = ours.filter(address=report.address, tag=report.tag[:200], currency=report.ticker)
    return by_address.first() if by_address.count() == 1 else None


def _same_transaction(row: Deposit, identity: Key, listed_keys: Iterable[Key], way: str) -> None:
    """The same transaction stood here with another amount and is not listed any more: a person looks at both."""
    if not row.txid:
        return
    others = Deposit.objects.filter(
        account=row.account, txid=row.txid, address=row.address, currency=row.currency, tag=row.tag
    ).exclude(pk=row.pk)
    listed = set(listed_keys)
    for other in others:
        if _identity(other) not in listed and other.status != Status.REJECTED:
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


# --- One deposit ---
def _apply(row: Deposit, report: DepositReport, way: str) -> int:
    """What the list says now of a locked row. Gives 1 if anything changed."""
    row.reference.refresh_from_db()
    before = _told(row)
    if row.status == Status.PENDING:
        row.fee = report.fee
    row.provider_status = report.provider_status[:64]
    row.confirmations, row.required_confirmations = report.confirmations, report.required_confirmations
    row.told = listed_reports.told(aml=report.aml, order=None)
    if row.wallet_id is None:
        row.wallet = _wallet(row.account, report)
    row.checked_at = timezone.now()
    told = _told(row)
    if told != before:
        row.version += 1
        row.save()
    if report.status is None:
        _tell(
            row,
            Kind.UNKNOWN_WORD,
            _("The provider uses a status word that we do not know: %s") % report.provider_status[:80],
            way,
            key=report.provider_status[:40],
        )
    elif row.status != Status.PENDING:
        _after_the_end(row, report, way)
    elif report.status == Status.REJECTED:
        _move(row, Status.REJECTED, way=way)
        title = _("A deposit of %(amount)s %(currency)s was rejected.")
        _tell(row, Kind.DEPOSIT_REJECTED, title % _words(row), way)
    elif report.status == Status.CONFIRMED:
        _confirmed(row, report, way)
    return int(told != before or row.status != before[0])


def _words(row: Deposit) -> dict[str, str]:
    return {"amount": money.plain(money.read(row.amount)), "currency": row.currency}


def _confirmed(row: Deposit, report: DepositReport, way: str) -> None:
    """Credit it once, unless something about it needs a person first."""
    reasons = []
    if report.aml.success is False:
        reasons.append(listed_reports.aml_title(report.aml))
        _tell(row, Kind.AML_FLAG, listed_reports.aml_title(report.aml), way, key="aml")
    if report.amount <= 0:
        reasons.append(_("The amount %s is not above zero.") % money.plain(report.amount))
    if _is_before_opening(row):
        reasons.append(
            _(
                "It arrived before the opening balance was entered, and may be part of it. Released, it is credited."
            )
        )
    open_reasons = [reason for reason in reasons if reason not in row.reference.accepted]
    if open_reasons and references.reason(open_reasons) not in row.reference.accepted:
        exceptions.hold(reference=row.reference, obj=row, reason=references.reason(open_reasons), way=way)
        return
    if row.reference.held_at is None:
        _credit(row, way)


def _is_before_opening(row: Deposit) -> bool:
    """First seen after an opening was entered, and made before: the provider's page may have shown it already."""
    opened = Balance.objects.filter(
        account=row.account, currency=row.currency, is_computed=True, opened_at__isnull=False
    ).first()
    return (
        opened is not None
        and opened.opened_at is not None
        and row.arrived_at < opened.opened_at <= row.created_at
    )


def _credit(row: Deposit, way: str) -> None:
    balances.computed(account=row.account, currency=row.currency)
    common: dict[str, Any] = {
        "account": row.account,
        "currency": row.currency,
        "reference": row.reference,
        "way": way,
        "label": gettext_noop("as stated"),
    }
    amount, fee = money.read(row.amount), money.read(row.fee)
    number = row.reference.value
    movements.book(key=f"deposit:{number}", kind=Movement.Kind.DEPOSIT, amount=amount + fee, **common)
    if fee > Decimal(0):
        movements.book(key=f"deposit-fee:{number}", kind=Movement.Kind.FEE, amount=-fee, **common)
    _move(row, Status.CONFIRMED, way=way, credited_at=timezone.now())


def _move(row: Deposit, status: str, *, way: str, **changes: Any) -> None:
    old = row.status
    check_move(Deposit.TRANSITIONS, old, status)
    row.status = status
    for name, value in changes.items():
        setattr(row, name, value)
    row.version += 1
    row.save()
    audit.record(None, f"deposit.{status}", row, way=way, was=old, word=row.provider_status)


def _after_the_end(row: Deposit, report: DepositReport, way: str) -> None:
    """A final state is never changed by a machine: a person is told when the provider says otherwise."""
    if report.status == row.status:
        return
    _tell(
        row,
        Kind.TAKEN_BACK,
        _("This is %(ours)s here, but the provider now says %(theirs)s.")
        % {"ours": row.get_status_display(), "theirs": report.provider_status},
        way,
        key=str(report.status),
    )


def _tell(row: Deposit, kind: str, title: str, way: str, *, key: str = "") -> None:
    exceptions.open_item(
        kind=kind,
        key=f"{row.reference.value}:{key}",
        title=title,
        account=row.account,
        reference=row.reference,
        way=way,
    )


def search_text(deposit: Deposit) -> str:
    """What people find a deposit by: our number, transaction, address, whom the address was made for."""
    parts = [deposit.reference.value, deposit.txid, deposit.address, deposit.tag]
    if deposit.wallet is not None:
        parts += [deposit.wallet.customer, deposit.wallet.label]
    return " ".join(part for part in parts if part)
