"""What the provider claims about a withdrawal: the facts that are kept, and where they are not what was approved. Deals
floor. Moves and books nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext as _

from backoffice.kit import html, wake
from backoffice.kit.fields import mask_card
from payments import addresses
from payments.models import ExceptionItem, Withdrawal
from payments.providers.base import WithdrawalReport
from payments.providers.wallets import ListedWithdrawalReport

from . import exceptions, listed_reports

Kind = ExceptionItem.Kind


def differences(withdrawal: Withdrawal, report: WithdrawalReport) -> list[str]:
    """Where the claim is not what was approved, as sentences. They are also what a person lets go."""
    found = []
    if report.reference and report.reference != withdrawal.reference.value:
        found.append(_("The answer speaks of another reference: %s.") % report.reference)
    if report.method and report.method != withdrawal.method:
        found.append(
            _("It pays to %(theirs)s, approved was %(ours)s.")
            % {"theirs": report.method, "ours": withdrawal.method}
        )
    if report.currency and report.currency != withdrawal.balance_currency:
        found.append(
            _("It is paid from %(theirs)s, approved was %(ours)s.")
            % {"theirs": report.currency, "ours": withdrawal.balance_currency}
        )
    if report.purse and not listed_reports.same_purse(report, withdrawal):
        is_card = withdrawal.is_card or addresses.looks_like_card(report.purse)
        theirs = mask_card(report.purse) if is_card else report.purse[:80]
        found.append(_("It pays to another destination: %s.") % theirs)
    if report.tag and report.tag != withdrawal.tag:
        found.append(
            _("The tag is %(theirs)s, approved was %(ours)s.")
            % {"theirs": report.tag, "ours": withdrawal.tag}
        )
    if report.amount != withdrawal.amount:
        found.append(
            _("The payee gets %(theirs)s %(currency)s, approved was %(ours)s.")
            % {
                "theirs": html.amount_text(report.amount, places=0),
                "ours": html.amount_text(withdrawal.amount, places=0),
                "currency": withdrawal.currency,
            }
        )
    if isinstance(report, ListedWithdrawalReport):
        found += listed_reports.differences(withdrawal, report)
    if report.amount_from <= 0 or report.debit < report.amount_from:
        found.append(_("The debit %s makes no sense.") % html.amount_text(report.debit, places=0))
    return found


def keep_facts(withdrawal: Withdrawal, report: WithdrawalReport, asked_at: dt.datetime | None) -> None:
    """Its word, its numbers, and that it answered: on the locked row."""
    changes: dict[str, Any] = {"check_failures": 0, "last_error": ""}
    if asked_at is not None:
        changes["checked_at"] = asked_at
    if report.provider_status:
        changes["provider_status"] = report.provider_status[:64]
    for name, value in (
        ("provider_id", report.provider_id[:64]),
        ("transaction_id", report.transaction_id[:120]),
    ):
        if value and not getattr(withdrawal, name):
            changes[name] = value
            wake.later("backoffice.index_object", "withdrawal", withdrawal.pk)
    if any(getattr(withdrawal, name) != value for name, value in changes.items() if name != "checked_at"):
        changes["version"] = withdrawal.version + 1
    for name, value in changes.items():
        setattr(withdrawal, name, value)
    withdrawal.save(update_fields=[*changes, "updated_at"])


def keep_told(withdrawal: Withdrawal, report: WithdrawalReport, way: str) -> None:
    """What some providers say besides: their check of the money, the order they placed. A warning is an item."""
    if not isinstance(report, ListedWithdrawalReport):
        return
    told = listed_reports.told(aml=report.aml, order=report.auto_buy)
    if told == withdrawal.told and not withdrawal.misses:
        return
    withdrawal.told, withdrawal.misses, withdrawal.missed_at = told, 0, None
    withdrawal.version += 1
    withdrawal.save(update_fields=["told", "misses", "missed_at", "version", "updated_at"])
    if report.aml.success is False:
        tell(withdrawal, Kind.AML_FLAG, listed_reports.aml_title(report.aml), way, key="aml")
    if (ticker := withdrawal.fields.get("auto_buy_ticker")) and "order" in told:
        listed_reports.tell_order(
            account=withdrawal.account,
            reference=withdrawal.reference,
            order=told["order"],
            way=way,
            names=(withdrawal.balance_currency, ticker),
        )


def tell(withdrawal: Withdrawal, kind: str, title: str, way: str, *, key: str = "") -> None:
    """Open an item about it."""
    exceptions.open_item(
        kind=kind,
        key=f"{withdrawal.reference.value}:{key}",
        title=title,
        account=withdrawal.account,
        reference=withdrawal.reference,
        way=way,
    )
