"""The checks of an invoice's fields against the payment system's rules, and what is sent. Deals floor."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from backoffice.kit import money
from payments.models import Invoice, Method, OwnDestination, ProviderAccount
from payments.providers import PROVIDERS
from payments.providers.base import Invoices
from payments.providers.wallets import FiatInvoices

from . import destinations, methods, orders, spellings

_PAYLIST = re.compile(r"[A-Za-z0-9_-]{2,32}")
_url = URLValidator(schemes=["https", "http"])


def check(*, account: ProviderAccount, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a new invoice from what was typed. Raises ValidationError, every error at its field."""
    if refusal := why_no_bill(account):
        raise ValidationError(refusal)
    given = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    given = {name: value for name, value in given.items() if value not in ("", None, [])}
    known = {field.name: field for field in PROVIDERS[account.provider].invoice_fields}
    errors: dict[str, Any] = {
        name: _("This provider has no such field.")
        for name in given
        if name not in known and not name.startswith("_")
    }
    if errors:
        raise ValidationError(errors)
    if spellings.has_networks(account):
        return _fiat(account, given)
    method = methods.find(account, str(given.get("paysys", "")), operation="for_invoice")
    values: dict[str, Any] = {
        "method": method.code,
        "currency": method.currency,
        "to_balance": method.internal_balance,
        "tag": given.get("dtag", ""),
        # Its beginning, for lists; `fields` keep it whole.
        "description": str(given.get("desc", ""))[: _width("description")],
        "customer": str(given.get("_customer_reference", ""))[:120],
        "fee_payer": given.get("comis", "payer"),
    }
    errors |= methods.missing(method, given)
    for step in (_lengths, _choices, _amounts, _paylist, _contact, _purse):
        try:
            values |= step(account, method, given)
        except ValidationError as error:
            errors |= error.error_dict
    if errors:
        raise ValidationError(errors)
    kept = {
        name: _text(value) for name, value in given.items() if name not in ("purse", "_customer_reference")
    }
    return values | {"fields": kept, "expected": values.get("amount")}


def _width(column: str) -> int:
    return int(getattr(Invoice._meta.get_field(column), "max_length", None) or 0)


def _text(value: Any) -> str:
    return ",".join(value) if isinstance(value, (list, tuple)) else str(value)


def why_no_bill(account: ProviderAccount) -> str:
    """Why this account can make no bill now, as a sentence; "" if it can."""
    if not issubclass(PROVIDERS[account.provider], (Invoices, FiatInvoices)):
        return _("This provider has no invoices.")
    if not account.is_active:
        return _("This account is switched off.")
    if not account.money_in:
        return _("Money in is switched off for this account.")
    if not account.credentials:
        return _("This account has no keys. An admin must enter them.")
    return ""


# --- Bills of providers with networks ---
def _fiat(account: ProviderAccount, given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a bill in ordinary money: always to our balance there, less the provider's fee."""
    names = spellings.named(None, given)
    try:
        method = methods.find(account, str(spellings.plain(given).get("paysys", "")), operation="for_invoice")
    except ValidationError as error:
        raise spellings.renamed(error, names) from error
    errors: dict[str, Any] = {}
    values: dict[str, Any] = {
        "method": method.code,
        "currency": method.currency,
        "to_balance": True,
        "customer": str(given.get("_customer_reference", ""))[:120],
        "fee_payer": "payee",
        "destination": None,
    }
    for step in (_lengths, _fiat_amount, _payer, _pages, _order):
        try:
            values |= step(account, method, given)
        except ValidationError as error:
            errors |= error.error_dict
    if errors:
        raise ValidationError(errors)
    kept = {name: _text(value) for name, value in given.items() if name != "_customer_reference"}
    return values | {"fields": kept, "expected": values["amount"]}


def _fiat_amount(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    if "amount" not in given:
        raise ValidationError({"amount": _("How much should the payer pay?")})
    amount = methods.read_amount(given["amount"], code=method.currency, name="amount")
    methods.check_limits(method, amount, incoming=True)
    return {"amount": amount}


def _payer(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    check_payer_ip(str(given.get("client_ip", "")))
    return {}


def check_payer_ip(address: str) -> str:
    """The payer's address, spelled plainly. Raises ValidationError on `client_ip`."""
    if not address:
        raise ValidationError(
            {"client_ip": _("Enter the payer's IP address: only from there the payment is possible.")}
        )
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise ValidationError({"client_ip": _("Enter an IP address such as 203.0.113.7.")}) from None
    if not found.is_global and not settings.DEBUG:
        raise ValidationError(
            {"client_ip": _("This address is of a private network: no payer comes from there.")}
        )
    return str(found)


def _pages(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    errors = {}
    for name in ("payment_url", "cancel_url"):
        if name in given:
            try:
                _url(given[name])
            except ValidationError as error:
                errors[name] = error.messages[0]
    if errors:
        raise ValidationError(errors)
    return {}


def _order(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    orders.check(given, ticker="convert_ticker", percent="convert_percent", limit="convert_limit")
    if "convert_limit" in given:
        methods.read_amount(given["convert_limit"], code=method.currency, name="convert_limit")
    return {}


def _lengths(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    errors = {}
    for field in PROVIDERS[account.provider].invoice_fields:
        limit = _width("tag") if field.name == "dtag" else field.max_length
        if limit and len(_text(given.get(field.name, ""))) > limit:
            errors[field.name] = _("At most %(limit)s characters.") % {"limit": limit}
    if errors:
        raise ValidationError(errors)
    return {}


def _choices(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("comis", "payer") not in ("payer", "payee"):
        raise ValidationError({"comis": _("Choose who pays the fee.")})
    return {}


def _amounts(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    if ("amount" in given) == ("pay_amount" in given):
        text = (
            _("Enter either the amount to receive or the amount to pay, not both.")
            if "amount" in given
            else _("Enter the amount to receive, or the amount to pay.")
        )
        raise ValidationError({"amount": text, "pay_amount": text} if "amount" in given else {"amount": text})
    if "amount" in given:
        amount = methods.read_amount(given["amount"], code=method.currency, name="amount")
        methods.check_limits(method, amount)
        return {"amount": amount}
    codes = _codes(given.get("paylist", ""))
    if len(codes) != 1:
        raise ValidationError(
            {"paylist": _("With an amount to pay, choose exactly one payment system to pay with.")}
        )
    pay_currency = _pay_currency(account, codes[0])
    return {
        "pay_amount": methods.read_amount(given["pay_amount"], code=pay_currency, name="pay_amount"),
        "pay_currency": pay_currency,
    }


def _pay_currency(account: ProviderAccount, code: str) -> str:
    known = Method.objects.filter(account=account, code=code).values_list("currency", flat=True).first()
    return known or code[: _width("pay_currency")]


def _codes(paylist: Any) -> list[str]:
    if isinstance(paylist, (list, tuple)):
        return [str(code) for code in paylist]
    return [code.strip() for code in str(paylist).split(",") if code.strip()]


def _paylist(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    codes = _codes(given.get("paylist", ""))
    wrong = [code for code in codes if not _PAYLIST.fullmatch(code)]
    if wrong:
        raise ValidationError({"paylist": _("This is no code of a payment system: %s") % ", ".join(wrong)})
    if len(set(codes)) != len(codes):
        raise ValidationError({"paylist": _("A code stands here twice.")})
    return {}


def _contact(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    errors = {}
    for name, validate in (("email", validate_email), ("successurl", _url), ("failurl", _url)):
        if name in given:
            try:
                validate(given[name])
            except ValidationError as error:
                errors[name] = error.messages[0]
    if errors:
        raise ValidationError(errors)
    return {}


def _purse(account: ProviderAccount, method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    if method.internal_balance or not method.needs_purse:
        if "purse" in given:
            raise ValidationError(
                {"purse": _("This payment system pays to our balance there: leave this empty.")}
            )
        return {"destination": None}
    if "purse" not in given:
        raise ValidationError({"purse": _("Where should the money go? Choose one of our own destinations.")})
    found = destinations.find_approved(method=method.code, address=given["purse"], tag=given.get("dtag", ""))
    if found is None:
        link = reverse("payments:owndestination_create")
        raise ValidationError(
            {
                "purse": format_html(
                    '{} <a href="{}?method={}">{}</a>',
                    _("This is not in the approved book of our own destinations."),
                    link,
                    method.code,
                    _("Propose it"),
                )
            }
        )
    return {"destination": found}


def to_send(invoice: Invoice) -> dict[str, Any]:
    """The provider's parameters of an invoice, amounts as Decimal, the purse from the book."""
    sent: dict[str, Any] = {name: value for name, value in invoice.fields.items() if not name.startswith("_")}
    for name in ("amount", "pay_amount"):
        value: Decimal | None = getattr(invoice, name)
        if value is not None:
            sent[name] = money.read(value)
    if "convert_limit" in sent:
        sent["convert_limit"] = money.parse(sent["convert_limit"])
    if invoice.destination is not None:
        sent["purse"] = invoice.destination.address
    return sent


def facts(invoice: Invoice) -> dict[str, Any]:
    """What the audit trail keeps of a new invoice."""
    destination: OwnDestination | None = invoice.destination
    return {
        "method": invoice.method,
        "amount": money.plain(invoice.amount) if invoice.amount is not None else "",
        "currency": invoice.currency,
        "pay_amount": money.plain(invoice.pay_amount) if invoice.pay_amount is not None else "",
        "pay_currency": invoice.pay_currency,
        "destination": destination.shown if destination else "",
        "account": invoice.account.name,
    }
