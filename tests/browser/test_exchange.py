"""An exchange in a real browser: from the board over the calculator to a bid that two people declare complete; and a
partner payout that is asked for, approved and sent. Each role at its own screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.desk import Desk, reference_of
from tests.stack import Stack

pytestmark = pytest.mark.browser
NAME = "Exchange walk"
CARD = "4000 1234 5678 9017"
TETHER = "TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC"

MAKE = """
from django.contrib.auth import get_user_model
from payments.models import Direction
from payments.services import accounts, destinations, directions, partner_programs
person = get_user_model().objects.get_by_natural_key
account = accounts.create(actor=None, provider="premium_exchanger", name={name!r}, base_url={base_url!r},
    credentials={{"api_login": {api_login!r}, "api_key": {api_key!r}}}, money_out=True, rate_limit="200")
directions.refresh_list(account_id=account.pk)
directions.refresh(direction_id=Direction.objects.get(account=account, provider_id="10").pk)
ours = destinations.propose(actor=person("operator"), method="USDT", label="Walk wallet", address={address!r})
destinations.approve(actor=person("approver1"), destination=ours)
partner_programs.refresh(account_id=account.pk)
"""


@pytest.fixture
def desk(browser: Any, stack: Stack) -> Iterator[Desk]:
    """With an account of ours at the simulated exchanger, an address of our own, and a partner balance."""
    walk = Desk(browser, stack, NAME)
    keys = walk.control("premium_exchanger/accounts", {"name": NAME})
    walk.control("premium_exchanger/partner/exchanges", {"account": NAME, "reward": "64.5"})
    names = {name: keys[name] for name in ("base_url", "api_login", "api_key")}
    stack.manage("shell", "-c", MAKE.format(name=NAME, address=TETHER, **names))
    yield walk
    walk.close()
    assert not walk.complaints, "\n".join(walk.complaints)


def choose(place: Any, name: str, words: str) -> None:
    """The option of a list that begins with these words."""
    box = place.locator(f"select[name={name}]")
    box.select_option(box.locator("option", has_text=words).first.get_attribute("value"))


def soon(page: Any, state: str) -> None:
    """Until the page of an object shows this state; loaded anew, because that is faster than its own rhythm."""
    shown = page.locator("main h1 .pill").get_by_text(state, exact=True)
    for _try in range(40):
        if shown.count():
            return
        page.wait_for_timeout(200)
        page.reload(wait_until="domcontentloaded")
    raise AssertionError(f"{page.url} is not {state}")


def confirmed(page: Any, button: str, sure: str) -> None:
    """Press a button of an object's page, and the one of the page that asks whether it is meant."""
    page.locator(".page-actions").get_by_role("link", name=button).click()
    page.locator("main").get_by_role("button", name=sure).click()


def test_from_the_board_to_the_end_and_a_payout_of_what_it_brought(desk: Desk) -> None:
    operator, approver = desk.page("operator"), desk.page("approver1")

    # The board, the calculator, the bid.
    operator.goto("/bids/")
    operator.get_by_role("link", name="New bid").first.click()
    operator.get_by_text("A bid begins with a direction").wait_for()
    row = operator.locator("#list tbody tr", has_text=NAME).filter(has_text="92.4 RUB = 1 USDT")
    row.get_by_role("link").first.click()
    operator.locator("#id_calc_amount").fill("10000")
    operator.locator("#quote", has_text="Exchanger’s fee on what we give").wait_for()
    operator.get_by_role("link", name="New bid").click()
    form = operator.locator("main form")
    for name, value in (
        ("calc_amount", "10000"),
        ("account1", "4000 1234 5678 9018"),
        ("cfgive8", "ADA BYRON"),
    ):
        form.locator(f"[name={name}]").fill(value)
    choose(form, "account2", "Walk wallet")
    form.locator("[name=cf6]").fill("desk@shop.example")
    operator.locator("#quote [name=_quote]").wait_for(state="attached")
    operator.get_by_role("button", name="Make the bid").click()
    operator.locator("#form-errors", has_text="not a card number").wait_for()
    form.locator("[name=account1]").fill(CARD)
    operator.locator("#quote [name=_quote]").wait_for(state="attached")
    operator.get_by_role("button", name="Make the bid").click()
    operator.wait_for_url(re.compile(r"/bids/\d+/$"))
    soon(operator, "Waits for payment")
    shown = operator.locator("main").inner_text()
    assert (
        reference_of(operator) and "400012******9017" in shown and CARD not in shown.split("How to pay it")[0]
    )

    # We have paid; complete is asked for by one and confirmed by another.
    where = operator.url
    confirmed(operator, "We have paid", "Tell the exchanger")
    soon(operator, "Paid, as claimed")
    operator.get_by_role("link", name="Declare complete").click()
    operator.locator("[name=note]").fill("It is in the cold wallet.")
    operator.get_by_role("button", name="Ask for the confirmation").click()
    operator.get_by_text("another person must confirm").wait_for()
    approver.goto(where)
    confirmed(approver, "Read and confirm", "Confirm and tell the exchanger")
    soon(approver, "Complete")

    # The partner balance: asked for, approved, sent.
    operator.goto("/partner/")
    operator.locator("#list a", has_text=NAME).click()
    operator.get_by_role("link", name="Request payout").click()
    choose(operator.locator("main"), "method_id", "Tether TRC20")
    choose(operator.locator("main"), "_destination", "Walk wallet")
    operator.get_by_role("button", name="Request payout").click()
    operator.wait_for_url(re.compile(r"/payouts/\d+/$"))
    approver.goto(operator.url)
    approver.locator(".page-actions").get_by_role("link", name="Read and approve").click()
    approver.get_by_text("The checksum is right.").wait_for()
    approver.get_by_role("button", name="Approve and send").click()
    soon(operator, "Pending")
