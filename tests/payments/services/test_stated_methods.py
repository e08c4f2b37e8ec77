"""Payment methods as a provider lists them: kept with their age, closed when they are gone, one bad line apart."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from backoffice.models import AuditEntry
from payments.models import Currency, ExceptionItem, Method
from payments.providers.errors import ProviderError
from payments.services import methods, stated_methods
from tests.payments import desk as desks
from tests.payments import desk_rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bare(desk: Any, transactional_db: None) -> Any:
    return desk_rows.bare_account(desk)


def one(account: Any, code: str) -> Method:
    return Method.objects.get(account=account, code=code)


class TestRefresh:
    def test_limits_fees_and_what_is_open_are_kept_with_their_age(self, bare: Any) -> None:
        stated_methods.refresh(account_id=bare.pk)
        usdt = one(bare, "USDT:tron")
        assert (usdt.min_amount, usdt.max_amount) == (5, 1000)
        assert (usdt.fee_fixed, usdt.fee_rate, usdt.fee_currency) == (1, Decimal("0.01"), "")
        assert (usdt.min_deposit, usdt.max_deposit) == (1, 10000)
        assert (usdt.for_withdrawal, usdt.for_wallet, usdt.for_invoice, usdt.is_card) == (
            True,
            True,
            False,
            False,
        )
        assert timezone.now() - usdt.stated_at < dt.timedelta(seconds=30)
        uah = one(bare, "UAH:visa")
        assert (uah.for_invoice, uah.for_wallet, uah.is_card, uah.is_fiat) == (True, False, True, True)
        assert one(bare, "USDC:erc20").fee_currency == "ETH"
        assert not one(bare, "BTC:btc").for_withdrawal
        assert (one(bare, "XRP:xrp").needs_tag, one(bare, "XRP:xrp").tag_name) == (True, "destination_tag")
        assert Currency.objects.get(code="UAH").digits == 2

    def test_a_change_is_told_and_an_admins_switches_stay(self, bare: Any, desk: Any) -> None:
        stated_methods.refresh(account_id=bare.pk)
        Method.objects.filter(code="USDT:tron").update(enabled=False, needs_tag=True)
        desk.methods[0]["withdraw_fee_amount"] = "2"
        stated_methods.refresh(account_id=bare.pk)
        usdt = one(bare, "USDT:tron")
        assert (usdt.fee_fixed, usdt.enabled, usdt.needs_tag) == (2, False, True)
        told = AuditEntry.objects.get(verb="method.changed")
        assert told.facts["changed"] == {"fee_fixed": ["1", "2"]}

    def test_what_is_not_listed_any_more_is_closed(self, bare: Any, desk: Any) -> None:
        stated_methods.refresh(account_id=bare.pk)
        del desk.methods[0]
        stated_methods.refresh(account_id=bare.pk)
        usdt = one(bare, "USDT:tron")
        assert not (usdt.for_withdrawal or usdt.for_wallet or usdt.for_invoice)

    def test_a_list_that_does_not_come_leaves_what_was_known(self, bare: Any, desk: Any) -> None:
        stated_methods.refresh(account_id=bare.pk)
        desk.faults["payment-methods"] = [500] * 9
        with pytest.raises(ProviderError):
            stated_methods.refresh(account_id=bare.pk)
        assert one(bare, "USDT:tron").for_withdrawal

    def test_an_older_answer_never_overwrites_a_newer_one(self, bare: Any, desk: Any) -> None:
        stated_methods.refresh(account_id=bare.pk)
        client_rows = [row for row in desk.methods if row["ticker"] != "USDT"]
        desk.methods = client_rows
        from payments.services import calls

        found = calls.client(bare).payment_methods()
        stated_methods.keep(account=bare, found=found, asked_at=timezone.now() - dt.timedelta(hours=1))
        assert one(bare, "USDT:tron").for_withdrawal

    @pytest.mark.parametrize(
        "row",
        [
            desks.method("USDT", "tron"),
            desks.method("ANAMETHATISFARTOOLONG", "x"),
            desks.method("ABC", "x", withdraw_fee_rate="5"),
        ],
    )
    def test_a_line_that_cannot_be_used_is_put_apart(self, bare: Any, desk: Any, row: Any) -> None:
        desk.methods.append(row)
        stated_methods.refresh(account_id=bare.pk)
        assert ExceptionItem.objects.get().kind == "bad_row"
        assert Method.objects.filter(account=bare).count() == len(desks.METHODS)

    def test_only_admins_may_ask_for_it(self, bare: Any, people: Any) -> None:
        stated_methods.ask_now(actor=people["admin"], account=bare)
        for role in ("viewer", "operator", "approver", "finance"):
            with pytest.raises(PermissionDenied):
                stated_methods.ask_now(actor=people[role], account=bare)

    def test_an_old_list_is_due(self, bare: Any) -> None:
        assert stated_methods.stale_accounts() == [bare.pk]
        stated_methods.refresh(account_id=bare.pk)
        assert stated_methods.stale_accounts() == []
        Method.objects.update(stated_at=timezone.now() - dt.timedelta(hours=1))
        assert stated_methods.stale_accounts() == [bare.pk]


class TestFees:
    def test_a_share_is_known_only_in_the_amounts_own_currency(self, bare: Any) -> None:
        stated_methods.refresh(account_id=bare.pk)
        assert methods.fee(one(bare, "USDT:tron"), Decimal(50)) == (Decimal("1.5"), "USDT")
        assert methods.fee(one(bare, "USDC:erc20"), Decimal(50)) == (Decimal(1), "ETH")
        usdc = one(bare, "USDC:erc20")
        usdc.fee_rate = Decimal("0.01")
        assert methods.fee(usdc, Decimal(50)) == (None, "ETH")
        usdc.fee_rate = None
        assert methods.fee(usdc, Decimal(50)) == (None, "ETH")

    def test_incoming_limits_are_others(self, bare: Any) -> None:
        stated_methods.refresh(account_id=bare.pk)
        usdt = one(bare, "USDT:tron")
        methods.check_limits(usdt, Decimal(2), incoming=True)
        with pytest.raises(ValidationError):
            methods.check_limits(usdt, Decimal(2))
