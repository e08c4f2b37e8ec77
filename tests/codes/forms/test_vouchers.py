"""The forms of vouchers: built from the provider's fields, no secret ever in their HTML."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from codes.forms.vouchers import LOST, RedeemForm, ResolveForm, VoucherForm
from payments.models import ProviderAccount
from payments.providers import PROVIDERS
from payments.providers.base import Vouchers

SECRET = "canary-Sesame-4711"
BALANCES = [("USDT", "USDT · 10 available")]
HAVING = [name for name, client in PROVIDERS.items() if issubclass(client, Vouchers)]


def account(provider: str = "bitloga", **options: Any) -> ProviderAccount:
    return ProviderAccount(provider=provider, name="Main", **options)


def form(data: dict[str, Any] | None = None, **more: Any) -> VoucherForm:
    return VoucherForm(data, account=account(), balances=BALANCES, **more)


class TestVoucherForm:
    @pytest.mark.parametrize("provider", HAVING)
    def test_every_field_of_a_provider_stands_once(self, provider: str) -> None:
        made = VoucherForm(account=account(provider), balances=BALANCES)
        drawn = [field.name for section in made.sections() for field in section.fields]
        assert len(drawn) == len(set(drawn))
        assert (
            set(drawn)
            == set(made.fields) - {LOST}
            >= {field.name for field in PROVIDERS[provider].voucher_fields}
        )

    def test_one_balance_is_chosen_already(self) -> None:
        assert form().value("currency") == "USDT"

    def test_it_gives_the_service_what_was_typed(self) -> None:
        made = form(
            {"amount": "1.50", "currency": "USDT", "count": "2", "_note": "x", "_make_password": "on"}
        )
        assert made.is_valid(), made.errors
        assert made.to_service() == {
            "amount": "1.50", "currency": "USDT", "_note": "x", "_make_password": True,
        }  # fmt: skip
        assert made.cleaned_data["count"] == 2

    def test_a_password_is_never_drawn(self) -> None:
        assert SECRET not in str(form({"pass": SECRET}))
        typed = QueryDict(mutable=True)
        typed.update({"pass": SECRET, "amount": "5"})
        drawn = form(typed=typed)
        assert SECRET not in str(drawn)
        assert drawn.value("amount") == "5"
        assert "never sent back" in str(drawn.fields["pass"].help_text)
        assert "never sent back" not in str(form().fields["pass"].help_text)

    def test_a_password_that_was_lost_is_asked_for_once(self) -> None:
        """The first form was refused for something else: without a password no voucher goes out unnoticed."""
        fields = {"amount": "2.5", "currency": "USDT", "count": "1"}
        refused = form({**fields, "amount": "", "pass": SECRET})
        assert not refused.is_valid()
        assert f'name="{LOST}" value="1"' in str(refused)
        again = form({**fields, LOST: "1"})
        assert not again.is_valid()
        assert list(again.errors) == ["pass"]
        assert f'name="{LOST}" value="1"' not in str(again)
        assert form(fields).is_valid()
        given = form({**fields, LOST: "1", "pass": SECRET})
        assert given.is_valid()
        assert given.to_service() == {"amount": "2.5", "currency": "USDT", "pass": SECRET}


class TestRedeemForm:
    def test_neither_code_nor_password_is_drawn(self) -> None:
        drawn = str(RedeemForm({"code": SECRET, "pass": SECRET}, account=account(), initial={"code": SECRET}))
        assert SECRET not in drawn


class TestResolveForm:
    def test_amount_and_balance_are_the_services_to_ask_for(self) -> None:
        assert ResolveForm({"outcome": "failed", "note": "x"}, currencies=["USDT"]).is_valid()

    def test_only_known_balances(self) -> None:
        made = ResolveForm({"outcome": "redeemed", "currency": "XXX", "note": "x"}, currencies=["USDT"])
        assert list(made.errors) == ["currency"]
