"""What a provider can do, as small protocols, and what goes in and comes out, as frozen dataclasses.

Holds no provider's words, no HTTP and no decision about money. Whatever may carry a card number, a voucher
code or a password stays out of `repr`, because `repr` ends up in logs and error pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True)
class Field:
    """One input of a form or one credential, as data. `kind`: text amount choice email url textarea
    multichoice.

    `choices` holds (value, label); an empty tuple on a choice means that the account's own list fills it.
    `calculates`: its value changes what a calculation answers, so it is sent with the calculation too.
    Services act on these names of invoices and withdrawals: paysys (a payment method of the account), amount,
    purse (the address), dtag, name, surname; currency (the balance) of withdrawals; pay_amount, paylist, comis,
    desc, email, successurl, failurl of invoices. A client gives them its own words on the wire.
    """

    name: str
    label: str
    kind: str = "text"
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    secret: bool = False
    money: bool = False
    help: str = ""
    max_length: int | None = None
    calculates: bool = False


@dataclass(frozen=True)
class Method:
    """One payment system of a provider. `operations`: "invoice", "withdraw".

    `needs_purse` speaks of receiving (invoices): what a withdrawal needs stands in `withdrawal_fields`.
    """

    code: str
    title: str
    currency: str
    operations: tuple[str, ...]
    needs_purse: bool = True
    needs_tag: bool = False
    needs_names: bool = False
    internal_balance: bool = False


@dataclass(frozen=True)
class InvoiceRequest:
    """`fields` under the provider's own parameter names, amounts as Decimal. `callback_url` is absolute."""

    reference: str
    fields: Mapping[str, Any] = field(repr=False)
    callback_url: str = field(default="", repr=False)


@dataclass(frozen=True)
class Requisites:
    """Where and how much the payer pays directly. `type`: card phone account qr crypto, or a new word."""

    amount: Decimal | None
    currency: str
    type: str
    wallet: str = field(repr=False)
    payment_url: str = ""
    info: str = ""
    country: str = ""


@dataclass(frozen=True)
class InvoiceReport:
    """What the provider just said about one invoice.

    `status` is our word (open paid canceled failed), or None for a word that we do not know;
    `provider_status` is the raw word ("" when the answer carries none). `forwarded`: paid, and already sent
    on to `purse`. `raw` is the whole answer with secrets taken out.
    """

    reference: str
    status: str | None
    provider_status: str
    provider_id: str = ""
    payment_url: str = ""
    requisites: tuple[Requisites, ...] = ()
    method: str = ""
    amount: Decimal | None = None
    purse: str = field(default="", repr=False)
    tag: str = ""
    name: str = ""
    surname: str = ""
    forwarded: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class WithdrawalRequest:
    """`fields` under the provider's own parameter names, amounts as Decimal. `callback_url` is absolute, where the
    provider takes one.
    """

    reference: str
    fields: Mapping[str, Any] = field(repr=False)
    callback_url: str = field(default="", repr=False)


@dataclass(frozen=True)
class WithdrawalReport:
    """What the provider just said about one withdrawal. `status`: pending complete failed, or None.

    `amount` is what the payee gets, in the payment system's currency. `amount_from`, `debit` and `fee`
    (= debit - amount_from) are in `currency`, the balance it was taken from.
    """

    reference: str
    status: str | None
    provider_status: str
    provider_id: str
    transaction_id: str
    currency: str
    method: str
    amount: Decimal
    amount_from: Decimal
    debit: Decimal
    fee: Decimal
    purse: str = field(default="", repr=False)
    tag: str = ""
    name: str = ""
    surname: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class VoucherRequest:
    """`fields` under the provider's own parameter names, amounts as Decimal."""

    fields: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class VoucherReport:
    """One voucher. `status`: active redeemed disabled, or None. `amount` None and `currency` "": not stated.

    The texts of time are the provider's own, without a zone: show them, never order by them.
    """

    code: str = field(repr=False)
    amount: Decimal | None
    currency: str
    status: str | None
    provider_status: str = ""
    has_password: bool = False
    description: str = ""
    created_text: str = ""
    applied_text: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class BalanceReport:
    """Balances by currency code, as stated. A currency that is missing was not stated: it is not zero."""

    balances: Mapping[str, Decimal]
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ProbeReport:
    """A connection test that went well. `clock_skew_ms`: our clock minus theirs, to about half a second."""

    ok: bool
    balances: Mapping[str, Decimal]
    clock_skew_ms: int | None
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Rate:
    """One `give` buys `rate` of `get`."""

    give: str
    get: str
    rate: Decimal


@dataclass(frozen=True)
class RatesReport:
    """Rates, for information only. `raw` is everything that came, also what could not be read as a rate."""

    rates: tuple[Rate, ...]
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Raw:
    """A callback as it came. Header names in any case and in either spelling (X-Sign, HTTP_X_SIGN)."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Signed:
    """A callback whose signature is right. `fields` is a claim, not a fact: ask the provider about it."""

    reference: str
    fields: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Hint:
    """A callback that proves nothing (its provider does not sign) but names a transaction to ask about."""

    reference: str


@dataclass(frozen=True)
class Forged:
    """A callback to store, count and show, and to do nothing for. `reason`: a staff sentence, marked for
    gettext.
    """

    reason: str


@runtime_checkable
class Balances(Protocol):
    """States its balances."""

    def balances(self, currency: str = "") -> BalanceReport: ...


@runtime_checkable
class Invoices(Protocol):
    """Makes bills; the call that makes one names itself "invoice". `find_invoice` raises
    Refused(reason="not_found") when the provider knows none.
    """

    def create_invoice(self, request: InvoiceRequest) -> InvoiceReport: ...

    def find_invoice(self, reference: str) -> InvoiceReport: ...


@runtime_checkable
class Withdrawals(Protocol):
    """Pays out; the call that does it names itself "withdraw". `find_withdrawal` raises
    Refused(reason="not_found") when the provider knows none.
    """

    def withdraw(self, request: WithdrawalRequest) -> WithdrawalReport: ...

    def find_withdrawal(self, reference: str) -> WithdrawalReport: ...


@runtime_checkable
class Vouchers(Protocol):
    """Makes, redeems and lists vouchers. `codes` answers an empty list when none match."""

    def create_code(self, request: VoucherRequest) -> VoucherReport: ...

    def redeem_code(self, request: VoucherRequest) -> VoucherReport: ...

    def codes(
        self,
        *,
        code: str = "",
        amount: Decimal | None = None,
        currency: str = "",
        status: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> Sequence[VoucherReport]: ...


@runtime_checkable
class Rates(Protocol):
    """States exchange rates."""

    def rates(self) -> RatesReport: ...


@runtime_checkable
class Callbacks(Protocol):
    """Reads callbacks: never raises, never talks, never moves anything."""

    def read(self, raw: Raw) -> Signed | Hint | Forged: ...


@runtime_checkable
class Probe(Protocol):
    """Tests the connection. Raises what the test call raised."""

    def check(self) -> ProbeReport: ...
