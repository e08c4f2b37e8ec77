"""bitexbit's fiat invoices and their payments: the calls and their reading.

Source: the document's section on fiat invoices. Its history names no invoice: which one was paid is for others to find.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import datetime
from typing import Any

from payments.providers import answers
from payments.providers.answers import Unreadable, amount, needed, text
from payments.providers.base import InvoiceRequest
from payments.providers.bitexbit import parameters, reading
from payments.providers.bitexbit.gateway import Gateway, token
from payments.providers.bitexbit.paging import Page
from payments.providers.bitexbit.reading import DEPOSIT_STATES, Data
from payments.providers.bitexbit.wallets import FILTERS, numbered
from payments.providers.wallets import BadRow, FiatInvoiceReport, InvoicePaymentReport, method_code

OPEN = "open"


def invoice(row: Data, raw: Data, *, reference: str = "") -> FiatInvoiceReport:
    """One invoice, made or listed. Only where it was just made it says where the payer goes."""
    ticker, network = needed(row, "ticker", limit=50), needed(row, "network", limit=50)
    return FiatInvoiceReport(
        reference=reference,
        status=OPEN,
        provider_status="",
        provider_id=needed(row, "slug", limit=200),
        payment_url=answers.link(row, "proceed_url"),
        method=method_code(ticker, network),
        amount=amount(row, "amount"),
        ticker=ticker,
        network=network,
        created_at=reading.optional_moment(row, "created_at"),
        callback_url=text(row, "callback_url", limit=2000),
        success_url=answers.link(row, "payment_url"),
        conversion=reading.conversion_settings(row),
        raw=raw,
    )


def created(reference: str) -> Callable[[Any, Any], FiatInvoiceReport]:
    """The answer to `invoice/create`. Without a page to pay on it is of no use: somebody must look at it."""

    def read(data: Any, raw: Any) -> FiatInvoiceReport:
        found = invoice(reading.one(data), raw, reference=reference)
        if not found.payment_url:
            raise Unreadable("proceed_url is no address")
        return found

    return read


def payment(row: Data, raw: Data) -> InvoicePaymentReport:
    """One row of `invoice/history`: `amount` is what we get, the payer paid the fee besides."""
    state, word = reading.status(row, DEPOSIT_STATES)
    made = reading.moment(row, "created_at")
    return InvoicePaymentReport(
        ticker=needed(row, "ticker", limit=50),
        network=needed(row, "network", limit=50),
        amount=reading.kept_amount(row, "amount"),
        fee=reading.kept_amount(row, "fee"),
        status=state,
        provider_status=word,
        transaction_id=text(row, "txid"),
        happened_at=reading.optional_moment(row, "date") or made,
        created_at=made,
        conversion=reading.conversion(row, "convert"),
        raw=raw,
    )


class InvoiceCalls(Gateway):
    """`invoice/create`, `invoices`, `invoice/history`."""

    def create_invoice(self, request: InvoiceRequest) -> FiatInvoiceReport:
        """Make a bill. Our reference is not sent: after a doubt look for it in `scan_invoices` by its callback address."""
        sent = parameters.invoice(request.fields, request.callback_url)
        hidden = (token(request.callback_url),)
        return self._move("invoice", "invoice/create", sent, created(request.reference), hidden)

    def invoice_page(
        self, page: int = 1, *, limit: int = 100, ordering: str = "-id"
    ) -> Page[FiatInvoiceReport]:
        """One page of our invoices."""
        query = parameters.page_query(page=page, limit=limit, ordering=ordering, filters={}, allowed=())
        return self._page("invoices", "invoices", invoice, query)

    def scan_invoices(
        self, since: datetime | None = None, *, bad: list[BadRow] | None = None
    ) -> list[FiatInvoiceReport]:
        """All invoices made since then, newest first. Rows that cannot be read: `bad`."""
        return self._scan(
            "invoices",
            "invoices",
            invoice,
            identity=lambda row: row.provider_id,
            made_at=lambda row: row.created_at,
            since=since,
            bad=bad,
        )

    def invoice_payment_page(
        self, page: int = 1, *, limit: int = 100, ordering: str = "-id", **filters: str
    ) -> Page[InvoicePaymentReport]:
        """One page of payments. Filters: ticker network status txid address payment_id memo destination_tag."""
        query = parameters.page_query(
            page=page, limit=limit, ordering=ordering, filters=filters, allowed=FILTERS
        )
        return self._page("invoice/history", "invoice/history", payment, query)

    def scan_invoice_payments(
        self,
        since: datetime | None = None,
        *,
        known: Container[tuple[str, ...]] = (),
        bad: list[BadRow] | None = None,
        **filters: str,
    ) -> list[InvoicePaymentReport]:
        """All payments since then, newest first, complete or an error. Rows that cannot be read: `bad`.

        Filters as for `invoice_payment_page`.
        """
        found = self._scan(
            "invoice/history",
            "invoice/history",
            payment,
            identity=lambda row: row.identity,
            made_at=lambda row: row.created_at,
            mark=lambda row: row.transaction_id,
            since=since,
            known=known,
            bad=bad,
            filters=filters,
            allowed=FILTERS,
        )
        return numbered(found)
