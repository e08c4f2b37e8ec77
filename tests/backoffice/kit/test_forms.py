"""Forms and buttons: one intent per token, refusals at their fields, nothing typed is lost."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client

from backoffice.models import Note
from tests.factories import person

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.backoffice.kit.urls")]
NEW = "/test/notes/new/"
TOKEN = re.compile(r"/test/notes/new/[0-9a-f-]{36}/")


@pytest.fixture
def address(approver: Client) -> str:
    """A form's address with a fresh token."""
    return approver.get(NEW)["Location"]


def text_of(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined]


class TestToken:
    def test_each_visit_gets_an_address_of_its_own(self, approver: Client) -> None:
        first, second = approver.get(NEW), approver.get(NEW)
        assert first.status_code == second.status_code == 302
        assert TOKEN.fullmatch(first["Location"])
        assert first["Location"] != second["Location"]

    def test_what_the_link_asked_for_goes_along(self, approver: Client) -> None:
        address = approver.get(NEW + "?text=hello&how=evil")["Location"]
        page = text_of(approver.get(address))
        assert 'value="hello"' in page
        assert "evil" not in page.replace(address, "").replace("how=evil", "")

    def test_the_same_form_sent_twice_is_one_intent(self, approver: Client, address: str) -> None:
        first = approver.post(address, {"text": "once"})
        second = approver.post(address, {"text": "once"})
        assert first["Location"] == second["Location"]
        assert Note.objects.count() == 1

    def test_back_after_sending_leads_to_what_was_made(self, approver: Client, address: str) -> None:
        made = approver.post(address, {"text": "once"})["Location"]
        answer = approver.get(address, follow=True)
        assert answer.redirect_chain == [(made, 302)]
        assert "You have sent this form already" in text_of(answer)

    def test_a_form_without_its_token_is_shown_again_and_does_nothing(self, approver: Client) -> None:
        page = text_of(approver.post(NEW, {"text": "typed"}))
        assert "out of date" in page
        assert 'value="typed"' in page
        assert re.search(rf'method="post" action="{TOKEN.pattern}"', page)
        assert not Note.objects.exists()

    def test_a_token_that_is_none_is_not_found(self, approver: Client) -> None:
        assert approver.get(f"{NEW}not-a-token/").status_code == 404


class TestForm:
    def test_success_goes_to_the_object_with_a_message(self, approver: Client, address: str) -> None:
        answer = approver.post(address, {"text": "hello"}, follow=True)
        assert "Kept." in text_of(answer)
        assert "hello" in text_of(answer)

    def test_a_field_that_is_wrong_says_so_and_keeps_the_rest(self, approver: Client, address: str) -> None:
        page = text_of(approver.post(address, {"text": "", "how": "typed"}))
        assert "This field is required." in page
        assert 'href="#id_text"' in page
        assert 'value="typed"' in page

    def test_a_refusal_stands_at_its_field_or_above(self, approver: Client, address: str) -> None:
        page = text_of(approver.post(address, {"text": "typed", "how": "field"}))
        assert re.search(r'id="id_text_error"[^>]*>.*?Too rude\.', page, re.DOTALL)
        assert page.count("The account is off.") == 1
        assert 'value="typed"' in page

    @pytest.mark.parametrize(
        ("how", "sentence", "status"),
        [
            ("plain", "Not today.", 200),
            ("move", "This is paid and cannot become open.", 200),
            ("denied", "Nobody decides about their own.", 403),
        ],
    )
    def test_other_refusals_are_plain_sentences(
        self, approver: Client, address: str, how: str, sentence: str, status: int
    ) -> None:
        answer = approver.post(address, {"text": "typed", "how": how})
        assert answer.status_code == status
        assert sentence in text_of(answer)
        assert 'value="typed"' in text_of(answer)

    def test_a_mistake_of_ours_is_not_swallowed(self, approver: Client, address: str) -> None:
        with pytest.raises(LookupError):
            approver.post(address, {"text": "x", "how": "bug"})

    def test_a_form_is_closed_to_who_may_not(self, viewer: Client) -> None:
        for answer in (viewer.get(NEW), viewer.post(f"{NEW}{uuid.uuid4()}/", {"text": "x"})):
            assert answer.status_code == 403
        assert not Note.objects.exists()

    def test_a_form_from_elsewhere_is_refused(self) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(person("approver"))
        answer = strict.post(f"{NEW}{uuid.uuid4()}/", {"text": "x"})
        assert answer.status_code == 403
        assert "This page was out of date" in text_of(answer)
        assert not Note.objects.exists()


class TestAction:
    @pytest.fixture
    def note(self) -> Note:
        return Note.objects.create(reference="1" * 18, author=person("operator"), text="hello")

    def test_a_click_does_it_and_says_so(self, approver: Client, note: Note) -> None:
        answer = approver.post(f"/test/notes/{note.pk}/shout/", follow=True)
        assert "Shouted." in text_of(answer)
        assert "HELLO" in text_of(answer)

    def test_its_address_asks_first(self, approver: Client, note: Note) -> None:
        page = text_of(approver.get(f"/test/notes/{note.pk}/shout/"))
        assert "Really?" in page
        assert 'method="post"' in page
        note.refresh_from_db()
        assert note.text == "hello"

    @pytest.mark.parametrize(
        ("how", "sentence"),
        [
            ("plain", "Not today."),
            ("move", "This is paid and cannot become open."),
            ("denied", "Nobody decides about their own."),
            ("field", "Too rude."),
        ],
    )
    def test_a_refusal_is_a_message_on_the_object(
        self, approver: Client, note: Note, how: str, sentence: str
    ) -> None:
        Note.objects.filter(pk=note.pk).update(text=how)
        answer = approver.post(f"/test/notes/{note.pk}/shout/", follow=True)
        assert answer.redirect_chain[-1][0] == f"/test/notes/{note.pk}/"
        assert sentence in text_of(answer)
        assert "Shouted." not in text_of(answer)

    def test_with_a_form_a_refusal_stands_at_its_field(self, approver: Client, note: Note) -> None:
        page = text_of(approver.post(f"/test/notes/{note.pk}/burn/", {"text": "why", "how": "field"}))
        assert "Too rude." in page
        assert 'value="why"' in page

    def test_with_a_form_it_may_say_its_own_sentence(self, approver: Client, note: Note) -> None:
        answer = approver.post(f"/test/notes/{note.pk}/burn/", {"text": "<b>why"}, follow=True)
        assert "Burned: &lt;b&gt;why" in text_of(answer)

    def test_is_closed_to_who_may_not(self, viewer: Client, note: Note) -> None:
        assert viewer.post(f"/test/notes/{note.pk}/shout/").status_code == 403
        note.refresh_from_db()
        assert note.text == "hello"

    def test_an_unknown_object_is_not_found(self, approver: Client) -> None:
        assert approver.post("/test/notes/999999/shout/").status_code == 404
