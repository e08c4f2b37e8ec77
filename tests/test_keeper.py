"""What keeps the tests' servers: it takes them away however the run ended."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backoffice import embedded
from backoffice.processes import CannotStart, alive, end, spawn
from tests.keeper import ROOT, keep, new_home, remove


@pytest.fixture
def home() -> Iterator[Path]:
    folder = new_home()
    yield folder
    remove(folder)


def wait_for_end(home: Path) -> None:
    deadline = time.monotonic() + 30
    while home.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not home.exists()


class TestKeeper:
    def test_nothing_is_left_after_an_ordinary_end(self, home: Path) -> None:
        kept = keep(home)
        data = embedded.data_folder(home)
        assert embedded.running(home)
        kept.release()
        assert not data.exists()
        assert not home.exists()

    def test_nothing_is_left_when_the_tests_are_killed(self, home: Path) -> None:
        code = "import sys,time; from pathlib import Path; from tests.keeper import keep; "
        code += "keep(Path(sys.argv[1])); time.sleep(60)"
        tests = spawn([sys.executable, "-c", code, str(home)], log=home / "log", env=os.environ, cwd=ROOT)
        while not embedded.running(home):
            assert alive(tests)
            time.sleep(0.02)
        data = embedded.data_folder(home)
        end([tests], [(signal.SIGKILL, 5)])
        wait_for_end(home)
        assert not data.exists()

    def test_what_a_killed_keeper_left_goes_with_the_next_run(self, home: Path) -> None:
        kept = keep(home)
        data = embedded.data_folder(home)
        kept.keeper.kill()
        kept.keeper.wait()
        assert embedded.running(home)
        new_home().rmdir()
        assert not home.exists()
        assert not data.exists()

    def test_a_failed_start_is_told(self, home: Path) -> None:
        with pytest.raises(CannotStart, match="no-such-program"):
            keep(home, "/no-such-program")
