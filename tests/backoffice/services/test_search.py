"""Finding in the search table: whole references, words, kinds that the person may see, pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice import permissions
from backoffice.kit import office
from backoffice.services import search
from payments.models import Invoice, ProviderAccount
from payments.services import invoices
from tests import factories
from tests.payments import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(settings: Any) -> ProviderAccount:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})
    return rows.account("Main")


def bill(account: ProviderAccount, customer: str, *, indexed: bool = True) -> Invoice:
    fields = {"paysys": "USDTBALANCE", "amount": "12.5", "_customer_reference": customer}
    made = invoices.create(actor=None, account=account, fields=fields)
    if indexed:
        search.index(kind="invoice", object_ids=[made.pk])
    return made


def kinds(role: str = "viewer") -> list[office.Kind]:
    return search.searchable(factories.person(role), permissions.may)


def found(text: str) -> list[int]:
    return [hit.object.pk for group in search.find(text=text, kinds=kinds()) for hit in group.hits]


class TestFind:
    def test_every_word_must_occur_in_any_case(self, account: ProviderAccount) -> None:
        anna, ben = bill(account, "Anna Petrova, shop 7"), bill(account, "Ben Petrov, shop 7")
        assert set(found("PETROV shop")) == {ben.pk, anna.pk}
        assert found("petrova 7") == [anna.pk]
        assert found("100% petrova") == []

    def test_a_whole_reference_is_found_at_once_and_alone(self, account: ProviderAccount) -> None:
        fresh = bill(account, "Anna", indexed=False)
        bill(account, f"see {fresh.reference.value}")
        assert found(f" {fresh.reference.value} ") == [fresh.pk]
        assert found("anna") == []

    def test_a_part_of_a_reference_is_found_like_a_word(self, account: ProviderAccount) -> None:
        one = bill(account, "Anna")
        assert found(one.reference.value[3:12]) == [one.pk]

    @pytest.mark.parametrize("text", ["", "a", "an", "an pe", "  "])
    def test_short_words_are_not_searched_for(self, account: ProviderAccount, text: str) -> None:
        bill(account, "an pe")
        assert not search.is_enough(text)
        assert found(text) == []

    def test_each_hit_says_what_it_is(self, account: ProviderAccount) -> None:
        one = bill(account, "Anna Petrova")
        group = search.find(text="petrova", kinds=kinds())[0]
        summary = group.hits[0].summary
        assert (group.kind.kind, group.hits[0].reference) == ("invoice", one.reference.value)
        assert (summary.title, f"{summary.amount:.1f}", summary.currency) == ("Anna Petrova", "12.5", "USDT")
        assert (str(summary.status), summary.account) == ("Creating", account)

    def test_the_first_ones_are_shown_and_the_rest_comes_in_pages(self, account: ProviderAccount) -> None:
        bills = [bill(account, f"Anna {n}") for n in range(search.FIRST + 3)]
        made = [one.pk for one in sorted(bills, key=lambda one: one.reference.value, reverse=True)]
        group = search.find(text="anna", kinds=kinds())[0]
        assert [hit.object.pk for hit in group.hits] == made[: search.FIRST]
        after = search.find_more(text="anna", kind=group.kind, size=5, after=group.more)
        assert [hit.object.pk for hit in after.hits] == made[5:]
        back = search.find_more(text="anna", kind=group.kind, size=5, before=after.previous)
        assert [hit.object.pk for hit in back.hits] == made[:5]


class TestNumbers:
    def test_one_or_two_digits_are_a_providers_whole_number(self, account: ProviderAccount) -> None:
        seven, other, longer = bill(account, "Anna"), bill(account, "flat 7, door 7"), bill(account, "Ben")
        for invoice, number in ((seven, "7"), (other, "8"), (longer, "77")):
            Invoice.objects.filter(pk=invoice.pk).update(provider_id=number)
        search.index(kind="invoice", object_ids=[seven.pk, other.pk, longer.pk])
        assert found("7") == [seven.pk]
        assert found("77") == [longer.pk]
        assert found("9") == []

    def test_the_index_is_what_finds_them(self, account: ProviderAccount) -> None:
        """Never the whole table: the trigrams of a word with its blanks are in the index."""
        bill(account, "Anna")
        with connection.cursor() as cursor, CaptureQueriesContext(connection) as seen:
            found("7")
            cursor.execute("SET LOCAL enable_seqscan = off")
            query = next(one["sql"] for one in seen if "payments_invoice" in one["sql"])
            cursor.execute(f"EXPLAIN {query}")
            assert "search_text" in str(cursor.fetchall())


class TestPlaces:
    def test_an_account_is_found_by_its_name_and_by_its_provider(self, account: ProviderAccount) -> None:
        def places(text: str, role: str | None = "viewer") -> list[str]:
            some = search.places(text=text, user=factories.person(role), may=permissions.may)
            return [place.url for _finder, found in some for place in found]

        assert places("main") == places("BitLOGA main") == [account.get_absolute_url()]
        assert places("main elsewhere") == places("ma") == []
        assert places("main", None) == []


class TestSearchable:
    def test_only_kinds_that_the_person_may_see(self) -> None:
        assert {kind.kind for kind in kinds()} >= {"invoice", "withdrawal"}
        assert search.searchable(factories.person(None), permissions.may) == []
