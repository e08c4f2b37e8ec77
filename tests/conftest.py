"""Fixtures that every test may use. Those of one app stand in its own conftest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import TransactionTestCase, override_settings
from hypothesis import HealthCheck, settings

from tests.stack import browser, complaints, page, stack

__all__ = ["browser", "complaints", "page", "stack"]

# How fast an example runs is no finding: the machine does other things beside.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


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


# --- After a test with real transactions ---
#: What `migrate` fills by itself and no test changes: to make it anew took a third of a second after each test.
KEPT = {"django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}


def _empty(_case: TransactionTestCase) -> None:
    """Delete what stands in any table: a TRUNCATE of all of them would make hundreds of files anew."""
    found = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = [connection.ops.quote_name(name) for name in found if name not in KEPT]
    asked = (f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked))
        filled = [table for (table,) in cursor.fetchall()]
        # Without foreign keys and the triggers that keep the books append-only.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in filled:
            cursor.execute(f"DELETE FROM {table}")


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """Empty the tables without Django's signal that fills permissions and groups again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", _empty)
        yield


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Rate limits and used TOTP codes live in the cache: they do not pass from test to test."""
    cache.clear()
