"""Fixtures that every test may use. Those of one app stand in its own conftest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import override_settings

from tests.stack import browser, complaints, page, stack

__all__ = ["browser", "complaints", "page", "stack"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests against the running system go to one worker of pytest-xdist, and begin first: they are slow."""

    def uses_stack(item: pytest.Item) -> bool:
        return not {"stack", "browser"}.isdisjoint(getattr(item, "fixturenames", ()))

    for item in filter(uses_stack, items):
        item.add_marker(pytest.mark.xdist_group("stack"))
    items.sort(key=uses_stack, reverse=True)


@pytest.fixture(scope="session", autouse=True)
def fast_passwords() -> Iterator[None]:
    """Scrypt takes 0.2 s by design; a test that logs in does not need that."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Rate limits and used TOTP codes live in the cache: they do not pass from test to test."""
    cache.clear()
