"""Taking a note from an object's page: back to where one was, and nothing typed is lost."""

from __future__ import annotations

import pytest
from django.test import Client

from backoffice.models import AuditEntry, Note
from tests.factories import person

pytestmark = pytest.mark.django_db
REFERENCE = "260101000000000001"
ADD = f"/notes/{REFERENCE}/new/"


@pytest.fixture(autouse=True)
def known_reference() -> None:
    AuditEntry.objects.create(verb="x.made", object_type="x", object_id="1", reference=REFERENCE)


class TestNote:
    @pytest.fixture(autouse=True)
    def login(self, client: Client) -> None:
        client.force_login(person("operator", name="oskar"))

    def test_is_kept_and_leads_back(self, client: Client) -> None:
        answer = client.post(ADD, {"text": "called", "next": "/audit/?way=clock"})
        assert answer["Location"] == "/audit/?way=clock"
        note = Note.objects.get()
        assert (note.text, note.author.get_username(), note.reference) == ("called", "oskar", REFERENCE)

    @pytest.mark.parametrize(
        "address", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "", "\\\\x"]
    )
    def test_never_leads_out_of_the_house(self, client: Client, address: str) -> None:
        assert client.post(ADD, {"text": "called", "next": address})["Location"] == "/"

    def test_too_long_is_said_and_the_text_stays(self, client: Client) -> None:
        text = "typed " * 1000
        page = client.post(ADD, {"text": text, "next": "/audit/"}).content.decode()
        assert "at most 4000 characters" in page
        assert text.strip() in page
        assert '<input type="hidden" name="next" value="/audit/">' in page
        assert not Note.objects.exists()

    @pytest.mark.parametrize("secret", ["4111 1111 1111 1111", "AB3D-9FK2-0000-ZZZZ"])
    def test_what_many_read_holds_no_card_and_no_code(self, client: Client, secret: str) -> None:
        page = client.post(ADD, {"text": f"It is {secret}, he says.", "next": "/audit/"}).content.decode()
        assert "looks like a card number or a voucher code" in page
        assert f"It is {secret}, he says." in page
        assert not Note.objects.exists()

    def test_an_unknown_reference_is_not_found(self, client: Client) -> None:
        assert client.get("/notes/260101000000000002/new/").status_code == 404
        assert client.get("/notes/abc/new/").status_code == 404
        page = client.post("/notes/260101000000000002/new/", {"text": "typed"}).content.decode()
        assert "There is no transaction with this reference." in page
        assert "typed" in page

    def test_its_page_works_by_itself(self, client: Client) -> None:
        assert f"Note on {REFERENCE}" in client.get(ADD).content.decode()


def test_viewers_write_none(client: Client) -> None:
    client.force_login(person("viewer"))
    assert client.post(ADD, {"text": "x"}).status_code == 403
    assert not Note.objects.exists()
