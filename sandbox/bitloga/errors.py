"""Bitloga's refusals, word for word as its document lists them ("Errors"), in the order of that list, which
is also the order in which they are checked. Holds no checks."""

from __future__ import annotations

from decimal import Decimal

from sandbox.wire import plain


class Refusal(Exception):
    """A request that is answered with `success: false` and this text. Nothing was accepted."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


SERVICE_UNAVAILABLE = "Service unavailable"
API_DISABLED = "API is disabled"
CODES_API_DISABLED = "Codes API is disabled"
BAD_DATA = "Bad data"
KEY_NOT_FOUND = "API key not found"
KEY_NOT_ACTIVE = "API key is not active"
ACCESS_DENIED = "API access denied"
SIGNATURE_NOT_FOUND = "Signature not found"
SIGNATURE_NOT_CORRECT = "Signature is not correct"
UNDEFINED_ACTION = "Undefined action"
BALANCES_NOT_FOUND = "User balances not found"
CURRENCY_NOT_DEFINED = "Currency is not defined"
CURRENCY_NOT_FOUND = "Currency not found"
INVOICE_API_DISABLED = "Invoice API is disabled"
PAYSYSTEM_NOT_DEFINED = "Paysystem is not defined"
PAYSYSTEM_NOT_SUPPORTED = "Paysystem is not supported"
AMOUNT_NOT_DEFINED = "Amount is not defined"
PAY_AMOUNT_NOT_DEFINED = "Pay amount is not defined"
PAYLIST_NOT_DEFINED = "Paylist is not defined"
PAYLIST_NOT_ONE = "For pay_amount, paylist must contain exactly one paysystem"
PAY_AMOUNT_UNABLE = "Unable to calculate invoice amount by pay_amount"
UNIQUEID_NOT_DEFINED = "Unique ID is not defined"
UNIQUEID_USED = "Received Unique ID has already been used"
PURSE_NOT_DEFINED = "Purse is not defined"
PURSE_WRONG = "Purse has wrong format"
CARD_NOT_VERIFIED = "Card is not verified"
TAG_NOT_DEFINED = "Tag/Memo is not defined"
NAME_NOT_DEFINED = "Name is not defined"
SURNAME_NOT_DEFINED = "Surname is not defined"
BALANCE_DISABLED = "Balance is disabled"
CURRENCY_NOT_SUPPORTED = "Currency is not supported"
DIRECTION_DISABLED = "Dirrection disabled"  # the document's spelling
INSUFFICIENT_RESERVE = "Insufficient reserve"
INSUFFICIENT_BALANCE = "Insufficient balance"
TRANSACTION_NOT_FOUND = "Transaction is not found"
CODE_NOT_DEFINED = "Code is not defined"
CODE_NOT_EXIST = "Code is not exist"
CODE_NOT_ACTIVE = "Code is not active"
PASSWORD_NOT_DEFINED = "Password is not defined"  # noqa: S105 - an error text
WRONG_PASSWORD = "Wrong Password"  # noqa: S105 - an error text
CODES_NOT_FOUND = "Codes not found"


def min_amount(limit: Decimal) -> str:
    """Too little; the limit is in the text."""
    return f"For this currency min amount is {plain(limit)}"


def max_amount(limit: Decimal) -> str:
    """Too much; the limit is in the text."""
    return f"For this currency max amount is {plain(limit)}"


def payment_error(error: str) -> str:
    """A withdrawal that the payment system refused."""
    return f"Payment error: {error}"
