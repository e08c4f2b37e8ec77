"""The audit trail's page: filters, facts, order, file, and who may read it."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice import permissions
from backoffice.models import AuditEntry
from tests.factories import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(client: Client) -> Any:
    user = person("approver", name="anna")
    client.force_login(user)
    return user


def entry(verb: str = "invoice.paid", **values: Any) -> AuditEntry:
    made = {
        "object_type": "payments.invoice",
        "object_id": "7",
        "object_text": "260101000000000001",
        **values,
    }
    return AuditEntry.objects.create(verb=verb, **made)


def listed(client: Client, query: str = "") -> list[str]:
    table = client.get(f"/audit/{query}").context["table"]
    # Making the person who looks has left a line of its own.
    return [row.object_text for row in table.data if row.object_type != "auth.user"]


class TestPage:
    def test_says_who_what_which_way_and_where(self, client: Client, anna: Any) -> None:
        entry(
            "note.added",
            actor=anna,
            actor_name="anna-then",
            facts={"was": "open", "now": {"amount": "1 <b>"}},
        )
        entry(
            "odd.new_verb", way="callback", object_type="gone.model", object_text="<script>alert(1)</script>"
        )
        page = client.get("/audit/").content.decode()
        assert "anna-then" in page  # the name as it was
        assert "Note added" in page
        assert "Odd new verb" in page
        assert ">The system<" in page
        assert "<dt>now.amount</dt><dd>1 &lt;b&gt;</dd>" in page
        assert "<script>alert" not in page
        assert "gone.model" in page.lower()

    def test_an_object_with_a_page_is_linked(self, client: Client, anna: Any) -> None:
        entry()
        assert (
            '<a class="" href="/invoices/7/">260101000000000001</a>' in client.get("/audit/").content.decode()
        )

    def test_costs_at_most_four_list_queries(self, client: Client, anna: Any) -> None:
        AuditEntry.objects.bulk_create(
            AuditEntry(verb="x", object_type="x", object_id=str(n), actor=anna, actor_name="anna")
            for n in range(120)
        )
        client.get("/audit/")
        with CaptureQueriesContext(connection) as queries:
            page = client.get("/audit/")
        assert len(page.context["table"].data) == 50
        session_user_roles_preference_views = 5
        assert len(queries) <= 4 + session_user_roles_preference_views

    @pytest.mark.parametrize("role", [*sorted(permissions.ROLES), None])
    def test_is_read_by_approvers_finance_and_admins(self, client: Client, role: str | None) -> None:
        client.force_login(person(role))
        for address in ("/audit/", "/audit/?export=csv"):
            may = role in (
                {"approver", "finance", "admin"} if address == "/audit/" else {"approver", "finance"}
            )
            assert client.get(address).status_code == (200 if may else 403)


class TestFilters:
    @pytest.fixture(autouse=True)
    def lines(self, anna: Any) -> None:
        entry("note.added", actor=anna, actor_name="anna", object_text="noted", object_type="backoffice.note")
        entry(way="callback", object_text="paid", reference="260101000000000001")
        entry("account.changed", object_text="account", object_type="payments.provideraccount", way="system")

    @pytest.mark.parametrize(
        ("query", "texts"),
        [
            ("", ["account", "paid", "noted"]),
            ("?sort=at", ["noted", "paid", "account"]),
            ("?way=callback", ["paid"]),
            ("?verb=note.added", ["noted"]),
            ("?object_type=payments.provideraccount", ["account"]),
            ("?reference=260101000000000001", ["paid"]),
            ("?reference=2601", []),
            ("?actor=null", ["account", "paid"]),
            ("?way=nonsense", []),
            ("?actor=999999", []),
            ("?way=callback&reference=260101000000000001", ["paid"]),
        ],
    )
    def test_each_narrows_the_list(self, client: Client, query: str, texts: list[str]) -> None:
        assert listed(client, query) == texts

    def test_who(self, client: Client, anna: Any) -> None:
        assert listed(client, f"?actor={anna.pk}") == ["noted"]

    def test_days(self, client: Client) -> None:
        today = timezone.localdate()
        assert len(listed(client, f"?since={today}&until={today}")) == 3
        assert listed(client, f"?until={today - dt.timedelta(days=2)}") == []


class TestFile:
    def test_holds_the_filtered_rows_raw(self, client: Client, anna: Any) -> None:
        entry(
            way="callback", object_text="=HYPERLINK(1)", reference="260101000000000001", facts={"a": "1.50"}
        )
        entry("account.changed")
        answer = client.get("/audit/?way=callback&export=csv")
        head, *rows = csv.reader(io.StringIO(answer.getvalue().decode()))
        assert head == ["Time (UTC)", "Who", "What", "Object", "Kind", "Reference", "Way", "Facts"]
        assert [row[1:] for row in rows] == [
            [
                "",
                "invoice.paid",
                "'=HYPERLINK(1)",
                "payments.invoice",
                "260101000000000001",
                "callback",
                '{"a": "1.50"}',
            ]
        ]
        assert dt.datetime.fromisoformat(rows[0][0]).utcoffset() == dt.timedelta(0)
