"""The registry of providers. A new provider is one module or folder and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payments.providers.bitexbit.client import Bitexbit
from payments.providers.bitloga.client import Bitloga
from payments.providers.client import Client
from payments.providers.coinjoin.client import Coinjoin
from payments.providers.http import Transport
from payments.providers.premium_exchanger.client import PremiumExchanger

PROVIDERS: dict[str, type[Client]] = {
    Bitloga.name: Bitloga,
    PremiumExchanger.name: PremiumExchanger,
    Coinjoin.name: Coinjoin,
    Bitexbit.name: Bitexbit,
}


def client_for(
    provider: str, *, base_url: str, credentials: Mapping[str, str], transport: Transport, account_key: str
) -> Any:
    """A client of one account; what it can do are the protocols of `base`. Raises KeyError for an unknown
    provider.

    `account_key` tells accounts apart: connections are kept per account and thread.
    """
    return PROVIDERS[provider](
        base_url=base_url, credentials=credentials, transport=transport, account_key=account_key
    )


def offers(provider: str, protocol: type) -> bool:
    """Whether the provider has every method of a protocol of `base`."""
    return issubclass(PROVIDERS[provider], protocol)


def offering(protocol: type) -> list[str]:
    """The names of all providers that offer a protocol, in the order of the registry."""
    return [name for name in PROVIDERS if offers(name, protocol)]
