"""What a provider with a partner programme can do, as a protocol, and what comes out, as frozen dataclasses.

Holds no provider's words and no HTTP. Texts of time are the provider's own, in a zone that it does not tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

from payments.providers.bids import BidRow, Page


@dataclass(frozen=True)
class PayoutMethod:
    """One currency that the balance can be paid out in. `amount` is the whole balance in it, after the fee."""

    id: str
    title: str
    commission: str
    amount: Decimal | None


@dataclass(frozen=True)
class PartnerReport:
    """Who we are in the programme and what we have. The currency of `balance` and `min_payout` is not told.

    `min_payout` None: there is none, or it was not stated.
    """

    partner_id: str
    balance: Decimal
    min_payout: Decimal | None
    methods: tuple[PayoutMethod, ...]
    unreadable: tuple[Any, ...] = field(default=(), repr=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class PartnerLink:
    """Somebody came by a link of ours. Everything in it was said by a visitor's browser."""

    time_text: str
    date_text: str
    browser: str
    ip: str
    referrer: str
    user_hash: str
    query_string: str
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class PartnerExchange:
    """A bid of somebody whom we brought. `accrued` None and `reward` None: not stated."""

    bid: BidRow
    accrued: bool | None
    reward: Decimal | None


@dataclass(frozen=True)
class PartnerPayoutRequest:
    """`fields` under the provider's own parameter names. It has no amount: the whole balance is paid out."""

    fields: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class PartnerPayoutCreated:
    """The provider took a request for a payout. `complaint` is what it said against it all the same."""

    provider_id: str
    complaint: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class PartnerPayoutReport:
    """One payout. `status` is our word (pending complete canceled), or None for one that we do not know.

    `pay_amount` in `pay_currency` is what arrives, `original_amount` in `original_currency` what it cost us.
    """

    provider_id: str
    status: str | None
    provider_status: str
    method_id: str
    pay_amount: Decimal
    pay_currency: str
    original_amount: Decimal | None
    original_currency: str
    account: str = field(default="", repr=False)
    time_text: str = ""
    date_text: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@runtime_checkable
class Partner(Protocol):
    """A partner programme. A payout has no reference: after a doubt only `payouts` and the balance can tell."""

    def info(self) -> PartnerReport: ...

    def links(
        self, *, since: int | None = None, until: int | None = None, ip: str = "", limit: int = 100
    ) -> Page[PartnerLink]: ...

    def exchanges(
        self,
        *,
        since: int | None = None,
        until: int | None = None,
        ip: str = "",
        provider_id: str = "",
        with_history: bool = False,
        limit: int = 100,
    ) -> Page[PartnerExchange]: ...

    def payouts(
        self,
        *,
        since: int | None = None,
        until: int | None = None,
        provider_id: str = "",
        limit: int = 100,
    ) -> Page[PartnerPayoutReport]: ...

    def request_payout(self, request: PartnerPayoutRequest) -> PartnerPayoutCreated: ...
