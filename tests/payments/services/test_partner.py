"""The partner programme: balance and rewards, a payout that is approved by another person and sent once."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from backoffice import audit
from backoffice.services import search
from payments.models import (
    Balance,
    ExceptionItem,
    Movement,
    OwnDestination,
    PartnerExchange,
    PartnerPayout,
    PartnerProgram,
    ProviderCall,
    Wallet,
)
from payments.providers import windows
from payments.providers.errors import ProviderError
from payments.services import (
    destinations,
    freeze,
    partner,
    partner_payees,
    partner_programs,
    payout_decisions,
    polling,
    references,
)
from tests import factories
from tests.every import every
from tests.payments import exchanger as exchangers

pytestmark = pytest.mark.django_db(transaction=True)
PAYEE = "TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC"


@pytest.fixture
def account(exchanger: Any, transactional_db: None) -> Any:
    made = exchangers.account(exchanger, money_out=True)
    partner_programs.refresh(account_id=made.pk)
    return made


def ask(account: Any, actor: Any, /, **changes: Any) -> PartnerPayout:
    fields = {"method_id": "5", "account": PAYEE, "_confirm_account": True} | changes
    return partner.request_payout(actor=actor, account=account, fields=fields)


def approved(account: Any, people: Any) -> PartnerPayout:
    return partner.approve(actor=people["approver"], payout=ask(account, people["operator"]))


def sent(account: Any, people: Any) -> PartnerPayout:
    payout = approved(account, people)
    partner.submit(partner_payout_id=payout.pk)
    payout.refresh_from_db()
    return payout


def row(number: int, accrued: Any, reward: str = "0.5") -> dict[str, Any]:
    return {
        "id": str(number), "time": 1795249800, "date": "2026-11-20", "psys_give": "Sberbank", "psys_get": "Tether",
        "currency_code_give": "RUB", "currency_code_get": "USDT", "amount_give": "9332.4", "amount_get": "99",
        "status": "success", "accrued": accrued, "partner_reward": reward,
    }  # fmt: skip


class TestProgram:
    def test_keeps_balance_ways_links_and_what_it_is_of(self, account: Any) -> None:
        program = PartnerProgram.objects.get()
        assert (program.balance, program.min_payout, program.currency) == (Decimal("120.5"), 10, "PARTNER")
        assert program.methods[0] == {
            "id": "5",
            "title": "Tether TRC20",
            "commission": "1%",
            "amount": "120.5",
        }
        assert program.links[0]["referrer"].startswith("https://shop.example/")
        assert Balance.objects.get(account=account).stated == Decimal("120.5")

    @pytest.mark.parametrize("first", [True, False])
    def test_the_balance_keeps_the_name_that_its_books_were_opened_under(
        self, account: Any, exchanger: Any, first: bool
    ) -> None:
        exchanger._add_partner_payout({"method_id": "5", "account": PAYEE})
        if first:
            Balance.objects.all().delete()
            PartnerProgram.objects.all().delete()
        for _twice in range(2):
            partner_programs.refresh(account_id=account.pk)
        assert PartnerProgram.objects.get().currency == ("USD" if first else "PARTNER")
        assert Balance.objects.get().currency == PartnerProgram.objects.get().currency

    def test_a_reward_is_booked_once_and_only_when_accrued(self, account: Any, exchanger: Any) -> None:
        exchanger.partner_exchanges = [row(1, 0), row(2, 1, "0.45")]
        exchanger.balance += Decimal("0.45")
        for _twice in range(2):
            partner_programs.refresh(account_id=account.pk)
        assert [(one.kind, one.amount) for one in Movement.objects.all()] == [
            ("partner_reward", Decimal("0.45"))
        ]
        exchanger.partner_exchanges[0]["accrued"] = "1"
        exchanger.balance += Decimal("0.5")
        partner_programs.refresh(account_id=account.pk)
        assert Movement.objects.count() == 2
        assert Balance.objects.get().drift == 0
        assert PartnerExchange.objects.filter(is_booked=True).count() == 2

    def test_a_list_longer_than_an_answer_is_read_to_its_end_or_told(
        self, account: Any, exchanger: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(windows, "ROWS", 50)  # the documented 500 take a minute
        exchanger.partner_exchanges = [
            row(number, 0) | {"time": 1795249800 - number} for number in range(1, 74)
        ]
        partner_programs.refresh(account_id=account.pk)
        assert PartnerExchange.objects.count() == 73 and not ExceptionItem.objects.exists()
        exchanger.partner_exchanges += [row(number, 0) for number in range(800, 870)]
        for _twice in range(2):
            partner_programs.refresh(account_id=account.pk)
        assert "of one moment (2026-11-21" in ExceptionItem.objects.get().title

    def test_what_was_accrued_before_the_first_look_is_in_the_opening(
        self, exchanger: Any, people: Any
    ) -> None:
        exchanger.partner_exchanges = [row(1, 1), row(2, 1)]
        other = exchangers.account(exchanger, name="another")
        for _twice in range(2):
            partner_programs.refresh(account_id=other.pk)
        assert not Movement.objects.exists()

    @every("accrued", [None, "", "maybe", [], 0])
    def test_what_is_not_said_clearly_is_not_booked(self, account: Any, exchanger: Any, accrued: Any) -> None:
        exchanger.partner_exchanges = [row(1, accrued)]
        partner_programs.refresh(account_id=account.pk)
        assert not Movement.objects.exists()

    def test_an_accrual_that_is_taken_back_is_told(self, account: Any, exchanger: Any) -> None:
        exchanger.partner_exchanges = [row(1, 1)]
        partner_programs.refresh(account_id=account.pk)
        exchanger.partner_exchanges = [row(1, 0)]
        partner_programs.refresh(account_id=account.pk)
        assert ExceptionItem.objects.get().kind == "taken_back"
        assert Movement.objects.count() == 1

    def test_a_programme_that_is_not_there_says_so(self, account: Any, exchanger: Any) -> None:
        no = {"error": 1, "error_text": "no active partner program", "data": []}
        exchanger.fail("get_partner_exchanges", no)
        with pytest.raises(ProviderError):
            partner_programs.refresh(account_id=account.pk)
        program = PartnerProgram.objects.get()
        assert program.last_error and program.balance == Decimal("120.5")
        assert partner_programs.due_accounts() == []


class TestRequest:
    def test_an_operator_asks_and_one_is_under_way_at_a_time(self, account: Any, people: Any) -> None:
        token = uuid.uuid4()
        fields = {"method_id": "5", "account": PAYEE, "_note": "Quarter", "_confirm_account": True}
        one, two = (
            partner.request_payout(actor=people["operator"], account=account, fields=fields, form_token=token)
            for _twice in range(2)
        )
        assert one.pk == two.pk
        assert (one.status, one.expected, one.method) == (
            "awaiting_approval",
            Decimal("120.5"),
            "Tether TRC20",
        )
        with pytest.raises(ValidationError, match="under way"):
            ask(account, people["operator"])
        partner.cancel(actor=people["operator"], payout=one)
        assert ask(account, people["operator"]).status == "awaiting_approval"

    @every(
        ("changes", "at"),
        [
            ({"method_id": "9"}, "method_id"),
            ({"method_id": ""}, "method_id"),
            ({"account": ""}, "account"),
            ({"account": "x" * 301}, "account"),
            ({"amount": "5"}, "amount"),
        ],
    )
    def test_bad_input_is_named_at_its_field(self, account: Any, people: Any, changes: Any, at: str) -> None:
        with pytest.raises(ValidationError) as caught:
            ask(account, people["operator"], **changes)
        assert at in caught.value.error_dict

    def test_the_account_is_checked_like_that_of_a_withdrawal(self, account: Any, people: Any) -> None:
        """What its way is known to be, what our book says of it, what a person has confirmed."""

        def refused(payee: str, at: str = "account", **changes: Any) -> str:
            with pytest.raises(ValidationError) as caught:
                ask(account, people["operator"], account=payee, **changes)
            return " ".join(caught.value.message_dict[at])

        assert "checksum is wrong" in refused(PAYEE[:-1] + "D")
        assert "address of Bitcoin" in refused("1BoatSLRHtKNngkdXEeobR76b53LETtpyT")
        tick = "_confirm_account"
        assert "not in the approved book" in refused(PAYEE, tick, _confirm_account=False)
        exchangers.direction(account)
        entry = exchangers.book(account, PAYEE)
        made = ask(account, people["operator"], _confirm_account=False)
        about = partner_payees.about(made)
        assert about and (about.entry, about.doubts) == (entry, []) and "checksum is right" in about.checked
        partner.cancel(actor=people["operator"], payout=made)
        destinations.retire(actor=people["approver"], destination=entry, reason="The key is lost")
        assert "taken out of the book" in refused(PAYEE)
        # A way whose network nobody knows: a person has compared it, also where it is in the book.
        PartnerProgram.objects.update(
            methods=[{"id": "5", "title": "Tether BEP20", "commission": "", "amount": ""}]
        )
        exchangers.book(account, PAYEE)
        assert "cannot be checked" in refused(PAYEE, tick, _confirm_account=False)
        assert "number of a card" in refused("4111 1111 1111 1112", tick, _confirm_account=False)
        made = ask(account, people["operator"], account="4111 1111 1111 1112")
        assert made.shown == "************1112"
        partner.cancel(actor=people["operator"], payout=made)
        PartnerProgram.objects.update(methods=[{"id": "4", "title": "Visa & Mastercard USD"}])
        assert "not a card number" in refused("4111 1111 1111 1112", method_id="4")

    def test_what_is_sent_is_what_was_typed_or_what_the_book_says(self, account: Any, people: Any) -> None:
        """Only the number of a card or an account loses its blanks; a key or a text keeps every sign."""
        PartnerProgram.objects.update(methods=[{"id": "5", "title": "PIX BRL"}])
        exchangers.direction(account)
        number, pix = "4111 1111 1111 1112", "123e4567-0000-1111-2222-426614174000"
        for typed, leaves in (
            (pix, pix),
            ("12345678-0000-1111-2222-426614174000", "12345678-0000-1111-2222-426614174000"),
            ("de12c3d4-0000-1111-2222-426614174000", "de12c3d4-0000-1111-2222-426614174000"),
            ("Bank of Kyiv, 26001234567890, to A - B", "Bank of Kyiv, 26001234567890, to A - B"),
            (number, "4111111111111112"),
            ("4111\u20111111\u202f1111\u00a01112", "4111111111111112"),
            ("de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
            ("DE88 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00"),
        ):
            made = ask(account, people["operator"], account=typed)
            assert (made.payee_account, made.is_card, "*" in made.shown) == (leaves, True, True), typed
            partner.cancel(actor=people["operator"], payout=made)
        entry = exchangers.book(account, number)
        made = ask(account, people["operator"], account=number, _confirm_account=True)
        about = partner_payees.about(made)
        assert (made.payee_account, about and about.entry) == (number, entry)

    def test_what_stood_there_as_it_was_typed_is_masked(self, account: Any, people: Any) -> None:
        exchangers.direction(account)
        PartnerProgram.objects.update(methods=[{"id": "5", "title": "PIX BRL"}])
        iban = "DE89370400440532013000"
        payout, entry = ask(account, people["operator"], account=iban), exchangers.book(account, iban)
        coin = exchangers.book(account, PAYEE)
        for model in (PartnerPayout, OwnDestination):
            model.objects.exclude(pk=coin.pk if model is OwnDestination else 0).update(
                shown=iban, is_card=False
            )
        importlib.import_module("payments.migrations.0013_masks").mask(apps, None)
        for row in (payout, entry, coin):
            row.refresh_from_db()
        assert [(row.shown[-8:], row.is_card) for row in (payout, entry)] == [("****3000", True)] * 2
        assert (coin.shown, coin.is_card) == (PAYEE, False)

    def test_an_address_of_ours_is_asked_about_and_told_to_the_approver(
        self, account: Any, people: Any
    ) -> None:
        def doubts(payee: str) -> list[str]:
            way = partner_payees.ways(PartnerProgram.objects.get())[0]
            return [str(one) for one in partner_payees.look(account=account, way=way, typed=payee).doubts]

        exchangers.direction(account)
        exchangers.book(account, PAYEE)
        assert doubts(PAYEE) == []
        reference = references.take(account=account, kind="wallet")
        card = "4111111111111111"
        with transaction.atomic():
            wallet = Wallet.objects.create(
                reference=reference,
                account=account,
                created_by=people["operator"],
                address=PAYEE,
                label="<i>",
            )
            audit.record(people["operator"], "wallet.created", wallet)
        search.index(kind="wallet", object_ids=[wallet.pk])
        told = " ".join(doubts(PAYEE))
        assert "our own: it was made for &lt;i&gt;" in told and wallet.get_absolute_url() in told
        Wallet.objects.update(address=card)
        search.index(kind="wallet", object_ids=[wallet.pk])
        PartnerProgram.objects.update(methods=[{"id": "5", "title": "Something else"}])
        assert "our own:" not in " ".join(doubts(card))

    def test_a_way_takes_only_entries_of_just_its_currency(self) -> None:
        def takes(network: str, *codes: str, **entry: Any) -> bool:
            way = partner_payees.Way("5", "", network, frozenset(codes), {})
            return way.takes(OwnDestination(**{"address": ""} | entry))

        card, iban = {"address": "4111 1111 1111 1111"}, {"address": "DE89370400440532013000"}
        masked = {"is_card": True}  # so are cards, and all that may be the number of an account

        assert takes("tron", "USDT", method="USDTTRC20")
        assert takes("", "USDTBEP20", method="USDTBEP20")
        assert takes("", "SBERRUB", method="SBERRUB", **card, **masked)
        assert takes("card", "VISAUSD", method="VISAEUR", **card, **masked)
        assert not takes("card", "VISAUSD", method="SEPAEUR", **iban, **masked)
        assert not takes("card", "SEPAEUR", method="SEPAEUR", **iban, **masked)
        assert takes("", "SEPAEUR", method="SEPAEUR", **iban, **masked)
        assert not takes("", "USDT", method="USDTTRC20")
        assert not takes("", "USD", method="USDTTRC20")
        assert not takes("", "USD", method="USDX")
        assert not takes("", "USDTTRC20", method="USDTTRC20")
        assert not takes("tron", "USDT", method="USDT", **card, **masked)
        assert not takes("", "XRP", method="XRP", tag="7")

    def test_not_below_the_smallest_nor_blind_nor_switched_off(self, account: Any, people: Any) -> None:
        with pytest.raises(PermissionDenied):
            ask(account, people["approver"])
        PartnerProgram.objects.update(balance=5)
        with pytest.raises(ValidationError, match="smallest"):
            ask(account, people["operator"])
        PartnerProgram.objects.update(balance=50, asked_at=timezone.now() - dt.timedelta(hours=2))
        with pytest.raises(ValidationError, match="older than an hour"):
            ask(account, people["operator"])
        account.money_out = False
        account.save()
        with pytest.raises(ValidationError, match="Money out"):
            ask(account, people["operator"])


class TestApprove:
    def test_by_another_person_over_just_what_was_seen(self, account: Any, people: Any) -> None:
        payout = ask(account, people["operator"])
        with pytest.raises(PermissionDenied):
            partner.approve(actor=people["operator"], payout=payout)
        with pytest.raises(ValidationError, match="Something has changed"):
            partner.approve(actor=people["approver"], payout=payout, seen="0" * 64)
        assert partner.approve(
            actor=people["approver"], payout=payout, seen=partner.bound(payout)
        ).status == ("approved")

    @pytest.mark.parametrize("is_approved", [False, True])
    def test_nothing_goes_where_our_book_does_not_lead_any_more(
        self, account: Any, exchanger: Any, people: Any, is_approved: bool
    ) -> None:
        exchangers.direction(account)
        entry = exchangers.book(account, PAYEE)
        payout = ask(account, people["operator"])
        if is_approved:
            partner.approve(actor=people["approver"], payout=payout)
        destinations.retire(actor=factories.person("approver"), destination=entry, reason="Lost the key.")
        if is_approved:
            partner.submit(partner_payout_id=payout.pk)
        else:
            with pytest.raises(ValidationError, match="taken out of the book"):
                partner.approve(actor=people["approver"], payout=payout)
        payout.refresh_from_db()
        assert (payout.status, exchanger.payouts) == ("failed" if is_approved else "awaiting_approval", [])

    def test_reject_needs_a_reason(self, account: Any, people: Any) -> None:
        payout = ask(account, people["operator"])
        with pytest.raises(ValidationError):
            partner.reject(actor=people["approver"], payout=payout, reason=" ")
        assert partner.reject(actor=people["approver"], payout=payout, reason="Later").status == "rejected"

    def test_what_is_late_lapses(self, account: Any, people: Any) -> None:
        payout = approved(account, people)
        payout.reference.approvals.update(expires_at=timezone.now())
        assert partner.expire() == 1
        payout.refresh_from_db()
        assert payout.status == "awaiting_approval"
        PartnerPayout.objects.update(created_at=timezone.now() - dt.timedelta(days=8))
        assert partner.expire() == 1


class TestSend:
    def test_payout_id_wins_over_error_and_it_is_sent_once(
        self, account: Any, exchanger: Any, people: Any
    ) -> None:
        """A21."""
        payout = sent(account, people)
        assert (payout.status, payout.provider_id) == ("pending", "9")
        assert payout.complaint
        for _again in range(3):
            partner.submit(partner_payout_id=payout.pk)
            polling.run_stuck(limit=5)
        assert exchanger.count("add_partner_payout") == 1
        partner.refresh(partner_payout_id=payout.pk)
        assert [(one.kind, one.amount) for one in Movement.objects.all()] == [
            ("partner_payout", Decimal("-120.5"))
        ]
        exchanger.payouts[0]["status"] = "1"
        partner.refresh(partner_payout_id=payout.pk)
        payout.refresh_from_db()
        assert (payout.status, payout.pay_amount) == ("complete", Decimal("120.5"))
        assert Movement.objects.count() == 1
        exchanger.payouts[0]["status"] = "2"
        partner.refresh(partner_payout_id=payout.pk)
        assert ExceptionItem.objects.get().kind == "taken_back"
        # One has arrived there: it is not new any more.
        PartnerProgram.objects.update(balance=50)
        assert ask(account, people["operator"], _confirm_account=False).pk

    @pytest.mark.parametrize("status", ["2", "3"])
    def test_canceled_there_fails_it_and_takes_the_line_back(
        self, account: Any, exchanger: Any, people: Any, status: str
    ) -> None:
        payout = sent(account, people)
        partner.refresh(partner_payout_id=payout.pk)
        exchanger.payouts[0]["status"] = status
        partner.refresh(partner_payout_id=payout.pk)
        payout.refresh_from_db()
        assert payout.status == "failed"
        assert sum(one.amount for one in Movement.objects.all()) == 0

    @pytest.mark.parametrize("mode", ["drop_after", "garbage_after"])
    def test_doubt_is_found_in_the_list_if_just_one_is_new(
        self, account: Any, exchanger: Any, people: Any, mode: str
    ) -> None:
        old = exchanger.payouts
        exchanger._add_partner_payout({"method_id": "5", "account": PAYEE})
        exchanger.balance = Decimal("120.5")
        assert old
        exchanger.fail("add_partner_payout", mode)
        payout = sent(account, people)
        assert (payout.status, payout.known_before) == ("unknown", ["9"])
        partner.submit(partner_payout_id=payout.pk)
        partner.refresh(partner_payout_id=payout.pk)
        payout.refresh_from_db()
        assert (payout.status, payout.provider_id) == ("pending", "10")
        assert exchanger.count("add_partner_payout") == 1

    def test_a_worker_that_was_overtaken_leaves_what_was_known_before(
        self, account: Any, exchanger: Any, people: Any
    ) -> None:
        payout = approved(account, people)
        overtaken = partner._claim(payout.pk)
        assert overtaken is not None
        PartnerPayout.objects.update(claimed_until=None)
        partner.submit(partner_payout_id=payout.pk)  # nothing has left: back to approved
        exchanger.fail("add_partner_payout", "drop_after")
        partner.submit(partner_payout_id=payout.pk)
        exchanger.balance = Decimal("120.5")
        partner._send(overtaken)
        payout.refresh_from_db()
        assert (payout.status, payout.known_before) == ("unknown", [])
        partner.refresh(partner_payout_id=payout.pk)
        payout.refresh_from_db()
        assert (payout.status, payout.provider_id) == ("pending", "9")
        assert exchanger.count("add_partner_payout") == 1

    def test_an_old_one_that_comes_into_sight_is_not_ours(
        self, account: Any, exchanger: Any, people: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of less than the whole balance, or from a list that could not be read to its end."""
        exchanger.fail("add_partner_payout", "drop")
        payout = sent(account, people)
        exchanger._add_partner_payout({"method_id": "5", "account": PAYEE})
        exchanger.balance = Decimal("120.5")
        other, real = exchanger.payouts[0], windows.read
        for change in ({"original_amount": "3", "pay_amount": "3"}, {}):
            other |= change or {"original_amount": "120.5", "pay_amount": "120.5"}
            if not change:
                monkeypatch.setattr(
                    windows, "read", lambda *a, **k: dataclasses.replace(real(*a, **k), is_cut=True)
                )
            with pytest.raises(ProviderError):
                partner.refresh(partner_payout_id=payout.pk)
            payout.refresh_from_db()
            assert (payout.status, payout.provider_id, payout.missed_at) == ("unknown", "", None)
        assert not Movement.objects.exists()
        assert ExceptionItem.objects.get(kind="ambiguous").seen == 2

    def test_a_new_line_that_cannot_be_read_may_be_ours(
        self, account: Any, exchanger: Any, people: Any
    ) -> None:
        """One that was there before may not."""
        exchanger._add_partner_payout({"method_id": "5", "account": PAYEE})
        exchanger.balance = Decimal("120.5")
        exchanger.payouts[0].pop("pay_amount")
        exchanger.fail("add_partner_payout", "drop_after")
        payout = sent(account, people)
        exchanger.payouts[0].pop("pay_amount")
        for is_there in (True, False):
            with pytest.raises(ProviderError):
                partner.refresh(partner_payout_id=payout.pk)
            payout.refresh_from_db()
            assert (payout.status, payout.missed_at is None) == ("unknown", is_there)
            exchanger.payouts.pop(0)

    def test_two_new_ones_are_for_people(self, account: Any, exchanger: Any, people: Any) -> None:
        exchanger.fail("add_partner_payout", "drop_after")
        payout = sent(account, people)
        exchanger._add_partner_payout({"method_id": "5", "account": PAYEE})
        with pytest.raises(ProviderError):
            partner.refresh(partner_payout_id=payout.pk)
        payout.refresh_from_db()
        assert payout.status == "unknown"
        assert ExceptionItem.objects.get().kind == "ambiguous"

    def test_what_never_arrived_is_never_sent_again_and_people_close_it(
        self, account: Any, exchanger: Any, people: Any, settings: Any
    ) -> None:
        exchanger.fail("add_partner_payout", "drop")
        payout = sent(account, people)
        for _round in range(3):
            partner.submit(partner_payout_id=payout.pk)
            polling.run_stuck(limit=5)
            with pytest.raises(ProviderError):
                partner.refresh(partner_payout_id=payout.pk)
        assert exchanger.count("add_partner_payout") == 1
        outsider, second = factories.person("approver"), factories.person("approver")
        note = {"outcome": "failed", "note": "Their support says no."}
        with pytest.raises(ValidationError, match="You approved"):
            payout_decisions.resolve(actor=people["approver"], payout=payout, **note)
        with pytest.raises(ValidationError, match="Wait until"):
            payout_decisions.resolve(actor=outsider, payout=payout, **note)
        settings.SETTLE_SECONDS = 0
        payout_decisions.resolve(actor=outsider, payout=payout, **note)
        assert list(payout_decisions.waiting_for(second)) == [payout]
        with pytest.raises(ValidationError):
            payout_decisions.confirm(actor=outsider, payout=payout)
        payout_decisions.confirm(actor=second, payout=payout)
        payout.refresh_from_db()
        assert payout.status == "failed"
        assert not Movement.objects.exists()

    def test_people_may_say_that_it_arrived(self, account: Any, exchanger: Any, people: Any) -> None:
        exchanger.fail("add_partner_payout", "drop")
        payout = sent(account, people)
        assert ProviderCall.objects.filter(reference=payout.reference, safe=True).exists()

        def resolve() -> None:
            payout_decisions.resolve(
                actor=factories.person("approver"), payout=payout, outcome="complete", note="It is here."
            )

        with pytest.raises(ValidationError, match="Check now"):
            resolve()  # the list was read before it was sent, which shows nothing
        with pytest.raises(ProviderError):
            partner.refresh(partner_payout_id=payout.pk)
        resolve()
        assert Movement.objects.get().amount == Decimal("-120.5")

    def test_a_grown_balance_must_be_approved_anew(self, account: Any, exchanger: Any, people: Any) -> None:
        payout = approved(account, people)
        exchanger.balance = Decimal(200)
        partner.submit(partner_payout_id=payout.pk)
        payout.refresh_from_db()
        assert payout.status == "awaiting_approval"
        assert "200" in payout.last_error
        assert exchanger.count("add_partner_payout") == 0

    def test_a_freeze_a_refusal_and_an_answer_that_asks_nothing(
        self, account: Any, exchanger: Any, people: Any
    ) -> None:
        payout = approved(account, people)
        held = freeze.set(actor=people["finance"], reason="Look first")
        partner.submit(partner_payout_id=payout.pk)
        payout.refresh_from_db()
        assert payout.status == "approved"
        held.delete()
        exchanger.fail("get_partner_info", *["html"] * 4)
        PartnerPayout.objects.update(claimed_until=None)
        partner.submit(partner_payout_id=payout.pk)
        payout.refresh_from_db()
        assert payout.status == "approved"  # only questions had left
        exchanger.faults.clear()
        exchanger.fail(
            "add_partner_payout", {"error": 1, "error_text": "no active partner program", "data": []}
        )
        partner.submit(partner_payout_id=payout.pk)
        payout.refresh_from_db()
        assert payout.status == "failed"

    def test_another_account_there_is_held(self, account: Any, exchanger: Any, people: Any) -> None:
        payout = sent(account, people)
        exchanger.payouts[0]["account"] = "TSomebodyElse"
        partner.refresh(partner_payout_id=payout.pk)
        payout.reference.refresh_from_db()
        assert "another account" in payout.reference.hold_reason
        assert not Movement.objects.exists()

    @pytest.mark.parametrize("told", ["EUR", ""])
    def test_a_cost_in_another_currency_is_held_and_not_booked_as_ours(
        self, account: Any, exchanger: Any, people: Any, told: str
    ) -> None:
        """Also where the balance has no name: all of it leaves, so what is less is something else."""
        PartnerProgram.objects.update(currency=told or PartnerProgram.UNTOLD)
        payout = sent(account, people)
        exchanger.payouts[0].update(original_amount="100", status="1")
        partner.refresh(partner_payout_id=payout.pk)
        payout.refresh_from_db()
        payout.reference.refresh_from_db()
        assert "100 USD" in payout.reference.hold_reason and payout.status == "pending"
        assert not Movement.objects.exists()
        payout_decisions.resolve(
            actor=factories.person("approver"), payout=payout, outcome="complete", note="It is here."
        )
        assert Movement.objects.get().amount == Decimal("-120.5")

    @pytest.mark.parametrize("left", [True, False])
    def test_an_interrupted_worker(self, account: Any, exchanger: Any, people: Any, left: bool) -> None:
        payout = approved(account, people)
        claimed = partner._claim(payout.pk)
        assert claimed is not None
        PartnerPayout.objects.update(claimed_until=timezone.now() - dt.timedelta(seconds=1))
        if left:
            ProviderCall.objects.create(
                account=account, reference=payout.reference, operation="add_partner_payout", safe=False,
                method="POST", url=exchanger.base_url, request="", request_digest="0" * 64,
                started_at=timezone.now(), fence=claimed.fence,
            )  # fmt: skip
        partner.submit(partner_payout_id=payout.pk)
        payout.refresh_from_db()
        assert payout.status == ("unknown" if left else "approved")
        assert exchanger.count("add_partner_payout") == 0
