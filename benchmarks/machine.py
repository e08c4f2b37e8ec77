"""What the benchmarks share: servers of the product, commands in its environment, CPU and memory, and the words of a goal."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from pathlib import Path

from backoffice import embedded

ROOT = Path(__file__).resolve().parent.parent
SETUP = "import django; django.setup()\n"


def product(home: Path, database_url: str, *, url: str) -> dict[str, str]:
    """The environment of the product as in production, on that database."""
    return {
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "DEBUG": "off",
        "BACKOFFICE_HOME": str(home),
        "SECRET_KEY": "bench" * 12,
        "FIELD_ENCRYPTION_KEYS": "YmVuY2gtb25seS1maWVsZC1rZXktMDAwMDAwMDAwMDA=",
        "ALLOWED_HOSTS": "127.0.0.1",
        "PUBLIC_URL": url,
        "METRICS_TOKEN": "bench",
        "EMAIL_URL": "dummymail://",
        "DATABASE_URL": database_url,
        "REDIS_URL": embedded.redis_url(home),
        "PROVIDER_INTERNAL_HOSTS": "127.0.0.1:9",
        "LOG_LEVEL": "ERROR",
    }


def python(code: str, environment: dict[str, str]) -> str:
    """Run the code in a process of its own; gives the last line that it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return (done.stdout.strip().splitlines() or [""])[-1]


def serve(
    application: str, environment: dict[str, str], port: int, *, workers: int, threads: int
) -> subprocess.Popen[bytes]:
    """Start a web server and wait until it answers anything at all."""
    command = [sys.executable, "-W", "ignore", "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"]
    command += ["--workers", str(workers), "--threads", str(threads), "--worker-class", "gthread"]
    command += ["--keep-alive", "30", "--log-level", "error", "--timeout", "300"]
    (ROOT / "var").mkdir(exist_ok=True)
    with (ROOT / "var" / "bench.log").open("ab") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=log, stderr=log)
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/nothing-here")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return server
        finally:
            connection.close()
    server.terminate()
    raise RuntimeError("the server did not come up: see var/bench.log")


def workers_of(pid: int) -> list[str]:
    """The processes of a web server, itself first."""
    return [str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_seconds(pid: int) -> float:
    """User and system time of the server and its workers so far."""
    tick = os.sysconf("SC_CLK_TCK")
    total = 0
    for one in workers_of(pid):
        parts = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += int(parts[11]) + int(parts[12])
    return total / tick


def memory(pid: int, word: str) -> int:
    """ "VmRSS" (now) or "VmHWM" (the most since `forget_peak`) of the server and its workers, in KiB."""
    total = 0
    for one in workers_of(pid):
        lines = Path(f"/proc/{one}/status").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith(word))
    return total


def forget_peak(pid: int) -> None:
    """Begin anew with the most memory that was ever used."""
    for one in workers_of(pid):
        Path(f"/proc/{one}/clear_refs").write_text("5")


def goal(name: str, value: float, limit: float, *, most: bool, words: str) -> str:
    """A line that says whether a goal is met: `most`, the value may be at most the limit; else at least."""
    met = value <= limit if most else value >= limit
    sign = "<=" if most else ">="
    return f"{name}  {words:<54}{value:>8.2f}  goal {sign} {limit:.2f}  {'met' if met else 'NOT MET'}"
