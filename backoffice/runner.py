"""`make run`: the whole system on this machine, for development. Production runs the Procfile instead.

Starts the embedded servers first and stops them last, so that no process loses its database while it ends.
Holds no Django: what needs it runs as a process of its own.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import environ

from backoffice import embedded
from backoffice.installation import check_ports, make_env_file, only_one
from backoffice.processes import GENTLE, CannotStart, end, exit_code, log_file, spawn, tail, trim

BASE_DIR = Path(__file__).resolve().parent.parent
READY_SECONDS = 120
SERVER_CHECK_SECONDS = 5


class Interrupted(Exception):
    """Somebody asked us to stop while we were starting."""


@dataclass
class Run:
    """One running system: where it is, what it started."""

    home: Path
    port: int = 8000
    month: bool = True
    pids: dict[str, int] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """Where the browser goes."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox(self) -> str:
        """Where the simulated providers listen."""
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def mark(self) -> str:
        """What every process of this run carries in its environment, to be told from others later."""
        return f"BACKOFFICE_RUN={self.home}"

    @property
    def servers(self) -> dict[str, bool]:
        """Which of the servers are ours: those whose address nobody gave."""
        return {
            "database": not os.environ.get("DATABASE_URL"),
            "broker": not os.environ.get("REDIS_URL"),
        }

    def commands(self) -> dict[str, list[str]]:
        """What runs beside the sandbox; the names are those of the logs."""
        celery = ["-m", "celery", "-A", "backoffice"]
        worker = [*celery, "worker", "--without-gossip", "--without-mingle"]
        gunicorn = ["-m", "gunicorn", "backoffice.wsgi:application", "--no-control-socket", "--preload"]
        size = ["--worker-class", "gthread", "--workers", "2", "--threads", "4"]
        return {
            "web": [*gunicorn, *size, "--bind", f"127.0.0.1:{self.port}"],
            "worker": [*worker, "-c", "2", "-Q", "money", "-n", "worker@%h"],
            # Threads, so that accounts which are slow leave room for the others.
            "poller": [*worker, "-P", "threads", "-c", "8", "-Q", "polling,reports", "-n", "poller@%h"],
            "beat": [*celery, "beat", "-S", "celery.beat:Scheduler"],
        }

    def start(self, name: str, arguments: list[str], **env: str) -> int:
        """Start one process with its log, and remember it on disk for the case that we are killed."""
        log = log_file(self.home, name, fresh=True)
        variables = {**os.environ, "BACKOFFICE_RUN": str(self.home), "PYTHONUNBUFFERED": "1", **env}
        pid = spawn([sys.executable, *arguments], log=log, env=variables, cwd=BASE_DIR)
        self.pids[name] = pid
        (self.home / "runner.pids").write_text("".join(f"{pid}\n" for pid in self.pids.values()))
        return pid

    def check(self) -> None:
        """Raises Interrupted when we are to stop, CannotStart when a process has ended by itself."""
        if self.stop.is_set():
            raise Interrupted
        for name, pid in self.pids.items():
            code = exit_code(pid)
            if code is not None:
                log = self.home / "logs" / f"{name}.log"
                how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
                raise CannotStart(f"{name} has stopped ({how}). The end of {log}:\n{tail(log)}")

    def end(self) -> None:
        """Stop the children, gently first; what then still runs is killed with all that it started."""
        end(list(self.pids.values()), GENTLE, group=True)
        (self.home / "runner.pids").unlink(missing_ok=True)


def say(text: str) -> None:
    """To the terminal, as long as there is one: a closed window must not keep us from stopping in order."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def trouble(url: str) -> str:
    """What is wrong with an address; "" when it answers with success. Loopback never goes through a proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return "" if response.status == 200 else f"status {response.status}"
    except urllib.error.HTTPError as error:
        return f"status {error.code}: {error.read(500).decode(errors='replace').strip()}"
    except (OSError, http.client.HTTPException) as error:
        return str(error)


def wait_until(run: Run, urls: list[str]) -> None:
    """Until every address answers. Raises CannotStart, naming the one that does not."""
    deadline = time.monotonic() + READY_SECONDS
    for url in urls:
        while words := trouble(url):
            run.check()
            if time.monotonic() > deadline:
                logs = run.home / "logs"
                raise CannotStart(f"{url} is not ready after {READY_SECONDS} s ({words}). Look into {logs}.")
            run.stop.wait(0.1)


def manage(run: Run, *command: str) -> str:
    """Run one command of manage.py and answer what it said. Raises CannotStart with that when it fails."""
    output = run.home / "manage.out"  # no log: the demo says passwords
    output.unlink(missing_ok=True)
    pid = spawn([sys.executable, "manage.py", *command], log=output, env=os.environ, cwd=BASE_DIR)
    try:
        while exit_code(pid) is None:
            run.check()
            run.stop.wait(0.05)
        if exit_code(pid):
            raise CannotStart(f"manage.py {command[0]} failed. It said:\n{tail(output, 40)}")
        return output.read_text()
    finally:
        end([pid], GENTLE)
        output.unlink()


def bring_up(run: Run) -> str:
    """Start everything, in order, and wait until it answers; the answer is what the demo has to say."""
    say("Starting PostgreSQL and Valkey ...")
    embedded.start(run.home, **run.servers)
    run.start("sandbox", ["manage.py", "sandbox", "--port", str(run.port + 1)])
    say("Preparing the database ...")
    manage(run, "migrate", "--noinput")
    wait_until(run, [f"{run.sandbox}/_control/"])
    say("Playing the demo month ..." if run.month else "Making the logins ...")
    logins = manage(run, "demo", *([] if run.month else ["--bare"]))
    say("Starting web, worker, poller and beat ...")
    # Stays empty: with DEBUG on, whitenoise finds the files where they are.
    (run.home / "static").mkdir(exist_ok=True)
    metrics = run.home / "metrics"  # the web's processes add up their counters here
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir()
    for name, arguments in run.commands().items():
        run.start(name, arguments, **({"PROMETHEUS_MULTIPROC_DIR": str(metrics)} if name == "web" else {}))
    wait_until(run, [f"{run.address}/healthz", f"{run.address}/readyz"])
    return logins


def watch(run: Run) -> None:
    """Until somebody stops us. Raises CannotStart when a process or a server has ended by itself."""
    checked = time.monotonic()
    while not run.stop.wait(0.3):
        run.check()
        if time.monotonic() - checked > SERVER_CHECK_SECONDS:
            checked = time.monotonic()
            for log in (run.home / "logs").glob("*.log"):
                trim(log)
            if not embedded.running(run.home, **run.servers):
                log = run.home / "logs" / "postgres.log"
                raise CannotStart(f"PostgreSQL or Valkey has stopped. The end of {log}:\n{tail(log)}")


def main() -> int:
    """Run until Ctrl-C (0), or until something fails (1)."""
    began = time.monotonic()
    home, env_file = embedded.locate(BASE_DIR)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    run = Run(home=home)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: run.stop.set())
    try:
        with only_one(home, mark=run.mark) as lock:
            make_env_file(home, env_file)
            environ.Env.read_env(env_file)
            if not environ.Env().bool("DEBUG", default=False):
                raise CannotStart(
                    f"DEBUG is off in {env_file}. `make run` is for development; see the README."
                )
            run.port = environ.Env().int("PORT", default=8000)
            run.month = environ.Env().bool("DEMO_MONTH", default=True)
            lock.write(f"{run.address}, process {os.getpid()}")
            lock.flush()
            check_ports(run.port, run.port + 1)
            try:
                logins = bring_up(run)
                say(f"\nReady after {time.monotonic() - began:.1f} s: {run.address}\n\n{logins}")
                say(f"The logins are also in {home / 'demo-logins.txt'}, the logs in {home / 'logs'}.")
                say("Ctrl-C stops it all.")
                watch(run)
            except Interrupted:
                pass
            finally:
                say("\nStopping ...")
                run.end()
                embedded.stop(home)
    except CannotStart as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
