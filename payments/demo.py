"""The demo month of payments: two accounts at the sandbox, bills, withdrawals, and what goes wrong in a month.

Scenes for `manage.py demo`; every one goes through the services and the simulated provider.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

from backoffice.kit.office import Scene, Stage
from backoffice.services import notes
from payments.models import ExceptionItem, Invoice, Method, OwnDestination, ProviderAccount, Withdrawal
from payments.providers.errors import ProviderError
from payments.services import (
    accounts,
    balances,
    destinations,
    exceptions,
    invoices,
    withdrawals,
)

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


def plot(stage: Stage) -> Iterable[Scene]:
    """All scenes of the month."""
    company = _Company(stage)
    yield Scene(stage.begin, company.open_accounts)
    for day in range(1, (stage.end - stage.begin).days + 1):
        morning = stage.begin + dt.timedelta(days=day)
        yield from company.bills(morning, many=stage.chance.choice([1, 2, 2, 3, 4]))
        if day % 2 == 0:
            yield from company.pays(morning, many=stage.chance.choice([1, 1, 2]))
        yield from company.reads_balances(morning)
    yield from company.troubles()
    yield from company.today()
    yield Scene(stage.end - dt.timedelta(seconds=20), company.closes)


class _Company:
    """Who acts, and on which rows."""

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

    # --- Setting up ---
    def open_accounts(self) -> None:
        admin = self.stage.people["admin"]
        for name, there in ((SHOP, "demo"), (PAYOUTS, "payouts")):
            keys = self.stage.box("bitloga/accounts", {"name": there})
            account = accounts.create(
                actor=admin,
                provider="bitloga",
                name=name,
                base_url=keys["base_url"],
                credentials={"api_key": keys["api_key"], "api_secret": keys["api_secret"]},
                money_out=True,
                rate_limit=Decimal(200),
                voucher_free_amount=Decimal(25),
                voucher_free_currency="USDT",
            )
            self.methods(account)
            balances.refresh(account_id=account.pk)
        self.book()

    def methods(self, account: ProviderAccount) -> None:
        """What the admin adds to the documented list: fees, and a way to pay to cards."""
        admin = self.stage.people["admin"]
        internal = Method.objects.get(account=account, code="USDTBALANCE")
        internal.fee_fixed, internal.fee_rate = Decimal(0), Decimal("0.005")
        internal.min_amount, internal.max_amount = Decimal(1), Decimal(50000)
        accounts.save_method(actor=admin, method=internal)
        accounts.save_method(
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

    def book(self) -> None:
        proposed = destinations.propose(
            actor=self.operator, method="BTC", label="Cold wallet", address=WALLET
        )
        destinations.approve(actor=self.approvers[0], destination=proposed)

    # --- Money in ---
    def bills(self, morning: dt.datetime, *, many: int) -> Iterator[Scene]:
        for _number in range(many):
            method, amount = self.chance.choice(
                [
                    (
                        "USDTBALANCE",
                        f"{self.chance.randint(40, 900)}.{self.chance.choice(['00', '50', '90'])}",
                    ),
                    ("USDTBALANCE", f"{self.chance.randint(15, 260)}"),
                    ("RUBBALANCE", f"{self.chance.randint(20, 900)}00"),
                    ("BTC", f"0.00{self.chance.randint(100, 999)}"),
                ]
            )
            fields = {
                "paysys": method,
                "amount": amount,
                "desc": self.chance.choice(GOODS),
                "_customer_reference": self.chance.choice(CUSTOMERS),
            }
            if method == "BTC":
                fields["purse"] = WALLET
            asked = self.at(morning)
            end = self.chance.choices(["paid", "expired", "canceled"], [85, 10, 5])[0]
            yield from self.bill(asked, fields, end)

    def bill(
        self, asked: dt.datetime, fields: dict[str, Any], end: str, paid: str = "", account: str = SHOP
    ) -> Iterator[Scene]:
        """A bill and what becomes of it; `paid` is another amount than asked for."""
        made: list[int] = []

        def create() -> None:
            row = invoices.create(actor=self.operator, account=self.account(account), fields=fields)
            invoices.submit(invoice_id=row.pk)
            made.append(row.pk)

        yield Scene(asked, create)
        if end in ("paid", "canceled"):
            answered = asked + dt.timedelta(minutes=self.chance.randint(2, 600))
            verb = "pay" if end == "paid" else "cancel"
            told = {"amount": paid} if paid else {}
            yield Scene(answered, lambda: self.happens(f"invoices/{self.value(made)}/{verb}", told))
            yield Scene(
                answered + dt.timedelta(seconds=40), lambda: self.asks(invoices.refresh, "invoice", made)
            )
        elif end == "expired":
            yield Scene(asked + dt.timedelta(days=7, minutes=1), lambda: invoices.expire())

    @staticmethod
    def value(made: list[int]) -> str:
        return Invoice.objects.get(pk=made[0]).reference.value

    def happens(self, path: str, told: dict[str, Any]) -> None:
        self.stage.box(f"bitloga/{path}", {"account": "demo", **told})

    @staticmethod
    def asks(refresh: Callable[..., Any], kind: str, made: list[int]) -> None:
        refresh(**{f"{kind}_id": made[0]})

    # --- Money out ---
    def pays(self, morning: dt.datetime, *, many: int) -> Iterator[Scene]:
        for _number in range(many):
            payee, purse = self.chance.choice(PAYEES)
            card = self.chance.random() < 0.3
            fields = {
                "currency": "RUB" if card else "USDT",
                "paysys": "CARD_RUB" if card else "USDTBALANCE",
                "amount": f"{self.chance.randint(30, 180)}00"
                if card
                else f"{self.chance.randint(20, 640)}.50",
                "purse": CARD if card else purse,
                "_customer_reference": payee,
                "_note": self.chance.choice(["Wages", "Invoice 11", "Refund", "Commission", "Supplies"]),
                "_confirm_similar": True,
            }
            if card:
                fields["name"], fields["surname"] = payee.split()[0], payee.split()[-1]
            end = self.chance.choices(["complete", "failed", "rejected"], [90, 5, 5])[0]
            yield from self.payout(self.at(morning), fields, end)

    def payout(self, asked: dt.datetime, fields: dict[str, Any], end: str) -> Iterator[Scene]:
        made: list[int] = []

        def request() -> None:
            row = withdrawals.request(actor=self.operator, account=self.account(PAYOUTS), fields=fields)
            made.append(row.pk)

        def decide() -> None:
            approver = self.chance.choice(self.approvers)
            row = Withdrawal.objects.get(pk=made[0])
            if end == "rejected":
                withdrawals.reject(actor=approver, withdrawal=row, reason="No invoice of theirs yet.")
                return
            outcome = "Error" if end == "failed" else "Complete"
            self.stage.box("settings", {"withdraw_outcome": outcome})
            withdrawals.approve(actor=approver, withdrawal=row)
            withdrawals.submit(withdrawal_id=row.pk)
            self.stage.box("settings", {"withdraw_outcome": "Complete"})

        yield Scene(asked, request)
        decided = asked + dt.timedelta(minutes=self.chance.randint(4, 90))
        yield Scene(decided, decide)
        for later in (30, 120) if end != "rejected" else ():
            yield Scene(
                decided + dt.timedelta(seconds=later),
                lambda: self.asks(withdrawals.refresh, "withdrawal", made),
            )

    # --- The books ---
    def reads_balances(self, morning: dt.datetime) -> Iterator[Scene]:
        for hour in (7, 13, 20):
            yield Scene(morning.replace(hour=hour, minute=0), self.read_balances)

    @staticmethod
    def read_balances() -> None:
        for pk in ProviderAccount.objects.values_list("pk", flat=True):
            balances.refresh(account_id=pk)

    # --- What goes wrong in a month ---
    def troubles(self) -> Iterator[Scene]:
        days = {
            name: self.stage.end - dt.timedelta(days=back)
            for name, back in {"less": 12, "more": 9, "lost": 6, "late": 15}.items()
        }
        bill = {"paysys": "USDTBALANCE", "_customer_reference": "Hotel Aurora"}
        yield from self.bill(
            self.at(days["less"]), bill | {"amount": "320", "desc": "Deposit for May"}, "paid", paid="300"
        )
        yield from self.bill(
            self.at(days["more"]), bill | {"amount": "75", "desc": "Two tickets"}, "paid", paid="80"
        )
        yield Scene(days["more"] + dt.timedelta(days=1), self.looked_at)
        lost = self.at(days["lost"])
        yield from self.drops(lost)

    def drops(self, asked: dt.datetime) -> Iterator[Scene]:
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
            row = withdrawals.request(actor=self.operator, account=self.account(PAYOUTS), fields=fields)
            made.append(row.pk)
            withdrawals.approve(actor=self.approvers[1], withdrawal=row)
            self.stage.box("faults", {"provider": "bitloga", "action": "withdraw", "mode": "drop_after"})
            withdrawals.submit(withdrawal_id=row.pk)

        yield Scene(asked, send)
        yield Scene(
            asked + dt.timedelta(seconds=20), lambda: self.asks(withdrawals.refresh, "withdrawal", made)
        )

    def looked_at(self) -> None:
        """Finance closes what a person has understood."""
        finance = self.stage.people["finance"]
        for item in ExceptionItem.objects.filter(status="open", kind="overpaid"):
            exceptions.own(actor=finance, item=item)
            exceptions.close(actor=finance, item=item, note="The customer paid a tip and agreed.")

    # --- What waits now ---
    def today(self) -> Iterator[Scene]:
        now = self.stage.end
        for minutes, method, amount in (
            (95, "USDTBALANCE", "149"),
            (50, "RUBBALANCE", "24500"),
            (20, "USDTBALANCE", "62.50"),
        ):
            fields = {
                "paysys": method,
                "amount": amount,
                "desc": self.chance.choice(GOODS),
                "_customer_reference": self.chance.choice(CUSTOMERS),
            }
            yield from self.bill(now - dt.timedelta(minutes=minutes), fields, "open")
        for minutes, amount, (payee, purse) in zip(
            (70, 35, 12), ("210.50", "95", "1250"), PAYEES, strict=False
        ):
            asked: dict[str, Any] = {
                "currency": "USDT",
                "paysys": "USDTBALANCE",
                "amount": amount,
                "purse": purse,
                "_customer_reference": payee,
                "_note": "Commission",
                "_confirm_similar": True,
            }
            yield Scene(now - dt.timedelta(minutes=minutes), partial(self.only_asked, asked))
        yield Scene(now - dt.timedelta(hours=2), self.proposes)

    def only_asked(self, fields: dict[str, Any]) -> None:
        withdrawals.request(actor=self.operator, account=self.account(PAYOUTS), fields=fields)

    def proposes(self) -> None:
        if not OwnDestination.objects.filter(label="Second cold wallet").exists():
            destinations.propose(
                actor=self.operator,
                method="BTC",
                label="Second cold wallet",
                address="bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            )

    def closes(self) -> None:
        """The last look at everything that is still open."""
        for pk in Invoice.objects.filter(status="open").values_list("pk", flat=True):
            self.quietly(partial(invoices.refresh, invoice_id=pk))
        for pk in Withdrawal.objects.filter(status__in=["unknown", "pending"]).values_list("pk", flat=True):
            self.quietly(partial(withdrawals.refresh, withdrawal_id=pk))
        self.read_balances()
        first = Withdrawal.objects.filter(status="complete").order_by("-pk").first()
        if first is not None:
            notes.add(actor=self.operator, reference=first.reference.value, text="Sent the receipt by mail.")

    @staticmethod
    def quietly(ask: Callable[[], Any]) -> None:
        try:
            ask()
        except ProviderError:
            return
