"""A fifth provider is one module, one line in the registry and one folder of recorded answers: nothing else.

`dummy` beside this file has words of its own on the wire; the product is used as it is.
"""

from __future__ import annotations

import ast
import json
import re
import socket
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Browser
from django.urls import reverse

from payments.models import CallbackToken, ExceptionItem, Method, Movement, ProviderAccount
from payments.providers import PROVIDERS, base, offering
from payments.providers.errors import NotSupported
from payments.services import accounts, balances, callback_tokens, invoices, polling, withdrawals
from tests import factories
from tests.payments.providers.dummy import Dummy
from tests.payments.providers.wires import Peer, answered, peer
from tests.source import PRODUCT, ROOT, below, modules

pytestmark = pytest.mark.django_db(transaction=True)

ANSWERS = Path(__file__).parents[2] / "wire" / "dummy"
KEYS = {"shop": "canary-shop-4711", "token": "canary-token-value"}
IBAN = "DE02120300000000202051"
#: The method, and the first part of the path: which recorded answer comes.
PLACES = {
    ("GET", "balances"): "balances",
    ("POST", "bills"): "bill_created",
    ("GET", "bills"): "bill_found",
    ("POST", "payouts"): "payout_created",
    ("GET", "payouts"): "payout_found",
}


class Shop:
    """Answers with what was recorded, about the number that was asked for; everything else is 404."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}

    def __call__(self, there: Peer, conn: socket.socket) -> None:
        while request := there.take(conn):
            head, _, body = request.partition(b"\r\n\r\n")
            method, target, _version = head.split(b"\r\n")[0].decode().split(" ")
            place, _, number = target.removeprefix("/api/v1/").partition("/")
            sent = json.loads(body) if body else self.known.get(number, {})
            if method == "POST":
                self.known[sent["number"]] = sent
            if place != "balances" and not sent:
                conn.sendall(answered(b'{"error":"unknown"}', 404))
                continue
            text = (ANSWERS / f"{PLACES[method, place]}.json").read_text()
            for word, name in (("NUMBER", "number"), ("SUM", "sum"), ("IBAN", "iban")):
                text = text.replace(word, str(sent.get(name, "")))
            conn.sendall(answered(text.encode()))


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line in the registry."""
    monkeypatch.setitem(PROVIDERS, Dummy.name, Dummy)  # type: ignore[arg-type]


@pytest.fixture
def shop(settings: Any) -> Iterator[Peer]:
    with peer(Shop()) as there:
        settings.PROVIDER_INTERNAL_HOSTS = frozenset({there.host})
        settings.POLL_FACTOR = 0.0
        yield there


@pytest.fixture
def account(shop: Peer, transactional_db: None) -> ProviderAccount:
    return accounts.create(
        actor=None, provider="dummy", name="Fifth", base_url=shop.url, credentials=KEYS, money_out=True
    )


@pytest.fixture
def paying(account: ProviderAccount) -> ProviderAccount:
    Method.objects.filter(account=account).update(fee_fixed=Decimal("0.25"), fee_rate=Decimal(0))
    balances.refresh(account_id=account.pk)
    return account


DEMO = ("backoffice.demo", "backoffice.management.commands.demo", "payments.demo", "codes.demo")


def docstrings(tree: ast.Module) -> set[str]:
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef))
    return {ast.get_docstring(node, clean=False) or "" for node in nodes}


class TestNothingElse:
    def test_the_product_names_no_provider(self) -> None:
        """But in its demo, which plays with the sandbox, and in what is said about the code."""
        name = re.compile(rf"\b({'|'.join(PROVIDERS.keys() - {'dummy'})})\b", re.IGNORECASE)
        named = [
            f"{module.path}:{node.lineno} {node.value}"
            for module in modules(*PRODUCT)
            if not below(module.name, "payments.providers", *DEMO)
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and name.search(node.value)
            if node.value not in docstrings(module.tree)
        ]
        named += [str(path) for path in (ROOT / "templates").rglob("*.html") if name.search(path.read_text())]
        assert named == []

    def test_what_it_can_do_is_what_is_offered(self) -> None:
        for protocol in (base.Balances, base.Invoices, base.Withdrawals, base.Probe):
            assert "dummy" in offering(protocol)
        for protocol in (base.Vouchers, base.Rates, base.Callbacks):
            assert "dummy" not in offering(protocol)


class TestAccount:
    def test_it_is_made_with_its_methods_and_without_an_address_for_callbacks(
        self, account: ProviderAccount
    ) -> None:
        assert list(account.methods.values_list("code", "currency")) == [("SEPA", "EUR")]
        assert not CallbackToken.objects.filter(account=account).exists()
        assert callback_tokens.callback_url(account) == ""
        with pytest.raises(NotSupported):
            callback_tokens.renew_token(actor=factories.person("admin"), account=account)

    def test_its_keys_are_its_own(self, shop: Peer) -> None:
        with pytest.raises(ValidationError) as refused:
            accounts.create(
                actor=None, provider="dummy", name="x", base_url=shop.url, credentials={"api_key": "k"}
            )
        assert set(refused.value.error_dict) == {"shop", "token", "api_key"}

    def test_the_form_offers_it_and_has_a_box_for_each_key(self, shop: Peer) -> None:
        browser = Browser()
        browser.force_login(factories.person("admin"))
        add = reverse("admin:payments_provideraccount_add")
        page = browser.get(add).content.decode()
        for text in ("Dummy Pay", "https://dummy.example/v2/", "key_token", "Token (Dummy Pay)"):
            assert text in page
        typed = {
            "provider": "dummy",
            "name": "Typed",
            "base_url": shop.url,
            "key_shop": KEYS["shop"],
            "key_token": KEYS["token"],
            "is_active": "on",
            "money_in": "on",
            "rate_limit": "",
            **{
                field.name: field.default
                for field in ProviderAccount._meta.fields
                if isinstance(field.default, int | Decimal | str)
            },
        }
        typed = {name: value for name, value in typed.items() if value is not False}
        answer = browser.post(add, typed, follow=True)
        account = ProviderAccount.objects.filter(name="Typed").first()
        assert account is not None, answer.context["adminform"].form.errors
        assert account.keys == KEYS
        page = answer.content.decode()
        assert "Test connection" in page
        assert "New callback address" not in page
        assert reverse("admin:payments_provideraccount_renew_callback", args=[account.pk]) not in page
        renew = browser.get(reverse("admin:payments_provideraccount_renew_callback", args=[account.pk]))
        assert renew.status_code == 404
        page = browser.get(
            reverse("admin:payments_provideraccount_change", args=[account.pk])
        ).content.decode()
        assert "key_token" in page
        assert "key_api_secret" not in page
        assert KEYS["token"] not in page

    def test_its_connection_is_tested(self, account: ProviderAccount) -> None:
        report = accounts.probe(actor=factories.person("admin"), account=account)
        assert report.balances == {"EUR": Decimal("1000.00"), "USD": Decimal(0)}
        browser = Browser()
        browser.force_login(factories.person("admin"))
        page = browser.post(
            reverse("admin:payments_provideraccount_probe", args=[account.pk])
        ).content.decode()
        assert "The connection works." in page
        assert "the signature was accepted" not in page  # it has none
        assert "open" in page

    def test_its_pages_can_be_seen(self, paying: ProviderAccount) -> None:
        browser = Browser()
        browser.force_login(factories.person("admin"))
        for url in (paying.get_absolute_url(), reverse("payments:provideraccount_list")):
            page = browser.get(url)
            assert page.status_code == 200
            assert "Dummy Pay" in page.content.decode()


class TestMoney:
    def test_balances(self, account: ProviderAccount) -> None:
        balances.refresh(account_id=account.pk)
        stated = dict(account.balances.values_list("currency", "stated"))
        assert stated == {"EUR": Decimal(1000), "USD": Decimal(0)}
        assert account.pk not in balances.stale_accounts()

    def test_an_invoice_from_its_form_to_the_books(
        self, paying: ProviderAccount, people: Any, shop: Peer
    ) -> None:
        browser = Browser()
        browser.force_login(people["operator"])
        page = browser.get(reverse("payments:invoice_create", args=[paying.pk]), follow=True)
        assert page.status_code == 200
        assert "What for" in page.content.decode()
        made = invoices.create(
            actor=people["operator"],
            account=paying,
            fields={"paysys": "SEPA", "amount": "12.50", "desc": "Order 7"},
        )
        invoices.submit(invoice_id=made.pk)
        made.refresh_from_db()
        assert (made.status, made.provider_id) == ("open", "B-77"), made.last_error
        assert json.loads(shop.body()) == {
            "number": made.reference.value,
            "way": "SEPA",
            "sum": 12.5,
            "text": "Order 7",
        }
        invoices.refresh(invoice_id=made.pk)
        made.refresh_from_db()
        assert (made.status, made.received) == ("paid", Decimal("12.50"))
        (movement,) = Movement.objects.filter(reference=made.reference)
        assert (movement.currency, movement.amount, movement.on_balance) == ("EUR", Decimal("12.50"), True)
        assert browser.get(reverse("payments:invoice", args=[made.pk])).status_code == 200

    def test_a_withdrawal_from_its_form_to_the_books(
        self, paying: ProviderAccount, people: Any, shop: Peer
    ) -> None:
        browser = Browser()
        browser.force_login(people["operator"])
        page = browser.get(reverse("payments:withdrawal_create", args=[paying.pk]), follow=True)
        assert page.status_code == 200
        assert "IBAN" in page.content.decode()
        asked = withdrawals.request(
            actor=people["operator"],
            account=paying,
            fields={"currency": "EUR", "paysys": "SEPA", "amount": "40", "purse": IBAN},
        )
        withdrawals.approve(actor=people["approver"], withdrawal=asked)
        withdrawals.submit(withdrawal_id=asked.pk)
        asked.refresh_from_db()
        assert (asked.status, asked.provider_status) == ("pending", "underway"), asked.last_error
        assert json.loads(shop.body())["iban"] == IBAN
        withdrawals.refresh(withdrawal_id=asked.pk)
        asked.refresh_from_db()
        assert asked.status == "complete"
        booked = Movement.objects.filter(reference=asked.reference).order_by("id")
        assert sorted(booked.values_list("amount", flat=True)) == [Decimal("-40"), Decimal("-0.25")]
        assert not ExceptionItem.objects.filter(reference=asked.reference).exists()
        assert browser.get(reverse("payments:withdrawal", args=[asked.pk])).status_code == 200

    def test_polling_asks_it_like_all_others(self, paying: ProviderAccount, people: Any) -> None:
        made = invoices.create(
            actor=people["operator"], account=paying, fields={"paysys": "SEPA", "amount": "1"}
        )
        invoices.submit(invoice_id=made.pk)
        assert polling.run_due(limit=10) == 1
        made.refresh_from_db()
        assert made.status == "paid"

    def test_nothing_of_its_keys_is_kept_in_the_traffic(self, paying: ProviderAccount) -> None:
        accounts.probe(actor=factories.person("admin"), account=paying)
        for call in paying.calls.all():
            assert not [key for key in KEYS.values() if key in f"{call.request}{call.response}{call.url}"]
