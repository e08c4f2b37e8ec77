"""Orders that a provider places by itself for what arrives or leaves, and tags and destinations of networks. Facts floor.

Off unless chosen; never at the provider's own percent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from payments.models import Method

_PERCENT = re.compile(r"-?[0-9]{1,2}(\.[0-9]{1,8})?", re.ASCII)
_TICKER = re.compile(r"[A-Za-z0-9]{2,16}", re.ASCII)


def is_chosen(given: Mapping[str, Any], *, ticker: str = "convert_ticker") -> bool:
    """Whether an order was asked for."""
    return bool(given.get(ticker))


def check(given: Mapping[str, Any], *, ticker: str, percent: str, limit: str = "") -> None:
    """Raise ValidationError for an order without its currency or its explicit percent."""
    errors = {}
    wanted = str(given.get(ticker, ""))
    spelled = str(given.get(percent, ""))
    if wanted and not _TICKER.fullmatch(wanted):
        errors[ticker] = _("Enter a currency such as USDT.")
    if wanted and not spelled:
        errors[percent] = _(
            "Say how much worse than the market the order may be. The provider would take 5 %."
        )
    if spelled and not _PERCENT.fullmatch(spelled):
        errors[percent] = _("Enter a percentage such as 2 or -0.5.")
    if not wanted and (spelled or (limit and given.get(limit))):
        errors[ticker] = _("Choose the currency of the order, or leave this empty.")
    if errors:
        raise ValidationError(errors)


def in_words(percent: str) -> str:
    """What a percent means, for the page where it is approved."""
    number = Decimal(percent)
    if number > 0:
        return _("at the market's price or up to %s %% worse") % percent
    if number < 0:
        return _("only at a price at least %s %% better than the market's") % str(-number)
    return _("at the market's price or better")


# --- Where it goes ---
def check_payee(method: Method, given: Mapping[str, Any]) -> None:
    """Raise ValidationError for a card where an address is needed, and the other way round."""
    wrong, right = ("address", "card") if method.is_card else ("card", "address")
    if given.get(wrong):
        words = (
            _("Ordinary money goes to a card: leave the address empty.")
            if method.is_card
            else _("A coin goes to an address: leave the card empty.")
        )
        raise ValidationError({wrong: words})
    if not given.get(right):
        raise ValidationError({right: _("Where should the money go?")})
