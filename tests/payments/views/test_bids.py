"""The pages of exchange bids: the board, the calculator, a form built from the direction's own, one bid in each state."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from backoffice import permissions
from backoffice.kit import office
from payments.models import Bid, BidAct, Direction
from payments.services import bid_acts, bid_decisions, bid_imports, bids, directions
from tests import factories
from tests.every import every
from tests.payments import exchanger as exchangers
from tests.payments import rows

pytestmark = pytest.mark.django_db(transaction=True)
ROLES = ("viewer", "operator", "approver", "finance", "admin")
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def account(exchanger: Any, transactional_db: None) -> Any:
    made = exchangers.account(exchanger)
    exchangers.direction(made)
    exchangers.book(made)
    return made


@pytest.fixture
def operator(account: Any) -> Any:
    return rows.browser("operator")


def form_address(client: Any, account: Any, query: str = "") -> str:
    """The form of the one direction, with its token."""
    start = reverse("payments:bid_create", args=[Direction.objects.get(account=account).pk])
    return client.get(start + query, follow=False).headers["Location"]


def hidden(shown: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', shown)
    return found[1] if found else ""


def typed(**changes: Any) -> dict[str, str]:
    destination = str(Bid._meta.get_field("destination").related_model.objects.get().pk)
    return {
        "calc_amount": "100",
        "calc_action": "2",
        "account2": destination,
        "cf6": "shop@example.com",
        "_customer_reference": "Shop 7",
    } | changes


class TestBoard:
    def test_compares_the_same_pair_over_accounts_with_their_age(
        self, account: Any, exchanger: Any, operator: Any
    ) -> None:
        exchanger.direction["course_give"] = "90"
        exchangers.direction(exchangers.account(exchanger, name="better"))
        where = reverse("payments:direction_list")
        shown = rows.words(rows.text_of(operator.get(where)))
        assert "Sberbank → Tether TRC20" in shown
        assert "90 RUB = 1 USDT" in shown and "92.4 RUB = 1 USDT" in shown
        assert shown.index("better") < shown.index("exchanger ")
        assert "best" in shown and "2.60 % below the best" in shown
        assert "just now" in shown and "from 1000 RUB" in shown
        account.is_active = False
        account.save()  # nobody is left to be better than
        start = operator.get(reverse("payments:bid_start"), follow=True)
        shown = rows.words(rows.text_of(start))
        assert start.request["PATH_INFO"] == where and "A bid begins with a direction" in shown
        assert "92.4" not in shown and "best<" not in rows.text_of(start)

    def test_filters_by_what_is_given_and_received(self, account: Any, operator: Any) -> None:
        where = reverse("payments:direction_list")
        assert "Sberbank" in rows.text_of(operator.get(f"{where}?give=RUB&get=USDT"))
        Direction.objects.update(is_offered=False)
        assert "Sberbank →" not in rows.text_of(operator.get(where))
        assert "not offered" in rows.text_of(operator.get(f"{where}?offered=all"))

    def test_who_may_what(self, account: Any) -> None:
        for role in ROLES:
            client = rows.browser(role)
            direction = Direction.objects.get()
            shown = rows.text_of(client.get(direction.get_absolute_url()))
            assert ("New bid" in shown) is (role == "operator")
            assert ('id="quote"' in shown) is (role != "viewer")
            answer = client.get(reverse("payments:bid_create", args=[direction.pk]))
            assert answer.status_code == (302 if role == "operator" else 403)
            answer = client.post(reverse("payments:direction_refresh_all"))
            assert answer.status_code == (403 if role == "viewer" else 302)


class TestCalculator:
    def ask(self, client: Any, account: Any, **data: str) -> Any:
        where = reverse("payments:direction_quote", args=[Direction.objects.get(account=account).pk])
        return client.post(where, {"calc_amount": "100", "calc_action": "2"} | data, **HTMX)

    def test_follows_what_is_typed_and_asks_nobody_for_the_same(
        self, account: Any, exchanger: Any, operator: Any
    ) -> None:
        shown = rows.text_of(self.ask(operator, account))
        assert "9332.4" in shown and "99" in shown and "Fee 1%" in rows.words(shown)
        again = self.ask(operator, account, _quoted=hidden(shown, "_quoted"))
        assert again.status_code == 204
        assert exchanger.count("get_calc") == 1
        other = rows.text_of(self.ask(operator, account, calc_amount="200"))
        assert "18480" in other
        assert exchanger.count("get_calc") == 2

    def test_says_in_words_when_the_amount_was_moved(self, account: Any, operator: Any) -> None:
        shown = rows.words(rows.text_of(self.ask(operator, account, calc_amount="1")))
        assert "The exchanger moved the amount into its limits" in shown

    @every("amount", ["", "x", "-1", "1e5", "0"])
    def test_nonsense_is_told_and_asks_nobody(
        self, account: Any, exchanger: Any, operator: Any, amount: str
    ) -> None:
        answer = self.ask(operator, account, calc_amount=amount)
        assert answer.status_code == 200
        assert exchanger.count("get_calc") == 0

    def test_without_scripts_the_button_shows_it(self, account: Any, operator: Any) -> None:
        where = reverse("payments:direction_quote", args=[Direction.objects.get().pk])
        shown = rows.text_of(operator.post(where, {"calc_amount": "100", "calc_action": "2"}))
        assert "9332.4" in shown and "<h1>" in shown

    def test_an_exchanger_that_is_down_is_said(self, account: Any, exchanger: Any, operator: Any) -> None:
        exchanger.fail("get_calc", *["status_500"] * 4)
        shown = rows.words(rows.text_of(self.ask(operator, account)))
        assert "could not be read" in shown or "does not" in shown


class TestForm:
    def test_is_built_from_the_direction_and_its_words_are_text(
        self, account: Any, exchanger: Any, operator: Any
    ) -> None:
        exchanger.direction["dir_fields"][0]["tooltip"] = "&lt;img src=x onerror=alert(1)&gt;"
        exchanger.direction["dir_fields"][0]["label"] = "&lt;script&gt;alert(2)&lt;/script&gt;"
        exchangers.direction(account)
        shown = rows.text_of(operator.get(form_address(operator, account)))
        assert "<img src=x" not in shown and "<script>alert(2)" not in shown
        assert "&lt;img src=x" in shown
        assert "Into account" in shown and "TRC20 only" in shown and "Cold" in shown
        assert 'name="cf12"' in shown and ">Fast<" in shown
        assert "change delay:100ms from:#id_cf12" in shown

    def test_shows_the_calculation_before_it_is_sent_and_makes_one_bid(
        self, account: Any, exchanger: Any, operator: Any
    ) -> None:
        address = form_address(operator, account)
        first = operator.post(address, typed())
        shown = rows.text_of(first)
        assert "Look at it, then press the button again" in shown
        assert not Bid.objects.exists()
        sealed = hidden(shown, "_quote")
        assert sealed
        second = operator.post(address, typed(_quote=sealed))
        bid = Bid.objects.get()
        assert second.headers["Location"] == bid.get_absolute_url()
        assert (bid.customer, bid.destination.address) == ("Shop 7", exchangers.ADDRESS)
        assert operator.post(address, typed(_quote=sealed)).headers["Location"] == bid.get_absolute_url()
        assert Bid.objects.count() == 1
        assert exchanger.count("get_calc") == 1

    def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(self, account: Any, operator: Any) -> None:
        address = form_address(operator, account)
        shown = rows.text_of(operator.post(address, typed(cf6="", _note="For the autumn")))
        assert rows.error_at(shown, "cf6")
        assert "For the autumn" in shown and 'value="100"' in shown
        shown = rows.text_of(operator.post(address, typed(calc_amount="1,5")))
        assert rows.error_at(shown, "calc_amount")

    def test_a_refused_one_is_corrected_with_the_exchangers_words_at_its_fields(
        self, account: Any, exchanger: Any
    ) -> None:
        exchanger.fail(
            "create_bid",
            {
                "error": "3",
                "error_text": "x",
                "error_fields": {"cf6": "<i>Not an e-mail</i>", "sum1": "min 5"},
                "data": [],
            },
        )
        person = factories.person("operator")
        bid = exchangers.asked(account, actor=person, _customer_reference="Shop 9")
        bids.submit(bid_id=bid.pk)
        client = rows.browser_of(person)
        shown = rows.text_of(client.get(bid.get_absolute_url()))
        assert "Not an e-mail" in shown and "Correct it and try again" in shown
        again = rows.text_of(client.get(form_address(client, account, f"?again={bid.pk}")))
        assert rows.error_at(again, "cf6") == "Not an e-mail"
        assert rows.error_at(again, "calc_amount") == "min 5"
        assert 'value="Shop 9"' in again and 'value="shop@example.com"' in again

    def test_a_direction_that_is_not_known_yet_waits(self, account: Any, operator: Any) -> None:
        Direction.objects.update(seen_at=None)
        direction = Direction.objects.get()
        answer = operator.get(reverse("payments:bid_create", args=[direction.pk]))
        assert answer.headers["Location"] == direction.get_absolute_url()


class TestOneBid:
    def test_each_role_is_offered_what_it_may_do(self, account: Any) -> None:
        for role in ROLES:
            bid = exchangers.made(account)
            link = f"https://exchanger.example/go/{bid.handle}"
            bid.actions = {"can_cancel": True, "can_pay": True}
            bid.pay_url = bid.cancel_url = link
            bid.instruction = f"Pay at {link} with 4111."
            bid.save()
            shown = rows.text_of(rows.browser(role).get(bid.get_absolute_url()))
            assert "with 4111." in shown
            # Whoever has a link can cancel the bid there: they are for those who work with it.
            assert (shown.count(f'href="{link}"'), bid.page_url in shown) == (
                (0, False) if role == "viewer" else (2, True)
            )
            assert (bid.handle in shown) is (role != "viewer")
            for word in ("Cancel it", "We have paid", "Declare complete"):
                assert (word in shown) is (role == "operator"), word
            assert ("Check now" in shown) is (role != "viewer")

    def test_tells_how_to_pay_and_the_quote_beside_the_answer(
        self, account: Any, exchanger: Any, operator: Any
    ) -> None:
        exchanger.change = lambda bid: bid | {"amount_get": "98.9"}
        bid = exchangers.made(account)
        shown = rows.words(rows.text_of(operator.get(bid.get_absolute_url())))
        assert "Send it to the account on the page" in shown
        assert "98.90 USDT" in shown and "quoted 99.00 USDT" in shown and "difference -0.10 USDT" in shown
        assert "We receive this much: 100" in shown

    def test_an_impossible_button_is_not_there(self, account: Any, operator: Any) -> None:
        bid = exchangers.made(account)
        Bid.objects.filter(pk=bid.pk).update(actions={"can_cancel": False, "can_pay": True})
        shown = rows.text_of(operator.get(bid.get_absolute_url()))
        assert "Cancel it" not in shown and "We have paid" in shown
        answer = operator.get(reverse("payments:bid_cancel", args=[bid.pk]))
        assert answer.status_code == 302

    def test_cancel_from_the_page(self, account: Any, exchanger: Any, operator: Any) -> None:
        bid = exchangers.made(account)
        where = reverse("payments:bid_cancel", args=[bid.pk])
        assert "does not come back" in rows.text_of(operator.get(where))
        operator.post(where)
        act = BidAct.objects.get()
        bid_acts.submit(act_id=act.pk)
        bids.refresh(bid_id=bid.pk)
        shown = rows.words(rows.text_of(operator.get(bid.get_absolute_url())))
        assert "Canceled by us at the exchanger" in shown

    def test_complete_by_two_people(self, account: Any, exchanger: Any, operator: Any) -> None:
        bid = exchangers.made(account)
        operator.post(reverse("payments:bid_complete", args=[bid.pk]), {"note": "It is in our wallet."})
        approver = rows.browser("approver")
        where = reverse("payments:bid_confirm", args=[bid.pk])
        assert "Read and confirm" in rows.text_of(approver.get(bid.get_absolute_url()))
        page = rows.text_of(approver.get(where))
        assert "It is in our wallet." in page
        approver.post(where)  # without having read it
        assert BidAct.objects.get().status == "awaiting"
        approver.post(where, {"seen": hidden(page, "seen")})
        bid_acts.submit(act_id=BidAct.objects.get().pk)
        assert exchanger.accepted[-1] == ("success_bid", bid.provider_id)

    def test_doubt_shows_the_evidence_and_the_ways_out(self, account: Any, exchanger: Any) -> None:
        exchanger.fail("create_bid", "drop")
        bid = exchangers.asked(account)
        bids.submit(bid_id=bid.pk)
        approver = rows.browser("approver")
        shown = rows.words(rows.text_of(approver.get(bid.get_absolute_url())))
        assert "It is not known whether the exchanger has this bid" in shown
        assert "Press “Check now” first" in shown
        where = reverse("payments:bid_resolve", args=[bid.pk])
        page = rows.text_of(approver.get(where + "?outcome=failed"))
        assert "may still arrive" in rows.words(page)
        answer = approver.post(where, {"outcome": "failed", "note": "x"})
        assert answer.status_code == 200 and bid_decisions.pending(_fresh(bid)) is None
        assert "An approver who had no part" in rows.text_of(
            rows.browser("operator").get(bid.get_absolute_url())
        )

    def test_attempts_history_and_words_can_be_read_and_a_decided_one_asks_for_nothing(
        self, account: Any, exchanger: Any, operator: Any, people: Any
    ) -> None:
        bid = exchangers.made(account)
        act = bid_acts.pay(actor=people["operator"], bid=bid)
        bid_acts.submit(act_id=act.pk)
        for word in ("verify", "5", "5/30/1"):
            exchanger.bids[bid.provider_id]["status"] = word  # its own history never tells these
            bids.refresh(bid_id=bid.pk)
        page = operator.get(bid.get_absolute_url())
        shown = rows.words(rows.text_of(page))
        assert "5/30/1 · not known here" in shown and "payed · said to be paid" in shown
        attempts = [(one.number, str(one.what)) for one in page.context["attempts"]]
        assert attempts == [(2, "We have paid"), (1, "Make the bid")]
        history = list(page.context["history"].data)
        assert [one.provider_status for one in history] == ["new", "payed", "verify", "5", "5/30/1"]
        assert [one.seen_at for one in history] == sorted(one.seen_at for one in history)

        exchanger.bids[bid.provider_id]["status"] = "error"
        bids.refresh(bid_id=bid.pk)
        where = reverse("payments:bid_resolve", args=[bid.pk])
        outsider = factories.person("approver")
        browser = rows.browser_of(outsider)
        assert 'name="outcome"' in rows.text_of(browser.get(where))
        browser.post(where, {"outcome": "complete", "note": "It is in the wallet."})
        for answer in (browser.get(where), browser.post(where, {"outcome": "failed", "note": "x"})):
            page = rows.text_of(answer)
            assert "This is decided already" in page and "It is in the wallet." in page
            assert outsider.get_username() in page and 'name="outcome"' not in page
        page = rows.text_of(browser.get(reverse("payments:bid_withdraw", args=[bid.pk])))
        assert "This is decided already" in page and 'method="post"' not in page.split("<main")[1]

    def test_a_held_one_says_why(self, account: Any, exchanger: Any, operator: Any) -> None:
        exchanger.change = lambda bid: bid | {"amount_get": "90"}
        bid = exchangers.asked(account)
        bids.submit(bid_id=bid.pk)
        shown = rows.words(rows.text_of(operator.get(bid.get_absolute_url())))
        assert "We are to receive 90 USDT, quoted was 99" in shown
        assert "How to pay it" not in shown


class TestListAndImport:
    def test_lists_and_exports_without_accounts_or_handles(self, account: Any) -> None:
        bid = exchangers.made(account, account1="4111111111111111")
        client = rows.browser("finance")
        where = reverse("payments:bid_list")
        shown = rows.text_of(client.get(where))
        assert bid.reference.value in shown and "9,332.40" in shown
        file = b"".join(client.get(f"{where}?export=csv").streaming_content).decode()
        assert bid.reference.value in file and "9332.4" in file
        for text in (shown, file):
            assert (
                bid.handle not in text and exchangers.ADDRESS not in text and "4111111111111111" not in text
            )

    def test_an_operator_reads_in_what_was_made_elsewhere(self, account: Any, exchanger: Any) -> None:
        for role in ROLES:
            exchanger.elsewhere()
            client = rows.browser(role)
            assert "exchanger" in rows.text_of(client.get(reverse("payments:bid_import_list")))
            where = reverse("payments:bid_import_start", args=[account.pk])
            answer = client.post(where, {"since": "2026-11-01"})
            assert answer.status_code == (302 if role == "operator" else 403)

    def test_the_account_page_says_what_they_say_about_us(self, account: Any, operator: Any) -> None:
        directions.refresh_due(account_id=account.pk)
        shown = rows.words(rows.text_of(operator.get(account.get_absolute_url())))
        assert "203.0.113.10" in shown and "must be on the list of addresses" in shown
        assert "it sees everybody&#x27;s bids" in shown


def _fresh(bid: Bid) -> Bid:
    return Bid.objects.select_related("reference", "account").get(pk=bid.pk)


def test_bids_that_wait_for_a_person_stand_on_the_dashboard_and_in_their_list(
    account: Any, exchanger: Any, people: Any
) -> None:
    """Held ones, those that we are to pay, and “complete” that a second person must confirm; each line leads to them."""
    due, declared = exchangers.made(account), exchangers.made(account)
    bid_acts.complete(actor=people["operator"], bid=declared, note="It is in our wallet.")
    exchanger.change = lambda bid: bid | {"amount_get": "90"}
    held = exchangers.asked(account)
    bids.submit(bid_id=held.pk)
    exchanger.elsewhere(api_id="")  # whoever made that one pays it
    bid_imports.start(actor=people["operator"], account=account, since=due.created_at)
    bid_imports.run(account_id=account.pk)
    assert Bid.objects.filter(status="new", is_imported=True).count() == 1
    expected: dict[str, dict[str, set[int]]] = {
        "operator": {"bids-to-pay": {due.pk, declared.pk}},
        "approver": {"bids-to-confirm": {declared.pk}, "held-bids": {held.pk}},
    }
    for role, lines in expected.items():
        waiting = {line.name: line for line, _count in office.waiting(people[role], permissions.may)}
        browser = rows.browser_of(people[role])
        dashboard = browser.get("/").content.decode()
        for name, ids in lines.items():
            line = waiting[name]
            assert set(line.rows(people[role]).values_list("pk", flat=True)) == ids, name
            where = f"{reverse(line.url)}?{line.query}"
            assert where.replace("&", "&amp;") in dashboard
            assert {row.pk for row in browser.get(where).context["table"].data} == ids, name
    assert "bids-to-confirm" not in {
        line.name for line, _count in office.waiting(people["operator"], permissions.may)
    }
