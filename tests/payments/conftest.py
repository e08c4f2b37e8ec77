"""Fixtures of payments: a sandbox in this process, accounts at it, and the invariants after every test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from backoffice.kit import office
from sandbox import server
from tests import factories


@pytest.fixture(scope="session")
def running_box() -> Iterator[Any]:
    with server.running() as box:
        yield box


@pytest.fixture
def box(running_box: Any, settings: Any) -> Any:
    """An empty sandbox whose address the product may talk to."""
    running_box.control("reset", {})
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({f"127.0.0.1:{running_box.port}"})
    settings.POLL_FACTOR = 0.0
    return running_box


@pytest.fixture
def account(box: Any, transactional_db: None) -> Any:
    return factories.account(box, rate_limit="500")


@pytest.fixture
def people(transactional_db: None) -> dict[str, Any]:
    """One user per role, by the role's name."""
    return {role: factories.person(role) for role in ("viewer", "operator", "approver", "finance", "admin")}


@pytest.fixture(autouse=True)
def invariants(request: pytest.FixtureRequest) -> Iterator[None]:
    """What must always be true is checked after every test that used the database."""
    yield
    if not {"db", "transactional_db"}.isdisjoint(request.fixturenames) and connection.connection is not None:
        broken = {name: part.check() for name, part in office.registry.invariants.items()}
        assert not any(broken.values()), broken
