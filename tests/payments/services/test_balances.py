"""Balances as the provider states them, their age, and the rest that no movement explains."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from payments.models import Balance, BalanceSnapshot, ExceptionItem, Movement
from payments.services import balances, exceptions, invoices
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def keep(account: Any, later: int = 0, **stated: str) -> None:
    balances.keep(
        account=account,
        balances={code: Decimal(text) for code, text in stated.items()},
        asked_at=timezone.now() + dt.timedelta(seconds=later),
    )


class TestRefresh:
    def test_it_keeps_what_the_provider_states(self, account: Any, box: Any) -> None:
        balances.refresh(account_id=account.pk)
        stated = dict(Balance.objects.values_list("currency", "stated"))
        assert stated["USDT"] > 0
        assert BalanceSnapshot.objects.count() == len(stated)


class TestKeep:
    def test_an_older_answer_never_overwrites_a_newer_one(self, account: Any) -> None:
        keep(account, USDT="10")
        keep(account, -60, USDT="7")
        assert Balance.objects.get().stated == Decimal("10")

    def test_a_missing_currency_keeps_its_value_and_says_since_when(self, account: Any) -> None:
        keep(account, USDT="10", BTC="1")
        keep(account, 5, USDT="10")
        btc = Balance.objects.get(currency="BTC")
        assert btc.stated == 1
        assert btc.missing_since is not None

    def test_the_first_statement_is_the_opening(self, account: Any) -> None:
        keep(account, USDT="10")
        balance = Balance.objects.get()
        assert (balance.opening, balance.drift) == (Decimal("10"), 0)

    def test_a_booked_payment_explains_the_change(self, account: Any, box: Any) -> None:
        balances.refresh(account_id=account.pk)
        invoice = factories.open_invoice(account)
        box.control(f"bitloga/invoices/{invoice.reference.value}/pay", {})
        invoices.refresh(invoice_id=invoice.pk)
        balances.refresh(account_id=account.pk)
        assert Balance.objects.get(currency="USDT").drift == 0

    def test_what_no_movement_explains_is_told_once_it_has_stood(self, account: Any, settings: Any) -> None:
        settings.DRIFT_SECONDS = 60
        keep(account, USDT="10")
        keep(account, 1, USDT="7.5")
        assert not ExceptionItem.objects.exists()
        Balance.objects.update(drift_since=timezone.now() - dt.timedelta(seconds=61))
        keep(account, 2, USDT="7.5")
        item = ExceptionItem.objects.get()
        assert (item.kind, item.facts["drift"]) == ("unexplained_balance", "-2.5")

    def test_a_person_books_the_difference(self, account: Any, settings: Any, people: Any) -> None:
        settings.DRIFT_SECONDS = 0
        keep(account, USDT="10")
        keep(account, 1, USDT="7.5")
        item = ExceptionItem.objects.get()
        exceptions.close(actor=people["finance"], item=item, note="the fee of the payee", book=True)
        keep(account, 2, USDT="7.5")
        assert Movement.objects.get().amount == Decimal("-2.5")
        assert Balance.objects.get().drift == 0
        assert ExceptionItem.objects.filter(status="open").count() == 0


class TestAppendOnly:
    @pytest.mark.parametrize(
        "table", ["payments_movement", "payments_balancesnapshot", "backoffice_auditentry"]
    )
    @pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
    def test_the_database_refuses_to_change_what_is_written_once(
        self, account: Any, table: str, statement: str, settings: Any, people: Any
    ) -> None:
        settings.DRIFT_SECONDS = 0
        keep(account, USDT="10")
        keep(account, 1, USDT="7.5")
        exceptions.close(actor=people["finance"], item=ExceptionItem.objects.get(), note="x", book=True)
        with pytest.raises(IntegrityError), connection.cursor() as cursor:
            cursor.execute(statement.format(table))
