"""Deciding about vouchers: by another person, for the whole request, on what was shown; doubt by two."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from codes.models import Voucher
from codes.services import voucher_decisions
from payments.models import ExceptionItem, Movement, ProviderAccount
from payments.services import freeze
from tests import factories
from tests.codes import rows
from tests.payments.rows import browser, browser_of, error_at, item, text_of, words

pytestmark = pytest.mark.django_db


def seen_on(shown: str) -> str:
    found = re.search(r'name="seen" value="(\w+)"', shown)
    return found[1] if found else ""


def state(voucher: Voucher) -> str:
    return rows.fresh(voucher).status


class TestApprove:
    @pytest.fixture
    def three(self, main: ProviderAccount, operator: Any) -> list[Voucher]:
        return factories.vouchers(main, actor=operator, count=3, _make_password=True, desc="Gift")

    def test_shows_everything_that_leaves_for_the_whole_request(self, three: list[Voucher]) -> None:
        shown = text_of(browser("approver").get(f"{three[0].get_absolute_url()}approve/"))
        said = words(shown)
        assert "Exactly this is made, 3 times" in said
        assert "3 × 10.00 USDT" in said
        assert "In all 30.00 USDT Available now 1,000.00 USDT Available afterwards 970.00 USDT" in said
        assert f"{three[0].reference.value} Gift" in said
        assert "Made here, another one for each; nobody has seen them." in said
        assert all(one.reference.value in said for one in three)
        assert not any(one.password in shown for one in three)

    def test_one_yes_is_for_all_of_it(self, three: list[Voucher]) -> None:
        client = browser("approver")
        url = f"{three[1].get_absolute_url()}approve/"
        response = client.post(url, {"seen": seen_on(text_of(client.get(url)))})
        assert response.url == three[1].get_absolute_url()
        assert {state(one) for one in three} == {"approved"}
        assert "This is decided already: Approved." in text_of(client.get(url, follow=True))
        for step in ("reject", "resolve"):
            shown = text_of(client.get(f"{three[0].get_absolute_url()}{step}/"))
            assert "This is decided already" in shown
            assert "<textarea" not in shown

    def test_a_yes_without_reading_shows_the_page(self, three: list[Voucher]) -> None:
        url = f"{three[0].get_absolute_url()}approve/"
        assert "Exactly this is made" in text_of(browser("approver").post(url, {}))
        assert state(three[0]) == "awaiting_approval"

    def test_what_has_changed_since_is_refused(self, three: list[Voucher]) -> None:
        client = browser("approver")
        url = f"{three[0].get_absolute_url()}approve/"
        seen = seen_on(text_of(client.get(url)))
        Voucher.objects.filter(pk=three[2].pk).update(amount=Decimal(900))
        assert "Something has changed since you opened this page." in text_of(
            client.post(url, {"seen": seen}, follow=True)
        )
        assert {state(one) for one in three} == {"awaiting_approval"}

    def test_nobody_approves_their_own_and_the_page_says_why(self, main: ProviderAccount) -> None:
        both = factories.person("operator")
        both.groups.add(*factories.person("approver").groups.all())
        own = factories.vouchers(main, actor=both)[0]
        shown = text_of(browser_of(both).get(f"{own.get_absolute_url()}approve/"))
        assert "You requested this yourself. Another person must decide." in shown
        assert not seen_on(shown)
        assert "waits for an approver, but not for you" in text_of(
            browser_of(both).get(own.get_absolute_url())
        )

    def test_it_warns_of_what_stands_in_the_way(self, three: list[Voucher], operator: Any) -> None:
        freeze.set(actor=operator, account=None, reason="Look first")
        Voucher.objects.update(amount=Decimal(400))
        shown = text_of(browser("approver").get(f"{three[0].get_absolute_url()}approve/"))
        assert "Sending is frozen." in shown
        assert "Not enough is available: it cannot be approved now." in shown

    def test_a_typed_password_is_known_to_the_requester(self, main: ProviderAccount, operator: Any) -> None:
        typed = factories.vouchers(main, actor=operator, **{"pass": rows.PASSWORD})[0]
        shown = text_of(browser("approver").get(f"{typed.get_absolute_url()}approve/"))
        assert "Typed by the requester, who knows it." in shown
        assert rows.PASSWORD not in shown

    def test_without_a_password_it_says_what_that_means(self, main: ProviderAccount, operator: Any) -> None:
        bare = factories.vouchers(main, actor=operator)[0]
        shown = text_of(browser("approver").get(f"{bare.get_absolute_url()}approve/"))
        assert "None: whoever has the code can redeem it." in shown


class TestRejectAndCancel:
    def test_rejecting_needs_a_reason_and_is_for_all(self, main: ProviderAccount, operator: Any) -> None:
        two = factories.vouchers(main, actor=operator, count=2)
        client = browser("approver")
        url = f"{two[0].get_absolute_url()}reject/"
        assert "This is about all 2 vouchers of the request." in text_of(client.get(url))
        assert "required" in error_at(text_of(client.post(url, {"reason": " "})), "reason")
        client.post(url, {"reason": "Too much"})
        assert {state(one) for one in two} == {"rejected"}

    def test_the_requester_cancels_and_another_operator_may_not(self, asked: Voucher, operator: Any) -> None:
        url = f"{asked.get_absolute_url()}cancel/"
        shown = text_of(browser("operator").post(url, follow=True))
        assert "Only the requester or an approver may cancel this." in shown
        browser_of(operator).post(url)
        assert state(asked) == "canceled"

    def test_a_code_that_was_not_sent_is_taken_back(self, main: ProviderAccount) -> None:
        voucher = rows.redeeming(main)
        browser("approver").post(f"{voucher.get_absolute_url()}cancel/")
        assert state(voucher) == "canceled"


class TestDoubt:
    def test_a_redemption_is_closed_with_what_the_balance_shows(self, main: ProviderAccount) -> None:
        voucher = rows.redeeming_in_doubt(main, came="10")
        client = browser("approver")
        url = f"{voucher.get_absolute_url()}resolve/"
        shown = text_of(client.get(f"{url}?outcome=redeemed"))
        assert 'name="amount" value="10"' in shown
        assert '<option value="USDT" selected>' in shown
        client.post(url, {"outcome": "redeemed", "amount": "10", "currency": "USDT", "note": "Seen there"})
        assert state(voucher) == "redeemed"
        assert Movement.objects.get().amount == Decimal(10)

    def test_two_that_gained_are_not_guessed(self, main: ProviderAccount) -> None:
        voucher = rows.redeeming_in_doubt(main)
        Voucher.objects.filter(pk=voucher.pk).update(balances_after={"EUR": "501", "USDT": "1010"})
        shown = text_of(browser("approver").get(f"{voucher.get_absolute_url()}resolve/"))
        assert 'name="amount" value=' not in shown

    @pytest.mark.parametrize(
        ("given", "at"),
        [
            ({"outcome": "redeemed", "amount": "", "currency": "USDT", "note": "x"}, "amount"),
            ({"outcome": "redeemed", "amount": "1,5", "currency": "USDT", "note": "x"}, "amount"),
            ({"outcome": "redeemed", "amount": "1", "currency": "", "note": "x"}, "currency"),
            ({"outcome": "redeemed", "amount": "1", "currency": "USDT", "note": ""}, "note"),
            ({"amount": "1", "currency": "USDT", "note": "x"}, "outcome"),
        ],
    )
    def test_a_mistake_is_told_at_its_field(
        self, main: ProviderAccount, given: dict[str, str], at: str
    ) -> None:
        voucher = rows.redeeming_in_doubt(main)
        shown = text_of(browser("approver").post(f"{voucher.get_absolute_url()}resolve/", given))
        assert error_at(shown, at) or f"id_{at}" in shown
        assert state(voucher) == "unknown"

    def test_failed_takes_two_people(self, main: ProviderAccount) -> None:
        voucher = rows.redeeming_in_doubt(main, came="0")
        first, second = browser("approver"), browser("approver")
        url = voucher.get_absolute_url()
        first.post(f"{url}resolve/", {"outcome": "failed", "note": "Balance as before"})
        assert state(voucher) == "unknown"
        assert voucher.reference.value in text_of(first.get("/vouchers/", {"status": "to_confirm"}))
        shown = text_of(second.get(f"{url}confirm/"))
        assert "Balance as before" in shown
        assert "the code may be typed again" in shown
        proposal = voucher_decisions.pending(rows.fresh(voucher))
        assert proposal is not None
        first.post(f"{url}confirm/", {"proposal": proposal.pk})
        second.post(f"{url}confirm/", {"proposal": proposal.pk + 1})
        assert state(voucher) == "unknown"
        second.post(f"{url}confirm/", {"proposal": proposal.pk})
        assert state(voucher) == "failed"

    def test_a_new_one_is_closed_as_failed_with_a_note_alone(self, asked: Voucher) -> None:
        voucher = rows.not_listed(rows.making_in_doubt(asked))
        url = f"{voucher.get_absolute_url()}resolve/"
        client = browser("approver")
        assert 'name="outcome"' not in text_of(client.get(url))
        shown = text_of(client.post(url, {"note": "Their panel does not show it"}, follow=True))
        assert "Proposed as failed. Another approver must confirm it." in shown

    def test_the_checks_refresh_beside_what_is_typed(self, main: ProviderAccount) -> None:
        voucher = rows.redeeming_in_doubt(main)
        client = browser("approver")
        url = f"{voucher.get_absolute_url()}resolve/"
        shown = text_of(client.get(url))
        version = re.search(r"fragment=1&amp;v=(\w+)", shown)
        assert version is not None
        assert client.get(f"{url}?fragment=1&v={version[1]}").status_code == 204
        part = text_of(client.post(url, {"_check": "1", "note": "kept"}, headers={"HX-Request": "true"}))
        assert "<html" not in part
        assert 'id="checks"' in part
        assert "kept" in text_of(client.post(url, {"_check": "1", "note": "kept"}))

    @pytest.mark.parametrize("role", ["viewer", "operator", "finance", "admin"])
    def test_only_approvers_decide(self, main: ProviderAccount, role: str) -> None:
        voucher = rows.redeeming_in_doubt(main)
        client = browser(role)
        for step in ("resolve", "confirm", "approve", "reject"):
            assert client.get(f"{voucher.get_absolute_url()}{step}/").status_code == 403
            assert client.post(f"{voucher.get_absolute_url()}{step}/", {}).status_code == 403

    def test_an_exception_of_it_stands_on_its_page(self, active: Voucher) -> None:
        item(ExceptionItem.Kind.VOUCHER_MISSING, title="Not in the list", reference=active.reference)
        shown = text_of(browser("viewer").get(active.get_absolute_url()))
        assert "Not in the list" in shown
