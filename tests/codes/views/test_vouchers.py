"""The list and the page of vouchers: who sees what, filters that can be linked to, and no part of a code."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice.kit import wake
from codes.models import Voucher, VoucherListing
from codes.services import voucher_decisions, vouchers
from payments.models import ProviderAccount
from payments.services import exceptions
from tests import factories
from tests.codes import rows
from tests.payments.rows import browser, browser_of, text_of, words

pytestmark = pytest.mark.django_db
ROLES = ("viewer", "operator", "approver", "finance", "admin")
LIST = "/vouchers/"


def page(role: str, voucher: Voucher) -> str:
    response = browser(role).get(voucher.get_absolute_url())
    assert response.status_code == 200
    return text_of(response)


class TestList:
    @pytest.mark.parametrize("role", ROLES)
    def test_everybody_sees_them_operators_request_and_redeem(self, asked: Voucher, role: str) -> None:
        shown = text_of(browser(role).get(LIST))
        assert asked.reference.value in shown
        assert "ACME" in shown
        assert ("Request vouchers" in shown) == (role == "operator")
        assert ("Redeem a code" in shown) == (role == "operator")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"direction": "issued"}, True),
            ({"direction": "received"}, False),
            ({"status": "active"}, True),
            ({"status": "awaiting_approval"}, False),
            ({"status": "held"}, False),
            ({"status": "to_confirm"}, False),
            ({"currency": "USDT"}, True),
            ({"currency": "EUR"}, False),
            ({"age": "day"}, True),
            ({"age": "older"}, False),
            ({"made": "here"}, True),
            ({"made": "elsewhere"}, False),
            ({"since": "2001-01-01", "until": "2001-01-02"}, False),
            ({"bulk": "not one"}, False),
        ],
    )
    def test_filters_narrow_the_list(self, active: Voucher, query: dict[str, str], found: bool) -> None:
        shown = text_of(browser("viewer").get(LIST, query))
        assert (active.reference.value in shown) == found

    def test_all_of_one_request_are_one_filter(
        self, main: ProviderAccount, operator: Any, asked: Voucher
    ) -> None:
        three = factories.vouchers(main, actor=operator, count=3)
        shown = text_of(browser("viewer").get(LIST, {"bulk": str(three[0].bulk)}))
        assert all(one.reference.value in shown for one in three)
        assert asked.reference.value not in shown

    def test_held_and_proposed_ones_are_found(self, asked: Voucher) -> None:
        doubt = rows.not_listed(rows.making_in_doubt(asked))
        voucher_decisions.resolve(
            actor=factories.person("approver"), voucher=doubt, outcome="failed", note="Not there"
        )
        assert doubt.reference.value in text_of(browser("viewer").get(LIST, {"status": "to_confirm"}))
        exceptions.hold(reference=doubt.reference, obj=doubt, reason="Amounts differ", way="poll")
        assert doubt.reference.value in text_of(browser("viewer").get(LIST, {"status": "held"}))

    def test_it_says_what_is_owed_and_when_the_list_was_read(self, active: Voucher) -> None:
        VoucherListing.objects.create(
            account=active.account, read_at=timezone.now(), count=3, outstanding={"USDT": [3, "30"]},
            last_error="They did not answer.", tried_at=timezone.now(),
        )  # fmt: skip
        shown = words(text_of(browser("operator").get(LIST)))
        assert "10.00 USDT 1 voucher" in shown
        assert "-20.00 USDT against the list" in shown
        assert "list read just now , 3 codes" in shown
        assert "They did not answer." in shown
        assert "Read the list now" in shown
        assert "Read the list now" not in text_of(browser("viewer").get(LIST))

    def test_the_list_is_read_on_request(
        self, main: ProviderAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        woken: list[Any] = []
        monkeypatch.setattr(wake, "later", lambda name, *args: woken.append((name, args)))
        url = f"/vouchers/lists/{main.pk}/refresh/"
        assert browser("viewer").post(url).status_code == 403
        assert browser("finance").post(url).url == "/vouchers/?asked"
        assert woken == [("codes.sync_account", (main.pk,))]

    def test_the_file_has_exact_amounts_and_no_code(self, active: Voucher) -> None:
        response = browser("finance").get(LIST, {"export": "csv"})
        file = b"".join(response.streaming_content).decode()
        assert active.reference.value in file
        assert ",10,USDT,true," in file
        assert rows.CODE not in file
        assert browser("operator").get(LIST, {"export": "csv"}).status_code == 403

    def test_an_empty_list_says_what_to_do(self) -> None:
        assert "No vouchers yet" in text_of(browser("operator").get(LIST))

    def test_the_number_of_queries_does_not_grow_and_no_code_is_read(
        self, main: ProviderAccount, operator: Any
    ) -> None:
        counts = []
        for number in (2, 8):
            factories.vouchers(main, actor=operator, count=number)
            client = browser("viewer")
            with CaptureQueriesContext(connection) as seen:
                client.get(LIST)
            counts.append(len(seen))
            assert not any('"codes_voucher"."code",' in query["sql"] for query in seen.captured_queries)
        assert counts[0] == counts[1]


class TestDetail:
    @pytest.mark.parametrize("role", ROLES)
    def test_everybody_sees_it_and_each_role_its_buttons(self, asked: Voucher, role: str) -> None:
        shown = page(role, asked)
        assert "ACME" in shown
        assert ("Read and approve" in shown) == (role == "approver")
        assert (">Reject<" in shown.replace("</svg>", ">")) == (role == "approver")
        assert ("Cancel it" in shown) == (role == "approver")  # of an operator only the one who requested it

    def test_the_requester_may_cancel_and_hears_why_they_wait(self, asked: Voucher, operator: Any) -> None:
        shown = text_of(browser_of(operator).get(asked.get_absolute_url()))
        assert "Cancel it" in shown
        assert "You requested this. An approver decides about it; then it is made." in shown

    def test_it_refreshes_itself_while_it_moves_and_also_for_the_others_of_its_request(
        self, main: ProviderAccount, operator: Any
    ) -> None:
        first, second = factories.vouchers(main, actor=operator, count=2)
        client = browser("viewer")
        shown = text_of(client.get(first.get_absolute_url()))
        version = re.search(r"fragment=1&amp;v=([\w-]+)", shown)
        assert version is not None
        assert "Number 1 of 2, 20.00 USDT in all." in words(shown)
        address = f"{first.get_absolute_url()}?fragment=1&v={version[1]}"
        assert client.get(address).status_code == 204
        with_one_made = rows.made(second)
        assert with_one_made.status == "active"
        assert client.get(address).status_code == 200

    def test_a_final_one_is_still(self, asked: Voucher, operator: Any) -> None:
        vouchers.cancel(actor=operator, voucher=asked)
        assert 'hx-trigger="every' not in page("viewer", asked)

    def test_an_active_one_is_masked_and_offers_what_may_be_shown(self, active: Voucher) -> None:
        shown = page("operator", active)
        assert "Show the code" in shown
        assert "Show the password" in shown
        assert "Nobody has been shown it yet." in shown
        assert "Show the code" not in page("approver", active)
        vouchers.reveal(actor=factories.person("operator", name="otto"), voucher=active, part="code")
        assert "otto · code ·" in words(page("viewer", active))

    def test_before_there_is_a_code_nothing_is_offered(self, asked: Voucher) -> None:
        shown = page("operator", asked)
        assert "Show the password" not in shown
        assert "The code stands here as soon as it is made." in shown

    def test_what_the_list_states_differently_is_said(self, active: Voucher) -> None:
        Voucher.objects.filter(pk=active.pk).update(stated=Decimal(9))
        shown = words(page("viewer", active))
        assert "9.00 USDT as the provider’s list states it; 10.00 USDT were asked for" in shown

    def test_check_now_wakes_a_worker(self, active: Voucher, monkeypatch: pytest.MonkeyPatch) -> None:
        woken: list[Any] = []
        monkeypatch.setattr(wake, "later", lambda name, *args: woken.append((name, args)))
        url = f"{active.get_absolute_url()}refresh/"
        assert browser("viewer").post(url).status_code == 403
        assert browser("admin").post(url).url == f"{active.get_absolute_url()}?asked"
        assert woken == [("codes.refresh_voucher", (active.pk,))]


class TestDoubt:
    def test_a_new_one_is_looked_for_by_its_reference(self, asked: Voucher) -> None:
        shown = words(page("approver", rows.not_listed(rows.making_in_doubt(asked))))
        assert "It is not known whether this voucher was made" in shown
        assert "does not show our reference" in shown
        assert "The attempt is so long ago that it can hardly still arrive." in shown
        assert "Propose failed" in shown
        assert "Resolve as redeemed" not in shown

    def test_a_redemption_shows_the_balance_before_and_after(self, main: ProviderAccount) -> None:
        shown = words(page("approver", rows.redeeming_in_doubt(main)))
        assert "It is not known whether this code was redeemed" in shown
        assert "USDT 1,000.00 USDT 1,010.00 USDT nothing +10.00 USDT" in shown
        assert "10.00 USDT came that nothing else explains." in shown
        assert "Unchanged: EUR." in shown
        assert "Resolve as redeemed" in shown

    def test_it_says_when_nothing_came(self, main: ProviderAccount) -> None:
        shown = words(page("viewer", rows.redeeming_in_doubt(main, came="0")))
        assert "Nothing came that is not explained. It was probably not credited." in shown
        assert "An approver who neither requested nor approved it may resolve it." in shown
