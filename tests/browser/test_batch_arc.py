"""A batch payout in a real browser: pasted rows with a bad line, corrected, approved, its deposit paid once, complete."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.desk import Desk, becomes, begin, reference_of, send
from tests.payments.batches import LEGACY, SEGWIT, WHY
from tests.stack import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
NAME, PAYER = "Joiner", "Joiner's payer"

# The accounts are made by a command: adding one on a page is test_arc's.
MAKE = """
import json
from django.contrib.auth import get_user_model
from payments.models import Method
from payments.services import accounts, balances
keys = json.loads({keys!r})
admin = get_user_model().objects.get(username="admin")
joiner = accounts.create(actor=None, provider="coinjoin", name={name!r}, base_url=keys["joiner"]["base_url"], money_out=True,
    credentials={{"api_key": keys["joiner"]["api_key"], "secret_key": keys["joiner"]["secret_key"]}})
accounts.change(actor=admin, account=joiner, batches_on=True, batches_note={why!r})
payer = accounts.create(actor=None, provider="bitloga", name={payer!r}, base_url=keys["payer"]["base_url"], money_out=True,
    credentials={{"api_key": keys["payer"]["api_key"], "api_secret": keys["payer"]["api_secret"]}})
Method.objects.filter(account=payer, code="BTC").update(for_withdrawal=True, fee_fixed="0.0001", fee_rate=0)
balances.refresh(account_id=payer.pk)
"""


@pytest.fixture
def desk(browser: Any, stack: Stack) -> Iterator[Desk]:
    """With a mixer's account, and one that can pay its deposits."""
    walk = Desk(browser, stack, PAYER)
    keys = {
        "joiner": walk.control("coinjoin/accounts", {"name": NAME}),
        "payer": walk.control("bitloga/accounts", {"name": PAYER, "balances": {"BTC": "1.5"}}),
    }
    methods = walk.control("settings")["bitloga"]["methods"]
    coin = methods["BTC"] | {"operations": [*{*methods["BTC"]["operations"], "withdraw"}]}
    walk.control("settings", {"provider": "bitloga", "methods": methods | {"BTC": coin}})
    stack.manage("shell", "-c", MAKE.format(keys=json.dumps(keys), name=NAME, payer=PAYER, why=WHY))
    yield walk
    walk.close()
    assert not walk.complaints, "\n".join(walk.complaints)


def paste(page: Page, text: str) -> None:
    """As from a spreadsheet, into the address of the first row."""
    page.locator("[data-address]").first.evaluate(
        """(box, text) => {
            const data = new DataTransfer();
            data.setData("text", text);
            box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        text,
    )


def is_requested(desk: Desk) -> str:
    """With a bad line at first: it is named, and nothing typed is lost. Gives the address of its page."""
    page = desk.page("operator")
    begin(page, "/batch-payouts/", "New batch payout", account=NAME)
    page.locator("[name=delay]").fill("3")
    page.locator("[name=_note]").fill("Salaries of May")
    paste(page, f"{SEGWIT}\t0.001\n{LEGACY[:-1]}\t0.002")
    page.get_by_role("button", name="Request batch payout").click()
    summary = page.locator("#form-errors")
    summary.wait_for()
    assert f"Line 2, “{LEGACY[:-1]} 0.002”: " in summary.inner_text()
    assert "Line 1" not in summary.inner_text()
    assert page.locator("[data-address]").first.input_value() == SEGWIT
    assert page.locator("[name=_note]").input_value() == "Salaries of May"
    assert page.locator("[data-row]").nth(1).locator("[data-why]").is_visible()
    page.locator("[data-address]").nth(1).fill(LEGACY)
    send(page, "Request batch payout")
    return page.url


def is_approved(page: Page, address: str, button: str) -> None:
    page.goto(address)
    page.get_by_role("link", name="Read and approve").click()
    page.get_by_role("button", name=button).click()
    page.wait_for_url(address)


def is_paid_once(desk: Desk, batch: str) -> str:
    """Its deposit, by a withdrawal of ours; gives that one's reference."""
    page = desk.page("operator")
    becomes(page, "Awaiting deposit")
    page.get_by_role("link", name="Pay the deposit").click()
    reference = send(page, "Request the withdrawal")
    is_approved(desk.page("approver2"), page.url, "Approve and send")
    becomes(page, "Pending")
    page.goto(batch)
    assert page.get_by_role("link", name="Pay the deposit").count() == 0
    return reference


def test_pasted_rows_are_corrected_approved_paid_once_and_complete(desk: Desk, stack: Stack) -> None:
    batch = is_requested(desk)
    page = desk.page("operator")
    reference = reference_of(page)
    is_approved(desk.page("approver1"), batch, "Approve and create")
    paid_by = is_paid_once(desk, batch)
    (order,) = desk.control(f"coinjoin/transactions?account={NAME}")["transactions"]
    for verb in ("deposit", "confirm", "complete"):
        desk.control(f"coinjoin/transactions/{order['id']}/{verb}", {})
    page.get_by_role("button", name="Check now").click()
    becomes(page, "Complete")
    asked = desk.control(f"bitloga/requests?action=withdraw&uniqueid={paid_by}")
    assert asked["count"] == 1
    assert asked["requests"][0]["params"]["amount"] == order["deposit_amount"]
    page.goto(f"/history/?q={reference}")
    said = page.locator("#list").inner_text()
    assert "Batch payout: paid out" in said
    assert said.count("coinjoin") >= 3
    page.goto(f"/history/?q={paid_by}")
    assert re.search(r"Withdrawal\s+coinjoin", page.locator("#list").inner_text())
