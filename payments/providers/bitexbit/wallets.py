"""bitexbit's wallets and the deposits that arrive there: the calls and their reading.

Source: the document's section on crypto wallets, and its tables of statuses.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from payments.providers.answers import needed, text
from payments.providers.bitexbit import parameters, reading
from payments.providers.bitexbit.gateway import Gateway, token
from payments.providers.bitexbit.paging import Page
from payments.providers.bitexbit.reading import DEPOSIT_STATES, Data
from payments.providers.wallets import BadRow, DepositReport, Incoming, WalletReport, WalletRequest

Arrived = TypeVar("Arrived", bound=Incoming)

FILTERS = (*parameters.HISTORY, *parameters.TAGS)
#: As much of a tag as is kept: a report must say the same as the row that keeps it.
LONGEST_TAG = 200


def wallet(row: Data, raw: Data) -> WalletReport:
    """One wallet, made or listed."""
    return WalletReport(
        provider_id=needed(row, "slug", limit=200),
        address=needed(row, "address", limit=300),
        ticker=needed(row, "ticker", limit=50),
        network=needed(row, "network", limit=50),
        created_at=reading.optional_moment(row, "created_at"),
        tag=reading.tag(row)[:LONGEST_TAG],
        callback_url=text(row, "callback_url", limit=2000),
        conversion=reading.conversion_settings(row),
        raw=raw,
    )


def created(data: Any, raw: Any) -> WalletReport:
    """The answer to `wallet/create`."""
    return wallet(reading.one(data), raw)


def deposit(row: Data, raw: Data) -> DepositReport:
    """One row of `wallet/history`. The sample's `actual_confirmations` is null."""
    state, word = reading.status(row, DEPOSIT_STATES)
    made = reading.moment(row, "created_at")
    return DepositReport(
        ticker=needed(row, "ticker", limit=50),
        network=needed(row, "network", limit=50),
        amount=reading.kept_amount(row, "amount"),
        fee=reading.kept_amount(row, "fee"),
        status=state,
        provider_status=word,
        transaction_id=text(row, "txid"),
        happened_at=reading.optional_moment(row, "date") or made,
        created_at=made,
        address=needed(row, "address", limit=300),
        wallet_id=text(row, "wallet_slug", limit=200),
        tag=reading.tag(row)[:LONGEST_TAG],
        confirmations=reading.whole(row, "actual_confirmations"),
        required_confirmations=reading.whole(row, "required_confirmations"),
        aml=reading.aml(row),
        raw=raw,
    )


def numbered(rows: list[Arrived]) -> list[Arrived]:
    """Rows that are alike in their whole identity, told apart by their place among each other."""
    seen: dict[tuple[str, ...], int] = {}
    out = []
    for row in rows:
        ordinal = seen.get(row.identity, 0)
        seen[row.identity] = ordinal + 1
        out.append(replace(row, ordinal=ordinal) if ordinal else row)
    return out


class WalletCalls(Gateway):
    """`wallet/create`, `wallets`, `wallet/history`."""

    def create_wallet(self, request: WalletRequest) -> WalletReport:
        """Make an address. It takes no reference: after a doubt look for it in `wallets` by its callback address."""
        sent = parameters.wallet(request.fields, request.callback_url)
        hidden = (token(request.callback_url),)
        return self._move("wallet", "wallet/create", sent, created, hidden)

    def wallet_page(self, page: int = 1, *, limit: int = 100, ordering: str = "-id") -> Page[WalletReport]:
        """One page of our wallets."""
        query = parameters.page_query(page=page, limit=limit, ordering=ordering, filters={}, allowed=())
        return self._page("wallets", "wallets", wallet, query)

    def wallets(
        self, since: datetime | None = None, *, bad: list[BadRow] | None = None
    ) -> list[WalletReport]:
        """All our wallets made since then, newest first. Rows that cannot be read: `bad`."""
        return self._scan(
            "wallets",
            "wallets",
            wallet,
            identity=lambda row: row.provider_id,
            made_at=lambda row: row.created_at,
            since=since,
            bad=bad,
        )

    def deposit_page(
        self, page: int = 1, *, limit: int = 100, ordering: str = "-id", **filters: str
    ) -> Page[DepositReport]:
        """One page of deposits. Filters: ticker network status txid address payment_id memo destination_tag."""
        query = parameters.page_query(
            page=page, limit=limit, ordering=ordering, filters=filters, allowed=FILTERS
        )
        return self._page("wallet/history", "wallet/history", deposit, query)

    def scan_deposits(
        self,
        since: datetime | None = None,
        *,
        known: Container[tuple[str, ...]] = (),
        bad: list[BadRow] | None = None,
        **filters: str,
    ) -> list[DepositReport]:
        """All deposits since then, newest first, complete or an error. Rows that cannot be read: `bad`.

        Filters as for `deposit_page`.
        """
        found = self._scan(
            "wallet/history",
            "wallet/history",
            deposit,
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
