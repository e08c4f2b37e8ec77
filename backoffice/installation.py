"""What must be right on this machine before the runner starts anything: keys, one runner, free ports."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from backoffice import embedded
from backoffice.processes import GENTLE, CannotStart, end, is_still


def make_env_file(home: Path, env_file: Path) -> bool:
    """Write fresh keys when there is no .env, and begin a fresh database: old data needs the old keys."""
    if env_file.exists():
        return False
    embedded.renew(home)
    lines = [
        "# The keys of this installation, made at its first start. Keep them secret and keep a copy:",
        "# what FIELD_ENCRYPTION_KEYS encrypted cannot be read without them. .env.example explains each.",
        "DEBUG=on",
        f"SECRET_KEY={secrets.token_urlsafe(50)}",
        f"FIELD_ENCRYPTION_KEYS={base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}",
        f"METRICS_TOKEN={secrets.token_urlsafe(24)}",
    ]
    with os.fdopen(os.open(env_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write("\n".join(lines) + "\n")
    return True


@contextlib.contextmanager
def only_one(home: Path, *, mark: str) -> Iterator[TextIO]:
    """One runner per home; what a killed one left running, known by its mark, is stopped first.

    What is written to the answer tells a second one where the first is: it gets that as CannotStart.
    """
    with (home / "runner.lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise CannotStart(f"It already runs: {handle.read().strip()}. Ctrl-C there stops it.") from None
        handle.truncate(0)
        left = home / "runner.pids"
        if left.exists():
            found = [int(word) for word in left.read_text().split() if word.isdigit()]
            pids = [pid for pid in found if is_still(pid, mark)]
            if pids:
                print(f"The last run was killed. Stopping {len(pids)} processes that it left.", flush=True)
                end(pids, GENTLE, group=True)
            left.unlink()
        yield handle


def check_ports(*ports: int) -> None:
    """Raises CannotStart when a port is taken."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise CannotStart(
                    f"Port {port} is in use by another program ({error.strerror}). "
                    "Stop it, or take other ports: PORT=9000 make run (the sandbox takes the next one)."
                ) from error
