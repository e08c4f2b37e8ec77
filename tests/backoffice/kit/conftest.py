"""Who visits the kit's own test pages."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import person


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
