"""Who acts in the demo month of payments, and where: names, accounts, hours. Holds no scene."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from backoffice.kit.office import Stage
from payments.models import Invoice, ProviderAccount
from payments.services import balances

SHOP, PAYOUTS = "Shop", "Payouts"
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


class Company:
    """The people of the demo, its accounts, and what they do all the time."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.chance = stage, stage.chance
        self.operator = stage.people["operator"]
        self.approvers = [stage.people["approver1"], stage.people["approver2"]]

    def account(self, name: str) -> ProviderAccount:
        return ProviderAccount.objects.get(name=name)

    def at(self, morning: dt.datetime, **late: int) -> dt.datetime:
        """A working hour of that day."""
        hour = self.chance.randint(8, 17)
        return morning.replace(hour=hour, minute=self.chance.randint(0, 59)) + dt.timedelta(**late)

    @staticmethod
    def value(made: list[int]) -> str:
        return Invoice.objects.get(pk=made[0]).reference.value

    def happens(self, path: str, told: dict[str, Any]) -> None:
        self.stage.box(f"bitloga/{path}", {"account": "demo", **told})

    @staticmethod
    def asks(refresh: Callable[..., Any], kind: str, made: list[int]) -> None:
        refresh(**{f"{kind}_id": made[0]})

    @staticmethod
    def read_balances() -> None:
        for pk in ProviderAccount.objects.values_list("pk", flat=True):
            balances.refresh(account_id=pk)
