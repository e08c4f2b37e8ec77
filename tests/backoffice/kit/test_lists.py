"""The one generic list: what it shows, what it asks the database, what leaves as a file."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from backoffice.models import Note
from tests.factories import person

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.backoffice.kit.urls")]
LIST = "/test/notes/"
HTMX = {"HX-Request": "true", "HX-Target": "list"}


@pytest.fixture(autouse=True)
def notes() -> list[Note]:
    author = person("operator", name="oskar")
    return [Note.objects.create(reference=f"{9 - n:018}", author=author, text=f"note {n}") for n in range(8)]


def shown(page: bytes) -> list[str]:
    return re.findall(r">(note \d|=[^<]*)</a>", page.decode())


def link(page: bytes, word: str) -> str:
    found = re.search(rf'rel="{word}" href="([^"]*)"', page.decode())
    assert found, word
    return found[1].replace("&amp;", "&")


class TestPages:
    def test_newest_first_and_on_by_keys(self, approver: Client) -> None:
        first = approver.get(LIST).content
        assert shown(first) == ["note 7", "note 6", "note 5"]
        second = approver.get(LIST + link(first, "next")).content
        assert shown(second) == ["note 4", "note 3", "note 2"]
        third = approver.get(LIST + link(second, "next")).content
        assert shown(third) == ["note 1", "note 0"]
        assert 'rel="next"' not in third.decode()
        assert shown(approver.get(LIST + link(third, "prev")).content) == shown(second)

    def test_filters_and_order_stay_on_the_way(self, approver: Client) -> None:
        first = approver.get(LIST + "?text=note&sort=reference").content
        assert shown(first) == ["note 7", "note 6", "note 5"]
        assert "text=note" in link(first, "next")
        assert "sort=reference" in link(first, "next")
        assert 'aria-sort="ascending"' in first.decode()
        assert '<input type="hidden" name="sort" value="reference" form="filters">' in first.decode()
        second = approver.get(LIST + link(first, "next")).content
        assert shown(second) == ["note 4", "note 3", "note 2"]

    def test_a_column_that_is_not_declared_sortable_is_ignored(self, approver: Client) -> None:
        for name in ("text", "author__password", "-", "id", "--reference"):
            assert shown(approver.get(LIST, {"sort": name}).content) == ["note 7", "note 6", "note 5"]

    @pytest.mark.parametrize("cursor", ["x", "W10:x", "%00", "é", "a" * 5000])
    def test_a_cursor_that_is_not_ours_gives_page_one_with_a_hint(
        self, approver: Client, cursor: str
    ) -> None:
        page = approver.get(LIST, {"after": cursor})
        assert page.status_code == 200
        assert shown(page.content) == ["note 7", "note 6", "note 5"]
        assert "not valid any more" in page.content.decode()

    def test_a_cursor_of_another_order_is_not_used(self, approver: Client) -> None:
        after = link(approver.get(LIST + "?sort=reference").content, "next").replace(
            "sort=reference", "sort="
        )
        assert "not valid any more" in approver.get(LIST + after).content.decode()

    def test_no_rows_says_what_that_means(self, approver: Client) -> None:
        assert "Nothing matches these filters" in approver.get(LIST, {"text": "zzz"}).content.decode()
        Note.objects.all().delete()
        assert "Nothing here yet" in approver.get(LIST).content.decode()

    def test_buttons_are_for_those_who_may(self, client: Client) -> None:
        client.force_login(person("viewer"))
        page = client.get(LIST).content.decode()
        assert "New note" not in page
        assert "Export" not in page
        client.force_login(person("approver"))
        page = client.get(LIST).content.decode()
        assert "New note" in page
        assert "Export" in page


class TestParts:
    def test_htmx_gets_the_rows_and_the_head_but_no_frame(self, approver: Client) -> None:
        page = approver.get(LIST, {"text": "note 3"}, headers=HTMX)
        text = page.content.decode()
        assert shown(page.content) == ["note 3"]
        assert text.lstrip().startswith('<header class="page-head" id="list-head" hx-swap-oob="true">')
        assert "1 entry with these filters" in text
        assert "<html" not in text
        assert 'id="filters"' not in text
        assert "HX-Request" in page["Vary"]

    def test_a_history_restore_gets_the_whole_page(self, approver: Client) -> None:
        page = approver.get(LIST, headers={**HTMX, "HX-History-Restore-Request": "true"})
        assert "<html" in page.content.decode()


class TestQueries:
    def list_queries(self, client: Client, query: str = "") -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST + query)
        return [one["sql"] for one in queries if "backoffice_note" in one["sql"]]

    def test_a_page_takes_two_list_queries_and_few_others(self, approver: Client) -> None:
        with CaptureQueriesContext(connection) as queries:
            approver.get(LIST)
        assert len(queries) <= 15
        asked = self.list_queries(approver)
        assert len(asked) == 2
        assert not any("OFFSET" in sql for sql in asked)
        assert all("LIMIT" in sql for sql in asked)

    def test_a_list_that_fits_on_its_page_is_not_counted(self, approver: Client) -> None:
        assert len(self.list_queries(approver, "?text=note 3")) == 1


class TestExport:
    def rows(self, client: Client, query: str) -> list[list[str]]:
        page = client.get(LIST + query)
        assert page.status_code == 200
        return list(csv.reader(io.StringIO(page.getvalue().decode())))

    def test_exactly_the_filtered_rows_leave_in_the_order_of_the_page(self, approver: Client) -> None:
        Note.objects.filter(text="note 5").update(text="=note 5")
        rows = self.rows(approver, "?text=note&export=csv&sort=reference")
        assert rows[0] == ["Text", "Reference"]
        assert [row[0] for row in rows[1:]] == [
            *("note 7", "note 6", "'=note 5"),
            *(f"note {n}" for n in (4, 3, 2, 1, 0)),
        ]
        assert self.rows(approver, "?text=note 3&export=csv")[1:] == [["note 3", f"{6:018}"]]

    def test_the_link_keeps_the_filters(self, approver: Client) -> None:
        assert (
            'href="?text=note&amp;export=csv"' in approver.get(LIST + "?text=note&after=x").content.decode()
        )

    def test_only_those_who_may_export(self, viewer: Client) -> None:
        assert viewer.get(LIST + "?export=csv").status_code == 403

    def test_a_filter_that_makes_no_sense_exports_nothing(self, approver: Client) -> None:
        page = approver.get(LIST + f"?text={'x' * 300}&export=csv")
        assert "text/html" in page["Content-Type"]
        assert "These filters cannot be read" in page.content.decode()
