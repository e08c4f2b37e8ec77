"""The pages of invoices: who may do what, a form that loses nothing, and what the page says in each state."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from backoffice.models import AuditEntry
from payments.models import ExceptionItem, Invoice, Method, OwnDestination, ProviderAccount
from payments.providers.base import InvoiceReport, Requisites
from payments.providers.errors import OutcomeUnknown
from payments.services import exceptions, invoice_reports
from tests import factories
from tests.payments import rows

pytestmark = pytest.mark.django_db
ROLES = ("viewer", "operator", "approver", "finance", "admin")
CARD = "4111111111111111"
BTC = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})


@pytest.fixture
def main() -> ProviderAccount:
    return rows.account("Main")


@pytest.fixture
def invoice(main: ProviderAccount) -> Invoice:
    return factories.invoice(main, _customer_reference="ACME", desc="Two chairs")


def told(invoice: Invoice, status: str | None = "open", word: str = "Created", **more: Any) -> Invoice:
    """The invoice after the provider said this about it."""
    asked_at = more.pop("asked_at", timezone.now())
    report = InvoiceReport(invoice.reference.value, status, word, method=invoice.method, **more)
    invoice_reports.apply(invoice_id=invoice.pk, report=report, way="poll", asked_at=asked_at)
    return Invoice.objects.select_related("reference").get(pk=invoice.pk)


def in_doubt(invoice: Invoice, *, minutes: int = 5) -> Invoice:
    """The invoice after an attempt so long ago whose end nobody saw."""
    rows.call(
        invoice.account,
        reference=invoice.reference,
        operation="invoice",
        safe=False,
        outcome="OutcomeUnknown",
        started_at=timezone.now() - dt.timedelta(minutes=minutes),
    )
    invoice_reports.doubt(invoice_id=invoice.pk, error="The line was cut.", way="reply")
    invoice.refresh_from_db()
    return invoice


def destination(
    method: str, address: str, label: str = "Ours", status: str = "approved", tag: str = ""
) -> Any:
    is_card = address == CARD
    return OwnDestination.objects.create(
        method=method,
        label=label,
        address=address,
        shown="411111******1111" if is_card else address,
        is_card=is_card,
        tag=tag,
        status=status,
        proposed_by=factories.person("operator"),
    )


def text(response: Any) -> str:
    return response.content.decode()


def page(role: str, invoice: Invoice) -> str:
    response = rows.browser(role).get(f"/invoices/{invoice.pk}/")
    assert response.status_code == 200
    return text(response)


class TestList:
    url = "/invoices/"

    @pytest.mark.parametrize("role", ROLES)
    def test_everybody_sees_invoices_and_operators_may_make_one(self, invoice: Invoice, role: str) -> None:
        shown = text(rows.browser(role).get(self.url))
        assert invoice.reference.value in shown
        assert "ACME" in shown
        assert "12.50" in shown
        assert ("New invoice" in shown) == (role == "operator")

    def test_what_people_typed_is_escaped(self, main: ProviderAccount) -> None:
        factories.invoice(main, _customer_reference="<img src=x>", desc="<script>")
        shown = text(rows.browser("viewer").get(self.url))
        assert "<img src=x>" not in shown
        assert "&lt;img src=x&gt;" in shown

    def test_held_ones_are_marked_and_found(self, main: ProviderAccount, invoice: Invoice) -> None:
        held = rows.held(main).reference
        shown = text(rows.browser("viewer").get(self.url, {"status": "held"}))
        assert held.value in shown
        assert ">Held</span>" in shown
        assert invoice.reference.value not in shown

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"status": "creating"}, True),
            ({"status": "paid"}, False),
            ({"method": "USDTBALANCE"}, True),
            ({"method": "BTC"}, False),
            ({"since": "2001-01-01", "until": "2001-01-02"}, False),
            ({"since": "2001-01-01"}, True),
        ],
    )
    def test_filters_narrow_the_list(self, invoice: Invoice, query: dict[str, str], found: bool) -> None:
        shown = text(rows.browser("viewer").get(self.url, query))
        assert (invoice.reference.value in shown) == found

    def test_accounts_are_told_apart(self, invoice: Invoice) -> None:
        other = rows.account("Other")
        shown = text(rows.browser("viewer").get(self.url, {"account": other.pk}))
        assert invoice.reference.value not in shown

    def test_a_whole_reference_is_found_before_the_search_table_knows_it(self, invoice: Invoice) -> None:
        shown = text(rows.browser("viewer").get(self.url, {"q": f" {invoice.reference.value} "}))
        assert f'href="/invoices/{invoice.pk}/"' in shown

    def test_the_file_has_exact_amounts_and_no_formula(self, main: ProviderAccount) -> None:
        factories.invoice(main, _customer_reference="=1+1", amount="0.1")
        response = rows.browser("finance").get(self.url, {"export": "csv"})
        file = b"".join(response.streaming_content).decode()
        assert "'=1+1" in file
        assert ",0.1,USDT," in file
        assert "Provider's number" in file

    def test_operators_export_nothing(self, invoice: Invoice) -> None:
        assert rows.browser("operator").get(self.url, {"export": "csv"}).status_code == 403

    def test_an_empty_list_says_what_to_do(self) -> None:
        assert "No invoices yet" in text(rows.browser("operator").get(self.url))


class TestStart:
    url = "/invoices/new/"

    @pytest.mark.parametrize("role", ["viewer", "approver", "finance", "admin"])
    def test_only_operators_bill(self, main: ProviderAccount, role: str) -> None:
        browser = rows.browser(role)
        assert browser.get(self.url).status_code == 403
        assert browser.get(f"{self.url}{main.pk}/").status_code == 403
        assert browser.post(f"{self.url}{main.pk}/{uuid.uuid4()}/", {}).status_code == 403

    def test_one_account_is_no_question(self, main: ProviderAccount) -> None:
        assert rows.browser("operator").get(self.url).url == f"{self.url}{main.pk}/"

    def test_several_are_offered_but_not_those_that_cannot_bill(self, main: ProviderAccount) -> None:
        rows.account("Second")
        rows.account("Switched off", is_active=False)
        rows.account("No money in", money_in=False)
        ProviderAccount.objects.filter(pk=rows.account("Keyless").pk).update(credentials="")
        rows.account("No systems").methods.update(enabled=False)
        shown = text(rows.browser("operator").get(self.url))
        assert "Main" in shown
        assert "Second" in shown
        for name in ("Switched off", "No money in", "Keyless", "No systems"):
            assert name not in shown

    def test_none_says_what_is_missing(self) -> None:
        assert "No account can bill at the moment" in text(rows.browser("operator").get(self.url))

    def test_an_account_that_cannot_bill_leads_back_with_a_word(self, main: ProviderAccount) -> None:
        ProviderAccount.objects.update(money_in=False)
        response = rows.browser("operator").get(f"{self.url}{main.pk}/", follow=True)
        assert "Main cannot bill at the moment." in text(response)


class Form:
    """The form of a new invoice as an operator has it before them."""

    def __init__(self, account: ProviderAccount) -> None:
        self.person = factories.person("operator")
        self.browser: Client = rows.browser_of(self.person)
        self.url = f"/invoices/new/{account.pk}/{uuid.uuid4()}/"

    def get(self) -> str:
        return text(self.browser.get(self.url))

    def send(self, **typed: Any) -> Any:
        return self.browser.post(self.url, {"paysys": "USDTBALANCE", **typed})


@pytest.fixture
def form(main: ProviderAccount) -> Form:
    return Form(main)


def error_at(shown: str, name: str) -> str:
    """What stands as an error at this field, without tags."""
    found = re.search(rf'id="(?:id_)?{name}_error" class="invalid-feedback">(.*?)</div>', shown, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


class TestCreate:
    def test_the_address_gets_a_token(self, main: ProviderAccount) -> None:
        address = rows.browser("operator").get(f"/invoices/new/{main.pk}/").url
        assert uuid.UUID(address.rstrip("/").split("/")[-1])

    def test_asks_under_the_providers_names_but_never_for_our_callback(self, form: Form) -> None:
        shown = form.get()
        for name in ("paysys", "amount", "pay_amount", "purse", "paylist", "comis", "dtag", "email", "name"):
            assert f'name="{name}"' in shown, name
        for name in ("surname", "desc", "successurl", "failurl", "_customer_reference"):
            assert f'name="{name}"' in shown, name
        assert "callbackurl" not in shown

    def test_makes_an_invoice_and_shows_it(self, form: Form) -> None:
        response = form.send(amount="12.50", _customer_reference="ACME", desc="Two chairs", comis="payee")
        made = Invoice.objects.get()
        assert response.url == f"/invoices/{made.pk}/"
        assert (made.created_by, made.amount, made.customer) == (form.person, Decimal("12.5"), "ACME")
        assert (made.description, made.fee_payer, made.status) == ("Two chairs", "payee", "creating")

    def test_a_double_click_makes_one(self, form: Form) -> None:
        first, second = form.send(amount="5"), form.send(amount="5")
        assert first.url == second.url
        assert Invoice.objects.count() == 1

    def test_going_back_and_sending_another_amount_leads_to_what_was_made(self, form: Form) -> None:
        form.send(amount="5")
        shown = text(form.browser.post(form.url, {"paysys": "USDTBALANCE", "amount": "7"}, follow=True))
        assert "You have sent this form already" in shown
        assert [made.amount for made in Invoice.objects.all()] == [Decimal(5)]

    def test_opening_the_used_form_again_leads_to_what_it_made(self, form: Form) -> None:
        made = form.send(amount="5").url
        assert form.browser.get(form.url).url == made

    def test_a_form_without_a_token_keeps_what_was_typed_and_makes_nothing(
        self, form: Form, main: ProviderAccount
    ) -> None:
        shown = text(form.browser.post(f"/invoices/new/{main.pk}/", {"amount": "5", "desc": "kept"}))
        assert "This page was out of date" in shown
        assert "kept" in shown
        assert not Invoice.objects.exists()

    @pytest.mark.parametrize(
        ("typed", "at", "words"),
        [
            ({"amount": "1,5"}, "amount", "digits and a point"),
            ({"amount": "1e3"}, "amount", "digits and a point"),
            ({"amount": "0"}, "amount", "above zero"),
            ({"amount": "1.0000001"}, "amount", "digits after the point"),
            ({}, "amount", "Enter the amount to receive, or the amount to pay"),
            ({"amount": "5", "pay_amount": "5"}, "pay_amount", "not both"),
            ({"pay_amount": "5"}, "paylist", "exactly one payment system"),
            ({"amount": "5", "paylist-other": "ab c!"}, "paylist", "This is no code of a payment system: c!"),
            ({"amount": "5", "email": "nobody"}, "email", "valid email"),
            ({"amount": "5", "successurl": "javascript:alert(1)"}, "successurl", "valid URL"),
            ({"amount": "5", "paysys": ""}, "paysys", "required"),
            ({"amount": "5", "paysys": "NONE"}, "paysys", "Select a valid choice"),
            ({"amount": "5", "paysys": "BTC"}, "purse", "Choose one of our own destinations"),
            ({"amount": "5", "purse": "999999"}, "purse", "Choose one of our own destinations"),
            ({"amount": "5", "purse": "٣"}, "purse", "Choose one of our own destinations"),
            ({"amount": "5", "desc": "x" * 1001}, "desc", "at most 1000"),
            ({"amount": "5", "dtag": "x" * 65}, "dtag", "At most 64"),
        ],
    )
    def test_a_mistake_is_told_at_its_field_and_nothing_typed_is_lost(
        self, form: Form, typed: dict[str, str], at: str, words: str
    ) -> None:
        response = form.send(**{"_customer_reference": "Keep-me", "name": "Ann", **typed})
        shown = text(response)
        assert response.status_code == 200
        assert words.lower() in error_at(shown, at).lower()
        for value in ("Keep-me", "Ann", *typed.values()):
            # A choice that is not offered cannot be shown as chosen; codes are parted by commas.
            if value not in ("999999", "NONE", "٣"):
                assert value.replace(" ", ", ") in shown, value
        assert not Invoice.objects.exists()

    def test_limits_of_the_system_are_shown_and_kept(self, form: Form, main: ProviderAccount) -> None:
        Method.objects.filter(account=main, code="USDTBALANCE").update(min_amount=10, max_amount=2000)
        assert "10 to 2,000 USDT" in form.get()
        shown = text(form.send(amount="9.99"))
        assert "The smallest amount here is 10 USDT." in error_at(shown, "amount")

    def test_a_long_description_is_kept_whole(self, form: Form) -> None:
        form.send(amount="5", desc="x" * 900)
        made = Invoice.objects.get()
        assert made.fields["desc"] == "x" * 900

    def test_free_codes_join_the_known_ones(self, form: Form) -> None:
        form.send(amount="5", paylist=["BTC", "LTC"], **{"paylist-other": "SBP_RUB, BTC"})
        assert Invoice.objects.get().fields["paylist"] == "BTC,LTC,SBP_RUB"

    def test_what_the_payer_pays_can_be_fixed_instead(self, form: Form) -> None:
        form.send(pay_amount="100", paylist="LTC")
        made = Invoice.objects.get()
        assert (made.amount, made.pay_amount, made.pay_currency) == (None, Decimal(100), "LTC")

    def test_a_free_code_may_be_long(self, form: Form) -> None:
        form.send(pay_amount="100", **{"paylist-other": "A_CODE_OF_TWENTY_TWO_X"})
        assert Invoice.objects.get().fields["paylist"] == "A_CODE_OF_TWENTY_TWO_X"

    def test_a_switched_off_account_is_told_with_everything_still_there(
        self, form: Form, main: ProviderAccount
    ) -> None:
        ProviderAccount.objects.update(money_in=False)
        shown = text(form.send(amount="5", desc="Still here"))
        assert "Money in is switched off for this account." in shown
        assert "Still here" in shown


class TestPurse:
    def test_offers_approved_destinations_of_the_system_and_masks_cards(
        self, form: Form, main: ProviderAccount
    ) -> None:
        main.methods.create(code="CARD_RUB", title="Card", currency="RUB", for_invoice=True, is_card=True)
        destination("BTC", BTC, "Cold wallet")
        destination("BTC", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "Not yet", status="proposed")
        destination("CARD_RUB", CARD, "Office card")
        shown = form.get()
        assert "Cold wallet" in shown
        assert "411111******1111" in shown
        assert CARD not in shown
        assert "Not yet" not in shown

    def test_pays_to_the_chosen_one_with_its_tag(self, form: Form, main: ProviderAccount) -> None:
        main.methods.create(code="XRP", title="Ripple", currency="XRP", for_invoice=True, needs_tag=True)
        chosen = destination("XRP", "rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh", tag="104598")
        form.send(paysys="XRP", amount="50", purse=chosen.pk)
        made = Invoice.objects.get()
        assert (made.destination, made.tag) == (chosen, "104598")

    def test_another_tag_than_the_books_is_refused(self, form: Form, main: ProviderAccount) -> None:
        main.methods.create(code="XRP", title="Ripple", currency="XRP", for_invoice=True, needs_tag=True)
        chosen = destination("XRP", "rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh", tag="104598")
        shown = text(form.send(paysys="XRP", amount="50", purse=chosen.pk, dtag="7"))
        assert "has the tag 104598" in error_at(shown, "dtag")
        assert '<details class="form-more" id="form-more" open>' in shown

    def test_a_destination_of_another_system_is_refused(self, form: Form) -> None:
        chosen = destination("LTC", "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9")
        shown = text(form.send(paysys="BTC", amount="1", purse=chosen.pk))
        assert "This destination is for LTC. Choose one for BTC." in error_at(shown, "purse")

    def test_one_that_was_retired_meanwhile_is_refused(self, form: Form) -> None:
        chosen = destination("BTC", BTC, status="retired")
        shown = text(form.send(paysys="BTC", amount="1", purse=chosen.pk))
        assert "Choose one of our own destinations that are approved." in error_at(shown, "purse")

    def test_an_internal_balance_needs_none(self, form: Form) -> None:
        shown = text(form.browser.post(form.url, {"paysys": "USDTBALANCE", "_redraw": "1"}))
        assert 'name="purse"' not in shown


class TestRedraw:
    def test_draws_what_the_chosen_system_needs_and_keeps_all_that_was_typed(
        self, form: Form, main: ProviderAccount
    ) -> None:
        main.methods.create(code="CARD", title="Card", currency="RUB", for_invoice=True, needs_names=True)
        destination("CARD", CARD, "Office card")
        destination("BTC", BTC, "Cold wallet")
        typed = {
            "paysys": "CARD",
            "amount": "not a number",
            "desc": "Kept",
            "paylist-other": "SBP",
            "_redraw": "1",
        }
        shown = text(form.browser.post(form.url, typed))
        assert "<html" not in shown
        assert 'value="not a number"' in shown
        assert "Kept" in shown
        assert 'value="SBP"' in shown
        assert "Office card" in shown
        assert "Cold wallet" not in shown
        assert ">RUB</span>" in shown
        assert "invalid-feedback" not in shown
        # The names are needed now: they stand in the open, before the folded rest.
        assert shown.index('name="surname"') < shown.index("form-more")
        assert not Invoice.objects.exists()

    def test_is_for_operators_alone(self, main: ProviderAccount) -> None:
        url = f"/invoices/new/{main.pk}/{uuid.uuid4()}/"
        assert rows.browser("approver").post(url, {"paysys": "BTC", "_redraw": "1"}).status_code == 403


class TestDetail:
    def test_says_that_it_is_being_made(self, invoice: Invoice) -> None:
        shown = page("operator", invoice)
        assert "It is being sent to Main." in shown
        assert "Check now" not in shown

    def test_says_why_it_could_not_be_sent_yet(self, invoice: Invoice) -> None:
        Invoice.objects.update(last_error="The account does not answer.", next_check_at=timezone.now())
        shown = page("operator", invoice)
        assert "It could not be sent yet" in shown
        assert "The account does not answer." in shown

    def test_shows_link_code_and_ways_to_pay_each_to_be_copied(self, invoice: Invoice) -> None:
        crypto = Requisites(Decimal("12.625"), "USDT", "crypto", "TNzAXuzBCAEhjtqBAhzJcK2EN2RLgdE58g")
        card = Requisites(
            Decimal(1500), "RUB", "card", "2200333658230569", info="Bank: Example", country="Russia"
        )
        url = "https://pay.example/step-4"
        shown = page(
            "viewer", told(invoice, payment_url=url, requisites=(crypto, card), amount=Decimal("12.5"))
        )
        assert f'href="{url}" target="_blank" rel="noopener noreferrer"' in shown
        for copied in (url, "12.625", "TNzAXuzBCAEhjtqBAhzJcK2EN2RLgdE58g", "1500", "2200333658230569"):
            assert f'data-copy="{copied}"' in shown, copied
        for copied in ("Bank: Example", "Russia"):
            assert f'data-copy="{copied}"' in shown, copied
        assert shown.count('class="qr-box"') == 2  # the link and the address; a card has nothing to scan

    def test_what_a_provider_wrote_is_text(self, invoice: Invoice) -> None:
        bad = Requisites(
            Decimal(1),
            "<b>USDT",
            "<i>odd",
            "<script>alert(1)</script>",
            payment_url="javascript:alert(1)",
            info="<img src=x>\nline two",
        )
        shown = page("viewer", told(invoice, payment_url="javascript:alert(2)", requisites=(bad,)))
        for raw in ("<b>USDT", "<i>odd", "<script>alert", "<img src=x>", 'href="javascript'):
            assert raw not in shown, raw
        assert "&lt;script&gt;alert(1)" in shown

    def test_an_address_too_long_for_a_code_is_still_shown(self, invoice: Invoice) -> None:
        long = Requisites(Decimal(1), "USDT", "crypto", "ё" * 2000)
        assert "ёёё" in page("viewer", told(invoice, requisites=(long,)))

    def test_expected_and_received_stand_side_by_side(self, invoice: Invoice) -> None:
        shown = page("viewer", told(told(invoice), "paid", "Payed", amount=Decimal(15)))
        assert "Received, as stated by the provider" in shown
        assert "15.00" in shown
        assert "+2.50" in shown
        assert "Overpaid by 2.5 USDT." in shown
        assert "What the payer was given" not in shown  # nothing was given

    def test_an_unknown_outcome_says_what_happened_and_what_resolves_it(self, invoice: Invoice) -> None:
        shown = page("approver", in_doubt(invoice))
        assert "It is not known whether the provider has this invoice" in shown
        assert "The line was cut." in shown
        assert "the provider is asked again at" in shown
        assert "Does the provider know this reference?" in shown
        assert "It has not been asked yet." in shown
        assert "Yes, until" in shown
        assert ">Check now</button>" in shown
        assert ">Resolve as failed</a>" in shown

    def test_both_answers_of_a_doubt_are_shown_once_they_are_there(self, invoice: Invoice) -> None:
        in_doubt(invoice, minutes=21)
        rows.call(invoice.account, reference=invoice.reference, outcome="Refused", reason="not_found")
        shown = page("viewer", invoice)
        assert "It said no at" in shown
        assert "No: more than 20 minutes have passed" in shown
        assert "Resolve as failed" not in shown  # a viewer decides nothing

    def test_a_hold_shows_its_reason_and_evidence_and_keeps_the_link_back(self, invoice: Invoice) -> None:
        told(invoice, payment_url="https://pay.example/a")
        shown = page("approver", told(invoice, "paid", "Payed", amount=Decimal(7)))
        assert "Held: somebody must look at this" in shown
        assert "The amount is 7 USDT, expected was 12.5." in shown
        assert "<dd>Payed</dd>" in shown
        assert ">Release hold</a>" in shown
        assert "What the payer was given" in shown
        assert "Copy link" not in shown

    def test_a_claim_is_shown_as_a_claim(self, invoice: Invoice) -> None:
        told(invoice, payment_url="https://pay.example/a")
        invoice_reports.claimed_paid(invoice_id=invoice.pk)
        shown = page("viewer", invoice)
        assert "The provider says paid, not yet confirmed" in shown
        assert "Copy link" not in shown
        assert "Said to be paid" in text(rows.browser("viewer").get("/invoices/"))

    def test_a_lost_link_is_told(self, invoice: Invoice) -> None:
        in_doubt(invoice)
        shown = page("operator", told(invoice, amount=Decimal("12.5")))
        assert "link is lost: the answer that carried it never came" in shown

    def test_a_look_up_without_an_answer_is_told(self, invoice: Invoice) -> None:
        told(invoice, payment_url="https://pay.example/a")
        error = OutcomeUnknown("garbled", staff="Its answer could not be read.")
        invoice_reports.not_answered(invoice_id=invoice.pk, error=error, asked_at=timezone.now())
        shown = page("viewer", invoice)
        assert "The last look-up gave no answer" in shown
        assert "Its answer could not be read." in shown

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            ("expired", "Nobody paid in time."),
            ("canceled", "The provider has canceled this invoice."),
            ("failed", "Nobody can pay it."),
        ],
    )
    def test_a_closed_one_says_what_to_do(self, invoice: Invoice, status: str, words: str) -> None:
        told(invoice, payment_url="https://pay.example/a")
        with transaction.atomic():
            invoice_reports.move(Invoice.objects.get(), status, way="poll")
        shown = page("viewer", invoice)
        assert words in shown
        assert "Copy link" not in shown

    @pytest.mark.parametrize("role", ROLES)
    def test_offers_what_the_role_may_do_and_never_a_cancel(self, invoice: Invoice, role: str) -> None:
        told(invoice, payment_url="https://pay.example/a")
        told(invoice, "paid", "Payed", amount=Decimal(7))
        shown = page(role, invoice)
        assert (">Check now</button>" in shown) == (role != "viewer")
        assert (">Release hold</a>" in shown) == (role == "approver")
        assert ("Add a note" in shown) == (role != "viewer")
        assert ">Cancel" not in shown

    def test_a_masked_card_is_where_it_goes(self, main: ProviderAccount) -> None:
        main.methods.create(code="CARD", title="Card", currency="RUB", for_invoice=True, is_card=True)
        destination("CARD", CARD, "Office card")
        shown = page("viewer", factories.invoice(main, paysys="CARD", purse=CARD, amount="1000"))
        assert "411111******1111" in shown
        assert CARD not in shown


class TestBillAgain:
    @pytest.mark.parametrize("status", ["failed", "canceled", "expired"])
    def test_a_dead_invoice_leads_to_a_new_one_for_the_same_customer(
        self, invoice: Invoice, status: str
    ) -> None:
        Invoice.objects.filter(pk=invoice.pk).update(status=status)
        shown = rows.browser("operator").get(invoice.get_absolute_url()).content.decode()
        link = re.search(r'href="(/invoices/new/[^"]*)"', shown)
        assert link is not None
        assert "_customer_reference=ACME" in link[1]
        assert "desc=Two+chairs" in link[1]
        assert "amount" not in link[1]
        assert "/invoices/new/" not in rows.browser("viewer").get(invoice.get_absolute_url()).content.decode()


class TestFragment:
    def test_nothing_new_is_204_and_news_is_the_fresh_part_alone(self, invoice: Invoice) -> None:
        browser = rows.browser("viewer")
        address = f"/invoices/{invoice.pk}/"
        asked = re.search(r'hx-get="([^"]+)" hx-trigger="every 2s"', text(browser.get(address)))
        assert asked
        fragment = asked[1].replace("&amp;", "&")
        assert browser.get(fragment).status_code == 204
        told(invoice, payment_url="https://pay.example/a")
        shown = text(browser.get(fragment))
        assert "Copy link" in shown
        assert "<html" not in shown
        assert 'data-announce="Open"' in shown

    def test_a_look_that_changed_nothing_still_says_when_it_was(self, invoice: Invoice) -> None:
        told(invoice, payment_url="https://pay.example/a")
        browser = rows.browser("viewer")
        shown = text(browser.get(f"/invoices/{invoice.pk}/"))
        fragment = re.search(r'hx-get="([^"]+)"', shown)[1].replace("&amp;", "&")  # type: ignore[index]
        told(invoice, asked_at=timezone.now() + dt.timedelta(seconds=20))
        assert browser.get(fragment).status_code == 200

    def test_a_final_one_is_not_asked_for_again_but_after_a_check(self, invoice: Invoice) -> None:
        told(told(invoice), "paid", "Payed", amount=Decimal("12.5"))
        assert "fragment=1" not in page("viewer", invoice)
        assert "fragment=1" in text(rows.browser("finance").get(f"/invoices/{invoice.pk}/?asked"))

    def test_a_quiet_one_is_asked_for_less_often(self, invoice: Invoice) -> None:
        long_ago = timezone.now() - dt.timedelta(hours=1)
        Invoice.objects.update(created_at=long_ago, updated_at=long_ago)
        assert 'hx-trigger="every 10s"' in page("viewer", invoice)


class TestRefresh:
    @pytest.mark.parametrize("role", ROLES)
    def test_wakes_a_worker_for_who_may_ask(
        self, invoice: Invoice, role: str, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks() as woken:
            response = rows.browser(role).post(f"/invoices/{invoice.pk}/refresh/")
        assert response.status_code == (403 if role == "viewer" else 302)
        assert len(woken) == (0 if role == "viewer" else 1)

    def test_works_without_scripts(self, invoice: Invoice) -> None:
        shown = text(rows.browser("operator").get(f"/invoices/{invoice.pk}/refresh/"))
        assert "Ask the provider what became of this invoice?" in shown


class TestResolve:
    def test_says_what_is_still_missing(self, invoice: Invoice) -> None:
        in_doubt(invoice)
        shown = text(rows.browser("approver").get(f"/invoices/{invoice.pk}/resolve/"))
        assert "The request may still arrive until" in shown
        assert "younger than one minute is needed" in shown

    def test_refuses_too_early_and_keeps_the_note(self, invoice: Invoice) -> None:
        in_doubt(invoice)
        shown = text(rows.browser("approver").post(f"/invoices/{invoice.pk}/resolve/", {"note": "Not there"}))
        assert "Wait until 20 minutes have passed" in shown
        assert "Not there" in shown
        invoice.refresh_from_db()
        assert invoice.status == "unknown"

    def test_closes_with_a_note_once_both_answers_are_no(self, invoice: Invoice) -> None:
        in_doubt(invoice, minutes=21)
        rows.call(invoice.account, reference=invoice.reference, outcome="Refused", reason="not_found")
        browser = rows.browser("approver")
        without = text(browser.post(f"/invoices/{invoice.pk}/resolve/", {"note": " "}))
        assert "Write what you found and decided." in error_at(without, "note")
        shown = text(browser.post(f"/invoices/{invoice.pk}/resolve/", {"note": "Not there"}, follow=True))
        assert "The invoice is closed as failed." in shown
        assert "Nobody can pay it." in shown
        again = text(browser.get(f"/invoices/{invoice.pk}/resolve/"))
        assert "This is decided already" in again
        assert "Not there" in again
        assert 'name="note"' not in again

    @pytest.mark.parametrize("role", ["viewer", "operator", "finance", "admin"])
    def test_is_for_approvers_alone(self, invoice: Invoice, role: str) -> None:
        in_doubt(invoice, minutes=21)
        rows.call(invoice.account, reference=invoice.reference, outcome="Refused", reason="not_found")
        response = rows.browser(role).post(f"/invoices/{invoice.pk}/resolve/", {"note": "x"})
        assert response.status_code == 403


class TestRelease:
    def held(self, invoice: Invoice) -> Invoice:
        with transaction.atomic():
            exceptions.hold(reference=invoice.reference, obj=invoice, reason="Amounts differ", amount="7")
        return invoice

    def test_shows_what_it_is_about(self, invoice: Invoice) -> None:
        shown = text(rows.browser("approver").get(f"/references/{self.held(invoice).reference_id}/release/"))
        assert "Amounts differ" in shown
        assert "<dd>7</dd>" in shown

    def test_needs_a_note_then_lets_it_go_and_closes_its_item(self, invoice: Invoice) -> None:
        address = f"/references/{self.held(invoice).reference_id}/release/"
        browser = rows.browser("approver")
        assert "Write what you found" in text(browser.post(address, {"note": ""}))
        shown = text(browser.post(address, {"note": "Agreed by phone"}, follow=True))
        assert "Released. The provider is asked now." in shown
        assert "Held: somebody must look at this" not in shown
        assert ExceptionItem.objects.get().status == "closed"
        assert AuditEntry.objects.filter(verb="hold.released").exists()

    @pytest.mark.parametrize("role", ["viewer", "operator", "finance", "admin"])
    def test_is_for_approvers_alone(self, invoice: Invoice, role: str) -> None:
        response = rows.browser(role).post(
            f"/references/{self.held(invoice).reference_id}/release/", {"note": "x"}
        )
        assert response.status_code == 403


class TestCard:
    def test_the_dashboard_counts_invoices_by_state(self, invoice: Invoice) -> None:
        shown = text(rows.browser("viewer").get("/"))
        assert 'href="/invoices/?status=creating"' in shown
