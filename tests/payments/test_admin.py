"""The administration of accounts, methods and currencies: keys go in and never come out, errors stand at fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from backoffice.models import AuditEntry
from payments.models import CallbackToken, Currency, ExceptionItem, Method, ProviderAccount
from payments.providers import hosts
from payments.providers.base import ProbeReport
from payments.services import accounts
from tests import factories
from tests.payments import rows

pytestmark = pytest.mark.django_db
ADD = "/admin/payments/provideraccount/add/"
LIST = "/admin/payments/provideraccount/"
KEYS = {"key_api_key": rows.API_KEY, "key_api_secret": rows.API_SECRET}
ROW = {
    "provider": "bitloga",
    "name": "Main",
    "base_url": rows.BASE_URL,
    "is_active": "on",
    "money_in": "on",
    "rate_limit": "",
    "invoice_lifetime_days": "7",
    "reserve_margin": "0.02",
    "rate_tolerance": "0.005",
    "voucher_free_amount": "0",
    "voucher_free_currency": "",
}


@pytest.fixture(autouse=True)
def inside(settings: Any, monkeypatch: Any) -> None:
    """One address that may be used, and no look-up of names."""
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})
    monkeypatch.setattr(hosts, "resolve", lambda host, port, seconds: ["93.184.216.34"])


@pytest.fixture
def seen() -> list[str]:
    """Every page that the browser of this test was sent."""
    return []


@pytest.fixture
def browser(seen: list[str]) -> Iterator[Client]:
    """An admin's browser; none of its pages may hold a key."""

    class Watching(Client):
        def request(self, **request: Any) -> Any:
            response = super().request(**request)
            if not response.streaming:
                seen.append(response.content.decode() + str(response.headers))
            return response

    client = Watching()
    client.force_login(factories.person("admin"))
    yield client
    for page in seen:
        assert rows.API_KEY not in page
        assert rows.API_SECRET not in page


def change(account: ProviderAccount) -> str:
    return reverse("admin:payments_provideraccount_change", args=[account.pk])


def errors(answer: Any) -> dict[str, list[str]]:
    return answer.context["adminform"].form.errors if answer.status_code == 200 else {}


class TestAdd:
    def test_an_account_is_added_and_its_page_stays_open(self, browser: Client) -> None:
        answer = browser.post(ADD, ROW | KEYS, follow=True)
        account = ProviderAccount.objects.get()
        assert answer.redirect_chain[-1][0] == change(account)
        page = answer.content.decode()
        assert "Test its connection now." in page
        assert "Test connection" in page
        assert "A value is stored." in page
        assert account.keys == {"api_key": rows.API_KEY, "api_secret": rows.API_SECRET}
        assert account.methods.exists()
        assert account.health.state == "new"
        assert AuditEntry.objects.filter(verb="account.created").exists()

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("http://bitloga.com/api/v1/", "must start with https://"),
            ("https://10.0.0.5/api/v1/", "does not lead to a public server"),
            ("https://127.0.0.1/api/v1/", "does not lead to a public server"),
            ("https://localhost/", "not an address that can be used"),
            ("https://printer.local/", "does not lead to a public server"),
            ("https://user:pass@bitloga.com/", "not an address that can be used"),
            ("https://bitloga.com:99999/", "not an address that can be used"),
            ("https://[::1", "not an address that can be used"),
            ("nonsense", "not an address that can be used"),
            ("javascript:alert(1)", "not an address that can be used"),
            ("https://" + "a" * 300, "at most 300"),
            ("", "required"),
        ],
    )
    def test_a_wrong_address_is_explained_once_at_its_field(
        self, browser: Client, url: str, words: str
    ) -> None:
        answer = browser.post(ADD, ROW | KEYS | {"base_url": url})
        assert len(errors(answer)["base_url"]) == 1
        assert words in errors(answer)["base_url"][0]
        assert 'value="Main"' in answer.content.decode()
        assert not ProviderAccount.objects.exists()

    def test_a_name_that_leads_into_our_network_is_refused(self, browser: Client, monkeypatch: Any) -> None:
        monkeypatch.setattr(hosts, "resolve", lambda host, port, seconds: ["93.184.216.34", "192.168.1.2"])
        answer = browser.post(ADD, ROW | KEYS | {"base_url": "https://bitloga.com/"})
        assert "does not lead to a public server" in errors(answer)["base_url"][0]

    def test_a_name_that_nobody_knows_is_refused(self, browser: Client, monkeypatch: Any) -> None:
        monkeypatch.setattr(hosts, "resolve", mock.Mock(side_effect=OSError))
        answer = browser.post(ADD, ROW | KEYS | {"base_url": "https://bitloga.com/"})
        assert "No server was found under this name" in errors(answer)["base_url"][0]

    def test_keys_that_are_missing_or_broken_are_explained(self, browser: Client) -> None:
        answer = browser.post(ADD, ROW | {"key_api_key": "with a space"})
        found = errors(answer)
        assert "a space or a line break" in found["key_api_key"][0]
        assert found["key_api_secret"] == ["This is needed."]

    def test_keys_are_marked_as_needed_until_they_are_stored(self, browser: Client) -> None:
        form = browser.get(ADD).context["adminform"].form
        assert form.fields["key_api_key"].required
        assert not form.fields["key_api_secret"].required  # not every provider has one
        browser.post(ADD, ROW | KEYS)
        account = ProviderAccount.objects.get()
        form = browser.get(f"/admin/payments/provideraccount/{account.pk}/change/").context["adminform"].form
        assert not form.fields["key_api_key"].required

    def test_after_an_error_keys_are_asked_for_once_more(self, browser: Client) -> None:
        answer = browser.post(ADD, ROW | KEYS | {"name": ""})
        found = errors(answer)
        assert "a key is never sent back" in found["key_api_key"][0]
        assert "a key is never sent back" in found["key_api_secret"][0]

    def test_a_name_that_is_taken_is_explained(self, browser: Client) -> None:
        rows.account("Main")
        answer = browser.post(ADD, ROW | KEYS)
        assert "already exists" in errors(answer)["name"][0]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("rate_limit", "0"),
            ("rate_limit", "9999"),
            ("invoice_lifetime_days", "0"),
            ("reserve_margin", "1.5"),
            ("provider", "nobody"),
        ],
    )
    def test_values_out_of_range_are_explained(self, browser: Client, field: str, value: str) -> None:
        assert errors(browser.post(ADD, ROW | KEYS | {field: value}))[field]

    def test_what_only_the_service_notices_is_an_error_of_the_form(self, browser: Client) -> None:
        for refusal, words in (
            (ValidationError({"name": "Taken a moment ago."}), "Taken a moment ago."),
            (ValidationError({"api_key": "Not so."}), "Not so."),
            (ValidationError("Not like this."), "Not like this."),
            (IntegrityError("duplicate key"), "Somebody saved the same in this moment."),
        ):
            with mock.patch("payments.services.accounts.create", side_effect=refusal):
                answer = browser.post(ADD, ROW | KEYS)
            assert answer.status_code == 200
            assert words in answer.content.decode()
            assert rows.BASE_URL in answer.content.decode()


class TestChange:
    def test_a_key_that_is_not_typed_stays(self, browser: Client) -> None:
        account = rows.account("Main")
        browser.post(change(account), ROW | {"name": "Renamed"})
        account.refresh_from_db()
        assert account.name == "Renamed"
        assert account.keys["api_secret"] == rows.API_SECRET

    def test_one_key_alone_can_be_replaced(self, browser: Client) -> None:
        account = rows.account("Main")
        assert browser.post(change(account), ROW | {"key_api_secret": "another-one"}).status_code == 302
        account.refresh_from_db()
        assert account.keys == {"api_key": rows.API_KEY, "api_secret": "another-one"}

    def test_another_server_clears_the_keys_and_says_so(self, browser: Client) -> None:
        account = rows.account("Main")
        answer = browser.post(change(account), ROW | {"base_url": "https://bitloga.com/api/v1/"}, follow=True)
        assert "the keys were cleared" in answer.content.decode()
        account.refresh_from_db()
        assert account.keys == {}
        assert ExceptionItem.objects.filter(kind="account_moved").exists()

    def test_a_stored_key_does_not_follow_to_another_server(self, browser: Client) -> None:
        account = rows.account("Main")
        elsewhere = {"base_url": "https://bitloga.com/api/v1/", "key_api_secret": "the-new-one"}
        answer = browser.post(change(account), ROW | elsewhere)
        assert errors(answer)["key_api_key"] == ["This is needed."]
        account.refresh_from_db()
        assert account.base_url == rows.BASE_URL
        browser.post(change(account), ROW | elsewhere | {"key_api_key": "the-new-key"})
        account.refresh_from_db()
        assert account.keys == {"api_key": "the-new-key", "api_secret": "the-new-one"}

    def test_the_provider_cannot_be_changed(self, browser: Client) -> None:
        account = rows.account("Main")
        browser.post(change(account), ROW | {"provider": "other"})
        account.refresh_from_db()
        assert account.provider == "bitloga"

    def test_keys_of_another_ring_can_be_entered_again(self, browser: Client, settings: Any) -> None:
        account = rows.account("Main")
        settings.FIELD_ENCRYPTION_KEYS = ["b3RoZXItcmluZy1vdGhlci1yaW5nLW90aGVyLXJpbmc="]
        page = browser.get(change(account)).content.decode()
        assert "A value is stored." not in page
        answer = browser.post(change(account), ROW | {"name": "Renamed"})
        assert "another key ring wrote them" in answer.content.decode()
        answer = browser.post(reverse("admin:payments_provideraccount_probe", args=[account.pk]))
        assert "another key ring wrote them" in answer.content.decode()
        assert browser.post(change(account), ROW | KEYS).status_code == 302
        assert accounts.stored_keys(account) == {"api_key", "api_secret"}


@pytest.mark.django_db(transaction=True)
class TestSecrets:
    """L06: write-only fields. The browser of these tests checks every page that it was sent."""

    def test_no_page_and_no_history_ever_holds_a_key(self, browser: Client, seen: list[str]) -> None:
        browser.get(ADD)
        browser.post(ADD, ROW | KEYS | {"base_url": "http://bad/"})
        browser.post(ADD, ROW | KEYS)
        account = ProviderAccount.objects.get()
        browser.get(change(account))
        browser.post(change(account), ROW | KEYS | {"name": ""})
        browser.post(change(account), ROW | KEYS)
        browser.post(reverse("admin:payments_provideraccount_probe", args=[account.pk]))
        browser.get(reverse("admin:payments_provideraccount_history", args=[account.pk]))
        browser.get(LIST)
        browser.get("/admin/")
        browser.get("/audit/")
        browser.get(account.get_absolute_url())
        assert len(seen) >= 12
        told = [*LogEntry.objects.values_list("change_message", "object_repr")]
        told += AuditEntry.objects.values_list("facts", "object_text")
        assert len(told) >= 4
        assert rows.API_KEY not in repr(told)
        assert rows.API_SECRET not in repr(told)

    def test_the_callback_address_stands_on_no_page(self, browser: Client, seen: list[str]) -> None:
        account = rows.account("Main")
        token = CallbackToken.objects.get(account=account).token
        browser.get(change(account))
        browser.get(account.get_absolute_url())
        browser.post(reverse("admin:payments_provideraccount_renew_callback", args=[account.pk]), follow=True)
        assert token
        assert not any(token in page for page in seen)


class TestPlainKeys:
    """What is declared as no secret, such as an exchanger's language, is an ordinary box with its value in it."""

    NEW = ROW | {"provider": "premium_exchanger", "key_api_login": "login-1", "key_api_key": rows.API_KEY}

    def made(self, browser: Client) -> ProviderAccount:
        assert browser.post(ADD, self.NEW | {"key_api_lang": "ru_RU"}).status_code == 302
        return ProviderAccount.objects.get()

    def test_it_is_kept_shown_changed_and_removed(self, browser: Client) -> None:
        assert '<input type="text" name="key_api_lang"' in browser.get(ADD).content.decode()
        account = self.made(browser)
        page = browser.get(change(account)).content.decode()
        assert 'name="key_api_lang" value="ru_RU"' in page
        assert page.count("A value is stored") == 2 and "login-1" not in page
        for lang in ("ru_RU", "de_DE", ""):
            assert browser.post(change(account), self.NEW | {"key_api_lang": lang}).status_code == 302
            account.refresh_from_db()
            assert account.keys == {"api_login": "login-1", "api_key": rows.API_KEY} | (
                {"api_lang": lang} if lang else {}
            )

    def test_left_alone_it_is_no_change_and_a_mistake_elsewhere_keeps_it(self, browser: Client) -> None:
        account = self.made(browser)
        row = ROW | {"key_api_lang": "ru_RU", "name": "Renamed"}
        assert browser.post(change(account), row).status_code == 302
        assert AuditEntry.objects.filter(verb="account.changed").latest("pk").facts["keys_replaced"] is False
        answer = browser.post(change(account), row | {"name": "", "key_api_lang": "de_DE"})
        assert set(errors(answer)) == {"name"}
        assert 'value="de_DE"' in answer.content.decode()

    def test_to_another_server_it_goes_with_the_new_keys_only(self, browser: Client) -> None:
        account = self.made(browser)
        away = ROW | {"base_url": "https://other.example/api/userapi/v1/", "key_api_lang": "ru_RU"}
        assert browser.post(change(account), away).status_code == 302
        account.refresh_from_db()
        assert account.keys == {}
        back = self.NEW | {"key_api_lang": "ru_RU"}
        browser.post(change(account), back)
        browser.post(change(account), away | {"key_api_login": "a", "key_api_key": "b"})
        account.refresh_from_db()
        assert account.keys == {"api_login": "a", "api_key": "b", "api_lang": "ru_RU"}


@pytest.mark.django_db(transaction=True)
class TestProbe:
    def address(self, account: ProviderAccount) -> str:
        return reverse("admin:payments_provideraccount_probe", args=[account.pk])

    def test_a_provider_that_does_not_answer_is_said_in_plain_words(self, browser: Client) -> None:
        page = browser.post(self.address(rows.account("Main"))).content.decode()
        assert "The provider could not be reached. Nothing was sent." in page
        assert "Back to the account" in page

    def test_an_account_without_keys_is_said(self, browser: Client) -> None:
        account = rows.account("Main")
        ProviderAccount.objects.filter(pk=account.pk).update(credentials="")
        assert "has no keys yet" in browser.post(self.address(account)).content.decode()

    def test_asking_for_the_page_asks_nobody(self, browser: Client) -> None:
        account = rows.account("Main")
        with mock.patch("payments.services.accounts.probe") as probe:
            assert browser.get(self.address(account)).url == change(account)
        assert not probe.called

    @pytest.mark.parametrize(
        ("ok", "facts", "words"),
        [
            (True, {"signature": "accepted"}, "The connection works: the signature was accepted."),
            (True, {"signature": "wrong"}, "the signature of the answer is wrong"),
            (True, {"shop": "open"}, "The connection works.<"),
            (False, {"service": "maintenance"}, "the provider says that its service does not"),
        ],
    )
    def test_what_the_provider_tells_is_shown_as_it_is(
        self, browser: Client, ok: bool, facts: dict[str, str], words: str
    ) -> None:
        report = ProbeReport(ok, {}, 0, facts | {"limits.<b>": "<script>", "empty": ""})
        with mock.patch("payments.services.accounts.probe", return_value=report):
            page = browser.post(self.address(rows.account("Main"))).content.decode()
        assert words in page
        assert "limits.&lt;b&gt;" in page
        assert "&lt;script&gt;" in page
        assert "none were stated" in page


@pytest.mark.django_db(transaction=True)
class TestProbeAtTheSandbox:
    def test_balances_signature_and_clock_are_told(self, account: Any, people: Any) -> None:
        browser = rows.browser_of(people["admin"])
        page = browser.post(
            reverse("admin:payments_provideraccount_probe", args=[account.pk])
        ).content.decode()
        assert "the signature was accepted" in page
        assert "Balance in USDT" in page
        assert "agrees with the provider" in page

    def test_wrong_keys_are_told_in_plain_words(self, account: Any, people: Any) -> None:
        accounts.change(
            actor=people["admin"], account=account, credentials={"api_key": "unknown", "api_secret": "wrong"}
        )
        browser = rows.browser_of(people["admin"])
        page = browser.post(
            reverse("admin:payments_provideraccount_probe", args=[account.pk])
        ).content.decode()
        assert "An admin must check the keys." in page

    def test_a_wrong_address_is_told_as_such(self, account: Any, people: Any) -> None:
        wrong = account.base_url.replace("/api/v1/", "/nowhere/")
        accounts.change(actor=people["admin"], account=account, base_url=wrong)
        browser = rows.browser_of(people["admin"])
        page = browser.post(
            reverse("admin:payments_provideraccount_probe", args=[account.pk])
        ).content.decode()
        assert "the base URL may be wrong" in page


class TestCallbackAddress:
    def test_it_asks_first_and_then_retires_the_old_one(self, browser: Client) -> None:
        account = rows.account("Main")
        address = reverse("admin:payments_provideraccount_renew_callback", args=[account.pk])
        assert "accepted for 30 days" in browser.get(address).content.decode()
        assert CallbackToken.objects.filter(retired_at=None).count() == 1
        assert (
            "New invoices use a new callback address" in browser.post(address, follow=True).content.decode()
        )
        assert CallbackToken.objects.filter(retired_at=None).count() == 1
        assert CallbackToken.objects.count() == 2


class TestRoles:
    @pytest.mark.parametrize("role", ("viewer", "operator", "approver", "finance"))
    def test_only_admins_come_in(self, role: str) -> None:
        account = rows.account("Main")
        browser = rows.browser(role)
        for address in (
            LIST,
            ADD,
            change(account),
            reverse("admin:payments_provideraccount_probe", args=[account.pk]),
            reverse("admin:payments_provideraccount_renew_callback", args=[account.pk]),
            "/admin/payments/method/",
            "/admin/payments/currency/",
        ):
            assert browser.get(address).status_code == 403
            assert browser.post(address, ROW | KEYS).status_code == 403
        assert ProviderAccount.objects.count() == 1

    def test_a_superuser_without_the_role_does_not(self) -> None:
        root = factories.person()
        root.is_superuser = root.is_staff = True
        root.save()
        assert rows.browser_of(root).get(LIST).status_code == 403

    def test_nothing_can_be_deleted(self, browser: Client) -> None:
        account = rows.account("Main")
        method, currency = account.methods.first(), Currency.objects.first()
        for name, row in (("provideraccount", account), ("method", method), ("currency", currency)):
            address = reverse(f"admin:payments_{name}_delete", args=[row.pk])
            assert browser.get(address).status_code == 403
            assert browser.post(address, {"post": "yes"}).status_code == 403
            assert address not in browser.get(f"/admin/payments/{name}/{row.pk}/change/").content.decode()
            data = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
            browser.post(f"/admin/payments/{name}/", data)
        assert ProviderAccount.objects.exists()
        assert Method.objects.filter(pk=method.pk).exists()
        assert Currency.objects.filter(pk=currency.pk).exists()


class TestMethods:
    def fields(self, method: Method, **changed: str) -> dict[str, Any]:
        return {"title": method.title, "currency": method.currency, "enabled": "on", **changed}

    def test_an_accounts_own_are_one_click_away(self, browser: Client) -> None:
        account, other = rows.account("Main"), rows.account("Other")
        Method.objects.filter(account=other).update(title="of the other")
        link = f"/admin/payments/method/?account__id__exact={account.pk}"
        assert link in browser.get(change(account)).content.decode()
        page = browser.get(link).content.decode()
        assert "USDTBALANCE" in page
        assert "of the other" not in page

    def test_a_change_is_saved_and_audited(self, browser: Client) -> None:
        method = rows.account("Main").methods.get(code="BTC")
        address = reverse("admin:payments_method_change", args=[method.pk])
        sent = self.fields(method, min_amount="0.001", max_amount="2", fee_fixed="0.0005", fee_rate="0.01")
        browser.post(address, sent)
        method.refresh_from_db()
        assert str(method.max_amount.normalize()) == "2"
        assert (str(method.fee_fixed.normalize()), str(method.fee_rate.normalize())) == ("0.0005", "0.01")
        assert AuditEntry.objects.filter(verb="method.changed").exists()

    def test_limits_that_contradict_are_explained_and_what_was_typed_stays(self, browser: Client) -> None:
        method = rows.account("Main").methods.get(code="BTC")
        address = reverse("admin:payments_method_change", args=[method.pk])
        answer = browser.post(address, self.fields(method, min_amount="5", max_amount="2"))
        assert errors(answer)["max_amount"] == ["The largest amount is below the smallest."]
        assert 'value="5"' in answer.content.decode()
        assert "exponent" not in answer.content.decode()
        assert errors(browser.post(address, self.fields(method, min_amount="1e5")))["min_amount"]
        assert errors(browser.post(address, self.fields(method, fee_fixed="-1")))["fee_fixed"]
        assert errors(browser.post(address, self.fields(method, fee_rate="2")))["fee_rate"]

    def test_a_code_that_stands_already_is_explained(self, browser: Client) -> None:
        account = rows.account("Main")
        data = {"account": account.pk, "code": "BTC", "title": "x", "currency": "BTC"}
        answer = browser.post("/admin/payments/method/add/", data)
        assert answer.status_code == 200
        assert "already exists" in answer.content.decode()


class TestCurrencies:
    def test_one_is_added_and_its_digits_are_checked(self, browser: Client) -> None:
        address = "/admin/payments/currency/add/"
        data = {"code": "JPY", "title": "Yen", "digits": "0", "is_fiat": "on"}
        assert browser.post(address, data).status_code == 302
        assert Currency.objects.get(code="JPY").digits == 0
        assert "already exists" in errors(browser.post(address, data))["code"][0]
        assert errors(browser.post(address, data | {"code": "XXX", "digits": "19"}))["digits"]
