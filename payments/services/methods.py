"""Payment methods and currencies: prefilled from the documents, and the checks of fields against them. Facts floor."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.kit import html, money
from backoffice.permissions import guarded
from payments.models import Currency, Method, ProviderAccount
from payments.providers import PROVIDERS

# code: (title, digits, state money)
KNOWN_CURRENCIES = {
    "BTC": ("Bitcoin", 8, False),
    "ETH": ("Ether", 18, False),
    "LTC": ("Litecoin", 8, False),
    "USDT": ("Tether", 6, False),
    "EUR": ("Euro", 2, True),
    "KZT": ("Kazakhstani tenge", 2, True),
    "RUB": ("Russian ruble", 2, True),
    "USD": ("US dollar", 2, True),
}
DEFAULT_DIGITS = 8
COIN_PLACES, OTHER_PLACES = 8, 2
SHOWN_SECONDS = 60
_shown: tuple[float, dict[str, int]] = (0.0, {})  # until when it is believed, and the decimals by code


def ensure_currencies(codes: list[str] | None = None) -> None:
    """Add the currencies that are missing. Known ones come with their digits, others with 8."""
    found = []
    for code in codes or list(KNOWN_CURRENCIES):
        title, digits, is_fiat = KNOWN_CURRENCIES.get(code, (code, DEFAULT_DIGITS, False))
        found.append(Currency(code=code, title=title, digits=digits, is_fiat=is_fiat))
    Currency.objects.bulk_create(found, ignore_conflicts=True)


def prefill(*, account: ProviderAccount) -> None:
    """Give an account the methods of its provider's document. Methods that stand already are not touched."""
    documented = PROVIDERS[account.provider].documented_methods
    ensure_currencies(sorted({method.currency for method in documented}))
    found = (
        Method(
            account=account,
            code=method.code,
            title=method.title,
            currency=method.currency,
            for_invoice="invoice" in method.operations,
            for_withdrawal="withdraw" in method.operations,
            internal_balance=method.internal_balance,
            needs_purse=method.needs_purse,
            needs_tag=method.needs_tag,
            needs_names=method.needs_names,
        )
        for method in documented
    )
    Method.objects.bulk_create(found, ignore_conflicts=True)


@guarded("payments.manage_currency")
@transaction.atomic
def save_currency(*, actor: Any, currency: Currency) -> Currency:
    """Add or change a currency. Raises ValidationError by field."""
    currency.full_clean()
    currency.save()
    transaction.on_commit(_forget_places)
    audit.record(actor, "currency.changed", currency, digits=currency.digits)
    return currency


def check(method: Method) -> None:
    """Raise ValidationError for a method whose limits contradict each other or that can do nothing."""
    method.full_clean()
    if (
        method.min_amount is not None
        and method.max_amount is not None
        and method.min_amount > method.max_amount
    ):
        raise ValidationError({"max_amount": _("The largest amount is below the smallest.")})
    if method.fee_fixed is not None and method.fee_fixed < 0:
        raise ValidationError({"fee_fixed": _("A fee is not below zero.")})
    ensure_currencies([method.currency])


@guarded("payments.manage_method")
@transaction.atomic
def save_method(*, actor: Any, method: Method) -> Method:
    """Add or change a payment method. Raises ValidationError by field."""
    check(method)
    before: dict[str, Any] = dict(Method.objects.filter(pk=method.pk).values().first() or {})
    method.save()
    after = Method.objects.filter(pk=method.pk).values().get()
    changed = {
        name: [str(before.get(name, "")), str(value)]
        for name, value in after.items()
        if before.get(name) != value
    }
    audit.record(
        actor,
        "method.changed" if before else "method.added",
        method.account,
        method=method.code,
        changed=changed,
    )
    return method


def digits(code: str) -> int:
    """Display digits of a currency; 8 for an unknown one."""
    found = Currency.objects.filter(code=code).values_list("digits", flat=True).first()
    return DEFAULT_DIGITS if found is None else found


def places(code: str) -> int:
    """How many decimals an amount is shown with at least: state money its digits (JPY 0, EUR 2), coins of 8 and more
    digits 8, other tokens and unknown codes 2. Read once a minute in each process, and anew when one is changed.
    """
    global _shown
    until, known = _shown
    if until < time.monotonic():
        known = {currency.code: _places(currency) for currency in Currency.objects.all()}
        _shown = (time.monotonic() + SHOWN_SECONDS, known)
    return known.get(code, OTHER_PLACES)


def _places(currency: Currency) -> int:
    if currency.is_fiat:
        return currency.digits
    return COIN_PLACES if currency.digits >= COIN_PLACES else min(currency.digits, OTHER_PLACES)


def _forget_places() -> None:
    global _shown
    _shown = (0.0, {})


def find(account: ProviderAccount, code: str, *, operation: str) -> Method:
    """The enabled method for `for_invoice` or `for_withdrawal`. Raises ValidationError on `paysys`."""
    method = Method.objects.filter(account=account, code=code, enabled=True, **{operation: True}).first()
    if method is None:
        raise ValidationError({"paysys": _("Choose a payment system that this account can use here.")})
    return method


def read_amount(value: Any, *, code: str, name: str) -> Decimal:
    """An amount that a person typed, above zero and within the currency's digits. ValidationError on `name`."""
    try:
        amount = money.parse(str(value).strip(), places=digits(code))
    except money.BadAmount as error:
        raise ValidationError({name: _(error.words) % error.params}) from error
    if amount <= 0:
        raise ValidationError({name: _("Enter an amount above zero.")})
    return amount


def read_typed(typed: Mapping[str, Any], name: str, code: str) -> tuple[Decimal | None, str]:
    """An amount of a form that is being filled in, or what is wrong with it; neither while its box is empty."""
    text = str(typed.get(name) or "").strip()
    if not text:
        return None, ""
    try:
        return read_amount(text, code=code, name=name), ""
    except ValidationError as error:
        return None, " ".join(error.messages)


def check_limits(method: Method, amount: Decimal, *, name: str = "amount", incoming: bool = False) -> None:
    """Raise ValidationError on `name` if the amount is outside of this method's limits.

    `incoming`: those of payments to us, where the provider tells them apart.
    """
    values = {"currency": method.currency}
    apart = incoming and method.stated_at is not None
    least = method.min_deposit if apart else method.min_amount
    most = method.max_deposit if apart else method.max_amount
    if least is not None and amount < least:
        values["limit"] = html.amount_text(least, places=0)
        raise ValidationError({name: _("The smallest amount here is %(limit)s %(currency)s.") % values})
    if most is not None and amount > most:
        values["limit"] = html.amount_text(most, places=0)
        raise ValidationError({name: _("The largest amount here is %(limit)s %(currency)s.") % values})


def fee(method: Method, amount: Decimal) -> tuple[Decimal | None, str]:
    """The fee of paying `amount` out by this method, and its currency. None: not known.

    Of what the provider states, both parts must be there, a share of the amount is in the amount's currency, and the fee
    comes in that currency's digits; of what an admin entered it is exact.
    """
    currency = method.fee_currency or method.currency
    if method.fee_fixed is None and method.fee_rate is None:
        return None, currency
    if method.stated_at is not None and (
        method.fee_fixed is None
        or method.fee_rate is None
        or (currency != method.currency and method.fee_rate)
    ):
        return None, currency
    found = (method.fee_fixed or Decimal(0)) + amount * (method.fee_rate or Decimal(0))
    return found if method.stated_at is None else money.quantize(found, digits(currency)), currency


def missing(method: Method, fields: Mapping[str, Any]) -> dict[str, str]:
    """What this method needs and the fields lack, as errors by field name (tag and names; not the purse)."""
    errors = {}
    if method.needs_tag and not fields.get("dtag"):
        errors["dtag"] = _("This payment system needs a tag or memo.")
    if method.needs_names:
        for name in ("name", "surname"):
            if not fields.get(name):
                errors[name] = _("This payment system needs name and surname.")
    return errors
