"""Bills in ordinary money: made once, found again by their own callback address, paid by payments that name no bill.

RELIABILITY C02 and C03 for bitexbit, A04 to A09 for invoice/create, D06, E18.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models.functions import Now
from django.utils import timezone

from payments.models import (
    Approval,
    Callback,
    CallbackToken,
    ExceptionItem,
    Freeze,
    Invoice,
    InvoicePayment,
    Movement,
    ProviderAccount,
    ProviderCall,
)
from payments.providers.errors import ProviderError
from payments.services import (
    callback_tokens,
    callbacks,
    exceptions,
    freeze,
    invoice_payments,
    invoices,
    polling,
)
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def hasty(settings: Any) -> None:
    settings.MATCH_PATIENCE_SECONDS = 0


def make(account: Any, actor: Any = None, **changed: Any) -> Invoice:
    fields = {"ticker": "UAH", "network": "visa", "amount": "100", "client_ip": "8.8.4.4"} | changed
    return invoices.create(actor=actor, account=account, fields={k: v for k, v in fields.items() if v})


def opened(account: Any, **changed: Any) -> Invoice:
    made = make(account, **changed)
    invoices.submit(invoice_id=made.pk)
    made.refresh_from_db()
    assert made.status == "open", made.last_error
    return made


def look(invoice: Invoice) -> Invoice:
    with contextlib.suppress(ProviderError):
        invoices.refresh(invoice_id=invoice.pk)
    invoice.refresh_from_db()
    return invoice


def call(client: Any, invoice: Invoice, body: bytes = b"{}") -> None:
    """The provider calls the bill's own address."""
    token = CallbackToken.objects.get(reference=invoice.reference).token
    assert (
        client.post(f"/callbacks/bitexbit/{token}/", body, content_type="application/json").status_code == 200
    )


def booked() -> Counter[str]:
    found: Counter[str] = Counter()
    for movement in Movement.objects.all():
        found[movement.kind] += movement.amount
    return found


def kinds() -> list[str]:
    return sorted(ExceptionItem.objects.values_list("kind", flat=True))


class TestMaking:
    def test_it_is_made_once_with_a_page_for_the_payer(self, there: Any, desk: Any) -> None:
        made = opened(there, payment_url="https://shop.example/thanks", _customer_reference="ann")
        assert made.payment_url.startswith("https://pay.example/")
        ((_path, body),) = desk.bodies
        assert (body["client_ip"], body["amount"], body["payment_url"]) == (
            "8.8.4.4",
            "100",
            "https://shop.example/thanks",
        )
        token = CallbackToken.objects.get(reference=made.reference).token
        assert body["callback_url"].endswith(f"/callbacks/bitexbit/{token}/")
        assert not [c for c in ProviderCall.objects.all() if token in c.request + c.response]
        invoices.submit(invoice_id=made.pk)
        assert desk.seen["invoice/create"] == 1

    @pytest.mark.parametrize(
        ("changed", "at"),
        [
            ({"network": "nowhere"}, "network"),
            ({"ticker": "USDT", "network": "tron"}, "network"),  # a coin is for wallets
            ({"amount": "0.5"}, "amount"),
            ({"amount": "10000.01"}, "amount"),
            ({"amount": "1.001"}, "amount"),
            ({"amount": ""}, "amount"),
            ({"client_ip": ""}, "client_ip"),
            ({"client_ip": "8.8.8"}, "client_ip"),
            ({"client_ip": "192.168.0.1"}, "client_ip"),
            ({"payment_url": "javascript:1"}, "payment_url"),
            ({"convert_ticker": "BTC"}, "convert_percent"),
            ({"desc": "x"}, "desc"),
        ],
    )
    def test_bad_input_is_named(self, there: Any, changed: Any, at: str) -> None:
        with pytest.raises(ValidationError) as caught:
            make(there, **changed)
        assert at in caught.value.error_dict

    def test_a_conversion_needs_another_persons_yes(self, there: Any, people: Any, desk: Any) -> None:
        made = make(there, people["operator"], convert_ticker="BTC", convert_percent="2")
        invoices.submit(invoice_id=made.pk)
        made.refresh_from_db()
        assert (made.status, desk.bodies) == ("awaiting_approval", [])
        with pytest.raises(PermissionDenied):
            invoices.approve(actor=people["operator"], invoice=made)
        invoices.approve(actor=people["approver"], invoice=made, seen=invoices.bound(made))
        Invoice.objects.filter(pk=made.pk).update(fields=made.fields | {"convert_percent": "5"})
        invoices.submit(invoice_id=made.pk)
        made.refresh_from_db()
        assert (made.status, desk.bodies) == ("awaiting_approval", [])
        invoices.approve(actor=people["approver"], invoice=made)
        invoices.submit(invoice_id=made.pk)
        made.refresh_from_db()
        assert made.status == "open", made.last_error
        other = make(there, people["operator"], convert_ticker="BTC", convert_percent="2")
        invoices.reject(actor=people["approver"], invoice=other, reason="no")

    @pytest.mark.parametrize("is_frozen", [True, False])
    def test_no_conversion_while_money_out_is_stopped(
        self, there: Any, people: Any, desk: Any, is_frozen: bool
    ) -> None:
        made = make(there, people["operator"], convert_ticker="BTC", convert_percent="2")
        invoices.approve(actor=people["approver"], invoice=made)
        if is_frozen:
            freeze.set(actor=people["finance"], reason="stop")
        else:
            ProviderAccount.objects.filter(pk=there.pk).update(money_out=False)
        invoices.submit(invoice_id=made.pk)
        made.refresh_from_db()
        assert (made.status, made.claimed_until, desk.bodies) == ("creating", None, [])
        assert made.last_error
        assert opened(there).status == "open"  # without a conversion it is money in
        Freeze.objects.all().delete()
        ProviderAccount.objects.filter(pk=there.pk).update(money_out=True)
        invoices.submit(invoice_id=made.pk)
        made.refresh_from_db()
        assert made.status == "open", made.last_error

    def test_a_yes_that_lapses_before_it_is_sent_is_asked_for_again(
        self, there: Any, people: Any, desk: Any
    ) -> None:
        made = make(there, people["operator"], convert_ticker="BTC", convert_percent="2")
        invoices.approve(actor=people["approver"], invoice=made)
        desk.faults["invoice/create"] = [429]
        invoices.submit(invoice_id=made.pk)
        made.refresh_from_db()
        assert made.status == "creating"
        Approval.objects.update(expires_at=timezone.now() - dt.timedelta(hours=1))
        invoices.submit(invoice_id=made.pk)
        made.refresh_from_db()
        assert made.status == "awaiting_approval"
        invoices.approve(actor=people["approver"], invoice=made)
        invoices.submit(invoice_id=made.pk)
        made.refresh_from_db()
        assert made.status == "open", made.last_error


class TestDoubt:
    def test_what_was_made_is_found_by_its_own_callback_address(self, there: Any, desk: Any) -> None:
        made = make(there)
        desk.faults["invoice/create"] = ["drop"]
        invoices.submit(invoice_id=made.pk)
        assert look(made).status == "open"
        assert made.provider_id == desk.lists["invoices"][0]["slug"]
        invoices.submit(invoice_id=made.pk)
        assert desk.seen["invoice/create"] == 1

    def test_three_looks_and_then_a_person_closes_it(self, there: Any, desk: Any, people: Any) -> None:
        made = make(there)
        desk.faults["invoice/create"] = [500]
        invoices.submit(invoice_id=made.pk)
        for n in (1, 2, 3):
            with pytest.raises(ValidationError):
                invoices.resolve(actor=people["approver"], invoice=made, note="gone")
            assert look(made).misses == n
        invoices.resolve(actor=people["approver"], invoice=made, note="gone")
        made.refresh_from_db()
        assert made.status == "failed"


class TestPaying:
    def test_amount_and_fee_are_what_was_billed(self, there: Any, desk: Any) -> None:
        made = opened(there)
        desk.payment()  # 98 + 2
        assert look(made).status == "paid"
        assert (made.received, made.fee) == (100, 2)
        assert booked() == {"invoice": 100, "fee": -2}
        look(made)
        assert booked() == {"invoice": 100, "fee": -2}

    @pytest.mark.parametrize(("amount", "fee"), [("97", "2"), ("99", "2"), ("100", "2"), ("0.98", "0.02")])
    def test_another_amount_is_nobodys(self, there: Any, desk: Any, amount: str, fee: str) -> None:
        """C02: partial and over."""
        made = opened(there)
        desk.payment(amount=amount, fee=fee)
        assert look(made).status == "open"
        assert kinds() == ["ambiguous"]
        assert not booked()

    def test_paid_late_it_is_paid_and_told(self, there: Any, desk: Any) -> None:
        """C02: after it expired."""
        made = opened(there)
        Invoice.objects.update(expires_at=timezone.now() - dt.timedelta(days=1))
        invoices.expire()
        desk.payment()
        assert look(made).status == "paid"
        assert kinds() == ["late_payment"]

    def test_a_second_payment_is_told(self, there: Any, desk: Any) -> None:
        """C02: two payments."""
        made = opened(there)
        desk.payment()
        look(made)
        desk.payment()
        look(made)
        assert kinds() == ["ambiguous"]
        assert booked()["invoice"] == 100

    def test_its_transaction_may_come_later(self, there: Any, desk: Any) -> None:
        made, other = opened(there), opened(there, amount="150")
        row = desk.payment(status=1, txid=None)
        look(made)
        row.update(status=5, txid="late")
        assert look(made).status == "paid"
        row["txid"] = None
        look(made)
        assert InvoicePayment.objects.get().txid == "late"
        assert (look(other).status, kinds(), booked()["invoice"]) == ("open", [], 100)

    def test_another_transaction_in_its_place_is_for_a_person(self, there: Any, desk: Any) -> None:
        made = opened(there)
        row = desk.payment(txid="first")
        assert look(made).status == "paid"
        other = opened(there)
        Invoice.objects.filter(pk=other.pk).update(created_at=made.created_at)
        row["txid"] = "second"
        assert look(other).status == "open"
        assert (booked()["invoice"], kinds()) == (100, ["ambiguous"])

    @pytest.mark.parametrize("is_moved", [False, True])
    def test_one_transaction_never_pays_two_bills(self, there: Any, desk: Any, is_moved: bool) -> None:
        one, two = opened(there, amount="100"), opened(there, amount="50")
        row = desk.payment(amount="100", fee="0", txid="same")
        assert look(one).status == "paid"
        row.update(amount="50")  # corrected there
        if is_moved:
            row.update(created_at=timezone.now().isoformat())
        for _n in range(2):
            look(two)
        assert (two.status, booked(), kinds()) == ("open", {"invoice": 100}, ["ambiguous"])

    def test_a_rejected_one_that_is_confirmed_after_another_paid_is_told(self, there: Any, desk: Any) -> None:
        made = opened(there)
        first = desk.payment(status=6)
        look(made)
        desk.payment()
        assert look(made).status == "paid"
        assert kinds() == ["deposit_rejected"]
        first["status"] = 5
        for _n in range(2):
            look(made)
        assert (booked()["invoice"], kinds()) == (100, ["deposit_rejected", "overpaid"])

    @pytest.mark.parametrize(
        "bad",
        [
            {"amount": "1.0000000000000000001"},
            {"amount": "999999999999999999", "fee": "1"},  # both can be read, their sum cannot be kept
        ],
    )
    def test_a_line_that_cannot_be_kept_stops_no_other(
        self, there: Any, desk: Any, bad: dict[str, str]
    ) -> None:
        desk.payment(**bad)
        made = opened(there)
        desk.payment()
        assert look(made).status == "paid"
        look(made)
        assert kinds() == ["bad_row"]

    def test_a_line_of_the_future_hides_none_that_is_paid_before(self, there: Any, desk: Any) -> None:
        made = opened(there)
        desk.payment(amount="1", created_at=(timezone.now() + dt.timedelta(days=365)).isoformat())
        look(made)
        desk.payment()
        assert look(made).status == "paid"

    def test_pending_is_not_paid_and_rejected_is_told(self, there: Any, desk: Any) -> None:
        made = opened(there)
        row = desk.payment(status=1)
        assert look(made).status == "open"
        row["status"] = 6
        assert look(made).status == "open"
        assert kinds() == ["deposit_rejected"]
        desk.payment(status=5)
        assert look(made).status == "paid"

    def test_a_payment_taken_back_changes_nothing_by_machine(self, there: Any, desk: Any) -> None:
        """E18."""
        made = opened(there)
        row = desk.payment()
        look(made)
        row["status"] = 6
        assert look(made).status == "paid"
        assert kinds() == ["taken_back"]

    def test_one_reading_asks_about_all_of_an_account(self, there: Any, desk: Any) -> None:
        for n in range(4):
            opened(there, amount=str(50 + n))
            desk.payment(amount=str(50 + n), fee="0")
        desk.seen.clear()
        Invoice.objects.update(next_check_at=Now())
        polling.run_due(limit=50)
        assert Counter(Invoice.objects.values_list("status", flat=True)) == {"paid": 4}
        assert desk.seen["invoice/history"] == 1


class TestOrders:
    """`convert_*`: what the order of the provider's own did is documented nowhere, so nothing is booked by guess."""

    def test_a_person_is_told_what_to_do(self, there: Any, desk: Any, people: Any) -> None:
        made = make(there, people["operator"], convert_ticker="BTC", convert_percent="2")
        invoices.approve(actor=people["approver"], invoice=made)
        invoices.submit(invoice_id=made.pk)
        order = {"symbol": "BTC_UAH", "amount": "0.00004", "price": "2450000", "side": "BUY"}
        desk.payment(convert=order | {"state": "partial-filled"})
        assert look(made).status == "paid"
        assert booked() == {"invoice": 100, "fee": -2}
        (item,) = ExceptionItem.objects.all()
        for said in ("BUY 0.00004 BTC_UAH 2450000 partial-filled", "UAH + BTC", "an admin enters"):
            assert said in item.title


class TestHeld:
    def test_less_than_billed_is_held_and_paid_when_it_is_let_go(
        self, there: Any, desk: Any, people: Any
    ) -> None:
        """D06: a person said of which bill it is, and it is still not what was billed."""
        made = opened(there)
        desk.payment(amount="88")
        look(made)
        payment = InvoicePayment.objects.get()
        invoice_payments.assign(actor=people["approver"], payment=payment, invoice=made, note="he says so")
        assert look(made).status == "open"
        made.reference.refresh_from_db()
        assert made.reference.held_at is not None
        exceptions.release_hold(actor=people["approver"], reference=made.reference, note="we take it")
        assert look(made).status == "paid"
        assert (made.received, booked()) == (90, {"invoice": 90, "fee": -2})

    def test_a_worker_that_dies_between_match_and_booking_loses_nothing(
        self, there: Any, desk: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = opened(there)
        desk.payment()

        def dies(*_arguments: Any) -> None:
            raise SystemError

        with monkeypatch.context() as patched, contextlib.suppress(SystemError):
            patched.setattr(invoice_payments, "_apply", dies)
            invoices.refresh(invoice_id=made.pk)
        assert InvoicePayment.objects.get().invoice == made
        assert not booked()
        assert look(made).status == "paid"


class TestMatching:
    """C03."""

    def test_two_alike_are_left_to_a_person(self, there: Any, desk: Any, people: Any) -> None:
        one, two = opened(there), opened(there)
        desk.payment()
        assert (look(one).status, look(two).status) == ("open", "open")
        assert kinds() == ["ambiguous"]
        payment = InvoicePayment.objects.get()
        with pytest.raises(ValidationError):
            invoice_payments.assign(actor=people["approver"], payment=payment, invoice=two, note="")
        invoice_payments.assign(
            actor=people["approver"], payment=payment, invoice=two, note="he sent a receipt"
        )
        two.refresh_from_db()
        assert (one.status, two.status) == ("open", "paid")
        assert not ExceptionItem.objects.filter(status="open").exists()
        with pytest.raises(ValidationError):
            invoice_payments.assign(actor=people["approver"], payment=payment, invoice=one, note="again")

    @pytest.mark.parametrize(
        ("body", "status"),
        [(b"{}", "open"), (b'{"txid": "another"}', "open"), (b'{"txid": "this"}', "paid")],
    )
    def test_of_two_free_bills_only_a_named_transaction_tells(
        self, there: Any, desk: Any, client: Any, body: bytes, status: str
    ) -> None:
        one, two = opened(there), opened(there)
        desk.payment(txid="this")
        call(client, two, body)
        for pk in callbacks.claim(10):
            callbacks.process(callback_id=pk)
        one.refresh_from_db()
        two.refresh_from_db()
        assert (one.status, two.status) == ("open", status)

    @pytest.mark.parametrize(("body", "status"), [(b"{}", "paid"), (b'{"txid": "another"}', "open")])
    def test_the_last_free_bills_own_callback_is_enough_unless_it_names_another(
        self, there: Any, desk: Any, client: Any, body: bytes, status: str
    ) -> None:
        one, two = opened(there), opened(there)
        desk.payment(txid="first")
        call(client, one, b'{"txid": "first"}')
        assert look(one).status == "paid"
        desk.payment(txid="second")
        call(client, two, body)
        assert look(two).status == status

    def test_a_callback_that_names_the_transaction_is_certain(
        self, there: Any, desk: Any, client: Any
    ) -> None:
        one, two = opened(there), opened(there)
        desk.payment(txid="t1")
        desk.payment(txid="t2")
        call(client, one, b'{"txid": "t2"}')
        call(client, two, b'{"txid": "t1"}')
        look(one)
        two.refresh_from_db()
        joined = dict(InvoicePayment.objects.values_list("txid", "invoice"))
        assert joined == {"t1": two.pk, "t2": one.pk}
        assert (one.status, two.status) == ("paid", "paid")

    def test_a_payment_before_the_bill_is_not_its(self, there: Any, desk: Any) -> None:
        desk.payment(created_at=(timezone.now() - dt.timedelta(minutes=5)).isoformat())
        made = opened(there)
        assert look(made).status == "open"

    def test_a_callback_before_the_payment_proves_nothing(self, there: Any, desk: Any, client: Any) -> None:
        one, two = opened(there), opened(there)
        call(client, two)
        Callback.objects.update(received_at=timezone.now() - dt.timedelta(minutes=1))
        desk.payment()
        assert (look(one).status, look(two).status) == ("open", "open")

    def test_only_approvers_may_say(self, there: Any, desk: Any) -> None:
        made = opened(there, amount="50")
        desk.payment()
        look(made)
        with pytest.raises(PermissionDenied):
            invoice_payments.assign(
                actor=factories.person("operator"),
                payment=InvoicePayment.objects.get(),
                invoice=made,
                note="x",
            )

    @pytest.mark.parametrize("runs", [10, pytest.param(1000, marks=pytest.mark.long)])
    def test_random_sets_are_never_matched_wrongly(self, there: Any, desk: Any, runs: int) -> None:
        """Equal amounts in the same minute, payments in any order, callbacks that are lost or doubled."""
        from payments.providers.wallets import InvoicePaymentReport

        now = timezone.now()
        for seed in range(runs):
            chance = random.Random(seed)
            bills = [
                opened_row(there, Decimal(chance.choice([100, 200])) + seed * 1000, now) for _n in range(4)
            ]
            truth: dict[str, int] = {}
            listed, told = [], []
            for bill in bills:
                for _times in range(chance.choice([0, 1, 1, 1, 2])):
                    txid = f"{seed}-{len(truth)}"
                    truth[txid] = bill.pk
                    at = now + dt.timedelta(seconds=chance.randrange(1, 60))
                    listed.append(
                        InvoicePaymentReport(
                            "UAH", "visa", bill.expected - 2, Decimal(2), "confirmed", "5", txid, at, at
                        )
                    )
                    if chance.random() < 0.7:
                        told.append(
                            (bill, at + dt.timedelta(seconds=1), txid if chance.random() < 0.3 else "")
                        )
            listed.sort(key=lambda one: one.created_at)
            for one in listed:
                # A callback is sent once its payment stands in the history: what is read after it shows it.
                until = one.created_at + dt.timedelta(seconds=2)
                for bill, at, txid in [each for each in told if each[1] <= until]:
                    told.remove((bill, at, txid))
                    callback(bill, at, txid)
                there_now = [each for each in listed if each.created_at <= until]
                invoice_payments.keep(account=there, listed=there_now, way="poll", asked_at=until)
            wrong = [
                (txid, bill)
                for txid, bill in InvoicePayment.objects.filter(
                    invoice__isnull=False, txid__startswith=f"{seed}-"
                ).values_list("txid", "invoice")
                if truth[txid] != bill
            ]
            assert not wrong, f"seed {seed}: {wrong}"
            InvoicePayment.objects.filter(invoice=None).delete()  # people have seen to the rest


def opened_row(account: Any, amount: Decimal, now: dt.datetime) -> Invoice:
    """An open bill, as if it had been made a minute ago."""
    from django.db import transaction

    from payments.services import references

    with transaction.atomic():
        reference = references.take(account=account, kind="invoice")
        callback_tokens.object_token(reference)
        made = Invoice.objects.create(
            reference=reference, account=account, status="creating", method="UAH:visa", currency="UAH",
            amount=amount, expected=amount, to_balance=True,
        )  # fmt: skip
        from backoffice import audit
        from payments.services import invoice_reports

        audit.record(None, "invoice.created", made)
        invoice_reports.move(made, "open", way="reply")
    Invoice.objects.filter(pk=made.pk).update(created_at=now - dt.timedelta(seconds=30))
    made.refresh_from_db()
    return made


def callback(bill: Invoice, at: dt.datetime, txid: str) -> None:
    body = b'{"txid": "%s"}' % txid.encode() if txid else b"{}"
    Callback.objects.create(
        account=bill.account, token_reference=bill.reference, reference=bill.reference, body=body, size=len(body),
        digest=f"{Callback.objects.count():064x}", status="done", received_at=at,
    )  # fmt: skip
