"""The breaker's memory, and the exception that ends by itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from backoffice.models import AuditEntry
from payments.models import AccountHealth, ExceptionItem, ProviderAccount
from payments.services import health
from tests.payments import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(settings: Any) -> ProviderAccount:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})
    return rows.account("Main")


def ended(outcome: str, error: str = "") -> Any:
    """What the transport tells of a call that is over."""
    return SimpleNamespace(outcome=outcome, operation="balances", error=error, clock_skew_ms=None)


class TestKeysRefused:
    def test_the_item_is_closed_by_the_system_when_a_call_is_good_again(
        self, account: ProviderAccount
    ) -> None:
        health.note(account, ended("Denied", error="Signature is not correct"))
        item = ExceptionItem.objects.get(kind="denied")
        assert item.status == "open"
        health.note(account, ended("ok"))
        item.refresh_from_db()
        assert (item.status, item.closed_by) == ("closed", None)
        assert "accepts our keys again" in item.resolution
        entry = AuditEntry.objects.get(verb="exception.closed")
        assert (entry.actor, entry.way) == (None, "reply")
        assert "by the system" in rows.browser("viewer").get(item.get_absolute_url()).content.decode()

    def test_also_after_an_admin_changed_the_keys(self, account: ProviderAccount) -> None:
        health.note(account, ended("Denied"))
        health.forget(account)
        health.note(account, ended("ok"))
        assert ExceptionItem.objects.get(kind="denied").status == "closed"

    def test_a_silent_provider_proves_nothing_and_other_items_stay(self, account: ProviderAccount) -> None:
        health.note(account, ended("Denied"))
        other = rows.item(account=account)
        health.note(account, ended("OutcomeUnknown"))
        assert ExceptionItem.objects.get(kind="denied").status == "open"
        health.note(account, ended("ok"))
        other.refresh_from_db()
        assert other.status == "open"
        assert AccountHealth.objects.get(account=account).state == "ok"
