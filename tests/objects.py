"""One real row of every model that has a page of its own: what tests/test_routes.py fills addresses with.

A page whose model has no maker here fails the walk, so that no page stays unwalked.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from backoffice import audit
from codes.models import Voucher, VoucherListing
from payments.models import (
    Balance,
    BatchPayout,
    BatchRow,
    Bid,
    Callback,
    Currency,
    Deposit,
    Direction,
    ExceptionItem,
    Freeze,
    Invoice,
    InvoicePayment,
    Method,
    OwnDestination,
    PartnerPayout,
    PartnerProgram,
    PayerLink,
    ProviderAccount,
    ProviderCall,
    Reference,
    Wallet,
    Withdrawal,
)
from payments.providers.wallets import DepositReport
from payments.services import (
    accounts,
    deposits,
    exceptions,
    freeze,
    invoices,
    partner,
    references,
    wallets,
    withdrawals,
)
from tests import factories

# Nothing listens there, and nothing may be asked when a page is looked at.
NOWHERE = "127.0.0.1:9"
MAKERS: dict[type, Callable[[Objects], Any]] = {}


class Objects:
    """Makes each row once, when it is first asked for. PROVIDER_INTERNAL_HOSTS must hold NOWHERE."""

    def __init__(self) -> None:
        self._made: dict[type, Any] = {}

    def one(self, model: type) -> Any:
        """The row of this model. Raises LookupError when nobody says how to make one."""
        if model not in self._made:
            if model not in MAKERS:
                raise LookupError(
                    f"tests/objects.py makes no {model.__name__}: add it, so that its pages are walked"
                )
            self._made[model] = MAKERS[model](self)
        return self._made[model]


def makes(model: type) -> Callable[[Callable[[Objects], Any]], Callable[[Objects], Any]]:
    def keep(maker: Callable[[Objects], Any]) -> Callable[[Objects], Any]:
        MAKERS[model] = maker
        return maker

    return keep


@makes(get_user_model())
def _user(_objects: Objects) -> Any:
    return factories.person("operator")


@makes(ProviderAccount)
def _account(_objects: Objects) -> ProviderAccount:
    return accounts.create(
        actor=None,
        provider="bitloga",
        name="walked",
        base_url=f"http://{NOWHERE}/bitloga/api/v1/",
        credentials={"api_key": "k" * 32, "api_secret": "s" * 32},
    )


@makes(Method)
def _method(objects: Objects) -> Method:
    return objects.one(ProviderAccount).methods.first()


@makes(Currency)
def _currency(_objects: Objects) -> Currency:
    return Currency.objects.get_or_create(code="XTS", defaults={"title": "Test", "digits": 2})[0]


@makes(Invoice)
def _invoice(objects: Objects) -> Invoice:
    return invoices.create(
        actor=None, account=objects.one(ProviderAccount), fields={"paysys": "USDTBALANCE", "amount": "12.5"}
    )


@makes(Reference)
def _reference(objects: Objects) -> Reference:
    return objects.one(Invoice).reference


@makes(Withdrawal)
def _withdrawal(objects: Objects) -> Withdrawal:
    account = objects.one(ProviderAccount)
    ProviderAccount.objects.filter(pk=account.pk).update(money_out=True)
    account.refresh_from_db()
    Balance.objects.get_or_create(
        account=account, currency="USDT", defaults={"stated": 100, "asked_at": timezone.now()}
    )
    return withdrawals.request(
        actor=factories.person("operator"),
        account=account,
        fields={
            "currency": "USDT",
            "paysys": "USDTBALANCE",
            "amount": "10",
            "purse": "user@example.com",
            "_max_debit": "11",
        },
    )


@makes(Direction)
def _direction(_objects: Objects) -> Direction:
    account = accounts.create(
        actor=None,
        provider="premium_exchanger",
        name="walked exchanger",
        base_url=f"http://{NOWHERE}/api/userapi/v1/",
        credentials={"api_login": "l" * 32, "api_key": "k" * 32},
    )
    return Direction.objects.create(
        account=account, provider_id="21", give_id="3", give_title="Sberbank", give_code="RUB", give_key="RUB",
        get_id="5", get_title="Tether", get_code="USDT", get_key="USDT", rate=1, listed_at=timezone.now(),
        seen_at=timezone.now(),
    )  # fmt: skip


@makes(Bid)
def _bid(objects: Objects) -> Bid:
    direction = objects.one(Direction)
    with transaction.atomic():
        reference = references.take(account=direction.account, kind=Reference.Kind.BID)
        bid = Bid.objects.create(
            reference=reference, account=direction.account, direction=direction, direction_number="21",
            give_currency="RUB", get_currency="USDT", expected_give=9240, expected_get=100,
            created_by=factories.person("operator"), typed='{"calc_amount": "100", "calc_action": "2"}',
        )  # fmt: skip
        audit.record(None, "bid.created", bid)
    return bid


@makes(PartnerProgram)
def _program(objects: Objects) -> PartnerProgram:
    account = objects.one(Direction).account
    return PartnerProgram.objects.create(
        account=account, balance=100, currency="USD", asked_at=timezone.now(),
        methods=[{"id": "5", "title": "Tether", "commission": "", "amount": "100"}],
    )  # fmt: skip


@makes(PartnerPayout)
def _payout(objects: Objects) -> PartnerPayout:
    account = objects.one(PartnerProgram).account
    ProviderAccount.objects.filter(pk=account.pk).update(money_out=True)
    account.refresh_from_db()
    fields = {"method_id": "5", "account": "Somewhere", "_confirm_account": True}
    return partner.request_payout(actor=factories.person("operator"), account=account, fields=fields)


@makes(BatchPayout)
def _batch_payout(_objects: Objects) -> BatchPayout:
    account = accounts.create(
        actor=None,
        provider="coinjoin",
        name="walked mixer",
        base_url=f"http://{NOWHERE}/coinjoin/api/",
        credentials={"api_key": "k" * 32, "secret_key": "s" * 32},
        money_out=True,
    )
    # Not through the service, which asks the provider about each address.
    with transaction.atomic():
        batch = BatchPayout.objects.create(
            reference=references.take(account=account, kind=Reference.Kind.BATCH_PAYOUT), account=account,
            total=1, row_count=1, delay=1, network="mainnet", created_by=factories.person("operator"),
        )  # fmt: skip
        audit.record(batch.created_by, "batch_payout.requested", batch)
    BatchRow.objects.create(
        batch=batch, position=1, address="bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", amount=1
    )
    return batch


@makes(Voucher)
def _voucher(objects: Objects) -> Voucher:
    account = objects.one(Withdrawal).account
    return factories.vouchers(account, actor=factories.person("operator"))[0]


@makes(VoucherListing)
def _listing(objects: Objects) -> VoucherListing:
    return VoucherListing.objects.create(account=objects.one(ProviderAccount), read_at=timezone.now())


@makes(Wallet)
def _wallet(objects: Objects) -> Wallet:
    return wallets.create(
        actor=factories.person("operator"),
        account=objects.one(Deposit).account,
        fields={"ticker": "USDT", "network": "tron"},
    )


@makes(Deposit)
def _deposit(_objects: Objects) -> Deposit:
    account = accounts.create(
        actor=None,
        provider="bitexbit",
        name="walked, with networks",
        base_url=f"http://{NOWHERE}/",
        credentials={"api_key": "k" * 32, "api_secret": "s" * 32},
    )
    Method.objects.create(
        account=account, code="USDT:tron", title="tron", currency="USDT", network="tron", for_wallet=True,
        is_fiat=False, stated_at=timezone.now(),
    )  # fmt: skip
    report = DepositReport(
        "USDT", "tron", Decimal(1), Decimal(0), "pending", "1", "tx", timezone.now(), timezone.now(), "T1", ""
    )
    deposits.keep(account=account, listed=[report], way="poll")
    return Deposit.objects.get(account=account)


@makes(PayerLink)
def _payer_link(objects: Objects) -> PayerLink:
    return PayerLink.objects.create(
        uuid=uuid.uuid4(), account=objects.one(Deposit).account, token="walked", digest="0" * 64, amount=1,
        currency="UAH", created_by=objects.one(get_user_model()), expires_at=timezone.now(),
    )  # fmt: skip


@makes(InvoicePayment)
def _invoice_payment(objects: Objects) -> InvoicePayment:
    return InvoicePayment.objects.create(
        account=objects.one(Deposit).account, method="UAH:visa", currency="UAH", amount=1, gross=1,
        arrived_at=timezone.now(),
    )  # fmt: skip


@makes(Freeze)
def _freeze(objects: Objects) -> Freeze:
    return freeze.set(
        actor=factories.person("operator"), account=objects.one(ProviderAccount), reason="Walked"
    )


@makes(OwnDestination)
def _destination(objects: Objects) -> OwnDestination:
    return OwnDestination.objects.create(
        method="USDTTRC20", label="Cold store", address="T" + "x" * 33, shown="T" + "x" * 33,
        proposed_by=objects.one(get_user_model()),
    )  # fmt: skip


@makes(ExceptionItem)
def _exception(objects: Objects) -> ExceptionItem:
    reference = objects.one(Reference)
    with transaction.atomic():
        exceptions.hold(reference=reference, obj=reference.invoice, reason="Amounts differ")
    return ExceptionItem.objects.get(reference=reference)


@makes(ProviderCall)
def _call(objects: Objects) -> ProviderCall:
    return ProviderCall.objects.create(
        account=objects.one(ProviderAccount),
        operation="details",
        method="POST",
        url=f"http://{NOWHERE}/details",
        request="uniqueid=1",
        request_digest=hashlib.sha256(b"uniqueid=1").hexdigest(),
        started_at=timezone.now(),
    )


@makes(Callback)
def _callback(objects: Objects) -> Callback:
    return Callback.objects.create(
        account=objects.one(ProviderAccount), body=b"{}", size=2, received_at=timezone.now(),
        digest=hashlib.sha256(b"{}").hexdigest(), status=Callback.Status.FORGED,
    )  # fmt: skip
