"""The switch of batch payouts in the administration: off from the start, on only with a note why."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from backoffice.models import AuditEntry
from payments.models import Method, ProviderAccount
from payments.services import accounts
from tests.payments import rows
from tests.payments.batches import WHY
from tests.payments.test_admin import errors

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})


@pytest.fixture
def account() -> ProviderAccount:
    return accounts.create(
        actor=None,
        provider="coinjoin",
        name="Mixer",
        base_url=f"http://{rows.HOST}/coinjoin/api/",
        credentials={"api_key": rows.API_KEY, "secret_key": rows.API_SECRET},
    )


def page(account: ProviderAccount) -> str:
    return reverse("admin:payments_provideraccount_change", args=[account.pk])


def typed(account: ProviderAccount, **more: str) -> dict[str, str]:
    return {
        "name": account.name,
        "base_url": account.base_url,
        "is_active": "on",
        "money_in": "on",
        "rate_limit": "",
        "invoice_lifetime_days": "7",
        "reserve_margin": "0.02",
        "rate_tolerance": "0.005",
        "bitcoin_network": "mainnet",
        "batch_lifetime_hours": "72",
        **more,
    }


def test_it_is_switched_on_with_a_note_and_off_without(account: ProviderAccount) -> None:
    browser = rows.browser("admin")
    assert not account.batches_on
    answer = browser.post(page(account), typed(account, batches_on="on"))
    assert "batches_note" in errors(answer)
    assert not ProviderAccount.objects.get(pk=account.pk).batches_on
    answer = browser.post(page(account), typed(account, batches_on="on", batches_note=WHY))
    assert errors(answer) == {}
    assert ProviderAccount.objects.get(pk=account.pk).batches_on
    assert AuditEntry.objects.get(verb="account.batches_on").facts["note"] == WHY
    # Saved again as it is: nothing to explain.
    assert errors(browser.post(page(account), typed(account, batches_on="on"))) == {}
    assert errors(browser.post(page(account), typed(account))) == {}
    assert not ProviderAccount.objects.get(pk=account.pk).batches_on
    assert AuditEntry.objects.filter(verb="account.batches_off").count() == 1


def test_the_network_and_the_lifetime_are_the_accounts(account: ProviderAccount) -> None:
    browser = rows.browser("admin")
    changed = typed(account, bitcoin_network="testnet", batch_lifetime_hours="48")
    assert errors(browser.post(page(account), changed)) == {}
    account.refresh_from_db()
    assert (account.bitcoin_network, account.batch_lifetime_hours) == ("testnet", 48)


def test_a_provider_without_batches_has_no_such_switch(account: ProviderAccount) -> None:
    browser = rows.browser("admin")
    assert 'name="batches_on"' in rows.text_of(browser.get(page(account)))
    other = rows.text_of(browser.get(page(rows.account())))
    assert 'name="batches_on"' not in other
    assert 'name="bitcoin_network"' not in other
    assert 'name="voucher_free_amount"' in other


def test_a_form_shows_what_its_provider_can_do_and_numbers_as_they_were_typed(
    account: ProviderAccount,
) -> None:
    browser = rows.browser("admin")
    ProviderAccount.objects.update(rate_limit="200.00")
    mixer, exchanger = (
        rows.text_of(browser.get(page(account))),
        rows.text_of(browser.get(page(rows.account()))),
    )
    for name in (
        "money_in",
        "invoice_lifetime_days",
        "reserve_margin",
        "rate_tolerance",
        "voucher_free_amount",
    ):
        assert f'name="{name}"' not in mixer, name
    for words in ("Opening balance", "Payment methods</a>", "bitloga.com"):
        assert words not in mixer, words
    assert 'value="200"' in mixer
    for name in ("money_in", "invoice_lifetime_days", "reserve_margin", "voucher_free_amount"):
        assert f'name="{name}"' in exchanger, name
    assert 'name="rate_tolerance"' not in exchanger
    assert 'value="0.02"' in exchanger
    Method.objects.update(
        fee_fixed="0.0001", fee_rate="0.01", currency="BTC", stated_at="2026-11-21T22:59:00Z"
    )
    listed = rows.words(rows.text_of(browser.get(reverse("admin:payments_method_changelist"))))
    assert "fee 0.0001 BTC + 1 %" in listed
    assert "2026-11-21 22:59" in listed
