"""Fixtures of payments: a sandbox in this process, accounts at it, and the invariants after every test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from backoffice.kit import office
from backoffice.kit.paging import counts
from payments.models import Approval, Callback, DailySum, MonthlySum, Movement, Reference, Reservation
from payments.providers.bitexbit import clock
from sandbox import server
from tests import factories
from tests.payments import desk as desks
from tests.payments import desk_rows
from tests.payments import exchanger as exchangers


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


@pytest.fixture(scope="session")
def running_desk() -> Iterator[Any]:
    with desks.running() as desk:
        yield desk


@pytest.fixture
def desk(running_desk: Any, settings: Any) -> Any:
    """An empty bitexbit whose address the product may talk to, every wait short."""
    running_desk.reset()
    clock.forget()
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({f"127.0.0.1:{running_desk.port}"})
    settings.POLL_FACTOR = 0.0
    settings.SETTLE_SECONDS = settings.LIFETIME_FACTOR = settings.SCAN_GAP_SECONDS = 0
    settings.FAILED_SECOND_LOOK = 0
    return running_desk


@pytest.fixture
def there(desk: Any, transactional_db: None) -> Any:
    """An account at that bitexbit, with its payment methods, an opening balance, and money out."""
    return desk_rows.account(desk)


@pytest.fixture
def account(box: Any, transactional_db: None) -> Any:
    return factories.account(box, rate_limit="500")


@pytest.fixture
def exchanger(settings: Any) -> Iterator[exchangers.Exchanger]:
    """A small exchanger in this process, whose address the product may talk to."""
    found = exchangers.Exchanger()
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({found.host})
    settings.POLL_FACTOR = 0.0
    yield found
    found.close()


class People(dict[str, Any]):
    """One user per role, by the role's name; each is made when a test first asks for them."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def __missing__(self, role: str) -> Any:
        with self._lock:
            if role not in self:
                self[role] = factories.person(role)
            return self[role]


@pytest.fixture
def people(transactional_db: None) -> People:
    """Of the people that a test does not need none is made: five took as long as most tests."""
    return People()


@pytest.fixture(autouse=True)
def no_network_in_a_transaction(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """F14: a socket that is opened while a transaction of ours is open fails the test, whoever opens it."""
    real = socket.socket.connect
    opened: list[Any] = []

    def connect(one: socket.socket, address: Any) -> None:
        if one.family in (socket.AF_INET, socket.AF_INET6) and connection.in_atomic_block:
            opened.append(address)
        real(one, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    yield
    assert not opened, f"the network was touched inside a transaction: {opened}"


@pytest.fixture(autouse=True)
def invariants(request: pytest.FixtureRequest) -> Iterator[None]:
    """What must always be true is checked after every test that left anything to check: of nothing all of it is."""
    yield
    if {"db", "transactional_db"}.isdisjoint(request.fixturenames) or connection.connection is None:
        return
    models = (Reference, Movement, Callback, DailySum, MonthlySum, Approval, Reservation)
    if counts([model.objects.all() for model in models], cap=1) != [0] * len(models):
        broken = {name: part.check() for name, part in office.registry.invariants.items()}
        assert not any(broken.values()), broken
