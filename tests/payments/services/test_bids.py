"""A bid's way: quoted, created once, sent once, compared with its quote, asked about, booked once."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from backoffice.tasks import index_object
from payments.models import (
    AccountHealth,
    Bid,
    BidStatus,
    CallbackToken,
    Direction,
    ExceptionItem,
    Movement,
    ProviderCall,
)
from payments.providers.errors import ProviderError
from payments.services import bid_quotes, bids, directions, exceptions
from tests.crash.test_voucher_canary import database
from tests.payments import exchanger as exchangers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(exchanger: Any, transactional_db: None) -> Any:
    made = exchangers.account(exchanger)
    exchangers.direction(made)
    exchangers.book(made)
    return made


def fields(**changes: Any) -> dict[str, Any]:
    return exchangers.FIELDS | changes


class TestQuote:
    def test_tells_exact_numbers_and_asks_once_for_one_form(
        self, account: Any, exchanger: Any, people: Any
    ) -> None:
        one = bids.quote(actor=people["operator"], account=account, fields=fields())
        assert (one.texts["give"], one.number("give_with_fee"), one.moved) == ("9240", Decimal("9332.4"), "")
        for _again in range(3):
            bids.quote(actor=people["finance"], account=account, fields=fields(cf6="other@example.com"))
        assert exchanger.count("get_calc") == 1
        call = ProviderCall.objects.get(operation="get_calc")
        assert (call.deadline - call.started_at).total_seconds() <= 5.5

    def test_each_of_the_four_meanings_of_the_amount(self, account: Any, people: Any) -> None:
        sides = {"1": "give", "2": "get", "3": "give_with_fee", "4": "get_with_fee"}
        amounts = {"1": "9240", "2": "100", "3": "9332.4", "4": "100"}
        for action, side in sides.items():
            quoted = bids.quote(
                actor=people["operator"],
                account=account,
                fields=fields(calc_action=action, calc_amount=amounts[action]),
            )
            assert quoted.number(side) == Decimal(amounts[action])
            assert quoted.moved == ""

    def test_fields_that_count_are_sent_and_change_it(
        self, account: Any, exchanger: Any, people: Any
    ) -> None:
        plain = bids.quote(actor=people["operator"], account=account, fields=fields())
        fast = bids.quote(actor=people["operator"], account=account, fields=fields(cf12="2"))
        assert exchanger.asked[-1][1]["cd"] == "cf12=2"
        assert fast.number("get_with_fee") == plain.number("get_with_fee") - 1

    def test_says_in_words_when_the_amount_was_moved(self, account: Any, people: Any) -> None:
        quoted = bids.quote(actor=people["operator"], account=account, fields=fields(calc_amount="1"))
        assert "it calculates with 10.82251082 USDT, not with 1" in quoted.moved

    def test_nonsense_asks_nobody(self, account: Any, exchanger: Any, people: Any) -> None:
        nonsense: list[tuple[dict[str, str], str]] = [
            ({"direction_id": "99"}, "direction_id"),
            ({"direction_id": ""}, "direction_id"),
            ({"calc_amount": ""}, "calc_amount"),
            ({"calc_amount": "-5"}, "calc_amount"),
            ({"calc_amount": "1e3"}, "calc_amount"),
            ({"calc_amount": "1,5"}, "calc_amount"),
            ({"calc_action": "9"}, "calc_action"),
            ({"calc_action": ""}, "calc_action"),
        ]
        for changes, at in nonsense:
            with pytest.raises(ValidationError) as caught:
                bids.quote(actor=people["operator"], account=account, fields=fields(**changes))
            assert at in caught.value.error_dict, changes
        assert exchanger.count("get_calc") == 0

    def test_other_currencies_and_refusals_are_said(self, account: Any, exchanger: Any, people: Any) -> None:
        exchanger.direction["currency_code_get"] = "BTC"
        with pytest.raises(ValidationError, match="other currencies"):
            bids.quote(actor=people["operator"], account=account, fields=fields())
        exchanger.fail("get_calc", {"error": 1, "error_text": "Direction not found", "data": []})
        with pytest.raises(ValidationError) as caught:
            bids.quote(actor=people["operator"], account=account, fields=fields(calc_amount="101"))
        assert "direction_id" in caught.value.error_dict
        with pytest.raises(PermissionDenied):
            bids.quote(actor=people["viewer"], account=account, fields=fields())

    def test_one_question_of_a_person_at_a_time(self, account: Any, people: Any) -> None:
        who = f"{people['operator'].pk}:{account.pk}"
        assert bid_quotes._first(who)
        with pytest.raises(bid_quotes.Busy):
            bids.quote(actor=people["operator"], account=account, fields=fields())
        bid_quotes._free(who)
        assert bids.quote(actor=people["operator"], account=account, fields=fields())


class TestCreate:
    def test_makes_an_intent_with_its_quote_and_an_address_for_callbacks(
        self, account: Any, exchanger: Any, people: Any
    ) -> None:
        quoted = bids.quote(actor=people["operator"], account=account, fields=fields())
        token = uuid.uuid4()
        made = [
            bids.create(
                actor=people["operator"],
                account=account,
                fields=fields(_quote=quoted.sealed, _customer_reference="Shop 7"),
                form_token=token,
            )
            for _twice in range(2)
        ]
        assert made[0].pk == made[1].pk
        bid = Bid.objects.get()
        assert (bid.status, bid.customer) == ("creating", "Shop 7")
        assert (bid.expected_give, bid.expected_get) == (Decimal("9332.4"), Decimal("99"))
        assert bid.quote["give"] == "9240" and bid.quote["asked_at"] == quoted.asked_at.isoformat()
        assert len(bid.reference.value) == 18
        assert CallbackToken.objects.filter(reference=bid.reference).count() == 1
        assert exchanger.count("get_calc") == 1
        assert exchanger.count("create_bid") == 0

    def test_without_a_quote_that_was_shown_it_is_calculated_now(self, account: Any, exchanger: Any) -> None:
        for sealed in ("", "forged", "another"):
            exchangers.asked(account, _quote=sealed, calc_amount=str(100 + len(sealed)))
        assert exchanger.count("get_calc") == 3

    def test_a_quote_for_another_amount_does_not_count(
        self, account: Any, exchanger: Any, people: Any
    ) -> None:
        quoted = bids.quote(actor=people["operator"], account=account, fields=fields())
        bid = exchangers.asked(account, _quote=quoted.sealed, calc_amount="200")
        assert bid.quote["get"] == "200"

    def test_bad_input_is_named_at_its_field(self, account: Any, people: Any) -> None:
        wrong: list[tuple[dict[str, str], str]] = [
            ({"account2": ""}, "account2"),
            ({"account2": "TSomebodyElse"}, "account2"),
            ({"cf6": ""}, "cf6"),
            ({"cf6": "x" * 501}, "cf6"),
            ({"cf12": "7"}, "cf12"),
            ({"cf99": "x"}, "cf99"),
            ({"api_id": "5"}, "api_id"),
            ({"callback_url": "https://x"}, "callback_url"),
            ({"partner_id": "x"}, "partner_id"),
            ({"calc_amount": "1"}, "calc_amount"),
            ({"calc_action": "9"}, "calc_action"),
            ({"direction_id": "22"}, "direction_id"),
        ]
        for changes, at in wrong:
            with pytest.raises(ValidationError) as caught:
                bids.create(actor=people["operator"], account=account, fields=fields(**changes))
            assert at in caught.value.error_dict, changes
        assert not Bid.objects.exists()

    def test_the_receiving_address_must_be_in_the_book(self, account: Any, exchanger: Any) -> None:
        """C: an address, a card or a purse, whatever the currency; a tag belongs to it."""
        with pytest.raises(ValidationError) as caught:
            exchangers.asked(account, account2="4111 1111 1111 1111")
        assert "owndestination" not in str(caught.value) and "/destinations/new/?method=USDT" in str(
            caught.value
        )
        exchanger.direction["get_fields"] = {
            "account2": {"name": "account2", "label": "Wallet", "req": 1},
            "cfget3": {"name": "cfget3", "label": "Destination tag", "req": 0},
        }
        exchangers.direction(account)
        with pytest.raises(ValidationError):
            exchangers.asked(account, cfget3="7788")
        exchangers.book(account, tag="7788")
        assert exchangers.asked(account, cfget3="7788").destination.tag == "7788"
        exchanger.direction["get_fields"] = {}
        exchangers.direction(account)
        assert exchangers.asked(account, account2=None).destination is None

    def test_other_roles_are_refused(self, account: Any, people: Any) -> None:
        for role in ("viewer", "approver", "finance", "admin"):
            with pytest.raises(PermissionDenied):
                bids.create(actor=people[role], account=account, fields=fields())

    def test_accounts_and_the_handle_are_kept_encrypted_and_cards_masked(
        self, account: Any, exchanger: Any, people: Any
    ) -> None:
        from django.db import connection

        bid = exchangers.made(account, account1="4111111111111111")
        assert ["account1", "From account", "411111******1111"] in bid.fields
        with connection.cursor() as cursor:
            cursor.execute("SELECT b::text FROM payments_bid b")
            text = str(cursor.fetchall())
        assert "4111111111111111" not in text and bid.handle not in text
        assert bid.handle not in bids.search_text(bid)
        bid.fields = [
            ["cf6", "E-mail", "desk@shop.example"],
            ["account1", "From account", "payer@example.com"],
            ["cfgive8", "Name of the cardholder", "ADA BYRON"],
        ]
        found = bids.search_text(bid)  # whom it is for; never an account, nor whose card it is
        assert "desk@shop.example" in found and "payer@" not in found and "ADA" not in found

    def test_a_mistyped_number_of_a_card_or_an_account_stands_nowhere(
        self, account: Any, exchanger: Any, people: Any
    ) -> None:
        numbers = ("4000 1234 5678 9018", "40817810099910004312", "4000-1234-5678-90", "40001234")
        exchanger.direction["dir_fields"] = [
            *exchanger.direction["dir_fields"],
            {"name": "cf20", "label": "Note"},
        ]
        exchangers.direction(account)
        for number in numbers:
            refusal = {"cf6": f"not with {number}"}
            exchanger.fail(
                "create_bid", {"error": "3", "error_text": number, "error_fields": refusal, "data": []}
            )
            note = f"From {number}" if len(number) > 8 else "A short one is just a number elsewhere"
            bid = exchangers.asked(account, actor=people["operator"], account1=number, cf20=note)
            bids.submit(bid_id=bid.pk)
            index_object("bid", bid.pk)
            bare = number.replace(" ", "").replace("-", "")
            assert ["account1", "From account", "*" * (len(bare) - 4) + bare[-4:]] in bid.fields
            needles = {number, bare, number.replace(" ", "+"), number.replace(" ", "%20")}
            for place, text in database():
                assert not any(needle in text for needle in needles), (place, text[:400])

    def test_what_is_typed_is_checked_by_what_the_field_asks_for(self, account: Any, exchanger: Any) -> None:
        give = {"name": "account1", "label": "From account", "tooltip": "The card you pay from<br>16 digits"}
        number = {"name": "cfgive2", "label": "Card number"}
        holder = {"name": "cfgive8", "label": "Name of the cardholder"}
        mail = {"name": "cfgive9", "label": "Эл. почта", "type": "text"}
        exchanger.direction["give_fields"] = [give, number, holder, mail]
        exchangers.direction(account)
        right = {"account1": "4000 1234 5678 9017", "cfgive2": "4111111111111111", "cfgive8": "ADA"}
        right["cfgive9"] = "ada@example.com"
        for name, typed, said in (
            ("account1", "4000 1234 5678 9018", "not a card number"),
            ("account1", "4000 1234 5678 901", "this one has 15"),
            ("account1", "my card", "Only digits"),
            ("cfgive2", "4111111111111112", "not a card number"),
            ("cf6", "nobody", "not an e-mail address"),
            ("cfgive9", "nobody", "not an e-mail address"),
        ):
            with pytest.raises(ValidationError) as caught:
                exchangers.asked(account, **right | {name: typed})
            assert said in caught.value.message_dict[name][0], typed
        assert exchangers.asked(account, **right).pk


class TestSubmit:
    def test_it_is_sent_once_with_our_reference_and_its_own_address(
        self, account: Any, exchanger: Any
    ) -> None:
        bid = exchangers.made(account)
        bids.submit(bid_id=bid.pk)
        assert exchanger.accepted == [("create_bid", bid.reference.value)]
        sent = exchanger.bids[bid.provider_id]["sent"]
        assert (sent["calc_amount"], sent["calc_action"], sent["account2"]) == (
            "100",
            "2",
            exchangers.ADDRESS,
        )
        token = CallbackToken.objects.get(reference=bid.reference).token
        assert sent["callback_url"].endswith(f"/callbacks/premium_exchanger/{token}/")
        assert token not in ProviderCall.objects.get(operation="create_bid").request
        assert (bid.amount_give, bid.amount_get) == (Decimal("9332.4"), Decimal("99"))
        assert (bid.actions["can_cancel"], bid.actions["can_pay"]) == (True, True)
        assert bid.instruction == "Send it to\nthe account on the page"
        assert bid.page_url.startswith("https://exchanger.example/hst_")

    def test_a_refusal_names_the_fields_and_makes_no_bid(self, account: Any, exchanger: Any) -> None:
        exchanger.fail(
            "create_bid",
            {"error": "3", "error_text": "Error", "error_fields": {"cf6": "<b>100% wrong</b>"}, "data": []},
        )
        bid = exchangers.asked(account)
        bids.submit(bid_id=bid.pk)
        bids.submit(bid_id=bid.pk)
        bid.refresh_from_db()
        assert (bid.status, bid.errors) == ("canceled", {"cf6": "100% wrong"})
        assert exchanger.count("create_bid") == 1

    @pytest.mark.parametrize("mode", ["drop_after", "garbage_after"])
    @pytest.mark.parametrize("blind", [False, True])
    def test_doubt_is_looked_for_in_the_list_and_found(
        self, account: Any, exchanger: Any, mode: str, blind: bool
    ) -> None:
        exchanger.blind = blind
        exchanger.fail("create_bid", mode)
        bid = exchangers.asked(account)
        for number in range(3):
            exchanger.elsewhere(api_id=f"{number}")
        bids.submit(bid_id=bid.pk)
        bid.refresh_from_db()
        assert bid.status == "unknown"
        bids.submit(bid_id=bid.pk)
        bids.refresh(bid_id=bid.pk)
        bid.refresh_from_db()
        assert (bid.status, bid.provider_id) == ("new", exchanger_id(exchanger, bid))
        assert exchanger.count("create_bid") == 1

    @pytest.mark.parametrize(
        "mode", ["drop", "html", "status_500", {"error": 9, "error_text": "Ошибка", "data": []}]
    )
    def test_what_is_not_found_stays_in_doubt_and_is_never_sent_again(
        self, account: Any, exchanger: Any, mode: Any
    ) -> None:
        """A06, E17: the list proves nothing; a localised text is no known word."""
        exchanger.fail("create_bid", mode)
        bid = exchangers.asked(account)
        for number in range(3):
            exchanger.elsewhere(api_id=f"{number}")
        bids.submit(bid_id=bid.pk)
        for _look in range(4):
            with pytest.raises(ProviderError):
                bids.refresh(bid_id=bid.pk)
            bids.submit(bid_id=bid.pk)
        bid.refresh_from_db()
        assert (bid.status, bid.provider_id) == ("unknown", "")
        assert bid.missed_at is not None and bid.next_check_at is not None
        assert exchanger.count("create_bid") == 1
        # It arrives all the same, twenty minutes later.
        exchanger._create_bid(dict(exchanger.asked[0][1] | {"api_id": bid.reference.value}) | SENT)
        bids.refresh(bid_id=bid.pk)
        bid.refresh_from_db()
        assert bid.status == "new"

    def test_a_line_that_cannot_be_read_may_be_ours(self, account: Any, exchanger: Any) -> None:
        """Unless it carries another reference: only what is surely not there may be closed by people."""
        exchanger.fail("create_bid", "drop")
        bid = exchangers.asked(account)
        bids.submit(bid_id=bid.pk)
        exchanger.elsewhere(api_id=bid.reference.value, amount_get="soon")
        (line,) = exchanger.bids.values()
        for told, is_missed in ((bid.reference.value, False), ("7", True)):
            line["api_id"] = told
            with pytest.raises(ProviderError):
                bids.refresh(bid_id=bid.pk)
            bid.refresh_from_db()
            assert (bid.status, bid.missed_at is not None) == ("unknown", is_missed)

    def test_a_used_reference_is_looked_up_and_adopted(self, account: Any, exchanger: Any) -> None:
        bid = exchangers.asked(account)
        exchanger._create_bid(SENT | {"api_id": bid.reference.value})
        bids.submit(bid_id=bid.pk)
        bids.refresh(bid_id=bid.pk)
        bid.refresh_from_db()
        assert bid.status == "new"
        assert len(exchanger.bids) == 1

    def test_two_with_our_reference_are_held(self, account: Any, exchanger: Any) -> None:
        exchanger.is_unique = False
        exchanger.fail("create_bid", "drop_after")
        bid = exchangers.asked(account)
        bids.submit(bid_id=bid.pk)
        exchanger._create_bid(SENT | {"api_id": bid.reference.value})
        bids.refresh(bid_id=bid.pk)
        bid.refresh_from_db()
        assert (bid.status, bid.provider_id) == ("unknown", "")
        assert bid.reference.held_at is not None
        assert ExceptionItem.objects.filter(kind="ambiguous").exists()

    def test_what_never_left_waits_and_goes_out_later_but_not_with_an_old_rate(
        self, account: Any, exchanger: Any, settings: Any
    ) -> None:
        """A08."""
        bid, late = exchangers.asked(account), exchangers.asked(account)
        hosts, settings.PROVIDER_INTERNAL_HOSTS = settings.PROVIDER_INTERNAL_HOSTS, frozenset()
        bids.submit(bid_id=bid.pk)
        bid.refresh_from_db()
        assert (bid.status, bool(bid.last_error)) == ("creating", True) or bid.status == "canceled"
        settings.PROVIDER_INTERNAL_HOSTS = hosts
        Bid.objects.filter(pk=late.pk).update(created_at=timezone.now() - dt.timedelta(minutes=16))
        bids.submit(bid_id=late.pk)
        late.refresh_from_db()
        assert late.status == "canceled"
        assert exchanger.count("create_bid") == 0

    def test_an_interrupted_attempt_is_never_sent_again(self, account: Any, exchanger: Any) -> None:
        bid = exchangers.asked(account)
        ProviderCall.objects.create(
            account=account,
            reference=bid.reference,
            operation="create_bid",
            safe=False,
            method="POST",
            url=exchanger.base_url,
            request="",
            request_digest="0" * 64,
            started_at=timezone.now(),
        )
        bids.submit(bid_id=bid.pk)
        bid.refresh_from_db()
        assert bid.status == "unknown"
        assert exchanger.count("create_bid") == 0

    def test_an_address_that_left_the_book_stops_it(self, account: Any, exchanger: Any, people: Any) -> None:
        bid = exchangers.asked(account)
        type(bid.destination).objects.filter(pk=bid.destination_id).update(status="retired")
        bids.submit(bid_id=bid.pk)
        bid.refresh_from_db()
        assert bid.status == "canceled"
        assert exchanger.accepted == []


SENT = {"calc_amount": "100", "calc_action": "2"}


def exchanger_id(exchanger: Any, bid: Bid) -> str:
    return next(number for number, one in exchanger.bids.items() if one["api_id"] == bid.reference.value)


class TestComparing:
    """C04, E13, E16: what comes back is compared with what was asked for and quoted."""

    def test_a_difference_is_held_and_released_once(self, account: Any, exchanger: Any, people: Any) -> None:
        differences: list[tuple[dict[str, str], str]] = [
            ({"amount_get": "98.4"}, "We are to receive 98.4 USDT, quoted was 99"),
            ({"amount_give": "9400"}, "We are to give 9400 RUB"),
            ({"amount_give": "9000"}, "We are to give 9000 RUB"),
            ({"amount_give": "9370", "amount_get": "98.6"}, "worse than the quote"),
            ({"currency_code_get": "BTC"}, "The currency to receive is BTC"),
            ({"currency_code_give": "KZT"}, "The currency to give is KZT"),
            ({"psys_get": "Bitcoin"}, "The payment system is “Bitcoin”"),
            ({"account2": "TSomebodyElse"}, "another “account2”"),
            ({"direction_id": "7"}, "another “direction_id”"),
            ({"status": "payouterror"}, "The exchanger says “payouterror”"),
        ]
        for change, word in differences:
            exchanger.change = lambda bid, change=change: bid | change
            bid = exchangers.asked(account)
            bids.submit(bid_id=bid.pk)
            bid.refresh_from_db()
            bid.reference.refresh_from_db()
            assert word in bid.reference.hold_reason
            assert bid.status == "unknown"
            assert (bid.expected_give, bid.expected_get) == (Decimal("9332.4"), Decimal("99"))
            exceptions.release_hold(
                actor=people["approver"], reference=bid.reference, note="Agreed by phone."
            )
            bids.refresh(bid_id=bid.pk)
            bid.refresh_from_db()
            bid.reference.refresh_from_db()
            assert bid.reference.held_at is None
            assert bid.status == ("unknown" if change.get("status") else "new")

    def test_another_spelling_of_the_payment_system_is_no_difference(
        self, account: Any, exchanger: Any
    ) -> None:
        exchanger.change = lambda bid: bid | {"psys_get": f"{bid['psys_get'][:3]}-{bid['psys_get'][3:]}"}
        bid = exchangers.asked(account)
        bids.submit(bid_id=bid.pk)
        bid.refresh_from_db()
        assert bid.status == "new"

    def test_nothing_that_must_not_pass_does(self, account: Any, exchanger: Any, settings: Any) -> None:
        """C04: another direction, an unknown meaning, a moved amount, a worse rate: 16 of 16 refused or held."""
        settings.BREAKER_FAILURES = 1_000_000
        good, stopped = Direction.objects.get(account=account), 0
        for other in ("1", "210", 22, "", None):
            exchanger.fail("get_direction", *[exchanger._ok(exchanger.direction | {"id": other})] * 3)
            with pytest.raises(ProviderError):
                directions.refresh(direction_id=good.pk)
            stopped += 1
        exchanger.faults.clear()
        for action in ("9", "0", "5", "-1", "1.0", ""):
            with pytest.raises(ValidationError) as refused:
                exchangers.asked(account, calc_action=action)
            stopped += "calc_action" in refused.value.error_dict
        for changed, calc_amount in ((1, "101"), ("1", "102")):
            sums = exchanger._sums({"calc_amount": calc_amount, "calc_action": "2"}) | {"changed": changed}
            exchanger.fail("get_calc", exchanger._ok(exchangers.DIRECTION | sums))
            with pytest.raises(ValidationError, match="moved the amount"):
                exchangers.asked(account, calc_amount=calc_amount)
            stopped += 1
        assert not exchanger.count("create_bid")
        for worse in ({"amount_get": "98.5"}, {"amount_give": "9380"}, {"amount_get": "0"}):
            exchanger.change = lambda bid, worse=worse: bid | worse
            bid = exchangers.asked(account)
            bids.submit(bid_id=bid.pk)
            bid.reference.refresh_from_db()
            stopped += bid.reference.held_at is not None
        assert stopped == 16

    def test_within_the_tolerance_nothing_is_held(self, account: Any, exchanger: Any) -> None:
        alike: list[dict[str, str]] = [
            {"amount_get": "98.51"},
            {"amount_get": "100", "amount_give": "9240"},
            {"psys_get": "Tether TRC20 USDT"},
            {"status": "coldnew"},
        ]
        for change in alike:
            exchanger.change = lambda bid, change=change: bid | change
            assert exchangers.made(account).reference.held_at is None

    def test_much_more_than_quoted_is_told_but_not_held(self, account: Any, exchanger: Any) -> None:
        exchanger.change = lambda bid: bid | {"amount_get": "150"}
        bid = exchangers.made(account)
        assert ExceptionItem.objects.get(reference=bid.reference).kind == "mismatch"

    def test_an_answer_about_another_bid_is_held_and_not_kept(self, account: Any, exchanger: Any) -> None:
        bid = exchangers.made(account)
        exchanger.bids[bid.provider_id]["hash"] = "another"
        bids.refresh(bid_id=bid.pk)
        bid.refresh_from_db()
        bid.reference.refresh_from_db()
        assert "another handle" in bid.reference.hold_reason

    def test_two_answers_that_changed_places_hold_both(
        self, account: Any, exchanger: Any, people: Any
    ) -> None:
        """E13: each question is answered about the other bid, to the end; nothing of it is kept."""
        bid, other = exchangers.made(account), exchangers.made(account)
        for one, another in ((bid, other), (other, bid)):
            exchanger.word(another.provider_id, "success")
            swapped = exchanger._ok(exchanger._info(exchanger.bids[another.provider_id]))
            exchanger.fail("bid_info", *[swapped] * 3)
            bids.refresh(bid_id=one.pk)
            exchanger.faults.clear()
            one.refresh_from_db()
            one.reference.refresh_from_db()
            assert one.reference.hold_reason == f"The answer is about another bid: {another.provider_id}."
            assert (one.status, one.provider_status) == ("new", "new")
            assert one.last_error and one.next_check_at is not None
        assert ExceptionItem.objects.filter(kind="hold").count() == 2
        assert not Movement.objects.exists()
        # A right answer alone does not let it go; a person does, and then just this is no hold any more.
        bids.refresh(bid_id=bid.pk)
        bid.refresh_from_db()
        assert bid.status == "new"
        exceptions.release_hold(actor=people["approver"], reference=bid.reference, note="Their fault.")
        exchanger.fail("bid_info", *[exchanger._ok(exchanger._info(exchanger.bids[other.provider_id]))] * 3)
        with pytest.raises(ProviderError):
            bids.refresh(bid_id=bid.pk)
        exchanger.faults.clear()
        bids.refresh(bid_id=bid.pk)
        bid.refresh_from_db()
        bid.reference.refresh_from_db()
        assert (bid.status, bid.reference.held_at) == ("complete", None)

    def test_an_answer_that_names_another_reference_is_held(self, account: Any, exchanger: Any) -> None:
        """E13: also where it is our own creation that is answered."""
        exchanger._info, plain = lambda bid: plain(bid) | {"api_id": "261121101530999999"}, exchanger._info
        bid = exchangers.asked(account)
        bids.submit(bid_id=bid.pk)
        bid.refresh_from_db()
        bid.reference.refresh_from_db()
        assert "another reference" in bid.reference.hold_reason
        assert (bid.status, bid.provider_id) == ("unknown", "")

    def test_a_creation_that_names_a_known_bid_is_held(self, account: Any, exchanger: Any) -> None:
        first = exchangers.made(account)
        exchanger.fail("create_bid", exchanger._ok(exchanger._info(exchanger.bids[first.provider_id])))
        bid = exchangers.asked(account)
        bids.submit(bid_id=bid.pk)
        bid.refresh_from_db()
        bid.reference.refresh_from_db()
        assert "belongs to another reference" in bid.reference.hold_reason
        assert (bid.status, bid.provider_id) == ("unknown", "")


class TestAsking:
    def test_their_words_become_ours(self, account: Any, exchanger: Any) -> None:
        for word, status in (
            ("techpay", "new"),
            ("payed", "paid"),
            ("verify", "processing"),
            ("success", "complete"),
            ("delete", "canceled"),
        ):
            bid = exchangers.made(account)
            exchanger.word(bid.provider_id, word)
            for _twice in range(2):
                bids.refresh(bid_id=bid.pk)
            bid.refresh_from_db()
            assert (bid.status, bid.provider_status) == (status, word)
            lines = Movement.objects.filter(reference=bid.reference).order_by("kind")
            if status == "complete":
                assert [(one.kind, one.amount, one.currency, one.on_balance) for one in lines] == [
                    ("bid_get", Decimal("99"), "USDT", False),
                    ("bid_give", Decimal("-9332.4"), "RUB", False),
                ]
            else:
                assert not lines
            told = BidStatus.objects.filter(bid=bid, is_told=True)
            assert [one.provider_status for one in told] == ["new", word]
            assert told[0].date_text == "2026-11-21 09:00:00"

    def test_a_held_one_is_asked_about_no_oftener_than_any_other(
        self, account: Any, exchanger: Any, settings: Any
    ) -> None:
        settings.POLL_FACTOR = 1
        exchanger.change = lambda bid: bid | {"status": "payouterror"}
        bid = exchangers.asked(account)
        bids.submit(bid_id=bid.pk)
        Bid.objects.filter(pk=bid.pk).update(sent_at=timezone.now() - dt.timedelta(hours=2))
        bids.refresh(bid_id=bid.pk)
        bid.refresh_from_db()
        assert bid.status == "unknown" and bid.provider_id
        assert bid.next_check_at is not None
        assert bid.next_check_at - timezone.now() > dt.timedelta(minutes=3)

    def test_an_unknown_word_changes_nothing_and_is_told(self, account: Any, exchanger: Any) -> None:
        bid = exchangers.made(account)
        exchanger.word(bid.provider_id, "verify_docs")
        bids.refresh(bid_id=bid.pk)
        bid.refresh_from_db()
        assert (bid.status, bid.provider_status) == ("new", "verify_docs")
        assert bid.next_check_at is not None
        assert ExceptionItem.objects.get().kind == "unknown_word"

    def test_no_bid_exists_and_maintenance_end_nothing(self, account: Any, exchanger: Any) -> None:
        """C07."""
        bid = exchangers.made(account)
        exchanger.hidden.add(bid.provider_id)
        bids.refresh(bid_id=bid.pk)  # its line in the list still shows it
        away = {"error": 2, "error_text": "maintenance", "data": []}
        gone = exchanger.bids.pop(bid.provider_id)
        for _time in range(2):
            with pytest.raises(ProviderError):
                bids.refresh(bid_id=bid.pk)
            exchanger.fail("bid_info", away, away, away, away)
            with pytest.raises(ProviderError):
                bids.refresh(bid_id=bid.pk)
            exchanger.faults.clear()
        bid.refresh_from_db()
        assert bid.status == "new" and bid.next_check_at is not None
        exchanger.bids[bid.provider_id] = gone
        exchanger.hidden.clear()
        exchanger.word(bid.provider_id, "success")
        bids.refresh(bid_id=bid.pk)
        bid.refresh_from_db()
        assert (bid.status, bid.last_error) == ("complete", "")

    @pytest.mark.parametrize("flag", [0, 1])
    def test_the_flag_of_success_decides_nothing_and_is_counted(
        self, account: Any, exchanger: Any, flag: int
    ) -> None:
        """C05."""
        exchanger.flag = {"success": flag}
        bid = exchangers.made(account)
        exchanger.word(bid.provider_id, "success")
        bids.refresh(bid_id=bid.pk)
        bid.refresh_from_db()
        assert bid.status == "complete"
        counted = AccountHealth.objects.get(account=account).facts["success_flag"]
        assert (counted["contrary"] > 0) is (flag == 1)

    def test_a_final_word_taken_back_changes_nothing_and_is_told(self, account: Any, exchanger: Any) -> None:
        bid = exchangers.made(account)
        exchanger.word(bid.provider_id, "success")
        bids.refresh(bid_id=bid.pk)
        exchanger.word(bid.provider_id, "new")
        bids.refresh(bid_id=bid.pk)
        bid.refresh_from_db()
        assert bid.status == "complete"
        assert ExceptionItem.objects.get(reference=bid.reference).kind == "taken_back"
        assert Movement.objects.count() == 2
