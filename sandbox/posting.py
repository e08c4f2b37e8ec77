"""One POST to a loopback address, for callbacks. Holds the rule that the sandbox calls nothing else."""

from __future__ import annotations

import http.client
import ipaddress
import string
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlsplit

NOT_LOOPBACK = "Not sent: the sandbox calls only loopback addresses (127.0.0.1, ::1, localhost)."
KEPT = 300


@dataclass(frozen=True)
class Posted:
    """What came of it: a status with the begin of the answer, or an error."""

    status: int | None = None
    text: str = ""
    error: str = ""
    duration_ms: int = 0

    def as_json(self) -> dict[str, Any]:
        """As the control API shows it."""
        return asdict(self)


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine. Names are not looked up: only localhost counts."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout: float) -> Posted:
    """POST the bytes as they are. Redirects are not followed, proxies are not used, nothing is raised."""
    if not is_loopback(url):
        return Posted(error=NOT_LOOPBACK)
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    connection = kind(host, parts.port or (443 if secure else 80), timeout=timeout)
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=string.punctuation)
    started = time.monotonic()
    try:
        connection.request(
            "POST", path, body=body, headers={**headers, "Host": parts.netloc.rpartition("@")[2]}
        )
        response = connection.getresponse()
        text = response.read(KEPT).decode("utf-8", "replace")
        posted = Posted(status=response.status, text=text)
    except (OSError, http.client.HTTPException) as error:
        posted = Posted(error=f"{type(error).__name__}: {error}")
    finally:
        connection.close()
    return Posted(posted.status, posted.text, posted.error, round((time.monotonic() - started) * 1000))
