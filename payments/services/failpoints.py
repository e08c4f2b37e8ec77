"""Places where a test may kill, stop or break a worker (F0 to F13). Does nothing unless settings.FAILPOINTS is on,
which a system check refuses in production. Base floor: knows no object."""

from __future__ import annotations

import os
import signal
import time

from django.conf import settings

VARIABLE = (
    "BACKOFFICE_FAILPOINT"  # such as "F6=kill"; a file named in BACKOFFICE_FAILPOINT_ONCE makes it once
)


class Broken(RuntimeError):
    """What a failpoint raises."""


def hit(name: str) -> None:
    """Pass a place. With `F6=kill` in the environment F6 ends this process with kill -9; `raise`, `sleep`, `stop`."""
    if not settings.FAILPOINTS:
        return
    wanted, _sign, action = os.environ.get(VARIABLE, "").partition("=")
    if wanted != name or not _first():
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif action == "sleep":
        time.sleep(float(os.environ.get("BACKOFFICE_FAILPOINT_SECONDS", "1")))
    elif action == "raise":
        raise Broken(name)


def _first() -> bool:
    """Whether this is the first hit, where a marker file says that one is enough."""
    marker = os.environ.get("BACKOFFICE_FAILPOINT_ONCE", "")
    if not marker:
        return True
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
