"""The checks of a withdrawal's fields against the payment system's rules, its estimate, and what is sent. Deals floor."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from backoffice.kit import money
from backoffice.kit.fields import keyed_digests, mask_card
from payments import addresses
from payments.models import Balance, Method, ProviderAccount, Withdrawal
from payments.providers import PROVIDERS
from payments.providers.base import Withdrawals

from . import accounts, methods

SIMILAR = dt.timedelta(minutes=10)
OWN = ("_max_debit", "_customer_reference", "_note", "_confirm_similar")


def may_pay_out(account: ProviderAccount) -> str:
    """Why this account may not send money now, as a sentence; empty if it may."""
    if not issubclass(PROVIDERS[account.provider], Withdrawals):
        return _("This provider has no withdrawals.")
    return accounts.why_no_money_out(account)


def check(*, account: ProviderAccount, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a new withdrawal from what was typed. Raises ValidationError with every error at its field."""
    if refusal := may_pay_out(account):
        raise ValidationError(refusal)
    given = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    given = {name: value for name, value in given.items() if value not in ("", None, False)}
    known = {field.name: field for field in PROVIDERS[account.provider].withdrawal_fields}
    unknown = [name for name in given if name not in known and name not in OWN]
    if unknown:
        raise ValidationError({name: _("This provider has no such field.") for name in unknown})
    method = methods.find(account, str(given.get("paysys", "")), operation="for_withdrawal")
    errors: dict[str, Any] = dict(methods.missing(method, given))
    values: dict[str, Any] = {
        "method": method.code,
        "currency": method.currency,
        "tag": given.get("dtag", ""),
        "payee": str(given.get("_customer_reference", ""))[:120],
        "purpose": str(given.get("_note", ""))[:300],
    }
    for step in (_lengths, _amount, _balance, _purse):
        try:
            values |= step(account, method, given)
        except ValidationError as error:
            errors |= error.error_dict
    if {"amount", "balance_currency"} <= values.keys():
        try:
            values |= _debit(account, method, given, values)
        except ValidationError as error:
            errors |= error.error_dict
    if not errors:
        _similar(account, given, values)
    if errors:
        raise ValidationError(errors)
    kept = {name: str(value) for name, value in given.items() if name not in ("purse", *OWN)}
    return values | {"fields": kept}


def _lengths(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    errors = {
        field.name: _("At most %(limit)s characters.") % {"limit": field.max_length}
        for field in PROVIDERS[account.provider].withdrawal_fields
        if field.max_length and len(str(given.get(field.name, ""))) > field.max_length
    }
    if errors:
        raise ValidationError(errors)
    return {}


def _amount(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    if "amount" not in given:
        raise ValidationError({"amount": _("How much should the payee get?")})
    amount = methods.read_amount(given["amount"], code=method.currency, name="amount")
    methods.check_limits(method, amount)
    return {"amount": amount}


def _balance(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    currency = str(given.get("currency", ""))
    if not Balance.objects.filter(account=account, currency=currency, stated__isnull=False).exists():
        raise ValidationError({"currency": _("Choose a balance of this account to pay from.")})
    return {"balance_currency": currency}


def _purse(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    if "purse" not in given:
        raise ValidationError({"purse": _("Where should the money go?")})
    purse = str(given["purse"])
    verdict = addresses.check(method.code, purse)
    if verdict.valid is False:
        raise ValidationError({"purse": verdict.words})
    is_card = method.is_card or addresses.looks_like_card(purse)
    if is_card:
        # However it was typed, the same card is the same destination.
        purse = purse.replace(" ", "").replace("-", "")
    return {"purse": purse, "is_card": is_card, "shown": mask_card(purse) if is_card else purse[:200]}


def _debit(
    account: ProviderAccount, method: Method, given: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, Any]:
    estimate = estimated(method, values["amount"], values["balance_currency"])
    code = values["balance_currency"]
    if "_max_debit" in given:
        most = methods.read_amount(given["_max_debit"], code=code, name="_max_debit")
        if code == method.currency and most < values["amount"]:
            raise ValidationError({"_max_debit": _("This is less than the payee gets.")})
        return {"estimate": estimate, "max_debit": most}
    if estimate is None:
        raise ValidationError(
            {
                "_max_debit": _("What it costs is not known here. Type the most that may be debited, in %s.")
                % code
            }
        )
    return {"estimate": estimate, "max_debit": with_margin(account, estimate, code)}


def estimated(method: Method, amount: Decimal, balance_currency: str) -> Decimal | None:
    """Amount and fee in the balance's currency; None if the fee is not known or the currencies differ."""
    if balance_currency != method.currency or (method.fee_fixed is None and method.fee_rate is None):
        return None
    fee = (method.fee_fixed or Decimal(0)) + amount * (method.fee_rate or Decimal(0))
    return money.quantize(amount + fee, methods.digits(balance_currency))


def with_margin(account: ProviderAccount, estimate: Decimal, currency: str) -> Decimal:
    """The estimate with the account's reserve margin on top, to the currency's digits (half to even)."""
    return money.quantize(estimate * (1 + account.reserve_margin), methods.digits(currency))


def _similar(account: ProviderAccount, given: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    if given.get("_confirm_similar"):
        return
    first = (
        Withdrawal.objects.filter(
            account=account,
            purse_digest__in=keyed_digests(values["purse"], "withdrawal purse"),
            amount=values["amount"],
            created_at__gt=timezone.now() - SIMILAR,
        )
        .exclude(Q(status="rejected") | Q(status="canceled") | Q(status="failed"))
        .order_by("created_at")
        .first()
    )
    if first is not None:
        raise ValidationError(
            {
                "_confirm_similar": format_html(
                    '{} <a href="{}">{}</a>. {}',
                    _("The same amount to the same destination was requested a moment ago:"),
                    reverse("payments:withdrawal", args=[first.pk]),
                    first.reference.value,
                    _("Tick this box if a second one is meant."),
                )
            }
        )


def to_send(withdrawal: Withdrawal) -> dict[str, Any]:
    """The provider's parameters, amount as Decimal, the purse decrypted. This is what the approval binds."""
    sent: dict[str, Any] = {
        name: value for name, value in withdrawal.fields.items() if not name.startswith("_")
    }
    return sent | {"amount": money.read(withdrawal.amount), "purse": withdrawal.purse}


def facts(withdrawal: Withdrawal) -> dict[str, Any]:
    """What the audit trail keeps of a request."""
    return {
        "method": withdrawal.method,
        "amount": money.plain(withdrawal.amount),
        "currency": withdrawal.currency,
        "paid_from": withdrawal.balance_currency,
        "max_debit": money.plain(withdrawal.max_debit),
        "to": withdrawal.shown,
        "account": withdrawal.account.name,
    }
