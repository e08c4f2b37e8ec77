"""The system checks refuse, in production, what only a development set-up may have (RELIABILITY K06, L09)."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks

from backoffice import checks, embedded, permissions


@pytest.fixture
def production(settings):
    """Settings of a production that is set up well."""
    settings.DEBUG = settings.TESTING = settings.FAILPOINTS = False
    settings.SECRET_KEY = "x" * 60
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    settings.PUBLIC_URL = "https://office.example.org"
    settings.ALLOWED_HOSTS = ["office.example.org"]
    settings.METRICS_TOKEN = "m" * 32
    settings.DATABASE_URL = "postgresql://office@db.example.org/office"
    settings.REDIS_URL = "redis://redis.example.org/0"
    settings.PROVIDER_INTERNAL_HOSTS = frozenset()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "sandbox"]
    return settings


def ours(*, deploy: bool = False) -> set[str]:
    return {
        found.id
        for found in run_checks(include_deployment_checks=deploy)
        if found.id.startswith("backoffice.")
    }


class TestProduction:
    def test_a_good_one_passes(self, production) -> None:
        assert ours(deploy=True) == set()

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("TESTING", True, "E009"),
            ("FIELD_ENCRYPTION_KEYS", ["ZGV2ZWxvcG1lbnQtb25seS1maWVsZC1rZXktMDAwMDA="], "E010"),
            ("SECRET_KEY", "development-only-secret-key-that-nobody-may-use-outside-of-it", "E011"),
            ("FAILPOINTS", True, "E012"),
            ("PUBLIC_URL", "http://office.example.org", "E014"),
            ("ALLOWED_HOSTS", ["*"], "E015"),
            ("METRICS_TOKEN", "", "E016"),
            ("PROVIDER_INTERNAL_HOSTS", frozenset({"127.0.0.1:8001"}), "E019"),
            ("PROVIDER_INTERNAL_HOSTS", frozenset({"http://10.0.0.5:80"}), "E019"),
            ("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend", "W001"),
        ],
    )
    def test_each_leftover_is_named(self, production, name: str, value: object, expected: str) -> None:
        setattr(production, name, value)
        assert ours(deploy=True) == {f"backoffice.{expected}"}

    def test_an_installed_sandbox_is_an_error(self, production) -> None:
        production.INSTALLED_APPS = [*production.INSTALLED_APPS, "sandbox"]
        assert ours() == {"backoffice.E013"}

    def test_embedded_servers_are_an_error(self, production) -> None:
        production.DATABASE_URL = embedded.database_url(production.HOME)
        production.REDIS_URL = embedded.redis_url(production.HOME)
        assert ours() == {"backoffice.E017", "backoffice.E018"}

    def test_an_internal_host_with_https_is_fine(self, production) -> None:
        production.PROVIDER_INTERNAL_HOSTS = frozenset({"https://10.0.0.5:8443"})
        assert ours() == set()

    def test_the_stand_ins_of_the_settings_are_the_ones_that_are_refused(self) -> None:
        source = (checks.settings.BASE_DIR / "backoffice" / "settings.py").read_text()
        assert f'"{checks.DEVELOPMENT_SECRET}' in source
        assert f'"{checks.DEVELOPMENT_FIELD_KEY}' in source


class TestAlways:
    @pytest.mark.parametrize("keys", [["nonsense"], [""], [Fernet.generate_key().decode(), "short"]])
    def test_a_key_that_is_none_is_an_error(self, settings, keys: list[str]) -> None:
        settings.DEBUG = True
        settings.FIELD_ENCRYPTION_KEYS = keys
        assert ours() == {"backoffice.E001"}

    @pytest.mark.parametrize("roles", [frozenset(), frozenset({"owner"})])
    def test_a_permission_for_nobody_is_an_error(self, settings, monkeypatch, roles: frozenset[str]) -> None:
        settings.DEBUG = True
        monkeypatch.setitem(permissions.TABLE, "backoffice.export", roles)
        assert ours() == {"backoffice.E002"}

    def test_development_is_not_bothered(self, settings) -> None:
        settings.DEBUG = True
        assert ours() == set()
