"""From requests of ours to coinjoin's parameters and paths: what is sent, and what is refused before sending.

Source: the document's request tables. `payouts` is sent as the documented map of address and amount; the
document's own sample shows a list without amounts, with which nobody would be paid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from backoffice.kit import money
from payments.providers.batches import BatchRequest, Payout
from payments.providers.errors import Invalid
from payments.providers.redaction import Parameters
from payments.providers.words import gettext_noop as _

#: BTC has 8 digits after the point, and there will never be more of it than this.
PLACES = 8
MOST = Decimal(21_000_000)
#: A year. The document sets no limit; more than this is a slip.
LONGEST_DELAY = 8784

_ADDRESS = re.compile(r"[0-9A-Za-z]{14,90}", re.ASCII)
_ID = re.compile(r"[0-9A-Za-z_-]{1,100}", re.ASCII)
_REF_CODE = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
_NAMES = ("delay", "payouts", "refCode")

UNKNOWN = _("coinjoin does not know this field.")
NOT_HOURS = _("Enter whole hours, 0 or more.")
NO_ROWS = _("Enter at least one address with its amount.")
NOT_ROWS = _("One of the rows is not an address with an amount.")
NOT_AN_ADDRESS = _("One of the addresses is none: only letters and digits, 14 to 90 of them.")
NOT_AN_AMOUNT = _("One of the amounts is not above zero, or has more than 8 digits after the point.")
TWICE = _("An address stands there twice. The service takes each address once: add the amounts up.")
NOT_A_CODE = _("Enter the code without spaces, at most 64 letters.")
NO_ID = _("This is no ID of a batch.")
NOT_A_PAGE = _("The page is not possible.")


def batch(request: BatchRequest) -> Parameters:
    """The parameters of `createTransaction`. Raises Invalid with a sentence per field."""
    given = request.fields
    problems = {name: UNKNOWN for name in given if name not in _NAMES and not name.startswith("_")}
    delay, payouts, code = given.get("delay"), given.get("payouts"), given.get("refCode")
    if isinstance(delay, bool) or not isinstance(delay, int) or not 0 <= delay <= LONGEST_DELAY:
        problems["delay"] = NOT_HOURS
    if problem := _rows_problem(payouts):
        problems["payouts"] = problem
    if code and not (isinstance(code, str) and _REF_CODE.fullmatch(code)):
        problems["refCode"] = NOT_A_CODE
    if problems:
        raise Invalid(f"createTransaction: {', '.join(problems)}", fields=problems)
    rows = {row.address: money.plain(row.amount) for row in payouts or () if row.amount is not None}
    # Texts, as in the document's sample: a PHP server reads both, and a text cannot become a rounded number.
    return Parameters({"delay": str(delay), "payouts": rows, **({"refCode": code} if code else {})})


def _rows_problem(payouts: Any) -> str:
    if payouts is None or isinstance(payouts, str | Mapping):
        return NO_ROWS if not payouts else NOT_ROWS
    rows = list(payouts)
    if not rows:
        return NO_ROWS
    if not all(isinstance(row, Payout) for row in rows):
        return NOT_ROWS
    if not all(isinstance(row.address, str) and _ADDRESS.fullmatch(row.address) for row in rows):
        return NOT_AN_ADDRESS
    if not all(_is_amount(row.amount) for row in rows):
        return NOT_AN_AMOUNT
    if sum((row.amount for row in rows), Decimal(0)) > MOST:
        return NOT_AN_AMOUNT
    return TWICE if len({row.address for row in rows}) < len(rows) else ""


def _is_amount(value: Any) -> bool:
    if not isinstance(value, Decimal) or not value.is_finite() or not 0 < value <= MOST:
        return False
    return value == money.quantize(value, PLACES)


def address(found: str) -> str:
    """The path of `validateAddress`. Raises Invalid for what is no address by its letters."""
    if not _ADDRESS.fullmatch(found):
        raise Invalid("validateAddress: not an address", fields={"address": NOT_AN_ADDRESS})
    return f"validateAddress/{found}"


def transaction(provider_id: str) -> str:
    """The path of `transaction/{id}`. Raises Invalid for what cannot be an ID."""
    if not is_id(provider_id):
        raise Invalid("transaction: not an ID", fields={"id": NO_ID})
    return f"transaction/{provider_id}"


def is_id(found: str) -> bool:
    """Whether this can be an ID of theirs, and stand in a path."""
    return bool(_ID.fullmatch(found))


def page(limit: int, offset: int) -> str:
    """The path of `transactions`. Raises Invalid for a limit below 1 or above 1000, or a negative offset."""
    problems = {}
    if not 1 <= limit <= 1000:
        problems["limit"] = NOT_A_PAGE
    if offset < 0:
        problems["offset"] = NOT_A_PAGE
    if problems:
        raise Invalid("transactions: not a page", fields=problems)
    return f"transactions?limit={limit}&offset={offset}"
