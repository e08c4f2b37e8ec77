"""How a provider spells what a form asks for: payment system, destination, tag, balance. Facts floor.

One provider names a payment system by a code, another by ticker and network; services check one spelling and name errors
under the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from payments.models import Method, ProviderAccount
from payments.providers import PROVIDERS
from payments.providers.base import Field
from payments.providers.wallets import method_code

TAGS = ("destination_tag", "memo", "payment_id")
PAYEES = ("address", "card")


def has_networks(account: ProviderAccount) -> bool:
    """Whether this account's provider names a payment system by ticker and network."""
    return {"ticker", "network"} <= {field.name for field in fields_of(account)}


def fields_of(account: ProviderAccount) -> tuple[Field, ...]:
    """All fields of its forms."""
    client = PROVIDERS[account.provider]
    return (*client.withdrawal_fields, *client.invoice_fields, *client.wallet_fields)


def plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """Ticker and network as `paysys`, address or card as `purse`, whatever tag as `dtag`, the ticker as `currency`.

    Raises ValidationError for two destinations or two tags.
    """
    found = {
        name: value for name, value in given.items() if name not in ("ticker", "network", *PAYEES, *TAGS)
    }
    ticker, network = str(given.get("ticker", "")), str(given.get("network", ""))
    if ticker and network:
        found |= {"paysys": method_code(ticker, network), "currency": ticker}
    for one, names, words in (
        ("purse", PAYEES, _("Enter either an address or a card, not both.")),
        ("dtag", TAGS, _("Enter one tag only: they are different names of the same.")),
    ):
        said = [name for name in names if given.get(name)]
        if len(said) > 1:
            raise ValidationError(dict.fromkeys(said, words))
        if said:
            found[one] = str(given[said[0]])
    return found


def named(method: Method | None, given: Mapping[str, Any]) -> dict[str, str]:
    """What each of our words is called there, for this method."""
    is_card = method is not None and method.is_card
    tag = next((name for name in TAGS if given.get(name)), "") or (method.tag_name if method else "")
    return {
        "paysys": "network",
        "currency": "ticker",
        "purse": "card" if is_card else "address",
        "dtag": tag or "memo",
    }


def renamed(error: ValidationError, names: Mapping[str, str]) -> ValidationError:
    """The same refusal, each sentence at the provider's name of its field."""
    if not hasattr(error, "error_dict"):
        return error
    return ValidationError({names.get(name, name): told for name, told in error.error_dict.items()})
