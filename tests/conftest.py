"""Fixtures that every test may use. Those of one app stand in its own conftest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import override_settings

from tests.stack import browser, complaints, page, stack

__all__ = ["browser", "complaints", "page", "stack"]


def uses_stack(item: pytest.Item) -> bool:
    """Whether the test needs the running system or a browser."""
    return not {"stack", "browser"}.isdisjoint(getattr(item, "fixturenames", ()))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests against the running system go to one worker of pytest-xdist, so that one system is started.

    Marked here, because pytest-xdist reads the mark before conftest's pytest_collection_modifyitems.
    """
    if uses_stack(item):
        item.add_marker(pytest.mark.xdist_group("stack"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They begin first: they are slow."""
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
