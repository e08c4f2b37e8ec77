"""Money that arrives, in a real browser: at a wallet, past an AML check that two people overrule, by a payer's link.

Each person at a screen of their own; what payers' coins do happens at the sandbox.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.desk import Desk, becomes, reference_of
from tests.stack import Stack

pytestmark = pytest.mark.browser
NAME = "Harbour"
MAKE = """
from django.contrib.auth import get_user_model
from payments.services import accounts, balances, stated_methods
account = accounts.create(actor=None, provider="bitexbit", name={name!r}, base_url={base_url!r}, rate_limit="100",
    credentials={{"api_key": {api_key!r}, "api_secret": {api_secret!r}}})
stated_methods.refresh(account_id=account.pk)
admin = get_user_model().objects.get(username="admin")
for code in ("USDT", "UAH"):
    balances.set_opening(actor=admin, account=account, currency=code, amount="100", note="its page")
print(account.pk)
"""


@pytest.fixture
def desk(browser: Any, stack: Stack) -> Iterator[Desk]:
    walk = Desk(browser, stack, NAME)
    yield walk
    walk.close()
    expected = re.compile(r"status of 410")  # a link that was used
    said = [line for line in walk.complaints if not expected.search(line)]
    assert not said, "\n".join(said)


@pytest.fixture
def account(stack: Stack) -> int:
    """Its number, with methods and openings."""
    keys = stack.control("bitexbit/accounts", {"name": NAME})
    return int(stack.manage("shell", "-c", MAKE.format(**keys)).strip().splitlines()[-1])


def makes(desk: Desk, path: str, button: str, way: str, **fields: str) -> Any:
    """The operator fills in a form and sends it; gives the page of what it made."""
    page = desk.page("operator")
    page.goto(path)
    page.locator("main [name=paysys]").select_option(way)
    for name, value in fields.items():
        page.locator(f"main [name={name}]").fill(value)
    page.get_by_role("button", name=button).last.click()
    page.wait_for_url(re.compile(r"/\d+/$"))
    return page


def makes_a_wallet(desk: Desk, account: int) -> str:
    """Gives its number at the sandbox."""
    path = f"/wallets/new/{account}/"
    page = makes(desk, path, "Make wallet", "USDT:tron", _customer_reference="Ada Byron")
    becomes(page, "Active")
    made = desk.control(f"bitexbit/transactions?account={NAME}&kind=wallet")["transactions"]
    return str(made[0]["slug"])


def arrives(desk: Desk, wallet: str, txid: str, **values: Any) -> Any:
    """Money comes there and is confirmed; gives another tab of the operator's with its page."""
    page = desk.page("operator")  # that of the wallet, which lists what came by itself
    known = page.locator('main tbody a[href^="/deposits/"]')
    count = known.count()
    desk.control(f"bitexbit/wallets/{wallet}/deposit", {"account": NAME, "txid": txid, **values})
    desk.control(f"bitexbit/deposits/{txid}/confirm", {"account": NAME})
    page.get_by_role("button", name="Check now").click()
    expect(known).to_have_count(count + 1, timeout=15_000)
    row = desk.tab("operator")
    row.goto(str(known.first.get_attribute("href")))
    assert "Ada Byron" in row.locator("main").inner_text()
    return row


def booked(desk: Desk, reference: str) -> list[str]:
    """The amounts of its movements, as the history shows them."""
    page = desk.tab("approver1")
    page.goto(f"/history/?reference={reference}")
    return [one.strip() for one in page.locator("main #list tbody td.cell-money").all_inner_texts()]


def is_credited_once(desk: Desk, page: Any) -> None:
    amounts = booked(desk, reference_of(page))
    assert len([one for one in amounts if one.startswith("+300.00")]) == 1, amounts


def is_released_by_two(desk: Desk, page: Any) -> None:
    becomes(page, "Held")
    first, second = desk.page("approver1"), desk.page("approver2")
    first.goto(page.url)
    first.get_by_role("link", name="Propose to release").click()
    facts = first.locator("main").inner_text()
    assert [
        said for said in ("Ada Byron", "not passed", "0.97", "are credited to") if said not in facts
    ] == []
    report = first.locator('main a[href="https://aml.example/report"]')
    assert (report.get_attribute("target"), "noopener" in str(report.get_attribute("rel"))) == (
        "_blank",
        True,
    )
    first.locator("[name=note]").fill("Their papers are in order.")
    first.get_by_role("button", name="Propose to release").click()
    first.get_by_text("A decision waits for a second person").wait_for()
    expect(first.get_by_role("link", name="Read and confirm")).to_have_count(0)
    second.goto(page.url)
    second.get_by_role("link", name="Read and confirm").click()
    second.get_by_text("Their papers are in order.").wait_for()
    second.get_by_role("button", name="Confirm").click()
    becomes(page, "Confirmed")


def pays_by_a_link_once(desk: Desk, account: int) -> None:
    page = makes(desk, f"/payer-links/new/{account}/", "Make link", "UAH:wiretransfer", amount="500")
    address = re.search(r"http://\S+/pay/[\w-]+/", page.locator("main").inner_text())
    assert address is not None
    mine, other = (desk.browser.new_context(viewport={"width": 390, "height": 844}) for _n in range(2))
    payer, another = mine.new_page(), other.new_page()
    payer.goto(address[0])
    assert "Payment to Demo merchant" in payer.locator("h1").inner_text()
    payer.get_by_role("button", name="Begin the payment").click()
    payer.get_by_role("link", name="Go on to pay").wait_for(timeout=15_000)
    another.goto(address[0])
    another.get_by_role("heading", name="This link was used already").wait_for()
    payer.goto(address[0])
    expect(payer.get_by_role("link", name="Go on to pay")).to_have_count(1)
    for context in (mine, other):
        context.close()
    made = desk.control(f"bitexbit/transactions?account={NAME}&kind=invoice")["transactions"]
    assert len(made) == 1, json.dumps(made)
    page.reload()
    expect(page.locator("main .pill").first).to_have_text("Opened")


def test_money_arrives_is_released_by_two_and_is_asked_for_by_a_link(desk: Desk, account: int) -> None:
    wallet = makes_a_wallet(desk, account)
    first = arrives(desk, wallet, "tx-plain", amount="300")
    becomes(first, "Confirmed")
    flagged = {"aml_success": False, "aml_risk": "0.97", "aml_url": "https://aml.example/report"}
    is_released_by_two(desk, arrives(desk, wallet, "tx-flagged", amount="70", **flagged))
    is_credited_once(desk, first)  # the list was read again and again
    pays_by_a_link_once(desk, account)
