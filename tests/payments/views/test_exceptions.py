"""Exceptions: found by filter, shown with their evidence, taken over, closed, released."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.urls import reverse
from django.utils import timezone

from payments.models import Balance, ExceptionItem, Movement
from payments.services import exceptions
from payments.views.exceptions import GUIDE
from tests import factories
from tests.payments import rows

pytestmark = pytest.mark.django_db
URL = "/exceptions/"
NOTE = {"note": "Asked the provider: a fee."}


@pytest.fixture(autouse=True)
def inside(settings: Any) -> None:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})


def address(name: str, pk: int) -> str:
    return reverse(f"payments:{name}", kwargs={"pk": pk})


def unexplained(account: Any, drift: str = "-4.5") -> ExceptionItem:
    rows.balance(
        account, "USDT", "95.5", opening=Decimal(100), drift=Decimal(drift), drift_since=timezone.now()
    )
    return rows.item(
        "unexplained_balance",
        title="-4.5 USDT are not explained",
        account=account,
        currency="USDT",
        drift=drift,
        stated="95.5",
    )


class TestList:
    @pytest.mark.parametrize("role", ("viewer", "operator", "approver", "finance", "admin"))
    def test_everybody_sees_what_is_open(self, role: str) -> None:
        rows.item(title="Too much came")
        assert "Too much came" in rows.browser(role).get(URL).content.decode()

    def test_without_a_filter_it_shows_what_is_open(self) -> None:
        open_one, closed_one = rows.item(title="Open one"), rows.item(title="Closed one")
        exceptions.close(actor=factories.person("finance"), item=closed_one, note="done")
        browser = rows.browser("viewer")

        def shown(**query: str) -> set[int]:
            return {item.pk for item in browser.get(URL, query).context["page"].rows}

        assert shown() == shown(status="open") == {open_one.pk}
        assert shown(status="closed") == {closed_one.pk}
        assert shown(status="all") == {open_one.pk, closed_one.pk}
        assert "with these filters" not in browser.get(URL).content.decode()
        assert "with these filters" in browser.get(URL, {"status": "all"}).content.decode()

    def test_it_is_found_by_kind_account_owner_and_reference(self) -> None:
        account, finance = rows.account(), factories.person("finance")
        held, other = rows.held(account), rows.item("denied", account=rows.account())
        exceptions.own(actor=finance, item=other)
        browser = rows.browser("viewer")

        def shown(**query: Any) -> set[int]:
            return {item.pk for item in browser.get(URL, query).context["page"].rows}

        assert shown(kind="hold") == shown(account=account.pk) == {held.pk}
        assert shown(owner=finance.pk) == {other.pk}
        assert shown(owner="null") == {held.pk}
        assert shown(reference=held.reference.value) == {held.pk}

    def test_the_number_of_queries_does_not_grow_with_the_rows(
        self, django_assert_max_num_queries: Any
    ) -> None:
        account = rows.account()
        for _number in range(30):
            rows.item(account=account)
        browser = rows.browser("viewer")
        with django_assert_max_num_queries(15):
            assert len(browser.get(URL).context["page"].rows) == 30


class TestDetail:
    def test_every_kind_says_what_to_do(self) -> None:
        assert set(GUIDE) == set(ExceptionItem.Kind)
        browser = rows.browser("viewer")
        for kind in ExceptionItem.Kind:
            page = browser.get(rows.item(kind).get_absolute_url()).content.decode()
            assert str(GUIDE[kind])[:40] in page

    def test_the_evidence_is_shown_and_never_run(self) -> None:
        made = rows.item(title="<b>bold</b>", said="<script>alert(1)</script>", deep={"asked": "12.5"})
        page = rows.browser("viewer").get(made.get_absolute_url()).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "&lt;b&gt;bold" in page
        assert "Deep.asked" in page

    @pytest.mark.parametrize(
        ("kind", "address"),
        [
            ("forged_callback", "/inbox/?status=forged&amp;account={account}"),
            ("unknown_reference", "/inbox/?status=stray&amp;account={account}"),
            ("dead_callback", "/inbox/{callback}/"),
            ("unexplained_balance", "/history/?account={account}&amp;currency=USDT"),
        ],
    )
    def test_it_leads_to_where_the_cause_is(self, kind: str, address: str) -> None:
        account = rows.account()
        callback = rows.callback(account)
        made = rows.item(kind, account=account, callback=callback.pk, currency="USDT")
        wanted = address.format(account=account.pk, callback=callback.pk)
        assert wanted in rows.browser("approver").get(made.get_absolute_url()).content.decode()
        if "/inbox/" in wanted:
            assert "/inbox/" not in rows.browser("finance").get(made.get_absolute_url()).content.decode()

    def test_a_held_transaction_shows_why_and_its_timeline(self) -> None:
        held = rows.held(rows.account(), "Another amount came.")
        type(held.reference.invoice).objects.update(checked_at=timezone.now(), next_check_at=timezone.now())
        page = rows.browser("viewer").get(held.get_absolute_url()).content.decode()
        for said in ("Another amount came.", held.reference.value, "Last asked", "Next look"):
            assert said in page, said
        assert "Exception opened" in page

    @pytest.mark.parametrize("role", ("viewer", "operator", "approver", "finance", "admin"))
    def test_buttons_are_for_those_who_may(self, role: str) -> None:
        account = rows.account()
        browser = rows.browser(role)
        plain, held = rows.item(), rows.held(account)
        page = browser.get(plain.get_absolute_url()).content.decode()
        may_close = role in ("approver", "finance")
        assert (address("exceptionitem_own", plain.pk) in page) == may_close
        assert (address("exceptionitem_close", plain.pk) in page) == may_close
        page = browser.get(held.get_absolute_url()).content.decode()
        assert address("exceptionitem_close", held.pk) not in page
        assert (address("reference_release", held.reference_id) in page) == (role == "approver")

    def test_a_closed_one_shows_how_it_ended_and_no_button(self) -> None:
        made, finance = rows.item(), factories.person("finance")
        exceptions.close(actor=finance, item=made, note="It was a fee.")
        page = rows.browser_of(finance).get(made.get_absolute_url()).content.decode()
        assert "It was a fee." in page
        assert f"by {finance}" in page
        assert address("exceptionitem_close", made.pk) not in page


class TestOwn:
    def test_it_is_mine_and_the_button_is_gone(self) -> None:
        made, finance = rows.item(), factories.person("finance")
        browser = rows.browser_of(finance)
        page = browser.post(address("exceptionitem_own", made.pk), follow=True).content.decode()
        made.refresh_from_db()
        assert made.owner == finance
        assert "This is yours now." in page
        assert address("exceptionitem_own", made.pk) not in page

    @pytest.mark.parametrize("role", ("viewer", "operator", "admin"))
    def test_others_may_not(self, role: str) -> None:
        made = rows.item()
        browser = rows.browser(role)
        for name in ("exceptionitem_own", "exceptionitem_close"):
            assert browser.get(address(name, made.pk)).status_code == 403
            assert browser.post(address(name, made.pk), NOTE).status_code == 403
        made.refresh_from_db()
        assert made.owner is None
        assert made.status == "open"

    def test_a_closed_one_cannot_be_taken(self) -> None:
        made = rows.item()
        exceptions.close(actor=factories.person("finance"), item=made, note="done")
        page = (
            rows.browser("finance").post(address("exceptionitem_own", made.pk), follow=True).content.decode()
        )
        assert "This is closed already." in page


class TestClose:
    def test_a_note_is_needed(self) -> None:
        made = rows.item()
        answer = rows.browser("finance").post(address("exceptionitem_close", made.pk), {"note": "  "})
        assert "Write what you found and decided." in answer.content.decode()
        made.refresh_from_db()
        assert made.status == "open"

    def test_the_note_is_kept_with_the_name(self) -> None:
        made, finance = rows.item(), factories.person("finance")
        page = rows.browser_of(finance).post(address("exceptionitem_close", made.pk), NOTE, follow=True)
        made.refresh_from_db()
        assert (made.status, made.closed_by, made.resolution) == ("closed", finance, NOTE["note"])
        assert "Closed." in page.content.decode()

    def test_the_difference_of_a_balance_is_booked_when_ticked(self) -> None:
        account, finance = rows.account(), factories.person("finance")
        made = unexplained(account)
        browser = rows.browser_of(finance)
        form = browser.get(address("exceptionitem_close", made.pk)).content.decode()
        assert "-4.50" in form
        assert 'name="book"' in form
        browser.post(address("exceptionitem_close", made.pk), {**NOTE, "book": "on"})
        booked = Movement.objects.get()
        assert (booked.amount, booked.actor, booked.kind) == (Decimal("-4.5"), finance, "adjustment")
        assert Balance.objects.get().drift == 0

    def test_without_the_tick_nothing_is_booked(self) -> None:
        made = unexplained(rows.account())
        rows.browser("finance").post(address("exceptionitem_close", made.pk), NOTE)
        assert not Movement.objects.exists()
        assert Balance.objects.get().drift == Decimal("-4.5")

    def test_a_difference_that_has_changed_is_refused_and_what_was_typed_stays(self) -> None:
        made = unexplained(rows.account())
        Balance.objects.update(drift=Decimal("-9"))
        answer = rows.browser("finance").post(address("exceptionitem_close", made.pk), {**NOTE, "book": "on"})
        page = answer.content.decode()
        assert "The difference has changed" in page
        assert NOTE["note"] in page
        assert not Movement.objects.exists()

    def test_another_kind_has_no_such_tick(self) -> None:
        made = rows.item()
        page = rows.browser("finance").get(address("exceptionitem_close", made.pk)).content.decode()
        assert 'name="book"' not in page

    def test_a_held_one_is_released_not_closed(self) -> None:
        held = rows.held(rows.account())
        answer = rows.browser("approver").post(address("exceptionitem_close", held.pk), NOTE)
        assert "A held transaction is released, not closed." in answer.content.decode()


class TestRelease:
    def test_an_approver_releases_with_a_note(self, django_capture_on_commit_callbacks: Any) -> None:
        held = rows.held(rows.account())
        url = address("reference_release", held.reference_id)
        browser = rows.browser("approver")
        assert "The amount differs." in browser.get(url).content.decode()
        assert "Write what you found" in browser.post(url, {"note": ""}).content.decode()
        with (
            mock.patch("backoffice.kit.wake.current_app.send_task") as sent,
            django_capture_on_commit_callbacks(execute=True),
        ):
            answer = browser.post(url, NOTE)
        assert sent.call_args.args[0] == "payments.refresh_reference"
        assert answer.url == held.reference.get_absolute_url()
        held.refresh_from_db()
        held.reference.refresh_from_db()
        assert held.status == "closed"
        assert held.reference.held_at is None

    @pytest.mark.parametrize("role", ("viewer", "operator", "finance", "admin"))
    def test_others_may_not(self, role: str) -> None:
        held = rows.held(rows.account())
        answer = rows.browser(role).post(address("reference_release", held.reference_id), NOTE)
        assert answer.status_code == 403
        held.reference.refresh_from_db()
        assert held.reference.held_at is not None

    def test_what_is_not_held_says_so(self) -> None:
        reference = rows.reference(rows.account())
        answer = rows.browser("approver").post(address("reference_release", reference.pk), NOTE)
        assert "This is not held." in answer.content.decode()
