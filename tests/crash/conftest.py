"""Fixtures of the crashes: those of the races, a forge at the test database, and a system of servers to be killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash import harness
from tests.races.conftest import box, control, gullible, invariants, patience, paying, people, running_box

__all__ = ["box", "control", "gullible", "invariants", "patience", "paying", "people", "running_box"]


@pytest.fixture(scope="session")
def crash_logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crash")


@pytest.fixture(scope="session")
def crash_env(running_box: Any, django_db_setup: None) -> dict[str, str]:
    """Variables of processes that work on the test database and the test run's own broker."""
    return harness.environment(
        database=harness.test_database_url(), broker=os.environ["REDIS_URL"], sandbox_port=running_box.port
    )


@pytest.fixture(scope="session")
def forge(crash_env: dict[str, str], crash_logs: Path) -> Iterator[harness.Forge]:
    with harness.forging(crash_env, crash_logs / "forge.log") as forge:
        yield forge
