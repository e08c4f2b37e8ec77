"""What invoices and withdrawals have in common: checks of the unique id, the purse and the person.
Holds nothing that only one of them does."""

from __future__ import annotations

from typing import Any

from sandbox import transactions
from sandbox.bitloga import errors
from sandbox.bitloga.calls import Context
from sandbox.bitloga.errors import Refusal
from sandbox.bitloga.methods import Method
from sandbox.bitloga.purses import is_wellformed

OPTIONAL = ("dtag", "name", "surname")


def check_uniqueid(context: Context) -> str:
    """The unique id: passed, and new among this account's invoices and withdrawals. Raises Refusal."""
    uniqueid = context.text("uniqueid", errors.UNIQUEID_NOT_DEFINED)
    if len(uniqueid) > context.setting("uniqueid_max_length"):
        raise Refusal(errors.BAD_DATA)
    used = transactions.is_used(context.db, account_id=context.account.id, uniqueid=uniqueid)
    if used and context.setting("dedup"):
        raise Refusal(errors.UNIQUEID_USED)
    context.burnable = uniqueid
    return uniqueid


def check_recipient(context: Context, method: Method, *, purse_needed: bool) -> str:
    """Purse, tag and names, as the payment system needs them. Returns the purse. Raises Refusal."""
    purse = context.text("purse", errors.PURSE_NOT_DEFINED if purse_needed else "")
    if purse and not is_wellformed(purse, method.purse):
        raise Refusal(errors.PURSE_WRONG)
    if purse and purse in context.setting("unverified_cards"):
        raise Refusal(errors.CARD_NOT_VERIFIED)
    if method.tag:
        context.text("dtag", errors.TAG_NOT_DEFINED)
    if method.names:
        context.text("name", errors.NAME_NOT_DEFINED)
        context.text("surname", errors.SURNAME_NOT_DEFINED)
    return purse


def check_balance_enabled(context: Context) -> None:
    """The account's balance may be switched off as a whole. Raises Refusal."""
    if context.account.options.get("balance_disabled"):
        raise Refusal(errors.BALANCE_DISABLED)


def given(context: Context) -> dict[str, str]:
    """Tag and names, those that were passed."""
    return {name: context.text(name) for name in OPTIONAL if context.text(name)}


def number_id(context: Context, number: int) -> Any:
    """invoiceid or orderid, as a number or as a text."""
    return str(number) if context.setting("id_style") == "string" else number
