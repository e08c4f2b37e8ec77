"""The embedded PostgreSQL and Valkey of a first run and of the tests: where they listen, start and stop.

Settings import this module, so it must not import Django. Production sets DATABASE_URL and REDIS_URL and
starts nothing here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from backoffice import binaries
from backoffice.processes import CannotStart, end, is_still, log_file, spawn, wait_for

ROLE = DATABASE = "backoffice"
PATH_LIMIT = 100  # bytes; Linux takes 107 for a unix socket, others 103
START_SECONDS = 60
SERVER_ENV = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}  # nothing of ours, least of all keys


# --- Where things are ---
def locate(base: Path) -> tuple[Path, Path]:
    """The folder of run-time data, and the file of variables. A BACKOFFICE_HOME has its own of both."""
    home = os.environ.get("BACKOFFICE_HOME", "")
    if home:
        return Path(home).absolute(), Path(home).absolute() / ".env"
    return base / "var", base / ".env"


def instance(home: Path) -> str:
    """The random id of the data folder that belongs to this home; "" before the first start."""
    try:
        return (home / "instance").read_text().strip()
    except FileNotFoundError:
        return ""


def data_folder(home: Path) -> Path:
    """Where the servers of this home keep their data."""
    folder = binaries.BASE if binaries.is_root() else home.absolute() / "servers"
    return folder / (instance(home) or "none")


def socket_folder(home: Path) -> Path:
    """Where the servers listen: beside their data, or in /tmp when that path is too long for a socket."""
    folder = data_folder(home) / "run"
    if len(os.fsencode(folder / ".s.PGSQL.5432")) > PATH_LIMIT:
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        folder = Path("/tmp") / f"backoffice-{os.geteuid()}-{digest}"  # noqa: S108  (0700; its owner is checked)
    return folder


def database_url(home: Path) -> str:
    """The address of this home's PostgreSQL, in libpq's own form."""
    return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(socket_folder(home)))}"


def redis_url(home: Path) -> str:
    """The address of this home's Valkey, in redis-py's form."""
    return f"unix://{quote(str(socket_folder(home) / 'valkey.sock'))}?db=0"


def cache_url(redis_url: str) -> str:
    """Django's cache: the same server, the database after the broker's."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return urlunsplit(parts._replace(path=f"/{int(parts.path.strip('/') or 0) + 1}"))
    return f"unix://{parts.path}?db={int(dict(parse_qsl(parts.query)).get('db', 0)) + 1}"


def broker_url(redis_url: str) -> str:
    """Celery's broker: the same server and database, in kombu's form."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    return f"redis+socket://{parts.path}?virtual_host={dict(parse_qsl(parts.query)).get('db', 0)}"


# --- Starting and stopping ---
def renew(home: Path) -> str:
    """Give the home a fresh id: its next start makes empty databases. The old data stays where it is."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = home / "instance.new"
    fresh.write_text(secrets.token_hex(8) + "\n")
    fresh.replace(home / "instance")
    return instance(home)


def start(home: Path, *, database: bool = True, broker: bool = True) -> None:
    """Start what does not run yet; when it returns both answer. Raises CannotStart with a plain message."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _one_at_a_time(home):
        if not instance(home):
            renew(home)
        owner = binaries.owner()
        if binaries.is_root():
            binaries.base()
        else:
            data_folder(home).parent.mkdir(mode=0o700, exist_ok=True)
        for folder in (data_folder(home), socket_folder(home)):
            _private(folder, owner)
        if broker and not _valkey_answers(home):
            _start_valkey(home, owner)
        if database and not _postgres_answers(home):
            _start_postgres(home, owner)


def stop(home: Path) -> None:
    """Stop both, PostgreSQL by its fast shutdown. Does nothing when they do not run."""
    if not instance(home):
        return
    with _one_at_a_time(home):
        if pid := _postmaster(home):
            end([pid], [(signal.SIGINT, 30), (signal.SIGQUIT, 5)])
        if pid := _valkey(home):
            end([pid], [(signal.SIGTERM, 10)])


def running(home: Path, *, database: bool = True, broker: bool = True) -> bool:
    """Whether those that are asked about answer."""
    return not (database and not _postgres_answers(home)) and not (broker and not _valkey_answers(home))


def remove(home: Path) -> None:
    """Stop both and delete their data: for homes that were made for one test run."""
    stop(home)
    if instance(home):
        for folder in (socket_folder(home), data_folder(home)):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    """Two starts do not fight: the second waits, then finds everything running."""
    with (home / "servers.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _private(folder: Path, owner: binaries.Owner) -> None:
    """Make it 0700 for the server's user. Raises CannotStart when it belongs to somebody else."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid not in {owner.uid, os.geteuid()}:
        raise CannotStart(f"{folder} belongs to another user. Remove it, then start again.")
    if folder.stat().st_uid != owner.uid:
        os.chown(folder, owner.uid, owner.gid)
    folder.chmod(0o700)


# --- PostgreSQL ---
def _postmaster(home: Path) -> int | None:
    return _recorded(data_folder(home) / "postgres" / "postmaster.pid", str(data_folder(home)))


def _recorded(pid_file: Path, mark: str) -> int | None:
    try:
        pid = int(pid_file.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    return pid if is_still(pid, mark) else None


def _postgres_answers(home: Path) -> bool:
    import psycopg

    try:
        psycopg.connect(database_url(home), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _start_postgres(home: Path, owner: binaries.Owner) -> None:
    programs, log = binaries.postgres(), log_file(home, "postgres")
    data = data_folder(home) / "postgres"
    if not data.exists():
        _init_postgres(programs, data, owner)
    pid = _postmaster(home)
    if pid is None:
        # A killed server leaves its pid file, and its number may be another process by now.
        (data / "postmaster.pid").unlink(missing_ok=True)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{socket_folder(home)}"',
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        arguments = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
        pid = spawn(
            [programs / "postgres", "-D", data, *arguments], log=log, env=SERVER_ENV, **owner.options()
        )
    wait_for("PostgreSQL", lambda: _postgres_answers(home), pid=pid, log=log, seconds=START_SECONDS)


def _init_postgres(programs: Path, data: Path, owner: binaries.Owner) -> None:
    """Make the cluster and its database beside their place, then move them: half of one is never used."""
    fresh = data.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # Nobody but the servers' user can enter the socket's folder, so nobody is asked for a password there.
    access = ["--username", ROLE, "--auth-local=trust", "--auth-host=reject"]
    steps: list[tuple[list[str | Path], bytes]] = [
        ([programs / "initdb", "-D", fresh, *locale, *access], b""),
        (
            [programs / "postgres", "--single", "-D", fresh, "postgres"],
            f"CREATE DATABASE {DATABASE}\n".encode(),
        ),
    ]
    for arguments, text in steps:
        try:
            subprocess.run(  # noqa: S603
                arguments,
                input=text,
                cwd="/",
                env=SERVER_ENV,
                capture_output=True,
                check=True,
                **owner.options(),
            )
        except subprocess.CalledProcessError as error:
            words = (error.stdout + error.stderr).decode(errors="replace")[-2000:]
            raise CannotStart(f"PostgreSQL cannot make its data folder {data}:\n{words}") from error
        except OSError as error:
            raise CannotStart(f"PostgreSQL cannot be run: {error}. Or set DATABASE_URL.") from error
    fresh.rename(data)


# --- Valkey ---
def _valkey(home: Path) -> int | None:
    return _recorded(data_folder(home) / "valkey" / "valkey.pid", str(socket_folder(home)))


def _valkey_answers(home: Path) -> bool:
    import redis

    try:
        with redis.Redis.from_url(redis_url(home), socket_timeout=5) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _start_valkey(home: Path, owner: binaries.Owner) -> None:
    program, log = binaries.valkey(), log_file(home, "valkey")
    data = data_folder(home) / "valkey"
    _private(data, owner)
    pid = _valkey(home)
    if pid is None:
        options: dict[str, str | Path] = {
            "port": "0",
            "unixsocket": socket_folder(home) / "valkey.sock",
            "unixsocketperm": "700",
            "dir": data,
            "pidfile": data / "valkey.pid",
            "appendonly": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
            "databases": "64",
        }
        arguments = [argument for name, value in options.items() for argument in (f"--{name}", value)]
        pid = spawn([program, *arguments], log=log, env=SERVER_ENV, **owner.options())
    wait_for("Valkey", lambda: _valkey_answers(home), pid=pid, log=log, seconds=START_SECONDS)
