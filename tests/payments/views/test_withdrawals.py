"""The pages of withdrawals: a form that says the cost and loses nothing, decisions by the right people, doubt."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice.models import AuditEntry
from payments.models import Approval, Balance, ExceptionItem, Method, ProviderAccount, Reservation, Withdrawal
from payments.providers.base import WithdrawalReport
from payments.services import (
    exceptions,
    freeze,
    withdrawal_attempts,
    withdrawal_decisions,
    withdrawal_reports,
    withdrawals,
)
from tests import factories
from tests.payments import rows
from tests.payments.rows import error_at, words
from tests.payments.rows import text_of as text

pytestmark = pytest.mark.django_db
ROLES = ("viewer", "operator", "approver", "finance", "admin")
CARD = "4111111111111111"
MASKED = "411111******1111"
LIST = "/withdrawals/"


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})


@pytest.fixture
def main() -> ProviderAccount:
    """An account that may pay out: 1,000 USDT, a known fee, and cards whose cost is not known."""
    account = rows.account("Main", money_out=True)
    Method.objects.filter(account=account, code="USDTBALANCE").update(
        fee_fixed=Decimal(1), fee_rate=Decimal("0.01"), min_amount=5, max_amount=500
    )
    account.methods.create(
        code="CARD_RUB", title="Card", currency="RUB", for_withdrawal=True, is_card=True, needs_names=True
    )
    rows.balance(account, "USDT", "1000")
    return account


@pytest.fixture
def operator() -> Any:
    return factories.person("operator", name="olga")


def ask(account: ProviderAccount, actor: Any, **changed: Any) -> Withdrawal:
    fields = {"currency": "USDT", "paysys": "USDTBALANCE", "amount": "10", "purse": "user@example.com"}
    return withdrawals.request(actor=actor, account=account, fields=fields | changed)


@pytest.fixture
def asked(main: ProviderAccount, operator: Any) -> Withdrawal:
    return ask(main, operator, _customer_reference="ACME", _note="Refund of 1042")


@pytest.fixture
def by_card(main: ProviderAccount, operator: Any) -> Withdrawal:
    return ask(
        main,
        operator,
        paysys="CARD_RUB",
        amount="5000",
        purse=CARD,
        name="Ann",
        surname="Lee",
        _max_debit="70",
    )


def approve(withdrawal: Withdrawal, actor: Any = None) -> Withdrawal:
    withdrawals.approve(actor=actor or factories.person("approver"), withdrawal=withdrawal)
    return fresh(withdrawal)


def fresh(withdrawal: Withdrawal) -> Withdrawal:
    return Withdrawal.objects.select_related("reference", "account", "created_by").get(pk=withdrawal.pk)


def sending(withdrawal: Withdrawal, actor: Any = None) -> Withdrawal:
    """Approved, and a worker has begun to send it."""
    approve(withdrawal, actor)
    with transaction.atomic():
        locked = withdrawal_reports.lock(withdrawal.pk)
        withdrawal_reports.move(locked, "sending", way="system", sent_at=timezone.now())
    return fresh(withdrawal)


def in_doubt(withdrawal: Withdrawal, *, minutes: float = 30, actor: Any = None) -> Withdrawal:
    """Its attempt so long ago ended in nothing."""
    row = sending(withdrawal, actor)
    at = timezone.now() - dt.timedelta(minutes=minutes)
    rows.call(
        row.account,
        reference=row.reference,
        operation=withdrawals.OPERATION,
        safe=False,
        outcome="OutcomeUnknown",
        started_at=at,
        finished_at=at,
    )
    withdrawal_attempts.doubt(withdrawal_id=row.pk, fence=row.fence, error="The line was cut.", way="reply")
    return fresh(row)


def not_found(withdrawal: Withdrawal, *, seconds: float = 5) -> None:
    """The provider said so long ago that it does not know the reference."""
    at = timezone.now() - dt.timedelta(seconds=seconds)
    rows.call(
        withdrawal.account,
        reference=withdrawal.reference,
        outcome="Refused",
        reason="not_found",
        started_at=at,
        finished_at=at,
        error="Transaction is not found",
    )


def told(withdrawal: Withdrawal, status: str | None = "complete", **more: Any) -> Withdrawal:
    """What the provider said about it was applied."""
    values = {
        "provider_status": "Complete",
        "method": withdrawal.method,
        "currency": withdrawal.balance_currency,
        "amount": withdrawal.amount,
        "amount_from": Decimal(10),
        "debit": Decimal("11.1"),
        "purse": withdrawal.purse,
        "provider_id": "7",
        "transaction_id": "ab12",
        "fee": Decimal("1.1"),
        **more,
    }
    report = WithdrawalReport(withdrawal.reference.value, status, **values)
    withdrawal_reports.apply(withdrawal_id=withdrawal.pk, report=report, way="poll", asked_at=timezone.now())
    return fresh(withdrawal)


def page(role: str, withdrawal: Withdrawal) -> str:
    response = rows.browser(role).get(withdrawal.get_absolute_url())
    assert response.status_code == 200
    return text(response)


def queries_for(address: str, account: ProviderAccount, actor: Any, count: int) -> int:
    """How many queries an approver's look at this page takes, with so many more rows on it."""
    for number in range(count):
        ask(account, actor, purse=f"{count}-{number}@example.com")
    browser = rows.browser("approver")
    browser.get(address)  # what a process looks up once is known then
    with CaptureQueriesContext(connection) as seen:
        assert f"{count}-{count - 1}@example.com" in text(browser.get(address))
    return len(seen)


class TestList:
    @pytest.mark.parametrize("role", ROLES)
    def test_everybody_sees_them_operators_request_approvers_tick(self, asked: Withdrawal, role: str) -> None:
        shown = text(rows.browser(role).get(LIST))
        assert asked.reference.value in shown
        assert "ACME" in shown
        assert ("New withdrawal" in shown) == (role == "operator")
        assert ('form="bulk"' in shown) == (role == "approver")

    def test_sums_are_of_what_is_filtered(
        self, main: ProviderAccount, asked: Withdrawal, operator: Any
    ) -> None:
        ask(main, operator, amount="20", purse="other@example.com")
        told(sending(asked))
        shown = words(text(rows.browser("viewer").get(LIST)))
        assert "USDT 2 30.00 USDT 10.00 USDT 11.10 USDT 1.10 USDT 21.624 USDT" in shown.replace(",", "")
        shown = words(text(rows.browser("viewer").get(LIST, {"status": "complete"})))
        assert "USDT 1 10.00 USDT 10.00 USDT 11.10 USDT 1.10 USDT 0.00 USDT" in shown

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"status": "awaiting_approval"}, True),
            ({"status": "complete"}, False),
            ({"status": "held"}, False),
            ({"status": "to_confirm"}, False),
            ({"method": "USDTBALANCE"}, True),
            ({"method": "CARD_RUB"}, False),
            ({"since": "2001-01-01"}, True),
            ({"since": "2001-01-01", "until": "2001-01-02"}, False),
            ({"q": "user@example.com"}, True),
            ({"q": "nobody@example.com"}, False),
        ],
    )
    def test_filters_narrow_the_list(self, asked: Withdrawal, query: dict[str, str], found: bool) -> None:
        shown = text(rows.browser("viewer").get(LIST, query))
        assert (asked.reference.value in shown) == found

    @pytest.mark.parametrize("typed", [CARD, "4111 1111 1111 1111", "4111-1111-1111-1111"])
    def test_a_card_number_is_not_searched_for_but_led_away_from(
        self, by_card: Withdrawal, typed: str
    ) -> None:
        browser = rows.browser("viewer")
        answer = browser.get(LIST, {"q": typed, "status": "complete"})
        assert (answer.status_code, answer.url) == (303, f"{LIST}?status=complete")
        assert "looks like a card number" in text(browser.get(answer.url))
        assert typed not in answer.url

    def test_a_whole_reference_is_found_at_once(self, asked: Withdrawal) -> None:
        shown = text(rows.browser("viewer").get(LIST, {"q": asked.reference.value}))
        assert f'href="{asked.get_absolute_url()}"' in shown

    def test_the_file_has_exact_amounts_and_no_card(self, by_card: Withdrawal) -> None:
        response = rows.browser("finance").get(LIST, {"export": "csv"})
        file = b"".join(response.streaming_content).decode()
        assert MASKED in file
        assert CARD not in file
        assert ",5000,RUB," in file

    def test_an_empty_list_says_what_to_do(self) -> None:
        assert "No withdrawals yet" in text(rows.browser("operator").get(LIST))

    def test_the_number_of_queries_does_not_grow_with_the_rows(
        self, main: ProviderAccount, operator: Any
    ) -> None:
        few = queries_for(LIST, main, operator, 2)
        assert queries_for(LIST, main, operator, 6) == few


class TestStart:
    url = "/withdrawals/new/"

    @pytest.mark.parametrize("role", ["viewer", "approver", "finance", "admin"])
    def test_only_operators_request(self, main: ProviderAccount, role: str) -> None:
        browser = rows.browser(role)
        assert browser.get(self.url).status_code == 403
        assert browser.get(f"{self.url}{main.pk}/").status_code == 403
        assert browser.post(f"{self.url}{main.pk}/{uuid.uuid4()}/", {}).status_code == 403

    def test_one_account_is_no_question(self, main: ProviderAccount) -> None:
        assert rows.browser("operator").get(self.url).url == f"{self.url}{main.pk}/"

    def test_those_that_cannot_pay_out_say_why(self, main: ProviderAccount) -> None:
        rows.account("Closed")
        shown = words(text(rows.browser("operator").get(self.url)))
        assert "Main bitloga" in shown
        assert "Closed Money out is switched off for this account." in shown

    def test_an_account_that_cannot_pay_out_leads_back_with_a_word(self, main: ProviderAccount) -> None:
        ProviderAccount.objects.update(money_out=False)
        shown = text(rows.browser("operator").get(f"{self.url}{main.pk}/", follow=True))
        assert "Main cannot pay out at the moment. Money out is switched off for this account." in shown


class Form:
    """The form of a new withdrawal as an operator has it before them."""

    def __init__(self, account: ProviderAccount) -> None:
        self.person = factories.person("operator")
        self.browser: Client = rows.browser_of(self.person)
        self.url = f"/withdrawals/new/{account.pk}/{uuid.uuid4()}/"

    def send(self, **typed: Any) -> Any:
        given = {"paysys": "USDTBALANCE", "currency": "USDT", "amount": "10", "purse": "user@example.com"}
        return self.browser.post(self.url, given | typed)


@pytest.fixture
def form(main: ProviderAccount) -> Form:
    return Form(main)


class TestRequest:
    def test_makes_a_request_and_shows_it(self, form: Form) -> None:
        response = form.send(_customer_reference="ACME", _note="Refund")
        made = Withdrawal.objects.get()
        assert response.url == made.get_absolute_url()
        assert (made.created_by, made.status, made.payee) == (form.person, "awaiting_approval", "ACME")
        assert (made.estimate, made.max_debit) == (Decimal("11.1"), Decimal("11.322"))

    def test_a_double_click_makes_one(self, form: Form) -> None:
        assert form.send().url == form.send().url
        assert Withdrawal.objects.count() == 1

    @pytest.mark.parametrize(
        ("typed", "at", "said"),
        [
            ({"amount": "1,5"}, "amount", "digits and a point"),
            ({"amount": "4"}, "amount", "The smallest amount here is 5 USDT."),
            ({"amount": "501"}, "amount", "The largest amount here is 500 USDT."),
            ({"amount": ""}, "amount", "required"),
            ({"purse": ""}, "purse", "required"),
            ({"currency": "RUB"}, "currency", "Select a valid choice"),
            ({"_max_debit": "9"}, "_max_debit", "This is less than the payee gets."),
            ({"paysys": "CARD_RUB", "purse": CARD}, "name", "This payment system needs name and surname."),
            ({"paysys": "CARD_RUB", "purse": CARD}, "_max_debit", "Type the most that may be debited"),
        ],
    )
    def test_a_mistake_is_told_at_its_field_and_nothing_typed_is_lost(
        self, form: Form, typed: dict[str, str], at: str, said: str
    ) -> None:
        shown = text(form.send(**{"_customer_reference": "Keep-me", "_note": "And me", **typed}))
        assert said.lower() in error_at(shown, at).lower()
        assert "Keep-me" in shown
        assert "And me" in shown
        assert not Withdrawal.objects.exists()

    def test_a_second_equal_payment_needs_a_tick_for_just_this_payment(
        self, form: Form, asked: Withdrawal
    ) -> None:
        assert "_confirm_similar" not in text(form.browser.get(form.url))
        shown = text(form.send(_note="kept"))
        assert f'<a href="{asked.get_absolute_url()}">{asked.reference.value}</a>' in shown
        assert "kept" in shown
        tick = re.search(r'name="_confirm_similar" value="(\w+)"', shown)
        assert tick is not None
        assert Withdrawal.objects.count() == 1
        assert form.send(_confirm_similar="1").status_code == 200  # not the tick of this payment
        assert form.send(_confirm_similar=tick[1]).status_code == 302
        assert Withdrawal.objects.count() == 2

    def test_a_frozen_account_is_named_before_it_is_requested(
        self, form: Form, main: ProviderAccount
    ) -> None:
        freeze.set(actor=form.person, account=main, reason="Odd")
        assert "Sending from this account is stopped." in text(form.browser.get(form.url))


class TestEstimate:
    def part(self, form: Form, word: str, **typed: Any) -> str:
        given = {"paysys": "USDTBALANCE", "currency": "USDT", "amount": "10", "purse": "kept@example.com"}
        return text(form.browser.post(form.url, {**given, **typed, word: "1"}))

    def test_says_debit_reserve_and_what_is_left_before_anything_is_sent(
        self, form: Form, asked: Withdrawal
    ) -> None:
        approve(asked)
        shown = words(self.part(form, "_estimate"))
        for line in (
            "Payee gets 10.00 USDT",
            "Estimated debit 11.10 USDT",
            "Reserve on top 0.222 USDT",
            "Reserved for others 11.322 USDT",
            "Available now 988.678 USDT",
            "Left then 977.356 USDT",
        ):
            assert line in shown, line
        assert Withdrawal.objects.count() == 1

    def test_warns_when_not_enough_is_there(self, form: Form) -> None:
        Balance.objects.update(stated=5)
        assert "Not enough is available now" in self.part(form, "_estimate")

    @pytest.mark.parametrize(
        ("typed", "said"), [({"amount": "x"}, "digits"), ({"amount": "1"}, "smallest amount")]
    )
    def test_says_what_is_wrong_with_the_amount(self, form: Form, typed: dict[str, str], said: str) -> None:
        assert said in self.part(form, "_estimate", **typed)

    def test_an_unknown_fee_and_another_currency_say_why_the_most_must_be_typed(
        self, form: Form, main: ProviderAccount
    ) -> None:
        shown = self.part(form, "_redraw", paysys="CARD_RUB")
        assert "The payee gets RUB, the balance is in USDT." in shown
        Method.objects.filter(account=main, code="USDTBALANCE").update(fee_fixed=None, fee_rate=None)
        shown = self.part(form, "_redraw")
        assert "an admin has not entered its fee" in shown
        assert "Reserved on approval, as you typed 12.00 USDT" in words(
            self.part(form, "_estimate", _max_debit="12")
        )

    def test_what_was_typed_stays_when_the_payment_system_changes(self, form: Form) -> None:
        shown = self.part(form, "_redraw", paysys="CARD_RUB", _note="still here")
        assert 'value="kept@example.com"' in shown
        assert "still here" in shown
        assert re.search(r'<label[^>]*for="id_name"[^>]*>[^<]*<span class="asteriskField">', shown)
        assert "<html" not in shown

    def test_without_scripts_a_button_shows_it_on_the_page(self, form: Form) -> None:
        shown = self.part(form, "_show")
        assert "Estimated debit" in shown
        assert 'value="kept@example.com"' in shown
        assert not Withdrawal.objects.exists()


class TestApprove:
    def url(self, withdrawal: Withdrawal) -> str:
        return f"{withdrawal.get_absolute_url()}approve/"

    def seen(self, shown: str) -> str:
        found = re.search(r'name="seen" value="(\w+)"', shown)
        assert found is not None
        return found[1]

    def test_shows_exactly_what_is_sent_and_what_it_may_cost(self, asked: Withdrawal) -> None:
        shown = words(text(rows.browser("approver").get(self.url(asked))))
        for line in (
            "currency USDT",
            "paysys USDTBALANCE",
            "amount 10.00",
            "purse user@example.com",
            f"Our reference {asked.reference.value}",
            rows.BASE_URL,
            "Debited at most 11.322 USDT",
            "Available now 1,000.00 USDT",
            "Available afterwards 988.678 USDT",
            "requested by olga",
        ):
            assert line in shown, line

    def test_one_post_approves_and_reserves(self, asked: Withdrawal) -> None:
        browser = rows.browser("approver")
        seen = self.seen(text(browser.get(self.url(asked))))
        assert browser.post(self.url(asked), {"seen": seen}).url == asked.get_absolute_url()
        assert fresh(asked).status == "approved"
        assert Reservation.objects.get().amount == asked.max_debit

    def test_who_has_not_seen_it_approves_nothing(self, asked: Withdrawal) -> None:
        browser = rows.browser("approver")
        assert "Exactly this is sent" in text(browser.post(self.url(asked)))
        ProviderAccount.objects.update(base_url=f"{rows.BASE_URL}v2/")
        stale = withdrawals.bound(asked)
        shown = text(browser.post(self.url(asked), {"seen": stale}, follow=True))
        assert "Something has changed since you opened this page." in shown
        assert fresh(asked).status == "awaiting_approval"

    def test_the_requester_has_no_button_and_learns_why(self, main: ProviderAccount) -> None:
        person = factories.person("operator")
        from backoffice.services import roles

        roles.give(actor=None, user=person, role="approver")
        asked = ask(main, person)
        browser = rows.browser_of(person)
        for address in (asked.get_absolute_url(), self.url(asked)):
            shown = text(browser.get(address))
            assert "You requested this yourself. Another person must decide." in shown
            assert "Approve and send" not in shown
            assert "Read and approve" not in shown
        browser.post(self.url(asked), {"seen": withdrawals.bound(asked)})
        assert fresh(asked).status == "awaiting_approval"

    @pytest.mark.parametrize("role", ["viewer", "operator", "finance", "admin"])
    def test_others_may_not(self, asked: Withdrawal, role: str) -> None:
        browser = rows.browser(role)
        assert browser.get(self.url(asked)).status_code == 403
        assert browser.post(self.url(asked), {"seen": withdrawals.bound(asked)}).status_code == 403

    def test_a_card_is_whole_only_after_an_audited_click(self, by_card: Withdrawal) -> None:
        browser = rows.browser("approver")
        shown = text(browser.get(self.url(by_card)))
        assert MASKED in shown
        assert CARD not in shown
        assert not AuditEntry.objects.filter(verb="withdrawal.revealed").exists()
        assert CARD in text(browser.post(self.url(by_card), {"_reveal": "1"}))
        entry = AuditEntry.objects.get(verb="withdrawal.revealed")
        assert entry.reference == by_card.reference.value
        assert CARD not in str(entry.facts)
        assert CARD not in page("approver", by_card)

    def test_look_alikes_and_what_is_in_the_way_are_shown(self, main: ProviderAccount, operator: Any) -> None:
        first = ask(main, operator)
        second = ask(main, operator, _confirm_similar=True)
        ProviderAccount.objects.update(money_out=False)
        freeze.set(actor=operator, reason="Odd")
        Balance.objects.update(stated=5)
        shown = text(rows.browser("approver").get(self.url(second)))
        assert first.reference.value in shown
        assert "the same amount" in shown
        assert "Money out is switched off for this account." in shown
        assert "Sending is frozen." in shown
        assert "Not enough is available: it cannot be approved now." in shown

    def test_a_refusal_of_the_service_is_told(self, asked: Withdrawal) -> None:
        Balance.objects.update(stated=5)
        browser = rows.browser("approver")
        shown = text(browser.post(self.url(asked), {"seen": withdrawals.bound(asked)}, follow=True))
        assert "Only 5 USDT are available, 11.322 would be reserved." in shown

    def test_what_is_decided_leads_back(self, asked: Withdrawal) -> None:
        approve(asked)
        shown = text(rows.browser("approver").get(self.url(asked), follow=True))
        assert "This is decided already: Approved." in shown
        for step in ("reject", "resolve"):
            shown = text(rows.browser("approver").get(f"{asked.get_absolute_url()}{step}/"))
            assert "This is decided already" in shown
            assert asked.reference.approvals.get().approver.get_username() in shown
            assert "<textarea" not in shown

    def test_rejecting_needs_a_reason_and_tells_it(self, asked: Withdrawal) -> None:
        browser = rows.browser("approver")
        url = f"{asked.get_absolute_url()}reject/"
        assert "This field is required" in text(browser.post(url, {"reason": ""}))
        assert "Not this month" in text(browser.post(url, {"reason": "Not this month"}, follow=True))
        assert fresh(asked).status == "rejected"
        assert "Not this month" in page("operator", asked), "who asked for it must read why"

    def test_requester_and_approvers_may_cancel_other_operators_not(
        self, asked: Withdrawal, operator: Any
    ) -> None:
        url = f"{asked.get_absolute_url()}cancel/"
        assert "Cancel it" not in page("operator", asked)
        assert "Only the requester or an approver may cancel this." in text(
            rows.browser("operator").post(url, follow=True)
        )
        assert "Cancel it" in page("approver", asked)
        rows.browser_of(operator).post(url)
        assert fresh(asked).status == "canceled"


class TestBulk:
    url = "/withdrawals/approve/"

    def tokens(self, shown: str) -> dict[str, Any]:
        token = re.search(r'name="token" value="([\w-]+)"', shown)
        assert token is not None
        return {"token": token[1], "pk": re.findall(r'name="pk" value="([\w.]+)"', shown)}

    def test_sums_and_rows_come_first_and_looking_approves_nothing(
        self, main: ProviderAccount, operator: Any
    ) -> None:
        picked = [ask(main, operator, purse=f"p{n}@example.com").pk for n in range(3)]
        shown = words(text(rows.browser("approver").get(self.url, {"chosen": "1", "pk": picked[:2]})))
        assert "2 can be approved" in shown
        assert "Main 2 22.644 USDT 1,000.00 USDT 977.356 USDT" in shown
        assert not Withdrawal.objects.exclude(status="awaiting_approval").exists()

    def test_what_the_balance_cannot_bear_alone_is_not_offered(
        self, main: ProviderAccount, operator: Any
    ) -> None:
        fits, large = ask(main, operator), ask(main, operator, amount="490", purse="x@example.com")
        Balance.objects.update(stated=30)
        shown = text(rows.browser("approver").get(self.url))
        assert [key.split(".")[0] for key in self.tokens(shown)["pk"]] == [str(fits.pk)]
        assert "Not enough is available: 30.00 USDT." in shown
        assert "1 can be approved, 1 cannot" in words(shown)
        assert large.status == "awaiting_approval"

    def test_each_row_has_its_own_result(self, main: ProviderAccount, operator: Any) -> None:
        Balance.objects.update(stated=30)
        for number in range(3):
            ask(main, operator, purse=f"p{number}@example.com")
        browser = rows.browser("approver")
        sent = self.tokens(text(browser.get(self.url)))
        assert len(sent["pk"]) == 3
        shown = words(text(browser.post(self.url, sent, follow=True)))
        assert "2 approved, 1 refused" in shown
        assert "Only 7.356 USDT are available, 11.322 would be reserved." in shown
        assert Withdrawal.objects.filter(status="approved").count() == 2

    def test_ones_own_and_decided_ones_are_named_and_cannot_be_ticked(
        self, main: ProviderAccount, operator: Any
    ) -> None:
        person = factories.person("operator")
        from backoffice.services import roles

        roles.give(actor=None, user=person, role="approver")
        mine, other = ask(main, person), ask(main, operator, purse="x@example.com")
        done = approve(ask(main, operator, purse="y@example.com"))
        browser = rows.browser_of(person)
        shown = text(browser.get(self.url, {"chosen": "1", "pk": [mine.pk, other.pk, done.pk]}))
        assert [key.split(".")[0] for key in self.tokens(shown)["pk"]] == [str(other.pk)]
        assert "You requested this yourself" in shown
        assert "This is decided already: Approved." in shown

    def test_sent_twice_counts_once(self, asked: Withdrawal) -> None:
        browser = rows.browser("approver")
        sent = self.tokens(text(browser.get(self.url)))
        browser.post(self.url, sent)
        assert "1 approved, 0 refused" in words(text(browser.post(self.url, sent, follow=True)))
        assert Approval.objects.count() == 1

    def test_nothing_ticked_is_not_everything(self, asked: Withdrawal) -> None:
        assert "Nothing is chosen" in text(rows.browser("approver").get(self.url, {"chosen": "1"}))

    def test_what_was_not_seen_is_not_approved(self, asked: Withdrawal) -> None:
        browser = rows.browser("approver")
        browser.post(
            self.url, {"token": "t", "pk": [str(asked.pk), f"{asked.pk}.", f"{asked.pk}.0123", "x.y"]}
        )
        assert fresh(asked).status == "awaiting_approval"

    @pytest.mark.parametrize("role", ["viewer", "operator", "finance", "admin"])
    def test_only_approvers_may(self, asked: Withdrawal, role: str) -> None:
        browser = rows.browser(role)
        assert browser.get(self.url).status_code == 403
        assert browser.post(self.url, {"pk": f"{asked.pk}.{withdrawals.bound(asked)}"}).status_code == 403

    def test_the_number_of_queries_does_not_grow_with_the_rows(
        self, main: ProviderAccount, operator: Any
    ) -> None:
        few = queries_for(self.url, main, operator, 2)
        assert queries_for(self.url, main, operator, 6) == few


class TestDetail:
    def test_debit_and_fee_stand_beside_the_estimate(self, asked: Withdrawal) -> None:
        done = told(sending(asked), debit=Decimal("11.15"), fee=Decimal("1.15"))
        shown = words(page("viewer", done))
        assert "Estimated debit 11.10 USDT" in shown
        assert "11.15 USDT of that fee 1.15 USDT Difference to the estimate: +0.05 USDT" in shown
        assert "Withdrawal 20" in shown
        assert "-10.00 USDT" in shown
        assert "-1.15 USDT" in shown

    def test_a_card_is_masked_everywhere(self, by_card: Withdrawal) -> None:
        for role in ROLES:
            shown = page(role, by_card)
            assert MASKED in shown
            assert CARD not in shown

    def test_what_is_held_says_why_and_who_may_release_it(self, asked: Withdrawal) -> None:
        row = sending(asked)
        with transaction.atomic():
            exceptions.hold(reference=row.reference, obj=row, reason="Another purse.", purse="x<y")
        shown = page("approver", row)
        assert "Held: somebody must look at this" in shown
        assert "x&lt;y" in shown
        assert f"/references/{row.reference_id}/release/" in shown
        assert ExceptionItem.objects.filter(reference=row.reference).exists()

    def test_waiting_behind_a_freeze_is_said(self, asked: Withdrawal) -> None:
        approve(asked)
        Withdrawal.objects.update(last_error="Sending is frozen.")
        assert "Approved, but not sent yet." in page("viewer", asked)

    def test_the_live_part_is_quiet_until_something_changes(self, asked: Withdrawal) -> None:
        browser = rows.browser("viewer")
        version = re.search(r"fragment=1&amp;v=(\w+)", text(browser.get(asked.get_absolute_url())))
        assert version is not None
        query = {"fragment": "1", "v": version[1]}
        assert browser.get(asked.get_absolute_url(), query).status_code == 204
        approve(asked)
        assert "Approved" in text(browser.get(asked.get_absolute_url(), query))

    def test_checking_now_wakes_a_worker_and_comes_back(self, asked: Withdrawal) -> None:
        doubted = in_doubt(asked)
        response = rows.browser("finance").post(f"{doubted.get_absolute_url()}refresh/")
        assert response.url == f"{doubted.get_absolute_url()}?asked"
        assert rows.browser("viewer").post(f"{doubted.get_absolute_url()}refresh/").status_code == 403


class TestDoubt:
    def test_the_evidence_and_the_two_questions_stand_there_in_amber(self, asked: Withdrawal) -> None:
        doubted = in_doubt(asked, minutes=3)
        not_found(doubted)
        shown = page("viewer", doubted)
        assert 'class="doubt"' in shown
        assert "pill-bad" not in shown
        said = words(shown)
        for line in (
            "It is not known whether this money has left",
            "Does the provider know this reference?",
            "By itself that proves nothing: for 17 more minutes the request may still arrive.",
            "Has the money left the balance, or has it arrived?",
            "The provider is asked again at",
            "The line was cut.",
        ):
            assert line in said, line

    def test_the_balance_before_and_after_is_set_against_other_movements(
        self, main: ProviderAccount, asked: Withdrawal
    ) -> None:
        from payments.services import balances

        start = timezone.now() - dt.timedelta(hours=1)
        Balance.objects.all().delete()
        balances.keep(account=main, balances={"USDT": Decimal(1000)}, asked_at=start)
        doubted = in_doubt(asked, minutes=30)
        rows.movement(main, "-100")
        balances.keep(account=main, balances={"USDT": Decimal("888.9")}, asked_at=timezone.now())
        shown = words(page("viewer", doubted))
        assert "Other movements of ours since -100.00 USDT" in shown
        assert "Gone, and not explained otherwise -11.10 USDT" in shown
        assert "This withdrawal would cost about 11.10 USDT" in shown

    def test_each_way_out_says_why_it_is_barred(self, asked: Withdrawal) -> None:
        approver = factories.person("approver")
        doubted = in_doubt(asked, minutes=3, actor=approver)
        assert "You approved this. Somebody who did neither" in text(
            rows.browser_of(approver).get(doubted.get_absolute_url())
        )
        outsider = rows.browser("approver")
        assert "Press “Check now” first" in text(outsider.get(doubted.get_absolute_url()))
        not_found(doubted)
        shown = text(outsider.get(doubted.get_absolute_url()))
        assert "Resolve as complete" in shown
        assert "Propose failed" not in shown
        assert "Wait until 20 minutes have passed since the attempt" in shown
        assert "An approver who neither requested nor approved it" in page("operator", doubted)

    def test_after_the_settle_window_all_ways_are_open(self, asked: Withdrawal) -> None:
        doubted = in_doubt(asked)
        not_found(doubted)
        shown = page("approver", doubted)
        for button in ("Resolve as complete", "Propose failed", "Propose sending again"):
            assert button in shown

    def test_complete_counts_at_once(self, asked: Withdrawal) -> None:
        doubted = in_doubt(asked)
        not_found(doubted)
        browser = rows.browser("approver")
        url = f"{doubted.get_absolute_url()}resolve/"
        assert "checked" in text(browser.get(url, {"outcome": "complete"}))
        sent = {"outcome": "complete", "note": "The payee has it."}
        assert "Closed as complete." in text(browser.post(url, sent, follow=True))
        assert fresh(doubted).status == "complete"

    def test_a_refusal_keeps_the_note(self, asked: Withdrawal) -> None:
        doubted = in_doubt(asked)
        shown = text(
            rows.browser("approver").post(
                f"{doubted.get_absolute_url()}resolve/", {"outcome": "failed", "note": "Long story"}
            )
        )
        assert "Press “Check now” first" in shown
        assert "Long story" in shown
        assert fresh(doubted).status == "unknown"

    @pytest.mark.parametrize("step", ["resolve", "resend", "confirm"])
    def test_asking_once_more_keeps_what_is_typed(self, asked: Withdrawal, step: str) -> None:
        doubted = in_doubt(asked)
        not_found(doubted)
        if step == "confirm":
            withdrawal_decisions.resend(
                actor=factories.person("approver"), withdrawal=doubted, note="Long story"
            )
        browser = rows.browser("approver")
        url = f"{doubted.get_absolute_url()}{step}/"
        shown = text(browser.post(url, {"_check": "1", "note": "Long story", "outcome": "failed"}))
        assert "Long story" in shown
        assert "The provider is being asked." in shown
        part = browser.post(url, {"_check": "1"}, headers={"HX-Request": "true"})
        assert text(part).lstrip().startswith("<section")
        assert fresh(doubted).status == "unknown"

    def test_failed_needs_a_second_person_who_sees_who_proposed_it(self, asked: Withdrawal) -> None:
        doubted = in_doubt(asked)
        not_found(doubted)
        first = factories.person("approver", name="petra")
        url = doubted.get_absolute_url()
        said = text(
            rows.browser_of(first).post(
                f"{url}resolve/", {"outcome": "failed", "note": "Panel does not list it"}, follow=True
            )
        )
        assert "Proposed as failed. Another approver must confirm it." in said
        assert "You proposed this. Another approver must confirm it." in said
        assert "Read and confirm" not in said
        second = rows.browser("approver")
        shown = words(text(second.get(url)))
        assert "Close it as failed: the money never left · proposed by petra" in shown
        assert "Panel does not list it" in shown
        assert doubted.reference.value in text(second.get(LIST, {"status": "to_confirm"}))
        assert withdrawal_decisions.waiting_for(factories.person("approver")).count() == 1
        assert withdrawal_decisions.waiting_for(first).count() == 0
        proposal = Approval.objects.get(step="resolve")
        stale = text(second.post(f"{url}confirm/", {"proposal": proposal.pk + 1}, follow=True))
        assert "Another proposal stands now." in stale
        second.post(f"{url}confirm/", {"proposal": proposal.pk})
        assert fresh(doubted).status == "failed"
        assert not Reservation.objects.filter(ended_at__isnull=True).exists()

    def test_sending_again_is_proposed_and_confirmed(self, asked: Withdrawal) -> None:
        doubted = in_doubt(asked)
        not_found(doubted)
        url = doubted.get_absolute_url()
        rows.browser("approver").post(f"{url}resend/", {"note": "Never arrived there"})
        second = rows.browser("approver")
        shown = text(second.get(f"{url}confirm/"))
        assert "Proposed: send the same reference again" in shown
        assert "You may confirm this now." in shown
        second.post(f"{url}confirm/", {"proposal": Approval.objects.get(step="resend").pk})
        assert fresh(doubted).status == "approved"
        assert fresh(doubted).reference.value == asked.reference.value

    def test_a_newer_proposal_replaces_the_older_one_of_any_kind(self, asked: Withdrawal) -> None:
        doubted = in_doubt(asked)
        not_found(doubted)
        first, second = factories.person("approver"), factories.person("approver")
        withdrawal_decisions.resolve(actor=first, withdrawal=doubted, outcome="failed", note="gone")
        withdrawal_decisions.resend(actor=second, withdrawal=doubted, note="send it")
        assert [one.step for one in withdrawal_decisions.open_proposals()] == ["resend"]

    def test_a_proposal_waits_for_nobody_once_it_healed(self, asked: Withdrawal) -> None:
        doubted = in_doubt(asked)
        not_found(doubted)
        withdrawal_decisions.resend(actor=factories.person("approver"), withdrawal=doubted, note="send it")
        told(doubted)
        assert withdrawal_decisions.waiting_for(factories.person("approver")).count() == 0
        shown = text(rows.browser("approver").get(f"{doubted.get_absolute_url()}confirm/", follow=True))
        assert fresh(doubted).status == "complete"
        assert "Confirm the decision" not in shown

    def test_the_checks_are_quiet_until_something_changes(self, asked: Withdrawal) -> None:
        doubted = in_doubt(asked)
        browser = rows.browser("approver")
        url = f"{doubted.get_absolute_url()}resend/"
        version = re.search(r"fragment=1&amp;v=(\w+)", text(browser.get(url)))
        assert version is not None
        assert browser.get(url, {"fragment": "1", "v": version[1]}).status_code == 204
        not_found(doubted)
        assert "You may propose this now." in text(browser.get(url, {"fragment": "1", "v": version[1]}))

    @pytest.mark.parametrize("role", ["viewer", "operator", "finance", "admin"])
    @pytest.mark.parametrize("step", ["resolve", "resend", "confirm"])
    def test_only_approvers_decide(self, asked: Withdrawal, role: str, step: str) -> None:
        doubted = in_doubt(asked)
        assert (
            rows.browser(role).post(f"{doubted.get_absolute_url()}{step}/", {"note": "x"}).status_code == 403
        )
