"""The whole way at the simulated bitexbit, which was written from the document and knows nothing of us: what we computed is
what its ledger has.
"""

from __future__ import annotations

import contextlib
import itertools
from decimal import Decimal
from typing import Any

import pytest

from payments.models import Balance, Deposit, Invoice, ProviderAccount, Wallet
from payments.providers.bitexbit import clock
from payments.providers.errors import ProviderError
from payments.services import (
    accounts,
    balances,
    deposits,
    invoices,
    stated_methods,
    wallets,
    withdrawals,
)
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
PAYEE = "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"
_numbers = itertools.count(1)


@pytest.fixture
def boxed(box: Any, transactional_db: None, settings: Any) -> ProviderAccount:
    """An account at the sandbox whose opening balances are what the sandbox has."""
    settings.SETTLE_SECONDS = settings.LIFETIME_FACTOR = settings.SCAN_GAP_SECONDS = 0
    settings.FAILED_SECOND_LOOK = settings.MATCH_PATIENCE_SECONDS = 0
    clock.forget()
    quick = {"deposit_seconds": 0, "payment_seconds": 0, "withdraw_delay": 0, "callbacks": "never"}
    box.control("settings", {"provider": "bitexbit", **quick})
    name = f"boxed {next(_numbers)}"
    keys = box.control(
        "bitexbit/accounts", {"name": name, "balances": {"USDT": "500", "TRX": "300", "UAH": "1000"}}
    )
    made = accounts.create(
        actor=None,
        provider="bitexbit",
        name=name,
        base_url=keys["base_url"],
        credentials={"api_key": keys["api_key"], "api_secret": keys["api_secret"]},
        rate_limit="500",
        money_out=True,
    )
    stated_methods.refresh(account_id=made.pk)
    for currency, amount in there(box, made).items():
        if made.methods.filter(currency=currency).exists():
            balances.set_opening(
                actor=factories.person("admin"),
                account=made,
                currency=currency,
                amount=str(amount),
                note="its page",
            )
    return made


def there(box: Any, account: ProviderAccount) -> dict[str, Decimal]:
    """What the sandbox's own ledger has."""
    (found,) = [
        one
        for one in box.control("bitexbit/accounts", {}, method="GET")["accounts"]
        if one["name"] == account.name
    ]
    return {currency: Decimal(text) for currency, text in found["balances"].items()}


def same(box: Any, account: ProviderAccount) -> None:
    """Our computed balances are the sandbox's."""
    known = balances.explained(Balance.objects.filter(account=account))
    ledger = there(box, account)
    ours = {one.currency: one.known for one in known}
    assert ours == {currency: ledger[currency] for currency in ours}


class TestWholeWay:
    def test_methods_are_read(self, boxed: ProviderAccount) -> None:
        assert boxed.methods.filter(for_withdrawal=True).exists()
        assert boxed.methods.filter(for_wallet=True).exists()
        assert boxed.methods.filter(for_invoice=True).exists()

    def test_a_deposit_is_credited_to_the_last_unit(self, boxed: ProviderAccount, box: Any) -> None:
        method = boxed.methods.filter(for_wallet=True, currency="USDT").first()
        assert method is not None
        fields = {"ticker": method.currency, "network": method.network}
        made = wallets.create(actor=None, account=boxed, fields=fields)
        wallets.submit(wallet_id=made.pk)
        made.refresh_from_db()
        assert made.status == "active", made.last_error
        box.control(f"bitexbit/wallets/{made.provider_id}/deposit", {"amount": "123.456789", "count": 3})
        for _n in range(2):
            deposits.scan(account_id=boxed.pk)
        assert set(Deposit.objects.values_list("status", "wallet")) == {("confirmed", made.pk)}
        same(box, boxed)

    @pytest.mark.parametrize("payer", ["1", "2"])
    def test_a_withdrawal_is_booked_to_the_last_unit(
        self, boxed: ProviderAccount, box: Any, people: Any, payer: str
    ) -> None:
        fields = {"ticker": "USDT", "network": "tron", "amount": "50", "address": PAYEE, "fee_payer": payer}
        method = boxed.methods.get(code="USDT:tron")
        if payer == "2" and method.fee_currency:
            pytest.skip("its fee is in another currency here")
        made = withdrawals.request(actor=people["operator"], account=boxed, fields=fields)
        withdrawals.approve(actor=people["approver"], withdrawal=made)
        withdrawals.submit(withdrawal_id=made.pk)
        withdrawals.refresh(withdrawal_id=made.pk)
        made.refresh_from_db()
        assert made.status == "complete", made.last_error
        same(box, boxed)

    @pytest.mark.parametrize("mode", ["drop_after", "status_500", "garbage_html", "truncated"])
    def test_an_answer_that_is_lost_is_found(
        self, boxed: ProviderAccount, box: Any, people: Any, mode: str
    ) -> None:
        """A04."""
        fields = {"ticker": "USDT", "network": "tron", "amount": "50", "address": PAYEE}
        made = withdrawals.request(actor=people["operator"], account=boxed, fields=fields)
        withdrawals.approve(actor=people["approver"], withdrawal=made)
        box.control("faults", {"provider": "bitexbit", "action": "withdraw/create", "mode": mode, "count": 1})
        withdrawals.submit(withdrawal_id=made.pk)
        made.refresh_from_db()
        assert made.status == "unknown"
        for _n in range(2):
            with contextlib.suppress(ProviderError):
                withdrawals.refresh(withdrawal_id=made.pk)
        made.refresh_from_db()
        assert made.status == "complete", made.last_error
        same(box, boxed)

    def test_a_bill_is_paid_and_its_fee_taken_off(self, boxed: ProviderAccount, box: Any) -> None:
        method = boxed.methods.filter(for_invoice=True).first()
        assert method is not None
        amount = str(max(int(method.min_deposit or 1), 100))
        fields = {
            "ticker": method.currency,
            "network": method.network,
            "amount": amount,
            "client_ip": "8.8.4.4",
        }
        made = invoices.create(actor=None, account=boxed, fields=fields)
        invoices.submit(invoice_id=made.pk)
        made.refresh_from_db()
        assert made.status == "open", made.last_error
        box.control(f"bitexbit/invoices/{made.provider_id}/pay", {})
        invoices.refresh(invoice_id=made.pk)
        made = Invoice.objects.get(pk=made.pk)
        assert made.status == "paid", made.last_error
        same(box, boxed)

    def test_a_wallet_whose_answer_was_lost_is_adopted(self, boxed: ProviderAccount, box: Any) -> None:
        box.control(
            "faults", {"provider": "bitexbit", "action": "wallet/create", "mode": "drop_after", "count": 1}
        )
        made = wallets.create(actor=None, account=boxed, fields={"ticker": "USDT", "network": "tron"})
        wallets.submit(wallet_id=made.pk)
        wallets.refresh(wallet_id=made.pk)
        assert Wallet.objects.get().status == "active"
