"""The demo month: played on the sandbox through the services, and compared with it row by row."""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from backoffice import demo
from backoffice.models import AuditEntry
from codes.models import Voucher
from payments.models import (
    Balance,
    BatchPayout,
    Bid,
    BidAct,
    Deposit,
    Invoice,
    Movement,
    PartnerPayout,
    ProviderAccount,
    Reference,
    Wallet,
    Withdrawal,
)
from payments.providers import PROVIDERS
from payments.services import balances
from tests import factories
from tests.payments.conftest import box, running_box

__all__ = ["box", "running_box"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def home(settings: Any, tmp_path: Path, box: Any) -> Path:
    settings.DEBUG = True
    settings.HOME = tmp_path
    return tmp_path


def is_plausible() -> None:
    """All four providers are used, in all the ways that the pages have something for."""
    assert set(ProviderAccount.objects.values_list("provider", flat=True)) == set(PROVIDERS)
    assert Invoice.objects.count() > 50
    assert Withdrawal.objects.count() > 25
    assert Voucher.objects.count() > 20
    kinds = set(Movement.objects.values_list("kind", flat=True))
    assert kinds >= {"invoice", "withdrawal", "fee", "reversal", "voucher", "redemption", "deposit"}
    assert kinds >= {
        "bid_give",
        "bid_get",
        "partner_reward",
        "partner_payout",
        "batch_deposit",
        "batch_payout",
    }
    oldest = Movement.objects.order_by("booked_at").values_list("booked_at", flat=True)[0]
    assert timezone.now() - oldest > dt.timedelta(days=25)
    assert not Movement.objects.filter(booked_at__gt=timezone.now()).exists()
    for model, wanted in (
        (Withdrawal, {"awaiting_approval", "pending", "complete", "failed", "rejected"}),
        (Deposit, {"pending", "confirmed"}),
        (Wallet, {"active"}),
        (Bid, {"new", "processing", "complete", "canceled", "unknown"}),
        (PartnerPayout, {"complete", "awaiting_approval"}),
        (BatchPayout, {"complete", "awaiting_deposit", "awaiting_approval"}),
    ):
        assert set(model._default_manager.values_list("status", flat=True)) >= wanted, model
    held = Reference.objects.filter(held_at__isnull=False).values_list("kind", flat=True)
    # A worse rate, money that an AML check has marked, a bill that was paid short.
    assert sorted(held) == ["bid", "deposit", "invoice"]
    assert BidAct.objects.filter(status="awaiting").exists()
    salaries = ProviderAccount.objects.get(provider="coinjoin")
    switched = AuditEntry.objects.get(verb="account.batches_on")
    assert salaries.batches_on
    assert "compliance" in switched.facts["note"]
    assert not Movement.objects.filter(account=salaries).exclude(tag="").count() < 2


# --- The sandbox's own ledger tells the same about each ---
def told(box: Any, path: str, name: str = "transactions") -> list[dict[str, Any]]:
    return box.control(path, method="GET")[name]


def ours(model: Any, provider: str) -> dict[str, tuple[str, Decimal]]:
    """State and amount of what was sent, by the number that the sandbox knows it by."""
    rows = model._default_manager.filter(account__provider=provider).exclude(
        status__in=["awaiting_approval", "rejected"]
    )
    key = {Withdrawal: "reference__value", Deposit: "txid"}.get(model, "provider_id")
    amount = {Bid: "amount_give", Invoice: "amount", PartnerPayout: "original_amount", BatchPayout: "total"}
    found = rows.values_list(key, "status", amount.get(model, "amount"))
    return {number: (status, Decimal(value)) for number, status, value in found}


def agrees(box: Any) -> None:
    words = {"complete": "Complete", "failed": "Error"}
    theirs = {row["uniqueid"]: row for row in told(box, "bitloga/transactions?kind=withdrawal")}
    for number, (status, amount) in ours(Withdrawal, "bitloga").items():
        there = theirs[number]
        assert (there["status"], Decimal(there["params"]["amount"])) == (words[status], amount)
    _coins(box)
    _exchange(box)
    _batches(box)


def same(
    of_ours: dict[str, tuple[str, Decimal]],
    of_theirs: dict[str, tuple[str, Decimal]],
    words: dict[str, set[str]],
) -> None:
    """No row more on either side, and each with the same amount and a word of theirs for ours."""
    assert of_ours.keys() == of_theirs.keys()
    for number, (status, amount) in of_ours.items():
        word, told_amount = of_theirs[number]
        assert (word in words[status], told_amount) == (True, amount), (number, status, word)


def _coins(box: Any) -> None:
    def theirs(kind: str, key: str, less: str = "") -> dict[str, tuple[str, Decimal]]:
        rows = told(box, f"bitexbit/transactions?kind={kind}")
        return {
            row[key]: (row["status"], Decimal(row["amount"]) - Decimal(row["data"][less] if less else 0))
            for row in rows
        }

    words = {"complete": {"30"}, "failed": {"40"}, "pending": {"10", "25"}}
    same(ours(Withdrawal, "bitexbit"), theirs("withdrawal", "uniqueid"), words)
    bills = {"paid": {"paid"}, "open": {"open"}, "expired": {"open"}}
    same(ours(Invoice, "bitexbit"), theirs("invoice", "slug"), bills)
    arrived = theirs("deposit", "uniqueid", less="fee")
    held = Deposit.objects.get(reference__held_at__isnull=False).txid
    assert arrived.pop(held)[0] == "5"  # confirmed there, not credited here before a person has looked
    credited = ours(Deposit, "bitexbit")
    assert credited.pop(held)[0] == "pending"
    same(credited, arrived, {"confirmed": {"5"}, "pending": {"1"}})
    addresses = {
        row["slug"]: row["data"]["address"] for row in told(box, "bitexbit/transactions?kind=wallet")
    }
    assert dict(Wallet.objects.values_list("provider_id", "address")) == addresses
    # What we computed is what they have, but for the held deposit.
    (account,) = told(box, "bitexbit/accounts", "accounts")
    there = {currency: Decimal(amount) for currency, amount in account["balances"].items()}
    there["USDT"] -= Deposit.objects.get(txid=held).amount
    here = balances.explained(Balance.objects.filter(account__provider="bitexbit"))
    assert {one.currency: one.known for one in here} == there


def _exchange(box: Any) -> None:
    rows = told(box, "premium_exchanger/bids", "bids")
    assert {(row["accepts"], row["arrivals"]) for row in rows} == {(1, 1)}
    assert {row["uniqueid"] for row in rows} == set(Bid.objects.values_list("reference__value", flat=True))
    words = {
        "complete": {"success"},
        "canceled": {"cancel", "delete"},
        "processing": {"verify"},
        "paid": {"payed"},
        "new": {"new"},
        "unknown": {"new"},
    }
    theirs = {row["id"]: (row["status"], Decimal(row["amount"])) for row in rows}
    same(ours(Bid, "premium_exchanger"), theirs, words)
    *paid, _before = told(box, "premium_exchanger/transactions?kind=payout")
    theirs = {row["id"]: (row["status"], Decimal(row["amount"])) for row in paid}
    same(ours(PartnerPayout, "premium_exchanger"), theirs, {"complete": {"1"}})
    (account,) = told(box, "premium_exchanger/accounts", "accounts")
    stated = Balance.objects.get(account__provider="premium_exchanger")
    assert [stated.stated, stated.drift] == [sum(map(Decimal, account["balances"].values())), 0]


def _batches(box: Any) -> None:
    rows = told(box, "coinjoin/transactions")
    assert {row["accepts"] for row in rows} == {1}
    theirs = {row["id"]: (row["status"], sum(map(Decimal, row["payouts"].values()))) for row in rows}
    same(ours(BatchPayout, "coinjoin"), theirs, {"complete": {"complete"}, "awaiting_deposit": {"pending"}})
    paid = Withdrawal.objects.get(pays_batch__status="complete")
    done = next(row for row in rows if row["status"] == "complete")
    assert (paid.purse, paid.amount) == (done["deposit_address"], Decimal(done["received"]))


def spoilt(box: Any) -> list[str]:
    """What the comparison says once one row of each kind is another one here than there."""
    PartnerPayout.objects.filter(status="awaiting_approval").update(
        status="canceled"
    )  # one at a time is open
    for model, status, wrong in (
        (Withdrawal, "complete", "pending"),
        (Invoice, "paid", "open"),
        (Bid, "complete", "processing"),
        (PartnerPayout, "complete", "pending"),
        (BatchPayout, "complete", "processing"),
        (Voucher, "active", "disabled"),
    ):
        provider = {Invoice: "bitexbit", Withdrawal: "bitexbit"}.get(model, "")
        rows = model._default_manager.filter(status=status, account__provider__contains=provider)
        model._default_manager.filter(pk=rows.order_by("-pk")[0].pk).update(status=wrong)
    wallet = Wallet.objects.order_by("pk")[0].provider_id
    box.control("settings", {"provider": "bitexbit", "callbacks": "never"})
    box.control(f"bitexbit/wallets/{wallet}/deposit", {"amount": "12"})
    return demo.check()


class TestMonth:
    def test_it_is_plausible_agrees_with_the_sandbox_and_is_planted_once(
        self,
        home: Path,
        box: Any,
        capsys: Any,
    ) -> None:
        call_command("demo")
        assert "every row as the sandbox tells it" in capsys.readouterr().out
        assert not logging.root.manager.disable
        is_plausible()
        agrees(box)
        stands = dt.datetime.fromisoformat(box.control("clock")["now"])
        assert abs(stands - timezone.now()) < dt.timedelta(seconds=2)
        before = demo.snapshot()
        call_command("demo")
        assert demo.snapshot() == before
        # A control: what the sandbox tells otherwise is seen, of each kind.
        told = "\n".join(spoilt(box))
        for kind in ("voucher", "withdrawal", "deposit", "invoice", "bid", "partner_payout", "batch_payout"):
            assert f"{kind} 2" in told, kind  # each reference begins with the year

    def test_it_refuses_when_an_account_is_not_the_sandbox_s(
        self,
        home: Path,
        box: Any,
        settings: Any,
    ) -> None:
        made = factories.account(box)
        ProviderAccount.objects.filter(pk=made.pk).update(base_url="https://example.com/api/v1/")
        with pytest.raises(CommandError, match="sandbox only"):
            call_command("demo")
        assert not Invoice.objects.exists()

    def test_it_refuses_outside_of_development(self, settings: Any) -> None:
        settings.DEBUG = False
        with pytest.raises(CommandError, match="DEBUG is off"):
            call_command("demo")


class TestClock:
    def test_it_stands_where_it_is_put_and_goes_back(self) -> None:
        moment = timezone.now() - dt.timedelta(days=9)
        with demo.standing_at(moment):
            assert dt.timedelta() <= timezone.now() - moment < dt.timedelta(seconds=5)
        assert timezone.now() - moment > dt.timedelta(days=8)
