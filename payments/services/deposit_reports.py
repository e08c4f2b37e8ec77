"""What the provider's word means for a deposit: the one door for its state and its booking. Deals floor."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.kit.states import check_move
from payments.models import Balance, Deposit, ExceptionItem, Movement, ProviderAccount, Wallet
from payments.providers.wallets import DepositReport

from . import balances, exceptions, listed_reports, movements, references

Status = Deposit.Status
Kind = ExceptionItem.Kind


def wallet_of(account: ProviderAccount, report: DepositReport) -> Wallet | None:
    """Our wallet that it arrived at; None for an address of nobody here."""
    ours = Wallet.objects.filter(account=account)
    if report.wallet_id and (found := ours.filter(provider_id=report.wallet_id[:64]).first()):
        return found
    by_address = ours.filter(address=report.address, tag=report.tag[:200], currency=report.ticker)
    return by_address.first() if by_address.count() == 1 else None


def says(report: DepositReport) -> tuple[Any, ...]:
    """What a report says of a deposit, as `told` gives what is kept."""
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


def told(row: Deposit) -> tuple[Any, ...]:
    """What is kept of it."""
    fee = money.read(row.fee)
    return (row.status, row.provider_status, fee, row.confirmations, row.required_confirmations, row.told)


def apply(row: Deposit, report: DepositReport, way: str) -> int:
    """What the list says now of a locked row. Gives 1 if anything changed."""
    row.reference.refresh_from_db()
    before, txid = told(row), row.txid
    if row.status == Status.PENDING:
        row.fee = report.fee
    row.provider_status = report.provider_status[:64]
    row.confirmations, row.required_confirmations = report.confirmations, report.required_confirmations
    row.told = listed_reports.told(aml=report.aml, order=None)
    if not row.txid and report.transaction_id:
        row.txid = report.transaction_id[:200]
        wake.later("backoffice.index_object", "deposit", row.pk)
    if row.wallet_id is None:
        row.wallet = wallet_of(row.account, report)
    row.checked_at = timezone.now()
    now = told(row)
    if now != before or row.txid != txid:
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
    return int(now != before or row.txid != txid or row.status != before[0])


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
    ticker = row.wallet.fields.get("convert_ticker") if row.wallet is not None else ""
    if ticker:  # the history of deposits tells nothing of the order that is placed for it
        names = (row.currency, ticker)
        listed_reports.tell_order(
            account=row.account, reference=row.reference, order={}, way=way, names=names
        )


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
