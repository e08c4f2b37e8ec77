"""Bulk actions: chosen rows shown first, each through its own service, each with its own result."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from backoffice.models import AuditEntry
from payments.models import ExceptionItem, Invoice, ProviderAccount
from payments.services import exceptions, invoices
from tests import factories
from tests.payments import rows

pytestmark = pytest.mark.django_db
ROLES = ("viewer", "operator", "approver", "finance", "admin")
CHECK, OWN, CLOSE = "/invoices/refresh/", "/exceptions/own/", "/exceptions/close/"


@pytest.fixture
def main(settings: Any) -> ProviderAccount:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})
    return rows.account("Main")


def bills(account: ProviderAccount, count: int) -> list[Invoice]:
    fields = {"paysys": "USDTBALANCE", "amount": "12.5"}
    made = [invoices.create(actor=None, account=account, fields=fields) for _number in range(count)]
    Invoice.objects.update(status="open")
    return made


def text(answer: Any) -> str:
    return answer.content.decode()


def words(shown: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", shown).split())


def chosen(*objects: Any) -> dict[str, Any]:
    return {"chosen": "1", "pk": [one.pk for one in objects]}


def sent(shown: str, **more: str) -> dict[str, Any]:
    token = re.search(r'name="token" value="([\w-]+)"', shown)
    assert token is not None
    return {"token": token[1], "pk": re.findall(r'name="pk" value="([\w.]+)"', shown), **more}


@pytest.fixture
def asked(monkeypatch: Any) -> list[int]:
    """The invoices that a worker was woken for; the service itself is not replaced."""
    seen: list[int] = []

    def later(task: str, *arguments: Any) -> None:
        if task == "payments.refresh_invoice":
            seen.append(arguments[0])

    monkeypatch.setattr(invoices.wake, "later", later)
    return seen


class TestCheckNow:
    def test_ticks_are_for_those_who_may_do_something(self, main: ProviderAccount) -> None:
        bills(main, 1)
        for role in ROLES:
            shown = text(rows.browser(role).get("/invoices/"))
            assert ('form="bulk"' in shown) == (role != "viewer")

    def test_a_row_with_which_nothing_can_be_done_has_no_tick(self, main: ProviderAccount) -> None:
        bills(main, 1)
        Invoice.objects.update(status="creating")
        assert 'form="bulk"' not in text(rows.browser("finance").get("/invoices/"))

    def test_rows_and_totals_come_first_then_each_is_asked_about(
        self, main: ProviderAccount, asked: list[int]
    ) -> None:
        first, second, third = bills(main, 3)
        Invoice.objects.filter(pk=third.pk).update(status="creating")
        browser = rows.browser("finance")
        shown = text(browser.get(CHECK, chosen(first, second, third)))
        assert "2 rows, 1 cannot" in words(shown)
        assert "It is being created." in shown
        assert "2 rows 25.00 USDT" in words(shown)
        assert asked == []
        answer = text(browser.post(CHECK, sent(shown), follow=True))
        assert asked == [first.pk, second.pk]
        assert "2 done, 0 refused" in words(answer)

    def test_sent_twice_is_done_once(self, main: ProviderAccount, asked: list[int]) -> None:
        browser = rows.browser("finance")
        data = sent(text(browser.get(CHECK, chosen(*bills(main, 1)))))
        browser.post(CHECK, data)
        browser.post(CHECK, data)
        assert len(asked) == 1

    def test_an_error_of_ours_stops_it_and_says_what_was_not_tried(
        self, main: ProviderAccount, monkeypatch: Any
    ) -> None:
        made, calls = bills(main, 3), []

        def broken(*, actor: Any, invoice: Invoice) -> None:
            calls.append(invoice.pk)
            if len(calls) == 2:
                raise RuntimeError("a mistake of ours")

        monkeypatch.setattr(invoices, "ask_now", broken)
        browser = rows.browser("finance")
        answer = text(browser.post(CHECK, sent(text(browser.get(CHECK, chosen(*made)))), follow=True))
        assert len(calls) == 2
        assert "1 done, 1 refused, 1 not tried" in words(answer)
        assert "This was stopped before its end" in answer
        assert "An error of ours" in answer
        assert "a mistake of ours" not in answer

    def test_who_is_cut_off_reads_that_nothing_is_known(
        self, main: ProviderAccount, monkeypatch: Any
    ) -> None:
        def killed(*, actor: Any, invoice: Invoice) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(invoices, "ask_now", killed)
        browser = rows.browser("finance")
        data = sent(text(browser.get(CHECK, chosen(*bills(main, 2)))))
        with pytest.raises(KeyboardInterrupt):
            browser.post(CHECK, data)
        answer = text(browser.get(CHECK, {"done": data["token"]}))
        assert "2 not tried" in words(answer)
        assert "This was stopped before its end" in answer

    def test_nothing_ticked_and_odd_keys_do_nothing(self, main: ProviderAccount, asked: list[int]) -> None:
        one = bills(main, 1)[0]
        browser = rows.browser("finance")
        assert "Nothing is chosen" in text(browser.get(CHECK, {"chosen": "1"}))
        assert "Nothing is chosen" in text(browser.get(CHECK))
        browser.post(CHECK, {"token": "t", "pk": [str(one.pk), f"{one.pk}.", "x.y", "9" * 30 + ".0", "-1.0"]})
        assert asked == []

    @pytest.mark.parametrize("path", [CHECK, "/withdrawals/refresh/"])
    def test_viewers_may_not(self, main: ProviderAccount, path: str) -> None:
        browser = rows.browser("viewer")
        assert browser.get(path).status_code == 403
        assert browser.post(path, {"token": "t", "pk": ["1.0"]}).status_code == 403


class TestExceptions:
    def test_the_ticked_are_taken_over(self) -> None:
        first, second = rows.item(), rows.item(title="Another")
        person = factories.person("finance", name="fina")
        browser = rows.browser_of(person)
        answer = browser.post(OWN, sent(text(browser.get(OWN, chosen(first, second)))), follow=True)
        assert "2 done, 0 refused" in words(text(answer))
        assert set(ExceptionItem.objects.values_list("owner", flat=True)) == {person.pk}

    def test_one_note_closes_the_ticked_but_not_what_is_held(self, main: ProviderAccount) -> None:
        plain, held = rows.item(), rows.held(main)
        browser = rows.browser("finance")
        shown = text(browser.get(CLOSE, chosen(plain, held)))
        assert "A held transaction is released, not closed." in shown
        data = sent(shown)
        data["pk"].append(f"{held.pk}.0")  # not offered, and refused by the service all the same
        empty = text(browser.post(CLOSE, data | {"note": " "}))
        assert "Write what you found and decided." in empty
        assert ExceptionItem.objects.filter(status="closed").count() == 0
        answer = text(browser.post(CLOSE, data | {"note": "Agreed by phone"}, follow=True))
        assert "1 done, 1 refused" in words(answer)
        assert set(ExceptionItem.objects.filter(status="closed")) == {plain}
        assert AuditEntry.objects.filter(verb="exception.closed").count() == 1

    @pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
    @pytest.mark.parametrize("path", [OWN, CLOSE])
    def test_is_for_approvers_and_finance(self, role: str, path: str) -> None:
        browser: Client = rows.browser(role)
        item = rows.item()
        assert browser.get(path).status_code == 403
        assert browser.post(path, {"token": "t", "note": "x", "pk": [f"{item.pk}.0"]}).status_code == 403

    def test_the_list_offers_both(self) -> None:
        rows.item()
        shown = text(rows.browser("finance").get("/exceptions/"))
        assert f'formaction="{OWN}"' in shown
        assert f'formaction="{CLOSE}"' in shown
        assert exceptions.own.permission == "payments.own_exceptionitem"
