"""From requests of ours to premium_exchanger's parameters: what is sent, and what is refused before sending.

Source: the document's lists of parameters. Strict: the exchanger takes a wrong `calc_action` for 1 and a wrong
id for the first one, so nothing unclear leaves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from backoffice.kit import money
from payments.providers.base import Field
from payments.providers.bids import BidRequest, QuoteRequest
from payments.providers.errors import Invalid
from payments.providers.premium_exchanger import fields
from payments.providers.redaction import Parameters, Secret, mask_account, mask_numbers
from payments.providers.words import gettext_noop as _

#: Digits only and above zero: the exchanger compares other references with nothing.
_REFERENCE = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_HASH = re.compile(r"[0-9A-Za-z_-]{1,128}", re.ASCII)
_IP = re.compile(r"[0-9A-Fa-f.:]{2,45}", re.ASCII)
_CALLBACK = re.compile(r"https?://[\x21\x24-\x3b\x3d\x40-\x7e]{1,500}", re.ASCII)  # no query, no fragment

MISSING = _("This is needed.")
NOT_AN_AMOUNT = _("Enter an amount above zero.")
NOT_A_TEXT = _("Enter a text.")
NOT_A_CHOICE = _("Choose one of the offered values.")
NOT_A_NUMBER = _("This must be a number of the exchanger.")
UNKNOWN = _("The exchanger does not know this field.")
NO_REFERENCE = _("The bid has no usable reference: it must be a number. Tell an admin.")
NO_CALLBACK = _("The callback address cannot be sent. Tell an admin.")
ONE_OF = _("Name the bid by its number or its hash.")
MOST_ROWS = 500


def encoded(parameters: Mapping[str, Any]) -> bytes:
    """The exact bytes of a form. Amounts are plain numbers without exponent."""
    texts = (
        (name, money.plain(value) if isinstance(value, Decimal) else str(value))
        for name, value in parameters.items()
    )
    # %20 for a space, as secrets are spelled where they are blanked out of traces.
    return "&".join(f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in texts).encode("ascii")


def pair(give_id: str, get_id: str, problems: dict[str, str]) -> dict[str, Any]:
    """The filter by currencies; "" is no filter."""
    wanted = {"currency_id_give": give_id, "currency_id_get": get_id}
    return {name: _number(name, value, problems) for name, value in wanted.items() if value}


def currency_filter(operation: str, give_id: str, get_id: str) -> Parameters:
    """The parameters of the two lists. Raises Invalid."""
    problems: dict[str, str] = {}
    return checked(operation, pair(give_id, get_id, problems), problems)


def direction(direction_id: str, give_id: str, get_id: str) -> Parameters:
    """The parameters of get_direction: an id, or both currencies. Raises Invalid."""
    problems: dict[str, str] = {}
    found = pair(give_id, get_id, problems)
    if direction_id or len(found) < 2:
        found = {"direction_id": _number("direction_id", direction_id, problems)} | found
    return checked("get_direction", found, problems)


def calculation(request: QuoteRequest) -> Parameters:
    """The parameters of get_calc; `cd` is a form inside the form. Raises Invalid with a sentence per field."""
    problems: dict[str, str] = {}
    found = _calculated(request.direction_id, request.amount, request.action, problems)
    inner: dict[str, str] = {}
    for name, value in request.fields.items():
        if not fields.NAME.fullmatch(name) or name in fields.OURS:
            problems[name] = UNKNOWN
        elif _is_text(value):
            inner[name] = value
        else:
            problems[name] = NOT_A_TEXT
    if inner:
        found["cd"] = encoded(inner).decode() if not problems else ""
    return checked("get_calc", found, problems)


def bid(request: BidRequest) -> Parameters:
    """The parameters of create_bid. Raises Invalid with a sentence per field."""
    problems: dict[str, str] = {}
    given = {name: value for name, value in request.fields.items() if not name.startswith("_")}
    found = _calculated(
        given.pop("direction_id", ""), given.pop("calc_amount", None), given.pop("calc_action", ""), problems
    )
    partner_id = given.pop("partner_id", "")
    if partner_id:
        found["partner_id"] = _number("partner_id", str(partner_id), problems)
    if _REFERENCE.fullmatch(request.reference):
        found["api_id"] = request.reference
    else:
        problems["api_id"] = NO_REFERENCE
    if request.callback_url and _CALLBACK.fullmatch(request.callback_url):
        found["callback_url"] = request.callback_url
    elif request.callback_url:
        problems["callback_url"] = NO_CALLBACK
    return checked("create_bid", found | _own(request.form, given, problems), problems)


def _own(form: tuple[Field, ...], given: Mapping[str, Any], problems: dict[str, str]) -> dict[str, Any]:
    """The direction's fields, those that were filled."""
    offered = {field.name: field for field in form}
    for needed in form:
        if needed.required and given.get(needed.name) in (None, ""):
            problems[needed.name] = MISSING
    values: dict[str, Any] = {}
    for name, value in given.items():
        field = offered.get(name)
        is_known = field is not None if form else fields.DOCUMENTED.fullmatch(name) is not None
        if not is_known or name in fields.OURS:
            problems[name] = UNKNOWN
        elif value in (None, ""):
            continue
        elif not _is_text(value):
            problems[name] = NOT_A_TEXT
        elif field is not None and field.choices and value not in dict(field.choices):
            problems[name] = NOT_A_CHOICE
        else:
            values[name] = value
    return values


def _calculated(direction_id: Any, amount: Any, action: Any, problems: dict[str, str]) -> dict[str, Any]:
    if not (isinstance(amount, Decimal) and amount.is_finite() and amount > 0):
        problems["calc_amount"] = NOT_AN_AMOUNT if amount is not None else MISSING
    if isinstance(action, bool) or str(action) not in dict(fields.ACTIONS):
        problems["calc_action"] = NOT_A_CHOICE
    number = _number("direction_id", str(direction_id), problems)
    return {"direction_id": number, "calc_amount": amount, "calc_action": str(action)}


def bid_hash(operation: str, value: str) -> Parameters:
    """The parameter of the calls that move a bid. Raises Invalid."""
    problems = {} if _HASH.fullmatch(value) else {"hash": MISSING}
    return checked(operation, {"hash": value}, problems)


def bid_look_up(provider_id: str, bid_hash: str) -> Parameters:
    """The parameters of bid_info: the number, the hash, or both. Raises Invalid."""
    problems: dict[str, str] = {}
    found: dict[str, Any] = {}
    if provider_id:
        found["id"] = _number("id", provider_id, problems)
    if bid_hash:
        found["hash"] = bid_hash
        if not _HASH.fullmatch(bid_hash):
            problems["hash"] = MISSING
    if not found:
        problems["id"] = ONE_OF
    return checked("bid_info", found, problems)


def listing(
    operation: str,
    *,
    since: int | None,
    until: int | None,
    limit: int,
    ip: str = "",
    provider_id: str = "",
    reference: str = "",
    with_history: bool = False,
    offset: int = 0,
) -> Parameters:
    """The filters of the lists. Raises Invalid for a limit outside 1 to 500 and other nonsense."""
    problems: dict[str, str] = {}
    if isinstance(limit, bool) or not 1 <= limit <= MOST_ROWS:
        problems["limit"] = NOT_A_CHOICE
    if offset < 0:
        problems["offset"] = NOT_A_CHOICE
    if ip and not _IP.fullmatch(ip):
        problems["ip"] = NOT_A_TEXT
    for name, moment in (("start_time", since), ("end_time", until)):
        if moment is not None and moment < 0:
            problems[name] = NOT_A_CHOICE
    if reference and not _REFERENCE.fullmatch(reference):
        problems["api_id"] = NO_REFERENCE
    wanted = {
        "start_time": since,
        "end_time": until,
        "ip": ip or None,
        "id": _number("id", provider_id, problems) if provider_id else None,
        "api_id": reference or None,
        "status_history": 1 if with_history else None,
        "limit": limit,
        "offset": offset or None,
    }
    return checked(operation, {name: value for name, value in wanted.items() if value is not None}, problems)


def payout(given: Mapping[str, Any]) -> Parameters:
    """The parameters of add_partner_payout. Raises Invalid with a sentence per field."""
    problems: dict[str, str] = {}
    names = {field.name for field in fields.PARTNER_PAYOUT}
    for name in given:
        if name not in names and not name.startswith("_"):
            problems[name] = UNKNOWN
    account = given.get("account")
    if account in (None, ""):
        problems["account"] = MISSING
    elif not _is_text(account):
        problems["account"] = NOT_A_TEXT
    number = _number("method_id", str(given.get("method_id") or ""), problems)
    return checked("add_partner_payout", {"method_id": number, "account": account}, problems)


def _number(name: str, value: str, problems: dict[str, str]) -> str:
    if not value:
        problems[name] = MISSING
    elif not _NUMBER.fullmatch(value):
        problems[name] = NOT_A_NUMBER
    return value


def _is_text(value: Any) -> bool:
    if not isinstance(value, str) or "\x00" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def cards(given: Mapping[str, Any]) -> tuple[Secret, ...]:
    """Values with the number of a card or an account, mistyped or not: inside a form, with its spaces encoded, no
    pattern would find it. What is typed as an account is taken for one, however short.
    """
    texts = ((name, value) for name, value in given.items() if isinstance(value, str))
    return tuple(
        Secret(text)
        for name, text in texts
        if (mask_account(text) if name in fields.ACCOUNTS else mask_numbers(text)) != text
    )


def checked(operation: str, parameters: Mapping[str, Any], problems: dict[str, str]) -> Parameters:
    """The parameters, if nothing is wrong with them. Raises Invalid."""
    if problems:
        raise Invalid(f"{operation}: {', '.join(problems)}", fields=problems)
    return Parameters(parameters)
