"""Fixtures of the provider layer: no database, no Django."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from payments.providers.bitloga.client import Bitloga
from tests.payments.providers.wires import KEY, SECRET, Peer, Recorder

_accounts = itertools.count()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def connect(recorder: Recorder) -> Callable[..., Bitloga]:
    """Make a client of an account of its own: `connect(peer, read_timeout=1)`."""

    def make(
        there: Peer | None = None, *, url: str = "", hooks: Recorder | None = None, **options: Any
    ) -> Bitloga:
        return Bitloga(
            base_url=url or (there.url if there else "https://bitloga.com/api/v1/"),
            credentials={"api_key": KEY, "api_secret": SECRET},
            transport=(hooks or recorder).transport(there, **options),
            account_key=f"test-{next(_accounts)}",
        )

    return make
