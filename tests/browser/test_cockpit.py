"""Search box, saved views and bulk actions in a real browser, and what never leaves it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_first_payment import login
from tests.stack import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
CARD, CODE = "4111 1111 1111 1111", "ab3d-9fk2-0000-zzzz"

MAKE = """
import json
from payments.models import Invoice, ProviderAccount
from payments.services import accounts, invoices
from backoffice.services import search
account = accounts.create(actor=None, provider="bitloga", name="cockpit", base_url={base_url!r},
    credentials={{"api_key": {api_key!r}, "api_secret": {api_secret!r}}})
made = [invoices.create(actor=None, account=account, fields={{"paysys": "USDTBALANCE", "amount": "12.5",
        "_customer_reference": f"Zacharias {{n}}"}}) for n in ("Alpha", "Bravo", "Charlie")]
for one in made:
    invoices.submit(invoice_id=one.pk)
search.index(kind="invoice", object_ids=[one.pk for one in made])
print(json.dumps([one.reference.value for one in made]))
"""
LOOK = """
from payments.models import Invoice
from payments.services import invoices
invoices.refresh(invoice_id=Invoice.objects.get(reference__value={!r}).pk)
"""


@pytest.fixture(scope="module")
def references(stack: Stack) -> list[str]:
    keys = stack.control("bitloga/accounts", {"name": "cockpit"})
    said = stack.manage("shell", "-c", MAKE.format(**keys))
    return json.loads(said.strip().splitlines()[-1])


def cancel(stack: Stack, reference: str) -> None:
    """At the provider; a worker has looked."""
    stack.control(f"bitloga/invoices/{reference}/cancel", {"account": "cockpit"})
    stack.manage("shell", "-c", LOOK.format(reference))


@pytest.fixture
def requests(page: Page) -> list[str]:
    """The addresses and bodies of everything that the browser sends."""
    sent: list[str] = []
    page.on("request", lambda one: sent.append(f"{one.url} {one.post_data or ''}"))
    return sent


class TestSearchBox:
    def test_it_finds_while_one_types_and_is_used_by_keys(
        self, page: Page, stack: Stack, references: list[str]
    ) -> None:
        login(page, stack, "viewer")
        page.goto("/preferences/")
        page.keyboard.press("/")
        page.keyboard.type("zacharias bravo")
        expect(page.locator("#search-hits li a")).to_have_count(1)
        assert references[1] in page.locator("#search-hits").inner_text()
        assert page.url.endswith("/preferences/")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/invoices/*/")
        assert references[1] in page.locator("h1").inner_text()

    def test_enter_leads_to_the_page_that_can_be_linked(
        self, page: Page, stack: Stack, references: list[str]
    ) -> None:
        login(page, stack, "viewer")
        page.fill("#search", "zacharias")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search/?q=zacharias")
        assert page.locator("main tbody tr").count() == 3

    @pytest.mark.parametrize("secret", [CARD, CODE])
    @pytest.mark.parametrize(("path", "box"), [("/", "#search"), ("/invoices/", "#id_q")])
    def test_a_secret_never_leaves_the_browser(
        self, page: Page, stack: Stack, requests: list[str], path: str, box: str, secret: str
    ) -> None:
        login(page, stack, "viewer")
        page.goto(path)
        requests.clear()
        page.locator(box).press_sequentially(secret, delay=60)
        page.wait_for_timeout(600)
        page.keyboard.press("Enter")
        page.get_by_text("It was not sent.").first.wait_for()
        page.wait_for_timeout(400)
        # Not the whole of it, nor its beginning while it was typed.
        begun = secret[:12]
        assert not [one for one in requests if begun in one.replace("+", " ").replace("%20", " ")]
        assert begun.replace(" ", "+") not in page.url

    def test_without_scripts_a_secret_reaches_no_address(
        self, browser: Any, stack: Stack, page: Page
    ) -> None:
        login(page, stack, "viewer")
        plain = browser.new_context(
            base_url=stack.url, java_script_enabled=False, storage_state=page.context.storage_state()
        ).new_page()
        sent: list[str] = []
        plain.on("request", lambda one: sent.append(one.url))
        for path, box in (("/", "#search"), ("/invoices/", "#id_q")):
            plain.goto(path)
            plain.fill(box, CARD)
            plain.locator(box).press("Enter")
            plain.get_by_text("looks like a card number").wait_for()
        assert not [url for url in sent if "4111" in url]
        plain.goto("/invoices/")
        plain.fill("#id_q", "nobody at all")
        plain.get_by_role("button", name="Apply").click()
        assert plain.url.endswith("/invoices/?q=nobody+at+all")
        plain.context.close()


class TestLists:
    def test_a_view_is_saved_opens_the_list_and_is_deleted(
        self, page: Page, stack: Stack, references: list[str]
    ) -> None:
        login(page, stack, "viewer")
        page.goto("/invoices/")
        page.select_option("#id_status", "open")
        page.wait_for_url("**/invoices/?status=open")
        page.locator("#list-views > summary").click()
        page.locator("#view-name").fill("Still open")
        page.get_by_label("Open the list with it").check()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Saved as “Still open”.").wait_for()
        page.goto("/balances/")
        page.locator("#menu a", has_text="Invoices").click()
        page.wait_for_url("**/invoices/?status=open")
        assert "Still open" in page.locator("#list-views > summary").inner_text()
        page.locator("#list-columns > summary").click()
        page.get_by_role("checkbox", name="Customer").uncheck()
        page.get_by_role("button", name="Show these").click()
        page.wait_for_url("**column=**")
        assert "Zacharias" not in page.locator("#list").inner_text()
        page.locator("#list-views > summary").click()
        page.get_by_label("Change Still open").click()
        page.get_by_role("button", name="Delete").click()
        page.get_by_text("“Still open” is deleted.").wait_for()

    def test_ticked_rows_are_shown_and_done_one_by_one(
        self, page: Page, stack: Stack, references: list[str]
    ) -> None:
        login(page, stack, "finance")
        page.goto("/invoices/?q=zacharias")
        button = page.get_by_role("button", name="Check now")
        assert button.is_disabled()
        page.get_by_label("All on this page").check()
        page.get_by_text("3 ticked").wait_for()
        button.click()
        page.get_by_role("heading", name="Check invoices now").wait_for()
        assert "37.50 USDT" in page.locator("main").inner_text()
        page.get_by_role("button", name="Ask the provider about the ticked").click()
        page.get_by_text("3 done, 0 refused").wait_for()

    def test_a_list_brings_what_is_new_but_not_under_the_hand(
        self, page: Page, stack: Stack, references: list[str]
    ) -> None:
        login(page, stack, "finance")
        page.goto("/invoices/?q=zacharias")
        page.mouse.move(0, 0)
        cancel(stack, references[2])
        page.locator("#list").get_by_text("Canceled").wait_for(timeout=10_000)
        page.locator("#list .cell-pick input").first.check()
        cancel(stack, references[1])
        page.wait_for_timeout(3000)
        assert page.locator("#list").get_by_text("Canceled").count() == 1
        assert page.locator("#list .cell-pick input").first.is_checked()
