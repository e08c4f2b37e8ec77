"""A client of bitexbit against a peer, with clocks that agree unless a test says otherwise."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from payments.providers.bitexbit import clock
from payments.providers.bitexbit.client import Bitexbit
from tests.payments.providers.wires import KEY, SECRET, Peer, Recorder

_accounts = itertools.count()


@pytest.fixture(autouse=True)
def _clocks() -> Iterator[None]:
    clock.forget()
    yield
    clock.forget()


@pytest.fixture
def connect(recorder: Recorder) -> Callable[..., Bitexbit]:
    """Make a client of an account of its own: `connect(peer, read_timeout=1)`. `compared=False`: no clock is known."""

    def make(
        there: Peer | None = None,
        *,
        url: str = "",
        hooks: Recorder | None = None,
        compared: bool = True,
        key: str = KEY,
        secret: str = SECRET,
        **options: Any,
    ) -> Bitexbit:
        base_url = url or (f"http://{there.host}/" if there else "https://www.bitexbit.com/")
        if compared:
            clock.note(base_url, 0, 0)
        return Bitexbit(
            base_url=base_url,
            credentials={"api_key": key, "api_secret": secret},
            transport=(hooks or recorder).transport(there, **options),
            account_key=f"bitexbit-{next(_accounts)}",
        )

    return make
