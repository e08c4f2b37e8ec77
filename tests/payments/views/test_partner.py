"""The pages of the partner programme: what everybody sees, and a payout from request to yes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from payments.models import PartnerPayout, PartnerProgram
from payments.services import partner, partner_programs
from tests.payments import exchanger as exchangers
from tests.payments import rows

pytestmark = pytest.mark.django_db(transaction=True)
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
    answer = operator.post(address, {"method_id": "5", "account": "TQWv7b8JmYV8m7"})
    payout = PartnerPayout.objects.get()
    assert answer.headers["Location"] == payout.get_absolute_url()
    assert operator.get(start).headers["Location"] == payout.get_absolute_url()
    assert "Request payout" not in rows.text_of(operator.get(program.get_absolute_url()))

    where = reverse("payments:partnerpayout_approve", args=[payout.pk])
    assert "Read and approve" in rows.text_of(approver.get(payout.get_absolute_url()))
    page = rows.text_of(approver.get(where))
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen and "TQWv7b8JmYV8m7" in page
    approver.post(where, {"seen": seen[1]})
    partner.submit(partner_payout_id=payout.pk)
    shown = rows.words(rows.text_of(operator.get(payout.get_absolute_url())))
    assert "Pending" in shown and "took it and said all the same" in shown


def test_doubt_says_what_people_may_do(program: PartnerProgram, exchanger: Any, people: Any) -> None:
    fields = {"method_id": "5", "account": "TQWv7b8JmYV8m7"}
    payout = partner.request_payout(actor=people["operator"], account=program.account, fields=fields)
    partner.approve(actor=people["approver"], payout=payout)
    exchanger.fail("add_partner_payout", "drop")
    partner.submit(partner_payout_id=payout.pk)
    client = rows.browser("approver")
    shown = rows.words(rows.text_of(client.get(payout.get_absolute_url())))
    assert "It is never sent again" in shown and "Press “Check now” first" in shown
    where = reverse("payments:partnerpayout_resolve", args=[payout.pk])
    assert client.get(where).status_code == 200
    assert client.post(where, {"outcome": "failed", "note": "x"}).status_code == 200
    assert client.get(reverse("payments:partnerpayout_confirm", args=[payout.pk])).status_code == 302
