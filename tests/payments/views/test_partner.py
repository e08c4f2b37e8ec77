"""The pages of the partner programme: what everybody sees, and a payout from request to yes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from backoffice.models import AuditEntry
from payments.models import Direction, PartnerPayout, PartnerProgram
from payments.providers.errors import ProviderError
from payments.services import partner, partner_programs, payout_decisions
from tests import factories
from tests.payments import exchanger as exchangers
from tests.payments import rows

pytestmark = pytest.mark.django_db(transaction=True)
BITCOIN = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
ROLES = ("viewer", "operator", "approver", "finance", "admin")


@pytest.fixture
def program(exchanger: Any, transactional_db: None) -> PartnerProgram:
    account = exchangers.account(exchanger, money_out=True)
    exchanger._add_partner_payout({"method_id": "5", "account": "4111111111111111"})
    exchanger.balance += 100
    return partner_programs.refresh(account_id=account.pk)


@pytest.mark.parametrize("role", ROLES)
def test_everybody_sees_and_operators_ask(program: PartnerProgram, role: str) -> None:
    client = rows.browser(role)
    assert "exchanger" in rows.text_of(client.get(reverse("payments:partnerprogram_list")))
    shown = rows.text_of(client.get(program.get_absolute_url()))
    assert "100.00" in shown and "411111******1111" in shown and "4111111111111111" not in shown
    assert "https://shop.example/" in shown and "<b>" not in shown
    assert ("Request payout" in shown) is (role == "operator")
    assert client.get(reverse("payments:partnerexchange_list")).status_code == 200
    assert client.get(reverse("payments:partnerpayout_list")).status_code == 200


def test_from_the_request_to_the_yes(program: PartnerProgram, exchanger: Any) -> None:
    operator, approver = rows.browser("operator"), rows.browser("approver")
    start = reverse("payments:partnerpayout_create", args=[program.pk])
    address = operator.get(start).headers["Location"]
    assert "100.00 USD" in rows.words(rows.text_of(operator.get(address)))
    wrong = rows.text_of(operator.post(address, {"method_id": "5", "account": "", "_note": "Autumn"}))
    assert rows.error_at(wrong, "account") and "Autumn" in wrong
    typed = {"method_id": "5", "account": exchangers.ADDRESS, "_note": "Autumn"}
    page = rows.text_of(operator.post(address, typed))
    tick = re.search(r'name="_confirm_account" value="([^"]+)"', page)
    assert tick and "No payout of ours has gone there yet" in page and not PartnerPayout.objects.exists()
    answer = operator.post(address, typed | {"_confirm_account": tick[1]})
    payout = PartnerPayout.objects.get()
    assert answer.headers["Location"] == payout.get_absolute_url()
    assert operator.get(start).headers["Location"] == payout.get_absolute_url()
    assert "Request payout" not in rows.text_of(operator.get(program.get_absolute_url()))

    where = reverse("payments:partnerpayout_approve", args=[payout.pk])
    assert "Read and approve" in rows.text_of(approver.get(payout.get_absolute_url()))
    page = rows.text_of(approver.get(where))
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen and exchangers.ADDRESS in page and "The checksum is right." in page
    approver.post(where, {"seen": seen[1]})
    partner.submit(partner_payout_id=payout.pk)
    shown = rows.words(rows.text_of(operator.get(payout.get_absolute_url())))
    assert "Pending" in shown and "took it and said all the same" in shown


def test_our_own_book_is_offered_and_nothing_below_the_smallest(program: PartnerProgram, people: Any) -> None:
    exchangers.direction(program.account)
    Direction.objects.create(
        account=program.account,
        provider_id="22",
        give_id="3",
        get_id="9",
        give_code="RUB",
        get_code="BTC",
        listed_at=timezone.now(),
    )
    entry, other = exchangers.book(program.account), exchangers.book(program.account, BITCOIN, method="BTC")
    operator = rows.browser("operator")
    start = reverse("payments:partnerpayout_create", args=[program.pk])
    address = operator.get(start).headers["Location"]
    page = rows.text_of(operator.get(address))
    assert entry.label in page and other.label not in page
    assert rows.words(page).count("whole balance") == 1
    both = {"method_id": "5", "_destination": entry.pk, "account": BITCOIN}
    assert "not both" in rows.text_of(operator.post(address, both))
    operator.post(address, {"method_id": "5", "_destination": entry.pk, "account": ""})
    assert PartnerPayout.objects.get().payee_account == exchangers.ADDRESS
    operator.post(reverse("payments:partnerpayout_cancel", args=[PartnerPayout.objects.get().pk]))
    fields = {"method_id": "5", "account": "4000 1234 5678 9018", "_confirm_account": True}
    PartnerProgram.objects.update(methods=[{"id": "5", "title": "Some bank"}])
    number = partner.request_payout(actor=people["operator"], account=program.account, fields=fields)
    where = reverse("payments:partnerpayout_approve", args=[number.pk])
    approver = rows.browser("approver")
    assert "4000123456789018" not in rows.text_of(approver.get(where))
    assert "4000123456789018" in rows.text_of(approver.post(where, {"_reveal": "1"}))
    assert AuditEntry.objects.filter(verb="partnerpayout.revealed").count() == 1
    partner.cancel(actor=people["operator"], payout=number)
    for step in ("reject", "cancel"):
        page = rows.text_of(approver.get(reverse(f"payments:partnerpayout_{step}", args=[number.pk])))
        assert "This is decided already" in page and 'method="post"' not in page.split("<main")[1], step
    PartnerProgram.objects.update(balance=9)
    shown = rows.text_of(operator.get(program.get_absolute_url()))
    assert "Request payout" not in shown and "The smallest payout there is 10, the balance 9." in shown
    assert operator.get(start).headers["Location"] == program.get_absolute_url()


def test_doubt_says_what_people_may_do(program: PartnerProgram, exchanger: Any, people: Any) -> None:
    fields = {"method_id": "5", "account": exchangers.ADDRESS, "_confirm_account": True}
    payout = partner.request_payout(actor=people["operator"], account=program.account, fields=fields)
    partner.approve(actor=people["approver"], payout=payout)
    exchanger.fail("add_partner_payout", "drop")
    partner.submit(partner_payout_id=payout.pk)
    client = rows.browser("viewer")
    assert 'aria-current="page"' in client.get(payout.get_absolute_url()).content.decode().split("<main")[0]
    client = rows.browser("approver")
    shown = rows.words(rows.text_of(client.get(payout.get_absolute_url())))
    assert "It is never sent again" in shown and "Press “Check now” first" in shown
    where = reverse("payments:partnerpayout_resolve", args=[payout.pk])
    assert client.get(where).status_code == 200
    assert client.post(where, {"outcome": "failed", "note": "x"}).status_code == 200
    assert client.get(reverse("payments:partnerpayout_confirm", args=[payout.pk])).status_code == 302
    with pytest.raises(ProviderError):
        partner.refresh(partner_payout_id=payout.pk)
    outsider = factories.person("approver")
    note = {"outcome": "complete", "note": "Their support says so."}
    payout_decisions.resolve(actor=outsider, payout=payout, **note)
    for answer in (client.get(where), client.post(where, note)):
        page = rows.text_of(answer)
        assert "This is decided already" in page and outsider.get_username() in page
        assert 'name="outcome"' not in page
