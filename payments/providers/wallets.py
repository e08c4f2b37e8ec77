"""What wallet-and-deposit providers can do besides `base`: payment methods, wallets, deposits, fiat invoices, and
scans of lists where nothing can be looked up by our reference.

Protocols and frozen reports only. Holds no provider's words, no HTTP and no decision about money.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any, Protocol, runtime_checkable

from backoffice.kit import money
from payments.providers.base import InvoiceReport, InvoiceRequest, WithdrawalReport

#: Products of two amounts have twice the digits; nothing is rounded here.
_DIGITS = 160


def method_code(ticker: str, network: str) -> str:
    """The one name of a currency on a network, as `PaymentMethod.code` and `report.method` carry it."""
    return f"{ticker}:{network}"


def _total(one: Decimal, other: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = _DIGITS
        return one + other


# --- Rows of a list that cannot be read ---
@dataclass(frozen=True)
class BadRow:
    """One row of a list that could not be read, put apart so that it spoils no other. `raw` is without secrets.

    `mark` tells it from others, and stays while its status changes.
    """

    problem: str
    raw: Mapping[str, Any] = field(repr=False)
    mark: str


# --- Payment methods ---
@dataclass(frozen=True)
class Terms:
    """What one direction of a payment method allows and costs. None: not stated, which is not zero.

    Limits are in the method's ticker, `fee_fixed` in `fee_currency`; `fee_rate` is a fraction (0.01 is 1 %).
    """

    enabled: bool
    smallest: Decimal | None
    largest: Decimal | None
    fee_fixed: Decimal | None
    fee_rate: Decimal | None
    fee_currency: str

    def fee(self, amount: Decimal) -> Decimal | None:
        """Fixed fee plus rate for an amount, exactly and not rounded; None while a part is not known.

        Only of use where the fee's currency is that of the amount, or the rate is zero.
        """
        if self.fee_fixed is None or self.fee_rate is None:
            return None
        with localcontext() as context:
            context.prec = _DIGITS
            return self.fee_fixed + amount * self.fee_rate


@dataclass(frozen=True)
class PaymentMethod:
    """One currency on one network. `is_fiat`: payouts go to a card, not to an address."""

    ticker: str
    network: str
    is_fiat: bool
    deposit: Terms
    withdrawal: Terms
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def code(self) -> str:
        """The one name of this method within an account."""
        return method_code(self.ticker, self.network)


# --- Parts of reports ---
@dataclass(frozen=True)
class ConversionSettings:
    """An order that is placed by itself for what arrives. `percent`: how much worse than the market it may be;
    below zero: better. None: not stated.
    """

    ticker: str
    limit: Decimal | None = None
    percent: Decimal | None = None


@dataclass(frozen=True)
class Conversion:
    """What became of such an order, in the provider's own words: `side` and `state` have no documented list."""

    symbol: str
    amount: Decimal | None
    price: Decimal | None
    side: str
    state: str


@dataclass(frozen=True)
class Aml:
    """The provider's check of where money came from. `success` None and texts "": not stated."""

    success: bool | None = None
    risk: str = ""
    url: str = ""


# --- Wallets and what arrives ---
@dataclass(frozen=True)
class WalletRequest:
    """`fields` under the provider's own parameter names, amounts as Decimal. `callback_url` is absolute."""

    fields: Mapping[str, Any] = field(repr=False)
    callback_url: str = field(default="", repr=False)


@dataclass(frozen=True)
class WalletReport:
    """An address for receiving. `provider_id` tells wallets apart. `callback_url` holds a token of ours: match by it,
    never show it.
    """

    provider_id: str
    address: str
    ticker: str
    network: str
    created_at: datetime | None
    tag: str = ""
    callback_url: str = field(default="", repr=False)
    conversion: ConversionSettings | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Incoming:
    """Money that arrived or is arriving. `status`: pending confirmed rejected, or None for a word that we do not know.

    `amount` is what we get, after the `fee`; `gross` is what was sent. Providers give such rows no id: `identity`
    and `ordinal` (its place among rows that are alike in all of that) tell two apart. So does `transaction_id`, once
    it is known: it may come later, so it is no part of the identity.
    """

    ticker: str
    network: str
    amount: Decimal
    fee: Decimal
    status: str | None
    provider_status: str
    transaction_id: str
    happened_at: datetime
    created_at: datetime
    ordinal: int = field(default=0, kw_only=True)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, kw_only=True)

    @property
    def gross(self) -> Decimal:
        """What the payer sent: amount plus fee."""
        return _total(self.amount, self.fee)

    @property
    def identity(self) -> tuple[str, ...]:
        """What stays the same while status, fee and confirmations change."""
        number, at = money.plain(self.amount), self.created_at.isoformat()
        return (self.ticker, self.network, number, at)


@dataclass(frozen=True)
class DepositReport(Incoming):
    """One payment to a wallet of ours. Confirmations None: not stated."""

    address: str
    wallet_id: str
    tag: str = ""
    confirmations: int | None = None
    required_confirmations: int | None = None
    aml: Aml = Aml()

    @property
    def identity(self) -> tuple[str, ...]:
        """The address and tag besides."""
        return (*super().identity, self.address, self.tag)


@dataclass(frozen=True)
class InvoicePaymentReport(Incoming):
    """One payment of a fiat invoice. It does not say of which: match it, and let a person match what is unclear."""

    conversion: Conversion | None = None


# --- Fiat invoices ---
@dataclass(frozen=True, kw_only=True)
class FiatInvoiceReport(InvoiceReport):
    """A bill as it was made or is listed; `provider_id` tells them apart, `reference` is "" where it is only listed.

    It has no status: "open" says that it exists. `callback_url` holds a token of ours: match by it, never show it.
    """

    ticker: str
    network: str
    created_at: datetime | None
    callback_url: str = field(default="", repr=False)
    success_url: str = ""
    conversion: ConversionSettings | None = None


# --- Withdrawals ---
@dataclass(frozen=True, kw_only=True)
class ListedWithdrawalReport(WithdrawalReport):
    """A withdrawal of a provider that states no debit: `amount_from` and `debit` repeat `amount`, `fee` is 0, and
    `fee_stated` is False: the fee must be computed from the payment method.

    `fee_payer`: "balance", "amount" (the payee gets less), or "" when not stated.
    """

    network: str
    created_at: datetime | None
    fee_stated: bool = False
    fee_payer: str = ""
    comment: str = ""
    callback_url: str = field(default="", repr=False)
    auto_buy: Conversion | None = None
    aml: Aml = Aml()


# --- Protocols. A list given as `bad` takes the rows that cannot be read; without one such a row spoils the whole ---
@runtime_checkable
class PaymentMethods(Protocol):
    """States its payment methods with limits and fees."""

    def payment_methods(self, *, bad: list[BadRow] | None = None) -> Sequence[PaymentMethod]: ...


@runtime_checkable
class Wallets(Protocol):
    """Makes addresses and lists what arrived there.

    `wallets` and `scan_deposits` are complete or raise: newest first, back to `since` (None: everything), each row
    once. `known` holds identities after which the scan may stop early.
    """

    def create_wallet(self, request: WalletRequest) -> WalletReport: ...

    def wallets(
        self, since: datetime | None = None, *, bad: list[BadRow] | None = None
    ) -> Sequence[WalletReport]: ...

    def scan_deposits(
        self,
        since: datetime | None = None,
        *,
        known: Container[tuple[str, ...]] = (),
        bad: list[BadRow] | None = None,
    ) -> Sequence[DepositReport]: ...


@runtime_checkable
class FiatInvoices(Protocol):
    """Makes bills that cannot be looked up: `scan_invoices` lists the bills, `scan_invoice_payments` what was paid."""

    def create_invoice(self, request: InvoiceRequest) -> InvoiceReport: ...

    def scan_invoices(
        self, since: datetime | None = None, *, bad: list[BadRow] | None = None
    ) -> Sequence[FiatInvoiceReport]: ...

    def scan_invoice_payments(
        self,
        since: datetime | None = None,
        *,
        known: Container[tuple[str, ...]] = (),
        bad: list[BadRow] | None = None,
    ) -> Sequence[InvoicePaymentReport]: ...


@runtime_checkable
class WithdrawalScans(Protocol):
    """Lists its withdrawals, so that many are asked about at once."""

    def scan_withdrawals(
        self, since: datetime | None = None, *, bad: list[BadRow] | None = None
    ) -> Sequence[ListedWithdrawalReport]: ...
