"""Keeps what a test run started, and takes it away when that run is over, however it ended.

A process of its own, `python -m tests.keeper <home> [command ...]`: it starts the private servers of a home,
or the command, says so, and waits for the end of its input. A pytest that was killed closes that too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from backoffice import embedded
from backoffice.processes import CannotStart, end, log_file, spawn

PREFIX = "bo-test-"
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Kept:
    """A keeper at work, and the process that it started (0: the servers of a home)."""

    keeper: subprocess.Popen[str]
    pid: int

    def release(self) -> None:
        """End what it keeps, and wait until all is gone."""
        assert self.keeper.stdin is not None
        assert self.keeper.stdout is not None
        self.keeper.stdin.close()
        self.keeper.wait(60)
        self.keeper.stdout.close()


def keep(home: Path, *command: str, env: dict[str, str] | None = None) -> Kept:
    """Start a keeper, which starts its charges. `env` is all of its environment; without it, ours.

    Raises CannotStart with what the keeper said.
    """
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.keeper", str(home), *command],
        cwd=ROOT,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C is for pytest; the keeper notices its end
    )
    assert keeper.stdout is not None
    said = keeper.stdout.readline()
    if not said.startswith("ready "):
        said += keeper.stdout.read()
        keeper.stdout.close()
        keeper.wait()
        raise CannotStart(said)
    return Kept(keeper, int(said.split()[1]))


@contextlib.contextmanager
def in_use(home: Path) -> Iterator[None]:
    """While this lasts, no other run takes the home for one that a killed run left behind."""
    with (home / "keeper.new").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        (home / "keeper.new").rename(home / "keeper")
        yield


def new_home() -> Path:
    """A folder for one run, with a short path, after removing what killed keepers left behind."""
    for old in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/keeper"):
        with contextlib.suppress(OSError), old.open() as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(old.parent)
    return Path(tempfile.mkdtemp(prefix=PREFIX))


def remove(home: Path) -> None:
    """Stop the servers of a home and delete all of it."""
    embedded.remove(home)
    shutil.rmtree(home, ignore_errors=True)


def forget_power_cuts(home: Path) -> None:
    """A test's data outlives its processes, not the machine: each commit is spared the wait for the disk."""
    with psycopg.connect(embedded.database_url(home), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


def main(home: Path, command: list[str]) -> int:
    """Start, say "ready", wait, end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    pids = []
    with in_use(home):
        try:
            if command:
                pids.append(spawn(command, log=log_file(home, "runner"), env=os.environ, cwd=ROOT))
            else:
                embedded.start(home)
                forget_power_cuts(home)
            print(f"ready {sum(pids)}", flush=True)
            sys.stdin.read()
        except (CannotStart, OSError) as error:
            print(error, flush=True)
            return 1
        finally:
            end(pids, [(signal.SIGTERM, 30)])
            remove(home)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
