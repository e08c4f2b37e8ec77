"""The partner programme of the demo month (premium_exchanger): visitors, rewards, one payout, and one that waits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial

from backoffice.kit.office import Scene
from payments.models import PartnerPayout
from payments.services import partner, partner_programs

from .company import EXCHANGE, TETHER, Company

TETHER_ID = "2"  # the exchanger's number of the way to be paid out
BROWSERS = ("Firefox 128", "Chrome 131", "Safari 18")


def partner_programme(company: Company) -> Iterator[Scene]:
    """All of the month."""
    begin, now = company.stage.begin, company.stage.end
    # Only a payout tells what the balance is in: one of before our time.
    yield Scene(begin + dt.timedelta(minutes=30), partial(was_paid_out_before, company))
    yield Scene(begin + dt.timedelta(hours=1), partial(reads, company))
    for day in range(1, (now - begin).days):
        at = company.at(begin + dt.timedelta(days=day))
        yield Scene(at, partial(somebody_comes, company))
        if day % 2:
            reward = f"{company.chance.randint(3, 8)}.{company.chance.randint(10, 99)}"
            yield Scene(at + dt.timedelta(minutes=12), partial(is_rewarded, company, reward))
        if day % 5 == 0:
            yield Scene(at + dt.timedelta(hours=1), partial(reads, company))
    # In the evening: no reward comes between the request and the approval, which is for the balance of then.
    evening = (now - dt.timedelta(days=11)).replace(hour=20, minute=30)
    yield from _is_paid_out(company, evening)
    waits = now - dt.timedelta(minutes=44)
    yield Scene(waits - dt.timedelta(minutes=2), partial(reads, company))
    yield Scene(waits, partial(asks, company, []))


def reads(company: Company) -> None:
    partner_programs.refresh(account_id=company.account(EXCHANGE).pk)


def was_paid_out_before(company: Company) -> None:
    company.happens("partner/payouts", {"amount": "31.50"}, provider="premium_exchanger")


def somebody_comes(company: Company) -> None:
    told = {
        "browser": company.chance.choice(BROWSERS),
        "ip": f"198.51.100.{company.chance.randint(2, 250)}",
        "referrer": "https://shop.example/pay-with-coins/",
    }
    company.happens("partner/links", told, provider="premium_exchanger")


def is_rewarded(company: Company, reward: str) -> None:
    company.happens("partner/exchanges", {"reward": reward}, provider="premium_exchanger")


def asks(company: Company, made: list[int]) -> None:
    fields = {"method_id": TETHER_ID, "account": TETHER, "_note": "Rewards"}
    row = partner.request_payout(actor=company.operator, account=company.account(EXCHANGE), fields=fields)
    made.append(row.pk)


def _is_paid_out(company: Company, asked: dt.datetime) -> Iterator[Scene]:
    made: list[int] = []

    def approve() -> None:
        partner.approve(actor=company.approvers[0], payout=PartnerPayout.objects.get(pk=made[0]))
        partner.submit(partner_payout_id=made[0])

    def pay() -> None:
        number = PartnerPayout.objects.get(pk=made[0]).provider_id
        company.happens(f"payouts/{number}/pay", {}, provider="premium_exchanger")

    def look() -> None:
        company.asks(partner.refresh, "partner_payout", made)
        reads(company)

    yield Scene(asked - dt.timedelta(minutes=3), partial(reads, company))
    yield Scene(asked, partial(asks, company, made))
    yield Scene(asked + dt.timedelta(minutes=35), approve)
    yield Scene(asked + dt.timedelta(hours=4), pay)
    yield Scene(asked + dt.timedelta(hours=4, minutes=2), look)
