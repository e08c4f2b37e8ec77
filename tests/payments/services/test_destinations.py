"""The book of our own addresses: two people, each address once, cards never in clear."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from backoffice.kit.states import IllegalMove
from backoffice.services import roles
from payments.models import Method, OwnDestination
from payments.services import destinations
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
BTC = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
CARD = "4111111111111111"


def propose(actor: Any, **changed: Any) -> OwnDestination:
    return destinations.propose(
        **{"actor": actor, "method": "BTC", "label": "Cold wallet", "address": BTC} | changed
    )


class TestPropose:
    def test_only_an_operator_may(self, account: Any, people: Any) -> None:
        for role in ("viewer", "approver", "finance", "admin"):
            with pytest.raises(PermissionDenied):
                propose(people[role])
        assert propose(people["operator"]).status == "proposed"

    def test_the_same_form_twice_is_one_proposal(self, account: Any, people: Any) -> None:
        token = uuid.uuid4()
        assert (
            propose(people["operator"], form_token=token).pk
            == propose(people["operator"], form_token=token).pk
        )

    def test_the_same_address_twice_is_refused(self, account: Any, people: Any) -> None:
        propose(people["operator"])
        with pytest.raises(ValidationError) as caught:
            propose(people["operator"], label="again")
        assert "address" in caught.value.error_dict

    @pytest.mark.parametrize(
        ("changed", "at"),
        [
            ({"method": "NONE"}, "method"),
            ({"method": "USDTBALANCE"}, "method"),
            ({"label": ""}, "label"),
            ({"address": BTC[:-1] + "Q"}, "address"),
        ],
    )
    def test_bad_input_is_named_at_its_field(self, account: Any, people: Any, changed: Any, at: str) -> None:
        with pytest.raises(ValidationError) as caught:
            propose(people["operator"], **changed)
        assert at in caught.value.error_dict

    def test_a_card_is_masked_everywhere_in_the_database(self, account: Any, people: Any) -> None:
        Method.objects.create(
            account=account, code="CARDUSD", title="Card", currency="USD", for_invoice=True, is_card=True
        )
        made = propose(people["operator"], method="CARDUSD", address=CARD)
        assert made.shown == "411111******1111"
        assert OwnDestination.objects.get(pk=made.pk).address == CARD
        with connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in cursor.fetchall():
                cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{CARD}%"])
                assert cursor.fetchone()[0] == 0, table


class TestDecide:
    def test_another_person_approves(self, account: Any, people: Any) -> None:
        made = propose(people["operator"])
        assert destinations.find_approved(method="BTC", address=BTC) is None
        destinations.approve(actor=people["approver"], destination=made)
        assert destinations.find_approved(method="BTC", address=BTC) == made

    def test_ones_own_proposal_is_refused(self, account: Any, people: Any) -> None:
        both = people["operator"]
        made = propose(both)
        roles.give(actor=None, user=both, role="approver")
        with pytest.raises(ValidationError):
            destinations.approve(actor=both, destination=made)

    def test_a_role_given_by_the_proposer_counts_after_a_day(self, account: Any, people: Any) -> None:
        proposer = people["operator"]
        made = propose(proposer)
        helper = factories.person("approver")
        from backoffice.models import RoleChange

        RoleChange.objects.create(actor=proposer, user=helper, role="approver", given=True)
        with pytest.raises(ValidationError):
            destinations.approve(actor=helper, destination=made)

    def test_rejecting_needs_a_reason_and_is_final(self, account: Any, people: Any) -> None:
        made = propose(people["operator"])
        with pytest.raises(ValidationError):
            destinations.reject(actor=people["approver"], destination=made, reason=" ")
        destinations.reject(actor=people["approver"], destination=made, reason="not ours")
        with pytest.raises(IllegalMove):
            destinations.approve(actor=people["approver"], destination=made)

    def test_a_retired_address_takes_no_invoice(self, account: Any, people: Any) -> None:
        made = propose(people["operator"])
        destinations.approve(actor=people["approver"], destination=made)
        destinations.retire(actor=people["approver"], destination=made, reason="key lost")
        with pytest.raises(ValidationError) as caught:
            factories.invoice(account, actor=people["operator"], paysys="BTC", amount="0.1", purse=BTC)
        assert "purse" in caught.value.error_dict


class TestInvoiceToAnAddress:
    def test_it_is_booked_off_balance(self, account: Any, box: Any, people: Any) -> None:
        from payments.models import Movement
        from payments.services import invoices

        destinations.approve(actor=people["approver"], destination=propose(people["operator"]))
        invoice = factories.open_invoice(account, paysys="BTC", amount="0.1", purse=BTC)
        box.control(f"bitloga/invoices/{invoice.reference.value}/pay", {})
        invoices.refresh(invoice_id=invoice.pk)
        movement = Movement.objects.get()
        assert (movement.on_balance, movement.currency) == (False, "BTC")
