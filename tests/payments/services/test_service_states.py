"""What a service says about itself: asked on a schedule, kept with its age, shown in words on the account's page."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from payments.models import AccountHealth
from payments.providers.errors import ProviderError
from payments.services import service_states
from tests.payments import batches, rows

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_asked_now_and_then_and_told_in_words_with_its_age(box: Any, people: Any) -> None:
    account = batches.account(box)
    browser = rows.browser_of(people["viewer"])

    def page() -> str:
        return rows.words(rows.text_of(browser.get(account.get_absolute_url())))

    said = page()
    assert "What the service says Service not asked yet" in said
    for words in ("Invoice lifetime", "Money in", "All facts", "No balance has been stated"):
        assert words not in said, words
    assert "No money lies here" in said
    assert "no money lies here" in rows.text_of(browser.get("/provider-accounts/"))
    assert service_states.due_accounts() == [account.pk]
    batches.say(box, status_tells_limits=True)
    service_states.refresh(account_id=account.pk)
    assert service_states.due_accounts() == []
    said = page()
    assert "Service works" in said
    assert "Limits, max rows" in said
    assert "Asked less than a minute ago" in said or "Asked just now" in said

    batches.fault(box, "garbage_html", action="status", count=9)
    with pytest.raises(ProviderError):
        service_states.refresh(account_id=account.pk)
    assert "Service works" in page()
    health = AccountHealth.objects.get(account=account)
    long_ago = timezone.now() - dt.timedelta(hours=2)
    health.facts["service"] |= {"at": long_ago.isoformat(), "ok": False, "word": "maintenance"}
    health.save()
    assert service_states.due_accounts() == []  # it was asked just now, and did not answer
    health.facts["service_tried_at"] = long_ago.isoformat()
    health.save()
    assert service_states.due_accounts() == [account.pk]
    assert "does not say that it works: “maintenance”" in page()
    assert "Asked 2 h ago" in page()
