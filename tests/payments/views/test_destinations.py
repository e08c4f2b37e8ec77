"""The pages of our own destinations: proposed by one person, decided by another, cards never in clear."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from backoffice.models import AuditEntry
from backoffice.services import roles
from payments.models import OwnDestination
from payments.services import destinations
from tests import factories
from tests.payments import rows

pytestmark = pytest.mark.django_db
ROLES = ("viewer", "operator", "approver", "finance", "admin")
BTC = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
CARD = "4111111111111111"
MASKED = "411111******1111"


@pytest.fixture(autouse=True)
def account(settings: Any) -> Any:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})
    made = rows.account("Main")
    made.methods.create(code="CARD", title="Bank card", currency="RUB", for_invoice=True, is_card=True)
    return made


def proposed(method: str = "BTC", address: str = BTC, *, label: str = "Cold wallet", by: Any = None) -> Any:
    actor = by or factories.person("operator")
    return destinations.propose(actor=actor, method=method, label=label, address=address)


def approved(**given: Any) -> OwnDestination:
    return destinations.approve(actor=factories.person("approver"), destination=proposed(**given))


def text(response: Any) -> str:
    return response.content.decode()


def both() -> Any:
    """Somebody who may propose and approve."""
    person = factories.person("operator")
    roles.give(actor=None, user=person, role="approver")
    return person


class TestList:
    url = "/destinations/"

    @pytest.mark.parametrize("role", ROLES)
    def test_everybody_sees_the_book_and_operators_may_propose(self, role: str) -> None:
        proposed("CARD", CARD, label="Office card")
        shown = text(rows.browser(role).get(self.url))
        assert "Office card" in shown
        assert MASKED in shown
        assert CARD not in shown
        assert ("Propose destination" in shown) == (role == "operator")

    def test_a_card_number_is_not_searched_for_but_led_away_from(self) -> None:
        answer = rows.browser("viewer").get(self.url, {"q": CARD})
        assert (answer.status_code, answer.url) == (303, self.url)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"q": "cold"}, True),
            ({"q": "411111"}, False),
            ({"status": "proposed"}, True),
            ({"status": "approved"}, False),
            ({"method": "BTC"}, True),
        ],
    )
    def test_filters_narrow_the_list(self, query: dict[str, str], found: bool) -> None:
        proposed()
        assert ("Cold wallet" in text(rows.browser("viewer").get(self.url, query))) == found

    def test_the_file_masks_cards(self) -> None:
        proposed("CARD", CARD)
        response = rows.browser("finance").get(self.url, {"export": "csv"})
        file = b"".join(response.streaming_content).decode()
        assert MASKED in file
        assert CARD not in file

    def test_an_empty_book_says_what_it_is_for(self) -> None:
        assert "The book is empty" in text(rows.browser("operator").get(self.url))


class TestPropose:
    @pytest.fixture
    def url(self) -> str:
        return f"/destinations/new/{uuid.uuid4()}/"

    @pytest.mark.parametrize("role", ["viewer", "approver", "finance", "admin"])
    def test_is_for_operators_alone(self, url: str, role: str) -> None:
        browser = rows.browser(role)
        assert browser.get(url).status_code == 403
        assert browser.post(url, {"method": "BTC", "label": "x", "address": BTC}).status_code == 403

    def test_a_link_may_choose_the_system_but_never_the_address(self) -> None:
        browser = rows.browser("operator")
        response = browser.get("/destinations/new/", {"method": "BTC", "address": BTC}, follow=True)
        shown = text(response)
        assert '<option value="BTC" selected>' in shown
        assert BTC not in shown

    def test_internal_balances_are_not_offered(self, url: str) -> None:
        assert "USDTBALANCE" not in text(rows.browser("operator").get(url))

    def test_sent_twice_it_is_one_proposal(self, url: str) -> None:
        browser = rows.browser("operator")
        typed = {"method": "BTC", "label": "Cold wallet", "address": f" {BTC} ", "tag": ""}
        first = browser.post(url, typed)
        second = browser.post(url, typed)
        made = OwnDestination.objects.get()
        assert first.url == second.url == f"/destinations/{made.pk}/"
        assert (made.status, made.address) == ("proposed", BTC)
        assert "The checksum is right." in text(browser.get(first.url))

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ({"address": BTC[:-1] + "x"}, "The checksum is wrong"),
            ({"method": ""}, "This field is required."),
            ({"label": ""}, "This field is required."),
            ({"address": ""}, "This field is required."),
            ({"label": "x" * 81}, "at most 80 characters"),
            ({"tag": "y" * 65}, "at most 64 characters"),
        ],
    )
    def test_a_mistake_is_told_and_nothing_typed_is_lost(
        self, url: str, typed: dict[str, str], words: str
    ) -> None:
        given = {"method": "BTC", "label": "Keep-me", "address": BTC, "tag": "t-1", **typed}
        shown = text(rows.browser("operator").post(url, given))
        assert words in shown
        for value in given.values():
            assert value in shown
        assert not OwnDestination.objects.exists()

    def test_the_same_address_again_is_told_at_the_address(self, url: str) -> None:
        proposed(label="First name")
        given = {"method": "BTC", "label": "Second", "address": BTC, "tag": ""}
        shown = text(rows.browser("operator").post(url, given))
        assert "in the book already, as “First name”" in shown


class TestDetail:
    @pytest.mark.parametrize("role", ROLES)
    def test_offers_decisions_to_approvers_alone(self, role: str) -> None:
        shown = text(rows.browser(role).get(proposed().get_absolute_url()))
        assert BTC in shown
        for word in (">Approve</a>", ">Reject</a>"):
            assert (word in shown) == (role == "approver")
        assert ">Retire</a>" not in shown

    def test_ones_own_proposal_is_not_offered_and_the_page_says_why(self) -> None:
        person = both()
        shown = text(rows.browser_of(person).get(proposed(by=person).get_absolute_url()))
        assert "You proposed this yourself. Another person, an approver, decides about it." in shown
        for word in (">Approve</a>", ">Reject</a>"):
            assert word not in shown

    def test_a_card_is_masked_and_nothing_copies_it(self) -> None:
        shown = text(rows.browser("approver").get(proposed("CARD", CARD).get_absolute_url()))
        assert MASKED in shown
        assert CARD not in shown
        assert "The check digit of the card number is right." in shown

    def test_a_label_is_text(self) -> None:
        shown = text(rows.browser("viewer").get(proposed(label="<b>bold").get_absolute_url()))
        assert "<b>bold" not in shown

    def test_an_approved_one_may_be_retired(self) -> None:
        shown = text(rows.browser("approver").get(approved().get_absolute_url()))
        assert ">Retire</a>" in shown
        assert ">Approve</a>" not in shown


class TestApprove:
    def address(self, destination: OwnDestination) -> str:
        return f"{destination.get_absolute_url()}approve/"

    def test_shows_the_whole_card_number_and_writes_down_who_saw_it(self) -> None:
        made = proposed("CARD", CARD)
        approver = factories.person("approver")
        assert CARD in text(rows.browser_of(approver).get(self.address(made)))
        line = AuditEntry.objects.get(verb="destination.revealed")
        assert line.actor == approver
        assert CARD not in str(line.facts)

    def test_looking_at_an_address_that_is_no_card_writes_nothing(self) -> None:
        assert BTC in text(rows.browser("approver").get(self.address(proposed())))
        assert not AuditEntry.objects.filter(verb="destination.revealed").exists()

    def test_approves(self) -> None:
        made = proposed()
        shown = text(rows.browser("approver").post(self.address(made), follow=True))
        assert "Approved. Invoices can use it now." in shown
        made.refresh_from_db()
        assert made.status == "approved"

    def test_ones_own_proposal_is_neither_shown_nor_approved(self) -> None:
        person = both()
        made = proposed("CARD", CARD, by=person)
        browser = rows.browser_of(person)
        for response in (
            browser.get(self.address(made), follow=True),
            browser.post(self.address(made), follow=True),
        ):
            assert "You proposed this yourself. Another person must decide." in text(response)
            assert CARD not in text(response)
        made.refresh_from_db()
        assert made.status == "proposed"

    def test_what_is_decided_already_shows_no_card_and_changes_nothing(self) -> None:
        made = approved(method="CARD", address=CARD)
        browser = rows.browser("approver")
        shown = text(browser.get(self.address(made), follow=True))
        assert "This is decided already." in shown
        assert CARD not in shown
        assert "cannot become" in text(browser.post(self.address(made), follow=True))

    @pytest.mark.parametrize("role", ["viewer", "operator", "finance", "admin"])
    def test_is_for_approvers_alone(self, role: str) -> None:
        made = proposed("CARD", CARD)
        assert rows.browser(role).get(self.address(made)).status_code == 403
        assert rows.browser(role).post(self.address(made)).status_code == 403


class TestRejectAndRetire:
    def test_rejecting_needs_a_reason_that_the_proposer_then_reads(self) -> None:
        made = proposed()
        address = f"{made.get_absolute_url()}reject/"
        browser = rows.browser("approver")
        assert "This field is required." in text(browser.post(address, {"reason": " "}))
        shown = text(browser.post(address, {"reason": "Not ours"}, follow=True))
        assert "Rejected." in shown
        assert "It was rejected: Not ours" in text(rows.browser("viewer").get(made.get_absolute_url()))

    def test_retiring_needs_a_reason_and_takes_it_out_of_use(self) -> None:
        made = approved()
        address = f"{made.get_absolute_url()}retire/"
        browser = rows.browser("approver")
        assert "This field is required." in text(browser.post(address, {"reason": ""}))
        assert "It was taken out of use: Key lost" in text(
            browser.post(address, {"reason": "Key lost"}, follow=True)
        )
        assert destinations.find_approved(method="BTC", address=BTC) is None

    def test_nobody_rejects_their_own(self) -> None:
        person = both()
        made = proposed(by=person)
        shown = text(
            rows.browser_of(person).post(f"{made.get_absolute_url()}reject/", {"reason": "Mine"}, follow=True)
        )
        assert "You proposed this yourself." in shown
        made.refresh_from_db()
        assert made.status == "proposed"

    @pytest.mark.parametrize("action", ["reject", "retire"])
    def test_the_page_masks_the_card(self, action: str) -> None:
        made = proposed("CARD", CARD) if action == "reject" else approved(method="CARD", address=CARD)
        shown = text(rows.browser("approver").get(f"{made.get_absolute_url()}{action}/"))
        assert MASKED in shown
        assert CARD not in shown
