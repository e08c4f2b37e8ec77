"""Bills of the demo month, and what becomes of them: paid, too little, too much, expired, canceled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from backoffice.kit.office import Scene
from payments.services import invoices

from .company import CUSTOMERS, GOODS, SHOP, WALLET, Company


def bills(company: Company, morning: dt.datetime, *, many: int) -> Iterator[Scene]:
    for _number in range(many):
        method, amount = company.chance.choice(
            [
                (
                    "USDTBALANCE",
                    f"{company.chance.randint(40, 900)}.{company.chance.choice(['00', '50', '90'])}",
                ),
                ("USDTBALANCE", f"{company.chance.randint(15, 260)}"),
                ("RUBBALANCE", f"{company.chance.randint(20, 900)}00"),
                ("BTC", f"0.00{company.chance.randint(100, 999)}"),
            ]
        )
        fields = {
            "paysys": method,
            "amount": amount,
            "desc": company.chance.choice(GOODS),
            "_customer_reference": company.chance.choice(CUSTOMERS),
        }
        if method == "BTC":
            fields["purse"] = WALLET
        asked = company.at(morning)
        end = company.chance.choices(["paid", "expired", "canceled"], [85, 10, 5])[0]
        yield from bill(company, asked, fields, end)


def bill(
    company: Company,
    asked: dt.datetime,
    fields: dict[str, Any],
    end: str,
    paid: str = "",
    account: str = SHOP,
) -> Iterator[Scene]:
    """A bill and what becomes of it; `paid` is another amount than asked for."""
    made: list[int] = []

    def create() -> None:
        row = invoices.create(actor=company.operator, account=company.account(account), fields=fields)
        invoices.submit(invoice_id=row.pk)
        made.append(row.pk)

    yield Scene(asked, create)
    if end in ("paid", "canceled"):
        answered = asked + dt.timedelta(minutes=company.chance.randint(2, 600))
        verb = "pay" if end == "paid" else "cancel"
        told = {"amount": paid} if paid else {}
        yield Scene(answered, lambda: company.happens(f"invoices/{company.value(made)}/{verb}", told))
        yield Scene(
            answered + dt.timedelta(seconds=40), lambda: company.asks(invoices.refresh, "invoice", made)
        )
    elif end == "expired":
        yield Scene(asked + dt.timedelta(days=7, minutes=1), lambda: invoices.expire())
