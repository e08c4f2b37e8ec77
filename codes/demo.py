"""The demo month of vouchers: handed out, redeemed, switched off, and codes of others that we redeem.

Scenes for `manage.py demo`; every one goes through the services and the simulated provider.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from backoffice.kit.office import Scene, Stage
from codes.models import Voucher
from codes.services import vouchers
from payments.models import ProviderAccount
from payments.providers import offering
from payments.providers.base import Vouchers

PARTNERS = ("Kiosk North", "Kiosk Harbour", "Gift desk", "Loyalty, spring", "Market stall 4")


def plot(stage: Stage) -> Iterable[Scene]:
    """All scenes of the month."""
    desk = _Desk(stage)
    for back, amount, count in ((24, "50", 5), (17, "20", 10), (9, "100", 3), (4, "25", 6), (2, "15", 1)):
        yield from desk.hands_out(stage.end - dt.timedelta(days=back, hours=3), amount, count)
    for back in (20, 11, 3):
        yield from desk.redeems(
            stage.end - dt.timedelta(days=back, hours=2), f"{stage.chance.randint(5, 90)}"
        )
    yield Scene(stage.end - dt.timedelta(days=8), desk.one_is_switched_off)
    yield Scene(stage.end - dt.timedelta(minutes=40), desk.asks_for_more)
    for days in range((stage.end - stage.begin).days):
        yield Scene(stage.end - dt.timedelta(days=days, hours=1), desk.reads_the_list)
    yield Scene(stage.end - dt.timedelta(seconds=30), desk.reads_the_list)


class _Desk:
    """Who acts, and on which rows."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.chance = stage, stage.chance
        self.operator, self.approver = stage.people["operator"], stage.people["approver1"]

    @staticmethod
    def account() -> ProviderAccount:
        return ProviderAccount.objects.get(name="Payouts")

    def request(self, amount: str, count: int) -> list[Voucher]:
        fields: dict[str, Any] = {
            "currency": "USDT",
            "amount": amount,
            "desc": "Gift card",
            "_customer_reference": self.chance.choice(PARTNERS),
            "_make_password": True,
        }
        return vouchers.request(actor=self.operator, account=self.account(), fields=fields, count=count)

    def hands_out(self, asked: dt.datetime, amount: str, count: int) -> Iterator[Scene]:
        """Requested, approved, made; half of them come back within days."""
        made: list[Voucher] = []
        yield Scene(asked, lambda: made.extend(self.request(amount, count)))

        def approve() -> None:
            if made[0].status == Voucher.Status.AWAITING_APPROVAL:
                vouchers.approve(actor=self.approver, voucher=made[0])
            for one in made:
                vouchers.submit(voucher_id=one.pk)

        yield Scene(asked + dt.timedelta(minutes=25), approve)
        for number in range(count):
            if self.chance.random() < 0.5:
                later = asked + dt.timedelta(hours=self.chance.randint(5, 90))
                yield Scene(later, partial(self.comes_back, made, number))

    def comes_back(self, made: list[Voucher], number: int) -> None:
        """Somebody redeems it at the provider."""
        code = Voucher.objects.get(pk=made[number].pk).code
        if code:
            self.stage.box(f"bitloga/codes/{code}/redeem", {})

    def redeems(self, asked: dt.datetime, amount: str) -> Iterator[Scene]:
        def redeem() -> None:
            code = self.stage.box("bitloga/codes", {"amount": amount, "currency": "USDT", "pass": ""})["code"]
            row = vouchers.redeem(actor=self.operator, account=self.account(), code=code)
            vouchers.submit(voucher_id=row.pk)

        yield Scene(asked, redeem)

    def one_is_switched_off(self) -> None:
        oldest = Voucher.objects.filter(status=Voucher.Status.ACTIVE).order_by("pk").first()
        if oldest is not None:
            self.stage.box(f"bitloga/codes/{oldest.code}/disable", {})

    def asks_for_more(self) -> None:
        self.request("40", 4)

    @staticmethod
    def reads_the_list() -> None:
        having = ProviderAccount.objects.filter(provider__in=offering(Vouchers))
        for pk in having.values_list("pk", flat=True):
            vouchers.sync(account_id=pk)
