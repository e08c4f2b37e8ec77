"""Items for people: opened once, owned, closed with a note; holds released by approvers."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connections, transaction

from backoffice.services import roles
from payments.models import Balance, ExceptionItem, Invoice, Movement
from payments.providers.base import InvoiceReport
from payments.services import balances, exceptions, invoice_reports, invoices, movements
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def say_paid(invoice: Invoice, amount: str) -> None:
    report = InvoiceReport(
        reference=invoice.reference.value,
        status="paid",
        provider_status="Payed",
        method=invoice.method,
        amount=Decimal(amount),
    )
    invoice_reports.apply(invoice_id=invoice.pk, report=report, way="poll")


@pytest.fixture
def held(account: Any, box: Any) -> Invoice:
    """An invoice for which the provider states less than we asked for."""
    invoice = factories.open_invoice(account)
    say_paid(invoice, "10")
    invoice.refresh_from_db()
    return invoice


class TestHold:
    def test_less_than_expected_is_held_and_not_booked(self, held: Invoice) -> None:
        assert held.status == "open"
        assert held.reference.held_at is not None
        assert not Movement.objects.exists()
        assert ExceptionItem.objects.get().kind == "hold"

    def test_it_says_what_is_accepted_when_it_is_released(self, held: Invoice, people: Any) -> None:
        """Something else that is told meanwhile holds it again, instead of being accepted unseen."""
        say_paid(held, "9")
        item = ExceptionItem.objects.get()
        held.reference.refresh_from_db()
        assert (item.title, "10 USDT" in item.title) == (held.reference.hold_reason, True)
        exceptions.release_hold(actor=people["approver"], reference=held.reference, note="fine")
        say_paid(held, "9")
        held.reference.refresh_from_db()
        assert "9 USDT" in held.reference.hold_reason

    def test_it_is_not_closed_but_released(self, held: Invoice, people: Any) -> None:
        with pytest.raises(ValidationError):
            exceptions.close(actor=people["finance"], item=ExceptionItem.objects.get(), note="x")
        with pytest.raises(PermissionDenied):
            exceptions.release_hold(actor=people["finance"], reference=held.reference, note="x")
        with pytest.raises(ValidationError):
            exceptions.release_hold(actor=people["approver"], reference=held.reference, note="")

    def test_whoever_asked_for_it_does_not_let_it_go(self, account: Any, held: Invoice) -> None:
        """Also not as an approver of today."""
        maker = factories.person("operator")
        Invoice.objects.filter(pk=held.pk).update(created_by=maker)
        roles.give(actor=factories.person("admin"), user=maker, role="approver")
        with pytest.raises(ValidationError, match="requested this yourself"):
            exceptions.release_hold(actor=maker, reference=held.reference, note="fine")
        held.reference.refresh_from_db()
        assert held.reference.held_at is not None

    def test_released_it_goes_on_with_what_the_person_accepted(self, held: Invoice, people: Any) -> None:
        exceptions.release_hold(
            actor=people["approver"], reference=held.reference, note="rest was paid in cash"
        )
        report = InvoiceReport(
            reference=held.reference.value,
            status="paid",
            provider_status="Payed",
            method=held.method,
            amount=Decimal("10"),
        )
        invoice_reports.apply(invoice_id=held.pk, report=report, way="poll")
        held.refresh_from_db()
        assert (held.status, held.received) == ("paid", Decimal("10"))
        assert ExceptionItem.objects.filter(status="open").count() == 0

    @pytest.mark.parametrize(
        "claim",
        [
            {"method": "BTC"},
            {"reference": "990101000000000000"},
            {"amount": Decimal("0")},
            {"amount": Decimal("-12.5")},
            {"amount": None},
        ],
    )
    def test_a_claim_that_is_not_what_we_asked_for_is_held(self, account: Any, box: Any, claim: Any) -> None:
        invoice = factories.open_invoice(account)
        fields = {
            "reference": invoice.reference.value,
            "status": "paid",
            "provider_status": "Payed",
            "method": invoice.method,
            "amount": Decimal("12.5"),
        }
        invoice_reports.apply(invoice_id=invoice.pk, report=InvoiceReport(**fields | claim), way="poll")
        invoice.reference.refresh_from_db()
        assert invoice.reference.held_at is not None
        assert not Movement.objects.exists()

    def test_more_than_expected_is_paid_and_told(self, account: Any, box: Any) -> None:
        invoice = factories.open_invoice(account)
        report = InvoiceReport(
            reference=invoice.reference.value,
            status="paid",
            provider_status="Payed",
            method=invoice.method,
            amount=Decimal("13"),
        )
        invoice_reports.apply(invoice_id=invoice.pk, report=report, way="poll")
        invoice.refresh_from_db()
        assert (invoice.status, invoice.received) == ("paid", Decimal("13"))
        assert ExceptionItem.objects.get().kind == "overpaid"


class TestItems:
    def test_the_same_trouble_at_once_is_one_item(self, account: Any) -> None:
        def one(_number: int) -> None:
            try:
                with transaction.atomic():
                    exceptions.open_item(kind="dead_callback", key="x", title="t", account=account)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(40)))
        assert ExceptionItem.objects.get().seen == 40

    def test_closed_it_may_open_again(self, account: Any, people: Any) -> None:
        with transaction.atomic():
            item = exceptions.open_item(kind="taken_back", key="x", title="t", account=account)
        exceptions.own(actor=people["finance"], item=item)
        with pytest.raises(ValidationError):
            exceptions.close(actor=people["finance"], item=item, note="  ")
        exceptions.close(actor=people["finance"], item=item, note="looked at it")
        with pytest.raises(ValidationError):
            exceptions.close(actor=people["finance"], item=item, note="again")
        with transaction.atomic():
            exceptions.open_item(kind="taken_back", key="x", title="t", account=account)
        assert ExceptionItem.objects.count() == 2


class TestBook:
    """Booking what a balance does not explain."""

    @pytest.fixture
    def item(self, account: Any, box: Any, settings: Any) -> ExceptionItem:
        settings.DRIFT_SECONDS = 0
        for amount in ("100", "90", "90"):
            box.control("bitloga/accounts", {"name": account.name, "balances": {"USDT": amount}})
            balances.refresh(account_id=account.pk)
        return ExceptionItem.objects.get(kind="unexplained_balance")

    def test_what_was_booked_meanwhile_is_not_booked_twice(
        self, item: ExceptionItem, account: Any, people: Any
    ) -> None:
        with transaction.atomic():
            movements.book(
                key="found",
                account=account,
                kind="adjustment",
                currency="USDT",
                amount=Decimal(-10),
                way="poll",
            )
        with pytest.raises(ValidationError, match="has changed"):
            exceptions.close(actor=people["finance"], item=item, note="by hand", book=True)
        assert Movement.objects.count() == 1
        balances.refresh(account_id=account.pk)
        assert Balance.objects.get(account=account, currency="USDT").drift == 0

    def test_it_waits_for_a_balance_that_is_being_compared(
        self, item: ExceptionItem, account: Any, people: Any
    ) -> None:
        def close() -> None:
            try:
                exceptions.close(actor=people["finance"], item=item, note="a fee", book=True)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                Balance.objects.select_for_update().get(account=account, currency="USDT")
                closing = pool.submit(close)
                time.sleep(0.2)
                # The comparison counts one more sighting: neither waits for the other for ever.
                ExceptionItem.objects.filter(pk=item.pk).update(seen=5)
            closing.result(10)
        item.refresh_from_db()
        assert (item.status, item.seen) == ("closed", 5)


class TestResolve:
    def test_an_unknown_creation_is_closed_by_a_person_with_proof(
        self, account: Any, box: Any, people: Any
    ) -> None:
        from payments.models import ProviderCall
        from payments.providers.errors import Refused

        box.control("faults", {"provider": "bitloga", "action": "invoice", "mode": "drop_before", "count": 1})
        invoice = factories.invoice(account)
        invoices.submit(invoice_id=invoice.pk)
        resolve = {"actor": people["approver"], "invoice": invoice, "note": "not there"}
        with pytest.raises(ValidationError):
            invoices.resolve(**resolve)
        invoice_age(invoice, minutes=21)
        with pytest.raises(ValidationError):
            invoices.resolve(**resolve)
        with pytest.raises(Refused):
            invoices.refresh(invoice_id=invoice.pk)
        with pytest.raises(PermissionDenied):
            invoices.resolve(**resolve | {"actor": people["operator"]})
        invoices.resolve(**resolve)
        invoice.refresh_from_db()
        assert invoice.status == "failed"
        assert ProviderCall.objects.filter(safe=False).count() == 1


def invoice_age(invoice: Invoice, *, minutes: int) -> None:
    """Let the attempt lie further back; the row's time is fixed, so the trigger is put aside for this."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_providercall DISABLE TRIGGER fixed_columns")
        cursor.execute(
            "UPDATE payments_providercall SET started_at = started_at - make_interval(mins => %s) WHERE reference_id = %s",
            [minutes, invoice.reference_id],
        )
        cursor.execute("ALTER TABLE payments_providercall ENABLE TRIGGER fixed_columns")
