"""Keys and forms of premium_exchanger as data: the fixed part, and an exchanger's own fields read into the same.

Parameter names are the document's, sentences are ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from payments.providers import answers
from payments.providers.answers import Unreadable
from payments.providers.base import Field
from payments.providers.bids import GET, GET_WITH_FEE, GIVE, GIVE_WITH_FEE
from payments.providers.premium_exchanger.plaintext import prose, title
from payments.providers.words import gettext_noop as _

LANGUAGE = "en_US"

CREDENTIALS = (
    Field(
        "api_login",
        _("API login"),
        required=True,
        secret=True,
        help=_("The exchanger shows it together with the key, under “User API” in the personal account."),
    ),
    Field("api_key", _("API key"), required=True, secret=True),
    Field(
        "api_lang",
        _("Language of answers"),
        help=_("Leave it empty: en_US. Refusals in other languages are not recognised."),
        max_length=10,
    ),
)

ACTIONS = (
    (str(GIVE), _("We give this much")),
    (str(GET), _("We receive this much")),
    (str(GIVE_WITH_FEE), _("We give this much in all, with the exchanger’s fee on it")),
    (str(GET_WITH_FEE), _("We receive this much in the end, after the exchanger’s fee")),
)

#: What every bid has; the direction adds its own.
BID = (
    Field("direction_id", _("Direction"), "choice", required=True),
    Field("calc_amount", _("Amount"), "amount", required=True, money=True),
    Field("calc_action", _("The amount is"), "choice", required=True, choices=ACTIONS),
    Field("partner_id", _("Partner"), help=_("The number of a partner of the exchanger."), max_length=20),
)

PARTNER_PAYOUT = (
    Field("method_id", _("Pay out in"), "choice", required=True),
    Field("account", _("Our account there"), required=True, max_length=300),
)

#: What the client itself sends: an exchanger's field of such a name would speak for us.
OURS = frozenset(
    {"direction_id", "calc_amount", "calc_action", "partner_id", "api_id", "callback_url", "cd", "hash", "id"}
)
#: Where a card or an account is typed.
ACCOUNTS = ("account", "account1", "account2")
#: The names that the document tells; others come from a direction's own form.
DOCUMENTED = re.compile(r"account[12]|cf(?:give|get)?[0-9]{1,4}", re.ASCII)
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)

_KINDS = {"select": "choice", "checkbox": "choice", "textarea": "textarea", "email": "email"}
_EMAIL = re.compile(r"\be-?mail\b|эл\.? ?почт", re.IGNORECASE)
_NO = frozenset({"", "0", "no", "false", "off"})


def form(data: Mapping[str, Any], name: str) -> tuple[Field, ...]:
    """An exchanger's fields: an object by name, a list, or nothing. Raises Unreadable for what is none."""
    value = data.get(name)
    if value is None or value is False or value in ("", [], {}):
        return ()
    if isinstance(value, dict):
        found = tuple(_field(spec, key) for key, spec in value.items())
    elif isinstance(value, list):
        found = tuple(_field(spec, "") for spec in value)
    else:
        raise Unreadable(f"{name} is no list of fields")
    names = [field.name for field in found]
    if len(set(names)) != len(names):
        raise Unreadable(f"{name} has two fields of one name")
    return found


def _field(spec: Any, key: str) -> Field:
    """One field. A mere text stands for its label."""
    spec = spec if isinstance(spec, dict) else {"label": spec}
    name = answers.text(spec, "name", limit=64).strip() or key
    if not NAME.fullmatch(name) or name in OURS:
        raise Unreadable("a field has no usable name")
    kind = _KINDS.get(answers.word(title(spec, "type")), "text")
    choices: tuple[tuple[str, str], ...] = ()
    if kind == "choice":
        choices = _options(spec.get("options")) or _tick(spec)
        kind = "choice" if choices else "text"
    label = title(spec, "label") or name
    if kind in ("text", "textarea") and (name == "cf6" or _EMAIL.search(label)):
        kind = "email"  # exchangers call it a text
    return Field(
        name,
        label,
        kind,
        required=_truth(spec.get("req")),
        choices=choices,
        help=prose(spec, "tooltip", limit=1000),
        calculates=_truth(spec.get("cd")),
    )


def _truth(value: Any) -> bool:
    """1, "1", true and their like; everything that says nothing is no."""
    if isinstance(value, list | dict) or value is None:
        return False
    if isinstance(value, Decimal):
        return bool(value)
    return answers.word(str(value)) not in _NO


def _options(value: Any) -> tuple[tuple[str, str], ...]:
    """(what is sent, what is read). PHP prints an array of texts as a list: then the place is what is sent."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    found: list[tuple[str, str]] = []
    for key, option in pairs:
        if isinstance(option, dict):
            key = next((option[one] for one in ("value", "id", "key") if one in option), key)
            option = next((option[one] for one in ("title", "label", "name", "text") if one in option), key)
        sent = answers.text({"": str(key) if isinstance(key, int) else key}, "").strip()
        if sent:
            found.append((sent, title({"": option}, "") or sent))
    if len(dict(found)) != len(found):
        raise Unreadable("a field offers one value twice")
    return tuple(found)


def _tick(spec: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """A box to tick has one value."""
    if answers.word(title(spec, "type")) != "checkbox":
        return ()
    return ((answers.text(spec, "value", limit=100).strip() or "1", title(spec, "text") or "1"),)
