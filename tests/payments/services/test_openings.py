"""Balances that nobody states: an opening that an admin enters, and our movements; nothing leaves before."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from backoffice.models import AuditEntry
from payments.models import Balance, Reservation
from payments.services import balances, reservations, withdrawals
from tests.payments import desk_rows, rows

pytestmark = pytest.mark.django_db(transaction=True)
NOTE = "computed, not confirmed by the provider"


def usdt(account: Any) -> Balance:
    return Balance.objects.get(account=account, currency="USDT")


class TestOpening:
    def test_it_is_opening_and_movements(self, there: Any) -> None:
        rows.movement(there, "50")
        rows.movement(there, "-20")
        rows.movement(there, "7", on_balance=False)
        assert reservations.available(usdt(there)) == 1030
        found = balances.explained(Balance.objects.filter(account=there, currency="USDT")).get()
        assert (found.known, found.moved) == (1030, 30)

    def test_entered_again_it_takes_over_what_was_booked(self, there: Any, people: Any) -> None:
        rows.movement(there, "50")
        balances.set_opening(
            actor=people["admin"], account=there, currency="USDT", amount="900", note="its page"
        )
        assert (usdt(there).opening, reservations.available(usdt(there))) == (850, 900)
        told = AuditEntry.objects.filter(verb="balance.opened").latest("pk")
        assert (told.facts["was"], told.facts["amount"], told.facts["note"]) == ("1050", "900", "its page")

    def test_only_an_admin_may(self, there: Any, people: Any) -> None:
        for role in ("viewer", "operator", "approver", "finance"):
            with pytest.raises(PermissionDenied):
                balances.set_opening(actor=people[role], account=there, currency="USDT", amount="1", note="x")

    @pytest.mark.parametrize(
        ("changed", "at"),
        [
            ({"currency": "NOPE"}, "currency"),
            ({"amount": "1e3"}, "amount"),
            ({"amount": "-1"}, "amount"),
            ({"note": " "}, "note"),
        ],
    )
    def test_bad_input_is_named(self, there: Any, people: Any, changed: Any, at: str) -> None:
        given = {"currency": "USDT", "amount": "1", "note": "x"} | changed
        with pytest.raises(ValidationError) as caught:
            balances.set_opening(actor=people["admin"], account=there, **given)
        assert at in caught.value.error_dict

    def test_a_stated_balance_needs_none(self, account: Any, people: Any) -> None:
        with pytest.raises(ValidationError):
            balances.set_opening(
                actor=people["admin"], account=account, currency="USDT", amount="1", note="x"
            )


class TestNothingLeavesBefore:
    def test_it_cannot_be_requested(self, desk: Any, people: Any) -> None:
        bare = desk_rows.account(desk, opening="")
        with pytest.raises(ValidationError) as caught:
            desk_rows.ask(bare, people["operator"])
        assert "ticker" in caught.value.error_dict
        balances.computed(account=bare, currency="USDT")
        with pytest.raises(ValidationError):
            desk_rows.ask(bare, people["operator"])

    def test_nor_approved(self, there: Any, people: Any) -> None:
        asked = desk_rows.ask(there, people["operator"])
        Balance.objects.update(opened_at=None)
        with pytest.raises(ValidationError, match="opening balance"):
            withdrawals.approve(actor=people["approver"], withdrawal=asked)
        assert not Reservation.objects.exists()

    def test_nor_more_than_there_is(self, there: Any, people: Any) -> None:
        first = desk_rows.ask(there, people["operator"], amount="900")
        second = desk_rows.ask(there, people["operator"], amount="100")
        withdrawals.approve(actor=people["approver"], withdrawal=first)
        with pytest.raises(ValidationError, match="available"):
            withdrawals.approve(actor=people["approver"], withdrawal=second)


class TestPages:
    def test_every_page_says_that_it_is_computed(self, there: Any) -> None:
        browser = rows.browser("finance")
        for path in ("/balances/", "/", f"/provider-accounts/{there.pk}/", "/provider-accounts/"):
            shown = rows.text_of(browser.get(path, follow=True))
            assert NOTE in shown, path
            assert "1,000.00" in shown, path

    def test_statements_and_their_file_say_it(self, there: Any) -> None:
        browser = rows.browser("finance")
        rows.movement(there, "50")
        today = timezone.localdate().isoformat()
        shown = rows.text_of(browser.get(f"/reports/statements/?since={today}&until={today}"))
        assert NOTE in shown

    def test_a_balance_without_opening_says_that(self, desk: Any) -> None:
        bare = desk_rows.account(desk, opening="")
        balances.computed(account=bare, currency="USDT")
        shown = rows.text_of(rows.browser("viewer").get("/balances/"))
        assert "no opening balance was entered" in shown
        assert "1 without an opening balance" in shown

    def test_sums_over_stated_and_computed_say_that_it_is_in_part(self, there: Any, settings: Any) -> None:
        settings.PROVIDER_INTERNAL_HOSTS |= {rows.HOST}
        rows.balance(rows.account(), "USDT", "10")
        (line,) = [one for one in balances.sums(Balance.objects.all()) if one["currency"] == "USDT"]
        assert (line["known"], line["computed"], line["accounts"]) == (1010, 1, 2)
        assert f"in part {NOTE}" in rows.text_of(rows.browser("viewer").get("/balances/"))


class TestAdminPage:
    def test_an_admin_enters_it(self, desk: Any) -> None:
        bare = desk_rows.account(desk, opening="")
        browser = rows.browser("admin")
        address = f"/admin/payments/provideraccount/{bare.pk}/opening/"
        assert "states no balances" in rows.text_of(browser.get(address))
        wrong = browser.post(address, {"currency": "USDT", "amount": "1,5", "note": "x"})
        assert "digits and a point" in rows.text_of(wrong)
        browser.post(address, {"currency": "USDT", "amount": "12.5", "note": "its page"})
        assert reservations.available(usdt(bare)) == Decimal("12.5")
        assert "12.50" in rows.text_of(browser.get(address))
        assert "Opening balance" in rows.text_of(
            browser.get(f"/admin/payments/provideraccount/{bare.pk}/change/")
        )

    def test_nobody_else_gets_there(self, there: Any) -> None:
        for role in ("operator", "approver", "finance"):
            answer = rows.browser(role).get(f"/admin/payments/provideraccount/{there.pk}/opening/")
            assert answer.status_code in (302, 403)
