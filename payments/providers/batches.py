"""Batch payouts: one deposit of ours paid out to several addresses. What such a provider can do, and what goes
in and comes out, as frozen dataclasses.

Holds no provider's words, no HTTP and no decision about money: it says what differs, services decide.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

from payments.providers.spelling import comparable


@dataclass(frozen=True)
class Payout:
    """One row: who gets how much (in BTC). `amount` None: an answer named the address alone."""

    address: str
    amount: Decimal | None


@dataclass(frozen=True)
class BatchRequest:
    """`fields` under the provider's own parameter names; `payouts` is a sequence of Payout, `delay` an int.

    `reference` is ours alone: such a provider takes none, so it is not sent.
    """

    reference: str
    fields: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class BatchReport:
    """What the provider just said about one batch. All amounts are in BTC, to 8 digits.

    `status` is our word (awaiting_deposit confirming processing complete expired), or None for a word that we
    do not know; `provider_status` is the raw word. None for an amount, the delay or a time: not stated, or not
    to be read (`raw` has it). `signature_ok`: True: right, and `signature_form` tells over which spelling of
    numbers ("raw" or "php"); None: the answer was not signed; False: wrong, so nothing in it is to be relied
    on. `odd` names fields that do not look as they should, for people. `raw` is without secrets.
    """

    provider_id: str
    status: str | None
    provider_status: str
    deposit_address: str
    payouts: tuple[Payout, ...]
    deposit_amount: Decimal | None = None
    fee: Decimal | None = None
    delay: int | None = None
    ref_code: str = ""
    deposit_txid: str = ""
    txid: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    signature_ok: bool | None = None
    signature_form: str = ""
    odd: tuple[str, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def payouts_total(self) -> Decimal | None:
        """The sum of all rows, or None when a row states no amount."""
        amounts = [row.amount for row in self.payouts if row.amount is not None]
        return sum(amounts, Decimal(0)) if len(amounts) == len(self.payouts) else None

    @property
    def total_ok(self) -> bool | None:
        """Whether the deposit is exactly the rows plus the fee; None when one of the three is not stated."""
        total = self.payouts_total
        if total is None or self.fee is None or self.deposit_amount is None:
            return None
        return self.deposit_amount == total + self.fee


@dataclass(frozen=True)
class BatchPage:
    """One page of the list, newest first. `total`: of all batches; None when it was not stated."""

    rows: tuple[BatchReport, ...]
    total: int | None


@dataclass(frozen=True)
class AddressReport:
    """What the provider says about an address. Ask for its checksum and network here as well (see
    BatchPayouts).
    """

    address: str
    valid: bool
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ServiceReport:
    """Whether the service says that it works. `facts`: whatever else it states (fees and limits, where it
    does), name by name as text, for people to read: no document promises any of it.
    """

    ok: bool
    provider_status: str
    time: datetime | None
    clock_skew_ms: int | None
    facts: Mapping[str, str]
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


def differences(request: BatchRequest, report: BatchReport) -> tuple[str, ...]:
    """What a report says otherwise than the request did, by the request's names; empty when all is as asked.

    Also "signature" (wrong), "depositAddress" (none) and "depositAmount" (not exactly rows plus fee, or not
    stated): each is a reason to pay nothing. A report of a list may lack what that of one batch has.
    """
    asked = request.fields
    found = {
        "payouts": _rows(report.payouts) != _rows(asked["payouts"]),
        "delay": report.delay != int(asked["delay"]),
        "depositAddress": not report.deposit_address,
        "depositAmount": report.total_ok is not True,
        "signature": report.signature_ok is False,
    }
    return tuple(name for name, differs in found.items() if differs)


def could_be(request: BatchRequest, report: BatchReport, *, since: datetime) -> bool:
    """Whether this may be the batch of a request whose answer was lost: same rows, same delay, made since then.

    Their times have whole seconds, so the begun second of `since` counts; that their clock may differ from ours is
    the caller's to allow for. Several may fit, as an equal batch of another person's does: then a person chooses.
    """
    return (
        report.created is not None
        and report.created >= since.replace(microsecond=0)
        and report.delay == int(request.fields["delay"])
        and _rows(report.payouts) == _rows(request.fields["payouts"])
    )


def _rows(payouts: Sequence[Payout]) -> dict[str, Decimal | None]:
    return {comparable(row.address): row.amount for row in payouts}


@runtime_checkable
class BatchPayouts(Protocol):
    """Pays one deposit out to several addresses.

    `create` makes an order that costs nothing until its deposit is paid, and takes no reference: after a doubt
    `scan` and `could_be` find it. `find` raises Refused(reason="not_found") when the provider knows none.
    `validate_address` is the provider's word; checksum and network are checked by payments.addresses, before
    anybody is asked.
    """

    def create(self, request: BatchRequest) -> BatchReport: ...

    def find(self, provider_id: str) -> BatchReport: ...

    def list(self, *, limit: int = 30, offset: int = 0) -> BatchPage: ...

    def scan(
        self, *, since: datetime | None = None, known: Collection[str] = ()
    ) -> tuple[BatchReport, ...]: ...

    def validate_address(self, address: str) -> AddressReport: ...

    def service_status(self) -> ServiceReport: ...
