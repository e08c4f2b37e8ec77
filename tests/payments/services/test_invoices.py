"""An invoice's way: created once, sent once, asked about, booked once."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connections

from payments.models import ExceptionItem, Invoice, Movement, ProviderCall
from payments.providers.base import InvoiceReport
from payments.providers.errors import ProviderError, Refused
from payments.services import destinations, invoice_reports, invoices
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def pay(box: Any, invoice: Invoice, **data: Any) -> None:
    box.control(f"bitloga/invoices/{invoice.reference.value}/pay", data)


class TestCreate:
    def test_an_operator_makes_an_intent_that_is_not_sent_yet(self, account: Any, people: Any) -> None:
        invoice = factories.invoice(account, actor=people["operator"])
        assert (invoice.status, invoice.expected, invoice.currency) == ("creating", Decimal("12.5"), "USDT")
        assert len(invoice.reference.value) == 18
        assert not ProviderCall.objects.exists()

    @pytest.mark.parametrize("role", ["viewer", "approver", "finance", "admin"])
    def test_other_roles_are_refused(self, account: Any, people: Any, role: str) -> None:
        with pytest.raises(PermissionDenied):
            factories.invoice(account, actor=people[role])
        assert not Invoice.objects.exists()

    def test_the_same_form_twice_is_one_invoice(self, account: Any, people: Any) -> None:
        token = uuid.uuid4()
        fields = {"paysys": "USDTBALANCE", "amount": "5"}
        one = invoices.create(actor=people["operator"], account=account, fields=fields, form_token=token)
        two = invoices.create(actor=people["operator"], account=account, fields=fields, form_token=token)
        assert one.pk == two.pk

    @pytest.mark.parametrize(
        ("fields", "at"),
        [
            ({"paysys": ""}, "paysys"),
            ({"paysys": "NONE"}, "paysys"),
            ({"amount": "0"}, "amount"),
            ({"amount": "-1"}, "amount"),
            ({"amount": "1e3"}, "amount"),
            ({"amount": "1,5"}, "amount"),
            ({"amount": "١٢"}, "amount"),
            ({"amount": "NaN"}, "amount"),
            ({"amount": "1.0000001"}, "amount"),
            ({"amount": ""}, "amount"),
            ({"pay_amount": "5"}, "pay_amount"),
            ({"amount": "", "pay_amount": "5"}, "paylist"),
            ({"amount": "", "pay_amount": "5", "paylist": "BTC,LTC"}, "paylist"),
            ({"paylist": "B C"}, "paylist"),
            ({"comis": "nobody"}, "comis"),
            ({"email": "not an address"}, "email"),
            ({"successurl": "javascript:alert(1)"}, "successurl"),
            ({"purse": "Tx"}, "purse"),
            ({"paysys": "BTC", "amount": "0.1"}, "purse"),
            ({"paysys": "BTC", "amount": "0.1", "purse": "bc1qnotours"}, "purse"),
            ({"nonsense": "1"}, "nonsense"),
        ],
    )
    def test_bad_input_is_named_at_its_field(self, account: Any, people: Any, fields: Any, at: str) -> None:
        with pytest.raises(ValidationError) as caught:
            factories.invoice(account, actor=people["operator"], **fields)
        assert at in caught.value.error_dict
        assert not Invoice.objects.exists()

    @pytest.mark.parametrize("switch", ["is_active", "money_in"])
    def test_a_switched_off_account_bills_nobody(self, account: Any, people: Any, switch: str) -> None:
        setattr(account, switch, False)
        with pytest.raises(ValidationError):
            factories.invoice(account, actor=people["operator"])


class TestSubmit:
    def test_it_is_accepted_once_and_open(self, account: Any, box: Any) -> None:
        invoice = factories.invoice(account)
        invoices.submit(invoice_id=invoice.pk)
        invoices.submit(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "open"
        assert invoice.payment_url.startswith("http")
        assert len(box.control("bitloga/transactions")["transactions"]) == 1
        call = ProviderCall.objects.get(safe=False)
        assert (call.outcome, call.number, call.reference_id) == ("ok", 1, invoice.reference_id)

    def test_a_refusal_fails_it_with_the_providers_words(self, account: Any, box: Any) -> None:
        box.control(
            "faults",
            {
                "provider": "bitloga",
                "action": "invoice",
                "mode": "message",
                "text": "Invoice API is disabled",
            },
        )
        invoice = factories.invoice(account)
        invoices.submit(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "failed"
        assert "Invoice API is disabled" in invoice.last_error

    @pytest.mark.parametrize(
        "mode", ["drop_after", "half_body", "garbage_html", "empty", "truncated", "status_500", "no_success"]
    )
    def test_doubt_is_asked_about_and_heals(self, account: Any, box: Any, mode: str) -> None:
        box.control("faults", {"provider": "bitloga", "action": "invoice", "mode": mode, "count": 1})
        invoice = factories.invoice(account)
        invoices.submit(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "unknown"
        invoices.submit(invoice_id=invoice.pk)
        invoices.refresh(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "open"
        assert len(box.control("bitloga/transactions")["transactions"]) == 1

    def test_what_never_left_waits_and_goes_out_later(self, account: Any, box: Any) -> None:
        invoice = factories.invoice(account)
        box.pause()
        try:
            invoices.submit(invoice_id=invoice.pk)
        finally:
            box.resume()
        invoice.refresh_from_db()
        assert invoice.status == "creating"
        assert invoice.last_error
        invoices.submit(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "open"

    def test_an_interrupted_attempt_is_never_sent_again(self, account: Any, box: Any) -> None:
        invoice = factories.invoice(account)
        from django.utils import timezone

        ProviderCall.objects.create(
            account=account,
            reference=invoice.reference,
            operation="invoice",
            safe=False,
            started_at=timezone.now(),
        )
        invoices.submit(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "unknown"
        assert not box.control("bitloga/transactions")["transactions"]
        with pytest.raises(Refused):
            invoices.refresh(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "unknown"

    def test_an_address_that_left_our_book_meanwhile_receives_nothing(
        self, account: Any, box: Any, people: Any
    ) -> None:
        address = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
        ours = destinations.propose(actor=people["operator"], method="BTC", label="Cold", address=address)
        destinations.approve(actor=people["approver"], destination=ours)
        invoice = factories.invoice(account, paysys="BTC", amount="0.1", purse=address)
        destinations.retire(actor=people["approver"], destination=ours, reason="its key leaked")
        invoices.submit(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "failed"
        assert "book" in invoice.last_error
        assert not box.control("bitloga/requests?action=invoice")["requests"]


class TestRefresh:
    def test_an_answer_to_an_older_question_is_dropped(self, account: Any, box: Any) -> None:
        invoice = factories.open_invoice(account)
        pay(box, invoice)
        invoices.refresh(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "paid"
        assert invoice.checked_at is not None
        older = InvoiceReport(
            invoice.reference.value, "open", "Created", method=invoice.method, amount=Decimal("12.5")
        )
        asked_at = invoice.checked_at - dt.timedelta(seconds=5)
        invoice_reports.apply(invoice_id=invoice.pk, report=older, way="poll", asked_at=asked_at)
        invoice.refresh_from_db()
        assert invoice.provider_status != "Created"
        assert not ExceptionItem.objects.exists()

    def test_a_failed_invoice_keeps_why_it_failed(self, account: Any, box: Any) -> None:
        invoice = factories.invoice(account, amount="99999999")
        invoices.submit(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert (invoice.status, "too large" in invoice.last_error) == ("failed", True)
        with pytest.raises(Refused):
            invoices.refresh(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert "too large" in invoice.last_error

    def test_a_paid_invoice_is_booked_once(self, account: Any, box: Any) -> None:
        invoice = factories.open_invoice(account)
        pay(box, invoice)
        for _time in range(3):
            invoices.refresh(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert (invoice.status, invoice.received) == ("paid", Decimal("12.5"))
        movement = Movement.objects.get()
        assert (movement.amount, movement.currency, movement.on_balance) == (Decimal("12.5"), "USDT", True)

    def test_an_invoice_by_pay_amount_learns_what_to_expect(self, account: Any, box: Any) -> None:
        invoice = factories.open_invoice(
            account, amount="", pay_amount="0.01", paylist="BTC", paysys="RUBBALANCE"
        )
        assert invoice.expected is None
        invoices.refresh(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.expected is not None
        pay(box, invoice)
        invoices.refresh(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert (invoice.status, invoice.received) == ("paid", invoice.expected)

    def test_a_late_payment_counts_and_is_told(self, account: Any, box: Any) -> None:
        invoice = factories.open_invoice(account)
        Invoice.objects.filter(pk=invoice.pk).update(expires_at=invoice.created_at)
        assert invoices.expire() == 1
        pay(box, invoice)
        invoices.refresh(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "paid"
        assert ExceptionItem.objects.get().kind == "late_payment"

    def test_a_final_word_taken_back_changes_nothing_and_is_told(self, account: Any, box: Any) -> None:
        invoice = factories.open_invoice(account)
        pay(box, invoice)
        invoices.refresh(invoice_id=invoice.pk)
        box.control(
            "faults",
            {"provider": "bitloga", "action": "details", "mode": "odd_status", "text": "Error", "count": 1},
        )
        invoices.refresh(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "paid"
        assert ExceptionItem.objects.get().kind == "taken_back"
        assert Movement.objects.count() == 1

    @pytest.mark.parametrize("word", ["Fozzled", "payed!", "ОПЛАЧЕНО"])
    def test_an_unknown_word_changes_nothing(self, account: Any, box: Any, word: str) -> None:
        invoice = factories.open_invoice(account)
        box.control(
            "faults",
            {"provider": "bitloga", "action": "details", "mode": "odd_status", "text": word, "count": 2},
        )
        for _time in range(2):
            with contextlib.suppress(ProviderError):
                invoices.refresh(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "open"
        assert ExceptionItem.objects.filter(kind="unknown_word").count() == 1

    def test_fifty_at_once_book_one_movement(self, account: Any, box: Any) -> None:
        invoice = factories.open_invoice(account)
        pay(box, invoice)

        def one(_number: int) -> None:
            try:
                invoices.refresh(invoice_id=invoice.pk, priority="callback")
            finally:
                connections.close_all()

        with ThreadPoolExecutor(10) as pool:
            list(pool.map(one, range(50)))
        assert Movement.objects.count() == 1
