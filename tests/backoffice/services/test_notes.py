"""Notes: written by those who work here, on references that exist, and audited."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from backoffice.kit import office
from backoffice.models import AuditEntry, Note
from backoffice.permissions import may
from backoffice.services import notes
from tests.factories import person

pytestmark = pytest.mark.django_db
REFERENCE = "260101000000000001"


@pytest.fixture(autouse=True)
def known_reference() -> None:
    AuditEntry.objects.create(verb="x.made", object_type="x", object_id="1", reference=REFERENCE)


class TestAdd:
    def test_a_note_is_kept_audited_and_in_the_timeline_once(self) -> None:
        actor = person("finance", name="fiona")
        note = notes.add(actor=actor, reference=REFERENCE, text="  called\r\nback \n")
        assert note.text == "called\nback"
        entry = AuditEntry.objects.get(verb="note.added")
        assert (entry.actor, entry.reference, entry.facts) == (actor, REFERENCE, {})
        events = office.timeline(REFERENCE, actor, may)
        assert [(event.title, event.detail) for event in events][1:] == [("Note", "called\nback")]

    @pytest.mark.parametrize(
        ("reference", "text", "field"),
        [
            (REFERENCE, " \n ", "text"),
            (REFERENCE, "x" * 4001, "text"),
            (REFERENCE, "a\x00b", "text"),
            ("260101000000000002", "x", "__all__"),
            ("", "x", "__all__"),
        ],
    )
    def test_what_cannot_be_kept_is_refused_at_its_field(self, reference: str, text: str, field: str) -> None:
        with pytest.raises(ValidationError) as refused:
            notes.add(actor=person("operator"), reference=reference, text=text)
        assert list(getattr(refused.value, "error_dict", {"__all__": 0})) == [field]
        assert not Note.objects.exists()

    @pytest.mark.parametrize("who", ["viewer", None])
    def test_who_may_not_is_refused(self, who: Any) -> None:
        with pytest.raises(PermissionDenied):
            notes.add(actor=person(who), reference=REFERENCE, text="x")
