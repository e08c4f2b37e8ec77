"""Which hosts we may talk to: https and public addresses, or a host:port that the settings name as internal.

Holds the rule and the look-up of names, no HTTP. The address that was checked is the one to connect to, so
that a name which changes its mind between check and connect gains nothing.
"""

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from payments.providers.errors import Invalid
from payments.providers.words import gettext_noop as _

#: (host, port, seconds) -> addresses as text. Raises OSError when there are none.
Resolver = Callable[[str, int, float], list[str]]

RESOLVE_SECONDS = 5.0
MAX_ADDRESSES = 4
MAX_URL = 300
DEFAULT_PORTS = {"https": 443, "http": 80}

# A white list for the whole address: no user name, query, fragment, percent sign, backslash or other script
# fits.
_URL = re.compile(
    r"(?P<scheme>(?i:https?))://"
    r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)"
    r"(:(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(/[A-Za-z0-9._~-]*)*)",
    re.ASCII,
)
# The last label starts with a letter: 2130706433, 0x7f.1, 127.1 and 0177.0.0.1 are numbers, not names.
_NAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_LOCAL_NAMES = ("localhost", "local", "internal", "localdomain", "lan", "home.arpa")
# Public by the library's table, yet they lead into other networks.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(block) for block in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16")
)
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

BAD_ADDRESS = _("This is not an address that can be used. Write it like https://example.com/api/v1/.")
NOT_HTTPS = _("The address must start with https://.")
NOT_PUBLIC = _("This address does not lead to a public server. Only public servers can be used.")
NO_SUCH_NAME = _("No server was found under this name. Check the spelling.")


class HostRefused(ValueError):
    """The address may not be used. `staff` says why in a plain sentence, marked for gettext."""

    def __init__(self, staff: str) -> None:
        super().__init__(staff)
        self.staff = staff


@dataclass(frozen=True)
class Target:
    """The host of a base URL: `host` as a URL spells it (IPv6 in brackets), lower case."""

    scheme: str
    host: str
    port: int
    internal: bool


def check_base_url(
    url: str,
    internal_hosts: frozenset[str],
    *,
    resolver: Resolver | None = None,
    seconds: float = RESOLVE_SECONDS,
) -> None:
    """Refuse a base URL that we must not talk to: raises Invalid with a staff sentence under `base_url`.

    Reads the spelling, then asks for the name's addresses: every one of them must be public. A host:port in
    `internal_hosts` needs neither TLS nor a public address, an `https://host:port` there still needs TLS.
    """
    refusal = ""
    try:
        target = parse_target(url, internal_hosts)
        addresses(target.host, target.port, internal=target.internal, resolver=resolver, seconds=seconds)
    except HostRefused as error:
        refusal = error.staff
    except OSError:
        refusal = NO_SUCH_NAME
    if refusal:
        raise Invalid("the base URL is not allowed", fields={"base_url": refusal}, staff=refusal)


def parse_target(url: str, internal_hosts: frozenset[str]) -> Target:
    """Read scheme, host and port of a base URL. Raises HostRefused; asks nobody."""
    match = _URL.fullmatch(url) if len(url) <= MAX_URL else None
    if match is None or {".", ".."} & set(match["path"].split("/")):
        raise HostRefused(BAD_ADDRESS)
    scheme, host = match["scheme"].lower(), match["host"].lower()
    if host.startswith("[") and ":" not in host:
        raise HostRefused(BAD_ADDRESS)
    port = int(match["port"]) if match["port"] else DEFAULT_PORTS[scheme]
    if not 0 < port < 65536:
        raise HostRefused(BAD_ADDRESS)
    if f"{host}:{port}" in internal_hosts:
        return Target(scheme, host, port, internal=True)
    if scheme != "https":
        raise HostRefused(NOT_HTTPS)
    if f"https://{host}:{port}" in internal_hosts:
        return Target(scheme, host, port, internal=True)
    address = _literal(host)
    if address is None:
        _check_name(host)
    elif not is_public(address):
        raise HostRefused(NOT_PUBLIC)
    return Target(scheme, host, port, internal=False)


def addresses(
    host: str,
    port: int,
    *,
    internal: bool,
    resolver: Resolver | None = None,
    seconds: float = RESOLVE_SECONDS,
) -> list[str]:
    """The addresses to connect to. Raises HostRefused if any is not public, OSError if there are none."""
    bare = host.strip("[]")
    found = [bare] if _literal(host) else (resolver or resolve)(bare, port, seconds)
    if not found:
        raise OSError("the name has no address")
    if not internal and not all(is_public(_literal(address)) for address in found):
        raise HostRefused(NOT_PUBLIC)
    return found[:MAX_ADDRESSES]


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    """Whether anybody on the internet can be reached there, and nobody in a private network."""
    if address is None:
        return False
    if address.version == 6 and address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return False
    if any(address in block for block in _NOT_PUBLIC if block.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """Ask the system for the addresses of a name, for at most `seconds`. Raises OSError.

    The system's own look-up knows no time limit, so it runs in a thread that may be left behind.
    """
    found: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except OSError as error:
            found.put(error)
        except UnicodeError:
            found.put(OSError("the name cannot be looked up"))

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = found.get(timeout=max(seconds, 0.001))
    except queue.Empty:
        raise TimeoutError("the name was not found in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _check_name(host: str) -> None:
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise HostRefused(BAD_ADDRESS)
    if any(host == name or host.endswith(f".{name}") for name in _LOCAL_NAMES):
        raise HostRefused(NOT_PUBLIC)
