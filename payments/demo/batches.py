"""Batch payouts of the demo month (coinjoin): switched on with a note why, one paid out, one that waits for its deposit,
one for its approval.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

from backoffice.kit.office import Scene
from payments.models import BatchPayout, Method, Withdrawal
from payments.services import accounts, batch_payments, batch_payouts, methods, withdrawals

from .company import PAYOUTS, SALARIES, Company

WHY = "Salaries of the team abroad in BTC; agreed with compliance, ticket 118. Not for customers."
# The vectors of BIP 173 and 350, and well-known addresses.
TEAM = (
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
    "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
)
FIRST_HALF = ("0.0042", "0.0035", "0.00515", "0.0028")
SECOND_HALF = ("0.0041", "0.0036", "0.005", "0.0031")
BONUS = ("0.0012", "0.0009", "0.0015")
DELAY = 3
Made = list[int]


def salaries(company: Company) -> Iterator[Scene]:
    """All of the month."""
    yield Scene(company.stage.begin, partial(opens, company))
    now = company.stage.end
    yield from _paid_out(company, company.at(now - dt.timedelta(days=15)))
    made: Made = []
    waits = now - dt.timedelta(hours=1, minutes=40)
    yield Scene(waits, partial(asks, company, made, SECOND_HALF, "Salaries, second half"))
    yield Scene(waits + dt.timedelta(minutes=30), partial(approves, company, made))
    yield Scene(
        now - dt.timedelta(minutes=16), partial(asks, company, [], BONUS, "Bonus of the support team")
    )


def opens(company: Company) -> None:
    """The account, off as every such account is, then switched on by an admin who says why; and who pays deposits."""
    admin = company.stage.people["admin"]
    account, _told = company.opens(SALARIES, "coinjoin")
    accounts.probe(actor=admin, account=account)
    accounts.change(actor=admin, account=account, batches_on=True, batches_note=WHY)
    known = company.stage.box("settings")["bitloga"]["methods"]["BTC"]
    company.sets("bitloga", methods={"BTC": known | {"operations": ["invoice", "withdraw", "pay"]}})
    method = Method.objects.get(account=company.account(PAYOUTS), code="BTC")
    method.for_withdrawal, method.fee_fixed, method.fee_rate = True, Decimal("0.0001"), Decimal(0)
    methods.save_method(actor=admin, method=method)


def asks(company: Company, made: Made, amounts: tuple[str, ...], note: str) -> None:
    lines = [f"{address} {amount}" for address, amount in zip(TEAM, amounts, strict=False)]
    fields: dict[str, Any] = {"delay": str(DELAY), "payouts": "\n".join(lines), "_note": note}
    row = batch_payouts.request(actor=company.operator, account=company.account(SALARIES), fields=fields)
    made.append(row.pk)


def approves(company: Company, made: Made) -> None:
    batch_payouts.approve(actor=company.approvers[0], batch_payout=BatchPayout.objects.get(pk=made[0]))
    batch_payouts.submit(batch_payout_id=made[0])


def _paid_out(company: Company, asked: dt.datetime) -> Iterator[Scene]:
    """Its deposit is paid by a withdrawal of ours, which another person approves."""
    made: Made = []

    def pay() -> None:
        batch = BatchPayout.objects.get(pk=made[0])
        withdrawal = batch_payments.pay(
            actor=company.operator,
            batch_payout=batch,
            account=company.account(PAYOUTS),
            fields={"paysys": "BTC", "currency": "BTC", "_note": "Salaries, first half"},
        )
        withdrawals.approve(actor=company.approvers[1], withdrawal=withdrawal)
        withdrawals.submit(withdrawal_id=withdrawal.pk)

    def arrive() -> None:
        batch = BatchPayout.objects.get(pk=made[0])
        withdrawals.refresh(withdrawal_id=Withdrawal.objects.get(pays_batch=batch).pk)
        company.stage.box(f"coinjoin/transactions/{batch.provider_id}/deposit", {})

    def look() -> None:
        company.asks(batch_payouts.refresh, "batch_payout", made)

    yield Scene(asked, partial(asks, company, made, FIRST_HALF, "Salaries, first half"))
    yield Scene(asked + dt.timedelta(minutes=20), partial(approves, company, made))
    paid = asked + dt.timedelta(minutes=50)
    yield Scene(paid, pay)
    yield Scene(paid + dt.timedelta(minutes=2), arrive)
    for later in (dt.timedelta(minutes=2, seconds=5), dt.timedelta(minutes=4), dt.timedelta(hours=DELAY + 1)):
        yield Scene(paid + later, look)
