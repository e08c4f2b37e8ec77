"""How the demo month begins: two accounts at the sandbox, their methods, our own wallet."""

from __future__ import annotations

from decimal import Decimal

from payments.models import Method, ProviderAccount
from payments.services import balances, destinations
from payments.services.methods import save_method

from .company import PAYOUTS, SHOP, WALLET, Company


def open_accounts(company: Company) -> None:
    for name, there in ((SHOP, "demo"), (PAYOUTS, "payouts")):
        account, _told = company.opens(
            name,
            "bitloga",
            there=there,
            voucher_free_amount=Decimal(25),
            voucher_free_currency="USDT",
        )
        methods(company, account)
        balances.refresh(account_id=account.pk)
    book(company)


def methods(company: Company, account: ProviderAccount) -> None:
    """What the admin adds to the documented list: fees, and a way to pay to cards."""
    admin = company.stage.people["admin"]
    internal = Method.objects.get(account=account, code="USDTBALANCE")
    internal.fee_fixed, internal.fee_rate = Decimal(0), Decimal("0.005")
    internal.min_amount, internal.max_amount = Decimal(1), Decimal(50000)
    save_method(actor=admin, method=internal)
    save_method(
        actor=admin,
        method=Method(
            account=account,
            code="CARD_RUB",
            title="Bank card RUB",
            currency="RUB",
            for_withdrawal=True,
            needs_names=True,
            is_card=True,
            min_amount=Decimal(500),
            max_amount=Decimal(150000),
            fee_fixed=Decimal(30),
            fee_rate=Decimal("0.01"),
        ),
    )


def book(company: Company) -> None:
    proposed = destinations.propose(actor=company.operator, method="BTC", label="Cold wallet", address=WALLET)
    destinations.approve(actor=company.approvers[0], destination=proposed)
