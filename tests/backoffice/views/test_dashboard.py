"""The dashboard: what the apps give, for the person who looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from backoffice.kit import office
from tests.factories import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty registry, so that the test says itself what there is."""
    fresh = office._Registry()
    monkeypatch.setattr(office, "registry", fresh)
    return fresh


def see(client: Client, role: str = "approver") -> str:
    client.force_login(person(role))
    answer = client.get("/")
    assert answer.status_code == 200
    return answer.content.decode()


def card(name: str, permission: str = "backoffice.view_dashboard", **values: Any) -> office.Card:
    options = {"title": name.capitalize(), "template": "partials/facts.html", **values}
    return office.Card(
        name=name,
        permission=permission,
        context=lambda user: {"facts": [(name, user.get_username())]},
        **options,
    )


@pytest.mark.usefixtures("registry")
class TestDashboard:
    def test_cards_stand_in_their_order_with_what_their_app_gives(self, client: Client) -> None:
        office.register(card("second", order=2, width=8), card("first", order=1))
        page = see(client)
        assert page.index('id="card-first"') < page.index('id="card-second"')
        assert "tile-8" in page
        assert "<dt>first</dt><dd>approver" in page

    def test_a_card_is_for_those_who_may_see_it(self, client: Client) -> None:
        office.register(card("closed", "payments.manage_method"))
        assert "card-closed" not in see(client)
        assert "card-closed" in see(client, "admin")

    def test_one_card_does_not_see_the_names_of_another(self, client: Client) -> None:
        office.register(
            card("first"),
            office.Card("second", "", "partials/facts.html", lambda user: {}, "backoffice.view_dashboard"),
        )
        assert see(client).count("<dt>first</dt>") == 1

    def test_what_waits_is_counted_and_linked(self, client: Client) -> None:
        office.register(
            office.Waiting(
                "a", "Look at these", "audit_list", "way=clock", "backoffice.view_auditentry", lambda u: 3
            ),
            office.Waiting(
                "b", "Nothing of these", "audit_list", "", "backoffice.view_auditentry", lambda u: 0
            ),
            office.Waiting("c", "Not yours", "audit_list", "", "backoffice.manage_user", lambda u: 5),
        )
        page = see(client)
        assert '<a href="/audit/?way=clock">' in page
        assert "Look at these" in page
        assert '<span class="count">3</span>' in page
        assert "Nothing of these" not in page
        assert "Not yours" not in page

    def test_empty_it_says_what_to_do(self, client: Client) -> None:
        page = see(client, "admin")
        assert "Open the administration" in page
        assert "Nothing at the moment." in page
        assert "Open the administration" not in see(client, "viewer")
