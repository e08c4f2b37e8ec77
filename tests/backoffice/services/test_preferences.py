"""Preferences: one's own, and only what exists."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from backoffice.models import Preference
from backoffice.services import preferences
from tests.factories import person

pytestmark = pytest.mark.django_db


class TestChange:
    def test_the_last_word_counts(self) -> None:
        actor, other = person("viewer"), person("viewer")
        preferences.change(actor=other, language="", time_zone="UTC", theme="light")
        preferences.change(actor=actor, language="en", time_zone="Asia/Tokyo", theme="dark")
        preferences.change(actor=actor, language="", time_zone="Europe/Berlin", theme="")
        kept = Preference.objects.get(user=actor)
        assert (kept.language, kept.time_zone, kept.theme) == ("", "Europe/Berlin", "")
        assert Preference.objects.get(user=other).theme == "light"

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"language": "xx"}, "language"),
            ({"time_zone": "Mars/Olympus"}, "time_zone"),
            ({"time_zone": "../etc/passwd"}, "time_zone"),
            ({"theme": "pink"}, "theme"),
        ],
    )
    def test_what_does_not_exist_is_refused_at_its_field(self, values: dict[str, str], field: str) -> None:
        with pytest.raises(ValidationError) as refused:
            preferences.change(
                actor=person("viewer"), **{"language": "", "time_zone": "", "theme": "", **values}
            )
        assert list(refused.value.error_dict) == [field]

    def test_without_a_role_nothing_is_kept(self) -> None:
        with pytest.raises(PermissionDenied):
            preferences.change(actor=person(), language="", time_zone="", theme="")
