"""What the provider's word means for a deposit: the one door for its state and its booking. Deals floor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice import audit
from backoffice.kit import money, wake
from backoffice.kit.states import check_move
from payments.models import Balance, Deposit, ExceptionItem, Movement, ProviderAccount, Reference, Wallet
from payments.providers.wallets import DepositReport

from . import balances, exceptions, listed_reports, movements, references

Status = Deposit.Status
Kind = ExceptionItem.Kind


class Addresses:
    """Our wallets at which some reports arrived, read at once."""

    def __init__(self, account: ProviderAccount, reports: Iterable[DepositReport]) -> None:
        places = [(report.wallet_id[:64], report.address) for report in reports]
        numbers, addresses = {number for number, _at in places if number}, {at for _number, at in places}
        found = Wallet.objects.filter(account=account).filter(
            Q(provider_id__in=numbers) | Q(address__in=addresses)
        )
        self._by_number: dict[str, Wallet] = {}
        self._by_address: dict[tuple[str, str, str], list[Wallet]] = defaultdict(list)
        for wallet in found if places else ():
            self._by_number[wallet.provider_id] = wallet
            self._by_address[wallet.address, wallet.tag, wallet.currency].append(wallet)

    def owner(self, report: DepositReport) -> Wallet | None:
        """Our wallet that it arrived at; None for an address of nobody here."""
        if report.wallet_id and (found := self._by_number.get(report.wallet_id[:64])):
            return found
        alike = self._by_address.get((report.address, report.tag, report.ticker), [])
        return alike[0] if len(alike) == 1 else None


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


def lock(deposit_id: int) -> Deposit:
    """The row and its reference, locked, with what belongs to it as it is now."""
    Deposit.objects.select_for_update().only("pk").get(pk=deposit_id)
    row = Deposit.objects.select_related("account", "wallet").get(pk=deposit_id)
    row.reference = Reference.objects.select_for_update().get(pk=row.reference_id)
    return row


def take_over(row: Deposit, report: DepositReport) -> None:
    """What does not decide anything: fee, word, confirmations, the check of the money. Saves nothing."""
    if row.status == Status.PENDING:
        row.fee = report.fee
    row.provider_status = report.provider_status[:64]
    row.confirmations, row.required_confirmations = report.confirmations, report.required_confirmations
    row.told = listed_reports.told(aml=report.aml, order=None)
    row.checked_at = timezone.now()


def apply(row: Deposit, report: DepositReport, way: str, wallets: Addresses) -> int:
    """What the list says now of a locked row, whose reference was read after the lock. Gives 1 if anything changed."""
    before, txid = told(row), row.txid
    take_over(row, report)
    if not row.txid and report.transaction_id:
        row.txid = report.transaction_id[:200]
        wake.later("backoffice.index_object", "deposit", row.pk)
    if row.wallet_id is None:
        row.wallet = wallets.owner(report)
    now = told(row)
    if now != before or row.txid != txid:
        row.version += 1
        row.save()
    if row.status == Status.CONFIRMED and report.aml.success is False:
        _flagged_late(row, report, way, was=before[-1].get("aml", {}).get("success"))
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
    is_flagged = report.aml.success is False
    if is_flagged:
        reasons.append(listed_reports.aml_title(report.aml))
    if report.amount <= 0:
        reasons.append(_("The amount %s is not above zero.") % money.plain(report.amount))
    balance = Balance.objects.filter(account=row.account, currency=row.currency, is_computed=True).first()
    if _is_before_opening(row, balance):
        reasons.append(
            _(
                "It arrived before the opening balance was entered, and may be part of it. Released, it is credited."
            )
        )
    open_reasons = [reason for reason in reasons if reason not in row.reference.accepted]
    if open_reasons and references.reason(open_reasons) not in row.reference.accepted:
        reason = references.reason(open_reasons)
        exceptions.hold(
            reference=row.reference,
            obj=row,
            reason=reason,
            kind=Kind.AML_FLAG if is_flagged else Kind.HOLD,
            key="aml" if is_flagged else "hold",
            title=_("A deposit of %(amount)s %(currency)s: %(why)s") % (_words(row) | {"why": reason}),
            way=way,
        )
        return
    if row.reference.held_at is None:
        _credit(row, way, balance)


def _is_before_opening(row: Deposit, balance: Balance | None) -> bool:
    """First seen after an opening was entered, and made before: the provider's page may have shown it already."""
    return (
        balance is not None
        and balance.opened_at is not None
        and row.arrived_at < balance.opened_at <= row.created_at
    )


def _credit(row: Deposit, way: str, balance: Balance | None) -> None:
    if balance is None:
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
    whole = {"key": f"deposit:{number}", "kind": Movement.Kind.DEPOSIT, "amount": amount + fee, **common}
    apart = {"key": f"deposit-fee:{number}", "kind": Movement.Kind.FEE, "amount": -fee, **common}
    movements.book_all([whole, apart] if fee > Decimal(0) else [whole])
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


def _flagged_late(row: Deposit, report: DepositReport, way: str, *, was: bool | None) -> None:
    """The check of the money turned after it was credited: nothing booked is held, a person is told once.

    What was let go by people with its flag on it was told then.
    """
    if was is False and ExceptionItem.objects.filter(reference=row.reference, kind=Kind.AML_FLAG).exists():
        return
    title = _(
        "%(why)s It says so too late: %(amount)s %(currency)s were credited already. Pay nothing out of them, and ask the "
        "provider what becomes of the money."
    )
    _tell(
        row,
        Kind.AML_FLAG,
        title % (_words(row) | {"why": listed_reports.aml_title(report.aml)}),
        way,
        key="late",
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
