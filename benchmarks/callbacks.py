"""C1 and C2: our callback endpoint against a bare view and against dj-stripe's, in one interleaved run."""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from backoffice import embedded
from benchmarks import load, machine

PORT = 18980
CONNECTIONS = 16


@dataclass
class Variant:
    """One server to be measured: its WSGI application, its environment, its requests and what was seen."""

    name: str
    application: str
    environment: dict[str, str]
    make: Callable[[int], bytes]
    loads: list[load.Load] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def measure(self, seconds: float) -> None:
        """Start the server, warm it up, load it, and note its CPU per answer."""
        server = machine.serve(self.application, self.environment, PORT, workers=2, threads=8)
        try:
            load.run(port=PORT, connections=CONNECTIONS, seconds=1.0, make=self.make)
            before = machine.cpu_seconds(server.pid)
            seen = load.run(
                port=PORT, connections=CONNECTIONS, seconds=seconds, make=self._fresh(len(self.loads))
            )
            self.cpu_ms.append((machine.cpu_seconds(server.pid) - before) * 1000 / seen.total)
            self.loads.append(seen)
        finally:
            server.terminate()
            server.wait(20)

    def _fresh(self, run: int) -> Callable[[int], bytes]:
        return lambda serial: self.make(serial + (run + 1) * 100_000_000)

    @property
    def rps(self) -> float:
        return statistics.median(one.rps for one in self.loads)

    @property
    def cpu(self) -> float:
        return statistics.median(self.cpu_ms)

    @property
    def p99(self) -> float:
        return statistics.median(one.p99 for one in self.loads)


# --- The three requests: JSON of the same size, every id unique ---
def _body(serial: int, **more: object) -> bytes:
    fields = {"to": "USDTBALANCE", "amount": 12.5, "purse": "", "type": "Invoice", "status": "Payed"}
    text = json.dumps(fields | {"invoiceid": serial, "uniqueid": f"{serial:018d}"} | more)
    return (text[:-1] + ', "desc": "' + "x" * (479 - len(text) - 12) + '"}').encode()


def _ours(path: str, secret: str, serial: int) -> bytes:
    body = _body(serial)
    signature = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
    return load.post(path, body, {"Content-Type": "application/json", "X-SIGNATURE": signature})


def _bare(serial: int) -> bytes:
    return load.post("/callback/", _body(serial), {"Content-Type": "application/json"})


def _peer(path: str, secret: str, serial: int) -> bytes:
    event = {
        "id": f"evt_{serial}",
        "object": "event",
        "type": "balance.available",
        "api_version": "2020-08-27",
        "created": 1,
    }
    event |= {
        "account": "acct_bench",
        "livemode": False,
        "data": {"object": {"object": "balance"}},
        "request": None,
    }
    text = json.dumps(event)
    body = (text[:-1] + ', "pad": "' + "x" * max(0, 479 - len(text) - 11) + '"}').encode()
    now = int(time.time())
    signature = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return load.post(
        path, body, {"Content-Type": "application/json", "Stripe-Signature": f"t={now},v1={signature}"}
    )


# --- The run ---
def variants(home: Path) -> list[Variant]:
    """The three servers on one database server, each with a database of its own."""
    url = embedded.database_url(home)
    database = {name: url.replace("/backoffice?", f"/{name}?") for name in ("ours", "bare", "peer")}
    for name in database:
        machine.python(
            f"import psycopg; psycopg.connect({url!r}, autocommit=True).execute('CREATE DATABASE bench_{name}')",
            {},
        )
        database[name] = url.replace("/backoffice?", f"/bench_{name}?")
    ours = machine.product(home, database["ours"], url="https://127.0.0.1")
    setup = "import django; django.setup(); from django.core.management import call_command; call_command('migrate', verbosity=0)\n"
    path = machine.python(
        setup + "from payments.services import accounts, callback_tokens\n"
        "account = accounts.create(actor=None, provider='bitloga', name='bench', base_url='http://127.0.0.1:9/',"
        " credentials={'api_key': 'k', 'api_secret': 's'})\n"
        "print(callback_tokens.callback_url(account))",
        ours,
    ).removeprefix("https://127.0.0.1")
    bare, peer = {"DATABASE_URL": database["bare"]}, {"DATABASE_URL": database["peer"]}
    machine.python(
        f"import psycopg; psycopg.connect({database['bare']!r}, autocommit=True).execute({_TABLE!r}); print()",
        {},
    )
    peer_path = machine.python("from benchmarks import peer; print(peer.prepare())", peer)
    return [
        Variant("ours", "backoffice.wsgi:application", ours, functools.partial(_ours, path, "s")),
        Variant("bare view", "benchmarks.bare:application", bare, _bare),
        Variant(
            "dj-stripe",
            "benchmarks.peer:application",
            peer,
            functools.partial(_peer, peer_path, "whsec_bench"),
        ),
    ]


_TABLE = (
    "CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, external text UNIQUE, body text NOT NULL)"
)


def run(home: Path, *, rounds: int = 5, seconds: float = 4.0) -> list[str]:
    """Measure all three in turn, `rounds` times; gives the lines to print."""
    measured = variants(home)
    for _round in range(rounds):
        for variant in measured:
            variant.measure(seconds)
    lines = [
        f"{'callbacks, 16 connections':<28}{'per s':>8}{'p50 ms':>8}{'p99 ms':>8}{'CPU ms':>8}{'not 200':>9}"
    ]
    for one in measured:
        p50 = statistics.median(seen.p50 for seen in one.loads)
        bad = sum(seen.bad for seen in one.loads)
        lines.append(f"{one.name:<28}{one.rps:>8.0f}{p50:>8.1f}{one.p99:>8.1f}{one.cpu:>8.2f}{bad:>9}")
    ours, bare, peer = measured

    lines += [
        machine.goal(
            "C1", ours.cpu / bare.cpu, 1.6, most=True, words="CPU per callback, against the bare view"
        ),
        machine.goal(
            "C1", ours.rps / bare.rps, 0.6, most=False, words="callbacks per second, against the bare view"
        ),
        machine.goal(
            "C2", ours.rps / peer.rps, 5, most=False, words="callbacks per second, against dj-stripe"
        ),
        machine.goal(
            "C2", ours.cpu / peer.cpu, 1 / 6, most=True, words="CPU per callback, against dj-stripe"
        ),
        machine.goal("C3", ours.p99 / bare.p99, 2, most=True, words="p99, against the bare view"),
    ]
    return lines
