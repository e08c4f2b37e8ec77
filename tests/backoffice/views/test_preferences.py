"""The page of preferences: works without scripts, and changes the very next page."""

from __future__ import annotations

import pytest
from django.test import Client

from backoffice.models import Preference
from tests.factories import person

pytestmark = pytest.mark.django_db
PAGE = "/preferences/"


class TestPreferences:
    @pytest.fixture(autouse=True)
    def login(self, client: Client) -> None:
        client.force_login(person("viewer", name="vera"))

    def test_the_next_page_has_the_zone_and_the_theme(self, client: Client) -> None:
        answer = client.post(PAGE, {"language": "", "time_zone": "Asia/Tokyo", "theme": "dark"}, follow=True)
        page = answer.content.decode()
        assert "Your preferences are saved." in page
        assert 'data-bs-theme="dark"' in page
        assert "Times in Asia/Tokyo" in page
        assert '<option value="Asia/Tokyo" selected>' in page
        assert client.cookies["theme"].value == "dark"
        assert client.cookies["theme"]["samesite"] == "Lax"

    def test_back_to_the_system(self, client: Client) -> None:
        client.post(PAGE, {"language": "", "time_zone": "", "theme": "dark"})
        page = client.post(PAGE, {"language": "", "time_zone": "", "theme": ""}, follow=True).content.decode()
        assert "data-bs-theme" not in page
        assert "Times in UTC" in page

    def test_what_does_not_exist_is_said_and_nothing_is_kept(self, client: Client) -> None:
        answer = client.post(PAGE, {"language": "en", "time_zone": "Mars/Olympus", "theme": "dark"})
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "Select a valid choice." in page
        assert '<option value="en" selected>' in page
        assert not Preference.objects.exists()

    def test_only_places_and_utc_are_offered(self, client: Client) -> None:
        page = client.get(PAGE).content.decode()
        for offered in ("Europe/Berlin", "America/New_York", "UTC"):
            assert f'<option value="{offered}">' in page
        for odd in ("Factory", "localtime", "Etc/GMT+3", "W-SU"):
            assert f'<option value="{odd}">' not in page
