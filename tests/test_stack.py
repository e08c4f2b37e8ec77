"""The running system and the browser, as browser tests get them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.stack import Stack

pytestmark = pytest.mark.browser


class TestStack:
    def test_the_demo_gave_every_role_a_login(self, stack: Stack) -> None:
        names = {"viewer", "operator", "approver1", "approver2", "approver3", "finance", "admin"}
        assert set(stack.logins()) == names

    def test_commands_reach_its_database_and_not_that_of_the_tests(self, stack: Stack) -> None:
        code = "from django.contrib.auth.models import User; print(User.objects.get(username='finance').pk)"
        assert stack.manage("shell", "--no-imports", "-c", code).strip().isdigit()


class TestPage:
    def test_a_stranger_meets_the_login(self, page: Page) -> None:
        page.goto("/")
        assert page.locator("input[type=password]").is_visible()

    def test_what_the_browser_refuses_is_noticed(self, page: Page, complaints: list[str]) -> None:
        page.goto("/")
        page.evaluate("document.head.append(Object.assign(document.createElement('script'), {text: 'x=1'}))")
        page.wait_for_timeout(100)
        assert any("Content Security Policy" in words for words in complaints)
        complaints.clear()
