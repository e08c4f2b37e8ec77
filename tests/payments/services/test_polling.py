"""Asking about what is due: each row by one worker, slow accounts apart, nothing depends on a message."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.db.models.functions import Now

from payments import tasks
from payments.models import Invoice, Movement, ProviderCall
from payments.services import polling, schedule
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def make_due() -> None:
    Invoice.objects.update(next_check_at=Now())


class TestRunDue:
    def test_it_finds_a_payment_without_any_callback(self, account: Any, box: Any) -> None:
        invoice = factories.open_invoice(account)
        box.control(f"bitloga/invoices/{invoice.reference.value}/pay", {})
        make_due()
        assert polling.run_due(limit=10) == 1
        assert Movement.objects.count() == 1

    def test_a_row_is_taken_by_one_worker(self, account: Any, box: Any) -> None:
        for _number in range(12):
            factories.open_invoice(account)
        make_due()

        def one(_number: int) -> list[tuple[int, int]]:
            try:
                return schedule.due(Invoice, 5)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(6) as pool:
            taken = [pk for rows in pool.map(one, range(6)) for _account, pk in rows]
        assert sorted(taken) == sorted(Invoice.objects.values_list("pk", flat=True))

    def test_without_the_lock_a_row_is_taken_twice(
        self, account: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: a plain read instead of the claim lets several workers take the same rows."""
        for _number in range(12):
            factories.open_invoice(account)
        make_due()

        def unlocked(model: Any, limit: int, **_options: Any) -> list[tuple[int, int]]:
            return list(
                model.objects.filter(next_check_at__lte=Now()).values_list("account_id", "pk")[:limit]
            )

        monkeypatch.setattr(schedule, "due", unlocked)
        taken = [pk for _worker in range(3) for _account, pk in schedule.due(Invoice, 5)]
        assert len(taken) > len(set(taken))

    def test_an_account_that_is_down_does_not_stop_another(self, account: Any, box: Any) -> None:
        from payments.models import ProviderAccount

        other = factories.account(box, rate_limit="500")
        first, second = factories.open_invoice(account), factories.open_invoice(other)
        ProviderAccount.objects.filter(pk=account.pk).update(base_url=f"http://127.0.0.1:{box.port}/nowhere/")
        for invoice in (first, second):
            box.control(f"bitloga/invoices/{invoice.reference.value}/pay", {})
        make_due()
        polling.run_due(limit=10)
        assert list(Invoice.objects.filter(status="paid").values_list("pk", flat=True)) == [second.pk]
        first.refresh_from_db()
        assert first.last_error


class TestRunStuck:
    def test_the_poll_leaves_intents_to_the_sweep(self, account: Any, box: Any) -> None:
        factories.invoice(account)
        assert polling.run_due(limit=10) == 0
        assert polling.run_stuck(limit=10) == 1

    def test_an_intent_whose_message_was_lost_is_sent(self, account: Any, box: Any) -> None:
        invoice = factories.invoice(account)
        assert polling.run_stuck(limit=10) == 1
        invoice.refresh_from_db()
        assert invoice.status == "open"

    def test_eight_sweepers_send_it_once(self, account: Any, box: Any) -> None:
        factories.invoice(account)

        def one(_number: int) -> None:
            try:
                polling.run_stuck(limit=10)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(8)))
        assert len(box.control("bitloga/transactions")["transactions"]) == 1

    def test_without_the_claim_it_is_sent_more_than_once(
        self, account: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: sweepers that do not claim all reach the provider (which refuses the repeats)."""
        invoice = factories.invoice(account)
        monkeypatch.setattr(schedule, "claim", lambda *_arguments, **_conditions: 1)
        monkeypatch.setattr(schedule, "holds", lambda *_arguments, **_conditions: True)
        monkeypatch.setattr("payments.services.calls.may_have_left", lambda *_arguments: False)
        box.control(
            "faults",
            {"provider": "bitloga", "action": "invoice", "mode": "delay", "seconds": 0.3, "count": 8},
        )

        def one(_number: int) -> None:
            try:
                polling.run_stuck(limit=10)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(8)))
        assert ProviderCall.objects.filter(reference=invoice.reference, safe=False).count() > 1


class TestTasksTwice:
    def test_every_task_run_twice_and_reversed_gives_the_same_books(self, account: Any, box: Any) -> None:
        made = [factories.invoice(account) for _number in range(3)]
        steps = [lambda i=i: tasks.submit_invoice(i.pk) for i in made]
        steps += [tasks.run_stuck, tasks.expire, lambda: tasks.refresh_balance(account.pk)]
        for step in [*steps, *reversed(steps)]:
            step()
        for invoice in made:
            box.control(f"bitloga/invoices/{invoice.reference.value}/pay", {})
        later = [lambda i=i: tasks.refresh_invoice(i.pk) for i in made]
        later += [lambda: tasks.poll_account(account.pk), tasks.process_callbacks, tasks.prune_traffic]
        for step in [*reversed(later), *later, *steps]:
            step()
        assert Movement.objects.count() == 3
        assert len(box.control("bitloga/transactions")["transactions"]) == 3
