"""A coinjoin client of an account of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from payments.providers.coinjoin.client import Coinjoin
from tests.payments.providers.coinjoin.facts import KEY, SECRET
from tests.payments.providers.wires import Peer, Recorder

_accounts = itertools.count()


@pytest.fixture
def join(recorder: Recorder) -> Callable[..., Coinjoin]:
    """Make a client: `join(peer, read_timeout=1)`."""

    def make(
        there: Peer | None = None,
        *,
        hooks: Recorder | None = None,
        credentials: dict[str, str] | None = None,
        **options: Any,
    ) -> Coinjoin:
        return Coinjoin(
            base_url=f"http://{there.host}/api/" if there else "https://service.example/api/",
            credentials={"api_key": KEY, "secret_key": SECRET} if credentials is None else credentials,
            transport=(hooks or recorder).transport(there, **options),
            account_key=f"coinjoin-{next(_accounts)}",
        )

    return make
