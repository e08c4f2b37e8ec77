"""The checks of what is typed for a voucher, and what is sent to make one. Reads only."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from backoffice.kit import money
from codes.models import Voucher
from payments.models import Balance, ProviderAccount
from payments.providers import PROVIDERS
from payments.providers.base import Field, Vouchers
from payments.services import accounts, approvals, methods

OWN = ("_customer_reference", "_note", "_make_password")
MOST = 100  # vouchers in one request
# Read aloud and typed by hand: without letters and digits that look alike.
ALPHABET = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1lI5S2Z8B")))
PASSWORD_LENGTH = 14


def has_vouchers(account: ProviderAccount) -> bool:
    """Whether this account's provider has vouchers at all."""
    return issubclass(PROVIDERS[account.provider], Vouchers)


def may_issue(account: ProviderAccount) -> str:
    """Why no voucher can be made from this account now, as a sentence; empty if one can."""
    if not has_vouchers(account):
        return _("This provider has no vouchers.")
    return accounts.why_no_money_out(account)


def may_redeem(account: ProviderAccount) -> str:
    """Why no voucher can be redeemed to this account now, as a sentence; empty if one can."""
    if not has_vouchers(account):
        return _("This provider has no vouchers.")
    if not account.is_active:
        return _("This account is switched off.")
    if not account.money_in:
        return _("Money in is switched off for this account.")
    if not account.credentials:
        return _("This account has no keys. An admin must enter them.")
    return ""


def check(*, account: ProviderAccount, fields: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The columns of new vouchers from what was typed. Raises ValidationError with every error at its field."""
    if refusal := may_issue(account):
        raise ValidationError(refusal)
    given = _given(fields)
    known = {field.name: field for field in PROVIDERS[account.provider].voucher_fields}
    errors: dict[str, Any] = {
        name: _("This provider has no such field.") for name in given if name not in known and name not in OWN
    }
    errors |= _too_long(known, given)
    if not 1 <= count <= MOST:
        errors["count"] = _("Between 1 and %(most)s vouchers can be requested at once.") % {"most": MOST}
    currency = str(given.get("currency", ""))
    if not Balance.objects.filter(account=account, currency=currency, stated__isnull=False).exists():
        errors["currency"] = _("Choose a balance of this account to make it from.")
    amount = None
    if "amount" not in given:
        errors["amount"] = _("How much should it be worth?")
    else:
        try:
            amount = methods.read_amount(given["amount"], code=currency, name="amount")
        except ValidationError as error:
            errors |= error.error_dict
    password = given.get("pass", "")
    if password and given.get("_make_password"):
        errors["pass"] = _("Either type a password or let one be made, not both.")
    if errors:
        raise ValidationError(errors)
    return {
        "currency": currency,
        "amount": amount,
        "password": password,
        "has_password": bool(password or given.get("_make_password")),
        "password_made": bool(given.get("_make_password")),
        "description": str(given.get("desc", "")),
        "payee": str(given.get("_customer_reference", ""))[:120],
        "purpose": str(given.get("_note", ""))[:300],
    }


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    return {name: value for name, value in given.items() if value not in ("", None, False)}


def _too_long(known: Mapping[str, Field], given: Mapping[str, Any]) -> dict[str, str]:
    # Our reference and a space stand before the description.
    limits = {name: field.max_length for name, field in known.items() if field.max_length}
    if "desc" in limits:
        limits["desc"] -= 19
    return {
        name: _("At most %(limit)s characters.") % {"limit": limit}
        for name, limit in limits.items()
        if len(str(given.get(name, ""))) > limit
    }


def check_code(*, account: ProviderAccount, code: str, password: str) -> None:
    """The checks of a code that is to be redeemed. Raises ValidationError at `code` or `pass`, never with its value."""
    if refusal := may_redeem(account):
        raise ValidationError(refusal)
    names = {"code": code, "pass": password}
    errors = {}
    if not code:
        errors["code"] = _("Enter the code.")
    elif not (code.isprintable() and code.isascii()) or " " in code:
        errors["code"] = _("There is a space or a strange letter in the code. Copy it again.")
    for field in PROVIDERS[account.provider].redeem_fields:
        if field.max_length and len(names.get(field.name, "")) > field.max_length:
            errors[field.name] = _("At most %(limit)s characters.") % {"limit": field.max_length}
    if errors:
        raise ValidationError(errors)


def made_password() -> str:
    """A fresh password that nobody has seen."""
    return "".join(secrets.choice(ALPHABET) for _letter in range(PASSWORD_LENGTH))


# --- What leaves ---
def sent_description(voucher: Voucher) -> str:
    """Our reference first, so that the code is found again after a doubt (WIRE section 2, e)."""
    return f"{voucher.reference.value} {voucher.description}".strip()


def to_send(voucher: Voucher) -> dict[str, Any]:
    """The provider's parameters of a new code, amount as Decimal. This is what the approval binds."""
    sent: dict[str, Any] = {
        "amount": money.read(voucher.amount),
        "currency": voucher.currency,
        "desc": sent_description(voucher),
    }
    return sent | {"pass": voucher.password} if voucher.password else sent


def bound(voucher: Voucher) -> str:
    """The digest of what would leave now: account, base URL, parameters and the most that may be debited."""
    return approvals.digest(
        reference=voucher.reference,
        account=voucher.account,
        payload=to_send(voucher),
        max_debit=voucher.amount or Decimal(0),
    )


def is_free(*, account: ProviderAccount, currency: str, total: Decimal) -> bool:
    """Whether a request of this total needs no second person on this account."""
    right_currency = account.voucher_free_currency in ("", currency)
    return right_currency and 0 < total <= account.voucher_free_amount


def why_not(voucher: Voucher) -> str:
    """Why this voucher may not be made now for want of a yes, as a sentence; empty when it may."""
    if not voucher.free_digest:
        return approvals.why_not(reference=voucher.reference, digest=bound(voucher))
    if voucher.free_digest != bound(voucher):
        return _("Something has changed since it was let through.")
    total = (voucher.amount or Decimal(0)) * Voucher.objects.filter(bulk=voucher.bulk).count()
    if not is_free(account=voucher.account, currency=voucher.currency, total=total):
        return _("It needs another person's approval now.")
    return ""


def facts(voucher: Voucher) -> dict[str, Any]:
    """What the audit trail keeps of a request."""
    return {
        "direction": voucher.direction,
        "amount": money.plain(voucher.amount) if voucher.amount is not None else "",
        "currency": voucher.currency,
        "with_password": voucher.has_password,
        "for_whom": voucher.payee,
        "account": voucher.account.name,
    }
