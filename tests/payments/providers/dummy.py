"""A fifth provider, made up: all that a new one needs besides its line in the registry and its recorded answers.

It speaks plain REST with words of its own, signs nothing, calls nobody back and refuses no repeat.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from backoffice.kit import money
from payments.providers import answers
from payments.providers.base import (
    BalanceReport,
    Field,
    InvoiceReport,
    InvoiceRequest,
    Method,
    ProbeReport,
    WithdrawalReport,
    WithdrawalRequest,
)
from payments.providers.client import Client
from payments.providers.errors import OutcomeUnknown, Refused
from payments.providers.exchange import Answer, Request

Report = TypeVar("Report")
Data = dict[str, Any]


class Dummy(Client):
    """One account at the made-up provider."""

    name = "dummy"
    title = "Dummy Pay"
    live_base_url = "https://dummy.example/v2/"
    credentials = (
        Field("shop", "Shop number", required=True, secret=True),
        Field("token", "Token", required=True, secret=True, help="From the shop's settings."),
    )
    invoice_fields = (
        Field("paysys", "Paid by", "choice", required=True),
        Field("amount", "Amount", "amount", required=True, money=True),
        Field("desc", "What for", "textarea", max_length=140),
    )
    withdrawal_fields = (
        Field("currency", "From", "choice", required=True),
        Field("paysys", "Sent by", "choice", required=True),
        Field("amount", "Amount", "amount", required=True, money=True),
        Field("purse", "IBAN", required=True, max_length=34),
    )
    documented_methods = (
        Method(
            "SEPA",
            "Bank transfer",
            "EUR",
            ("invoice", "withdraw"),
            needs_purse=False,
            internal_balance=True,
        ),
    )
    states_balances = True
    dedupes = "C"
    default_rate = 50
    hidden = frozenset({"token"})

    def check(self) -> ProbeReport:
        """Its balances, with the clock."""

        def read(answer: Answer) -> ProbeReport:
            return ProbeReport(True, _balances(_object(answer)), answer.clock_skew_ms, {"shop": "open"})

        return self._http.call(self._request("balances", "GET", "balances", True), read)

    def balances(self, currency: str = "") -> BalanceReport:
        """All of them."""
        read = lambda data: BalanceReport(_balances(data), raw=data)  # noqa: E731
        return self._call("balances", "GET", "balances", read)

    def create_invoice(self, request: InvoiceRequest) -> InvoiceReport:
        """Make a bill."""
        body = {
            "number": request.reference,
            "way": request.fields["paysys"],
            "sum": request.fields["amount"],
            "text": request.fields.get("desc", ""),
        }
        return self._call("invoice", "POST", "bills", _bill(request.reference), body)

    def find_invoice(self, reference: str) -> InvoiceReport:
        """What became of a bill."""
        return self._call("bill", "GET", f"bills/{reference}", _bill(reference))

    def withdraw(self, request: WithdrawalRequest) -> WithdrawalReport:
        """Pay out."""
        body = {
            "number": request.reference,
            "way": request.fields["paysys"],
            "sum": request.fields["amount"],
            "iban": request.fields["purse"],
        }
        return self._call("withdraw", "POST", "payouts", _payout(request.reference), body)

    def find_withdrawal(self, reference: str) -> WithdrawalReport:
        """What became of a payout."""
        return self._call("payout", "GET", f"payouts/{reference}", _payout(reference))

    def _call(
        self, operation: str, method: str, path: str, read: Callable[[Data], Report], body: Data | None = None
    ) -> Report:
        request = self._request(operation, method, path, body is None, money.dumps(body) if body else b"")
        return self._http.call(request, lambda answer: read(_object(answer)))

    def _request(self, operation: str, method: str, path: str, safe: bool, body: bytes = b"") -> Request:
        headers = {"X-Shop": self._secret("shop"), "X-Token": self._secret("token")}
        return Request(operation, method, f"{self._base_url}{path}", safe, body=body, headers=headers)


def _object(answer: Answer) -> Data:
    data = answers.json_object(answer.body)
    if answer.status == 404 and data is not None:
        raise Refused("not there", reason="not_found", staff="There is no such number.")
    if answer.status != 200 or data is None:
        raise OutcomeUnknown(f"HTTP {answer.status}")
    return data


def _balances(data: Data) -> dict[str, Decimal]:
    return {row["cur"]: answers.amount(row, "has") for row in data["purses"]}


def _bill(reference: str) -> Callable[[Data], InvoiceReport]:
    def read(data: Data) -> InvoiceReport:
        word = answers.needed(data, "state")
        return InvoiceReport(
            answers.needed(data, "number"),
            {"waiting": "open", "settled": "paid", "gone": "canceled"}.get(word),
            word,
            provider_id=answers.text(data, "bill"),
            payment_url=answers.link(data, "page"),
            method="SEPA",
            amount=answers.amount(data, "sum"),
            raw=data,
        )

    return read


def _payout(reference: str) -> Callable[[Data], WithdrawalReport]:
    def read(data: Data) -> WithdrawalReport:
        word = answers.needed(data, "state")
        amount, fee = answers.amount(data, "sum"), answers.amount(data, "cost")
        return WithdrawalReport(
            answers.needed(data, "number"),
            {"underway": "pending", "arrived": "complete", "bounced": "failed"}.get(word),
            word,
            provider_id=answers.text(data, "payout"),
            transaction_id="",
            currency="EUR",
            method="SEPA",
            amount=amount,
            amount_from=amount,
            debit=amount + fee,
            fee=fee,
            purse=answers.text(data, "iban"),
            raw=data,
        )

    return read
