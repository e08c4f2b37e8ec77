"""bitexbit's payment methods: the call and its reading.

Source: the document's section on payment methods. The answer is a bare list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from payments.providers.answers import Unreadable, needed, text
from payments.providers.bitexbit import parameters, reading
from payments.providers.bitexbit.gateway import Gateway
from payments.providers.bitexbit.reading import Data, optional_amount
from payments.providers.wallets import BadRow, PaymentMethod, Terms


def method(row: Data, raw: Data) -> PaymentMethod:
    """One row. Whether a way is open, and whether it is for cards, must be said: it is not guessed."""
    ticker = needed(row, "ticker", limit=50)
    return PaymentMethod(
        ticker=ticker,
        network=needed(row, "network", limit=50),
        is_fiat=_truth(row, "is_fiat"),
        deposit=_terms(row, "deposit", fee_currency=ticker),
        withdrawal=_terms(
            row, "withdraw", fee_currency=text(row, "withdraw_fee_currency", limit=50) or ticker
        ),
        raw=raw,
    )


def _terms(row: Data, side: str, *, fee_currency: str) -> Terms:
    return Terms(
        enabled=_truth(row, f"is_{side}_enabled"),
        smallest=optional_amount(row, f"min_{side}"),
        largest=optional_amount(row, f"max_{side}"),
        fee_fixed=optional_amount(row, f"{side}_fee_amount"),
        fee_rate=optional_amount(row, f"{side}_fee_rate"),
        fee_currency=fee_currency,
    )


def _truth(row: Data, name: str) -> bool:
    if not isinstance(row.get(name), bool):
        raise Unreadable(f"{name} is neither true nor false")
    return bool(row[name])


def method_list(data: Any, raw: Any) -> tuple[PaymentMethod, ...]:
    """The whole answer."""
    return reading.rows(data, raw, method)


def _apart(bad: list[BadRow]) -> Callable[[Any, Any], tuple[PaymentMethod, ...]]:
    """The same, with the rows that cannot be read in `bad`."""

    def read(data: Any, raw: Any) -> tuple[PaymentMethod, ...]:
        bad.clear()
        return reading.rows(data, raw, method, bad)

    return read


class MethodCalls(Gateway):
    """`payment-methods`."""

    def payment_methods(
        self, *, ordering: str = "", bad: list[BadRow] | None = None
    ) -> tuple[PaymentMethod, ...]:
        """All payment methods with limits and fees. `ordering`: "", "id" or "-id". Rows that cannot be read: `bad`."""
        query = parameters.methods_query(ordering)
        read = method_list if bad is None else _apart(bad)
        return self._ask("payment-methods", "payment-methods", query, read)
