"""What payments gives to timelines."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from backoffice import permissions
from backoffice.kit import office
from tests import factories
from tests.payments import rows

pytestmark = pytest.mark.django_db


class TestCallsInTheTimeline:
    @pytest.fixture
    def reference(self, settings: Any) -> Any:
        settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})
        return rows.reference(rows.account())

    def asked(self, reference: Any, count: int, **more: Any) -> None:
        for number in range(count):
            at = timezone.now() + dt.timedelta(seconds=number)
            rows.call(reference.account, reference=reference, started_at=at, **more)

    def titles(self, reference: Any) -> list[str]:
        user = factories.person("approver")
        events = office.timeline(reference.value, user, permissions.may)
        return [str(event.title) for event in events if str(event.way) == "Our call"]

    def test_many_polls_that_say_the_same_are_one_line_between_the_first_and_the_last(
        self, reference: Any
    ) -> None:
        self.asked(reference, 9)
        call = "Call “details”: Answered"
        assert self.titles(reference) == [call, "Asked 6 more times, with the same outcome", call, call]

    def test_a_few_are_all_told(self, reference: Any) -> None:
        self.asked(reference, 5)
        assert len(self.titles(reference)) == 5

    def test_attempts_that_may_have_moved_something_are_always_told(self, reference: Any) -> None:
        self.asked(reference, 7, operation="invoice", safe=False, outcome="OutcomeUnknown")
        assert len(self.titles(reference)) == 7


class TestDashboard:
    """What a first login finds: the next step, for who may take it."""

    ADD = "/admin/payments/provideraccount/add/"

    def test_an_admin_is_led_to_the_first_account(self) -> None:
        assert self.ADD in rows.browser("admin").get("/").content.decode()
        assert self.ADD not in rows.browser("operator").get("/").content.decode()

    def test_an_operator_may_bill_from_here_once_there_is_an_account(self, settings: Any) -> None:
        settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})
        assert "/invoices/new/" not in rows.browser("operator").get("/").content.decode()
        rows.account()
        assert "/invoices/new/" in rows.browser("operator").get("/").content.decode()
        assert "/invoices/new/" not in rows.browser("viewer").get("/").content.decode()
