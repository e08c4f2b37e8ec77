"""The search page: what is typed is POSTed, and only what is no secret becomes an address."""

from __future__ import annotations

from typing import Any

import pytest

from backoffice.services import search
from payments.models import Invoice
from tests import factories
from tests.backoffice.services.test_search import bill
from tests.payments import rows

pytestmark = pytest.mark.django_db
URL = "/search/"
SECRETS = ["4111 1111 1111 1111", "4111111111111111", "ab3d-9fk2-0000-zzzz"]
HTMX = {"HX-Request": "true", "HX-Target": "search-hits"}


@pytest.fixture
def anna(settings: Any) -> Invoice:
    settings.PROVIDER_INTERNAL_HOSTS = frozenset({rows.HOST})
    return bill(rows.account("Main"), "Anna <b>Petrova</b>")


def text(answer: Any) -> str:
    return answer.content.decode()


class TestPage:
    def test_what_is_typed_leads_to_an_address_that_can_be_linked(self, anna: Invoice) -> None:
        browser = rows.browser("viewer")
        answer = browser.post(URL, {"q": " petrova "})
        assert (answer.status_code, answer.url) == (303, "/search/?q=petrova")
        page = text(browser.get(answer.url))
        assert f'href="{anna.get_absolute_url()}">{anna.reference.value}' in page
        assert "Anna &lt;b&gt;Petrova" in page
        assert 'value="petrova"' in page

    def test_a_name_of_an_account_leads_to_it(self, anna: Invoice) -> None:
        browser = rows.browser("viewer")
        address = f'href="{anna.account.get_absolute_url()}"'
        assert address in text(browser.get(URL, {"q": "main"}))
        part = text(browser.post(URL, {"q": "bitloga"}, headers=HTMX))
        assert address in part
        assert 'data-announce="1 match"' in part

    @pytest.mark.parametrize("typed", SECRETS)
    @pytest.mark.parametrize("way", ["get", "post"])
    def test_a_secret_is_led_away_from_and_told(self, typed: str, way: str) -> None:
        browser = rows.browser("viewer")
        answer = getattr(browser, way)(URL, {"q": typed})
        assert (answer.status_code, answer.url) == (303, URL)
        page = text(browser.get(URL))
        assert "looks like a card number" in page
        assert typed not in page

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ("", "What are you looking for?"),
            ("an", "Type at least three characters"),
            ("nobody", "Nothing was found"),
            ("\x00%_'", "Nothing was found"),
            ("x" * 5000, "Nothing was found"),
        ],
    )
    def test_without_matches_it_says_what_to_do(self, anna: Invoice, typed: str, said: str) -> None:
        assert said in text(rows.browser("viewer").get(URL, {"q": typed}))

    def test_many_of_one_kind_come_in_pages(self, anna: Invoice, monkeypatch: Any) -> None:
        from backoffice.views import search

        monkeypatch.setattr(search, "PAGE", 4)
        bills = [bill(anna.account, f"Ben {n}") for n in range(6)]
        made = sorted(bills, key=lambda one: one.reference.value)
        browser = rows.browser("viewer")
        page = browser.get(URL, {"q": "ben", "kind": "invoice"})
        assert made[5].reference.value in text(page)
        assert made[1].reference.value not in text(page)
        after = page.context["groups"][0].more
        rest = text(browser.get(URL, {"q": "ben", "kind": "invoice", "after": after}))
        assert made[1].reference.value in rest
        assert made[2].reference.value not in rest
        assert browser.get(URL, {"q": "ben", "kind": "nonsense"}).status_code == 404

    def test_the_number_of_queries_does_not_grow_with_the_hits(
        self, anna: Invoice, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(5):
            bill(anna.account, f"Ben {number}")
        browser = rows.browser("viewer")
        with django_assert_max_num_queries(15) as seen:
            browser.get(URL, {"q": "ben"})
        assert not any("OFFSET" in query["sql"] for query in seen.captured_queries)

    def test_it_is_for_staff(self) -> None:
        assert rows.browser_of(factories.person(None)).get(URL).status_code == 403


class TestBox:
    def test_it_stands_on_every_page_and_posts(self) -> None:
        page = text(rows.browser("viewer").get("/preferences/"))
        assert '<form class="search" method="post" action="/search/"' in page

    def test_while_typing_come_the_first_matches(self, anna: Invoice) -> None:
        part = text(rows.browser("viewer").post(URL, {"q": "petrova"}, headers=HTMX))
        assert part.lstrip().startswith('<div id="search-hits"')
        assert anna.get_absolute_url() in part
        assert 'href="/search/?q=petrova"' in part
        assert "<html" not in part

    @pytest.mark.parametrize("typed", SECRETS)
    def test_a_secret_is_not_sent_back(self, typed: str) -> None:
        part = text(rows.browser("viewer").post(URL, {"q": typed}, headers=HTMX))
        assert "looks like a card number" in part
        assert typed not in part
        assert "/search/?q=" not in part

    def test_below_three_characters_it_says_so(self, anna: Invoice) -> None:
        browser = rows.browser("viewer")
        part = text(browser.post(URL, {"q": "an"}, headers=HTMX))
        assert "Type at least three characters." in part
        assert 'data-announce=""' in part
        Invoice.objects.filter(pk=anna.pk).update(provider_id="7")
        search.index(kind="invoice", object_ids=[anna.pk])
        assert 'data-announce="1 match"' in text(browser.post(URL, {"q": "7"}, headers=HTMX))
