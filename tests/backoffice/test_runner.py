"""The runner: its parts with small processes, and once the whole system, killed and started again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backoffice import embedded
from backoffice.celery import BEAT, MONEY, POLLING, REPORTS
from backoffice.processes import CannotStart, alive, end
from backoffice.runner import Interrupted, Run, manage
from tests.keeper import ROOT, in_use, new_home, remove
from tests.stack import Stack, free_ports, wait_ready

SLEEPER = "import time; time.sleep(60)"
STUBBORN = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run without anything in it; what a test starts in it ends with it."""
    system = Run(home=tmp_path, port=free_ports())
    yield system
    end(list(system.pids.values()), [], group=True)


class TestChildren:
    def test_one_that_ends_is_named_with_its_last_words(self, run: Run) -> None:
        pid = run.start("poller", ["-c", "raise SystemExit('no broker')"])
        while alive(pid):
            time.sleep(0.02)
        with pytest.raises(CannotStart, match=r"poller has stopped \(exit code 1\)(.|\n)*no broker"):
            run.check()

    def test_a_killed_one_is_named_with_the_signal(self, run: Run) -> None:
        pid = run.start("beat", ["-c", SLEEPER])
        os.kill(pid, signal.SIGKILL)
        while alive(pid):
            time.sleep(0.02)
        with pytest.raises(CannotStart, match=r"beat has stopped \(SIGKILL\)"):
            run.check()

    def test_a_stop_interrupts(self, run: Run) -> None:
        run.stop.set()
        with pytest.raises(Interrupted):
            run.check()

    def test_a_stubborn_one_is_killed_with_what_it_started(self, run: Run) -> None:
        child = f"import subprocess,sys; print(subprocess.Popen([sys.executable,'-c',{STUBBORN!r}]).pid)"
        leader = run.start("web", ["-c", f"{child}\n{STUBBORN}"])
        log = run.home / "logs" / "web.log"
        while not log.read_text().strip():
            time.sleep(0.02)
        end([leader], [(signal.SIGTERM, 0.2)], group=True)
        assert not alive(leader)
        child_pid = int(log.read_text())
        deadline = time.monotonic() + 5
        while alive(child_pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not alive(child_pid)

    def test_a_command_that_fails_shows_what_it_said(self, run: Run) -> None:
        with pytest.raises(CannotStart, match=r"manage.py nonsense failed(.|\n)*Unknown command"):
            manage(run, "nonsense")

    def test_the_log_of_the_last_run_is_set_aside(self, run: Run) -> None:
        for word in ("first", "second"):
            pid = run.start("web", ["-c", f"print('{word}')"])
            while alive(pid):
                time.sleep(0.02)
        logs = run.home / "logs"
        assert (logs / "web.log").read_text() == "second\n"
        assert (logs / "web.log.1").read_text() == "first\n"


class TestQueues:
    """A queue that nobody serves would hold money in silence."""

    @staticmethod
    def served(commands: str) -> set[str]:
        return {name for names in re.findall(r"-Q (\S+)", commands) for name in names.split(",")}

    def test_the_runner_serves_all(self, run: Run) -> None:
        commands = " ".join(word for command in run.commands().values() for word in command)
        assert self.served(commands) == {MONEY, POLLING, REPORTS}

    def test_the_procfile_serves_all(self) -> None:
        assert self.served((ROOT / "Procfile").read_text()) == {MONEY, POLLING, REPORTS}

    def test_the_beat_uses_no_other(self) -> None:
        assert {queue for _task, _period, queue in BEAT.values()} <= {MONEY, POLLING, REPORTS}


@pytest.mark.xdist_group("stack")  # one system at a time: each needs both cores to start
class TestWholeSystem:
    @pytest.fixture
    def system(self) -> Iterator[Stack]:
        home = new_home()
        with in_use(home):
            yield Stack(home=home, port=free_ports())
        remove(home)

    @staticmethod
    def start(system: Stack) -> tuple[subprocess.Popen[bytes], str]:
        """A runner that is ready, and what it said."""
        said = system.home / "said"
        with said.open("wb") as output:
            runner = subprocess.Popen(
                [sys.executable, "-m", "backoffice.runner"],
                cwd=ROOT,
                env=system.env,
                stdout=output,
                stderr=output,
            )
        wait_ready(said, runner.pid)
        return runner, said.read_text()

    @staticmethod
    def pids(system: Stack) -> list[int]:
        return [int(line) for line in (system.home / "runner.pids").read_text().split()]

    def test_it_ends_in_order_and_starts_again_whatever_happened(self, system: Stack) -> None:
        runner, said = self.start(system)
        logins = (system.home / "demo-logins.txt").read_text()
        assert system.url in said
        assert all(word in said for word in logins.split())
        logs = "".join(path.read_text() for path in system.logs.iterdir())
        assert not any(line.split()[1] in logs for line in logins.splitlines())
        first = self.pids(system)

        runner.kill()
        runner.wait()
        assert all(map(alive, first))  # nobody told them
        runner, said = self.start(system)
        assert "The last run was killed. Stopping 5 processes" in said
        assert not any(map(alive, first))
        assert (system.home / "demo-logins.txt").read_text() == logins

        pids = self.pids(system)
        worker = next(pid for pid in pids if b"worker@" in Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(worker, signal.SIGKILL)
        assert runner.wait(90) == 1
        assert "worker has stopped (SIGKILL)" in (system.home / "said").read_text()
        assert not any(map(alive, pids))
        assert not embedded.running(system.home, broker=False)
