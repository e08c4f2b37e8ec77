"""The dashboard: what the apps give, for the person who looks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from backoffice.kit import office
from backoffice.models import AuditEntry
from tests.factories import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty registry, so that the test says itself what there is."""
    fresh = office._Registry()
    monkeypatch.setattr(office, "registry", fresh)
    return fresh


def freeze_minute() -> AbstractContextManager[Any]:
    """The dashboard is drawn anew each minute: here the minute stands still."""
    now = dt.datetime(2026, 11, 21, 12, 0, 30, tzinfo=dt.UTC)
    return mock.patch("backoffice.views.dashboard.timezone.now", lambda: now)


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
        def users(user: Any) -> Any:
            return get_user_model().objects.filter(groups__name="operator")

        def nobody(user: Any) -> Any:
            return get_user_model().objects.none()

        office.register(
            office.Waiting(
                "a", "Look at these", "audit_list", "way=clock", "backoffice.view_auditentry", users
            ),
            office.Waiting("b", "Nothing of these", "audit_list", "", "backoffice.view_auditentry", nobody),
            office.Waiting("c", "Not yours", "audit_list", "", "backoffice.manage_user", users),
        )
        for _number in range(3):
            person("operator")
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

    def test_a_card_reads_its_options_from_the_address(self, client: Client) -> None:
        office.register(
            office.Card(
                "a",
                "A",
                "partials/facts.html",
                lambda user, currency="": {"facts": [("chosen", currency or "none")]},
                "backoffice.view_dashboard",
                options=("currency",),
            )
        )
        client.force_login(person("viewer"))
        assert "<dd>none" in client.get("/").content.decode()
        page = client.get("/", {"currency": "BTC&x"}).content.decode()
        assert "<dd>BTC&amp;x" in page
        assert "&amp;currency=BTC%26x" in page


class TestFresh:
    def test_it_is_quiet_until_something_changes(self, client: Client, registry: Any) -> None:
        told = ["one"]
        office.register(
            office.Card(
                "a",
                "A",
                "partials/facts.html",
                lambda user: {"facts": [("said", told[0])]},
                "backoffice.view_dashboard",
                version=lambda: told[0],
            )
        )
        client.force_login(person("viewer"))
        with freeze_minute():
            asked = {"fragment": "1", "v": client.get("/").context["version"]}
            assert client.get("/", asked).status_code == 204
            told[0] = "two"
            part = client.get("/", asked).content.decode()
        assert "<dd>two" in part
        assert 'hx-trigger="every 10s"' in part
        assert "<html" not in part

    def test_a_change_of_any_transaction_is_one(self, client: Client, registry: Any) -> None:
        client.force_login(person("viewer"))
        with freeze_minute():
            asked = {"fragment": "1", "v": client.get("/").context["version"]}
            AuditEntry.objects.create(verb="x", object_type="x", object_id="1")
            assert client.get("/", asked).status_code == 200

    def test_looking_again_costs_few_queries(
        self, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        client.force_login(person("approver"))
        with freeze_minute():
            asked = {"fragment": "1", "v": client.get("/").context["version"]}
            with django_assert_max_num_queries(10):
                assert client.get("/", asked).status_code == 204


class TestActivity:
    def test_everybody_sees_what_happened_to_transactions_but_no_facts(self, client: Client) -> None:
        AuditEntry.objects.create(
            verb="invoice.paid", object_type="payments.invoice", object_id="7", object_text="26112115",
            actor_name="olga", facts={"secret_looking": "fact-canary"},
        )  # fmt: skip
        AuditEntry.objects.create(
            verb="role.given", object_type="auth.user", object_id="1", object_text="hidden"
        )
        client.force_login(person("viewer"))
        page = client.get("/").content.decode()
        assert 'href="/invoices/7/">Paid</a>' in page
        assert "olga" in page
        assert "fact-canary" not in page
        assert "hidden</span>" not in page
