"""The whole running system for browser tests: `make run` in a home of its own, on ports of its own.

tests/conftest.py gives these fixtures to every test, and sees to it that one worker alone runs all tests that
use them, so that one system is started.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from backoffice import embedded
from backoffice.processes import alive, tail
from tests.keeper import ROOT, keep, new_home
from tests.servers import known_variables

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

READY_SECONDS = 180
KEPT_LOGS = ROOT / "var" / "test-logs"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Stack:
    """A running system: its addresses, its folder of logs, and its command line."""

    home: Path
    port: int

    @property
    def url(self) -> str:
        """The web, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox(self) -> str:
        """The simulated providers, without a slash at the end."""
        return f"http://127.0.0.1:{self.port + 1}"

    def control(self, path: str, data: dict[str, Any] | None = None) -> Any:
        """What the sandbox's control page says as JSON: POST with data, GET without."""
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(
            f"{self.sandbox}/_control/{path}", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self.home / "logs"

    @property
    def env(self) -> dict[str, str]:
        """What a command of this system must have in its environment, and nothing of the tests' own."""
        names = known_variables()
        inherited = {name: value for name, value in os.environ.items() if name not in names}
        return {**inherited, "BACKOFFICE_HOME": str(self.home), "PORT": str(self.port), "DEMO_MONTH": "off"}

    def manage(self, *arguments: str) -> str:
        """Run manage.py against the running system and answer what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def logins(self) -> dict[str, str]:
        """Name to password, of every user that the demo made."""
        lines = (self.home / "demo-logins.txt").read_text().splitlines()
        pairs = [line.split() for line in lines if line and not line.startswith("#")]
        return {pair[0]: pair[1] for pair in pairs if len(pair) >= 2}


def free_ports() -> int:
    """A port that is free now, as is the next one; below those that the kernel gives to connections."""
    while True:
        port = random.randrange(20_000, 32_000, 2)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def wait_ready(said: Path, pid: int) -> None:
    """Until the runner says so in that file. Fails the test with its words when it gives up."""
    deadline = time.monotonic() + READY_SECONDS
    while not said.exists() or "Ready after" not in said.read_text():
        if time.monotonic() > deadline or not alive(pid):
            pytest.fail(f"The system did not start:\n{tail(said, 60)}", pytrace=False)
        time.sleep(0.1)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Start everything, wait until the runner says that it is ready, and take it all away at the end."""
    system = Stack(home=new_home(), port=free_ports())
    kept = keep(system.home, sys.executable, "-m", "backoffice.runner", env=system.env)
    try:
        wait_ready(system.logs / "runner.log", kept.pid)
        yield system
    finally:
        if request.session.testsfailed:  # what a person wants to read then
            shutil.copytree(system.logs, KEPT_LOGS, dirs_exist_ok=True)
        os.kill(kept.pid, signal.SIGINT)  # as Ctrl-C does
        deadline = time.monotonic() + READY_SECONDS
        while alive(kept.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        servers_left = embedded.running(system.home, broker=False)
        kept.release()
    assert not servers_left, "Ctrl-C left PostgreSQL running"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert program, "No Chromium on this machine; `make test` installs it."
    # Playwright runs a loop in this thread, which Django would take for an asynchronous caller.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about: errors, scripts that broke, what the CSP refused.

    A test that makes a failing request on purpose takes this fixture and clears the list.
    """
    return []


@pytest.fixture
def page(browser: Browser, stack: Stack, complaints: list[str]) -> Iterator[Page]:
    """A page in a fresh context. The test fails when the browser complained."""
    context = browser.new_context(base_url=stack.url, viewport={"width": 1280, "height": 900})

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    context.on("console", on_console)
    context.on("weberror", lambda error: complaints.append(f"script: {error.error}"))
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    yield opened
    context.close()
    assert not complaints, "\n".join(complaints)
