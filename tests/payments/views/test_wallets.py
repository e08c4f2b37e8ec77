"""The pages of wallets, deposits and withdrawals at a provider with networks: who may what, and what they say."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from backoffice.models import SearchEntry
from backoffice.services import search
from payments.models import Deposit, ProviderAccount, Wallet, Withdrawal
from payments.providers.spelling import comparable
from payments.services import deposits, invoices, own_addresses, wallets, withdrawals
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
        shown = rows.text_of(browser.get(f"/deposits/{one.pk}/"))
        for said in ("300.00", "292.00", "0xfeed", "https://aml.example/1", "0.1", "Confirmed"):
            assert said in shown, said

    def test_a_phone_shows_what_one_knows_it_by(self, wallet: Wallet, there: Any, desk: Any) -> None:
        """Whose it is, where it arrived, by which way, at which account: in cells that no screen hides."""
        Wallet.objects.update(tag="774411")
        mine = {"address": wallet.address, "wallet_slug": wallet.provider_id, "memo": "774411"}
        desk.deposit(**mine, actual_confirmations=3)
        deposits.scan(account_id=there.pk)
        for address in ("/deposits/", "/wallets/"):
            shown = rows.text_of(rows.browser("viewer").get(address))
            body = shown[shown.index("<tbody>") : shown.index("</tbody>")]
            seen = " ".join(cell for cell in body.split("<td")[1:] if "d-none" not in cell.split(">")[0])
            known = (wallet.address, "USDT:tron", "774411", there.name, "&lt;b&gt;ann", "shop")
            assert [one for one in known if one not in seen] == [], address
            if address == "/deposits/":
                assert "3 / 20" in seen
                assert 'value="confirmations"' in shown  # the column picker still has it

    def test_columns_on_request_are_drawn_and_ticked_only_for_those_who_ask(
        self, wallet: Wallet, there: Any, desk: Any
    ) -> None:
        desk.deposit(address=wallet.address, wallet_slug=wallet.provider_id, txid="0xfeed")
        deposits.scan(account_id=there.pk)
        asked = {"account", "network", "txid", "fee", "confirmations"}
        usual = ["reference", "arrived_at", "wallet", "address", "amount", "status"]
        browser = rows.browser("viewer")

        def shown(*columns: str) -> tuple[list[str], set[str]]:
            """The drawn columns, and those that the menu ticks."""
            answer = browser.get("/deposits/", {"column": columns})
            drawn = [head.label for head in answer.context["table"].heads()]
            assert rows.text_of(answer).count("<td") == len(drawn)
            return drawn, {name for name, _label, ticked in answer.context["columns"] if ticked}

        drawn, ticked = shown()
        assert (len(drawn), ticked) == (len(usual), set(usual))
        assert len(shown(*usual[:-1])[0]) == len(usual) - 1
        drawn, ticked = shown("txid", "status")
        assert (drawn, ticked) == (["Transaction", "Status"], {"txid", "status"})
        assert {name for name, _label, _ticked in browser.get("/deposits/").context["columns"]} == {
            *usual,
            *asked,
        }

    def test_two_release_what_the_aml_check_flags_and_both_see_what_it_is(
        self, wallet: Wallet, there: Any, desk: Any, people: Any
    ) -> None:
        row = desk.deposit(
            address=wallet.address, wallet_slug=wallet.provider_id, status=5, txid="0xfeed",
            aml_success=False, aml_risk="0.96", aml_url="https://aml.example/1",
        )  # fmt: skip
        deposits.scan(account_id=there.pk)
        one = Deposit.objects.get()
        first, second = rows.browser_of(people["approver"]), rows.browser("approver")
        release, confirm = f"/references/{one.reference_id}/release/", f"/deposits/{one.pk}/confirm/"
        assert "Propose to release" in rows.text_of(second.get(f"/deposits/{one.pk}/"))
        second.post(release, {"note": "about the first score"})
        stands = rows.text_of(first.get(f"/deposits/{one.pk}/"))
        assert "Propose to release" not in stands
        assert "changes before, it must be proposed again" in stands
        assert first.get(release).status_code == 302
        row["aml_risk"] = "0.97"  # what was proposed is not what is held now
        deposits.scan(account_id=there.pk)
        stale = rows.text_of(first.get(f"/deposits/{one.pk}/"))
        assert [said for said in ("has changed since", "Propose to release") if said not in stale] == []
        facts = ("292.00", "300.00", "USDT", "&lt;b&gt;ann", "shop", "not passed", "0.97", "are credited to")
        link = re.compile(r'href="https://aml\.example/1" target="_blank" rel="noopener')
        shown = rows.text_of(first.get(release))
        assert [said for said in facts if said not in shown] == []
        assert link.search(shown)
        first.post(release, {"note": "their papers are in order"})
        assert rows.text_of(first.get(release, follow=True)).count("waits for a second person") == 1
        assert "Read and confirm" not in rows.text_of(first.get(f"/deposits/{one.pk}/"))
        assert "Read and confirm" in rows.text_of(second.get(f"/deposits/{one.pk}/"))
        assert "Releases of deposits to confirm" in rows.text_of(second.get("/"))
        assert "1 entry" in rows.words(rows.text_of(second.get("/deposits/", {"status": "to_confirm"})))
        shown = rows.text_of(second.get(confirm))
        assert [said for said in (*facts, "their papers") if said not in shown] == []
        proposal = re.search(r'name="proposal" value="(\d+)"', shown)
        assert proposal is not None
        second.post(confirm, {})  # has not read which
        first.post(confirm, {"proposal": proposal[1]})
        assert Deposit.objects.get().reference.held_at is not None
        assert rows.browser("operator").post(confirm, {"proposal": proposal[1]}).status_code == 403
        second.post(confirm, {"proposal": proposal[1]})
        assert Deposit.objects.get().reference.held_at is None

    def test_only_a_safe_report_is_a_link(self, there: Any, desk: Any) -> None:
        url = "http://aml.example/1"
        desk.deposit(status=5, aml_success=True, aml_url=url)
        deposits.scan(account_id=there.pk)
        shown = rows.text_of(rows.browser("viewer").get(f"/deposits/{Deposit.objects.get().pk}/"))
        assert url in shown
        assert f'href="{url}' not in shown

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

    def test_paying_to_a_customers_own_address_needs_a_tick_and_the_approver_is_told(
        self, wallet: Wallet, there: Any, people: Any
    ) -> None:
        Wallet.objects.update(address=desk_rows.PAYEE)
        data = {"paysys": "USDT:tron", "amount": "10", "purse": desk_rows.PAYEE}
        browser = rows.browser_of(people["operator"])
        shown = rows.text_of(posted(browser, f"/withdrawals/new/{there.pk}/", data))
        warning = "it was made for &lt;b&gt;ann"
        assert (warning in shown, wallet.get_absolute_url() in shown) == (True, True)
        assert not Withdrawal.objects.exists()
        tick = re.search(r'name="_confirm_own" value="(\w+)"', shown)
        assert tick is not None
        # A tick for something else is none, also for whoever calls the service.
        for wrong in (True, "on", tick[1][::-1]):
            said = {"ticker": "USDT", "network": "tron", "amount": "10", "address": desk_rows.PAYEE}
            with pytest.raises(ValidationError, match="our own"):
                withdrawals.request(
                    actor=people["operator"], account=there, fields=said | {"_confirm_own": wrong}
                )
        elsewhere = data | {"purse": "TMuA6YqfCeX8EhbfYEg5y7S4DqzSJireY9", "_confirm_own": tick[1]}
        assert posted(browser, f"/withdrawals/new/{there.pk}/", elsewhere).status_code == 302
        meant = data | {"_confirm_own": tick[1]}
        assert posted(browser, f"/withdrawals/new/{there.pk}/", meant).status_code == 302
        other, made = Withdrawal.objects.order_by("pk")
        approver = rows.browser_of(people["approver"])
        for one, told in ((other, False), (made, True)):
            assert (warning in rows.text_of(approver.get(f"/withdrawals/{one.pk}/approve/"))) == told
        several = rows.text_of(approver.get("/withdrawals/approve/", {"pk": [other.pk, made.pk]}))
        assert several.count("Open it alone to read") == 1

    def test_our_own_address_is_known_however_it_is_spelled_and_where_an_invoice_is_paid(
        self, wallet: Wallet, there: Any, people: Any
    ) -> None:
        mixed, coin, card = (
            "0xDE709f2102306220921060314715629080e2FB77",
            "TPaidHere1234567890",
            "4242424242424242",
        )
        Wallet.objects.update(address=mixed)
        fields = {"ticker": "UAH", "network": "visa", "amount": "100", "client_ip": "8.8.4.4"}
        bill = invoices.create(actor=people["operator"], account=there, fields=fields)
        bill.requisites = [{"type": "crypto", "wallet": coin}, {"type": "card", "wallet": card}]
        bill.save(update_fields=["requisites"])
        search.index(kind="wallet", object_ids=[wallet.pk])
        search.index(kind="invoice", object_ids=[bill.pk])
        found = own_addresses.find([mixed.lower(), coin, coin.lower(), card, "TSomebodyElse12345"])
        assert found == {mixed.lower(): wallet, coin: bill}
        for begin in ("bc1", "ltc1", "tb1", "bcrt1", "tltc1"):
            assert comparable(f"{begin}qAB".upper()) == f"{begin}qab"
        assert card not in SearchEntry.objects.get(kind="invoice").text

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
    def test_held_deposits_wait_for_an_approver_and_pending_ones_for_nobody(
        self, wallet: Wallet, there: Any, desk: Any
    ) -> None:
        mine = {"address": wallet.address, "wallet_slug": wallet.provider_id}
        desk.deposit(**mine)
        desk.deposit(**mine, status=5, aml_success=False, aml_risk="high")
        deposits.scan(account_id=there.pk)
        waits: dict[str, tuple[str, ...]] = {"operator": (), "approver": ("on hold",), "viewer": ()}
        for role, lines in waits.items():
            shown = rows.words(rows.text_of(rows.browser(role).get("/")))
            for line in ("wait for confirmations", "on hold"):
                assert (f"Deposits that {line}" in shown or f"Deposits {line}" in shown) == (line in lines), (
                    role
                )
        held = rows.text_of(rows.browser("approver").get("/deposits/", {"status": "held"}))
        assert "1 entry" in rows.words(held)


def test_filters_offer_only_what_can_occur(there: Any, people: Any) -> None:
    """Accounts whose provider can do it; of currencies those that arrive at addresses."""
    for name in ("bitloga", "coinjoin", "premium_exchanger"):
        ProviderAccount.objects.create(provider=name, name=name, base_url="https://provider.example/")
    wanted = {
        "/wallets/": {"bitexbit"},
        "/deposits/": {"bitexbit"},
        "/payer-links/": {"bitexbit"},
        "/invoice-payments/": {"bitexbit"},
        "/invoices/": {"bitexbit", "bitloga"},
        "/withdrawals/": {"bitexbit", "bitloga"},
        "/bids/": {"premium_exchanger"},
        "/exchange/": {"premium_exchanger"},
        "/partner/payouts/": {"premium_exchanger"},
        "/partner/exchanges/": {"premium_exchanger"},
        "/batch-payouts/": {"coinjoin"},
        "/vouchers/": {"bitloga"},
    }
    browser = rows.browser("viewer")
    for address, providers in wanted.items():
        fields = browser.get(address).context["filterset"].form.fields
        offered = {account.provider for account in fields["account"].queryset}
        assert offered == providers, address
        if address in ("/wallets/", "/deposits/"):
            assert {code for code, _label in fields["currency"].choices if code} == {
                *("BTC", "ETH", "USDC", "USDT", "XRP")
            }


def test_the_account_page_shows_no_comparison_where_nobody_states_balances(there: Any) -> None:
    shown = rows.words(rows.text_of(rows.browser("viewer").get(f"/provider-accounts/{there.pk}/")))
    assert NOTE in shown
    assert "Not explained" not in shown
