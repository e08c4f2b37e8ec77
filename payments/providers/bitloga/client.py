"""The bitloga client: every call of the document, signed, sent and read. Holds no form, no text table, no
rule.

Source: the bitloga merchant API, document of 07.02.2026.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from backoffice.kit import money
from payments.providers.base import (
    BalanceReport,
    Forged,
    InvoiceReport,
    InvoiceRequest,
    ProbeReport,
    RatesReport,
    Raw,
    Signed,
    VoucherReport,
    VoucherRequest,
    WithdrawalReport,
    WithdrawalRequest,
)
from payments.providers.bitloga import callbacks, fields, parameters, reading, ticker
from payments.providers.client import Client
from payments.providers.errors import Refused
from payments.providers.exchange import Answer, Request
from payments.providers.redaction import Parameters, Secret
from payments.providers.words import gettext_noop as _

Report = TypeVar("Report")

ACCEPTED = _("accepted")


class Bitloga(Client):
    """One account at bitloga. Every method raises only the closed set of `errors`.

    Calls that only ask (`balances`, `find_*`, `codes`, `rates`, `check`) are repeated within their time;
    `create_invoice`, `withdraw`, `create_code` and `redeem_code` are sent once.
    """

    name = "bitloga"
    title = "bitloga"
    live_base_url = "https://bitloga.com/api/v1/"
    credentials = fields.CREDENTIALS
    invoice_fields = fields.INVOICE
    withdrawal_fields = fields.WITHDRAWAL
    voucher_fields = fields.VOUCHER
    redeem_fields = fields.REDEEM
    documented_methods = fields.METHODS
    states_balances = True
    dedupes = "A"
    grades = {"invoice": "A", "withdraw": "A", "code.create": "B", "code.apply": "C"}
    default_rate = 25
    hidden = frozenset(
        {
            "code",
            "pass",
            "password",
            "signature",
            "x-signature",
            "api_key",
            "api_secret",
            "x-apikey",
            "secret",
        }
    )
    #: A voucher code as the document shows it, wherever it stands.
    hidden_patterns = (re.compile(r"(?<![\w-])[0-9A-Za-z]{4}(?:-[0-9A-Za-z]{4}){3}(?![\w-])", re.ASCII),)

    def balances(self, currency: str = "") -> BalanceReport:
        """The stated balances: all, or that of one currency."""
        return self._ask("balances", self._balance_query(currency), reading.balances)

    def create_invoice(self, request: InvoiceRequest) -> InvoiceReport:
        """Make a bill. Refused(reason="exists"): the reference was used before, look it up."""
        sent = parameters.invoice(request.reference, request.fields, request.callback_url)
        hidden = (Secret(request.callback_url.rstrip("/").rpartition("/")[2]),)
        return self._move("invoice", sent, reading.created_invoice(request.reference), hidden)

    def find_invoice(self, reference: str) -> InvoiceReport:
        """What became of an invoice. Refused(reason="not_found"): unknown there, which alone proves
        nothing.
        """
        return self._ask("details", parameters.details(reference), reading.found_invoice(reference))

    def withdraw(self, request: WithdrawalRequest) -> WithdrawalReport:
        """Pay out. Success with a status other than complete is not final."""
        sent = parameters.withdrawal(request.reference, request.fields)
        return self._move("withdraw", sent, reading.withdrawal(request.reference, with_type=False))

    def find_withdrawal(self, reference: str) -> WithdrawalReport:
        """What became of a withdrawal. Refused(reason="not_found"): unknown there, which alone proves
        nothing.
        """
        return self._ask(
            "details", parameters.details(reference), reading.withdrawal(reference, with_type=True)
        )

    def create_code(self, request: VoucherRequest) -> VoucherReport:
        """Make a code. It takes no reference: put one into `desc` to find the code again after a doubt."""
        sent = parameters.new_code(request.fields)
        return self._move("code.create", sent, reading.created_code("pass" in sent), path="code/")

    def redeem_code(self, request: VoucherRequest) -> VoucherReport:
        """Redeem somebody's code into our balance. After a doubt nothing but the balance can tell."""
        sent = parameters.code_to_redeem(request.fields)
        read = reading.redeemed_code(str(sent["code"]))
        return self._move("code.apply", sent, read, path="code/")

    def codes(
        self,
        *,
        code: str = "",
        amount: Decimal | None = None,
        currency: str = "",
        status: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> list[VoucherReport]:
        """Our own codes, newest first; `status` is the provider's word (Active, Redeemed, Disabled)."""
        sent = parameters.code_query(
            code=code, amount=amount, currency=currency, status=status, offset=offset, limit=limit
        )
        del code  # error pages show local variables
        try:
            return self._ask("code.get", sent, reading.code_list, path="code/")
        except Refused as refusal:
            if refusal.reason == "empty":
                return []
            raise

    def rates(self) -> RatesReport:
        """The public ticker, in whatever form it comes. Needs no keys and sends none."""
        request = Request("ticker", "GET", f"{self._base_url}ticker", safe=True)
        return self._http.call(request, ticker.read)

    def read(self, raw: Raw) -> Signed | Forged:
        """Judge a callback: bitloga signs, so there are no mere hints."""
        return callbacks.read(self._secrets["api_secret"], raw)

    def check(self) -> ProbeReport:
        """Test the connection: our signature is accepted, what the balances are, how far our clock is off."""
        judge = reading.reader("balances", reading.balances, safe=True)

        def read(answer: Answer) -> ProbeReport:
            found = judge(answer).balances
            return ProbeReport(True, found, answer.clock_skew_ms, {"signature": ACCEPTED})

        return self._http.call(self._signed("balances", self._balance_query(""), safe=True), read)

    @staticmethod
    def _balance_query(currency: str) -> Parameters:
        return Parameters({"action": "balances", **({"currency": currency} if currency else {})})

    def _ask(
        self, operation: str, sent: Parameters, read: Callable[[Any, Any], Report], path: str = ""
    ) -> Report:
        request = self._signed(operation, sent, safe=True, path=path)
        return self._http.call(request, reading.reader(operation, read, safe=True))

    def _move(
        self,
        operation: str,
        sent: Parameters,
        read: Callable[[Any, Any], Report],
        hidden: tuple[Secret, ...] = (),
        path: str = "",
    ) -> Report:
        request = self._signed(operation, sent, safe=False, path=path, hidden=hidden)
        return self._http.call(request, reading.reader(operation, read, safe=False))

    def _signed(
        self,
        operation: str,
        sent: Parameters,
        *,
        safe: bool,
        path: str = "",
        hidden: tuple[Secret, ...] = (),
    ) -> Request:
        """The request over the exact bytes that will be sent."""
        body = money.dumps(sent)
        signature = Secret(callbacks.sign(self._secret("api_secret"), body))
        values = tuple(Secret(value) for value in _spellings(sent))
        return Request(
            operation,
            "POST",
            f"{self._base_url}{path}",
            safe,
            body=body,
            headers={
                "Content-Type": "application/json",
                "X-APIKEY": self._secret("api_key"),
                "X-SIGNATURE": signature,
            },
            secrets=(signature, *values, *hidden),
        )


def _spellings(sent: Parameters) -> set[str]:
    """The password, and the code as an answer may repeat it: with or without dashes, in either case."""
    code = str(sent.get("code", ""))
    bare = code.replace("-", "")
    return {str(sent.get("pass", "")), code, bare, code.upper(), bare.upper(), code.lower(), bare.lower()} - {
        ""
    }
