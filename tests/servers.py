"""pytest plugin (`-p tests.servers`): a private PostgreSQL and Valkey, before Django's settings are read.

The controller of pytest-xdist starts them; its workers use the same servers, each with a database of its own
(by pytest-django) and a pair of Valkey databases of its own. No variable of .env or of the shell gets in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from pathlib import Path

import pytest

from backoffice import embedded
from tests.keeper import ROOT, Kept, keep, new_home

SET = {
    "DEBUG": "on",
    "BACKOFFICE_TESTING": "1",
    "SECRET_KEY": "only-for-tests-" + "x" * 50,
    "FIELD_ENCRYPTION_KEYS": "dGVzdHMtb25seS1maWVsZC1rZXktMDAwMDAwMDAwMDA=",
    "METRICS_TOKEN": "only-for-tests",
    "PROVIDER_INTERNAL_HOSTS": "",
    "PROVIDER_READ_PAUSES": "0.02,0.1",
    "LOG_LEVEL": "WARNING",
}

_kept: Kept | None = None


def known_variables() -> set[str]:
    """Every name in .env.example: what a shell could have set and a test must not see."""
    return set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def worker_redis_url(home: Path, worker: str) -> str:
    """Valkey's databases 0 and 1 belong to the controller, the next pairs to its workers."""
    number = 2 * (int(worker.removeprefix("gw")) + 1) if worker else 0
    return embedded.redis_url(home).replace("db=0", f"db={number}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    """A wrapper, because pytest-django reads the settings in this hook, as the first of the others."""
    global _kept
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        home = Path(os.environ["BACKOFFICE_HOME"])
    else:
        for name in known_variables():
            os.environ.pop(name, None)
        home = new_home()
        _kept = keep(home)
        (home / "static").mkdir()  # whitenoise looks for it
        os.environ.update(SET, BACKOFFICE_HOME=str(home), DATABASE_URL=embedded.database_url(home))
    os.environ["REDIS_URL"] = worker_redis_url(home, worker)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """The end of an ordinary run; of a killed one the keeper learns by its closed input."""
    global _kept
    if _kept is not None:
        _kept.release()
        _kept = None
