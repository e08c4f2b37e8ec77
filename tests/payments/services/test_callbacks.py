"""What becomes of a callback: asked, booked once, forged, stray, waiting, dead."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from payments.models import Callback, ExceptionItem, Invoice, Movement
from payments.providers.errors import ProviderError
from payments.services import callback_tokens, callbacks, invoices
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def invoice(account: Any) -> Invoice:
    return factories.open_invoice(account)


def deliver(invoice: Invoice, box: Any, *, signature: str | None = None, **changed: Any) -> Callback:
    """A callback as the provider sends it, signed with the account's own secret unless said otherwise."""
    import hashlib
    import hmac

    body = {
        "to": invoice.method,
        "amount": 12.5,
        "purse": "",
        "type": "Invoice",
        "status": "Payed",
        "invoiceid": 5,
        "uniqueid": invoice.reference.value,
    } | changed
    raw = json.dumps(body).encode()
    secret = invoice.account.keys["api_secret"]
    good = hmac.new(secret.encode(), raw, hashlib.sha512).hexdigest()
    path = callback_tokens.callback_url(invoice.account).removeprefix(settings.PUBLIC_URL)
    headers = {
        "X-SIGNATURE": good
        if signature is None
        else signature.replace("GOOD", good).replace("good", good[:64])
    }
    assert Client().post(path, raw, content_type="application/json", headers=headers).status_code == 200
    return Callback.objects.latest("pk")


def work() -> None:
    """One look of the worker."""
    while ids := callbacks.claim(50):
        for callback_id in ids:
            callbacks.process(callback_id=callback_id)


def pay(box: Any, invoice: Invoice) -> None:
    box.control(f"bitloga/invoices/{invoice.reference.value}/pay", {})


class TestSigned:
    def test_it_asks_and_books_the_providers_answer(self, invoice: Invoice, box: Any) -> None:
        pay(box, invoice)
        callback = deliver(invoice, box)
        work()
        invoice.refresh_from_db()
        callback.refresh_from_db()
        assert (invoice.status, callback.status, callback.reference_id) == (
            "paid",
            "done",
            invoice.reference_id,
        )
        assert Movement.objects.get().way == "callback"

    def test_a_question_that_was_not_answered_does_not_stand_in_for_asking(
        self, invoice: Invoice, box: Any
    ) -> None:
        pay(box, invoice)
        deliver(invoice, box)
        broken = {"provider": "bitloga", "action": "details", "mode": "status_500", "count": 9}
        box.control("faults", broken)
        with pytest.raises(ProviderError):
            invoices.refresh(invoice_id=invoice.pk)
        box.control("faults", method="DELETE")
        work()
        invoice.refresh_from_db()
        assert invoice.status == "paid"

    def test_it_is_not_believed_when_the_provider_says_otherwise(self, invoice: Invoice, box: Any) -> None:
        deliver(invoice, box)
        work()
        invoice.refresh_from_db()
        assert invoice.status == "open"
        assert not Movement.objects.exists()

    def test_upper_case_hex_is_the_same_signature(self, invoice: Invoice, box: Any) -> None:
        pay(box, invoice)
        callback = deliver(invoice, box)
        Callback.objects.filter(pk=callback.pk).update(signature=callback.signature.upper())
        work()
        callback.refresh_from_db()
        assert callback.status == "done"

    def test_another_amount_in_the_body_is_told(self, invoice: Invoice, box: Any) -> None:
        pay(box, invoice)
        callback = deliver(invoice, box, amount=99)
        work()
        callback.refresh_from_db()
        assert (callback.status, callback.tries) == ("done", 1)
        invoice.refresh_from_db()
        assert invoice.status == "paid"
        assert Movement.objects.get().amount == invoice.expected
        assert ExceptionItem.objects.get().kind == "mismatch"

    def test_a_reference_that_is_not_ours_is_told(self, invoice: Invoice, box: Any) -> None:
        callback = deliver(invoice, box, uniqueid="990101000000000000")
        work()
        callback.refresh_from_db()
        assert callback.status == "stray"
        assert ExceptionItem.objects.get().kind == "unknown_reference"

    def test_a_reference_of_another_account_is_not_found(self, invoice: Invoice, box: Any) -> None:
        other = factories.open_invoice(factories.account(box, rate_limit="500"))
        pay(box, other)
        callback = deliver(invoice, box, uniqueid=other.reference.value)
        work()
        callback.refresh_from_db()
        other.refresh_from_db()
        assert (callback.status, other.status) == ("stray", "open")

    def test_replayed_after_a_year_it_moves_nothing(self, invoice: Invoice, box: Any) -> None:
        pay(box, invoice)
        for _time in range(3):
            deliver(invoice, box)
            work()
        assert Movement.objects.count() == 1
        assert Callback.objects.filter(status="done").count() == 3


class TestForged:
    @pytest.mark.parametrize("signature", ["", "00", "good", "x" * 128, "GOOD0", "é" * 4])
    def test_a_wrong_signature_changes_nothing_and_is_counted(
        self, invoice: Invoice, box: Any, signature: str
    ) -> None:
        pay(box, invoice)
        callback = deliver(invoice, box, signature=signature.encode("ascii", "ignore").decode())
        work()
        invoice.refresh_from_db()
        callback.refresh_from_db()
        assert (callback.status, invoice.status) == ("forged", "open")
        assert ExceptionItem.objects.get().kind == "forged_callback"

    def test_the_secret_of_another_account_is_a_wrong_one(self, invoice: Invoice, box: Any) -> None:
        other = factories.open_invoice(factories.account(box, rate_limit="500"))
        callback = deliver(other, box)
        mine = deliver(invoice, box, signature=callback.signature)
        work()
        mine.refresh_from_db()
        assert mine.status == "forged"

    def test_past_twenty_a_minute_they_are_only_counted(self, invoice: Invoice, box: Any) -> None:
        for number in range(30):
            deliver(invoice, box, signature="00", invoiceid=number)
        work()
        assert Callback.objects.filter(status="forged").count() == 20
        assert ExceptionItem.objects.get().seen == 30


class TestDuplicates:
    def test_fifty_at_once_book_one_movement(self, invoice: Invoice, box: Any) -> None:
        pay(box, invoice)
        for number in range(50):
            callback = deliver(invoice, box)
            Callback.objects.filter(pk=callback.pk).update(digest=f"another burst {number}")

        def one(callback_id: int) -> None:
            try:
                callbacks.process(callback_id=callback_id)
            finally:
                connections.close_all()

        ids = callbacks.claim(100)
        assert len(ids) == 50
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(one, ids))
        assert Movement.objects.count() == 1
        assert Callback.objects.filter(status="done").count() == 50

    @pytest.mark.parametrize(
        "order", list(itertools.permutations(["Created", "Pending", "Payed", "Complete", "Error"]))[::6]
    )
    def test_in_any_order_the_providers_truth_stands(self, invoice: Invoice, box: Any, order: Any) -> None:
        pay(box, invoice)
        for word in order:
            deliver(invoice, box, status=word)
            work()
        invoice.refresh_from_db()
        assert invoice.status == "paid"
        assert Movement.objects.count() == 1


class TestTrouble:
    def test_a_provider_that_is_down_leaves_it_waiting_and_shown(self, invoice: Invoice, box: Any) -> None:
        pay(box, invoice)
        callback = deliver(invoice, box)
        box.pause()
        try:
            for callback_id in callbacks.claim(1):
                callbacks.process(callback_id=callback_id)
        finally:
            box.resume()
        callback.refresh_from_db()
        invoice.refresh_from_db()
        assert (callback.status, invoice.status) == ("waiting", "open")
        assert invoice.claimed_paid_at is not None
        work()
        invoice.refresh_from_db()
        assert (invoice.status, invoice.claimed_paid_at) == ("paid", None)

    def test_a_poison_row_dies_visibly_and_stops_nobody(
        self, invoice: Invoice, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pay(box, invoice)
        poison = deliver(invoice, box, invoiceid=1)
        other = deliver(invoice, box, invoiceid=2)
        real = callbacks._process

        def poisoned(callback: Callback) -> None:
            if callback.pk == poison.pk:
                raise KeyError("poison")
            real(callback)

        monkeypatch.setattr(callbacks, "_process", poisoned)
        work()
        poison.refresh_from_db()
        other.refresh_from_db()
        assert (poison.status, poison.tries, other.status) == ("dead", 5, "done")
        assert ExceptionItem.objects.get(kind="dead_callback").facts["callback"] == poison.pk

    def test_signed_garbage_never_stops_the_inbox(self, invoice: Invoice, box: Any) -> None:
        import hashlib
        import hmac

        path = callback_tokens.callback_url(invoice.account).removeprefix(settings.PUBLIC_URL)
        for raw in (
            b"",
            b"null",
            b"[]",
            b"{}",
            b'"x"',
            b"{" * 5000,
            b"\xff",
            b'{"uniqueid":{}}',
            b'{"uniqueid":"1","uniqueid":"2"}',
        ):
            signature = hmac.new(invoice.account.keys["api_secret"].encode(), raw, hashlib.sha512).hexdigest()
            Client().post(path, raw, content_type="application/json", headers={"X-SIGNATURE": signature})
        work()
        assert not Callback.objects.filter(status__in=["new", "working", "waiting", "dead"]).exists()


class TestReplay:
    def test_process_again_asks_the_provider(self, invoice: Invoice, box: Any, people: Any) -> None:
        callback = deliver(invoice, box)
        work()
        pay(box, invoice)
        callback.refresh_from_db()
        callbacks.replay(actor=people["approver"], callback=callback)
        invoices.refresh(invoice_id=invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "paid"
