"""The headers of bitexbit's requests: key, deadline and signature, made anew each time that a request leaves.

Source: the document's section on authorization. The signature is hex HMAC-SHA256 over key, path, deadline and body;
path without host and query, the query itself is not signed.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import ItemsView, Iterator, Mapping

from payments.providers.redaction import Secret

#: How long a request of ours may be carried out there. Who asks "did it arrive?" before that is too early.
LIFETIME_MS = 10_000
CONTENT_TYPE = "application/json;charset=utf-8"


def sign(key: Secret, secret: Secret, *, path: str, deadline: str, body: bytes) -> str:
    """The signature of exact bytes."""
    signed = f"{key.reveal()}{path}{deadline}".encode() + body
    return hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest()


class Issued(Secret):
    """The signatures of one request, as they are made: no trace shows any of them."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        super().__init__("")
        self._made: list[str] = []

    def __len__(self) -> int:
        return 64  # also before the first one is made: it must not look like nothing

    def add(self, signature: str) -> Secret:
        """Remember one; returns it as the header's value."""
        self._made.append(signature)
        return Secret(signature)

    def spellings(self) -> tuple[str, ...]:
        """All that were made, in either case."""
        return tuple(text for made in self._made for text in (made, made.upper()))


class SignedHeaders(Mapping[str, Secret | str]):
    """Asked for their items, the headers carry a fresh deadline: a request may have waited for its turn, and a read
    may be repeated.
    """

    def __init__(self, key: Secret, secret: Secret, *, path: str, body: bytes) -> None:
        self._key, self._secret, self._path, self._body = key, secret, path, body
        self.issued = Issued()
        self.made_at = time.monotonic()

    def __repr__(self) -> str:
        return f"<headers for {self._path}>"

    def items(self) -> ItemsView[str, Secret | str]:
        """The headers, signed now."""
        self.made_at = time.monotonic()
        deadline = str(time.time_ns() // 1_000_000 + LIFETIME_MS)
        signature = sign(self._key, self._secret, path=self._path, deadline=deadline, body=self._body)
        made: dict[str, Secret | str] = {
            "Content-Type": CONTENT_TYPE,
            "X-Key": self._key,
            "X-Timeout": deadline,
            "X-Sign": self.issued.add(signature),
        }
        return made.items()

    def __getitem__(self, name: str) -> Secret | str:
        return dict(self.items())[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.items()))

    def __len__(self) -> int:
        return 4
