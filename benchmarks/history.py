"""D1, D2, E1 to E3, L1 and L3: the books at five million movements, each against its peer in one interleaved run."""

from __future__ import annotations

import functools
import http.client
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from backoffice import binaries
from benchmarks import books, machine

SMALL, LARGE = 10_000, 5_000_000
PORTS = {"small": 18981, "large": 18982, "admin": 18983, "files": 18984}
ROUNDS = 5
WHOLE = ("first page", "page 1000")
SHEET_DAYS = 36  # of one account: about 100,000 rows

Lines = list[str]


def timed(*variants: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """The median milliseconds of each, measured in turn after one run that warms up."""
    seen: list[list[float]] = [[] for _one in variants]
    for turn in range(rounds + 1):
        for place, one in enumerate(variants):
            began = time.perf_counter()
            one()
            if turn:
                seen[place].append((time.perf_counter() - began) * 1000)
    return [statistics.median(one) for one in seen]


# --- D1, D2: daily sums ---
_DASHBOARD = """
import datetime as dt, statistics, time
from django.db import connection
from payments.services import daily_sums
since = daily_sums.today() - dt.timedelta(days=89)
def ours():
    return [tuple(line.values()) for line in daily_sums.totals(by=("day", "currency"), since=since)]
def plain():
    with connection.cursor() as cursor:
        cursor.execute("SELECT (booked_at AT TIME ZONE %s)::date, currency, count(*),"
            " coalesce(sum(amount) FILTER (WHERE amount > 0), 0), coalesce(sum(amount) FILTER (WHERE amount < 0), 0),"
            " sum(amount) FROM payments_movement WHERE booked_at >= %s GROUP BY 1, 2 ORDER BY 1, 2",
            [str(daily_sums.zone()), daily_sums.begins(since)])
        return cursor.fetchall()
assert ours() == plain() and len(plain()) >= 500, "the sums differ"
seen = {ours: [], plain: []}
for _round in range(5):
    for one in seen:
        began = time.perf_counter()
        one()
        seen[one].append((time.perf_counter() - began) * 1000)
print(*(statistics.median(times) for times in seen.values()))
"""
_INSERT = """
\\set n random(1, 1000000000000000)
INSERT INTO payments_movement (account_id, kind, currency, amount, on_balance, key, label, tag, way, booked_at)
VALUES ((SELECT min(id) FROM payments_provideraccount), 'fee', 'USDT', -1, true,
        'bench:' || :client_id || ':' || :n || ':' || clock_timestamp(), '', '', 'poll', now());
"""


def sums(environment: dict[str, str]) -> Lines:
    """D1: 90 days from the daily sums against GROUP BY; they are compared too, and must be equal."""
    ours, plain = map(float, machine.python(machine.SETUP + _DASHBOARD, environment).split())
    return [
        f"90 days by day and currency at {LARGE:,} rows: {ours:.1f} ms from daily sums, {plain:.0f} ms by GROUP BY",
        machine.goal(
            "D1",
            plain / ours,
            50,
            most=False,
            words="daily sums against GROUP BY, exactly equal: times faster",
        ),
    ]


def writers(home: Path, environment: dict[str, str]) -> Lines:
    """D2: eight writers with and without the note for the daily sums."""
    script = home / "insert.sql"
    script.write_text(_INSERT)
    command = [str(binaries.postgres() / "pgbench"), "-n", "-c", "8", "-j", "2", "-T", "4", "-f", str(script)]
    command.append(environment["DATABASE_URL"])
    rates: dict[str, list[float]] = {"DISABLE": [], "ENABLE": []}
    for _round in range(3):
        for word, seen in rates.items():
            with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
                connection.execute(f"ALTER TABLE payments_movement {word} TRIGGER note_unfolded")
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            line = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
            seen.append(float(line.split()[2]))
    bare, noted = (statistics.median(seen) for seen in rates.values())
    return [
        f"8 writers, one movement per commit: {noted:,.0f} per s with daily sums, {bare:,.0f} without",
        machine.goal(
            "D2", noted / bare, 0.5, most=False, words="share of insert-only commits that daily sums leave"
        ),
    ]


# --- L1, L3: pages ---
_CURSOR = """
from backoffice.kit.paging import Keyset
from payments.models import Movement
rows = Movement.objects.order_by("-booked_at", "-id")
place = min(50 * 1000, rows.count() - 60)
print(Keyset(Movement, ("-booked_at", "-id")).cursor(rows[place]))
"""


def fetch(port: int, path: str, session: str) -> None:
    """One page over HTTP. Raises RuntimeError for anything but 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", path, headers={"Cookie": f"session={session}"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {answer.read()[:300]!r}")
        answer.read()
    finally:
        connection.close()


@dataclass
class Books:
    """A database of movements, and who may look at it."""

    environment: dict[str, str]
    finance: str
    root: str
    cursor: str = field(init=False)

    def __post_init__(self) -> None:
        self.cursor = machine.python(machine.SETUP + _CURSOR, self.environment)


def pages(small: Books, large: Books) -> Lines:
    """L1: our own page at both sizes. L3: against the admin's changelist at the large one."""
    account = machine.python(
        machine.SETUP
        + "from payments.models import ProviderAccount; print(ProviderAccount.objects.first().pk)",
        large.environment,
    )
    asked = {
        "first page": ("", "p=1"),
        "page 1000": ("after", "p=1000"),
        "account": (f"account={account}", f"account__id__exact={account}"),
        "kind": ("kind=adjustment", "kind__exact=adjustment"),
        "account and kind": (f"account={account}&kind=fee", f"account__id__exact={account}&kind__exact=fee"),
        "currency": ("currency=BTC", ""),
        "off balance": ("on_balance=0", "on_balance__exact=0"),
        "this month": ("period=this_month", ""),
    }
    ours, theirs = "backoffice.wsgi:application", "benchmarks.changelist:application"
    served = (("small", ours, small), ("large", ours, large), ("admin", theirs, large))
    servers: list[subprocess.Popen[bytes]] = []
    lines = [f"{'page of 50 movements, ms':<28}{SMALL:>10,}{LARGE:>12,}{'admin':>10}"]
    growth, gain = {}, {}
    try:
        for name, application, one in served:
            servers.append(machine.serve(application, one.environment, PORTS[name], workers=1, threads=4))
        for name, (mine, admins) in asked.items():
            queries = [f"after={one.cursor}" if mine == "after" else mine for one in (small, large)]
            variants = [
                functools.partial(fetch, PORTS[size], f"/history/?{query}", one.finance)
                for size, query, one in zip(("small", "large"), queries, (small, large), strict=True)
            ]
            at_small, at_large = timed(*variants, rounds=11)
            admin = None
            if admins:
                path = f"/admin/payments/movement/?{admins}"
                at_large_too, admin = timed(
                    variants[1], functools.partial(fetch, PORTS["admin"], path, large.root), rounds=3
                )
                gain[name] = admin / at_large_too
            growth[name] = at_large / at_small
            shown = f"{admin:>10.0f}" if admin else ""
            lines.append(f"{name:<28}{at_small:>10.1f}{at_large:>12.1f}{shown}")
    finally:
        for server in servers:
            server.terminate()
            server.wait(20)
    for name, value in growth.items():
        lines.append(
            machine.goal("L1", value, 1.5, most=True, words=f"{name}: at {LARGE:,} against {SMALL:,}")
        )
    for name, value in gain.items():
        words = f"{name}: times faster than the admin"
        if name in WHOLE:
            lines.append(machine.goal("L3", value, 50, most=False, words=words))
        else:  # fewer rows to count: the goal is of the whole list
            lines.append(f"L3  {words:<54}{value:>8.2f}")
    return lines


# --- E1 to E3: files ---
_QUERY = (
    "SELECT m.booked_at, r.value, a.name, m.kind, m.label, m.amount, m.currency, m.on_balance, m.way"
    " FROM payments_movement m LEFT JOIN payments_reference r ON r.id = m.reference_id"
    " JOIN payments_provideraccount a ON a.id = m.account_id"
    " WHERE m.account_id = {account} ORDER BY m.booked_at DESC, m.id DESC"
)
_SHEET = """
import datetime as dt, sys, time
import xlsxwriter
from django.db import transaction
from payments.models import Movement
from payments.services import daily_sums
began = time.perf_counter()
book = xlsxwriter.Workbook({path!r}, {{"constant_memory": True, "remove_timezone": True}})
sheet = book.add_worksheet()
moment = book.add_format({{"num_format": "yyyy-mm-dd hh:mm:ss"}})
rows = Movement.objects.filter(account={account}, booked_at__gte=daily_sums.begins(dt.date.fromisoformat({since!r})))
rows = rows.order_by("-booked_at", "-id").values_list("booked_at", "reference__value", "account__name", "kind",
    "label", "amount", "currency", "on_balance", "way")
count = 0
with transaction.atomic():
    for count, row in enumerate(rows.iterator(chunk_size=2000), start=1):
        sheet.write_datetime(count, 0, row[0], moment)
        for place in range(1, 9):
            sheet.write(count, place, row[place])
book.close()
print(count, time.perf_counter() - began)
"""


@dataclass
class Download:
    """What one download came to: bytes, lines, seconds in all and until the first byte of the body."""

    size: int
    lines: int
    seconds: float
    first: float


def download(port: int, path: str, session: str) -> Download:
    """Read a file as it comes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    began = time.perf_counter()
    connection.request("GET", path, headers={"Cookie": f"session={session}"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    part = answer.read1(65536)
    first, size, lines = time.perf_counter() - began, 0, 0
    while part:
        size += len(part)
        lines += part.count(b"\n")
        part = answer.read1(1 << 20)
    connection.close()
    return Download(size, lines, time.perf_counter() - began, first)


def files(home: Path, large: Books) -> Lines:
    """E1 and E2: the CSV of a million movements against psql; E3: XLSX against XlsxWriter alone."""
    account, since = machine.python(
        machine.SETUP + "import datetime as dt; from payments.models import ProviderAccount;"
        " from payments.services import daily_sums;"
        f" print(ProviderAccount.objects.first().pk, daily_sums.today() - dt.timedelta(days={SHEET_DAYS}))",
        large.environment,
    ).split()
    target = home / "psql.csv"
    query = _QUERY.format(account=account)
    psql = [str(binaries.postgres() / "psql"), "-q", "-d", large.environment["DATABASE_URL"], "-c"]
    psql.append(f"\\copy ({query}) TO '{target}' WITH (FORMAT csv)")
    port = PORTS["files"]
    server = machine.serve("backoffice.wsgi:application", large.environment, port, workers=1, threads=4)
    csv = f"/history/?account={account}&export=csv"
    xlsx = f"/history/?account={account}&since={since}&export=xlsx"
    made: list[Download] = []
    sheets: list[Download] = []
    alone: list[float] = []
    peaks: dict[str, list[int]] = {"csv": [], "xlsx": []}
    try:
        fetch(port, "/history/", large.finance)

        def grown(name: str, path: str) -> Download:
            machine.forget_peak(server.pid)
            before = machine.memory(server.pid, "VmRSS")
            done = download(port, path, large.finance)
            peaks[name].append(machine.memory(server.pid, "VmHWM") - before)
            return done

        def copy() -> None:
            subprocess.run(psql, check=True, env=os.environ)

        copied, _ours = timed(copy, lambda: made.append(grown("csv", csv)))
        rows = made[-1].lines - 1
        count = 0
        for _round in range(3):
            sheets.append(grown("xlsx", xlsx))
            code = _SHEET.format(path=str(home / "alone.xlsx"), account=account, since=since)
            count, seconds = machine.python(machine.SETUP + code, large.environment).split()
            alone.append(float(seconds))
    finally:
        server.terminate()
        server.wait(20)
    ours = statistics.median(one.seconds for one in made[1:])
    first = statistics.median(one.first for one in made[1:]) * 1000
    sheet, bare = statistics.median(one.seconds for one in sheets), statistics.median(alone)
    sheet_rows = int(count)
    return [
        f"CSV of {rows:,} movements: {rows / ours:,.0f} rows per s, psql \\copy {rows / copied * 1000:,.0f};"
        f" XLSX of {sheet_rows:,}: {sheet_rows / sheet:,.0f} rows per s, XlsxWriter alone {sheet_rows / bare:,.0f}",
        machine.goal(
            "E1", copied / 1000 / ours, 0.4, most=False, words="CSV, share of psql's rows per second"
        ),
        machine.goal("E2", max(peaks["csv"][1:]) / 1024, 8, most=True, words="CSV, growth of memory in MiB"),
        machine.goal("E2", first, 100, most=True, words="CSV, first byte in ms"),
        machine.goal(
            "E3", bare / sheet, 0.9, most=False, words="XLSX, share of XlsxWriter's rows per second"
        ),
        machine.goal("E3", max(peaks["xlsx"]) / 1024, 16, most=True, words="XLSX, growth of memory in MiB"),
    ]


def run(home: Path) -> Iterator[str]:
    """Fill two databases, measure all; gives the lines to print as they come."""
    began = time.perf_counter()
    small = Books(*books.make(home, "small", SMALL))
    large = Books(*books.make(home, "large", LARGE))
    machine.python(
        machine.SETUP + "from django.core.management import call_command;"
        "call_command('collectstatic', interactive=False, verbosity=0); print()",
        large.environment,
    )
    yield f"history: {SMALL:,} and {LARGE:,} movements made in {time.perf_counter() - began:.0f} s"
    yield from sums(large.environment)
    yield from pages(small, large)
    yield from files(home, large)
    yield from writers(home, large.environment)
