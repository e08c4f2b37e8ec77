"""The first payment in, in a real browser against the running system: account, invoice, callback, books."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.stack import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
NAME = "Main account"


def sandbox(stack: Stack, path: str) -> Any:
    """What the sandbox's control page says as JSON."""
    with urllib.request.urlopen(f"{stack.sandbox}/_control/{path}", timeout=10) as answer:
        return json.load(answer)


def login(page: Page, stack: Stack, name: str) -> None:
    page.context.clear_cookies()
    page.goto("/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(stack.logins()[name])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def add_account(page: Page, stack: Stack) -> str:
    """The admin adds the account; gives its secret."""
    keys = next(one for one in sandbox(stack, "bitloga/accounts")["accounts"] if one["name"] == "demo")
    page.goto("/admin/payments/provideraccount/add/")
    page.get_by_label("Provider").select_option("bitloga")
    page.locator("[name=name]").fill(NAME)
    page.locator("[name=base_url]").fill(keys["base_url"])
    page.locator("[name=key_api_key]").fill(keys["api_key"])
    page.locator("[name=key_api_secret]").fill(keys["api_secret"])
    page.get_by_role("button", name="Save and continue editing").click()
    page.wait_for_url("**/change/")
    return str(keys["api_secret"])


@pytest.fixture(scope="module")
def secret(stack: Stack, browser: Any) -> str:
    """The account, added and tested once for this file; the secret is never shown again."""
    page = browser.new_context(base_url=stack.url).new_page()
    login(page, stack, "admin")
    added = add_account(page, stack)
    assert added not in page.content()
    page.get_by_role("button", name="Test connection").click()
    page.get_by_text("the signature was accepted").wait_for()
    text = page.locator("main").inner_text()
    assert re.search(r"Balance in USDT\s+25,000\.00 USDT", text), text
    assert re.search(r"Our clock\s+agrees with the provider", text), text
    assert added not in page.content()
    page.context.close()
    return added


def make_invoice(page: Page, **fields: str) -> None:
    page.goto("/invoices/")
    page.get_by_role("link", name="New invoice").first.click()
    page.wait_for_url("**/invoices/new/**")
    if page.url.endswith("/invoices/new/"):  # other tests of the same system have accounts, too
        page.get_by_role("link", name=NAME).click()
    for name, value in fields.items():
        tick = page.locator(f"[name={name}][type=checkbox][value='{value}']")
        box = page.locator(f"[name={name}]").first
        if tick.count():
            tick.check()
        elif box.evaluate("node => node.tagName") == "SELECT":
            box.select_option(value)
        else:
            box.fill(value)
    page.get_by_role("button", name="Create invoice").click()
    page.wait_for_url(re.compile(r"/invoices/\d+/$"))


def pay(page: Page) -> None:
    """Open the payer's link in a second page and pay there."""
    link = page.locator("a[href*='/bitloga/exchange/']").first
    link.wait_for()
    payer = page.context.new_page()
    payer.goto(str(link.get_attribute("href")))
    payer.get_by_role("button", name=re.compile("^Pay")).first.click()
    payer.wait_for_load_state()
    payer.close()


class TestFirstPayment:
    def test_an_invoice_by_amount_is_paid_without_a_reload(
        self, page: Page, stack: Stack, secret: str
    ) -> None:
        login(page, stack, "operator")
        make_invoice(page, paysys="USDTBALANCE", amount="12.50", _customer_reference="Order 77")
        page.get_by_role("button", name="Copy link").wait_for()
        assert page.locator("svg.qr").count() >= 1
        page.evaluate("window.stayed = true")
        pay(page)
        page.locator("main h1 ~ *, main").get_by_text("Paid", exact=True).first.wait_for(timeout=20_000)
        assert page.evaluate("window.stayed") is True
        told = page.locator("main").inner_text()
        for source in ("Staff", "Provider's answer", "Callback", "Booked 12.50 USDT"):
            assert source in told, told

    def test_an_invoice_by_what_the_payer_pays(self, page: Page, stack: Stack, secret: str) -> None:
        login(page, stack, "operator")
        make_invoice(page, paysys="RUBBALANCE", pay_amount="0.01", paylist="BTC")
        pay(page)
        page.locator("main").get_by_text("Paid", exact=True).first.wait_for(timeout=20_000)

    def test_balance_and_history_show_it(self, page: Page, stack: Stack, secret: str) -> None:
        login(page, stack, "finance")
        page.goto("/history/")
        assert "12.50" in page.locator("main").inner_text()
        page.goto("/balances/")
        for _try in range(20):
            if "25,012.5" in page.locator("main").inner_text():
                break
            page.wait_for_timeout(500)
            page.reload()
        assert "25,012.5" in page.locator("main").inner_text()
        assert stack.manage("invariants")

    def test_the_secret_is_in_no_log(self, stack: Stack, secret: str) -> None:
        # runner.log is what the terminal shows: it prints the sandbox's keys on purpose.
        for log in set(stack.logs.iterdir()) - {stack.logs / "runner.log"}:
            assert secret not in log.read_text(errors="replace"), log.name


class TestEveryPage:
    PAGES = (
        "/",
        "/invoices/",
        "/destinations/",
        "/provider-accounts/",
        "/balances/",
        "/history/",
        "/exceptions/",
        "/inbox/",
        "/calls/",
        "/audit/",
    )

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_is_accessible_and_fits_a_phone(
        self, page: Page, stack: Stack, secret: str, scheme: Any, complaints: list[str]
    ) -> None:
        from axe_playwright_python.sync_playwright import Axe

        login(page, stack, "approver1")
        page.emulate_media(color_scheme=scheme)
        for path in self.PAGES:
            page.set_viewport_size({"width": 390, "height": 844})
            answer = page.goto(path)
            assert answer is not None and answer.status == 200, path
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390, f"{path} is {wide} px wide on a phone"
            assert not complaints, (path, complaints)
            found = Axe().run(page).response["violations"]
            # The tool itself adds styles that the policy refuses: only what came before counts.
            complaints.clear()
            assert not found, (path, [(one["id"], one["nodes"][0]["html"]) for one in found])
