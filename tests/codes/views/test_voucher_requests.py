"""Requesting vouchers and redeeming a code: what it takes is said first, a form is one intent, no secret comes back."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal
from typing import Any

import pytest

from codes.models import Voucher
from payments.models import ProviderAccount
from tests import factories
from tests.codes import rows
from tests.payments.rows import account as bare_account
from tests.payments.rows import browser, browser_of, error_at, text_of, words

pytestmark = pytest.mark.django_db
TYPED = {"amount": "10", "currency": "USDT", "count": "1"}


class Form:
    """A form as an operator has it before them."""

    def __init__(self, route: str, account: ProviderAccount) -> None:
        self.person = factories.person("operator")
        self.browser = browser_of(self.person)
        self.url = f"/vouchers/{route}/{account.pk}/{uuid.uuid4()}/"

    def send(self, given: dict[str, Any], **headers: str) -> Any:
        return self.browser.post(self.url, given, headers=headers or None)


@pytest.fixture
def form(main: ProviderAccount) -> Form:
    return Form("new", main)


def box(shown: str, name: str) -> str:
    """The tag of one input."""
    found = re.search(rf'<input[^>]* name="{name}"[^>]*>', shown)
    assert found is not None
    return found[0]


class TestStart:
    @pytest.mark.parametrize("route", ["new", "redeem"])
    @pytest.mark.parametrize("role", ["viewer", "approver", "finance", "admin"])
    def test_only_operators(self, main: ProviderAccount, role: str, route: str) -> None:
        client = browser(role)
        assert client.get(f"/vouchers/{route}/").status_code == 403
        assert client.get(f"/vouchers/{route}/{main.pk}/").status_code == 403
        assert client.post(f"/vouchers/{route}/{main.pk}/{uuid.uuid4()}/", {}).status_code == 403

    @pytest.mark.parametrize("route", ["new", "redeem"])
    def test_one_account_is_no_question(self, main: ProviderAccount, route: str) -> None:
        assert browser("operator").get(f"/vouchers/{route}/").url == f"/vouchers/{route}/{main.pk}/"

    def test_those_that_cannot_say_why(self, main: ProviderAccount) -> None:
        bare_account("Closed", money_in=False)
        shown = words(text_of(browser("operator").get("/vouchers/new/")))
        assert "Closed Money out is switched off for this account." in shown
        shown = words(text_of(browser("operator").get("/vouchers/redeem/")))
        assert "Closed Money in is switched off for this account." in shown

    @pytest.mark.parametrize(("route", "switch"), [("new", "money_out"), ("redeem", "money_in")])
    def test_one_that_cannot_leads_back_with_a_word(
        self, main: ProviderAccount, route: str, switch: str
    ) -> None:
        ProviderAccount.objects.update(**{switch: False})
        shown = text_of(browser("operator").get(f"/vouchers/{route}/{main.pk}/", follow=True))
        assert "at the moment" in shown
        assert "is switched off for this account." in shown


class TestRequest:
    def test_makes_one_and_shows_it(self, form: Form) -> None:
        response = form.send(TYPED | {"desc": "Gift", "_customer_reference": "ACME", "_make_password": "on"})
        made = Voucher.objects.get()
        assert response.url == made.get_absolute_url()
        assert (made.created_by, made.status, made.payee) == (form.person, "awaiting_approval", "ACME")
        assert (made.description, made.has_password, made.password_made) == ("Gift", True, True)

    def test_several_lead_to_the_list_of_the_request(self, form: Form) -> None:
        response = form.send(TYPED | {"count": "3"})
        made = Voucher.objects.first()
        assert made is not None
        assert response.url == f"/vouchers/?bulk={made.bulk}"
        assert Voucher.objects.count() == 3

    def test_a_double_click_and_going_back_make_no_second_request(self, form: Form) -> None:
        assert form.send(TYPED | {"count": "2"}).url == form.send(TYPED).url
        assert Voucher.objects.count() == 2
        assert "bulk=" in form.browser.get(form.url).url

    @pytest.mark.parametrize(
        ("typed", "at", "said"),
        [
            ({"amount": "1,5"}, "amount", "digits and a point"),
            ({"amount": ""}, "amount", "required"),
            ({"amount": "0"}, "amount", "Enter an amount above zero."),
            ({"currency": "BTC"}, "currency", "Select a valid choice"),
            ({"count": "101"}, "count", "less than or equal to 100"),
            ({"count": "0"}, "count", "greater than or equal to 1"),
            ({"pass": rows.PASSWORD, "_make_password": "on"}, "pass", "not both"),
            ({"desc": "x" * 990}, "desc", "At most 981 characters."),
        ],
    )
    def test_a_mistake_is_told_at_its_field_and_nothing_typed_is_lost_but_the_password(
        self, form: Form, typed: dict[str, str], at: str, said: str
    ) -> None:
        given = TYPED | {"_customer_reference": "Keep-me", "pass": rows.PASSWORD} | typed
        shown = text_of(form.send(given))
        assert said.lower() in error_at(shown, at).lower()
        assert "Keep-me" in shown
        assert rows.PASSWORD not in shown
        assert "Type it again: a password is never sent back to the page." in shown
        assert not Voucher.objects.exists()

    def test_what_it_takes_follows_what_is_typed(self, form: Form) -> None:
        typed = {"amount": "12.5", "count": "4", "currency": "USDT", "pass": rows.PASSWORD, "_estimate": "1"}
        shown = text_of(form.send(typed))
        assert "<html" not in shown
        assert rows.PASSWORD not in shown
        assert "4 × 12.50 USDT = 50.00 USDT" in words(shown)
        assert "Left then 950.00 USDT" in words(shown)
        assert "Another person approves it before it is made." in shown

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"count": "3"}, "Within this account’s free amount of 30.00 USDT"),
            ({"count": "4"}, "Another person approves it before it is made."),
            ({"count": "101"}, "Between 1 and 100 vouchers can be requested at once."),
            ({"amount": "1000", "count": "2"}, "it can only be approved when enough is there"),
            ({"amount": "x"}, "digits and a point"),
            ({"currency": ""}, "Choose the balance and type the amount"),
        ],
    )
    def test_it_says_before_sending_what_it_needs(
        self, main: ProviderAccount, form: Form, typed: dict[str, str], said: str
    ) -> None:
        ProviderAccount.objects.update(voucher_free_amount=30, voucher_free_currency="USDT")
        assert said in words(text_of(form.send(TYPED | typed | {"_estimate": "1"})))

    def test_what_is_free_is_made_at_once_and_says_so(self, main: ProviderAccount, form: Form) -> None:
        ProviderAccount.objects.update(voucher_free_amount=30)
        shown = text_of(form.browser.get(form.send(TYPED).url))
        assert "It is within the account&#x27;s free amount and is made now." in shown
        assert Voucher.objects.get().status == "approved"

    def test_without_scripts_what_it_takes_is_a_button(self, form: Form) -> None:
        shown = text_of(form.send(TYPED | {"_show": "1", "pass": rows.PASSWORD}))
        assert "Left then 990.00 USDT" in words(shown)
        assert rows.PASSWORD not in shown
        assert "Type it again" in shown

    def test_where_code_and_password_go_apart_a_made_password_is_the_default(
        self, main: ProviderAccount
    ) -> None:
        ProviderAccount.objects.update(split_handover=True)
        form = Form("new", main)
        assert "checked" in box(text_of(form.browser.get(form.url)), "_make_password")


class TestRedeem:
    @pytest.fixture
    def form(self, main: ProviderAccount) -> Form:
        return Form("redeem", main)

    def test_leads_to_the_voucher_which_a_worker_redeems(self, form: Form) -> None:
        response = form.send({"code": rows.CODE, "pass": rows.PASSWORD})
        made = Voucher.objects.get()
        assert response.url == made.get_absolute_url()
        assert (made.status, made.direction, made.amount) == ("redeeming", "received", None)
        assert (made.code, made.password) == (rows.CODE, rows.PASSWORD)

    def test_the_boxes_are_secret_and_no_cache_keeps_the_page(self, form: Form) -> None:
        response = form.browser.get(form.url)
        shown = text_of(response)
        for name in ("code", "pass"):
            assert 'type="password"' in box(shown, name)
            assert 'autocomplete="off"' in box(shown, name)
        assert response.headers["Cache-Control"] == "no-store"
        assert "No machine repeats it" in shown

    @pytest.mark.parametrize("code", ["", "aaaa bbbb", "x" * 201])
    def test_a_mistake_is_told_and_nothing_secret_comes_back(self, form: Form, code: str) -> None:
        response = form.send({"code": code, "pass": rows.PASSWORD})
        shown = text_of(response)
        assert error_at(shown, "code")
        assert rows.PASSWORD not in shown
        assert not code or code not in shown
        assert response.headers["Cache-Control"] == "no-store"

    def test_a_code_in_doubt_leads_to_its_voucher(self, main: ProviderAccount, form: Form) -> None:
        known = rows.redeeming_in_doubt(main)
        shown = text_of(form.send({"code": rows.CODE}))
        assert f'<a href="{known.get_absolute_url()}">{known.reference.value}</a>' in shown

    def test_a_double_click_redeems_once(self, form: Form) -> None:
        given = {"code": rows.CODE}
        assert form.send(given).url == form.send(given).url
        assert Voucher.objects.count() == 1

    def test_what_was_given_is_worth_what_the_provider_says(self, main: ProviderAccount) -> None:
        voucher = rows.redeeming(main)
        shown = words(text_of(browser("viewer").get(voucher.get_absolute_url())))
        assert "the provider tells it when it is redeemed" in shown
        Voucher.objects.filter(pk=voucher.pk).update(amount=Decimal(7), currency="USDT")
        assert "7.00 USDT" in words(text_of(browser("viewer").get(voucher.get_absolute_url())))
