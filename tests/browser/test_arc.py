"""The first arc in a real browser: from the keys of an account to the month's files, each role at its own screen.

Everything is done on pages, but for what payers, holders of codes and the provider's faults do at the sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.desk import (
    Desk,
    becomes,
    begin,
    content,
    csv_sums,
    fill,
    money,
    reference_of,
    send,
    show_the_code,
    shown_sums,
    sql_sums,
    xlsx_sums,
)
from tests.browser.test_first_payment import pay
from tests.stack import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
NAME = "Arc"
OPENING = {"USDT": "5000"}
FEE_RATE = Decimal("0.005")
BILLED, BILLED_OUTSIDE = Decimal("12.345678"), Decimal("0.00123457")
WALLET = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"  # of a published example
PAID_OUT, PAID_OUT_IN_DOUBT = Decimal("40.5"), Decimal("7.77")
VOUCHER, HOW_MANY, REDEEMED = Decimal("20.25"), 3, Decimal("17.250001")
PASSWORD, THEIR_PASSWORD = "word-0f-the-arc-5d1e", "their-w0rd-77c4"
OLD_CODES, OLD_CODE = 101, Decimal("1.25")  # one more than a page of the provider's list


@pytest.fixture
def desk(browser: Any, stack: Stack) -> Iterator[Desk]:
    """With an account of its own at the sandbox, which has made codes long before we look."""
    walk = Desk(browser, stack, NAME)
    walk.control("bitloga/accounts", {"name": NAME, "balances": OPENING})
    for _number in range(OLD_CODES):
        walk.control("bitloga/codes", {"account": NAME, "amount": str(OLD_CODE), "currency": "USDT"})
    yield walk
    walk.close()
    assert not walk.complaints, "\n".join(walk.complaints)


# --- 1: the admin ---
def adds_the_account(desk: Desk) -> None:
    page = desk.page("admin")
    keys = next(one for one in desk.control("bitloga/accounts")["accounts"] if one["name"] == NAME)
    page.goto("/admin/payments/provideraccount/add/")
    page.get_by_label("Provider").select_option("bitloga")
    for name in ("name", "base_url", "api_key", "api_secret"):
        page.locator(f"[name={name if name in ('name', 'base_url') else 'key_' + name}]").fill(keys[name])
    page.locator("[name=money_out]").check()
    page.get_by_role("button", name="Save and continue editing").click()
    page.wait_for_url("**/change/")
    page.get_by_role("button", name="Test connection").click()
    page.get_by_text("the signature was accepted").wait_for()
    assert re.search(r"Balance in USDT\s+5,000\.00 USDT", page.locator("main").inner_text())
    assert keys["api_secret"] not in page.content()
    page.go_back()
    page.get_by_role("link", name="Payment methods").click()
    page.get_by_role("link", name="USDTBALANCE").click()
    for name, value in (("fee_fixed", "0"), ("fee_rate", str(FEE_RATE)), ("min_amount", "1")):
        page.locator(f"[name={name}]").fill(value)
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/method/**")


# --- 2: money in ---
def is_paid_by_a_customer(desk: Desk) -> None:
    page = desk.page("operator")
    begin(page, "/invoices/", "New invoice", account=NAME)
    fill(page, paysys="USDTBALANCE", amount=str(BILLED), _customer_reference="Ada Byron")
    send(page, "Create invoice")
    page.evaluate("window.stayed = true")
    pay(page)
    becomes(page, "Paid")
    assert page.evaluate("window.stayed") is True
    assert f"Booked {BILLED} USDT" in page.locator("main").inner_text()


def is_paid_to_a_wallet(desk: Desk) -> None:
    """To an address of our own that another person has approved: in the history, but in no balance."""
    operator, approver = desk.page("operator"), desk.page("approver1")
    begin(operator, "/destinations/", "Propose destination")
    fill(operator, label="Cold wallet", address=WALLET)
    operator.locator("[name=method]").select_option("BTC")
    operator.get_by_role("button", name="Propose").click()
    operator.wait_for_url(re.compile(r"/\d+/$"))
    approver.goto(operator.url)
    approver.get_by_role("link", name="Approve").click()
    approver.get_by_role("button", name="Approve").click()
    approver.wait_for_url(operator.url)
    begin(operator, "/invoices/", "New invoice", account=NAME)
    fill(operator, paysys="BTC", amount=str(BILLED_OUTSIDE))
    ours = operator.locator("[name=purse] option", has_text="Cold wallet").get_attribute("value")
    operator.locator("[name=purse]").select_option(ours)
    send(operator, "Create invoice")
    pay(operator)
    becomes(operator, "Paid")


# --- 3 and 4: money out ---
def pays_out(desk: Desk, amount: Decimal, *, is_dropped: bool = False) -> Page:
    """Requested by one, approved by another. Gives the tab of the latter, where it shows what becomes of it."""
    operator, approver = desk.page("operator"), desk.tab("approver1")
    begin(operator, "/withdrawals/", "New withdrawal", account=NAME)
    fill(operator, paysys="USDTBALANCE", currency="USDT", purse="aram.s", amount=str(amount))
    fill(operator, _customer_reference="Aram Sargsyan", _note="Translation, 40 pages")
    reference = send(operator, "Request withdrawal")
    if is_dropped:
        fault = {"action": "withdraw", "mode": "drop_after", "uniqueid": reference}
        desk.control("faults", {"provider": "bitloga", **fault})
    approver.goto(operator.url)
    approver.get_by_role("link", name="Read and approve").click()
    approver.get_by_role("button", name="Approve and send").click()
    approver.wait_for_url(operator.url)
    approver.evaluate("window.stayed = true")
    if is_dropped:
        becomes(approver, "Unknown")
        assert "Nothing is sent again by itself" in approver.locator("main").inner_text()
    return approver


def arrives_once(desk: Desk, page: Page) -> None:
    """Complete without a reload, and the provider has accepted it once, asked once."""
    becomes(page, "Complete")
    assert page.evaluate("window.stayed") is True
    reference = reference_of(page)
    there = desk.control(f"bitloga/transactions?account={NAME}&uniqueid={reference}")
    assert [(one["accepts"], one["status"]) for one in there["transactions"]] == [(1, "Complete")]
    asked = desk.control(f"bitloga/requests?action=withdraw&uniqueid={reference}")
    assert asked["count"] == 1, asked


# --- 5: vouchers ---
def hands_out_a_voucher(desk: Desk) -> str:
    """Gives the address of the voucher whose code was shown."""
    operator, approver = desk.page("operator"), desk.page("approver1")
    begin(operator, "/vouchers/", "Request vouchers", account=NAME)
    fill(operator, currency="USDT", amount=str(VOUCHER), count=str(HOW_MANY))
    fill(operator, _customer_reference="Kiosk North", desc="Gift card", _note="Spring")
    operator.locator("[name=pass]").fill(PASSWORD)
    operator.get_by_role("button", name="Request", exact=True).click()
    operator.wait_for_url("**/vouchers/?bulk=**")
    operator.locator("#list tbody a").first.click()
    operator.wait_for_url(re.compile(r"/vouchers/\d+/$"))
    approver.goto(operator.url)
    approver.get_by_role("link", name="Read and approve").click()
    assert PASSWORD not in approver.content()
    approver.get_by_role("button", name="Approve and make").click()
    becomes(operator, "Active")

    reference = reference_of(operator)
    code = next(one["code"] for one in desk.codes() if one["desc"].startswith(reference))
    assert code not in operator.content()
    show_the_code(operator, code)
    operator.reload()
    source = operator.content()
    assert code not in source
    assert PASSWORD not in source
    assert "operator · code" in source
    return str(operator.url)


def redeems_a_code(desk: Desk) -> None:
    page = desk.page("operator")
    made = {"account": "demo", "amount": str(REDEEMED), "currency": "USDT", "pass": THEIR_PASSWORD}
    code = desk.control("bitloga/codes", made)["code"]
    begin(page, "/vouchers/", "Redeem a code", account=NAME)
    page.locator("[name=code]").fill(code)
    page.locator("[name=pass]").fill(THEIR_PASSWORD)
    send(page, "Redeem")
    becomes(page, "Redeemed")
    assert f"+{REDEEMED} USDT" in page.locator("main").inner_text()
    assert code not in page.content()
    assert THEIR_PASSWORD not in page.content()
    show_the_code(page, code)


def reads_the_list(desk: Desk, shown: str) -> None:
    """Of three, one is redeemed and one switched off at the sandbox; the list tells, and the sums of what is owed agree."""
    page = desk.page("operator")
    ours = [one["code"] for one in desk.codes() if "Gift card" in one["desc"]]
    assert len(ours) == HOW_MANY
    desk.control(f"bitloga/codes/{ours[0]}/redeem", {})
    desk.control(f"bitloga/codes/{ours[1]}/disable", {})
    page.goto("/vouchers/")
    page.get_by_role("button", name=f"Read the list of {NAME} now").click()
    page.locator("#listings li", has_text=f"{OLD_CODES + HOW_MANY} codes").wait_for()
    page.goto(shown)
    page.get_by_role("link", name="All of this request").click()
    page.wait_for_url("**/vouchers/?bulk=**")
    states = page.locator("#list tbody .pill").all_inner_texts()
    assert sorted(states) == ["Active", "Disabled", "Redeemed"]
    every = desk.codes()
    sources = [page.content()]
    page.goto("/vouchers/")
    sources.append(page.content())
    for source in sources:
        assert not [one["code"] for one in every if one["code"] in source]
        assert PASSWORD not in source

    page.goto("/vouchers/liability/")
    if page.locator("#id_account").count():
        page.select_option("#id_account", label=NAME)
        page.wait_for_url("**account=**")
    card = page.locator("section", has=page.locator("#owed-USDT"))
    active = [Decimal(one["amount"]) for one in every if one["status"] == "Active"]
    assert len(active) == OLD_CODES + 1
    assert money(card.locator(".figure").inner_text()) == sum(active)
    assert f"{len(active)} vouchers" in card.inner_text()
    assert "none: 0" in card.inner_text(), card.inner_text()


def balances_agree(desk: Desk) -> None:
    """What is left, to the last unit: by our own arithmetic, at the sandbox, and on the page."""
    fees = (PAID_OUT + PAID_OUT_IN_DOUBT) * FEE_RATE
    left = Decimal(OPENING["USDT"]) + BILLED - PAID_OUT - PAID_OUT_IN_DOUBT - fees
    left += REDEEMED - VOUCHER * HOW_MANY
    assert desk.stated("USDT") == left
    page = desk.page("finance")
    page.goto("/provider-accounts/")
    page.get_by_role("link", name=NAME, exact=True).click()
    page.get_by_role("button", name="Ask balances now").click()
    page.locator("main").get_by_text(f"{left:,} USDT").first.wait_for()


# --- 6 and 7: the books, and who did what ---
def takes_the_month(desk: Desk) -> None:
    """This month, not the last one: all of this has happened just now, and nothing can be booked into the past."""
    page = desk.page("finance")
    page.goto("/history/")
    page.select_option("#id_account", label=NAME)
    page.wait_for_url("**account=**")
    page.select_option("#id_period", "this_month")
    page.wait_for_url("**period=this_month**")
    told = shown_sums(page)
    assert told == {
        ("USDT", "on balance"): desk.stated("USDT") - Decimal(OPENING["USDT"]),
        ("BTC", "off balance"): BILLED_OUTSIDE,
    }
    files = {}
    for word in ("CSV", "XLSX"):
        with page.expect_download() as saved:
            page.get_by_role("link", name=word, exact=True).click()
        files[word] = content(saved.value)
    assert csv_sums(files["CSV"]) == told
    assert xlsx_sums(files["XLSX"]) == told
    assert sql_sums(desk.stack, NAME) == told


def is_written_down(desk: Desk, shown: str) -> None:
    page = desk.page("approver1")
    page.goto(shown)
    reference = reference_of(page)
    page.goto(f"/audit/?reference={reference}")
    assert "Code or password shown" in page.locator("#list").inner_text()
    sources = [page.content()]
    page.goto("/audit/")
    text = page.locator("#list").inner_text()
    assert text.count("Exported") >= 2, text
    sources.append(page.content())
    # The sandbox's own log names codes in the addresses of its control page.
    told = set(desk.stack.logs.iterdir()) - {desk.stack.logs / name for name in ("runner.log", "sandbox.log")}
    sources += [log.read_text(errors="replace") for log in told]
    secrets = [one["code"] for one in desk.control("bitloga/codes")["codes"]] + [PASSWORD, THEIR_PASSWORD]
    for source in sources:
        assert not [one for one in secrets if one in source]


def test_the_first_arc(desk: Desk) -> None:
    adds_the_account(desk)
    is_paid_by_a_customer(desk)
    is_paid_to_a_wallet(desk)
    paid = pays_out(desk, PAID_OUT)
    in_doubt = pays_out(desk, PAID_OUT_IN_DOUBT, is_dropped=True)
    shown = hands_out_a_voucher(desk)
    redeems_a_code(desk)
    reads_the_list(desk, shown)
    arrives_once(desk, paid)
    arrives_once(desk, in_doubt)
    balances_agree(desk)
    takes_the_month(desk)
    is_written_down(desk, shown)
