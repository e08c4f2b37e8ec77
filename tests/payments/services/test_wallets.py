"""Wallets: made once, adopted after a doubt, given to one customer; with a conversion only after another person's yes."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from payments.models import (
    Approval,
    CallbackToken,
    ExceptionItem,
    Freeze,
    Movement,
    ProviderAccount,
    ProviderCall,
    Wallet,
)
from payments.providers.errors import ProviderError
from payments.services import deposits, freeze, polling, wallet_decisions, wallets

pytestmark = pytest.mark.django_db(transaction=True)
CONVERSION = {"convert_ticker": "BTC", "convert_percent": "2"}


def make(account: Any, actor: Any, **changed: Any) -> Wallet:
    fields = {"ticker": "USDT", "network": "tron", "_label": "shop", "_customer_reference": "ann"} | changed
    return wallets.create(actor=actor, account=account, fields=fields)


def submitted(wallet: Wallet) -> Wallet:
    wallets.submit(wallet_id=wallet.pk)
    wallet.refresh_from_db()
    return wallet


def look(wallet: Wallet) -> Wallet:
    with contextlib.suppress(ProviderError):
        wallets.refresh(wallet_id=wallet.pk)
    wallet.refresh_from_db()
    return wallet


class TestMaking:
    def test_an_address_is_made_once_for_somebody(self, there: Any, people: Any, desk: Any) -> None:
        made = submitted(make(there, people["operator"]))
        assert made.status == "active", made.last_error
        assert made.address.startswith("T0")
        assert (made.customer, made.label) == ("ann", "shop")
        ((_path, body),) = desk.bodies
        token = CallbackToken.objects.get(reference=made.reference).token
        assert body == {"ticker": "USDT", "network": "tron", "callback_url": body["callback_url"]}
        assert body["callback_url"].endswith(f"/callbacks/bitexbit/{token}/")
        assert not [c for c in ProviderCall.objects.all() if token in c.request + c.response]
        wallets.submit(wallet_id=made.pk)
        assert desk.seen["wallet/create"] == 1

    @pytest.mark.parametrize(
        ("changed", "at"),
        [
            ({"network": "nowhere"}, "network"),
            ({"ticker": "UAH", "network": "visa"}, "network"),  # ordinary money has no wallets
            ({"convert_ticker": "BTC"}, "convert_percent"),
            ({"convert_limit": "5"}, "convert_ticker"),
            ({"nonsense": "1"}, "nonsense"),
        ],
    )
    def test_bad_input_is_named(self, there: Any, people: Any, changed: Any, at: str) -> None:
        with pytest.raises(ValidationError) as caught:
            make(there, people["operator"], **changed)
        assert at in caught.value.error_dict

    def test_the_same_form_is_one_wallet(self, there: Any, people: Any) -> None:
        token = uuid.uuid4()
        fields = {"ticker": "USDT", "network": "tron"}
        one, two = (
            wallets.create(actor=people["operator"], account=there, fields=fields, form_token=token)
            for _n in range(2)
        )
        assert one == two

    def test_a_customer_with_an_address_needs_a_tick_for_another(self, there: Any, people: Any) -> None:
        make(there, people["operator"])
        with pytest.raises(ValidationError) as caught:
            make(there, people["operator"])
        assert "_confirm_similar" in caught.value.error_dict
        make(there, people["operator"], _confirm_similar=True)
        make(there, people["operator"], _customer_reference="bob")
        assert Wallet.objects.count() == 3

    @pytest.mark.parametrize(("fault", "status"), [(400, "failed"), (401, "creating"), (429, "creating")])
    def test_what_was_refused_was_not_made(
        self, there: Any, people: Any, desk: Any, fault: int, status: str
    ) -> None:
        made = make(there, people["operator"])
        desk.faults["wallet/create"] = [fault]
        assert submitted(made).status == status


class TestDoubt:
    def test_what_was_made_is_adopted_before_another_is_made(
        self, there: Any, people: Any, desk: Any
    ) -> None:
        made = make(there, people["operator"])
        desk.faults["wallet/create"] = ["drop"]
        assert submitted(made).status == "unknown"
        wallets.submit(wallet_id=made.pk)
        assert look(made).status == "active"
        assert made.provider_id == desk.lists["wallets"][0]["slug"]
        assert desk.seen["wallet/create"] == 1

    def test_a_wallet_of_somebody_else_is_not_adopted(self, there: Any, people: Any, desk: Any) -> None:
        made = make(there, people["operator"])
        desk.faults["wallet/create"] = ["drop"]
        submitted(made)
        desk.lists["wallets"][0]["callback_url"] = ""
        assert look(made).status == "unknown"
        assert ExceptionItem.objects.get().kind == "ambiguous"

    def test_three_looks_and_then_a_person_closes_it(self, there: Any, people: Any, desk: Any) -> None:
        made = make(there, people["operator"])
        desk.faults["wallet/create"] = [500]
        submitted(made)
        for n in (1, 2, 3):
            with pytest.raises(ValidationError):
                wallet_decisions.resolve(actor=people["approver"], wallet=made, note="gone")
            assert look(made).misses == n
        wallet_decisions.resolve(actor=people["approver"], wallet=made, note="gone")
        made.refresh_from_db()
        assert made.status == "failed"
        assert desk.seen["wallet/create"] == 1

    def test_a_line_that_cannot_be_read_may_be_it(self, there: Any, people: Any, desk: Any) -> None:
        """E11: it is shown to a person, and "not in the list" counts for nothing."""
        made = make(there, people["operator"])
        desk.faults["wallet/create"] = ["drop"]
        submitted(made)
        desk.lists["wallets"][0]["address"] = None
        for _n in range(3):
            assert (look(made).status, made.misses) == ("unknown", 0)
        assert ExceptionItem.objects.get().kind == "bad_row"
        desk.lists["wallets"][0]["address"] = "T0001"
        assert look(made).status == "active"

    def test_the_poll_looks_by_itself(self, there: Any, people: Any, desk: Any) -> None:
        made = make(there, people["operator"])
        desk.faults["wallet/create"] = ["drop"]
        submitted(made)
        polling.run_due(limit=10)
        made.refresh_from_db()
        assert made.status == "active"


class TestConversion:
    def test_it_is_made_only_after_another_persons_yes(self, there: Any, people: Any, desk: Any) -> None:
        made = make(there, people["operator"], **CONVERSION)
        assert submitted(made).status == "awaiting_approval"
        wallets.approve(actor=people["approver"], wallet=made, seen=wallets.bound(made))
        assert submitted(made).status == "active", made.last_error
        assert desk.bodies[0][1]["convert_percent"] == "2"

    def test_any_change_voids_the_yes(self, there: Any, people: Any, desk: Any) -> None:
        made = make(there, people["operator"], **CONVERSION)
        wallets.approve(actor=people["approver"], wallet=made)
        Wallet.objects.filter(pk=made.pk).update(fields=made.fields | {"convert_percent": "5"})
        assert submitted(made).status == "awaiting_approval"
        assert not desk.bodies

    @pytest.mark.parametrize("is_frozen", [True, False])
    def test_none_is_made_while_money_out_is_stopped(
        self, there: Any, people: Any, desk: Any, is_frozen: bool
    ) -> None:
        made = make(there, people["operator"], **CONVERSION)
        wallets.approve(actor=people["approver"], wallet=made)
        if is_frozen:
            freeze.set(actor=people["finance"], reason="stop")
        else:
            ProviderAccount.objects.filter(pk=there.pk).update(money_out=False)
        assert submitted(made).status == "approved"
        assert made.last_error
        assert not desk.bodies
        plain = make(there, people["operator"], _customer_reference="bob")
        assert submitted(plain).status == "active"  # without a conversion it is money in
        Freeze.objects.all().delete()
        ProviderAccount.objects.filter(pk=there.pk).update(money_out=True)
        assert submitted(made).status == "active", made.last_error

    def test_a_stop_in_the_last_moment_counts(
        self, there: Any, people: Any, desk: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = make(there, people["operator"], **CONVERSION)
        wallets.approve(actor=people["approver"], wallet=made)
        real = wallets._send

        def stopped_first(*arguments: Any) -> None:
            freeze.set(actor=people["finance"], reason="stop")
            real(*arguments)

        monkeypatch.setattr(wallets, "_send", stopped_first)
        assert submitted(made).status == "creating"
        assert not desk.bodies

    def test_a_yes_that_lapses_before_it_is_sent_is_asked_for_again(
        self, there: Any, people: Any, desk: Any
    ) -> None:
        made = make(there, people["operator"], **CONVERSION)
        wallets.approve(actor=people["approver"], wallet=made)
        desk.faults["wallet/create"] = [429]
        assert submitted(made).status == "creating"
        Approval.objects.update(expires_at=timezone.now() - dt.timedelta(hours=1))
        assert submitted(made).status == "awaiting_approval"
        wallets.approve(actor=people["approver"], wallet=made)
        assert submitted(made).status == "active", made.last_error
        assert len(desk.lists["wallets"]) == 1

    def test_nobody_approves_their_own_and_operators_none(self, there: Any, people: Any) -> None:
        made = make(there, people["operator"], **CONVERSION)
        with pytest.raises(PermissionDenied):
            wallets.approve(actor=people["operator"], wallet=made)
        wallets.reject(actor=people["approver"], wallet=made, reason="no")
        made.refresh_from_db()
        assert made.status == "rejected"

    def test_a_conversion_that_nobody_asked_for_is_held(self, there: Any, people: Any, desk: Any) -> None:
        desk.change = lambda _path, row: row | {"convert_ticker": "BTC", "convert_percent": "5"}
        made = submitted(make(there, people["operator"]))
        made.reference.refresh_from_db()
        assert (made.status, made.reference.held_at is not None) == ("unknown", True)

    def test_a_person_is_told_of_what_the_history_of_deposits_hides(
        self, there: Any, people: Any, desk: Any
    ) -> None:
        """No row of it says what an order did: nothing is booked by guess."""
        made = make(there, people["operator"], **CONVERSION)
        wallets.approve(actor=people["approver"], wallet=made)
        submitted(made)
        desk.deposit(address=made.address, wallet_slug=made.provider_id, status=5)
        for _n in range(2):
            deposits.scan(account_id=there.pk)
        (item,) = ExceptionItem.objects.all()
        for said in ("its history does not tell which", "USDT + BTC", "an admin enters"):
            assert said in item.title
        assert set(Movement.objects.values_list("kind", "currency")) == {("deposit", "USDT"), ("fee", "USDT")}


class TestReuse:
    def test_an_address_of_another_customer_is_held(self, there: Any, people: Any, desk: Any) -> None:
        first = submitted(make(there, people["operator"]))
        desk.change = lambda _path, row: row | {"address": first.address}
        second = submitted(make(there, people["operator"], _customer_reference="bob"))
        second.reference.refresh_from_db()
        assert second.status == "unknown"
        assert "given already" in second.reference.hold_reason

    def test_it_goes_to_another_only_if_that_is_meant(self, there: Any, people: Any) -> None:
        made = submitted(make(there, people["operator"]))
        with pytest.raises(ValidationError) as caught:
            wallet_decisions.give(actor=people["operator"], wallet=made, customer="bob", label="")
        assert "confirm" in caught.value.error_dict
        wallet_decisions.give(actor=people["operator"], wallet=made, customer="bob", label="", confirm=True)
        made.refresh_from_db()
        assert made.customer == "bob"
