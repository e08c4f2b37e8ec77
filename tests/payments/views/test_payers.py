"""Bills in ordinary money on pages: the form, payers' links and the one public page, payments that name no bill."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisConnectionError

from backoffice.models import AuditEntry
from payments.models import Invoice, InvoicePayment, PayerLink
from payments.services import invoices, payer_links
from tests.payments import rows

pytestmark = pytest.mark.django_db(transaction=True)
IP, OTHER = "8.8.4.4", "1.1.1.1"


@pytest.fixture(autouse=True)
def hasty(settings: Any) -> None:
    settings.MATCH_PATIENCE_SECONDS = 0


def posted(browser: Any, address: str, data: dict[str, Any]) -> Any:
    page = browser.get(address)
    return browser.post(page["Location"] if page.status_code == 302 else address, data)


@pytest.fixture
def link(there: Any, people: Any) -> PayerLink:
    fields = {"ticker": "UAH", "network": "visa", "amount": "100", "_customer_reference": "ann-secret"}
    return payer_links.create(actor=people["operator"], account=there, fields=fields)


def public(link: PayerLink) -> str:
    return f"/pay/{link.token}/"


def payer(ip: str = IP) -> Client:
    return Client(REMOTE_ADDR=ip)


def opened(link: PayerLink, browser: Client) -> Any:
    return browser.post(public(link))


class TestForm:
    def test_a_bill_is_made_with_a_typed_address(self, there: Any, people: Any) -> None:
        browser = rows.browser_of(people["operator"])
        data = {"paysys": "UAH:visa", "amount": "100", "client_ip": IP, "_customer_reference": "ann"}
        answer = posted(browser, f"/invoices/new/{there.pk}/", data)
        assert answer.status_code == 302, rows.words(rows.text_of(answer))
        made = Invoice.objects.get()
        assert (made.fields["client_ip"], made.customer) == (IP, "ann")
        invoices.submit(invoice_id=made.pk)
        shown = rows.text_of(browser.get(f"/invoices/{made.pk}/"))
        assert "https://pay.example/" in shown
        assert f"It can be paid only from {IP}." in shown
        assert "UAH:visa" not in shown

    def test_what_is_wrong_stands_at_its_box(self, there: Any, people: Any) -> None:
        browser = rows.browser_of(people["operator"])
        data = {"paysys": "UAH:visa", "amount": "0.5", "convert_ticker": "BTC", "client_ip": "10.0.0.1"}
        shown = rows.text_of(posted(browser, f"/invoices/new/{there.pk}/", data))
        assert "smallest amount" in rows.error_at(shown, "amount")
        assert "private network" in rows.error_at(shown, "client_ip")
        assert "5 %" in rows.error_at(shown, "convert_percent")
        assert "payer's link" in shown or "Send a link instead" in shown

    def test_a_conversion_is_read_and_approved(self, there: Any, people: Any) -> None:
        fields = {"ticker": "UAH", "network": "visa", "amount": "100", "client_ip": IP}
        made = invoices.create(
            actor=people["operator"],
            account=there,
            fields=fields | {"convert_ticker": "BTC", "convert_percent": "2"},
        )
        browser = rows.browser_of(people["approver"])
        shown = rows.text_of(browser.get(f"/invoices/{made.pk}/approve/"))
        assert "up to 2 % worse" in shown
        seen = re.search(r'name="seen" value="(\w+)"', shown)
        assert seen is not None
        browser.post(f"/invoices/{made.pk}/approve/", {"seen": seen[1]})
        made.refresh_from_db()
        assert made.status == "approved"


class TestLink:
    def test_it_is_made_by_the_form_and_shown_to_who_bills(self, there: Any, people: Any) -> None:
        data = {"paysys": "UAH:visa", "amount": "100", "_customer_reference": "ann"}
        answer = posted(rows.browser_of(people["operator"]), f"/payer-links/new/{there.pk}/", data)
        assert answer.status_code == 302, rows.words(rows.text_of(answer))
        made = PayerLink.objects.get()
        address = f"/pay/{made.token}/"
        assert address in rows.text_of(rows.browser_of(people["operator"]).get(answer["Location"]))
        assert address not in rows.text_of(rows.browser("viewer").get(answer["Location"]))
        for shown in ("/payer-links/", f"/payer-links/{made.pk}/"):
            assert made.token not in rows.text_of(rows.browser("finance").get(shown))
        assert made.token not in str(list(AuditEntry.objects.values_list("facts", flat=True)))

    def test_choosing_a_payment_system_draws_the_fields_alone_and_makes_nothing(
        self, there: Any, people: Any
    ) -> None:
        browser = rows.browser_of(people["operator"])
        data = {"paysys": "UAH:visa", "amount": "100", "_redraw": "1"}
        drawn = rows.text_of(posted(browser, f"/payer-links/new/{there.pk}/", data))
        assert 'value="100"' in drawn
        assert "<form" not in drawn
        assert "client_ip" not in drawn
        assert not PayerLink.objects.exists()

    def test_bad_input_and_a_conversion_are_refused(self, there: Any, people: Any) -> None:
        good = {"ticker": "UAH", "network": "visa", "amount": "100"}
        for changed, at in (({"amount": "0.1"}, "amount"), ({"convert_ticker": "BTC"}, "convert_ticker")):
            with pytest.raises(ValidationError) as caught:
                payer_links.create(actor=people["operator"], account=there, fields=good | changed)
            assert at in caught.value.error_dict

    def test_what_a_payer_makes_is_no_act_of_staff(self, link: PayerLink) -> None:
        assert opened(link, payer()).status_code == 302
        made = AuditEntry.objects.get(verb="invoice.created")
        assert (made.actor, made.way) == (None, "system")
        assert Invoice.objects.get().created_by == link.created_by

    def test_a_mark_that_is_no_mark_is_a_wrong_one(self, link: PayerLink) -> None:
        opened(link, payer())
        assert Client(REMOTE_ADDR=IP, HTTP_COOKIE="payer=\xe9").get(public(link)).status_code == 410

    def test_a_payer_can_pay_while_the_cache_is_away(
        self, link: PayerLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_arguments: Any, **_named: Any) -> None:
            raise RedisConnectionError("down")

        monkeypatch.setattr(payer_links.cache, "add", away)
        assert payer().get(public(link)).status_code == 200
        assert opened(link, payer()).status_code == 302

    def test_looking_makes_nothing_and_says_to_whom_and_how(self, link: PayerLink, settings: Any) -> None:
        """Mail and messengers look into links before their reader does."""
        settings.MERCHANT_NAME = "Tea & Sons"
        answer = payer().get(public(link))
        shown = rows.text_of(answer)
        assert [said for said in ("100.00", "Payment to Tea &amp; Sons", "UAH · ") if said not in shown] == []
        assert not Invoice.objects.exists()
        for leak in ("ann-secret", link.account.name, "bitexbit", "operator", "Back office"):
            assert leak not in shown
        assert "no-store" in answer.headers["Cache-Control"]
        assert "noindex" in answer.headers["X-Robots-Tag"]

    def test_opened_it_makes_the_bill_for_that_address_once(self, link: PayerLink, desk: Any) -> None:
        browser = payer()
        assert opened(link, browser).status_code == 302
        made = Invoice.objects.get()
        assert made.fields["client_ip"] == IP
        waiting = browser.get(public(link))
        assert "being prepared" in rows.text_of(waiting)
        assert waiting.headers["Refresh"] == "3"
        invoices.submit(invoice_id=made.pk)
        shown = rows.text_of(browser.get(public(link)))
        assert "https://pay.example/" in shown
        assert made.reference.value not in shown
        opened(link, browser)
        assert Invoice.objects.count() == 1
        assert desk.bodies[0][1]["client_ip"] == IP

    def test_nobody_else_opens_it_again_and_is_told_why(self, link: PayerLink) -> None:
        opened(link, payer())
        for browser in (payer(), payer(OTHER)):
            for answer in (browser.get(public(link)), opened(link, browser)):
                assert answer.status_code == 410
                assert "was used already" in rows.text_of(answer)
                assert "100.00" not in rows.text_of(answer)
        assert Invoice.objects.count() == 1

    def test_an_old_and_a_withdrawn_one_say_so_and_a_wrong_one_nothing(
        self, link: PayerLink, people: Any
    ) -> None:
        wrong = payer().get("/pay/nothing-of-the-kind/")
        assert (wrong.status_code, "does not work" in rows.text_of(wrong)) == (404, True)
        payer_links.withdraw(actor=people["operator"], link=link)
        withdrawn = payer().get(public(link))
        PayerLink.objects.update(withdrawn_at=None, expires_at=timezone.now() - dt.timedelta(seconds=1))
        for answer in (withdrawn, payer().get(public(link)), opened(link, payer())):
            assert answer.status_code == 410
            assert "no longer valid, ask the merchant" in rows.text_of(answer)
        assert not Invoice.objects.exists()

    @pytest.mark.parametrize("gone", ["is switched off", "may not bill any more"])
    def test_whose_maker_is_gone_makes_no_bill(self, link: PayerLink, people: Any, gone: str) -> None:
        maker, waits = people["operator"], "Waits for the payer"
        staff = rows.browser("finance")
        assert waits in rows.text_of(staff.get("/payer-links/"))
        if gone == "is switched off":
            type(maker).objects.filter(pk=maker.pk).update(is_active=False)
        else:
            maker.groups.set([])
        for answer in (payer().get(public(link)), opened(link, payer())):
            assert answer.status_code == 410
            assert "no longer valid, ask the merchant" in rows.text_of(answer)
        assert not Invoice.objects.exists()
        for address in ("/payer-links/", f"/payer-links/{link.pk}/"):
            shown = rows.text_of(staff.get(address))
            assert (gone in shown, waits in shown) == (True, False)
        other = rows.browser("operator")
        shown = rows.text_of(other.get(f"/payer-links/{link.pk}/"))
        assert public(link) not in shown
        other.post(f"/payer-links/{link.pk}/withdraw/")
        assert "Taken back" in rows.text_of(other.get(f"/payer-links/{link.pk}/"))

    def test_the_list_is_in_the_menu_and_keeps_itself_fresh(self, link: PayerLink) -> None:
        shown = rows.text_of(rows.browser("viewer").get("/payer-links/"))
        assert re.search(r'<li><a href="/payer-links/" aria-current="page">', shown)
        assert re.search(r'<li aria-current="page">Payers.{1,6} links</li>', shown)
        assert "data-live-list" in shown

    def test_an_address_that_cannot_pay_does_not_use_it_up(self, link: PayerLink) -> None:
        shown = rows.text_of(opened(link, payer("10.0.0.1")))
        assert "another network" in shown
        assert opened(link, payer()).status_code == 302

    def test_who_tries_too_often_waits(self, link: PayerLink) -> None:
        browser = payer(OTHER)
        codes = {browser.post("/pay/guess/").status_code for _n in range(12)}
        assert 429 in codes
        assert opened(link, browser).status_code == 429
        assert opened(link, payer()).status_code == 302

    def test_a_browser_can_send_the_form(self, link: PayerLink) -> None:
        """As browsers do: under a policy of "no-referrer" a form says that it comes from nowhere, and would be refused."""
        strict = Client(enforce_csrf_checks=True, REMOTE_ADDR=IP)
        page = strict.get(public(link))
        policy = page.headers["Referrer-Policy"]
        assert policy in ("no-referrer", "same-origin")  # nobody else learns the address
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', rows.text_of(page))
        assert found is not None
        origin = "null" if policy == "no-referrer" else "http://testserver"
        sent = strict.post(public(link), {"csrfmiddlewaretoken": found[1]}, headers={"Origin": origin})
        assert sent.status_code == 302
        assert Invoice.objects.count() == 1

    def test_a_form_from_elsewhere_is_refused(self, link: PayerLink) -> None:
        strict = Client(enforce_csrf_checks=True, REMOTE_ADDR=IP)
        assert strict.post(public(link)).status_code == 403
        assert not Invoice.objects.exists()


class TestPayments:
    def test_an_approver_says_of_which_bill(self, there: Any, people: Any, desk: Any) -> None:
        fields = {"ticker": "UAH", "network": "visa", "amount": "100", "client_ip": IP}
        bills = [invoices.create(actor=people["operator"], account=there, fields=fields) for _n in range(2)]
        for bill in bills:
            invoices.submit(invoice_id=bill.pk)
        desk.payment()
        invoices.refresh(invoice_id=bills[0].pk)
        payment = InvoicePayment.objects.get()
        browser = rows.browser_of(people["approver"])
        assert "say of which" in rows.text_of(browser.get("/invoice-payments/?matched=no"))
        shown = rows.text_of(browser.get(f"/invoice-payments/{payment.pk}/"))
        assert bills[1].reference.value in shown
        data = {"invoice": bills[1].pk, "note": "receipt"}
        assert browser.post(f"/invoice-payments/{payment.pk}/", data).status_code == 302
        bills[1].refresh_from_db()
        assert bills[1].status == "paid"
        assert "matched by a person" in rows.text_of(browser.get(f"/invoices/{bills[1].pk}/"))
        assert rows.browser("operator").get(f"/invoice-payments/{payment.pk}/").status_code == 403
