"""A13: one form pressed many times at once: double click, reload, back, a duplicated tab."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection

from backoffice.models import AuditEntry
from payments.models import Reference, Withdrawal
from payments.services import withdrawals
from tests import factories
from tests.races import money
from tests.races.racing import lost, meet, race, won

pytestmark = pytest.mark.django_db(transaction=True)
TABS = 50
CONSTRAINT = next(one for one in Withdrawal._meta.constraints if one.name == "withdrawal_form_token")


def press(account: Any, actor: Any, token: uuid.UUID, times: int = TABS) -> list[Any]:
    fields = money.FIELDS | {"_confirm_similar": True}
    return race(
        [lambda: withdrawals.request(actor=actor, account=account, fields=fields, form_token=token)] * times
    )


class TestOneForm:
    @money.volumes(2, 200)
    def test_it_is_one_intent(self, paying: Any, people: Any, runs: int) -> None:
        for run in range(runs):
            outcomes = press(paying, people["operator"], uuid.uuid4())
            assert not lost(outcomes)
            assert len({row.pk for row in outcomes}) == 1
            assert (
                Withdrawal.objects.count() == Reference.objects.filter(kind="withdrawal").count() == run + 1
            )
            assert AuditEntry.objects.filter(verb="withdrawal.requested").count() == run + 1

    def test_the_same_token_of_another_person_is_another_intent(self, paying: Any, people: Any) -> None:
        token = uuid.uuid4()
        for actor in (people["operator"], factories.person("operator")):
            assert len({row.pk for row in won(press(paying, actor, token, times=5))}) == 1
        assert Withdrawal.objects.count() == 2

    def test_without_the_constraint_there_are_several(
        self, paying: Any, people: Any, monkeypatch: pytest.MonkeyPatch, control: None
    ) -> None:
        """The control: looking for an earlier one first is not enough."""
        meet(monkeypatch, withdrawals, "_by_token", parties=5)
        with connection.schema_editor() as editor:
            editor.remove_constraint(Withdrawal, CONSTRAINT)
        try:
            outcomes = press(paying, people["operator"], uuid.uuid4(), times=5)
        finally:
            Withdrawal.objects.update(form_token=None)
            with connection.schema_editor() as editor:
                editor.add_constraint(Withdrawal, CONSTRAINT)
        assert len({row.pk for row in won(outcomes)}) == 5
