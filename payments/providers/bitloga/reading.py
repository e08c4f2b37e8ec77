"""From bitloga's answers to reports. Pure: holds no HTTP and asks nobody.

Sources: the document's sections on balances, invoice, withdraw, details, codes, ticker. Success is only a
JSON true; whatever is not proven is OutcomeUnknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from backoffice.kit import money
from payments.providers import answers, headers
from payments.providers.answers import Unreadable, amount, needed, text
from payments.providers.base import (
    BalanceReport,
    InvoiceReport,
    Requisites,
    VoucherReport,
    WithdrawalReport,
)
from payments.providers.bitloga import refusals
from payments.providers.errors import Denied, OutcomeUnknown, RateLimited
from payments.providers.exchange import Answer
from payments.providers.redaction import MASK
from payments.providers.words import gettext_noop as _

Report = TypeVar("Report")
Data = dict[str, Any]

INVOICE_STATES = {
    "created": "open",
    "pending": "open",
    "payed": "paid",
    "paid": "paid",
    "complete": "paid",
    "canceled": "canceled",
    "error": "failed",
}
FORWARDED = "complete"
WITHDRAWAL_STATES = {
    "created": "pending",
    "pending": "pending",
    "complete": "complete",
    "canceled": "failed",
    "error": "failed",
}
VOUCHER_STATES = {"active": "active", "redeemed": "redeemed", "disabled": "disabled"}

_CURRENCY = re.compile(r"[A-Z0-9]{2,20}", re.ASCII)
#: The longest currency code that can be kept.
CODE_LENGTH = 16

GARBLED = _("bitloga's answer could not be read. It will be asked again.")
BLOCKED = _("bitloga turned us away before its API. An admin must check our address and the base URL.")
OTHER_KIND = _("bitloga answered about another transaction. Somebody must look at this.")


def reader(operation: str, read: Callable[[Data, Data], Report], *, safe: bool) -> Callable[[Answer], Report]:
    """Wrap a reader of `(data, data without secrets)` with the judgement that all answers share."""

    def judge(answer: Answer) -> Report:
        data = _judged(answer, operation=operation, safe=safe)
        problem = ""
        try:
            return read(data, answers.json_object(answer.redacted.encode()) or {})
        except Unreadable as error:
            problem = str(error)
        raise OutcomeUnknown(f"{operation}: {problem}", staff=GARBLED if safe else "")

    return judge


def _judged(answer: Answer, *, operation: str, safe: bool) -> Data:
    """The answer's object if it is a success; else the error that it proves, and OutcomeUnknown if it proves
    none.

    The body decides, not the HTTP status, with three exceptions: 429 was not processed; a redirect and a
    fault of the server prove nothing whatever the body says; and a success counts only in a 2xx. 401 and 403
    without JSON come from something before the API: a read is Denied, but for a call that moves or creates
    the answer alone may have been held back, so its outcome is unknown.
    """
    status = answer.status
    data = answers.json_object(answer.body)
    success = None if data is None else data.get("success")
    if status == 429 and success is not True:
        wait = headers.retry_after(answer.retry_after)
        raise RateLimited(f"{operation}: HTTP 429", retry_after=wait)
    if data is None and status in (401, 403) and safe:
        raise Denied(f"{operation}: HTTP {status} without JSON", staff=BLOCKED)
    unknown = f"{operation}: HTTP {status} proves nothing"
    if data is not None and (200 <= status < 300 or 400 <= status < 500):
        message = data.get("message")
        message = message if isinstance(message, str) else ""
        if success is False:
            shown = answer.clean(message[:1000])
            raise refusals.refusal(message, shown=shown, operation=operation, safe=safe)
        if success is True and status < 300 and refusals.find(message) is None:
            return data
        unknown = f"{operation}: neither success nor a refusal"
    raise OutcomeUnknown(unknown, staff=GARBLED if safe else "")


def balances(data: Data, raw: Data) -> BalanceReport:
    """One name per currency beside `success`; names that are no currency code are left to `raw`."""
    found = {
        name: answers.signed_amount(data, name)
        for name, value in data.items()
        if _CURRENCY.fullmatch(name) and value is not None
    }
    return BalanceReport(balances=found, raw=raw)


def created_invoice(reference: str) -> Callable[[Data, Data], InvoiceReport]:
    """The answer to `invoice`: a link, requisites, or both. It carries no status: the invoice is open."""

    def read(data: Data, raw: Data) -> InvoiceReport:
        url, requisites = answers.link(data, "invoice"), _requisites(data.get("requisites"))
        if not url and not requisites:
            raise Unreadable("neither a link nor requisites")
        return InvoiceReport(reference, "open", "", payment_url=url, requisites=requisites, raw=raw)

    return read


def _requisites(value: Any) -> tuple[Requisites, ...]:
    """The document says array and shows an object; PHP shows an empty array for nothing."""
    rows = value if isinstance(value, list) else [value]
    rows = [row for row in rows if row is not None and row != {} and row is not False]
    if not all(isinstance(row, dict) for row in rows):
        raise Unreadable("requisites are not an object")
    return tuple(
        Requisites(
            amount=amount(row, "amount") if row.get("amount") is not None else None,
            currency=text(row, "currency", limit=50),
            type=answers.word(text(row, "type", limit=50)),
            wallet=text(row, "wallet", limit=2000),
            payment_url=answers.link(row, "payment_url"),
            info=text(row, "info", limit=4000),
            country=text(row, "country", limit=200),
        )
        for row in rows
    )


def found_invoice(reference: str) -> Callable[[Data, Data], InvoiceReport]:
    """The answer to `details` about an invoice of ours."""

    def read(data: Data, raw: Data) -> InvoiceReport:
        _same(data, reference, "invoice")
        status = needed(data, "status", limit=100)
        return InvoiceReport(
            reference,
            INVOICE_STATES.get(answers.word(status)),
            status,
            provider_id=text(data, "invoiceid", limit=100),
            method=needed(data, "to", limit=50),
            amount=amount(data, "amount"),
            purse=text(data, "purse"),
            tag=text(data, "dtag"),
            name=text(data, "name"),
            surname=text(data, "surname"),
            forwarded=answers.word(status) == FORWARDED,
            raw=raw,
        )

    return read


def withdrawal(reference: str, *, with_type: bool) -> Callable[[Data, Data], WithdrawalReport]:
    """The answer to `withdraw`, or (`with_type`) to `details` about a withdrawal of ours."""

    def read(data: Data, raw: Data) -> WithdrawalReport:
        _same(data, reference, "withdraw" if with_type else "")
        status = needed(data, "status", limit=100)
        amount_from, debit = amount(data, "amount_from"), amount(data, "amount_from_comis")
        return WithdrawalReport(
            reference,
            WITHDRAWAL_STATES.get(answers.word(status)),
            status,
            provider_id=text(data, "orderid", limit=100),
            transaction_id=text(data, "transid", limit=100),
            currency=needed(data, "from", limit=50),
            method=needed(data, "to", limit=50),
            amount=amount(data, "amount_to"),
            amount_from=amount_from,
            debit=debit,
            fee=answers.difference(debit, amount_from),
            purse=text(data, "purse"),
            tag=text(data, "dtag"),
            name=text(data, "name"),
            surname=text(data, "surname"),
            raw=raw,
        )

    return read


def _same(data: Mapping[str, Any], reference: str, kind: str) -> None:
    """The answer must be about the transaction that was asked about."""
    if needed(data, "uniqueid", limit=100) != reference:
        raise Unreadable("the answer is about another uniqueid")
    if kind and answers.word(needed(data, "type", limit=50)) != kind:
        raise Unreadable(f"the transaction is no {kind}")


def created_code(has_password: bool) -> Callable[[Data, Data], VoucherReport]:
    """The answer to `create`: the code alone."""

    def read(data: Data, raw: Data) -> VoucherReport:
        code = needed(data, "code", limit=200)
        return VoucherReport(code, None, "", "active", has_password=has_password, raw=raw)

    return read


def redeemed_code(code: str) -> Callable[[Data, Data], VoucherReport]:
    """The answer to `apply`: what it was worth."""

    def read(data: Data, raw: Data) -> VoucherReport:
        currency, worth = _without(code, needed(raw, "currency", limit=CODE_LENGTH)), _worth(data)
        if not _CURRENCY.fullmatch(currency) or not worth:
            raise Unreadable("it is worth nothing that we could book")
        return VoucherReport(code, worth, currency, "redeemed", raw=raw)

    return read


def code_list(data: Data, raw: Data) -> list[VoucherReport]:
    """The answer to `get`, newest first. One row that cannot be read spoils the page: none is left out
    silently.
    """
    rows = data.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unreadable("data is not a list of codes")
    shown = raw.get("data")
    if (
        not isinstance(shown, list)
        or len(shown) != len(rows)
        or not all(isinstance(row, dict) for row in shown)
    ):
        raise Unreadable("data cannot be shown without its secrets")
    return [_code(row, cleaned) for row, cleaned in zip(rows, shown, strict=True)]


def _code(row: Data, raw: Data) -> VoucherReport:
    """One line. Its texts are taken without secrets: nobody may learn a code from a status or a time."""
    code = needed(row, "code", limit=200)
    status = _without(code, needed(raw, "status", limit=100))
    return VoucherReport(
        code,
        _worth(row),
        _without(code, needed(raw, "currency", limit=CODE_LENGTH)),
        VOUCHER_STATES.get(answers.word(status)),
        status,
        has_password=answers.word(text(row, "pass")) == "required",
        description=_without(code, text(raw, "desc", limit=4000)),
        created_text=_without(code, text(raw, "createtime", limit=100)),
        applied_text=_without(code, text(raw, "applytime", limit=100)),
        raw=raw,
    )


def _worth(data: Mapping[str, Any]) -> Decimal:
    """The amount as exactly as it can be kept: the noise of PHP's floats stands behind that."""
    return money.quantize(amount(data, "amount"), money.DECIMAL_PLACES)


def _without(code: str, found: str) -> str:
    """A text that may repeat the code, in whatever form bitloga gives to its codes."""
    spellings = "|".join(re.escape(one) for one in (code, code.replace("-", "")) if one)
    return re.sub(spellings, MASK, found, flags=re.IGNORECASE) if spellings else found
