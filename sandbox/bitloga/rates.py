"""The public ticker of the simulated bitloga. Its format is undocumented: two shapes can be chosen.
Holds no conversion (see methods)."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

from sandbox.bitloga.methods import method

if TYPE_CHECKING:
    from sandbox.bitloga.provider import Bitloga


def ticker(provider: Bitloga) -> dict[str, Any] | list[Any]:
    """Rates between all payment systems: a list of directions, or a map from FROM_TO to the rate.

    In the list, `in` units given yield `out` units; one of them is 1. `amount` is the reserve, if any.
    """
    rates = {currency: Decimal(str(value)) for currency, value in provider.setting("rates").items()}
    methods = [method(code, data) for code, data in provider.setting("methods").items()]
    pairs = [
        (source, target)
        for source in methods
        if "pay" in source.operations
        for target in methods
        if source.code != target.code and {"invoice", "withdraw"} & set(target.operations)
        if rates.get(source.currency) and rates.get(target.currency)
    ]
    as_map: dict[str, Any] = {}
    as_list: list[Any] = []
    with localcontext() as context:
        context.prec = 12
        for source, target in pairs:
            rate = rates[source.currency] / rates[target.currency]
            as_map[f"{source.code}_{target.code}"] = rate
            give, get = (Decimal(1), rate) if rate >= 1 else (1 / rate, Decimal(1))
            line: dict[str, Any] = {"from": source.code, "to": target.code, "in": give, "out": get}
            if target.reserve is not None:
                line["amount"] = target.reserve
            as_list.append(line | {"minamount": target.min, "maxamount": target.max})
    return as_map if provider.setting("ticker_shape") == "map" else as_list
