"""What goes wrong in the demo month, what waits for people at its end, and the last look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from backoffice.kit.office import Scene
from backoffice.services import notes
from payments.models import BatchPayout, Bid, ExceptionItem, Invoice, OwnDestination, Withdrawal
from payments.providers.errors import ProviderError
from payments.services import (
    batch_payouts,
    bids,
    destinations,
    exceptions,
    invoices,
    stated_methods,
    withdrawals,
)

from .bills import bill
from .coins import reads_deposits
from .company import COINS, CUSTOMERS, GOODS, PAYEES, PAYOUTS, Company
from .exchanging import reads_rates
from .partnering import reads as reads_programme
from .payouts import drops


def troubles(company: Company) -> Iterator[Scene]:
    days = {
        name: company.stage.end - dt.timedelta(days=back)
        for name, back in {"less": 12, "more": 9, "lost": 6}.items()
    }
    wanted = {"paysys": "USDTBALANCE", "_customer_reference": "Hotel Aurora"}
    yield from bill(
        company,
        company.at(days["less"]),
        wanted | {"amount": "320", "desc": "Deposit for May"},
        "paid",
        paid="300",
    )
    yield from bill(
        company, company.at(days["more"]), wanted | {"amount": "75", "desc": "Two tickets"}, "paid", paid="80"
    )
    yield Scene(days["more"] + dt.timedelta(days=1), partial(looked_at, company))
    lost = company.at(days["lost"])
    yield from drops(company, lost)


def looked_at(company: Company) -> None:
    """Finance closes what a person has understood."""
    finance = company.stage.people["finance"]
    for item in ExceptionItem.objects.filter(status="open", kind="overpaid"):
        exceptions.own(actor=finance, item=item)
        exceptions.close(actor=finance, item=item, note="The customer paid a tip and agreed.")


def today(company: Company) -> Iterator[Scene]:
    now = company.stage.end
    for minutes, method, amount in (
        (95, "USDTBALANCE", "149"),
        (50, "RUBBALANCE", "24500"),
        (20, "USDTBALANCE", "62.50"),
    ):
        fields = {
            "paysys": method,
            "amount": amount,
            "desc": company.chance.choice(GOODS),
            "_customer_reference": company.chance.choice(CUSTOMERS),
        }
        yield from bill(company, now - dt.timedelta(minutes=minutes), fields, "open")
    for minutes, amount, (payee, purse) in zip((70, 35, 12), ("210.50", "95", "1250"), PAYEES, strict=False):
        asked: dict[str, Any] = {
            "currency": "USDT",
            "paysys": "USDTBALANCE",
            "amount": amount,
            "purse": purse,
            "_customer_reference": payee,
            "_note": "Commission",
            "_confirm_similar": True,
        }
        yield Scene(now - dt.timedelta(minutes=minutes), partial(only_asked, company, asked))
    yield Scene(now - dt.timedelta(hours=2), partial(proposes, company))


def only_asked(company: Company, fields: dict[str, Any]) -> None:
    withdrawals.request(actor=company.operator, account=company.account(PAYOUTS), fields=fields)


def proposes(company: Company) -> None:
    if not OwnDestination.objects.filter(label="Second cold wallet").exists():
        destinations.propose(
            actor=company.operator,
            method="BTC",
            label="Second cold wallet",
            address="bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        )


def closes(company: Company) -> None:
    """The last look at everything that is still open."""
    for pk in Invoice.objects.filter(status="open").values_list("pk", flat=True):
        quietly(partial(invoices.refresh, invoice_id=pk))
    for pk in Withdrawal.objects.filter(status__in=["unknown", "pending"]).values_list("pk", flat=True):
        quietly(partial(withdrawals.refresh, withdrawal_id=pk))
    for bid in Bid.objects.filter(status__in=[Bid.Status.NEW, Bid.Status.PAID, Bid.Status.PROCESSING]):
        quietly(partial(bids.refresh, bid_id=bid.pk))
    for batch in BatchPayout.objects.unpaid():
        quietly(partial(batch_payouts.refresh, batch_payout_id=batch.pk))
    reads_deposits(company.account(COINS))
    stated_methods.refresh(account_id=company.account(COINS).pk)
    reads_rates(company)
    reads_programme(company)
    company.read_balances()
    company.sets("bitexbit", callbacks="every", withdraw_delay=5)
    first = Withdrawal.objects.filter(status="complete").order_by("-pk").first()
    if first is not None:
        notes.add(actor=company.operator, reference=first.reference.value, text="Sent the receipt by mail.")


def quietly(ask: Callable[[], Any]) -> None:
    try:
        ask()
    except ProviderError:
        return
