"""Who visits the kit's own test pages, where no app has currencies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from backoffice.kit import html
from tests.factories import person


@pytest.fixture(autouse=True)
def no_currencies() -> Iterator[None]:
    before = html._places
    html.places_by(html._two)
    yield
    html.places_by(before)


@pytest.fixture
def approver(client: Client) -> Client:
    """May read, note and export."""
    client.force_login(person("approver", name="anna"))
    return client


@pytest.fixture
def viewer(client: Client) -> Client:
    """May only read."""
    client.force_login(person("viewer", name="vera"))
    return client
