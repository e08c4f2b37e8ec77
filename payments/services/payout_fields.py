"""What a partner payout needs before it is requested: whether it may be now, the checks of the form's fields, and what is
sent. Deals floor. Moves nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.kit import money
from payments.models import PartnerPayout, PartnerProgram, ProviderAccount
from payments.providers import PROVIDERS
from payments.providers.partner import Partner

from . import accounts, partner_payees

FRESH = dt.timedelta(hours=1)
OWN = ("_note", partner_payees.CONFIRM)


def may_pay_out(account: ProviderAccount) -> str:
    """Why this account's partner balance may not be paid out now, as a sentence; empty if it may."""
    if not issubclass(PROVIDERS[account.provider], Partner):
        return _("This provider has no partner programme.")
    return accounts.why_no_money_out(account)


def why_not(program: PartnerProgram) -> str:
    """Why nothing can be requested of this programme's balance now, as a sentence; "" if it can."""
    if refusal := may_pay_out(program.account):
        return refusal
    if in_flight(program.account) is not None:
        return _("A payout of this account is under way already.")
    if not program.balance or program.balance <= 0:
        return _("There is nothing to pay out.")
    if program.min_payout is not None and program.balance < program.min_payout:
        return _("The smallest payout there is %(least)s, the balance %(balance)s.") % {
            "least": money.plain(program.min_payout),
            "balance": money.plain(program.balance),
        }
    return ""


def in_flight(account: ProviderAccount) -> PartnerPayout | None:
    """The payout of this account that is not over yet, if there is one."""
    return PartnerPayout.objects.filter(account=account, status__in=PartnerPayout.OPEN).first()


def check(*, account: ProviderAccount, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a new payout from what was typed. Raises ValidationError with every error at its field."""
    if refusal := may_pay_out(account):
        raise ValidationError(refusal)
    program = PartnerProgram.objects.filter(account=account).select_related("account").first()
    if program is None or program.asked_at is None or program.asked_at < timezone.now() - FRESH:
        raise ValidationError(_("The balance there is not known, or older than an hour. Ask for it first."))
    if refusal := why_not(program):
        raise ValidationError(refusal)
    given = {name: str(value).strip() for name, value in fields.items() if value not in ("", None, False)}
    errors: dict[str, Any] = {
        name: _("This provider has no such field.")
        for name in given
        if name not in ("method_id", "account", *OWN)
    }
    way = partner_payees.find_way(program, given.get("method_id", ""))
    payee = None
    if way is None:
        errors["method_id"] = _("Choose how it is paid out.")
        if not given.get("account"):
            errors["account"] = _("Where should it go?")
    else:
        try:
            payee = partner_payees.check(account=account, way=way, given=given)
        except ValidationError as error:
            errors = error.error_dict | errors
    if errors or way is None or payee is None or program.balance is None:
        raise ValidationError(errors)
    return {
        "method_id": way.id,
        "method": way.title[:200],
        "payee_account": payee.account,
        "shown": payee.shown,
        "is_card": payee.is_card,
        "purpose": given.get("_note", "")[:300],
        "currency": program.currency,
        "expected": program.balance,
        "max_debit": money.quantize(program.balance * (1 + account.reserve_margin), money.DECIMAL_PLACES),
    }


def to_send(payout: PartnerPayout) -> dict[str, str]:
    """The exchanger's parameters."""
    return {"method_id": payout.method_id, "account": payout.payee_account}
