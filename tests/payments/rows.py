"""Rows of payments that pages show, made without a provider. Through the services where one makes them."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.test import Client
from django.utils import timezone

from payments.models import (
    Balance,
    Callback,
    ExceptionItem,
    Movement,
    ProviderAccount,
    ProviderCall,
    Reference,
)
from payments.services import accounts, exceptions, invoices, movements
from tests import factories

HOST = "127.0.0.1:9"
BASE_URL = f"http://{HOST}/bitloga/api/v1/"
API_KEY, API_SECRET = "canary-api-key-5f3a9c", "canary-api-secret-77d1e0b4"
_numbers = itertools.count(1)


def account(name: str = "", *, provider: str = "bitloga", **options: Any) -> ProviderAccount:
    """An account whose provider nobody answers for. Needs settings.PROVIDER_INTERNAL_HOSTS with HOST."""
    return accounts.create(
        actor=None,
        provider=provider,
        name=name or f"rows {next(_numbers)}",
        base_url=BASE_URL,
        credentials={"api_key": API_KEY, "api_secret": API_SECRET},
        **options,
    )


def balance(account: ProviderAccount, currency: str, stated: str, **more: Any) -> Balance:
    """A balance as a provider stated it a minute ago."""
    values = {"asked_at": timezone.now() - dt.timedelta(minutes=1), "opening": Decimal(stated), **more}
    return Balance.objects.create(account=account, currency=currency, stated=Decimal(stated), **values)


def movement(account: ProviderAccount, amount: str, currency: str = "USDT", **more: Any) -> Movement:
    """An adjustment, now."""
    with transaction.atomic():
        made = movements.book(
            key=f"rows:{next(_numbers)}",
            account=account,
            kind=more.pop("kind", Movement.Kind.ADJUSTMENT),
            currency=currency,
            amount=Decimal(amount),
            way="staff",
            **more,
        )
    assert made is not None
    return made


def reference(account: ProviderAccount) -> Reference:
    """The reference of a new invoice, which nobody has sent yet."""
    fields = {"paysys": "USDTBALANCE", "amount": "12.5"}
    return invoices.create(actor=None, account=account, fields=fields).reference


def item(kind: str = "overpaid", *, title: str = "Something does not fit", **more: Any) -> ExceptionItem:
    """An open exception."""
    with transaction.atomic():
        return exceptions.open_item(kind=kind, key=f"rows:{next(_numbers)}", title=title, **more)


def held(account: ProviderAccount, why: str = "The amount differs.") -> ExceptionItem:
    """The item of a held invoice."""
    ref = reference(account)
    with transaction.atomic():
        exceptions.hold(reference=ref, obj=ref.invoice, reason=why, stated="7", asked="12.5")
    return ExceptionItem.objects.get(reference=ref)


def callback(account: ProviderAccount, body: bytes = b'{"status": "Payed"}', **more: Any) -> Callback:
    """A callback that has been processed."""
    values = {
        "status": "done",
        "tries": 1,
        "result": "Asked the provider: Open.",
        "signature": "ab" * 64,
        "digest": f"{next(_numbers):064x}",
        "received_at": timezone.now(),
        "processed_at": timezone.now(),
        **more,
    }
    return Callback.objects.create(account=account, body=body, size=len(body), **values)


def call(account: ProviderAccount, **more: Any) -> ProviderCall:
    """A look-up that was answered."""
    now = timezone.now()
    values = {
        "operation": "details",
        "method": "POST",
        "url": BASE_URL,
        "request": '{"action":"details","amount":1.10}',
        "request_digest": "a" * 64,
        "started_at": now,
        "finished_at": now,
        "deadline": now + dt.timedelta(seconds=35),
        "duration_ms": 120,
        "http_status": 200,
        "response": '{"status":"success"}',
        "outcome": "ok",
        **more,
    }
    return ProviderCall.objects.create(account=account, **values)


def browser_of(person: Any) -> Client:
    """A client that is logged in."""
    client = Client()
    client.force_login(person)
    return client


def browser(role: str) -> Client:
    """A client that is logged in as a new person with this role."""
    return browser_of(factories.person(role))


# --- What a page says ---
def text_of(response: Any) -> str:
    return response.content.decode()


def words(shown: str) -> str:
    """What a person reads: without tags, blanks as one."""
    return " ".join(re.sub(r"<[^>]+>", " ", shown).split())


def error_at(shown: str, name: str) -> str:
    """What stands as an error at this field, without tags."""
    found = re.search(rf'id="(?:id_)?{name}_error" class="invalid-feedback">(.*?)</div>', shown, re.DOTALL)
    return words(found[1]) if found else ""
