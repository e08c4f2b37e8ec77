"""The frame and the office's own pages in a real browser: accessibility, themes, phones, keys, no scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.stack import Stack

pytestmark = pytest.mark.browser
PAGES = ("/", "/audit/", "/audit/?way=nonsense", "/preferences/")
WIDTHS = {"desk": (1440, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def session(browser: Browser, stack: Stack) -> Any:
    """The cookies of an approver: one login for all tests here."""
    context = browser.new_context(base_url=stack.url)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "approver1")
    page.fill("input[name=password]", stack.logins()["approver1"])
    page.click("form button[type=submit]")
    page.wait_for_url(f"{stack.url}/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def signed_in(page: Page, session: Any) -> Page:
    """The watched page of tests.stack, logged in."""
    page.context.add_cookies(session["cookies"])
    return page


@pytest.fixture
def without_scripts(browser: Browser, stack: Stack, session: Any) -> Iterator[Page]:
    context = browser.new_context(
        base_url=stack.url,
        storage_state=session,
        java_script_enabled=False,
        viewport={"width": 390, "height": 844},
    )
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_break_no_rule_and_never_scroll_sideways(
    signed_in: Page, stack: Stack, complaints: list[str], width: str, theme: str
) -> None:
    page = signed_in
    page.context.add_cookies([{"name": "theme", "value": theme, "url": stack.url}])
    page.set_viewport_size(dict(zip(("width", "height"), WIDTHS[width], strict=True)))
    for address in PAGES:
        page.goto(address)
        assert page.locator("html").get_attribute("data-bs-theme") == theme
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond == 0, address
        assert complaints == []  # axe itself adds styles
        found = Axe().run(page).response["violations"]
        assert [(address, one["id"], one["nodes"][0]["html"]) for one in found] == []
        complaints.clear()


class TestFrame:
    def test_the_first_key_leads_past_the_menu(self, signed_in: Page) -> None:
        signed_in.goto("/audit/")
        signed_in.keyboard.press("Tab")
        assert signed_in.locator(":focus").inner_text() == "Skip to the content"
        signed_in.keyboard.press("Enter")
        assert signed_in.locator(":focus").get_attribute("id") == "content"

    def test_the_persons_menu_opens_and_closes_by_keys(self, signed_in: Page) -> None:
        signed_in.goto("/")
        signed_in.locator("summary[aria-label='Menu of approver1']").focus()
        signed_in.keyboard.press("Enter")
        assert signed_in.get_by_role("link", name="Preferences").is_visible()
        signed_in.keyboard.press("Escape")
        assert not signed_in.get_by_role("link", name="Preferences").is_visible()
        assert signed_in.locator(":focus").get_attribute("aria-label") == "Menu of approver1"

    def test_the_theme_is_switched_and_remembered(self, signed_in: Page) -> None:
        signed_in.goto("/")
        before = signed_in.locator("html").get_attribute("data-bs-theme")
        signed_in.click("[data-theme-switch]")
        after = signed_in.locator("html").get_attribute("data-bs-theme")
        assert {before, after} == {"light", "dark"}
        signed_in.reload()
        assert signed_in.locator("html").get_attribute("data-bs-theme") == after

    def test_the_menu_of_a_phone_slides_in(self, signed_in: Page, complaints: list[str]) -> None:
        signed_in.set_viewport_size({"width": 390, "height": 844})
        signed_in.goto("/")
        link = signed_in.locator("#menu a", has_text="Audit trail")
        assert not link.is_visible()
        signed_in.get_by_label("Open the menu").click()
        link.wait_for()
        signed_in.locator("#menu.show:not(.showing)").wait_for()
        assert Axe().run(signed_in).response["violations"] == []
        complaints.clear()
        link.click()
        signed_in.wait_for_url("**/audit/")


class TestList:
    def test_filters_apply_while_they_are_chosen(self, signed_in: Page) -> None:
        signed_in.goto("/audit/")
        everything = signed_in.locator("#list tbody tr").count()
        signed_in.select_option("#id_way", "callback")
        signed_in.get_by_text("Nothing matches these filters").wait_for()
        assert signed_in.url.endswith("/audit/?way=callback")
        assert "0 entries with these filters" in signed_in.locator("#list-head").inner_text()
        signed_in.go_back()
        signed_in.locator("#list tbody tr").first.wait_for()
        assert signed_in.locator("#list tbody tr").count() == everything
        assert signed_in.locator("html").count() == 1

    def test_the_order_turns_around_and_keeps_the_filters(self, signed_in: Page) -> None:
        signed_in.goto("/audit/?way=system")
        newest = signed_in.locator("#list tbody time").first.get_attribute("datetime")
        assert newest
        signed_in.click("th a.sort")
        signed_in.locator("th[aria-sort=ascending]").wait_for()
        assert re.search(r"\?way=system&sort=at$", signed_in.url)
        oldest = signed_in.locator("#list tbody time").first.get_attribute("datetime")
        assert oldest
        assert oldest <= newest

    def test_a_session_that_ended_leads_to_the_login_and_not_into_the_list(self, signed_in: Page) -> None:
        signed_in.goto("/audit/")
        signed_in.context.clear_cookies(name="session")
        signed_in.select_option("#id_way", "system")
        signed_in.wait_for_url("**/accounts/login/**")


class TestWithoutScripts:
    def test_menu_filters_and_preferences_work(self, without_scripts: Page) -> None:
        page = without_scripts
        page.goto("/")
        page.locator("#menu a", has_text="Audit trail").click()
        page.select_option("#id_way", "callback")
        page.get_by_role("button", name="Apply").click()
        assert page.get_by_text("Nothing matches these filters").is_visible()
        page.goto("/preferences/")
        page.get_by_role("radio", name="Dark").check()
        page.get_by_role("button", name="Save").click()
        assert page.get_by_text("Your preferences are saved.").is_visible()
        assert page.locator("html").get_attribute("data-bs-theme") == "dark"
        page.get_by_role("radio", name="As the system").check()
        page.get_by_role("button", name="Save").click()
        assert page.locator("html").get_attribute("data-bs-theme") is None

    def test_what_needs_scripts_is_not_shown(self, without_scripts: Page) -> None:
        without_scripts.goto("/audit/")
        assert not without_scripts.locator("[data-theme-switch]").is_visible()
        assert not without_scripts.locator(".filters-toggle").is_visible()
        assert without_scripts.locator("#id_way").is_visible()
