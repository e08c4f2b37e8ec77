"""Withdrawals of the demo month: requested, decided, sent; one whose answer is lost and that heals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from backoffice.kit.office import Scene
from payments.models import Withdrawal
from payments.services import withdrawals

from .company import CARD, PAYEES, PAYOUTS, Company


def pays(company: Company, morning: dt.datetime, *, many: int) -> Iterator[Scene]:
    for _number in range(many):
        payee, purse = company.chance.choice(PAYEES)
        card = company.chance.random() < 0.3
        fields = {
            "currency": "RUB" if card else "USDT",
            "paysys": "CARD_RUB" if card else "USDTBALANCE",
            "amount": f"{company.chance.randint(30, 180)}00"
            if card
            else f"{company.chance.randint(20, 640)}.50",
            "purse": CARD if card else purse,
            "_customer_reference": payee,
            "_note": company.chance.choice(["Wages", "Invoice 11", "Refund", "Commission", "Supplies"]),
            "_confirm_similar": True,
        }
        if card:
            fields["name"], fields["surname"] = payee.split()[0], payee.split()[-1]
        end = company.chance.choices(["complete", "failed", "rejected"], [90, 5, 5])[0]
        yield from payout(company, company.at(morning), fields, end)


def payout(company: Company, asked: dt.datetime, fields: dict[str, Any], end: str) -> Iterator[Scene]:
    made: list[int] = []

    def request() -> None:
        row = withdrawals.request(actor=company.operator, account=company.account(PAYOUTS), fields=fields)
        made.append(row.pk)

    def decide() -> None:
        approver = company.chance.choice(company.approvers)
        row = Withdrawal.objects.get(pk=made[0])
        if end == "rejected":
            withdrawals.reject(actor=approver, withdrawal=row, reason="No invoice of theirs yet.")
            return
        outcome = "Error" if end == "failed" else "Complete"
        company.sets("bitloga", withdraw_outcome=outcome)
        withdrawals.approve(actor=approver, withdrawal=row)
        withdrawals.submit(withdrawal_id=row.pk)
        company.sets("bitloga", withdraw_outcome="Complete")

    yield Scene(asked, request)
    decided = asked + dt.timedelta(minutes=company.chance.randint(4, 90))
    yield Scene(decided, decide)
    for later in (30, 120) if end != "rejected" else ():
        yield Scene(
            decided + dt.timedelta(seconds=later),
            lambda: company.asks(withdrawals.refresh, "withdrawal", made),
        )


def drops(company: Company, asked: dt.datetime) -> Iterator[Scene]:
    """The provider accepts a withdrawal and the answer is lost: it is asked, and it heals."""
    made: list[int] = []

    def send() -> None:
        fields: dict[str, Any] = {
            "currency": "USDT",
            "paysys": "USDTBALANCE",
            "amount": "480",
            "purse": "veles.studio",
            "_customer_reference": "Studio Veles",
            "_note": "Invoice 14",
            "_confirm_similar": True,
        }
        row = withdrawals.request(actor=company.operator, account=company.account(PAYOUTS), fields=fields)
        made.append(row.pk)
        withdrawals.approve(actor=company.approvers[1], withdrawal=row)
        company.loses_the_answer("bitloga", "withdraw")
        withdrawals.submit(withdrawal_id=row.pk)

    yield Scene(asked, send)
    yield Scene(
        asked + dt.timedelta(seconds=20), lambda: company.asks(withdrawals.refresh, "withdrawal", made)
    )
