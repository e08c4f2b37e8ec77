"""Withdrawals at a provider that only lists them, states no debit and promises no refusal of a repeat.

RELIABILITY A04 to A09, D06, E10, E13, E18 for withdraw/create.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from payments.models import (
    Callback,
    CallbackToken,
    ExceptionItem,
    Method,
    Movement,
    ProviderAccount,
    ProviderCall,
    Reservation,
    Withdrawal,
)
from payments.providers.errors import ProviderError, Refused
from payments.services import (
    balances,
    callbacks,
    exceptions,
    movements,
    polling,
    reservations,
    stated_methods,
    withdrawal_decisions,
    withdrawals,
)
from tests import factories
from tests.payments.desk_rows import PAYEE, approved, ask, sent

pytestmark = pytest.mark.django_db(transaction=True)
CARD = "4242424242424242"


def row(desk: Any, **changed: Any) -> dict[str, Any]:
    """The newest withdrawal there, changed."""
    desk.lists["withdraw/history"][0].update(changed)
    return desk.lists["withdraw/history"][0]


def look(withdrawal: Withdrawal) -> Withdrawal:
    with contextlib.suppress(ProviderError):
        withdrawals.refresh(withdrawal_id=withdrawal.pk)
    withdrawal.refresh_from_db()
    return withdrawal


def booked() -> dict[str, Decimal]:
    return {f"{m.kind} {m.currency}": m.amount.normalize() for m in Movement.objects.all()}


def kinds() -> set[str]:
    return set(ExceptionItem.objects.values_list("kind", flat=True))


class TestRequest:
    @pytest.mark.parametrize(
        ("changed", "at"),
        [
            ({"network": "nowhere"}, "network"),
            ({"ticker": "BTC", "network": "btc"}, "network"),  # closed there
            ({"amount": "4.99"}, "amount"),
            ({"amount": "1000.01"}, "amount"),
            ({"amount": "0"}, "amount"),
            ({"address": None}, "address"),
            ({"address": "0xde709f2102306220921060314715629080e2fb77"}, "address"),  # of another network
            ({"address": None, "card": CARD}, "card"),
            ({"card": CARD}, "card"),
            ({"ticker": "UAH", "network": "visa"}, "address"),
            ({"ticker": "UAH", "network": "visa", "address": None}, "card"),
            ({"ticker": "UAH", "network": "visa", "address": None, "card": "4242424242424241"}, "card"),
            ({"ticker": "XRP", "network": "xrp", "address": "rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY"}, "destination_tag"),
            ({"memo": "1", "destination_tag": "2"}, "memo"),
            ({"fee_payer": "3"}, "fee_payer"),
            ({"auto_buy_ticker": "BTC"}, "auto_buy_percent"),
            ({"auto_buy_percent": "2"}, "auto_buy_ticker"),
            ({"auto_buy_ticker": "BTC", "auto_buy_percent": "much"}, "auto_buy_percent"),
            ({"paysys": "USDT:tron"}, "paysys"),
        ],
    )  # fmt: skip
    def test_bad_input_is_named_at_its_field(self, there: Any, people: Any, changed: Any, at: str) -> None:
        with pytest.raises(ValidationError) as caught:
            ask(there, people["operator"], **changed)
        assert at in caught.value.error_dict
        assert not Withdrawal.objects.exists()

    def test_the_fee_of_the_method_is_estimated_and_reserved(self, there: Any, people: Any) -> None:
        made = approved(there, people)
        assert (made.fee_quoted, made.fee_currency, made.fee_payer) == (Decimal("1.1"), "USDT", "balance")
        assert (made.estimate, made.max_debit) == (Decimal("11.1"), Decimal("11.322"))
        assert Reservation.objects.get().amount == made.max_debit

    def test_the_amount_may_pay_the_fee_only_in_its_own_currency(self, there: Any, people: Any) -> None:
        made = approved(there, people, fee_payer="2")
        assert (made.estimate, made.fee_payer) == (10, "amount")
        admin = factories.person("admin")
        for code in ("USDC", "ETH"):
            balances.set_opening(actor=admin, account=there, currency=code, amount="100", note="x")
        fields = {
            "ticker": "USDC",
            "network": "erc20",
            "address": "0xde709f2102306220921060314715629080e2fb77",
        }
        with pytest.raises(ValidationError) as caught:
            ask(there, people["operator"], **fields, fee_payer="2")
        assert "fee_payer" in caught.value.error_dict

    def test_a_fee_in_another_currency_is_reserved_and_booked_there(
        self, there: Any, people: Any, desk: Any
    ) -> None:
        admin = factories.person("admin")
        for code in ("USDC", "ETH"):
            balances.set_opening(actor=admin, account=there, currency=code, amount="100", note="x")
        fields = {
            "ticker": "USDC",
            "network": "erc20",
            "address": "0xde709f2102306220921060314715629080e2fb77",
        }
        made = approved(there, people, **fields)
        held = {
            r.balance.currency: r.amount.normalize() for r in Reservation.objects.select_related("balance")
        }
        assert held == {"USDC": Decimal("10.2"), "ETH": Decimal("1.02")}
        withdrawals.submit(withdrawal_id=made.pk)
        assert booked() == {"withdrawal USDC": -10, "fee ETH": -1}
        sums = movements.per_currency(movements.sums(Movement.objects.all()) or [])
        assert [(line["currency"], line["went"], line["total"]) for line in sums] == [
            ("ETH", -1, -1),
            ("USDC", -10, -10),
        ]
        assert not Reservation.objects.filter(ended_at=None).exists()

    def test_without_money_for_the_fee_it_is_not_approved(self, there: Any, people: Any) -> None:
        admin = factories.person("admin")
        balances.set_opening(actor=admin, account=there, currency="USDC", amount="100", note="x")
        fields = {
            "ticker": "USDC",
            "network": "erc20",
            "address": "0xde709f2102306220921060314715629080e2fb77",
        }
        made = ask(there, people["operator"], **fields)
        with pytest.raises(ValidationError):
            withdrawals.approve(actor=people["approver"], withdrawal=made)
        assert not Reservation.objects.exists()

    def test_a_fee_that_has_grown_is_not_approved(self, there: Any, people: Any, desk: Any) -> None:
        made = ask(there, people["operator"])
        desk.methods[0]["withdraw_fee_amount"] = "1.1"  # within the reserve
        stated_methods.refresh(account_id=there.pk)
        Withdrawal.objects.filter(pk=made.pk).update(max_debit=Decimal("11.15"))
        with pytest.raises(ValidationError, match="fee has changed"):
            withdrawals.approve(actor=people["approver"], withdrawal=made)
        Withdrawal.objects.filter(pk=made.pk).update(max_debit=Decimal("11.322"))
        withdrawals.approve(actor=people["approver"], withdrawal=made)
        made.refresh_from_db()
        assert made.fee_quoted == Decimal("1.2")

    def test_an_order_is_bound_by_the_approval(self, there: Any, people: Any) -> None:
        made = ask(there, people["operator"], auto_buy_ticker="BTC", auto_buy_percent="2")
        before = withdrawals.bound(made)
        made.fields = made.fields | {"auto_buy_percent": "5"}
        assert withdrawals.bound(made) != before


class TestSending:
    def test_what_was_approved_is_sent_once_and_booked_as_computed(
        self, there: Any, people: Any, desk: Any
    ) -> None:
        made = sent(there, people, comment="thanks")
        assert made.status == "pending", made.last_error
        ((path, body),) = desk.bodies
        assert path == "withdraw/create"
        assert body["client_order_id"] == made.reference.value
        assert (body["ticker"], body["network"], body["amount"], body["address"]) == (
            "USDT",
            "tron",
            "10",
            PAYEE,
        )
        assert body["comment"] == "thanks"
        assert not {name for name in body if name.startswith("auto_buy")}
        token = CallbackToken.objects.get(reference=made.reference)
        assert body["callback_url"].endswith(f"/callbacks/bitexbit/{token.token}/")
        assert booked() == {"withdrawal USDT": -10, "fee USDT": Decimal("-1.1")}
        assert {m.label for m in Movement.objects.all()} == {"computed"}
        assert reservations.available(there.balances.get(currency="USDT")) == Decimal("988.9")

    def test_a_fee_out_of_the_amount(self, there: Any, people: Any, desk: Any) -> None:
        sent(there, people, fee_payer="2")
        assert desk.bodies[0][1]["fee_payer"] == 2
        assert booked() == {"withdrawal USDT": Decimal("-8.9"), "fee USDT": Decimal("-1.1")}

    def test_ordinary_money_goes_to_a_card_that_nobody_sees(self, there: Any, people: Any, desk: Any) -> None:
        made = sent(there, people, ticker="UAH", network="visa", address=None, card="4242 4242 4242 4242")
        assert made.status == "pending", made.last_error
        assert desk.bodies[0][1]["card"] == CARD
        assert made.shown == "424242******4242"
        assert not [c for c in ProviderCall.objects.all() if CARD in c.request + c.response]

    @pytest.mark.parametrize(
        ("word", "status"),
        [
            (10, "pending"), (20, "pending"), ("23", "pending"), (25, "pending"), (26, "pending"), ("27", "pending"),
            (30, "complete"), ("30", "complete"), (40, "failed"), (50, "failed"), (0, "unknown"), (99, "unknown"),
        ],
    )  # fmt: skip
    def test_every_status(self, there: Any, people: Any, desk: Any, word: Any, status: str) -> None:
        desk.status = word
        made = sent(there, people)
        look(made)
        look(made)
        assert made.status == status, made.last_error
        assert made.provider_status == str(word)
        assert bool(booked()) == (status in ("pending", "complete"))
        assert (ExceptionItem.objects.filter(kind="unknown_word").exists()) == (status == "unknown")
        held = Reservation.objects.filter(ended_at=None).exists()
        assert held == (status == "unknown")

    def test_failed_counts_at_the_second_look_and_gives_all_back(
        self, there: Any, people: Any, desk: Any
    ) -> None:
        made = sent(there, people)
        row(desk, status=40)
        look(made)
        assert made.status == "pending"
        look(made)
        assert made.status == "failed"
        assert sum(Movement.objects.values_list("amount", flat=True)) == 0

    @pytest.mark.parametrize("status", [400, 401, 403, 429])
    def test_a_refusal_has_sent_nothing(self, there: Any, people: Any, desk: Any, status: int) -> None:
        made = approved(there, people)
        desk.faults["withdraw/create"] = [status]
        withdrawals.submit(withdrawal_id=made.pk)
        made.refresh_from_db()
        assert made.status == ("failed" if status == 400 else "approved"), made.last_error
        assert not desk.sent()

    def test_keys_and_tokens_stand_in_no_trace(self, there: Any, people: Any) -> None:
        made = sent(there, people)
        token = CallbackToken.objects.get(reference=made.reference).token
        for call in ProviderCall.objects.all():
            told = f"{call.url}{call.request}{call.response}{call.error}"
            assert "canary" not in told
            assert token not in told


class TestDoubt:
    """A04 to A07: accepted and no answer, late, not found, the look itself fails."""

    @pytest.mark.parametrize("fault", ["drop", 500, 502])
    def test_what_arrived_is_found_and_adopted(self, there: Any, people: Any, desk: Any, fault: Any) -> None:
        made = approved(there, people)
        desk.faults["withdraw/create"] = [fault]
        withdrawals.submit(withdrawal_id=made.pk)
        made.refresh_from_db()
        assert made.status == "unknown"
        assert not booked()
        look(made)
        assert made.status == ("pending" if fault == "drop" else "unknown")
        assert max(desk.sent().values(), default=0) <= 1
        withdrawals.submit(withdrawal_id=made.pk)
        assert desk.seen["withdraw/create"] == 1

    def test_three_looks_well_apart_and_then_people_decide(
        self, there: Any, people: Any, desk: Any, settings: Any
    ) -> None:
        made = approved(there, people)
        desk.faults["withdraw/create"] = [500]
        withdrawals.submit(withdrawal_id=made.pk)
        settings.SCAN_GAP_SECONDS = 120
        first, second = factories.person("approver"), factories.person("approver")
        for n in (1, 1, 2, 3):
            if n > 1:
                Withdrawal.objects.update(counted_at=timezone.now() - dt.timedelta(seconds=121))
            look(made)
            assert (made.status, made.misses) == ("unknown", n)
            if n < 3:
                with pytest.raises(ValidationError, match="whole list"):
                    withdrawal_decisions.resolve(actor=first, withdrawal=made, outcome="failed", note="gone")
        with pytest.raises(ValidationError, match="does not refuse repeats"):
            withdrawal_decisions.resend(actor=first, withdrawal=made, note="again")
        withdrawal_decisions.resolve(actor=first, withdrawal=made, outcome="failed", note="gone")
        withdrawal_decisions.confirm(actor=second, withdrawal=made)
        made.refresh_from_db()
        assert made.status == "failed"
        assert desk.seen["withdraw/create"] == 1

    def test_a_look_before_the_deadline_does_not_count(
        self, there: Any, people: Any, desk: Any, settings: Any
    ) -> None:
        made = approved(there, people)
        desk.faults["withdraw/create"] = [500]
        withdrawals.submit(withdrawal_id=made.pk)
        settings.LIFETIME_FACTOR = 1.5
        look(made)
        assert made.misses == 0
        assert made.next_check_at > timezone.now() + dt.timedelta(seconds=5)

    def test_it_arrives_late_and_is_adopted_after_all(self, there: Any, people: Any, desk: Any) -> None:
        made = approved(there, people)
        desk.faults["withdraw/create"] = ["drop"]
        withdrawals.submit(withdrawal_id=made.pk)
        late = desk.lists["withdraw/history"].pop()
        for _n in range(5):
            look(made)
        assert made.status == "unknown"
        desk.lists["withdraw/history"].insert(0, late)
        look(made)
        assert (made.status, made.misses) == ("pending", 0)

    def test_a_list_that_cannot_be_read_counts_for_nothing(self, there: Any, people: Any, desk: Any) -> None:
        made = approved(there, people)
        desk.faults["withdraw/create"] = [500]
        withdrawals.submit(withdrawal_id=made.pk)
        desk.faults["withdraw/history"] = [500] * 20
        look(made)
        assert (made.status, made.misses, made.missed_at) == ("unknown", 0, None)

    def test_completed_by_people_it_is_booked_as_computed(self, there: Any, people: Any, desk: Any) -> None:
        made = approved(there, people)
        desk.faults["withdraw/create"] = [500]
        withdrawals.submit(withdrawal_id=made.pk)
        look(made)
        withdrawal_decisions.resolve(
            actor=factories.person("approver"), withdrawal=made, outcome="complete", note="seen in its panel"
        )
        assert booked() == {"withdrawal USDT": -10, "fee USDT": Decimal("-1.1")}

    def test_before_bytes_nothing_has_left(self, there: Any, people: Any, desk: Any, settings: Any) -> None:
        """A08: nobody listens."""
        made = approved(there, people)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        settings.PROVIDER_INTERNAL_HOSTS |= {f"127.0.0.1:{port}"}
        url = there.base_url
        ProviderAccount.objects.update(base_url=f"http://127.0.0.1:{port}/")
        from payments.models import Approval

        Approval.objects.update(digest=withdrawals.bound(Withdrawal.objects.get(pk=made.pk)))
        withdrawals.submit(withdrawal_id=made.pk)
        made.refresh_from_db()
        assert made.status == "approved", made.last_error
        ProviderAccount.objects.update(base_url=url)

    def test_somebody_elses_amount_without_our_reference_is_never_adopted(
        self, there: Any, people: Any, desk: Any
    ) -> None:
        made = approved(there, people)
        desk.faults["withdraw/create"] = ["drop"]
        withdrawals.submit(withdrawal_id=made.pk)
        row(desk, client_order_id="")
        look(made)
        assert made.status == "unknown"
        assert "ambiguous" in kinds()

    def test_our_reference_twice_is_held(self, there: Any, people: Any, desk: Any) -> None:
        made = sent(there, people)
        desk.lists["withdraw/history"].insert(0, dict(row(desk), id=777))
        look(made)
        made.reference.refresh_from_db()
        assert made.reference.held_at is not None
        assert made.status == "pending"


class TestManyWorkers:
    def test_sent_once_and_booked_once_whoever_comes(self, there: Any, people: Any, desk: Any) -> None:
        desk.status = 30
        made = [approved(there, people) for _n in range(3)]

        def one(number: int) -> None:
            try:
                withdrawals.submit(withdrawal_id=made[number % 3].pk)
                with contextlib.suppress(ProviderError):
                    withdrawals.refresh(withdrawal_id=made[number % 3].pk)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(max_workers=6) as pool:
            list(pool.map(one, range(18)))
        assert set(desk.sent().values()) == {1}
        assert booked_count() == {"withdrawal": 3, "fee": 3}


def booked_count() -> Counter[str]:
    return Counter(Movement.objects.values_list("kind", flat=True))


class TestDifferences:
    @pytest.mark.parametrize(
        "changed",
        [
            {"amount": "11"},
            {"address": "TVj7RNVHy6thbM7BWdSe9G6gXwKhjhdNZS"},
            {"network": "erc20"},
            {"ticker": "USDC"},
            {"id": 4711},
            {"fee_payer": 2},
            {"auto_buy": {"symbol": "BTCUSDT", "amount": "1", "price": "2", "side": 1, "state": "x"}},
            {"memo": "other"},
            {"callback_url": "https://elsewhere.example/callbacks/bitexbit/x/"},
        ],
    )
    def test_a_difference_is_a_hold(self, there: Any, people: Any, desk: Any, changed: Any) -> None:
        """D06."""
        made = sent(there, people)
        row(desk, status=30, **changed)
        look(made)
        made.reference.refresh_from_db()
        assert (made.status, made.reference.held_at is not None) == ("pending", True)
        assert "hold" in kinds()

    def test_the_answer_to_another_request_proves_nothing(self, there: Any, people: Any, desk: Any) -> None:
        """E13."""
        desk.change = lambda path, row: row | {"client_order_id": "260101000000000000"}
        made = sent(there, people)
        assert made.status == "unknown"
        assert not booked()
        look(made)
        assert made.status == "pending"

    def test_a_final_word_taken_back_is_told(self, there: Any, people: Any, desk: Any) -> None:
        """E18."""
        made = sent(there, people)
        row(desk, status=30)
        look(made)
        row(desk, status=40)
        look(made)
        assert made.status == "complete"
        assert "taken_back" in kinds()

    def test_a_masked_card_is_ours_if_its_digits_are(self, there: Any, people: Any, desk: Any) -> None:
        made = sent(there, people, ticker="UAH", network="visa", address=None, card=CARD)
        row(desk, card="4242 42** **** 4242", status=30)
        look(made)
        assert made.status == "complete"

    def test_the_aml_check_is_shown_and_a_bad_one_told(self, there: Any, people: Any, desk: Any) -> None:
        made = sent(there, people)
        row(desk, aml_success=False, aml_risk="0.9", aml_url="https://aml.example/1")
        look(made)
        assert made.told["aml"] == {"success": False, "risk": "0.9", "url": "https://aml.example/1"}
        assert "aml_flag" in kinds()

    def test_a_withdrawal_that_nobody_here_asked_for_is_told_once(
        self, there: Any, people: Any, desk: Any
    ) -> None:
        made = sent(there, people)
        desk.lists["withdraw/history"].insert(0, dict(row(desk), id=5000, client_order_id="x-1"))
        look(made)
        look(made)
        item = ExceptionItem.objects.get(kind="unknown_reference")
        assert item.seen == 1


class TestPolling:
    def test_one_scan_asks_about_all_of_an_account(self, there: Any, people: Any, desk: Any) -> None:
        made = [sent(there, people) for _n in range(5)]
        for one in desk.lists["withdraw/history"]:
            one["status"] = 30
        desk.seen.clear()
        Withdrawal.objects.update(next_check_at=Now())
        assert polling.run_due(limit=50) == 5
        assert desk.seen["withdraw/history"] <= 2
        assert {Withdrawal.objects.get(pk=one.pk).status for one in made} == {"complete"}

    def test_a_list_of_many_pages_is_read_whole(self, there: Any, people: Any, desk: Any) -> None:
        made = sent(there, people)
        ours = row(desk, status=30)
        desk.lists["withdraw/history"][:0] = [
            dict(ours, id=9000 + n, client_order_id=f"x{n}") for n in range(250)
        ]
        ProviderAccount.objects.update(created_at=timezone.now() + dt.timedelta(days=1))
        look(made)
        assert made.status == "complete"

    def test_a_callback_is_a_hint_by_the_objects_own_token(
        self, there: Any, people: Any, desk: Any, client: Any
    ) -> None:
        made = sent(there, people)
        row(desk, status=30)
        token = CallbackToken.objects.get(reference=made.reference).token
        answer = client.post(f"/callbacks/bitexbit/{token}/", b"what=ever", content_type="text/plain")
        assert answer.status_code == 200
        for pk in callbacks.claim(10):
            callbacks.process(callback_id=pk)
        made.refresh_from_db()
        assert made.status == "complete"
        assert Callback.objects.get().status == "done"

    def test_a_callback_alone_moves_nothing(self, there: Any, people: Any, desk: Any, client: Any) -> None:
        made = sent(there, people)
        token = CallbackToken.objects.get(reference=made.reference).token
        body = b'{"status": 30, "client_order_id": "%s"}' % made.reference.value.encode()
        client.post(f"/callbacks/bitexbit/{token}/", body, content_type="application/json")
        for pk in callbacks.claim(10):
            callbacks.process(callback_id=pk)
        made.refresh_from_db()
        assert made.status == "pending"


class TestOrders:
    """`auto_buy_*`: an order of the provider's own. What it did is documented nowhere, so nothing is booked by guess."""

    ORDER = {"symbol": "BTC_USDT", "amount": "0.0002", "price": "51000", "side": "BUY"}

    def test_it_is_sent_as_approved_and_a_person_is_told_what_to_do(
        self, there: Any, people: Any, desk: Any
    ) -> None:
        def placed(path: str, made: dict[str, Any]) -> dict[str, Any]:
            return made | {"auto_buy": self.ORDER | {"state": "new"}}

        desk.change = placed
        made = sent(there, people, fee_payer="1", auto_buy_ticker="BTC", auto_buy_percent="-0.5")
        body = desk.bodies[0][1]
        assert (body["fee_payer"], body["auto_buy_ticker"], body["auto_buy_percent"]) == (1, "BTC", "-0.5")
        for state in ("new", "partial-filled", "partial-filled", "filled"):
            row(desk, status=30, auto_buy=self.ORDER | {"state": state})
            look(made)
        assert made.status == "complete"
        assert booked() == {"withdrawal USDT": -10, "fee USDT": Decimal("-1.1")}
        items = ExceptionItem.objects.order_by("pk")
        assert [item.status for item in items] == ["closed", "closed", "open"]
        for said in ("BUY 0.0002 BTC_USDT 51000 filled", "booked nowhere", "USDT + BTC", "an admin enters"):
            assert said in items[2].title
        assert items[2].facts["order_state"] == "filled"
        exceptions.close(actor=people["finance"], item=items[2], note="Entered anew.")
        look(made)
        assert ExceptionItem.objects.filter(status="open").count() == 0

    def test_an_order_that_nobody_asked_for_is_a_hold(self, there: Any, people: Any, desk: Any) -> None:
        made = sent(there, people)
        row(desk, auto_buy=self.ORDER | {"state": "new"})
        look(made)
        assert ExceptionItem.objects.get().kind == "hold"


def test_a_hold_that_was_released_goes_on(there: Any, people: Any, desk: Any) -> None:
    made = sent(there, people)
    row(desk, status=30, fee_payer=2)
    look(made)
    exceptions.release_hold(actor=people["approver"], reference=made.reference, note="as agreed")
    look(made)
    assert made.status == "complete"


def test_not_found_is_a_refusal_that_says_so(there: Any, people: Any, desk: Any) -> None:
    made = sent(there, people)
    desk.lists["withdraw/history"].clear()
    with pytest.raises(Refused) as caught:
        withdrawals.refresh(withdrawal_id=made.pk)
    assert caught.value.reason == "not_found"
    made.refresh_from_db()
    assert made.status == "pending"


def test_a_method_that_an_admin_closed_is_not_used(there: Any, people: Any) -> None:
    made = ask(there, people["operator"])
    Method.objects.filter(code="USDT:tron").update(enabled=False)
    with pytest.raises(ValidationError):
        withdrawals.approve(actor=people["approver"], withdrawal=made)
    with pytest.raises(ValidationError):
        ask(there, people["operator"])
