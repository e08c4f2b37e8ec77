"""What a walk through the running system needs: a browser page per role, the sandbox's control page, sums of a history.

Holds no assertion about any object; test_arc.py walks.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg

from backoffice import embedded
from tests import sheets
from tests.browser.test_first_payment import login
from tests.stack import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Download, Page

# (currency, "on balance" or "off balance") to the exact sum.
Sums = dict[tuple[str, str], Decimal]
SUMS = """
SELECT currency, CASE WHEN on_balance THEN 'on balance' ELSE 'off balance' END, sum(amount)
FROM payments_movement JOIN payments_provideraccount ON payments_provideraccount.id = account_id
WHERE name = %s AND booked_at >= date_trunc('month', now()) GROUP BY 1, 2
"""


class Desk:
    """The people of one walk, each at a screen of their own, and one account at the sandbox."""

    def __init__(self, browser: Browser, stack: Stack, name: str) -> None:
        self.browser, self.stack, self.name = browser, stack, name
        self.complaints: list[str] = []
        self._pages: dict[str, Page] = {}

    # --- People ---
    def page(self, person: str) -> Page:
        """The screen of this person, who has signed in."""
        if person not in self._pages:
            context = self.browser.new_context(
                base_url=self.stack.url, viewport={"width": 1280, "height": 900}
            )
            context.on("console", self._on_console)
            context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
            opened = context.new_page()
            opened.set_default_timeout(10_000)
            login(opened, self.stack, person)
            self._pages[person] = opened
        return self._pages[person]

    def tab(self, person: str) -> Page:
        """One more tab of this person's, to watch something there."""
        opened = self.page(person).context.new_page()
        opened.set_default_timeout(10_000)
        return opened

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def close(self) -> None:
        """Everybody goes home."""
        for page in self._pages.values():
            page.context.close()

    # --- The sandbox ---
    def control(self, path: str, data: dict[str, Any] | None = None) -> Any:
        """What the sandbox's control page says; with data it is a POST."""
        return self.stack.control(path, data)

    def stated(self, currency: str) -> Decimal:
        """The balance of our account there."""
        every = self.control("bitloga/accounts")["accounts"]
        mine = next(one for one in every if one["name"] == self.name)
        return Decimal(mine["balances"][currency])

    def codes(self) -> list[dict[str, Any]]:
        """The codes that our account made there, newest first."""
        return [one for one in self.control("bitloga/codes")["codes"] if one["account"] == self.name]


# --- Pages ---
def fill(page: Page, **fields: str) -> None:
    """Fill a form by the names of its fields; each box is waited for, as a choice may draw the others anew."""
    for name, value in fields.items():
        box = page.locator(f"main [name={name}]").first
        if box.evaluate("node => node.tagName") == "SELECT":
            with page.expect_response(lambda one: one.request.method == "POST"):
                box.select_option(value)
            page.wait_for_timeout(100)
        else:
            box.fill(value)


def begin(page: Page, path: str, link: str, *, account: str = "") -> None:
    """Open the form behind a list's button, for this account where there are several."""
    page.goto(path)
    page.get_by_role("link", name=link).first.click()
    page.get_by_role("heading", level=1, name=re.compile(link, re.IGNORECASE)).wait_for()
    if page.locator("main ul.waits").count():
        page.locator("main ul.waits a", has_text=account).click()
    if account:
        page.locator("main strong", has_text=account).wait_for()


def becomes(page: Page, state: str, *, within: float = 30) -> None:
    """Wait, without a reload, until the page of an object shows this state."""
    page.locator("main .pill").get_by_text(state, exact=True).first.wait_for(timeout=within * 1000)


def send(page: Page, button: str) -> str:
    """Send the form; gives the reference of what was made."""
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url(re.compile(r"/\d+/$"))
    return reference_of(page)


def reference_of(page: Page) -> str:
    found = re.search(r"\d{18}", page.locator("main h1").inner_text())
    assert found, page.url
    return found[0]


def show_the_code(page: Page, code: str) -> None:
    """Have a voucher's code shown to this operator, and wait until the page says so."""
    page.get_by_role("button", name="Show the code").click()
    page.locator("#shown-code .secret-text", has_text=code).wait_for()
    page.locator(".seen-by", has_text="operator · code").wait_for()


def money(text: str) -> Decimal:
    """An amount as a page shows it: "+1,234.50 USDT"."""
    return Decimal(re.sub(r"[^0-9.-]", "", text.split()[0]))


# --- Sums of a history ---
def shown_sums(page: Page) -> Sums:
    """Those above the list of the history."""
    lines = page.locator("#list-sums table").first.locator("tbody tr").all()
    cells = [[cell.strip() for cell in line.locator("td, th").all_inner_texts()] for line in lines]
    return {(line[0], line[1]): money(line[-1]) for line in cells}


def summed(lines: Iterable[dict[str, str]]) -> Sums:
    """Those of the rows of a file."""
    sums: Sums = defaultdict(Decimal)
    for line in lines:
        sums[line["Amount: currency"], line["Balance"]] += Decimal(line["Amount"])
    return dict(sums)


def content(download: Download) -> bytes:
    """What the browser saved."""
    with open(download.path(), "rb") as file:
        return file.read()


def csv_sums(file: bytes) -> Sums:
    return summed(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))


def xlsx_sums(file: bytes) -> Sums:
    return summed(sheets.read(file).texts())


def sql_sums(stack: Stack, name: str) -> Sums:
    """Those of this account's movements of this month (UTC, the books' zone), asked of the database itself."""
    with psycopg.connect(embedded.database_url(stack.home)) as database:
        found = database.execute(SUMS, [name]).fetchall()
    return {(currency, balance): total for currency, balance, total in found}
