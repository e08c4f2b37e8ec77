"""Withdrawals of the demo month from the coin desk (bitexbit): complete, refused there, looked at there, asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial
from typing import Any

from backoffice.kit.office import Scene
from payments.models import Withdrawal
from payments.services import withdrawals

from .company import CARD, COINS, PAYEES, Company

# Well-known addresses; the month pays them nothing but the sandbox's coins.
TRON = ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8")
BITCOIN = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
Made = list[int]


def coin_payouts(company: Company) -> Iterator[Scene]:
    """All of the month."""
    for day in range(2, (company.stage.end - company.stage.begin).days, 3):
        asked = company.at(company.stage.begin + dt.timedelta(days=day))
        end = {8: "refuse", 14: "rejected", 20: "lost"}.get(day, "done")
        yield from payout(company, asked, _fields(company), end)
    now = company.stage.end
    usdt = {"ticker": "USDT", "network": "tron", "address": TRON[0], "_customer_reference": PAYEES[4][0]}
    yield from payout(company, now - dt.timedelta(hours=5), usdt | {"amount": "2150"}, "moderate")
    waits = usdt | {"amount": "385.20", "address": TRON[1], "_note": "Invoice 31"}
    yield Scene(now - dt.timedelta(minutes=26), partial(asks, company, waits, []))


def _fields(company: Company) -> dict[str, Any]:
    chance = company.chance
    payee = chance.choice(PAYEES)[0]
    where = chance.choice(
        [
            {
                "ticker": "USDT",
                "network": "tron",
                "address": TRON[0],
                "amount": f"{chance.randint(60, 700)}.50",
            },
            {"ticker": "USDT", "network": "tron", "address": TRON[1], "amount": f"{chance.randint(20, 300)}"},
            {
                "ticker": "BTC",
                "network": "bitcoin",
                "address": BITCOIN,
                "amount": f"0.00{chance.randint(200, 950)}",
            },
            {
                "ticker": "UAH",
                "network": "wiretransfer",
                "card": CARD,
                "amount": f"{chance.randint(8, 90)}00",
            },
        ]
    )
    note = chance.choice(["Wages", "Refund", "Supplies", "Invoice 27"])
    return where | {"_customer_reference": payee, "_note": note}


def asks(company: Company, fields: dict[str, Any], made: Made) -> None:
    given = fields | {"_confirm_similar": True}
    made.append(withdrawals.request(actor=company.operator, account=company.account(COINS), fields=given).pk)


def payout(company: Company, asked: dt.datetime, fields: dict[str, Any], end: str) -> Iterator[Scene]:
    """`end`: a verb of the sandbox, "rejected" by us, or "lost": accepted there, and its answer never came."""
    made: Made = []

    def decide() -> None:
        row = Withdrawal.objects.get(pk=made[0])
        approver = company.chance.choice(company.approvers)
        if end == "rejected":
            withdrawals.reject(actor=approver, withdrawal=row, reason="Paid last week already.")
            return
        withdrawals.approve(actor=approver, withdrawal=row)
        if end in ("refuse", "moderate"):
            company.sets("bitexbit", withdraw_path=[])  # it stays where it is put
        if end == "lost":
            company.loses_the_answer("bitexbit", "withdraw/create")
        withdrawals.submit(withdrawal_id=row.pk)
        if end in ("refuse", "moderate"):
            company.sets("bitexbit", withdraw_path=[10, 20, 23, 26, 30])
            number = row.reference.value
            company.happens(f"withdrawals/{number}/{end}", {}, provider="bitexbit")

    yield Scene(asked, partial(asks, company, fields, made))
    decided = asked + dt.timedelta(minutes=company.chance.randint(6, 70))
    yield Scene(decided, decide)
    # What failed is believed when it is read a second time.
    for later in (30, 120) if end != "rejected" else ():
        yield Scene(
            decided + dt.timedelta(seconds=later),
            lambda: company.asks(withdrawals.refresh, "withdrawal", made),
        )
