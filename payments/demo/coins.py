"""The coin desk of the demo month (bitexbit): addresses made for customers, what arrives there, bills in ordinary money.

What it pays out stands in coin_payouts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial
from typing import Any

from backoffice.kit.office import Scene
from payments.models import ProviderAccount, Wallet
from payments.services import accounts, balances, deposits, invoices, stated_methods, wallets

from .company import COINS, CUSTOMERS, Company

ADDRESSES = (
    ("USDT", "tron", "Okafor Imports", "Running account"),
    ("USDT", "tron", "Hotel Aurora", "Season bookings"),
    ("BTC", "bitcoin", "Kaspar & Sons", "Machines"),
    ("ETH", "ethereum", "Lumen Studio", "Licence"),
)
PAYER = "203.0.113.24"
Made = list[int]


def coin_desk(company: Company) -> Iterator[Scene]:
    """Its whole month, payouts left out."""
    yield Scene(company.stage.begin, partial(opens, company))
    made: dict[str, Made] = {}
    for place, (ticker, network, customer, label) in enumerate(ADDRESSES):
        asked = company.stage.begin + dt.timedelta(hours=2 + place, minutes=7 * place)
        fields = {"ticker": ticker, "network": network, "_customer_reference": customer, "_label": label}
        made[customer] = []
        yield Scene(asked, partial(makes_address, company, fields, made[customer]))
    for day in range(1, (company.stage.end - company.stage.begin).days):
        morning = company.stage.begin + dt.timedelta(days=day)
        customer, amount = _next_payment(company)
        if day % 2:
            yield from arrives(company, company.at(morning), made[customer], {"amount": amount})
        if day % 4 == 0:
            yield from bill(company, company.at(morning), _bill(company))
    yield from _today(company, made)


def _next_payment(company: Company) -> tuple[str, str]:
    """Who pays next to their address, and how much."""
    chance = company.chance
    return chance.choice(
        [
            ("Okafor Imports", f"{chance.randint(80, 900)}.{chance.choice(['00', '25', '40'])}"),
            ("Hotel Aurora", f"{chance.randint(200, 1600)}"),
            ("Kaspar & Sons", f"0.0{chance.randint(11, 60)}"),
            ("Lumen Studio", f"0.{chance.randint(12, 70)}"),
        ]
    )


def _bill(company: Company) -> dict[str, Any]:
    chance = company.chance
    method, amount = chance.choice(
        [
            ("UAH:wiretransfer", f"{chance.randint(800, 9500)}.{chance.randint(10, 99)}"),
            ("USDT:payeer", f"{chance.randint(30, 400)}.{chance.randint(10, 99)}"),
        ]
    )
    ticker, network = method.split(":")
    return {
        "ticker": ticker,
        "network": network,
        "amount": amount,
        "client_ip": PAYER,
        "_customer_reference": chance.choice(CUSTOMERS),
    }


def _today(company: Company, made: dict[str, Made]) -> Iterator[Scene]:
    """What is under way: a payment that gathers confirmations, one that a person must look at, a bill."""
    now = company.stage.end
    suspicious = {
        "amount": "1840",
        "aml_success": False,
        "aml_risk": "87",
        "aml_url": "https://aml.example/report/5120",
    }
    yield from arrives(company, now - dt.timedelta(days=2, hours=3), made["Okafor Imports"], suspicious)
    yield from arrives(
        company, now - dt.timedelta(minutes=9), made["Hotel Aurora"], {"amount": "660"}, slowly=True
    )
    open_bill = _bill(company) | {"ticker": "UAH", "network": "wiretransfer", "amount": "4350.75"}
    yield from bill(company, now - dt.timedelta(minutes=33), open_bill, is_paid=False)


# --- What happens ---
def opens(company: Company) -> None:
    """The account, its payment methods, and what its page shows: nobody states these balances."""
    admin = company.stage.people["admin"]
    # Nobody listens while the month is played, and withdrawals go all their way at once.
    company.sets("bitexbit", callbacks="never", withdraw_delay=0)
    account, told = company.opens(COINS, "bitexbit")
    accounts.probe(actor=admin, account=account)
    stated_methods.refresh(account_id=account.pk)
    for currency, amount in told["balances"].items():
        if account.methods.filter(currency=currency).exists():
            note = "Read on the page of the provider."
            balances.set_opening(actor=admin, account=account, currency=currency, amount=amount, note=note)


def makes_address(company: Company, fields: dict[str, Any], made: Made) -> None:
    row = wallets.create(actor=company.operator, account=company.account(COINS), fields=fields)
    wallets.submit(wallet_id=row.pk)
    made.append(row.pk)


def arrives(
    company: Company, at: dt.datetime, made: Made, told: dict[str, Any], *, slowly: bool = False
) -> Iterator[Scene]:
    """Money comes to an address, and we read of it. `slowly`: it has its confirmations an hour later."""

    def pay() -> None:
        wallet = Wallet.objects.get(pk=made[0])
        if slowly:
            company.sets("bitexbit", deposit_seconds=3600)
        company.happens(f"wallets/{wallet.provider_id}/deposit", told, provider="bitexbit")
        company.sets("bitexbit", deposit_seconds=5)

    yield Scene(at, pay)
    yield Scene(at + dt.timedelta(seconds=50), lambda: reads_deposits(company.account(COINS)))


def reads_deposits(account: ProviderAccount) -> None:
    deposits.scan(account_id=account.pk)


def bill(
    company: Company, asked: dt.datetime, fields: dict[str, Any], *, is_paid: bool | None = None
) -> Iterator[Scene]:
    """A bill in ordinary money; most are paid, some run out."""
    made: Made = []
    later = asked + dt.timedelta(minutes=company.chance.randint(3, 300))
    is_paid = company.chance.random() < 0.8 if is_paid is None else is_paid

    def create() -> None:
        row = invoices.create(actor=company.operator, account=company.account(COINS), fields=fields)
        invoices.submit(invoice_id=row.pk)
        made.append(row.pk)

    yield Scene(asked, create)
    if is_paid:
        yield Scene(later, lambda: company.is_paid(made))
        yield Scene(later + dt.timedelta(seconds=40), lambda: company.asks(invoices.refresh, "invoice", made))
    else:
        yield Scene(asked + dt.timedelta(days=7, minutes=1), lambda: invoices.expire())
