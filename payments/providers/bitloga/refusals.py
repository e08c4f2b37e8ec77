"""The one table of bitloga's documented error texts: what each means for us, and a sentence for staff.

Source: the document's list of errors. A text that is not here proves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from backoffice.kit import money
from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, Refused
from payments.providers.words import gettext_noop as _


@dataclass(frozen=True)
class Text:
    """One documented text. `*n*` is a number, `*error*` any words.

    `only` names the operation of a look-up's text: said to any other call it refuses nothing, so it proves
    nothing.
    """

    text: str
    kind: type[ProviderError]
    staff: str
    reason: str = ""
    field: str = ""
    only: str = ""


DETAILS, APPLY, GET = "details", "code.apply", "code.get"

_KEYS = _("bitloga does not accept this account's API key. An admin must check the keys.")
_SIGNATURE = _("bitloga does not accept our signature. An admin must enter the secret key again.")
_REQUEST = _("bitloga found a mistake in the request. Nothing happened there. Tell an admin.")

TEXTS = (
    Text(
        "Service unavailable",
        OutcomeUnknown,
        _("bitloga is closed for maintenance. It will be asked again later."),
    ),
    Text("API is disabled", Denied, _("bitloga has switched its API off. An admin must ask bitloga.")),
    Text(
        "Codes API is disabled", Refused, _("Codes are switched off at bitloga for this account."), "config"
    ),
    Text("Bad data", Refused, _REQUEST),
    Text("API key not found", Denied, _KEYS),
    Text(
        "API key is not active", Denied, _("This account's API key is not active. An admin must activate it.")
    ),
    Text(
        "API access denied",
        Denied,
        _("bitloga does not let us in. An admin must check the key and our address."),
    ),
    Text("Signature not found", Denied, _SIGNATURE),
    Text("Signature is not correct", Denied, _SIGNATURE),
    Text("Undefined action", Refused, _REQUEST),
    Text(
        "User balances not found",
        Refused,
        _("bitloga has no balances for this account. An admin must look at the panel."),
        "config",
    ),
    Text("Currency is not defined", Refused, _("Choose a currency."), field="currency"),
    Text(
        "Currency not found",
        Refused,
        _("This account has no balance in this currency."),
        field="currency",
    ),
    Text(
        "Invoice API is disabled",
        Refused,
        _("Invoices are switched off at bitloga for this account."),
        "config",
    ),
    Text("Paysystem is not defined", Refused, _("Choose a payment system."), field="paysys"),
    Text(
        "Paysystem is not supported",
        Refused,
        _("bitloga does not offer this payment system."),
        field="paysys",
    ),
    Text("Amount is not defined", Refused, _("Enter an amount."), field="amount"),
    Text("Pay amount is not defined", Refused, _("Enter what it should be worth."), field="pay_amount"),
    Text("Paylist is not defined", Refused, _("Choose what the payer may pay with."), field="paylist"),
    Text(
        "For pay_amount, paylist must contain exactly one paysystem",
        Refused,
        _("Choose exactly one way to pay."),
        field="paylist",
    ),
    Text(
        "Unable to calculate invoice amount by pay_amount",
        Refused,
        _("bitloga cannot calculate the amount for this way to pay. Try another one, or enter the amount."),
        field="pay_amount",
    ),
    Text(
        "For this currency min amount is *n*",
        Refused,
        _("The amount is too small. The smallest is %(limit)s."),
        "limits",
        "amount",
    ),
    Text(
        "For this currency max amount is *n*",
        Refused,
        _("The amount is too large. The largest is %(limit)s."),
        "limits",
        "amount",
    ),
    Text("Unique ID is not defined", Refused, _REQUEST),
    Text(
        "Received Unique ID has already been used",
        Refused,
        _("bitloga already has a transaction with this reference. It will be asked about it."),
        "exists",
    ),
    Text("Purse is not defined", Refused, _("Enter the account that receives the money."), field="purse"),
    Text(
        "Purse has wrong format", Refused, _("bitloga does not recognise this account number."), field="purse"
    ),
    Text("Card is not verified", Refused, _("This card is not verified at bitloga."), field="purse"),
    Text("Tag/Memo is not defined", Refused, _("This currency needs a tag or memo."), field="dtag"),
    Text("Name is not defined", Refused, _("This payment system needs a first name."), field="name"),
    Text("Surname is not defined", Refused, _("This payment system needs a last name."), field="surname"),
    Text(
        "Balance is disabled",
        Refused,
        _("This balance is switched off at bitloga. An admin must ask bitloga."),
        "config",
    ),
    Text(
        "Currency is not supported",
        Refused,
        _("bitloga does not pay out from this balance."),
        field="currency",
    ),
    Text(
        "Dirrection disabled",
        Refused,
        _("bitloga does not pay out this way at the moment. Try later or another way."),
        "funds",
        "paysys",
    ),
    Text(
        "Insufficient reserve",
        Refused,
        _("bitloga has too little money for this at the moment. Try later or a smaller amount."),
        "funds",
        "amount",
    ),
    Text(
        "Insufficient balance",
        Refused,
        _("The balance at bitloga is too small for this."),
        "funds",
        "amount",
    ),
    Text(
        "Payment error: *error*",
        OutcomeUnknown,
        _(
            "bitloga reports an error while paying. The money may have left. bitloga will be asked. "
            "Do not send it again."
        ),
    ),
    Text(
        "Transaction is not found",
        Refused,
        _("bitloga knows no transaction with this reference."),
        "not_found",
        only=DETAILS,
    ),
    Text("Code is not defined", Refused, _("Enter the code."), field="code"),
    Text("Code is not exist", Refused, _("There is no such code."), "not_found", "code", APPLY),
    Text("Code is not active", Refused, _("This code is used or switched off."), "", "code", APPLY),
    Text("Password is not defined", Refused, _("This code needs its password."), field="pass"),
    Text("Wrong Password", Refused, _("The password is wrong."), "wrong_password", "pass"),
    Text("Codes not found", Refused, _("No codes were found."), "empty", only=GET),
)

UNLISTED = _(
    "bitloga answered with words that its document does not list. An admin should look at the answer."
)

_MARK = re.compile(r"\\\*(n|error)\\\*")
_PATTERNS = tuple(
    (re.compile(_MARK.sub(r"(?P<\1>.+)", re.escape(row.text)), re.IGNORECASE | re.ASCII | re.DOTALL), row)
    for row in TEXTS
)


def find(message: str) -> tuple[Text, dict[str, str]] | None:
    """The row of a provider's message, and the values to interpolate. None when the text is not documented.

    Upper and lower case and outer spaces do not matter, everything else does.
    """
    for pattern, row in _PATTERNS:
        match = pattern.fullmatch(message.strip(" \t\r\n"))
        if match is None:
            continue
        if "n" not in match.groupdict():
            return row, {}
        limit = _number(match["n"])
        if limit is not None:
            return row, {"limit": money.plain(limit)}
    return None


def refusal(message: str, *, shown: str, operation: str, safe: bool) -> ProviderError:
    """The error for an answer that says success false. `shown` is the message without secrets.

    OutcomeUnknown unless the text is documented and may stand in an answer to this operation.
    """
    row, params = find(message) or (None, {})
    if row is None or (row.only and row.only != operation):
        line = f"{operation}: not a documented refusal"
        return OutcomeUnknown(line, provider_message=shown, staff=UNLISTED if safe else "")
    details: dict[str, Any] = {"provider_message": shown, "staff": row.staff, "params": params}
    if row.field:
        details["fields"] = {row.field: row.staff}
    if row.kind is Refused:
        details["reason"] = row.reason
    return row.kind(f"{operation}: {row.text}", **details)


def _number(text: str) -> Decimal | None:
    try:
        return money.read(text)
    except money.BadAmount:
        return None
