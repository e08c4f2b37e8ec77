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

from backoffice.kit import html, money
from backoffice.kit.fields import keyed_digests, mask_card
from payments import addresses
from payments.models import KNOWN, Balance, Method, ProviderAccount, Withdrawal
from payments.providers import PROVIDERS
from payments.providers.base import Withdrawals

from . import accounts, balances, methods, orders, own_addresses, spellings

SIMILAR = dt.timedelta(minutes=10)
#: Our word for each of the provider's numbers.
PAYERS = {"1": "balance", "2": "amount"}
OWN = ("_max_debit", "_customer_reference", "_note", "_confirm_similar", "_confirm_own")


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
    kept = {
        name: str(value) for name, value in given.items() if name not in ("purse", *spellings.PAYEES, *OWN)
    }
    if not spellings.has_networks(account):
        return _checked(account, given) | {"fields": kept}
    said, given = given, spellings.plain(given)
    names = spellings.named(None, said)
    try:
        method = methods.find(account, str(given.get("paysys", "")), operation="for_withdrawal")
        names = spellings.named(method, said)
        _lengths(account, method, said)
        orders.check_payee(method, said)
        orders.check(said, ticker="auto_buy_ticker", percent="auto_buy_percent")
        return _checked(account, given) | {"fields": kept}
    except ValidationError as error:
        raise spellings.renamed(error, names) from error


def _checked(account: ProviderAccount, given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns from what was typed, in our spelling."""
    method = methods.find(account, str(given.get("paysys", "")), operation="for_withdrawal")
    errors: dict[str, Any] = dict(methods.missing(method, given))
    values: dict[str, Any] = {
        "method": method.code,
        "currency": method.currency,
        "tag": given.get("dtag", ""),
        "payee": str(given.get("_customer_reference", ""))[:120],
        "purpose": str(given.get("_note", ""))[:300],
    }
    for step in (_lengths, _fee_payer, _amount, _balance, _purse):
        try:
            values |= step(account, method, given)
        except ValidationError as error:
            errors |= error.error_dict
    if {"amount", "balance_currency"} <= values.keys():
        try:
            values |= _debit(account, method, given, values)
        except ValidationError as error:
            errors |= error.error_dict
    for confirm in () if errors else (_similar, _ours):
        try:
            confirm(account, given, values)
        except ValidationError as error:
            errors |= error.error_dict
    if errors:
        raise ValidationError(errors)
    return values


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
    if not Balance.objects.filter(KNOWN, account=account, currency=currency).exists():
        if balances.is_computed(account):
            raise ValidationError(
                {"currency": _("An admin must enter the opening balance in %s first.") % currency}
            )
        raise ValidationError({"currency": _("Choose a balance of this account to pay from.")})
    return {"balance_currency": currency}


def _purse(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    if "purse" not in given:
        raise ValidationError({"purse": _("Where should the money go?")})
    purse = str(given["purse"])
    verdict = addresses.check(
        "card" if method.network and method.is_card else method.network or method.code, purse
    )
    if verdict.valid is False:
        raise ValidationError({"purse": verdict.words})
    is_card = method.is_card or addresses.looks_like_card(purse)
    if is_card:
        # However it was typed, the same card is the same destination.
        purse = purse.replace(" ", "").replace("-", "")
    return {"purse": purse, "is_card": is_card, "shown": mask_card(purse) if is_card else purse[:200]}


def _fee_payer(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    """Who pays the fee, and how much it is, where it must be computed because the provider states no debit."""
    if method.stated_at is None:
        return {}
    payer = PAYERS.get(str(given.get("fee_payer", "")) or "1")
    if payer is None:
        raise ValidationError({"fee_payer": _("Choose whether the balance or the amount pays the fee.")})
    amount = _amount(account, method, given)["amount"]
    fee, currency = methods.fee(method, amount)
    if payer == "amount":
        if currency != method.currency:
            raise ValidationError(
                {
                    "fee_payer": _("The fee is in %(fee)s, so it cannot be taken from %(amount)s.")
                    % {"fee": currency, "amount": method.currency}
                }
            )
        if fee is None:
            raise ValidationError(
                {"fee_payer": _("The fee is not known, so it cannot be taken from the amount.")}
            )
        if fee >= amount:
            raise ValidationError(
                {"amount": _("The fee of %s would leave nothing of it.") % html.amount_text(fee, places=0)}
            )
    return {"fee_payer": payer, "fee_quoted": fee, "fee_currency": currency}


def _debit(
    account: ProviderAccount, method: Method, given: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, Any]:
    estimate = estimated(
        method, values["amount"], values["balance_currency"], payer=values.get("fee_payer", "")
    )
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


def estimated(method: Method, amount: Decimal, balance_currency: str, *, payer: str = "") -> Decimal | None:
    """Amount and fee in the balance's currency; None if the fee is not known or the currencies differ.

    A fee that the amount pays, or that another balance pays, adds nothing.
    """
    if balance_currency != method.currency:
        return None
    fee, currency = methods.fee(method, amount)
    if fee is None:
        return None
    if payer == "amount" or currency != balance_currency:
        return amount
    return money.quantize(amount + fee, methods.digits(balance_currency))


def fee_apart(withdrawal: Withdrawal) -> Decimal | None:
    """The fee with the reserve margin, where another balance than the amount's pays it; None otherwise."""
    if not withdrawal.fee_quoted or withdrawal.fee_currency in ("", withdrawal.balance_currency):
        return None
    return with_margin(withdrawal.account, withdrawal.fee_quoted, withdrawal.fee_currency)


def to_reserve(withdrawal: Withdrawal) -> dict[str, Decimal]:
    """What an approval holds back, by the currency of the balance."""
    amounts = {withdrawal.balance_currency: money.read(withdrawal.max_debit)}
    apart = fee_apart(withdrawal)
    return amounts if apart is None else amounts | {withdrawal.fee_currency: apart}


def parts(withdrawal: Withdrawal) -> tuple[Decimal, Decimal, Decimal]:
    """Of a provider that states no debit: what goes without the fee, the whole debit of the amount's balance, and the
    fee (in its own currency).
    """
    amount, fee = money.read(withdrawal.amount), withdrawal.fee_quoted or Decimal(0)
    if withdrawal.fee_payer == "amount":
        return amount - fee, amount, fee
    if withdrawal.fee_currency not in ("", withdrawal.balance_currency):
        return amount, amount, fee
    return amount, amount + fee, fee


def check_fee(withdrawal: Withdrawal) -> None:
    """Before a yes: take over the fee as the payment method states it now. Raises ValidationError if what was requested
    does not cover it any more.
    """
    if not withdrawal.fee_payer:
        return
    method = Method.objects.filter(account=withdrawal.account, code=withdrawal.method, enabled=True).first()
    if method is None or not method.for_withdrawal:
        raise ValidationError(_("The payment method is closed now."))
    amount = money.read(withdrawal.amount)
    fee, currency = methods.fee(method, amount)
    same = (fee, currency) == (withdrawal.fee_quoted, withdrawal.fee_currency)
    if not same:
        apart = withdrawal.balance_currency not in (currency, withdrawal.fee_currency)
        more = fee is None or currency != withdrawal.fee_currency or apart
        withdrawal.fee_quoted = fee
        if more or parts(withdrawal)[1] > withdrawal.max_debit or parts(withdrawal)[0] <= 0:
            raise ValidationError(
                _("The fee has changed since this was requested. It must be requested again.")
            )
        withdrawal.save(update_fields=["fee_quoted"])


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


def _ours(account: ProviderAccount, given: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    if not values["is_card"]:
        own_addresses.check([values["purse"]], confirmed=str(given.get("_confirm_own", "")))


def own_warnings(withdrawal: Withdrawal) -> list[Any]:
    """That it pays to an address of our own, as sentences for whoever approves it."""
    if withdrawal.is_card:
        return []
    return [own_addresses.warning(owner) for owner in own_addresses.find([withdrawal.purse]).values()]


def to_send(withdrawal: Withdrawal) -> dict[str, Any]:
    """The provider's parameters, amount as Decimal, the purse decrypted. This is what the approval binds."""
    sent: dict[str, Any] = {
        name: value for name, value in withdrawal.fields.items() if not name.startswith("_")
    }
    sent["amount"] = money.read(withdrawal.amount)
    if spellings.has_networks(withdrawal.account):
        return sent | {"card" if withdrawal.is_card else "address": withdrawal.purse}
    return sent | {"purse": withdrawal.purse}


def to_bind(withdrawal: Withdrawal) -> dict[str, Any]:
    """What an approval binds: all that is sent, and a fee that another balance pays."""
    bound = to_send(withdrawal)
    if fee_apart(withdrawal) is not None:
        bound["_fee"] = f"{money.plain(money.read(withdrawal.fee_quoted))} {withdrawal.fee_currency}"
    return bound


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
