"""The pages of batch payouts, with scripts off: who sees and may do what, what they say, what cannot be pressed."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from backoffice.kit import office
from payments.forms.batch_payouts import BatchPayoutForm
from payments.models import BatchPayout, ProviderAccount, Wallet, Withdrawal
from payments.services import batch_payments, batch_payouts, wallets
from tests import factories
from tests.payments import batches, rows
from tests.payments.batches import LEGACY, ROWS, SEGWIT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def joining(box: Any, transactional_db: None) -> ProviderAccount:
    return batches.account(box)


def new(browser: Any, account: ProviderAccount) -> str:
    """The address of a fresh form."""
    return browser.get(reverse("payments:batchpayout_create", args=[account.pk])).url


def page(browser: Any, batch: BatchPayout) -> str:
    return rows.text_of(browser.get(batch.get_absolute_url()))


class TestOffered:
    def test_without_an_account_that_may_there_is_no_button(self, box: Any, people: Any) -> None:
        browser = rows.browser_of(people["operator"])
        url = reverse("payments:batchpayout_list")
        assert "New batch payout" not in rows.text_of(browser.get(url))
        account = batches.account(box, on=False)
        assert "New batch payout" not in rows.text_of(browser.get(url))
        said = rows.text_of(browser.get(reverse("payments:batchpayout_start")))
        assert "switched off for this account" in said
        batches.switched(account, True)
        assert "New batch payout" in rows.text_of(browser.get(url))
        assert "New batch payout" not in rows.text_of(rows.browser_of(people["viewer"]).get(url))

    def test_the_form_of_an_account_that_is_off_leads_away(self, box: Any, people: Any) -> None:
        account = batches.account(box, on=False)
        browser = rows.browser_of(people["operator"])
        said = browser.get(new(browser, account) or "", follow=True)
        assert "switched off for this account" in rows.text_of(said)

    def test_an_account_without_batches_has_no_such_form(self, account: Any, people: Any) -> None:
        url = reverse("payments:batchpayout_create", args=[account.pk])
        browser = rows.browser_of(people["operator"])
        assert browser.get(url, follow=True).redirect_chain[-1][0] == reverse("payments:batchpayout_start")
        assert browser.post(url).url == reverse("payments:batchpayout_start")


class TestForm:
    def test_typed_rows_become_a_request_and_a_second_press_leads_to_it(
        self, joining: Any, people: Any
    ) -> None:
        browser = rows.browser_of(people["operator"])
        url = new(browser, joining)
        for _press in range(2):
            answer = browser.post(url, {"delay": "2", "payouts": ROWS, "_note": "Salaries"})
            assert answer.status_code == 302
        made = BatchPayout.objects.get()
        assert answer.url == made.get_absolute_url()
        said = page(browser, made)
        assert SEGWIT in said
        assert "Salaries" in said
        assert "You requested this" in said

    def test_a_file_is_read_and_its_wrong_lines_stand_in_the_box(self, joining: Any, people: Any) -> None:
        browser = rows.browser_of(people["operator"])
        file = SimpleUploadedFile("rows.csv", f"address,amount\n{SEGWIT},0.001\nnonsense,2\n".encode())
        said = rows.text_of(browser.post(new(browser, joining), {"delay": "2", "_rows_file": file}))
        assert "Line 3, “nonsense 2”: " in said
        assert f"{SEGWIT},0.001" in said
        assert not BatchPayout.objects.exists()
        good = SimpleUploadedFile("rows.csv", f"{SEGWIT};0.001\n{LEGACY};0.002\n".encode())
        assert browser.post(new(browser, joining), {"delay": "0", "_rows_file": good}).status_code == 302
        assert BatchPayout.objects.get().row_count == 2

    def test_what_is_no_text_is_told_at_the_file(self, joining: Any, people: Any) -> None:
        browser = rows.browser_of(people["operator"])
        for content in (b"\xff\xfe\x00", b"a\0b", b"x" * (300 * 1024)):
            file = SimpleUploadedFile("rows.csv", content)
            answer = browser.post(new(browser, joining), {"delay": "2", "_rows_file": file})
            assert rows.error_at(rows.text_of(answer), "_rows_file"), content[:4]

    def test_all_that_was_typed_stays_beside_the_errors(self, joining: Any, people: Any) -> None:
        browser = rows.browser_of(people["operator"])
        said = rows.text_of(
            browser.post(new(browser, joining), {"delay": "soon", "payouts": "x 1", "_note": "Kept words"})
        )
        assert "Kept words" in said
        assert "x 1" in said
        assert "Line 1" in rows.error_at(said, "payouts")
        assert rows.error_at(said, "delay")

    def test_every_bad_line_is_named_above_the_form_and_what_was_typed_stays(
        self, joining: Any, people: Any
    ) -> None:
        browser = rows.browser_of(people["operator"])
        typed = {"delay": "2", "payouts": f"nonsense 1\n{SEGWIT} 0.001\n{LEGACY} much", "_note": "Kept words"}
        said = rows.text_of(browser.post(new(browser, joining), typed))
        summary = said.split('id="form-errors"')[1].split('class="card"')[0]
        assert "Line 1, “nonsense 1”: " in summary
        assert f"Line 3, “{LEGACY} much”: " in summary
        assert "Line 2" not in summary
        assert "Kept words" in said
        assert typed["payouts"].replace("\n", "\r\n") in said or typed["payouts"] in said
        assert "box above" not in said

    def test_the_editor_is_told_what_is_wrong_with_which_line(self, joining: Any, people: Any) -> None:
        browser = rows.browser_of(people["operator"])
        typed = {"delay": "2", "payouts": f"{SEGWIT} 0.001\n\nx 1\n{LEGACY} 0,5"}
        answer = browser.post(new(browser, joining), typed)
        told = json.loads(answer.context["form"].bad_lines())
        assert list(told) == ["3", "4"]
        assert "point" in told["4"]
        assert json.loads(BatchPayoutForm(account=joining).bad_lines()) == {}
        assert not BatchPayout.objects.exists()

    def test_the_same_again_asks_for_a_tick(self, joining: Any, people: Any) -> None:
        browser = rows.browser_of(people["operator"])
        typed = {"delay": "2", "payouts": ROWS}
        browser.post(new(browser, joining), typed)
        said = rows.text_of(browser.post(new(browser, joining), typed))
        assert "Tick this box" in said
        assert 'name="_confirm_similar"' in said
        assert browser.post(new(browser, joining), typed | {"_confirm_similar": "on"}).status_code == 302

    def test_a_payee_that_is_our_own_customers_address_asks_for_a_tick_and_is_told_to_the_approver(
        self, joining: Any, box: Any, people: Any
    ) -> None:
        account = batches.listing_payer(box)
        coin = account.methods.filter(for_wallet=True, needs_tag=False).first()
        assert coin is not None
        fields = {"ticker": coin.currency, "network": coin.network, "_customer_reference": "ann"}
        wallet = wallets.create(actor=people["operator"], account=account, fields=fields)
        wallets.submit(wallet_id=wallet.pk)
        Wallet.objects.update(address=SEGWIT)
        browser = rows.browser_of(people["operator"])
        typed = {"delay": "2", "payouts": ROWS.replace(SEGWIT, SEGWIT.upper())}
        said = rows.text_of(browser.post(new(browser, joining), typed))
        assert "it was made for ann" in said
        assert 'name="_confirm_own"' in said
        assert not BatchPayout.objects.exists()
        tick = re.search(r'name="_confirm_own" value="(\w+)"', said)
        assert tick is not None
        # Another of its payees becomes ours after the tick: that one was never asked about.
        second = wallets.create(
            actor=people["operator"], account=account, fields=fields | {"_confirm_similar": True}
        )
        Wallet.objects.filter(pk=second.pk).update(address=LEGACY)
        for stale in ("on", tick[1]):
            said = rows.text_of(browser.post(new(browser, joining), typed | {"_confirm_own": stale}))
            assert f"{LEGACY}: This address is our own" in said, stale
            assert not re.search(r'name="_confirm_own" value="\w+" checked', said), stale
        assert not BatchPayout.objects.exists()
        tick = re.search(r'name="_confirm_own" value="(\w+)"', said)
        assert tick is not None
        said = rows.text_of(
            browser.post(new(browser, joining), typed | {"_confirm_own": tick[1], "delay": "x"})
        )
        assert f'name="_confirm_own" value="{tick[1]}" checked' in said
        assert browser.post(new(browser, joining), typed | {"_confirm_own": tick[1]}).status_code == 302
        url = reverse("payments:batchpayout_approve", args=[BatchPayout.objects.get().pk])
        said = rows.text_of(rows.browser_of(people["approver"]).get(url))
        assert said.count("it was made for ann") == 2
        assert wallet.get_absolute_url() in said


class TestDeciding:
    def test_an_approver_reads_all_rows_and_approves_what_was_read(self, joining: Any, people: Any) -> None:
        asked = batches.ask(joining, people["operator"])
        browser = rows.browser_of(people["approver"])
        url = reverse("payments:batchpayout_approve", args=[asked.pk])
        answer = browser.get(url)
        said = rows.text_of(answer)
        assert SEGWIT in said
        assert LEGACY in said
        browser.post(url, {"seen": answer.context["seen"]})
        asked.refresh_from_db()
        assert asked.status == "approved"

    def test_what_changed_meanwhile_is_not_approved(self, joining: Any, people: Any) -> None:
        asked = batches.ask(joining, people["operator"])
        browser = rows.browser_of(people["approver"])
        url = reverse("payments:batchpayout_approve", args=[asked.pk])
        seen = browser.get(url).context["seen"]
        asked.rows.filter(position=1).update(amount="0.0011")
        said = rows.text_of(browser.post(url, {"seen": seen}, follow=True))
        assert "changed" in said
        asked.refresh_from_db()
        assert asked.status == "awaiting_approval"

    def test_reject_and_cancel(self, joining: Any, people: Any) -> None:
        first, second = batches.ask(joining, people["operator"]), batches.ask(joining, people["operator"])
        approver, operator = rows.browser_of(people["approver"]), rows.browser_of(people["operator"])
        approver.post(reverse("payments:batchpayout_reject", args=[first.pk]), {"reason": "Not these"})
        operator.post(reverse("payments:batchpayout_cancel", args=[second.pk]))
        states = set(BatchPayout.objects.values_list("status", flat=True))
        assert states == {"rejected", "canceled"}

    def test_nobody_else_approves(self, joining: Any, people: Any) -> None:
        asked = batches.ask(joining, people["operator"])
        url = reverse("payments:batchpayout_approve", args=[asked.pk])
        for role in ("viewer", "operator", "finance", "admin"):
            assert rows.browser_of(people[role]).post(url, {"seen": "x"}).status_code == 403, role
            assert url not in page(rows.browser_of(people[role]), asked), role

    def test_a_lost_answer_is_resolved_on_its_page(
        self, joining: Any, people: Any, box: Any, settings: Any
    ) -> None:
        settings.SETTLE_SECONDS = 0
        batches.fault(box, "drop_after", count=2)
        first, _second = batches.created(joining, people), batches.created(joining, people)
        batches.look(first)
        browser = rows.browser_of(factories.person("approver"))
        said = page(browser, first)
        assert "Several may be it" in said
        assert "Created at the provider" not in said
        assert "whether it was created is not known" in said
        url = reverse("payments:batchpayout_resolve", args=[first.pk])
        assert first.candidates[0]["id"] in rows.text_of(browser.get(url))
        assert "This is decided already" not in rows.text_of(browser.get(url))
        browser.post(url, {"outcome": first.candidates[0]["id"], "note": "It is this"})
        batches.look(first)
        assert first.provider_id
        assert "It is this" in rows.words(rows.text_of(browser.get(url)))
        assert "Created at the provider" in page(browser, first)

    def test_a_page_of_a_decision_says_that_it_is_taken_by_whom_and_when(
        self, joining: Any, people: Any
    ) -> None:
        asked = batches.ask(joining, people["operator"])
        batch_payouts.reject(actor=people["approver"], batch_payout=asked, reason="Not these")
        browser = rows.browser_of(factories.person("approver"))
        operator = rows.browser_of(people["operator"])
        for step in ("reject", "cancel", "resolve", "mark_paid"):
            who = operator if step == "mark_paid" else browser
            shown = rows.text_of(who.get(reverse(f"payments:batchpayout_{step}", args=[asked.pk])))
            for words in ("This is decided already", people["approver"].get_username(), "Not these"):
                assert words in rows.words(shown), (step, words)
            assert 'method="post"' not in shown.split("<main")[1], step
        early = batches.ask(joining, people["operator"])
        shown = rows.text_of(browser.get(reverse("payments:batchpayout_resolve", args=[early.pk])))
        assert "There is nothing to decide here now" in shown
        assert "decided already" not in shown


class TestDeposit:
    def test_address_code_and_exact_amount_stand_on_the_page_while_it_may_be_paid(
        self, joining: Any, people: Any, box: Any
    ) -> None:
        made = batches.created(joining, people)
        browser = rows.browser_of(people["viewer"])
        said = page(browser, made)
        assert made.deposit_address in said
        assert "QR code of the deposit" in said
        assert "signed" in said
        batches.move(box, made, "expire")
        batches.look(made)
        said = page(browser, made)
        assert "QR code of the deposit" not in said
        assert "Do not pay" in said

    def test_paying_needs_an_account_of_ours_that_can(self, joining: Any, people: Any, box: Any) -> None:
        made = batches.created(joining, people)
        browser = rows.browser_of(people["operator"])
        url = reverse("payments:batchpayout_pay", args=[made.pk])
        assert url not in page(browser, made)
        payer = batches.payer(box)
        assert url in page(browser, made)
        form = browser.get(url).url
        said = rows.text_of(browser.get(form))
        assert made.deposit_address in said
        answer = browser.post(form, {"way": f"{payer.pk}:BTC", "currency": "BTC"})
        paid = Withdrawal.objects.get()
        assert answer.url == paid.get_absolute_url()
        assert url not in page(browser, made)
        assert str(paid) in page(browser, made)
        assert made.reference.value in page(browser, paid)  # type: ignore[arg-type]
        approving = reverse("payments:withdrawal_approve", args=[paid.pk])
        said = rows.text_of(rows.browser_of(people["approver"]).get(approving))
        assert "Pays the deposit of" in said
        assert (
            browser.post(form, {"way": f"{payer.pk}:BTC", "currency": "BTC"}).url == paid.get_absolute_url()
        )

    def test_paid_from_outside(self, joining: Any, people: Any, box: Any) -> None:
        made = batches.created(joining, people)
        batches.payer(box)
        browser = rows.browser_of(people["operator"])
        browser.post(reverse("payments:batchpayout_mark_paid", args=[made.pk]), {"note": "Cold wallet"})
        said = page(browser, made)
        assert "Cold wallet" in said
        assert reverse("payments:batchpayout_pay", args=[made.pk]) not in said

    def test_the_list_and_what_waits_find_those_to_be_paid_and_those_in_trouble(
        self, joining: Any, people: Any, box: Any
    ) -> None:
        made = batches.created(joining, people)
        batches.ask(joining, people["operator"])
        browser = rows.browser_of(people["operator"])
        url = reverse("payments:batchpayout_list")

        def found(status: str) -> list[BatchPayout]:
            return list(browser.get(url, {"status": status}).context["page"].rows)

        def waits(name: str) -> list[BatchPayout]:
            return list(office.registry.waiting[name].rows(people["operator"]))

        assert found("unpaid") == waits("batch-payouts-to-pay") == [made]
        assert found("trouble") == waits("batch-payouts-in-trouble") == []
        over = timezone.now() - dt.timedelta(seconds=1)
        BatchPayout.objects.filter(pk=made.pk).update(pay_until=over)  # too late: nobody is asked to pay
        assert found("unpaid") == waits("batch-payouts-to-pay") == []
        batch_payments.mark_paid(actor=people["operator"], batch_payout=made, note="Cold wallet")
        batches.move(box, made, "expire")
        batches.look(made)
        assert found("trouble") == waits("batch-payouts-in-trouble") == [made]

    def test_a_computed_balance_is_offered_and_called_so(self, joining: Any, people: Any, box: Any) -> None:
        made = batches.created(joining, people)
        payer = batches.listing_payer(box)
        browser = rows.browser_of(people["operator"])
        form = browser.get(reverse("payments:batchpayout_pay", args=[made.pk])).url
        said = rows.text_of(browser.get(form))
        assert "1.5 BTC available, computed, not confirmed by the provider" in said
        assert '<option value="BTC" selected>' in said
        answer = browser.post(form, {"way": f"{payer.pk}:BTC:bitcoin", "currency": "BTC"})
        assert answer.url == Withdrawal.objects.get().get_absolute_url()

    def test_the_queries_of_the_list_do_not_grow(
        self, joining: Any, people: Any, django_assert_max_num_queries: Any
    ) -> None:
        for _number in range(8):
            batches.ask(joining, people["operator"])
        browser = rows.browser_of(people["viewer"])
        browser.get(reverse("payments:batchpayout_list"))
        with django_assert_max_num_queries(20):
            browser.get(reverse("payments:batchpayout_list"))


def test_the_timeline_tells_the_way_in_words(joining: Any, people: Any) -> None:
    made = batches.created(joining, people)
    said = page(rows.browser_of(people["approver"]), made)
    for words in ("Batch payout requested", "Approved", "Waits for its deposit"):
        assert words in said
    assert "batch_payout." not in rows.words(said)
    assert batch_payouts.search_text(made).count(made.deposit_address) == 1
