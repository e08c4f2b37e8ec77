"""Keeps what a test run started, and takes it away when that run is over, however it ended.

A process of its own, `python -m tests.keeper <home> [command ...]`: it starts the private servers of a home,
or the command, says so, and waits for the end of its input. A pytest that was killed closes that too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from backoffice import embedded
from backoffice.processes import CannotStart, end, is_still, log_file, spawn

PREFIX = "bo-test-"
ROOT = Path(__file__).resolve().parent.parent


def keep(home: Path, *command: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Start a keeper, which starts its charges. Closing its input ends them and removes the home.

    `env` is all of its environment; without it, ours. Raises CannotStart with what the keeper said.
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
    if said.strip() != "ready":
        keeper.wait()
        raise CannotStart(said + keeper.stdout.read())
    return keeper


def release(keeper: subprocess.Popen[str]) -> None:
    """End what it keeps, and wait until all is gone."""
    assert keeper.stdin is not None
    keeper.stdin.close()
    keeper.wait(60)
    assert keeper.stdout is not None
    keeper.stdout.close()


def new_home() -> Path:
    """A folder for one run, with a short path, after removing what killed keepers left behind."""
    for old in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, ValueError):
            if old.stat().st_uid == os.geteuid() and not is_still(
                int((old / "keeper").read_text()), str(old)
            ):
                embedded.remove(old)
                shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=PREFIX))


def main(home: Path, command: list[str]) -> int:
    """Start, say "ready", wait, end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    (home / "keeper").write_text(f"{os.getpid()}\n")
    pids = []
    try:
        if command:
            pids.append(spawn(command, log=log_file(home, "runner"), env=os.environ, cwd=ROOT))
        else:
            embedded.start(home)
        print("ready", flush=True)
        sys.stdin.read()
    except CannotStart as error:
        print(error, flush=True)
        return 1
    finally:
        end(pids, [(signal.SIGTERM, 30)])
        embedded.remove(home)
        shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
