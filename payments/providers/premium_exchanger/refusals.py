"""The one table of premium_exchanger's error texts: what each means for us, and a sentence for staff.

Sources: the document's section on errors (it tells no codes) and what public copies of the script answer.
Codes repeat across meanings, so a row is found by call, code and text. What is not here proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from payments.providers.errors import Denied, OutcomeUnknown, ProviderError, Refused
from payments.providers.words import gettext_noop as _


@dataclass(frozen=True)
class Text:
    """One text, compared in lower case. `codes` empty: whatever code comes with it; `only` empty: any call."""

    text: str
    kind: type[ProviderError]
    staff: str
    reason: str = ""
    field: str = ""
    only: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()


BIDS = frozenset({"bid_info", "cancel_bid", "pay_bid", "success_bid"})
STATES = BIDS - {"bid_info"}
DIRECTIONS = frozenset({"get_direction", "get_calc", "create_bid"})
PARTNER = frozenset(
    {
        *("get_partner_info", "get_partner_links", "get_partner_exchanges", "get_partner_payouts"),
        "add_partner_payout",
    }
)
READS = frozenset(
    {
        *("test", "get_direction_currencies", "get_directions", "get_direction", "get_calc", "get_exchanges"),
        *("bid_info", *(PARTNER - {"add_partner_payout"})),
    }
)

TEXTS = (
    Text(
        "Api disabled",
        Denied,
        _(
            "The exchanger does not let us in: its API is off, this account may not use it, or the keys are "
            "wrong. An admin must check them."
        ),
    ),
    Text(
        "Empty response",
        Refused,
        _("The exchanger has nothing that fits."),
        "empty",
        only=READS,
    ),
    Text(
        "No bid exists",
        Refused,
        _(
            "The exchanger shows no such bid to this key, or its state does not allow this. The bid may exist "
            "all the same, for example while its direction is switched off."
        ),
        "not_found",
        only=BIDS,
    ),
    Text(
        "Method not supported",
        Refused,
        _("This key may not make this call. Somebody must allow it in the exchanger's settings of the key."),
        "config",
    ),
    Text(
        "Direction not found",
        Refused,
        _("The exchanger does not offer this direction to the API."),
        "config",
        "direction_id",
        only=DIRECTIONS,
    ),
    Text(
        "IP blocked",
        Denied,
        _("The exchanger does not accept our address. An admin must add it to the key's allowed addresses."),
        codes=frozenset({"2"}),
    ),
    Text(
        "maintenance",
        OutcomeUnknown,
        _("The exchanger is closed for maintenance. It will be asked again later."),
    ),
    Text(
        "action disabled",
        Refused,
        _("The exchanger does not allow this for this bid."),
        only=STATES,
        codes=frozenset({"2"}),
    ),
    Text(
        "no active partner program",
        Refused,
        _("This exchanger has no partner programme."),
        "config",
        only=PARTNER,
    ),
    Text(
        "no partner id",
        Refused,
        _("This key belongs to nobody in the exchanger's partner programme."),
        "config",
        only=PARTNER,
    ),
    Text(
        "api id not unique",
        Refused,
        _("The exchanger already has a bid with this reference. It will be looked for."),
        "exists",
        only=frozenset({"create_bid"}),
    ),
)

VALIDATION = _("The exchanger refused what was entered. No bid was created.")
UNLISTED = _(
    "The exchanger answered with words that its document does not list. An admin should look at the answer."
)

_FOUND = {row.text.lower(): row for row in TEXTS}
#: The calculator's own names for the amount, as errors use them.
_AMOUNTS = frozenset({"sum", "sum1", "sum1c", "sum2", "sum2c"})


def find(message: str) -> Text | None:
    """The row of a text, whatever call and code it came with. Case and outer spaces do not matter."""
    return _FOUND.get(message.strip().lower())


def refusal(
    *, operation: str, code: str, lines: list[str], shown: str, fields: dict[str, str] | None, safe: bool
) -> ProviderError:
    """The error for an answer whose `error` is not 0. OutcomeUnknown unless the table proves more.

    `lines` are the text's lines as they came, `shown` the same without secrets. `fields` are the sentences
    by field of a creation's answer, without secrets, or None when the answer has no such part.
    """
    row = _row(operation, lines)
    if row is not None and _applies(row, operation, code):
        return _error(row, operation, code, shown)
    if row is None and operation == "create_bid" and code == "3" and fields is not None:
        return Refused(
            "create_bid: validation",
            provider_message=shown,
            code=code,
            staff=VALIDATION,
            fields={_ours(name): sentence for name, sentence in fields.items()},
        )
    line = f"{operation}: error {code}: not a known refusal"
    return OutcomeUnknown(line, provider_message=shown, code=code, staff=UNLISTED if safe else "")


def _row(operation: str, lines: list[str]) -> Text | None:
    """The row of a text. A creation's texts come joined: among others, a used reference is still one."""
    known = [row for row in map(find, lines) if row is not None]
    if operation == "create_bid":
        used = next((row for row in known if row.reason == "exists"), None)
        if used is not None:
            return used
    return known[0] if known and len(lines) == 1 else None


def _applies(row: Text, operation: str, code: str) -> bool:
    return (not row.only or operation in row.only) and (not row.codes or code in row.codes)


def _error(row: Text, operation: str, code: str, shown: str) -> ProviderError:
    line = f"{operation}: {row.text}"
    fields = {row.field: row.staff} if row.field else {}
    if row.kind is Refused:
        return Refused(
            line, reason=row.reason, provider_message=shown, code=code, staff=row.staff, fields=fields
        )
    return row.kind(line, provider_message=shown, code=code, staff=row.staff, fields=fields)


def _ours(name: str) -> str:
    return "calc_amount" if name in _AMOUNTS else name
