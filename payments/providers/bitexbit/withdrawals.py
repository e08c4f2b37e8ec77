"""bitexbit's withdrawals: the calls and their reading.

Source: the document's section on withdrawals, and its table of statuses. There is no call that asks about one: the
history is read and our reference is looked for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from payments.providers.answers import Unreadable, amount, needed, text
from payments.providers.base import WithdrawalRequest
from payments.providers.bitexbit import fields, parameters, reading
from payments.providers.bitexbit.gateway import Gateway, token
from payments.providers.bitexbit.paging import Page
from payments.providers.bitexbit.reading import WITHDRAWAL_STATES, Data
from payments.providers.errors import OutcomeUnknown, Refused
from payments.providers.redaction import Secret
from payments.providers.wallets import BadRow, ListedWithdrawalReport, method_code
from payments.providers.words import gettext_noop as _

NOT_FOUND = _("bitexbit's history shows no withdrawal with this reference. That alone proves nothing.")
SEVERAL = _("bitexbit's history shows several withdrawals with this reference. Somebody must look at this.")


def withdrawal(row: Data, raw: Data) -> ListedWithdrawalReport:
    """One withdrawal, made or listed. What it was debited is not said: `amount` is what we asked for."""
    state, word = reading.status(row, WITHDRAWAL_STATES)
    ticker, network = needed(row, "ticker", limit=50), needed(row, "network", limit=50)
    asked = amount(row, "amount")
    return ListedWithdrawalReport(
        reference=text(row, "client_order_id", limit=200).strip(),
        status=state,
        provider_status=word,
        provider_id=text(row, "id", limit=100),
        transaction_id=text(row, "txid"),
        currency=ticker,
        method=method_code(ticker, network),
        amount=asked,
        amount_from=asked,
        debit=asked,
        fee=Decimal(0),
        purse=text(row, "address") or text(row, "card"),
        tag=reading.tag(row),
        raw=raw,
        network=network,
        created_at=reading.optional_moment(row, "created_at"),
        fee_payer=fields.FEE_PAYERS.get(text(row, "fee_payer", limit=20), ""),
        comment=text(row, "comment", limit=4000),
        callback_url=text(row, "callback_url", limit=2000),
        auto_buy=reading.conversion(row, "auto_buy"),
        aml=reading.aml(row),
    )


def created(reference: str) -> Callable[[Any, Any], ListedWithdrawalReport]:
    """The answer to `withdraw/create`. One about another reference than ours proves nothing."""

    def read(data: Any, raw: Any) -> ListedWithdrawalReport:
        found = withdrawal(reading.one(data), raw)
        if found.reference != reference:
            raise Unreadable("the answer is about another client_order_id")
        if not found.provider_id:
            raise Unreadable("id is missing")
        return found

    return read


def _identity(row: ListedWithdrawalReport) -> tuple[str, ...]:
    """The id, with what never changes besides: the document's samples all have the id 0."""
    made = row.created_at.isoformat() if row.created_at else ""
    return (row.provider_id, row.reference, made)


class WithdrawalCalls(Gateway):
    """`withdraw/create`, `withdraw/history`."""

    def withdraw(self, request: WithdrawalRequest) -> ListedWithdrawalReport:
        """Pay out. Nobody promises that a repeated reference is refused: it is sent once.

        Refused(reason="exists"): bitexbit found fault with our reference, so look for it.
        """
        sent = parameters.withdrawal(request.reference, request.fields, request.callback_url)
        hidden = (token(request.callback_url), Secret(str(sent.get("card", ""))))
        return self._move("withdraw", "withdraw/create", sent, created(request.reference), hidden)

    def withdrawal_page(
        self, page: int = 1, *, limit: int = 100, ordering: str = "-id", **filters: str
    ) -> Page[ListedWithdrawalReport]:
        """One page of the history. Filters: ticker network status txid address."""
        query = parameters.page_query(
            page=page, limit=limit, ordering=ordering, filters=filters, allowed=parameters.HISTORY
        )
        return self._page("withdraw/history", "withdraw/history", withdrawal, query)

    def scan_withdrawals(
        self, since: datetime | None = None, *, bad: list[BadRow] | None = None, **filters: str
    ) -> list[ListedWithdrawalReport]:
        """All withdrawals made since then, newest first, complete or an error. Rows that cannot be read: `bad`.

        Filters as for `withdrawal_page`.
        """
        return self._scan(
            "withdraw/history",
            "withdraw/history",
            withdrawal,
            identity=_identity,
            made_at=lambda row: row.created_at,
            since=since,
            bad=bad,
            filters=filters,
            allowed=parameters.HISTORY,
        )

    def find_withdrawal(
        self, reference: str, *, since: datetime | None = None, **filters: str
    ) -> ListedWithdrawalReport:
        """What became of a withdrawal, by a scan for our reference.

        Refused(reason="not_found"): not in the history, which alone proves nothing. OutcomeUnknown: it is there twice.
        """
        found = [
            row for row in self.scan_withdrawals(since, bad=None, **filters) if row.reference == reference
        ]
        if not found:
            raise Refused("withdraw/history: no such reference", reason="not_found", staff=NOT_FOUND)
        if len(found) > 1:
            raise OutcomeUnknown("withdraw/history: the reference stands there twice", staff=SEVERAL)
        return found[0]
