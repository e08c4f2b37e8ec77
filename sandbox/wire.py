"""What goes over a socket, as data: requests, answers, calls. Holds no sockets and no provider's rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import simplejson

JSON = "application/json"
HTML = "text/html; charset=utf-8"
CSP = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'"


@dataclass(frozen=True)
class Request:
    """One request as it arrived. Header names are lower-case, the body is the exact bytes."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def media_type(self) -> str:
        """The content type without its parameters, lower-case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def form(self) -> dict[str, str]:
        """The fields of a posted form; bytes that are not UTF-8 are replaced."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass
class Reply:
    """One answer, ready for a socket."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)

    def head(self, *, length: int, date: str, close: bool) -> bytes:
        """The status line and headers, with the blank line that ends them."""
        reason = HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else "Unknown"
        lines = [
            f"HTTP/1.1 {self.status} {reason}",
            "Server: sandbox",
            f"Date: {date}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {length}",
            f"Connection: {'close' if close else 'keep-alive'}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def redirect(location: str, status: int = 303) -> Reply:
    """Send the client elsewhere."""
    return Reply(status, content_type=HTML, headers={"Location": location})


def page(html: str, status: int = 200) -> Reply:
    """A page for people; never stored by the browser."""
    return Reply(status, html.encode(), HTML, {"Cache-Control": "no-store", "Content-Security-Policy": CSP})


@dataclass
class Call:
    """One call of a provider's API, as far as it could be read: faults, limits and the log look at this."""

    provider: str
    action: str
    request: Request
    account: str = ""
    uniqueid: str = ""
    params: dict[str, Any] = field(default_factory=dict)


@dataclass
class Answer:
    """A provider's answer before it is written as bytes. `data` holds Decimals for amounts."""

    data: dict[str, Any] | list[Any]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def load(body: bytes | str) -> Any:
    """JSON with a Decimal for every number. Raises ValueError for anything else, NaN and Infinity too."""

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is not a number")

    text = body.decode("utf-8") if isinstance(body, bytes) else body
    if text.startswith("\ufeff"):
        raise ValueError("a byte order mark is no JSON")
    try:
        value = simplejson.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=refuse)
        dump(value).encode()  # half of a surrogate pair can be read, but not written: no JSON either
        return value
    except (ArithmeticError, RecursionError) as error:
        raise ValueError("this JSON cannot be read") from error


def dump(value: Any) -> str:
    """JSON with Decimals as plain numbers; what JSON does not know is written as text."""
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False, default=str)


def plain(amount: Decimal) -> str:
    """An amount as plain text: no exponent, no trailing zeros."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
