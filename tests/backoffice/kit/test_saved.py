"""What every list offers beside its rows: saved views, columns, filters without scripts, and what it keeps out."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from backoffice.models import Note, SavedView
from tests.factories import person

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.backoffice.kit.urls")]
LIST = "/test/notes/"
CARD = "4111111111111111"


@pytest.fixture(autouse=True)
def notes() -> list[Note]:
    author = person("operator", name="oskar")
    return [Note.objects.create(reference=f"{9 - n:018}", author=author, text=f"note {n}") for n in range(5)]


def text(answer: Any) -> str:
    return answer.content.decode()


def somebody() -> Client:
    """Somebody else, in a browser of their own."""
    client = Client()
    client.force_login(person("approver"))
    return client


class TestViews:
    def save(self, client: Client, **more: str) -> Any:
        return client.post(
            LIST, {"do": "save", "name": "Threes", "query": "text=note+3&after=x", **more}, follow=True
        )

    def test_what_is_shown_is_kept_under_a_name_for_this_person_alone(self, viewer: Client) -> None:
        page = self.save(viewer)
        assert page.redirect_chain[-1][0] == f"{LIST}?text=note+3"
        assert "Saved as “Threes”." in text(page)
        assert SavedView.objects.get().list_name == "test_note_list"
        assert 'href="?text=note+3" aria-current="true"' in text(viewer.get(f"{LIST}?text=note+3"))
        assert 'href="?text=note+3"' in text(viewer.get(LIST))
        assert "Threes" not in text(somebody().get(LIST))

    def test_the_default_opens_the_bare_list_and_everything_stays_reachable(self, viewer: Client) -> None:
        self.save(viewer, is_default="1")
        assert viewer.get(LIST).url == f"{LIST}?text=note+3"
        page = text(viewer.get(f"{LIST}?view=all"))
        assert "note 4" in page
        assert '<input type="hidden" name="view" value="all">' in page
        assert f'href="{LIST}?view=all">Clear' in page
        assert viewer.get(LIST, headers={"HX-Request": "true", "HX-Target": "list"}).status_code == 200

    def test_it_is_changed_renamed_and_deleted(self, viewer: Client) -> None:
        self.save(viewer)
        pk = str(SavedView.objects.get().pk)
        viewer.post(LIST, {"do": "update", "pk": pk, "query": "text=note+1"})
        viewer.post(LIST, {"do": "rename", "pk": pk, "name": "Ones"})
        viewer.post(LIST, {"do": "default", "pk": pk})
        view = SavedView.objects.get()
        assert (view.name, view.query, view.is_default) == ("Ones", "text=note+1", True)
        viewer.post(LIST, {"do": "no_default", "pk": pk})
        assert not SavedView.objects.get().is_default
        viewer.post(LIST, {"do": "delete", "pk": pk})
        assert not SavedView.objects.exists()

    def test_a_refusal_is_told(self, viewer: Client) -> None:
        assert "Give the view a name." in text(self.save(viewer, name=" "))
        page = self.save(viewer, query=f"text={CARD}")
        assert "looks like a card number" in text(page)
        assert CARD not in page.redirect_chain[-1][0]

    @pytest.mark.parametrize("pk", ["", "x", "99999999999999999999", "0"])
    def test_what_is_not_there_is_404(self, viewer: Client, pk: str) -> None:
        assert viewer.post(LIST, {"do": "delete", "pk": pk}).status_code == 404

    def test_somebody_elses_is_not_there(self, viewer: Client) -> None:
        self.save(viewer)
        pk = SavedView.objects.get().pk
        assert somebody().post(LIST, {"do": "delete", "pk": pk}).status_code == 404


class TestColumns:
    def heads(self, client: Client, query: str) -> list[str]:
        return [str(head.label) for head in client.get(LIST + query).context["table"].heads()]

    def test_the_chosen_ones_are_shown_in_their_order(self, viewer: Client) -> None:
        assert self.heads(viewer, "") == ["Text", "Reference"]
        assert self.heads(viewer, "?column=reference&column=text") == ["Reference", "Text"]
        assert self.heads(viewer, "?column=reference") == ["Reference"]
        assert self.heads(viewer, "?column=nonsense") == ["Text", "Reference"]

    def test_filters_and_pages_keep_them(self, viewer: Client) -> None:
        page = text(viewer.get(f"{LIST}?column=reference&text=note"))
        assert '<input type="hidden" name="column" value="reference" form="filters">' in page
        assert "column=reference&amp;text=note&amp;after=" in page
        assert '<input type="hidden" name="text" value="note">' in page


class TestFiltersWithoutScripts:
    def test_what_is_typed_becomes_an_address(self, viewer: Client) -> None:
        answer = viewer.post(LIST, {"text": "note 3", "sort": "", "csrfmiddlewaretoken": "x"})
        assert answer.url == f"{LIST}?text=note+3"
        assert viewer.post(LIST, {"text": ""}).url == LIST

    @pytest.mark.parametrize("way", ["get", "post"])
    def test_a_secret_never_does(self, viewer: Client, way: str) -> None:
        answer = getattr(viewer, way)(LIST, {"text": CARD, "sort": "reference"})
        assert (answer.status_code, answer.url) == (303, f"{LIST}?sort=reference")
        assert "looks like a card number" in text(viewer.get(answer.url))

    @pytest.mark.parametrize("way", ["get", "post"])
    def test_nor_does_one_in_the_place_of_a_name(self, viewer: Client, way: str) -> None:
        answer = getattr(viewer, way)(LIST, {CARD: "x", "sort": "reference"})
        assert (answer.status_code, answer.url) == (303, f"{LIST}?sort=reference")


class TestLive:
    HTMX = {"HX-Request": "true", "HX-Target": "list"}

    def test_the_first_page_is_quiet_until_something_changes(self, viewer: Client, monkeypatch: Any) -> None:
        from tests.backoffice.kit.urls import NoteListView

        assert "data-live-list" not in text(viewer.get(LIST))
        monkeypatch.setattr(NoteListView, "live", 2)
        page = viewer.get(LIST)
        version = page.context["live_version"]
        assert f'"X-Version": "{version}"' in text(page)
        headers = {**self.HTMX, "X-Version": version}
        assert viewer.get(LIST, headers=headers).status_code == 204
        Note.objects.filter(text="note 4").update(text="note 9")
        answer = viewer.get(LIST, headers=headers)
        assert "note 9" in text(answer)
        assert "<html" not in text(answer)
        after = page.context["page"].next
        assert "data-live-list" not in text(viewer.get(LIST, {"after": after}))
