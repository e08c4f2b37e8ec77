"""Who acts in the demo month of payments, and where: names, accounts, hours. Holds no scene."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from backoffice.kit.office import Stage
from payments.models import Invoice, ProviderAccount
from payments.providers import PROVIDERS, offering
from payments.providers.base import Balances
from payments.services import accounts, balances

# Our names of the accounts: two at bitloga, one each at bitexbit, premium_exchanger and coinjoin.
SHOP, PAYOUTS = "Shop", "Payouts"
COINS, EXCHANGE, SALARIES = "Coin desk", "Exchange", "Salaries"
CUSTOMERS = (
    *("Ada Byron", "Noor Atelier", "Kaspar & Sons", "Lumen Studio", "Mira Petrova", "Okafor Imports"),
    *("Hotel Aurora", "Tomasz Nowak", "Green Fork", "Yuki Tanaka", "Bright Harbour", "Elif Demir"),
)
GOODS = (
    *("Yearly plan", "Order 20-114", "Design work, second part", "Two tickets", "Deposit for May"),
    *("Spare parts", "Translation, 40 pages", "Course, spring term", "Hosting, 12 months"),
)
PAYEES = (
    ("Aram Sargsyan", "aram.s"),
    ("Studio Veles", "veles.studio"),
    ("Lina Haddad", "lina.h"),
    ("Marek Dvorak", "mdvorak"),
    ("Ines Calado", "ines.calado"),
    ("Ruben Costa", "ruben-c"),
)
CARD = "4111111111111111"  # the number that every test shop uses
WALLET = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
TETHER = "TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC"  # our own, on Tron


class Company:
    """The people of the demo, its accounts, and what they do all the time."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.chance = stage, stage.chance
        self.operator = stage.people["operator"]
        self.approvers = [stage.people["approver1"], stage.people["approver2"]]

    def account(self, name: str) -> ProviderAccount:
        return ProviderAccount.objects.get(name=name)

    def opens(
        self, name: str, provider: str, *, there: str = "demo", **options: Any
    ) -> tuple[ProviderAccount, dict[str, Any]]:
        """Add an account of ours, with the keys of the sandbox's account `there`; and what the sandbox tells of it."""
        told = self.stage.box(f"{provider}/accounts", {"name": there})
        made = accounts.create(
            actor=self.stage.people["admin"],
            provider=provider,
            name=name,
            base_url=told["base_url"],
            credentials={
                field.name: told[field.name]
                for field in PROVIDERS[provider].credentials
                if field.name in told
            },
            money_out=True,
            rate_limit=Decimal(200),
            **options,
        )
        return made, told

    def at(self, morning: dt.datetime, **late: int) -> dt.datetime:
        """A working hour of that day."""
        hour = self.chance.randint(8, 17)
        return morning.replace(hour=hour, minute=self.chance.randint(0, 59)) + dt.timedelta(**late)

    @staticmethod
    def value(made: list[int]) -> str:
        return Invoice.objects.get(pk=made[0]).reference.value

    def is_paid(self, made: list[int]) -> None:
        """Somebody pays a bill of the coin desk, which is known there by its own number."""
        number = Invoice.objects.get(pk=made[0]).provider_id
        self.happens(f"invoices/{number}/pay", {}, provider="bitexbit")

    def happens(self, path: str, told: dict[str, Any], *, provider: str = "bitloga") -> dict[str, Any]:
        return self.stage.box(f"{provider}/{path}", {"account": "demo", **told})

    def sets(self, provider: str, **settings: Any) -> None:
        """Change how the sandbox behaves."""
        self.stage.box("settings", {"provider": provider, **settings})

    def loses_the_answer(self, provider: str, action: str) -> None:
        """The next such call is accepted there, and its answer never comes."""
        self.stage.box("faults", {"provider": provider, "action": action, "mode": "drop_after"})

    @staticmethod
    def asks(refresh: Callable[..., Any], kind: str, made: list[int]) -> None:
        refresh(**{f"{kind}_id": made[0]})

    @staticmethod
    def read_balances() -> None:
        stating = ProviderAccount.objects.filter(provider__in=offering(Balances))
        for pk in stating.values_list("pk", flat=True):
            balances.refresh(account_id=pk)
