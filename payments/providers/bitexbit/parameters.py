"""From requests of ours to bitexbit's parameters: what is sent, under which name, and what is refused before sending.

Source: the document's parameter tables and its sample of a withdrawal (tags). Strict: an unknown name or a value of
the wrong kind is Invalid, so that nothing is left out without a word.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from backoffice.kit import money
from payments.providers.base import Field
from payments.providers.bitexbit import fields
from payments.providers.errors import Invalid
from payments.providers.redaction import Parameters
from payments.providers.words import gettext_noop as _

_REFERENCE = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
_PERCENT = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,8})?", re.ASCII)

PAGING = ("page", "limit", "ordering")
HISTORY = ("ticker", "network", "status", "txid", "address")
TAGS = ("payment_id", "memo", "destination_tag")
ORDERINGS = ("", "id", "-id")
#: The longest page that is asked for: it stays far below the size at which an answer is cut off.
MOST_ROWS = 500

MISSING = _("This is needed.")
NOT_AN_AMOUNT = _("Enter an amount above zero.")
NOT_A_TEXT = _("Enter a text.")
NOT_A_PERCENT = _("Enter a percentage such as 2 or -0.5.")
NOT_AN_ADDRESS = _("Enter an IP address such as 203.0.113.7.")
UNKNOWN = _("bitexbit does not know this field.")
NOT_A_CHOICE = _("Choose one of the offered values.")
NO_TICKER = _("Choose the currency of the order, or leave this empty.")
NO_PERCENT = _("Say how much worse than the market the order may be. bitexbit would take 5 %.")
ONE_PAYEE = _("Enter either an address or a card, not both.")
NO_PAYEE = _("Enter the payee's address, or card for ordinary money.")
NO_REFERENCE = _("The transaction has no usable reference. Tell an admin.")


def wallet(given: Mapping[str, Any], callback_url: str) -> Parameters:
    """The parameters of `wallet/create`. Raises Invalid with a sentence per field."""
    problems: dict[str, str] = {}
    values = _values(fields.WALLET, given, problems)
    _order(values, problems, "convert_ticker", "convert_percent", "convert_limit")
    return _checked("wallet", values | _callback(callback_url), problems)


def invoice(given: Mapping[str, Any], callback_url: str) -> Parameters:
    """The parameters of `invoice/create`, which takes no reference. Raises Invalid with a sentence per field."""
    problems: dict[str, str] = {}
    values = _values(fields.INVOICE, given, problems)
    _order(values, problems, "convert_ticker", "convert_percent", "convert_limit")
    try:
        values["client_ip"] = str(ipaddress.ip_address(values.get("client_ip", "")))
    except ValueError:
        problems.setdefault("client_ip", NOT_AN_ADDRESS)
    return _checked("invoice", values | _callback(callback_url), problems)


def withdrawal(reference: str, given: Mapping[str, Any], callback_url: str) -> Parameters:
    """The parameters of `withdraw/create`. Raises Invalid with a sentence per field."""
    problems: dict[str, str] = {}
    values = _values(fields.WITHDRAWAL, given, problems)
    _order(values, problems, "auto_buy_ticker", "auto_buy_percent")
    if "address" in values and "card" in values:
        problems.setdefault("card", ONE_PAYEE)
    elif "address" not in values and "card" not in values:
        problems.setdefault("address", NO_PAYEE)
    if not _REFERENCE.fullmatch(reference):
        problems["client_order_id"] = NO_REFERENCE
    if "fee_payer" in values:
        values["fee_payer"] = Decimal(values["fee_payer"])  # a number, as the document shows it
    return _checked("withdraw", values | {"client_order_id": reference} | _callback(callback_url), problems)


def page_query(
    *,
    page: int = 1,
    limit: int = 100,
    ordering: str = "-id",
    filters: Mapping[str, str],
    allowed: tuple[str, ...],
) -> dict[str, str]:
    """The query of a list. Raises Invalid for a filter that the list does not have, and for a page that cannot be."""
    problems = {name: UNKNOWN for name in filters if name not in allowed}
    problems |= {name: NOT_A_TEXT for name, value in filters.items() if not _is_text(value)}
    if page < 1:
        problems["page"] = NOT_A_CHOICE
    if not 1 <= limit <= MOST_ROWS:
        problems["limit"] = NOT_A_CHOICE
    if ordering not in ORDERINGS:
        problems["ordering"] = NOT_A_CHOICE
    wanted = {**filters, "page": str(page), "limit": str(limit), "ordering": ordering}
    return dict(_checked("list", {name: value for name, value in wanted.items() if value}, problems))  # type: ignore[arg-type]


def methods_query(ordering: str) -> dict[str, str]:
    """The query of `payment-methods`. Raises Invalid for another ordering than the document's."""
    problems = {} if ordering in ORDERINGS else {"ordering": NOT_A_CHOICE}
    return dict(_checked("payment-methods", {"ordering": ordering} if ordering else {}, problems))  # type: ignore[arg-type]


def _callback(url: str) -> dict[str, str]:
    return {"callback_url": url} if url else {}


def _order(
    values: Mapping[str, Any], problems: dict[str, str], ticker: str, percent: str, limit: str = ""
) -> None:
    """An order is placed only if its currency is chosen, and then never at the provider's own percent."""
    if ticker in values and percent not in values:
        problems.setdefault(percent, NO_PERCENT)
    if ticker not in values and (percent in values or limit in values):
        problems.setdefault(ticker, NO_TICKER)


def _values(known: tuple[Field, ...], given: Mapping[str, Any], problems: dict[str, str]) -> dict[str, Any]:
    """The given values in the document's order, amounts as text. Names with a leading underscore are ours."""
    names = {field.name for field in known}
    for name in given:
        if name not in names and not name.startswith("_"):
            problems[name] = UNKNOWN
    values: dict[str, Any] = {}
    for field in known:
        value = given.get(field.name)
        if value is None or value == "":
            if field.required:
                problems[field.name] = MISSING
        elif field.kind == "amount":
            if _is_amount(value):
                values[field.name] = money.plain(value)
            else:
                problems[field.name] = NOT_AN_AMOUNT
        elif field.name.endswith("_percent"):
            values[field.name] = _percent(value, field.name, problems)
        elif field.choices:
            _put(values, problems, field.name, value, value in dict(field.choices), NOT_A_CHOICE)
        else:
            _put(values, problems, field.name, value, _is_text(value), NOT_A_TEXT)
    return values


def _put(
    values: dict[str, Any], problems: dict[str, str], name: str, value: Any, good: bool, problem: str
) -> None:
    if good:
        values[name] = value
    else:
        problems[name] = problem


def _percent(value: Any, name: str, problems: dict[str, str]) -> str:
    """A percentage as text, from text or a Decimal; it may be below zero."""
    spelled = money.plain(value) if isinstance(value, Decimal) and value.is_finite() else value
    if not isinstance(spelled, str) or not _PERCENT.fullmatch(spelled) or not -100 < Decimal(spelled) < 100:
        problems[name] = NOT_A_PERCENT
        return ""
    return spelled


def _is_amount(value: Any) -> bool:
    return isinstance(value, Decimal) and value.is_finite() and value > 0


def _is_text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return "\x00" not in value


def _checked(operation: str, parameters: Mapping[str, Any], problems: dict[str, str]) -> Parameters:
    if problems:
        raise Invalid(f"{operation}: {', '.join(problems)}", fields=problems)
    return Parameters(parameters)
