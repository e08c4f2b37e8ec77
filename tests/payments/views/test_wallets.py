"""The pages of wallets, deposits and withdrawals at a provider with networks: who may what, and what they say."""

from __future__ import annotations

import re
from typing import Any

import pytest

from payments.models import Deposit, Wallet, Withdrawal
from payments.services import deposits, wallets, withdrawals
from tests.payments import desk_rows, rows

pytestmark = pytest.mark.django_db(transaction=True)
NOTE = "computed, not confirmed by the provider"


@pytest.fixture
def wallet(there: Any, people: Any) -> Wallet:
    fields = {"ticker": "USDT", "network": "tron", "_customer_reference": "<b>ann</b>", "_label": "shop"}
    made = wallets.create(actor=people["operator"], account=there, fields=fields)
    wallets.submit(wallet_id=made.pk)
    made.refresh_from_db()
    return made


def posted(browser: Any, address: str, data: dict[str, Any]) -> Any:
    """Fill in a form: first its page, whose address gets a token."""
    page = browser.get(address)
    return browser.post(page["Location"] if page.status_code == 302 else address, data)


class TestWallets:
    def test_the_list_and_its_page(self, wallet: Wallet, there: Any, desk: Any) -> None:
        desk.deposit(address=wallet.address, wallet_slug=wallet.provider_id, status=5)
        deposits.scan(account_id=there.pk)
        for role in ("viewer", "operator"):
            browser = rows.browser(role)
            listed = rows.text_of(browser.get("/wallets/"))
            assert wallet.reference.value in listed
            assert ("New wallet" in listed) == (role == "operator")
            shown = rows.text_of(browser.get(f"/wallets/{wallet.pk}/"))
            assert wallet.address in shown
            assert 'class="qr-box"' in shown
            assert "&lt;b&gt;ann" in shown
            assert "<b>ann" not in shown
            assert "292.00" in shown
            assert ("Change whom it is for" in shown) == (role == "operator")

    def test_a_code_without_the_tag_is_not_shown(self, wallet: Wallet) -> None:
        Wallet.objects.filter(pk=wallet.pk).update(tag="774411")
        shown = rows.text_of(rows.browser("viewer").get(f"/wallets/{wallet.pk}/"))
        assert "774411" in shown
        assert 'class="qr-box"' not in shown

    def test_it_is_found_by_its_address(self, wallet: Wallet) -> None:
        shown = rows.text_of(rows.browser("viewer").get("/wallets/", {"q": wallet.address}))
        assert wallet.reference.value in shown

    def test_one_is_made_by_the_form(self, there: Any, people: Any) -> None:
        browser = rows.browser_of(people["operator"])
        answer = posted(browser, f"/wallets/new/{there.pk}/", {"paysys": "USDT:tron", "_label": "till"})
        assert answer.status_code == 302, rows.words(rows.text_of(answer))
        assert Wallet.objects.get().label == "till"

    def test_what_is_wrong_stands_at_its_box(self, there: Any, people: Any) -> None:
        browser = rows.browser_of(people["operator"])
        data = {"paysys": "USDT:tron", "convert_ticker": "BTC"}
        shown = rows.text_of(posted(browser, f"/wallets/new/{there.pk}/", data))
        assert "would take 5 %" in rows.error_at(shown, "convert_percent")
        assert "would take 5 %" in shown

    def test_a_second_one_for_a_customer_asks_for_a_tick(
        self, wallet: Wallet, there: Any, people: Any
    ) -> None:
        browser = rows.browser_of(people["operator"])
        data = {"paysys": "USDT:tron", "_customer_reference": "<b>ann</b>"}
        shown = rows.text_of(posted(browser, f"/wallets/new/{there.pk}/", data))
        assert "has an address of this kind already" in shown
        assert 'name="_confirm_similar"' in shown
        answer = posted(browser, f"/wallets/new/{there.pk}/", data | {"_confirm_similar": "on"})
        assert answer.status_code == 302

    def test_a_conversion_is_read_and_approved(self, there: Any, people: Any) -> None:
        fields = {"ticker": "USDT", "network": "tron", "convert_ticker": "BTC", "convert_percent": "-0.5"}
        made = wallets.create(actor=people["operator"], account=there, fields=fields)
        own = rows.text_of(rows.browser_of(people["operator"]).get(f"/wallets/{made.pk}/"))
        assert "Read and approve" not in own
        browser = rows.browser_of(people["approver"])
        shown = rows.text_of(browser.get(f"/wallets/{made.pk}/approve/"))
        assert "at least 0.5 % better than the market" in shown
        seen = re.search(r'name="seen" value="(\w+)"', shown)
        assert seen is not None
        browser.post(f"/wallets/{made.pk}/approve/", {"seen": seen[1]})
        made.refresh_from_db()
        assert made.status == "approved"

    def test_the_doubt_says_what_happens(self, there: Any, people: Any, desk: Any) -> None:
        made = wallets.create(
            actor=people["operator"], account=there, fields={"ticker": "USDT", "network": "tron"}
        )
        desk.faults["wallet/create"] = [500]
        wallets.submit(wallet_id=made.pk)
        browser = rows.browser_of(people["approver"])
        assert "It is not known whether this address was made" in rows.text_of(
            browser.get(f"/wallets/{made.pk}/")
        )
        shown = rows.text_of(browser.post(f"/wallets/{made.pk}/resolve/", {"note": "gone"}))
        assert "must be read 3 times first" in shown

    def test_it_goes_to_another_customer_only_with_a_tick(self, wallet: Wallet, people: Any) -> None:
        browser = rows.browser_of(people["operator"])
        shown = rows.text_of(browser.post(f"/wallets/{wallet.pk}/give/", {"customer": "bob"}))
        assert "would count for another" in shown
        browser.post(f"/wallets/{wallet.pk}/give/", {"customer": "bob", "confirm": "on"})
        wallet.refresh_from_db()
        assert wallet.customer == "bob"


class TestDeposits:
    def test_the_list_and_its_page(self, wallet: Wallet, there: Any, desk: Any) -> None:
        desk.deposit(
            address=wallet.address, wallet_slug=wallet.provider_id, status=5, txid="0xfeed", actual_confirmations=3,
            aml_success=True, aml_risk="0.1", aml_url="https://aml.example/1",
        )  # fmt: skip
        deposits.scan(account_id=there.pk)
        one = Deposit.objects.get()
        browser = rows.browser("viewer")
        listed = rows.text_of(browser.get("/deposits/", {"q": "0xfeed"}))
        assert one.reference.value in listed
        assert "3 / 20" in listed
        shown = rows.text_of(browser.get(f"/deposits/{one.pk}/"))
        for said in ("300.00", "292.00", "0xfeed", "https://aml.example/1", "0.1", "Confirmed"):
            assert said in shown, said

    def test_a_file_has_what_the_list_shows(self, wallet: Wallet, there: Any, desk: Any) -> None:
        desk.deposit(address=wallet.address, status=5)
        deposits.scan(account_id=there.pk)
        answer = rows.browser("finance").get("/deposits/", {"export": "csv"})
        assert answer.status_code in (200, 302)


class TestWithdrawals:
    def test_the_form_has_one_choice_one_payee_and_obeys_the_method(self, there: Any, people: Any) -> None:
        browser = rows.browser_of(people["operator"])
        address = browser.get(f"/withdrawals/new/{there.pk}/")["Location"]
        shown = rows.text_of(browser.get(f"{address}?paysys=USDT%3Atron"))
        assert "USDT · tron (5 to 1,000 USDT, fee 1 USDT + 1 %)" in rows.words(shown)
        assert "BTC · btc" not in shown  # closed there
        for name in ("ticker", "network", "card", "address", "currency"):
            assert f'name="{name}"' not in shown
        redrawn = rows.text_of(browser.post(address, {"_redraw": "1", "paysys": "UAH:visa"}))
        assert "Payee&#x27;s card" in redrawn or "Payee's card" in redrawn
        estimate = browser.post(address, {"_estimate": "1", "paysys": "USDT:tron", "amount": "10"})
        said = rows.words(rows.text_of(estimate))
        assert "11.10" in said
        assert NOTE in said

    def test_it_is_requested_read_and_approved(self, there: Any, people: Any) -> None:
        data = {
            "paysys": "USDT:tron",
            "amount": "10",
            "purse": desk_rows.PAYEE,
            "fee_payer": "2",
            "_note": "rent",
        }
        answer = posted(rows.browser_of(people["operator"]), f"/withdrawals/new/{there.pk}/", data)
        assert answer.status_code == 302, rows.words(rows.text_of(answer))
        made = Withdrawal.objects.get()
        assert made.fields["network"] == "tron"
        shown = rows.text_of(rows.browser_of(people["approver"]).get(f"/withdrawals/{made.pk}/approve/"))
        for said in ("the payee gets less", "1.10", NOTE, "fee_payer", "The amount: the payee gets less"):
            assert said in shown, said
        withdrawals.approve(actor=people["approver"], withdrawal=made)
        withdrawals.submit(withdrawal_id=made.pk)
        detail = rows.text_of(rows.browser("viewer").get(f"/withdrawals/{made.pk}/"))
        assert "Debited, computed: the provider states none" in detail

    def test_what_is_wrong_stands_at_its_box(self, there: Any, people: Any) -> None:
        data = {"paysys": "XRP:xrp", "amount": "4", "purse": "rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY"}
        shown = rows.text_of(
            posted(rows.browser_of(people["operator"]), f"/withdrawals/new/{there.pk}/", data)
        )
        assert "needs a tag" in rows.error_at(shown, "dtag")
        assert "smallest amount" in rows.error_at(shown, "amount")
        assert "opening balance in XRP" in rows.error_at(shown, "paysys")

    def test_the_doubt_offers_no_second_sending(self, there: Any, people: Any, desk: Any) -> None:
        made = desk_rows.approved(there, people)
        desk.faults["withdraw/create"] = [500]
        withdrawals.submit(withdrawal_id=made.pk)
        with pytest.raises(Exception, match="not in the list"):
            withdrawals.refresh(withdrawal_id=made.pk)
        shown = rows.text_of(rows.browser("approver").get(f"/withdrawals/{made.pk}/"))
        assert "1 of 3 times" in shown
        assert "Propose sending again" not in shown
        assert "it does not know this reference" in shown


class TestDashboard:
    def test_deposits_wait_for_who_made_the_address_and_held_ones_for_an_approver(
        self, wallet: Wallet, there: Any, desk: Any
    ) -> None:
        mine = {"address": wallet.address, "wallet_slug": wallet.provider_id}
        desk.deposit(**mine)
        desk.deposit(**mine, status=5, aml_success=False, aml_risk="high")
        deposits.scan(account_id=there.pk)
        waits = {"operator": ("wait for confirmations",), "approver": ("on hold",), "viewer": ()}
        for role, lines in waits.items():
            shown = rows.words(rows.text_of(rows.browser(role).get("/")))
            for line in ("wait for confirmations", "on hold"):
                assert (f"Deposits that {line}" in shown or f"Deposits {line}" in shown) == (line in lines), (
                    role
                )
        held = rows.text_of(rows.browser("approver").get("/deposits/", {"status": "held"}))
        assert "1 entry" in rows.words(held)


def test_the_account_page_shows_no_comparison_where_nobody_states_balances(there: Any) -> None:
    shown = rows.words(rows.text_of(rows.browser("viewer").get(f"/provider-accounts/{there.pk}/")))
    assert NOTE in shown
    assert "Not explained" not in shown
