"""How settings of the simulated exchanger are laid over those that there are. Holds no defaults."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.premium_exchanger.catalog import currency, direction
from sandbox.routes import ControlError, object_of

if TYPE_CHECKING:
    from sandbox.premium_exchanger.provider import PremiumExchanger

MERGED = ("currencies", "directions", "rates")


def merge_settings(provider: PremiumExchanger, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Single entries replace what they name, None takes one away. Raises ControlError."""
    merged = {name: value for name, value in changes.items() if name not in MERGED}
    for name in MERGED:
        given = object_of(changes, name)
        if given is None:
            continue
        found = dict(provider.setting(name))
        for key, value in given.items():
            if value is None:
                found.pop(key, None)
            elif isinstance(value, dict) and isinstance(found.get(key), dict):
                found[key] = {**found[key], **value}
            else:
                found[key] = value
        merged[name] = found
    _check(provider, merged)
    return merged


def _check(provider: PremiumExchanger, merged: Mapping[str, Any]) -> None:
    currencies = merged.get("currencies", provider.setting("currencies"))
    directions = merged.get("directions", provider.setting("directions"))
    try:
        for id, data in currencies.items():
            currency(id, data)
        for id, data in directions.items():
            direction(id, data, currencies)
        for value in merged.get("rates", {}).values():
            if Decimal(str(value)) <= 0:
                raise ValueError
    except (ArithmeticError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ControlError(
            "Each currency needs a title and a code; each direction two currencies that there are, rates "
            "above zero, and numbers where numbers stand."
        ) from error
