"""Processes that we start: their ids, their logs, their end. Knows neither what runs in them nor Django."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

LOG_BYTES = 10_000_000
GENTLE = [(signal.SIGTERM, 8.0), (signal.SIGQUIT, 3.0)]  # Celery gives back its tasks at the second

_children: dict[int, subprocess.Popen[bytes]] = {}  # what this process started, to reap it


class CannotStart(Exception):
    """Something cannot be started or stopped. The text is plain and says what to do."""


def log_file(home: Path, name: str, *, fresh: bool = False) -> Path:
    """The log of one process. An old one is set aside when it has grown, or always (`fresh`); one is kept."""
    folder = home / "logs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}.log"
    if path.exists() and (fresh or path.stat().st_size > LOG_BYTES):
        path.replace(folder / f"{name}.log.1")
    return path


def trim(log: Path) -> None:
    """Set aside what a running process has written when it is much. It appends, so it goes on at byte 0."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_name(log.name + ".1"))
        os.truncate(log, 0)


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, for a message to a person."""
    with contextlib.suppress(OSError), path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - 16_000))
        words = handle.read().decode(errors="replace").splitlines()[-lines:]
        return "\n".join(line[:500] for line in words)
    return ""


def spawn(
    arguments: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: str | Path = "/",
    **options: Any,
) -> int:
    """Start a process in a session of its own (a Ctrl-C at the terminal is not for it); answers its id."""
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603
            arguments,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **options,
        )
    _children[process.pid] = process
    return process.pid


def exit_code(pid: int) -> int | None:
    """How a child of ours ended (negative: by that signal), or None while it runs."""
    child = _children.get(pid)
    return child.poll() if child is not None else None


def alive(pid: int) -> bool:
    """Whether the process runs. One that has ended and waits for its parent does not; ours are reaped."""
    if exit_code(pid) is not None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return not Path("/proc/self").exists()  # no such file system here: the answer above stands


def is_still(pid: int, mark: str) -> bool:
    """Whether the id still belongs to the process that carries the mark in its command line or environment.

    Numbers are given again; where /proc does not exist the number alone decides.
    """
    if not alive(pid):
        return False
    process = Path(f"/proc/{pid}")
    if not process.exists():
        return True
    for name in ("cmdline", "environ"):
        with contextlib.suppress(OSError):
            if mark.encode() in (process / name).read_bytes():
                return True
    return False


def wait_for(what: str, ready: Callable[[], bool], *, pid: int, log: Path, seconds: float) -> None:
    """Until it is ready. Raises CannotStart with the end of its log when it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if not alive(pid):
            raise CannotStart(f"{what} stopped while starting. The end of {log}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise CannotStart(f"{what} does not answer after {seconds:.0f} s. The end of {log}:\n{tail(log)}")
        time.sleep(0.03)


def end(pids: Sequence[int], steps: Sequence[tuple[signal.Signals, float]], *, group: bool = False) -> None:
    """Send each signal in turn and wait so many seconds; the last is SIGKILL, to whole groups if `group`."""
    left = [pid for pid in pids if alive(pid)]
    for number, seconds in [*steps, (signal.SIGKILL, 5.0)]:
        targets = pids if group and number == signal.SIGKILL else left
        for pid in targets:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if group and number == signal.SIGKILL:
                    os.killpg(pid, number)  # what its leader left behind goes too
                else:
                    os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while left and time.monotonic() < deadline:
            time.sleep(0.02)
            left = [pid for pid in left if alive(pid)]
        if not left and not group:
            return
