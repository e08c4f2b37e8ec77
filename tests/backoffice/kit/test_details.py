"""The one generic page of an object: actions allowed now, timeline, notes, and the part that stays fresh."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import transaction
from django.test import Client, RequestFactory
from django.utils import timezone

from backoffice import audit
from backoffice.kit.views import DetailView
from backoffice.models import AuditEntry, Note
from payments.models import Invoice
from tests.factories import person

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.backoffice.kit.urls")]


@pytest.fixture
def note() -> Note:
    author = person("operator", name="oskar")
    note = Note.objects.create(reference="260101000000000001", author=author, text="first <b>words</b>")
    with transaction.atomic():
        audit.record(author, "invoice.created_by_test", note, amount="120.50", before={"name": "<i>"})
    return note


def page(client: Client, note: Note, query: str = "") -> Any:
    return client.get(f"/test/notes/{note.pk}/{query}")


def version(text: str) -> str:
    found = re.search(r"\?fragment=1&amp;v=([0-9a-f]+)", text)
    assert found
    return found[1]


class TestPage:
    def test_actions_are_those_allowed_now(self, client: Client, note: Note) -> None:
        client.force_login(person("approver"))
        text = page(client, note).content.decode()
        assert f'<form method="post" action="/test/notes/{note.pk}/shout/"' in text
        assert f'<a class="btn btn-danger" href="/test/notes/{note.pk}/burn/">' in text
        assert "Never" not in text
        client.force_login(person("viewer"))
        text = page(client, note).content.decode()
        assert "Shout" not in text
        assert "Add a note" not in text

    def test_the_timeline_says_who_what_when_and_which_way(self, approver: Client, note: Note) -> None:
        text = page(approver, note).content.decode()
        assert "Invoice created by test" in text
        assert "<span>oskar</span><span>Staff</span>" in text
        assert "first &lt;b&gt;words" in text
        assert "<b>words" not in text

    def test_facts_are_for_those_who_read_the_audit_trail(self, client: Client, note: Note) -> None:
        client.force_login(person("finance"))
        text = page(client, note).content.decode()
        assert "<dt>amount</dt><dd>120.50</dd>" in text
        assert "<dt>before.name</dt><dd>&lt;i&gt;</dd>" in text
        client.force_login(person("viewer"))
        text = page(client, note).content.decode()
        assert "Invoice created by test" in text
        assert "120.50" not in text

    def test_an_unknown_object_is_not_found(self, approver: Client) -> None:
        for pk in (10**9, 10**30):
            answer = approver.get(f"/test/notes/{pk}/")
            assert answer.status_code == 404
            assert "There is no such page" in answer.content.decode()

    def test_an_object_without_a_reference_has_its_own_trail(self, rf: Any) -> None:
        user = person("approver")
        with transaction.atomic():
            audit.record(user, "user.renamed", user)

        class UserView(DetailView):
            model = type(user)
            permission = "backoffice.manage_user"

        view = UserView()
        view.setup(rf.get("/"), pk=user.pk)
        view.request.user = user
        assert [event.title for event in view.timeline()][-1] == "User renamed"


class TestFresh:
    def test_nothing_new_is_no_content(self, approver: Client, note: Note) -> None:
        text = page(approver, note).content.decode()
        assert 'hx-trigger="every 2s"' in text
        answer = page(approver, note, f"?fragment=1&v={version(text)}")
        assert answer.status_code == 204
        assert answer.content == b""

    def test_news_are_the_live_part_alone(self, approver: Client, note: Note) -> None:
        old = version(page(approver, note).content.decode())
        Note.objects.filter(pk=note.pk).update(text="second")
        answer = page(approver, note, f"?fragment=1&v={old}")
        text = answer.content.decode()
        assert answer.status_code == 200
        assert text.strip().startswith('<div id="live"')
        assert "second" in text
        assert "<html" not in text
        assert "note-text" not in text
        assert page(approver, note, f"?fragment=1&v={version(text)}").status_code == 204

    def test_a_line_of_the_trail_and_a_note_are_news(self, approver: Client, note: Note) -> None:
        old = version(page(approver, note).content.decode())
        AuditEntry.objects.create(
            verb="invoice.open", object_type="x", object_id="1", reference=note.reference
        )
        middle = version(page(approver, note, f"?fragment=1&v={old}").content.decode())
        assert middle != old
        Note.objects.create(reference=note.reference, author=note.author, text="another")
        assert page(approver, note, f"?fragment=1&v={middle}").status_code == 200

    def test_garbage_as_version_gets_the_fragment(self, approver: Client, note: Note) -> None:
        assert page(approver, note, "?fragment=1&v=é%00").status_code == 200

    def test_who_may_not_gets_no_fragment(self, client: Client, note: Note) -> None:
        client.force_login(person())
        assert page(client, note, "?fragment=1&v=x").status_code == 403

    def test_what_is_final_is_not_asked_about(self, approver: Client, note: Note) -> None:
        Note.objects.filter(pk=note.pk).update(text="final")
        assert "fragment=1" not in page(approver, note).content.decode()

    def test_what_is_quiet_is_asked_about_less_often(self) -> None:
        now = timezone.now()
        view = DetailView()
        view.setup(RequestFactory().get("/"))
        assert view.live(Invoice(status="open", updated_at=now)) == 2
        assert view.live(Invoice(status="open", updated_at=now - dt.timedelta(minutes=16))) == 10
        assert view.live(Invoice(status="paid", updated_at=now)) == 0
        assert view.live(Note()) == 0

    def test_what_was_just_asked_about_is_looked_at_also_when_it_is_final(self) -> None:
        view = DetailView()
        view.setup(RequestFactory().get("/?asked"))
        assert view.live(Invoice(status="paid", updated_at=timezone.now())) == 2

    def test_a_row_with_a_version_of_its_own_is_known_by_it(self) -> None:
        view = DetailView()
        row = Invoice(status="open", version=1)
        before = view.version(row)
        row.checked_at = timezone.now()
        assert view.version(row) == before
        row.version = 2
        assert view.version(row) != before
