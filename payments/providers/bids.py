"""What a provider of exchange bids can do, as a protocol, and what goes in and comes out, as frozen dataclasses.

Holds no provider's words and no HTTP. Accounts and instructions may carry card numbers, and whoever has a bid's hash
or links can cancel it: they stay out of `repr`. Texts of time are the provider's own, in a zone that it does not
tell: show them, never order by them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from payments.providers.base import Field

Row = TypeVar("Row")

#: What the amount of a calculation means.
GIVE, GET, GIVE_WITH_FEE, GET_WITH_FEE = 1, 2, 3, 4


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of a list. `unreadable` are the rows that could not be read, as they came without secrets:
    somebody should see them.
    """

    rows: tuple[Row, ...]
    unreadable: tuple[Any, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class ExchangeCurrency:
    """One currency of an exchanger, under its own id. The logo is a link that nobody loads."""

    id: str
    title: str
    logo: str = ""


@dataclass(frozen=True)
class CurrenciesReport:
    """What can be given and what can be received."""

    give: tuple[ExchangeCurrency, ...]
    get: tuple[ExchangeCurrency, ...]
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Direction:
    """One pair that the exchanger exchanges."""

    id: str
    give: ExchangeCurrency
    get: ExchangeCurrency
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Quote:
    """What an exchange would cost just now: `course_give` of one currency buys `course_get` of the other.

    An amount is None when it was not stated, a limit also when there is none. `changed`: the exchanger moved
    the amount into its limits; None when it did not say. Fees are its own words.
    """

    give_currency: str
    get_currency: str
    course_give: Decimal
    course_get: Decimal
    give: Decimal | None = None
    give_with_fee: Decimal | None = None
    get: Decimal | None = None
    get_with_fee: Decimal | None = None
    give_fee: str = ""
    get_fee: str = ""
    min_give: Decimal | None = None
    max_give: Decimal | None = None
    min_get: Decimal | None = None
    max_get: Decimal | None = None
    reserve: Decimal | None = None
    changed: bool | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class DirectionReport:
    """One direction with its form. `give_fields`, `get_fields`, `direction_fields` are what a bid needs."""

    id: str
    url: str
    quote: Quote
    description: str = ""
    frozen_text: str = ""
    before_payment: str = ""
    give_fields: tuple[Field, ...] = ()
    get_fields: tuple[Field, ...] = ()
    direction_fields: tuple[Field, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def form(self) -> tuple[Field, ...]:
        """All fields of the direction, in the order in which the exchanger shows them."""
        return (*self.give_fields, *self.get_fields, *self.direction_fields)


@dataclass(frozen=True)
class QuoteRequest:
    """`action` is one of GIVE, GET, GIVE_WITH_FEE, GET_WITH_FEE; `fields` those that `calculates` marks."""

    direction_id: str
    amount: Decimal
    action: int = GIVE
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class BidRequest:
    """`fields` under the provider's own parameter names, amounts as Decimal. `form` is the direction's, as it
    was shown: with it, what is missing is found before anything is sent. `callback_url` is absolute.
    """

    reference: str
    fields: Mapping[str, Any] = field(repr=False)
    form: tuple[Field, ...] = field(default=(), repr=False)
    callback_url: str = field(default="", repr=False)


@dataclass(frozen=True)
class BidActions:
    """How a bid is paid or canceled. `can_*`: by a call of ours; a `*_url` is a page that a person opens.

    `pay_amount` None: not stated, or only as the words in `pay_amount_text`.
    """

    type: str = ""
    can_cancel: bool = False
    cancel_url: str = field(default="", repr=False)
    can_pay: bool = False
    pay_url: str = field(default="", repr=False)
    instruction: str = field(default="", repr=False)
    pay_amount: Decimal | None = None
    pay_amount_text: str = ""
    address: str = field(default="", repr=False)
    tag: str = ""


@dataclass(frozen=True)
class BidReport:
    """What the provider just said about one bid.

    `status` is our word (new paid processing complete canceled), or None for a word that we do not know;
    `needs_person`: the word is known and means that somebody must look. Amounts are None only right after
    creation, where the answer may hold no more than the bid's id. `reference` is "" where the answer names none.
    """

    reference: str
    provider_id: str
    hash: str = field(repr=False)
    url: str = field(repr=False)
    status: str | None
    provider_status: str
    needs_person: bool = False
    status_title: str = ""
    give_system: str = ""
    get_system: str = ""
    give_currency: str = ""
    get_currency: str = ""
    amount_give: Decimal | None = None
    amount_get: Decimal | None = None
    actions: BidActions = BidActions()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class BidStateReport:
    """What a bid became by a call of ours. Words as in BidReport."""

    status: str | None
    provider_status: str
    needs_person: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class BidStatusChange:
    """One line of a bid's history."""

    status: str | None
    provider_status: str
    time_text: str = ""
    date_text: str = ""


@dataclass(frozen=True)
class BidRow:
    """One bid of a list. `success_flag` ("0", "1" or "") is untrustworthy: only `status` decides. `is_hidden`: its maker
    has not confirmed it, so it is none yet.
    """

    provider_id: str
    reference: str
    status: str | None
    provider_status: str
    needs_person: bool
    give_system: str
    get_system: str
    give_currency: str
    get_currency: str
    amount_give: Decimal
    amount_get: Decimal
    course_give: Decimal | None = None
    course_get: Decimal | None = None
    hash: str = field(default="", repr=False)
    success_flag: str = ""
    user_hash: str = ""
    user_ip: str = ""
    time_text: str = ""
    date_text: str = ""
    history: tuple[BidStatusChange, ...] = ()
    is_hidden: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def flag_contradicts_document(self) -> bool | None:
        """Whether the flag means the opposite of what the document says (0 is completed). None: not stated."""
        if self.success_flag not in ("0", "1") or self.status is None:
            return None
        return (self.success_flag == "1") == (self.status == "complete")


@runtime_checkable
class Bids(Protocol):
    """Exchanges. `find_bid` raises Refused(reason="not_found") when the provider shows none: that proves
    nothing.
    """

    def direction_currencies(self, *, give_id: str = "", get_id: str = "") -> CurrenciesReport: ...

    def directions(self, *, give_id: str = "", get_id: str = "") -> Page[Direction]: ...

    def direction(
        self, direction_id: str = "", *, give_id: str = "", get_id: str = ""
    ) -> DirectionReport: ...

    def calculate(self, request: QuoteRequest) -> Quote: ...

    def create_bid(self, request: BidRequest) -> BidReport: ...

    def find_bid(self, *, provider_id: str = "", bid_hash: str = "") -> BidReport: ...

    def cancel_bid(self, bid_hash: str) -> BidStateReport: ...

    def pay_bid(self, bid_hash: str) -> BidStateReport: ...

    def complete_bid(self, bid_hash: str) -> BidStateReport: ...

    def bids(
        self,
        *,
        since: int | None = None,
        until: int | None = None,
        ip: str = "",
        provider_id: str = "",
        reference: str = "",
        with_history: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> Page[BidRow]: ...

    def scan_bids(
        self, *, since: int | None = None, until: int | None = None, with_history: bool = False
    ) -> Iterator[Page[BidRow]]: ...
