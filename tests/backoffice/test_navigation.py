"""The menu: what each role sees of it, where it leads, and which place is the current one."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from backoffice import navigation, permissions
from backoffice.models import Preference
from tests.factories import person

ENTRIES = [entry for section in navigation.MENU for entry in section.entries]


class TestMenu:
    @pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.url_name)
    def test_every_entry_leads_somewhere_and_names_a_permission(self, entry: navigation.Entry) -> None:
        assert reverse(entry.url_name)
        assert entry.permission in permissions.TABLE

    @pytest.mark.django_db
    @pytest.mark.parametrize("role", sorted(permissions.ROLES))
    def test_a_role_sees_what_it_may_and_nothing_else(self, role: str) -> None:
        names = navigation.visible(person(role))
        seen = {place.entry.url_name for _label, places in navigation.menu(names, "") for place in places}
        assert seen == {entry.url_name for entry in ENTRIES if role in permissions.TABLE[entry.permission]}

    @pytest.mark.django_db
    def test_without_a_role_there_is_no_menu(self) -> None:
        assert navigation.menu(navigation.visible(person()), "dashboard") == []

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("view_name", "current"),
        [
            ("dashboard", ["dashboard"]),
            ("payments:invoice_list", ["payments:invoice_list"]),
            ("payments:invoice", ["payments:invoice_list"]),
            ("payments:invoice_create", ["payments:invoice_list"]),
            ("payments:providercall_list", ["payments:providercall_list"]),
            ("preferences", []),
            ("", []),
        ],
    )
    def test_the_current_place_is_marked(self, view_name: str, current: list[str]) -> None:
        names = navigation.visible(person("approver"))
        places = [place for _label, places in navigation.menu(names, view_name) for place in places]
        assert [place.entry.url_name for place in places if place.current] == current

    @pytest.mark.django_db
    def test_the_page_says_where_it_is(self, client: Client) -> None:
        client.force_login(person("approver"))
        page = client.get("/audit/").content.decode()
        assert page.count('aria-current="page"') == 2  # in the menu and in the path at the top
        assert '<a href="/audit/" aria-current="page">' in page


@pytest.mark.django_db
class TestTheme:
    @pytest.mark.parametrize(
        ("cookie", "preference", "theme"),
        [
            ("", "", "system"),
            ("", "dark", "dark"),
            ("light", "dark", "light"),
            ("system", "dark", "system"),
            ('x" onload="', "", "system"),
        ],
    )
    def test_the_browsers_choice_comes_before_the_persons(
        self, rf: RequestFactory, cookie: str, preference: str, theme: str
    ) -> None:
        request = rf.get("/")
        request.COOKIES["theme"] = cookie
        request.user = person("viewer")
        Preference.objects.create(user=request.user, theme=preference)
        assert navigation.theme(request) == theme

    def test_the_server_writes_light_and_dark_and_leaves_the_system_to_the_browser(
        self, client: Client
    ) -> None:
        client.force_login(person("viewer"))
        assert "<html" in client.get("/").content.decode()
        for cookie, written in (("dark", True), ("light", True), ("system", False)):
            client.cookies["theme"] = cookie
            assert (f'data-bs-theme="{cookie}"' in client.get("/").content.decode()) is written

    def test_strangers_have_a_theme_too(self, client: Client) -> None:
        client.cookies["theme"] = "dark"
        assert 'data-bs-theme="dark"' in client.get("/accounts/login/").content.decode()
