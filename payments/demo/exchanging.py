"""The exchange of the demo month (premium_exchanger): rates, bids and what becomes of them. The partner programme stands
in partnering.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial
from typing import Any

from backoffice.kit.office import Scene
from payments.models import Bid, BidAct, Direction
from payments.services import accounts, bid_acts, bids, destinations, directions

from .company import CARD, EXCHANGE, TETHER, Company

MAIL = "desk@shop.example"
OURS = {"account1": CARD, "cf6": MAIL}
INTO_TETHER = OURS | {"direction_id": "10", "cfgive8": "ADA BYRON", "account2": TETHER, "calc_action": "1"}
COINS_INTO_TETHER = {"direction_id": "12", "account2": TETHER, "cf6": MAIL, "calc_action": "1"}
INTO_ROUBLES = {"direction_id": "11", "account2": CARD, "cfget7": "3", "cf6": MAIL, "calc_action": "1"}
Made = list[int]


def exchange(company: Company) -> Iterator[Scene]:
    """Its whole month, the partner programme left out."""
    yield Scene(company.stage.begin, partial(opens, company))
    for day in range(3, (company.stage.end - company.stage.begin).days, 3):
        asked = company.at(company.stage.begin + dt.timedelta(days=day))
        end = {9: "cancel", 18: "delete"}.get(day, "complete")
        # Only some directions let a bid be canceled from here.
        fields = _fields(company) if end != "cancel" else INTO_TETHER | {"calc_amount": "51800"}
        yield from bid(company, asked, fields, end)
    now = company.stage.end
    into = INTO_TETHER | {"_customer_reference": "Month's takings"}
    yield from bid(company, now - dt.timedelta(hours=7), into | {"calc_amount": "64000"}, "worse")
    yield from bid(company, now - dt.timedelta(hours=3), into | {"calc_amount": "47500"}, "check")
    yield from bid(company, now - dt.timedelta(hours=2), into | {"calc_amount": "38200"}, "to confirm")
    yield from bid(company, now - dt.timedelta(minutes=18), into | {"calc_amount": "22900"}, "new")


def _fields(company: Company) -> dict[str, Any]:
    chance = company.chance
    return chance.choice(
        [
            INTO_TETHER | {"calc_amount": f"{chance.randint(120, 900)}50"},
            INTO_TETHER | {"calc_amount": f"{chance.randint(300, 1900)}00", "cf12": "1"},
            COINS_INTO_TETHER | {"calc_amount": f"0.0{chance.randint(12, 90)}"},
            INTO_ROUBLES | {"calc_amount": f"{chance.randint(80, 900)}"},
        ]
    ) | {"_note": chance.choice(["Takings of the week", "For supplies", "Reserve"])}


# --- What happens ---
def opens(company: Company) -> None:
    """The account, what it exchanges, and where it pays to: addresses of our book."""
    account, _told = company.opens(EXCHANGE, "premium_exchanger")
    accounts.probe(actor=company.stage.people["admin"], account=account)
    reads_rates(company)
    for code, label, address in (("USDT", "Tether, cold", TETHER), ("RUB", "Card of the firm", CARD)):
        proposed = destinations.propose(actor=company.operator, method=code, label=label, address=address)
        destinations.approve(actor=company.approvers[1], destination=proposed)


def reads_rates(company: Company) -> None:
    account = company.account(EXCHANGE)
    directions.refresh_list(account_id=account.pk)
    for pk in Direction.objects.filter(account=account, is_offered=True).values_list("pk", flat=True):
        directions.refresh(direction_id=pk)


def bid(company: Company, asked: dt.datetime, fields: dict[str, Any], end: str) -> Iterator[Scene]:
    """`end`: complete, cancel (by us), delete (by the exchanger), check (it looks at our payment), worse (its rate was
    not what it had calculated, so it is held), to confirm (asked: declare it complete), new (nobody has paid yet).
    """
    made: Made = []
    steps = {
        "complete": (
            _told_paid(company, made),
            _there(company, made, "process"),
            _there(company, made, "complete"),
        ),
        "cancel": (partial(_act, company, made, BidAct.Act.CANCEL),),
        "delete": (_there(company, made, "delete"),),
        "check": (_told_paid(company, made), _there(company, made, "check")),
        "to confirm": (_told_paid(company, made), partial(_asks_to_complete, company, made)),
    }.get(end, ())
    yield Scene(asked, partial(create, company, fields, made, worse=end == "worse"))
    later = asked + dt.timedelta(seconds=30)
    for step in (None, *steps):
        if step is not None:
            later += dt.timedelta(minutes=company.chance.randint(2, 25))
            yield Scene(later, step)
        yield Scene(later + dt.timedelta(seconds=30), lambda: company.asks(bids.refresh, "bid", made))


def create(company: Company, fields: dict[str, Any], made: Made, *, worse: bool) -> None:
    if worse:
        company.sets("premium_exchanger", rate_worse="4")
    row = bids.create(actor=company.operator, account=company.account(EXCHANGE), fields=fields)
    bids.submit(bid_id=row.pk)
    company.sets("premium_exchanger", rate_worse="0")
    made.append(row.pk)


def _there(company: Company, made: Made, verb: str) -> Any:
    """Something that the exchanger does."""

    def happen() -> None:
        number = Bid.objects.get(pk=made[0]).provider_id
        company.happens(f"bids/{number}/{verb}", {}, provider="premium_exchanger")

    return happen


def _told_paid(company: Company, made: Made) -> Any:
    """We say that we have paid, where the exchanger takes that word; elsewhere it sees the payment by itself."""

    def happen() -> None:
        row = Bid.objects.get(pk=made[0])
        if bid_acts.why_not(bid=row, act=BidAct.Act.PAY):
            _there(company, made, "receive")()
        else:
            _act(company, made, BidAct.Act.PAY)

    return happen


def _act(company: Company, made: Made, act: str) -> None:
    ask = {BidAct.Act.CANCEL: bid_acts.cancel, BidAct.Act.PAY: bid_acts.pay}[BidAct.Act(act)]
    asked = ask(actor=company.operator, bid=Bid.objects.get(pk=made[0]))
    bid_acts.submit(act_id=asked.pk)


def _asks_to_complete(company: Company, made: Made) -> None:
    note = "The coins are in our wallet, 2 confirmations."
    bid_acts.complete(actor=company.operator, bid=Bid.objects.get(pk=made[0]), note=note)
