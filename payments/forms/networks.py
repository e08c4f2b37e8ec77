"""Forms of providers that name a payment system by ticker and network: one choice, one destination, one tag.

Syntax only. The boxes are ours; what is given to services is under the provider's names again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from backoffice.kit.forms import Field
from payments.models import Method
from payments.providers import base
from payments.providers.words import gettext_noop

TAGS = ("destination_tag", "memo", "payment_id")
#: The provider's names, and the box that stands for each.
BOXES = {
    **dict.fromkeys(("ticker", "network", "currency"), "paysys"),
    **dict.fromkeys(("address", "card"), "purse"),
    **dict.fromkeys(TAGS, "dtag"),
}
_ONE = {
    "paysys": base.Field(
        "paysys",
        gettext_noop("Currency and network"),
        "choice",
        required=True,
        help=gettext_noop("The same currency has other limits and fees on another network."),
    ),
    "purse": base.Field("purse", gettext_noop("Payee's address or card"), required=True, max_length=300),
    "dtag": base.Field("dtag", gettext_noop("Tag or memo"), max_length=200),
}


def has_networks(known: Iterable[Field]) -> bool:
    """Whether these fields name a payment system by ticker and network."""
    return {"ticker", "network"} <= {field.name for field in known}


def one_box(known: Iterable[base.Field]) -> list[base.Field]:
    """The fields with ours in place of those that they stand for, each once."""
    found: dict[str, base.Field] = {}
    for field in known:
        box = BOXES.get(field.name, field.name)
        found.setdefault(box, _ONE.get(box, field))
    return list(found.values())


def follow_network(fields: dict[str, forms.Field], method: Method) -> None:
    """What the chosen payment system needs: address or card, its tag, who may pay the fee."""
    if "purse" in fields:
        fields["purse"].label = _("Payee's card") if method.is_card else _("Payee's address")
    if "dtag" in fields:
        if method.is_card or not (method.needs_tag or method.tag_name):
            if not method.needs_tag:
                fields["dtag"].help_text = _("This network usually needs none.")
        else:
            fields["dtag"].label = method.tag_name.replace("_", " ").capitalize() or _("Tag or memo")
            if not method.needs_tag:
                fields["dtag"].help_text = _("Only if the payee has named one.")
    if "fee_payer" in fields and method.fee_currency not in ("", method.currency):
        # The amount cannot pay a fee in another currency: an impossible choice is not there.
        choices = [one for one in fields["fee_payer"].choices if one[0] != "2"]  # type: ignore[attr-defined]
        fields["fee_payer"].choices = choices  # type: ignore[attr-defined]


def in_boxes(error: ValidationError) -> ValidationError:
    """A refusal under the provider's names, at our boxes."""
    if not hasattr(error, "error_dict"):
        return error
    return ValidationError({BOXES.get(name, name): told for name, told in error.error_dict.items()})


def spelled(given: Mapping[str, Any], method: Method | None) -> dict[str, Any]:
    """What was typed, under the provider's names."""
    found = {
        name: value for name, value in given.items() if name not in ("paysys", "purse", "dtag", "currency")
    }
    if method is None:
        return found
    found |= {"ticker": method.currency, "network": method.network}
    if given.get("purse"):
        found["card" if method.is_card else "address"] = given["purse"]
    if given.get("dtag"):
        found[method.tag_name or "memo"] = given["dtag"]
    return found
