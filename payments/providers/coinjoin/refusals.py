"""The one table of coinjoin's documented error codes: what each means for us, and a sentence for staff.

Source: the document's "Error codes". The code stands in the HTTP status and again in the body; only both
together prove something.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, Refused
from payments.providers.words import gettext_noop as _

LOOK_UP = "transaction"


@dataclass(frozen=True)
class Code:
    """One documented code. `reason`: see Refused."""

    code: int
    kind: type[ProviderError]
    staff: str
    reason: str = ""


CODES = (
    Code(400, Refused, _("coinjoin found a mistake in the request. Nothing happened there.")),
    Code(
        401, Denied, _("coinjoin does not accept this account's API key. An admin must enter the keys again.")
    ),
    Code(403, Denied, _("coinjoin has blocked this account or our address. An admin must ask the service.")),
    Code(
        404,
        Refused,
        _("coinjoin has no such place. An admin must check the account's base URL."),
        "config",
    ),
    Code(503, OutcomeUnknown, _("coinjoin is out of service at the moment. It will be asked again later.")),
)
#: The same code where one transaction was asked for: the document gives no other word for an unknown ID.
NOT_FOUND = Code(404, Refused, _("coinjoin knows no batch with this ID."), "not_found")

_CODES = {row.code: row for row in CODES}

UNLISTED = _("coinjoin answered with a code that its document does not list. An admin should look at it.")


def says_error(data: Mapping[str, Any]) -> bool:
    """Whether a body is the documented error and no answer, whatever the HTTP status says."""
    return "code" in data and "description" in data


def find(status: int, data: Mapping[str, Any], operation: str) -> Code | None:
    """The row of an error answer. None unless it has the documented form and its code is the HTTP status."""
    code = data.get("code")
    if isinstance(code, Decimal):
        code = str(code)
    if not isinstance(data.get("description"), str) or code != str(status):
        return None
    row = _CODES.get(status)
    return NOT_FOUND if row and row.code == NOT_FOUND.code and operation == LOOK_UP else row


def refusal(status: int, data: Mapping[str, Any], *, shown: str, operation: str, safe: bool) -> ProviderError:
    """The error for an answer that is the documented one. `shown` is its description without secrets.

    OutcomeUnknown unless code and status are documented and agree.
    """
    row = find(status, data, operation)
    if row is None:
        line = f"{operation}: HTTP {status} is not a documented refusal"
        return OutcomeUnknown(line, provider_message=shown, staff=UNLISTED if safe else "")
    # To a call that creates, "out of service" proves nothing: it keeps the sentence that forbids a repeat.
    staff = row.staff if safe or row.kind is not OutcomeUnknown else ""
    details: dict[str, Any] = {"provider_message": shown, "staff": staff, "code": str(row.code)}
    if row.kind is Refused:
        details["reason"] = row.reason
    return row.kind(f"{operation}: {row.code}", **details)
