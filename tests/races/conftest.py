"""Fixtures of the races: those of payments, an account that pays out, and a sandbox that would pay twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from backoffice.kit import office
from payments.models import ProviderAccount
from tests.payments.conftest import box, people, running_box
from tests.races import money

__all__ = ["box", "people", "running_box"]


@pytest.fixture
def control() -> None:
    """For tests that take a lock away and show the harm: what must hold need not hold after them."""


@pytest.fixture(autouse=True)
def invariants(request: pytest.FixtureRequest) -> Iterator[None]:
    """V3 to V9 after every test that used the database; V1 and V2 by the sandbox's ledger in the tests."""
    yield
    names = set(request.fixturenames)
    if "control" not in names and {"db", "transactional_db"} & names and connection.connection is not None:
        broken = {name: part.check() for name, part in office.registry.invariants.items()}
        assert not any(broken.values()), broken


@pytest.fixture
def paying(box: Any, transactional_db: None) -> ProviderAccount:
    return money.paying_account(box)


@pytest.fixture
def gullible(box: Any) -> Any:
    """The sandbox accepts a unique id again and again: nothing but our own care keeps money from leaving twice.

    A withdrawal there is final at once.
    """
    money.set_up(box, dedup=False, withdraw_delay=0)
    return box


@pytest.fixture(autouse=True)
def patience(settings: Any) -> None:
    """Every wait is short, and the breaker leaves the provider's misbehaviour to the test."""
    settings.CLAIM_SECONDS = 2
    settings.BREAKER_FAILURES = 1_000_000
    settings.FAILED_SECOND_LOOK = 0
