"""The test's side of the forge, real Celery workers, and servers that may be killed. All end with the test run."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connection

from backoffice import embedded
from backoffice.processes import alive, tail
from tests.keeper import ROOT, keep, new_home

#: Waits of the processes that are killed, in seconds: short, but long enough for a slow machine to reach its failpoint.
SHORT = {
    "CLAIM_SECONDS": "3",
    "POLL_FACTOR": "0",
    "SETTLE_SECONDS": "0",
    "FAILED_SECOND_LOOK": "1",
    "BACKOFFICE_FAILPOINTS": "on",
    "LOG_LEVEL": "ERROR",
}


def test_database_url() -> str:
    """The database of this test run, for a process of its own. Not before pytest-django has made it."""
    values = connection.settings_dict
    return f"postgresql://{values['USER']}@/{values['NAME']}?host={quote(values['HOST'])}"


def environment(*, database: str, broker: str, sandbox_port: int, **more: str) -> dict[str, str]:
    """All variables of a process that works for the test."""
    return {
        **os.environ,
        **SHORT,
        "DATABASE_URL": database,
        "REDIS_URL": broker,
        "PROVIDER_INTERNAL_HOSTS": f"127.0.0.1:{sandbox_port}",
        **more,
    }


@dataclass(frozen=True)
class Ended:
    """How a child ended. `result` is what its job gave, if it came so far."""

    signal: int
    code: int
    result: Any

    @property
    def killed(self) -> bool:
        return self.signal == signal.SIGKILL

    @property
    def well(self) -> bool:
        return self.signal == 0 and self.code == 0


@dataclass(frozen=True)
class Child:
    """A forked process at work."""

    pid: int
    forge: Forge

    def wait(self) -> Ended:
        """Until it has ended."""
        answer = self.forge.order({"wait": self.pid, "stopped": False})
        return Ended(answer["signal"], answer["code"], answer["result"])

    def wait_stopped(self) -> bool:
        """Until it stands still (True) or has ended."""
        return bool(self.forge.order({"wait": self.pid, "stopped": True})["stopped"])

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """kill -9, unless it has ended already."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.wait()


class Forge:
    """See tests/crash/forge.py."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.forge"],
                cwd=ROOT,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the forge has gone:\n{tail(self._log, 30)}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def order(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._read()

    def fork(
        self,
        job: str,
        *,
        at: str = "",
        once: str = "",
        settings: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> Child:
        """Begin a job in a child. `at`: its failpoint, such as "F6=kill"; `once`: a file that makes it the first only."""
        order = {
            "job": job,
            "arguments": arguments,
            "env": {"BACKOFFICE_FAILPOINT": at, "BACKOFFICE_FAILPOINT_ONCE": once},
            "settings": {"BREAKER_FAILURES": 1_000_000} | (settings or {}),
        }
        return Child(self.order(order)["pid"], self)

    def run(self, job: str, **options: Any) -> Ended:
        """Do a job in a child and wait for its end."""
        return self.fork(job, **options).wait()

    def do(self, job: str, **options: Any) -> Any:
        """The same for a job that must end well; what it gave."""
        ended = self.run(job, **options)
        assert ended.well, f"{job}: {ended}\n{tail(self._log, 40)}"
        return ended.result

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


class Worker:
    """A real Celery worker: `celery -A backoffice worker` on the queue of money, in a session of its own."""

    def __init__(self, env: dict[str, str], log: Path, *, processes: int = 1) -> None:
        self._log = log
        command = [
            "-A",
            "backoffice",
            "worker",
            "-Q",
            "money",
            "-c",
            str(processes),
            "-n",
            f"{time.time_ns()}@test",
        ]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "celery", *command, *quiet],
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def until(self, done: Callable[[], bool], *, seconds: float = 60) -> None:
        """Wait while it works. Fails when it takes too long or the worker has gone."""
        deadline = time.monotonic() + seconds
        while not done():
            assert self._process.poll() is None, f"the worker has gone:\n{tail(self._log, 30)}"
            assert time.monotonic() < deadline, f"not done after {seconds} s:\n{tail(self._log, 30)}"
            time.sleep(0.02)

    def children(self) -> set[int]:
        """The processes of its pool."""
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return {int(pid) for pid in listed.split()}

    def kill(self) -> None:
        """kill -9, the whole of it at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def terminate(self, *, seconds: float) -> float:
        """SIGTERM, and wait; how many seconds it took to end. Fails after `seconds`."""
        began = time.monotonic()
        self._process.terminate()
        self._process.wait(seconds)
        return time.monotonic() - began


@contextlib.contextmanager
def forging(env: dict[str, str], log: Path) -> Iterator[Forge]:
    forge = Forge(env, log)
    try:
        yield forge
    finally:
        forge.close()


@contextlib.contextmanager
def working(env: dict[str, str], log: Path, *, processes: int = 1) -> Iterator[Worker]:
    worker = Worker(env, log, processes=processes)
    try:
        yield worker
    finally:
        worker.kill()


class Servers:
    """A PostgreSQL and a Valkey of one's own, which may be killed. A keeper takes them away at the end."""

    def __init__(self) -> None:
        self.home = new_home()
        self._kept = keep(self.home)
        self.database = embedded.database_url(self.home)
        self.broker = embedded.redis_url(self.home)

    def _pid(self, name: str) -> int:
        return int((embedded.data_folder(self.home) / name).read_text().split()[0])

    def stop_database_at_once(self) -> None:
        """What `pg_ctl stop -m immediate` does: no checkpoint, no goodbye."""
        self._end(self._pid("postgres/postmaster.pid"), signal.SIGQUIT)

    def kill_broker(self) -> None:
        """kill -9: nothing is saved."""
        self._end(self._pid("valkey/valkey.pid"), signal.SIGKILL)

    @staticmethod
    def _end(pid: int, number: int) -> None:
        os.kill(pid, number)
        deadline = time.monotonic() + 20
        while alive(pid):
            assert time.monotonic() < deadline, "the server does not end"
            time.sleep(0.01)

    def start(self) -> None:
        """Whatever does not run."""
        embedded.start(self.home)

    def close(self) -> None:
        self._kept.release()
