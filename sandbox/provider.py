"""What a simulated provider must offer to the generic parts. Holds no provider's rules."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from sandbox.accounts import Account
from sandbox.settings import Setting
from sandbox.transactions import Transaction
from sandbox.wire import Answer, Call, Reply, Request, dump, load

if TYPE_CHECKING:
    from sandbox.engine import Engine
    from sandbox.routes import Route


class Provider(ABC):
    """One simulated provider. An instance belongs to one engine and is used by many threads at once."""

    name: ClassVar[str]
    title: ClassVar[str]
    # The provider's own tables in the ledger, and their names.
    schema: ClassVar[str] = ""
    tables: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[Sequence[Setting]] = ()
    actions: ClassVar[tuple[str, ...]] = ()
    # The call that asks about one transaction, and how it says that there is none.
    lookup_action: ClassVar[str] = ""
    not_found: ClassVar[str] = ""
    # The header that carries a callback's signature; empty if callbacks are not signed.
    signature_header: ClassVar[str] = ""
    # The field that says whether a call went well, and the one that holds all others ("": they stand beside it).
    success_name: ClassVar[str] = "success"
    inside: ClassVar[str] = ""
    # The part of the control page that shows this provider.
    control_template: ClassVar[str]

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def setting(self, name: str) -> Any:
        """The value of one of this provider's settings."""
        return self.engine.settings.get(self.name, name)

    @property
    @abstractmethod
    def base_url(self) -> str:
        """The base URL as it is typed into the product."""

    @property
    @abstractmethod
    def opening_balances(self) -> Mapping[str, Decimal]:
        """What a new account owns unless it is said otherwise."""

    @abstractmethod
    def read(self, request: Request) -> Call | Reply:
        """What a request is: a call of the API, or (pages, redirects, unknown places) its answer at once."""

    @abstractmethod
    def answer(self, call: Call) -> Answer:
        """Deal with a call. What is accepted stands in the ledger when this returns."""

    @abstractmethod
    def refusal(self, message: str, status: int | None = None) -> Answer:
        """An answer of this provider that says no with that text."""

    @abstractmethod
    def encode(self, answer: Answer) -> Reply:
        """An answer as bytes, printed as this provider prints."""

    @abstractmethod
    def move(
        self, db: sqlite3.Connection, row: Transaction, verb: str, options: Mapping[str, Any]
    ) -> Transaction:
        """Let something happen to a transaction (by the clock or by control). Raises routes.ControlError."""

    @abstractmethod
    def callback_headers(self, body: bytes, account: Account) -> dict[str, str]:
        """The headers of a callback, its signature among them."""

    def keys(self, account: Account) -> dict[str, str]:
        """An account's keys under the names that the product asks for."""
        return {"api_key": account.api_key, "api_secret": account.api_secret}

    def callback_body(self, fields: Mapping[str, Any]) -> str:
        """A callback's fields as its text."""
        return dump(dict(fields))

    def callback_fields(self, body: str) -> dict[str, Any]:
        """A callback's text as its fields. Raises ValueError for what is none."""
        return dict(load(body))

    def merge_settings(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Settings as they are kept, from the forms in which they may come. Raises routes.ControlError."""
        return dict(changes)

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """This provider's own part of the control API, below /_control/<name>/."""

    @abstractmethod
    def control_context(self) -> dict[str, Any]:
        """What this provider's part of the control page shows."""
