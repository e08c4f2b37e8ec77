"""From requests of ours to bitloga's parameters: what is sent, under which name, and what is refused before
sending.

Source: the document's request tables. Strict: an unknown name or a value of the wrong kind is Invalid, so
that nothing is left out without a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from payments.providers.base import Field
from payments.providers.bitloga import fields
from payments.providers.errors import Invalid
from payments.providers.redaction import Parameters
from payments.providers.words import gettext_noop as _

_REFERENCE = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)

MISSING = _("This is needed.")
NOT_AN_AMOUNT = _("Enter an amount above zero.")
NOT_A_TEXT = _("Enter a text.")
UNKNOWN = _("bitloga does not know this field.")
NOT_A_CHOICE = _("Choose one of the offered values.")
ONE_AMOUNT = _("Enter either the amount or what it should be worth, not both.")
NO_AMOUNT = _("Enter the amount, or what it should be worth.")
ONE_WAY = _("Choose exactly one way to pay, because the worth is in its currency.")
NO_REFERENCE = _("The transaction has no usable reference. Tell an admin.")


def invoice(reference: str, given: Mapping[str, Any], callback_url: str) -> Parameters:
    """The parameters of `invoice`. Raises Invalid with a sentence per field."""
    problems: dict[str, str] = {}
    values = _values(fields.INVOICE, given, problems, extra=("callbackurl",))
    if callback_url:
        values["callbackurl"] = callback_url
    if "amount" in values and "pay_amount" in values:
        problems.setdefault("pay_amount", ONE_AMOUNT)
    elif "amount" not in values and "pay_amount" not in values:
        problems.setdefault("amount", NO_AMOUNT)
    elif "pay_amount" in values and ("paylist" not in values or "," in str(values["paylist"])):
        problems.setdefault("paylist", ONE_WAY)
    return _checked({"action": "invoice", "uniqueid": _known(reference, problems), **values}, problems)


def withdrawal(reference: str, given: Mapping[str, Any]) -> Parameters:
    """The parameters of `withdraw`. Raises Invalid with a sentence per field."""
    problems: dict[str, str] = {}
    values = _values(fields.WITHDRAWAL, given, problems)
    return _checked({"action": "withdraw", "uniqueid": _known(reference, problems), **values}, problems)


def details(reference: str) -> Parameters:
    """The parameters of `details`."""
    problems: dict[str, str] = {}
    return _checked({"action": "details", "uniqueid": _known(reference, problems)}, problems)


def new_code(given: Mapping[str, Any]) -> Parameters:
    """The parameters of the codes' `create`. Raises Invalid with a sentence per field."""
    problems: dict[str, str] = {}
    return _checked({"action": "create", **_values(fields.VOUCHER, given, problems)}, problems)


def code_to_redeem(given: Mapping[str, Any]) -> Parameters:
    """The parameters of the codes' `apply`. Raises Invalid with a sentence per field."""
    problems: dict[str, str] = {}
    return _checked({"action": "apply", **_values(fields.REDEEM, given, problems)}, problems)


def code_query(
    *, code: str, amount: Decimal | None, currency: str, status: str, offset: int, limit: int
) -> Parameters:
    """The parameters of the codes' `get`. Raises Invalid for a limit outside 1 to 100 or a negative
    offset.
    """
    problems: dict[str, str] = {}
    if not 1 <= limit <= 100:
        problems["limit"] = NOT_A_CHOICE
    if offset < 0:
        problems["offset"] = NOT_A_CHOICE
    wanted = {
        "code": code,
        "amount": amount,
        "currency": currency,
        "status": status,
        "offset": offset or None,
    }
    return _checked({"action": "get", **{k: v for k, v in wanted.items() if v}, "limit": limit}, problems)


def _values(
    known: tuple[Field, ...], given: Mapping[str, Any], problems: dict[str, str], extra: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The given values in the document's order. Names with a leading underscore are ours and never sent."""
    names = {field.name for field in known} | set(extra)
    for name in given:
        if name not in names and not name.startswith("_"):
            problems[name] = UNKNOWN
    values: dict[str, Any] = {}
    for field in (*known, *(Field(name, name, "url") for name in extra)):
        value = given.get(field.name)
        if value is None or value in ("", (), []):
            if field.required:
                problems[field.name] = MISSING
        elif field.kind == "amount":
            _put(values, problems, field.name, value, _is_amount(value), NOT_AN_AMOUNT)
        elif field.kind == "multichoice" and not isinstance(value, str):
            codes = list(value)
            good = all(isinstance(code, str) and code and "," not in code for code in codes)
            _put(values, problems, field.name, ",".join(codes) if good else "", good, NOT_A_CHOICE)
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


def _known(reference: str, problems: dict[str, str]) -> str:
    if not _REFERENCE.fullmatch(reference):
        problems["uniqueid"] = NO_REFERENCE
    return reference


def _checked(parameters: Mapping[str, Any], problems: dict[str, str]) -> Parameters:
    if problems:
        raise Invalid(f"{parameters['action']}: {', '.join(problems)}", fields=problems)
    return Parameters(parameters)
