"""C08: many orders whose answers were lost, and every fate that may befall them. The deposit of each is paid once at most,
exactly, and never to an order that expired, differs, or is nobody's. The sandbox's two ledgers are the witnesses.
"""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections

from payments.models import BatchPayout, ExceptionItem, ProviderCall, Withdrawal
from payments.services import batch_decisions, batch_deposits, batch_payments, withdrawals
from tests import factories
from tests.payments import batches
from tests.races import batch_rows, money

pytestmark = pytest.mark.django_db(transaction=True)

LOST = ["drop_after", "half_body", "truncated", "garbage_html", "status_500", "empty"]
#: What befalls an order. Of these the deposit is paid; of all others it never is.
PAID = ("plain", "twin", "expired after it was paid")
FATES = (
    *PAID,
    "never arrived",
    "orphan",
    "mismatch",
    "expired before it was asked for",
    "expired before it was sent",
)
NOTHING = {"transactions": [], "totalTransactions": "0"}


class Story:
    """One order after the other, each with its fate, and the people who want every deposit paid."""

    def __init__(self, box: Any, joining: Any, paying: Any, people: Any) -> None:
        self.box, self.joining, self.paying, self.people = box, joining, paying, people
        self.outsider = factories.person("approver")
        self.second = factories.person("operator")
        self.fates: dict[int, str] = {}

    # --- Created, and the answer lost ---
    def create(self, fate: str, mode: str) -> list[BatchPayout]:
        typed = batch_rows.typed()
        if fate == "mismatch":
            batches.say(self.box, fee_slip="0.00000001")
        made = []
        for _twin in range(2 if fate == "twin" else 1):
            batches.fault(self.box, "drop_before" if fate == "never arrived" else mode)
            made.append(batches.created(self.joining, self.people, **typed))
            assert made[-1].status == "unknown", (fate, mode)
        self.fates |= {one.pk: fate for one in made}
        return made

    def find(self, made: list[BatchPayout]) -> None:
        """Looks and people, as they come."""
        for one in made:
            fate = self.fates[one.pk]
            if fate == "orphan":
                batches.fault(self.box, "fields", action="transactions", fields=NOTHING)
            batches.look(one)
            if fate in ("orphan", "never arrived"):
                batch_decisions.resolve(
                    actor=self.outsider, batch_payout=one, outcome="failed", note="None there."
                )
            elif one.candidates:
                batch_decisions.resolve(
                    actor=self.outsider,
                    batch_payout=one,
                    outcome=one.candidates[0]["id"],
                    note="It is this one.",
                )
                batches.look(one)
        batches.say(self.box, fee_slip="0")

    # --- Paid, by everybody who can ---
    def ask(self, one: BatchPayout, actor: Any) -> Withdrawal | None:
        fields = {"paysys": "BTC", "currency": "BTC"}
        try:
            return batch_payments.pay(actor=actor, batch_payout=one, account=self.paying, fields=fields)
        except ValidationError:
            return None

    def ask_at_once(self, one: BatchPayout) -> list[Withdrawal]:
        def press(actor: Any) -> Withdrawal | None:
            try:
                return self.ask(one, actor)
            finally:
                connections.close_all()

        people = [self.people["operator"], self.second] * 2
        with ThreadPoolExecutor(4) as pool:
            return [paid for paid in pool.map(press, people) if paid is not None]

    def pay(self, one: BatchPayout, *, at_once: bool) -> None:
        fate = self.fates[one.pk]
        if fate == "expired before it was asked for":
            self.expire(one)
        if at_once:
            paid = self.ask_at_once(one)
        else:
            asked = [self.ask(one, actor) for actor in (self.people["operator"], self.second)]
            paid = [found for found in asked if found is not None]
        assert len(paid) <= 1, fate
        for asked_for in paid:
            withdrawals.approve(actor=self.people["approver"], withdrawal=asked_for)
            if fate == "expired before it was sent":
                self.expire(one)
            for _worker in range(2):
                withdrawals.submit(withdrawal_id=asked_for.pk)
        if fate == "expired after it was paid":
            self.expire(one)
        self.ask(one, self.second)

    def expire(self, one: BatchPayout) -> None:
        batches.move(self.box, one, "expire")
        batches.look(one)

    # --- The witnesses ---
    def sent(self) -> list[tuple[str, Decimal]]:
        rows = self.box.control("bitloga/transactions")["transactions"]
        return [
            (row["params"]["purse"], Decimal(row["amount"])) for row in rows if row["kind"] == "withdrawal"
        ]

    def check(self) -> None:
        fates = Counter(self.fates.values())
        orders = {row["deposit_address"]: row for row in batches.orders(self.box, self.joining)}
        assert len(orders) == len(self.fates) - fates["never arrived"]
        sent = self.sent()
        by_address = {one.deposit_address: one for one in BatchPayout.objects.exclude(deposit_address="")}
        assert max(Counter(address for address, _amount in sent).values()) == 1, "paid twice"
        for address, amount in sent:
            assert address in orders, "paid to nobody's address"
            one = by_address[address]
            assert self.fates[one.pk] in PAID, f"paid although {self.fates[one.pk]}"
            assert amount == Decimal(orders[address]["deposit_amount"]) == one.deposit_amount
            assert one.provider_id == orders[address]["id"]
        assert len(sent) == sum(fates[fate] for fate in PAID)
        told = Counter(ExceptionItem.objects.values_list("kind", flat=True))
        assert told["expired_paid"] == fates["expired after it was paid"]
        assert told["hold"] == fates["mismatch"]
        assert told["ambiguous"] == fates["twin"] // 2
        assert set(told) <= {"expired_paid", "hold", "ambiguous"}
        created = ProviderCall.objects.filter(operation="createTransaction")
        assert created.count() == len(self.fates), "one was created again"


def play(story: Story, fates: list[str], *, seed: int = 8) -> None:
    """Each order's life from its lost answer on; the first three are asked for by many at once."""
    chance = random.Random(seed)
    for number, fate in enumerate(fates):
        made = story.create(fate, chance.choice(LOST))
        story.find(made)
        for one in made:
            story.pay(one, at_once=number < 3)
        with suppress(ValidationError):
            batch_payments.mark_paid(actor=story.second, batch_payout=made[0], note="By mistake")


@pytest.fixture
def story(box: Any, transactional_db: None, people: Any, settings: Any) -> Story:
    settings.SETTLE_SECONDS = 0
    money.set_up(box, dedup=False)
    return Story(box, batches.account(box), batches.payer(box), people)


@money.volumes(10, 50)
def test_orders_in_doubt_are_paid_once_at_most(story: Story, runs: int) -> None:
    chance = random.Random(8)
    fates = [*FATES, *chance.choices(FATES, k=max(runs - len(FATES) - 1, 0))]
    chance.shuffle(fates)
    play(story, fates)
    assert len(story.fates) >= runs
    story.check()


def test_without_the_look_at_the_batch_one_that_expired_is_paid(
    story: Story, monkeypatch: pytest.MonkeyPatch, control: None
) -> None:
    """The witnesses see it."""
    monkeypatch.setattr(batch_deposits, "why_not", lambda _batch: "")
    play(story, ["expired before it was sent"])
    with pytest.raises(AssertionError, match="paid although expired"):
        story.check()
