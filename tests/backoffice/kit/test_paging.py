"""Keyset paging: every row once, in order, forwards and backwards, whatever keys are equal."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.kit.paging import Keyset, Page, capped_count
from backoffice.models import AuditEntry, Note, SearchEntry
from tests.every import every

User = get_user_model()
START = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
many = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

ORDERS = [
    ("-object_id", "-id"),
    ("object_id", "id"),
    ("-kind", "object_id", "-id"),
    ("kind", "-object_id"),  # the key that makes it total is added
    ("reference",),
]


def entries(keys: list[tuple[int, str]]) -> QuerySet[SearchEntry]:
    """Rows with these (object_id, kind), many of them equal."""
    SearchEntry.objects.all().delete()
    SearchEntry.objects.bulk_create(
        SearchEntry(reference=f"{number:018}", object_id=object_id, kind=kind, text="")
        for number, (object_id, kind) in enumerate(keys)
    )
    return SearchEntry.objects.all()


def forwards(keyset: Keyset, rows: QuerySet[Any], size: int) -> Iterator[Page]:
    page = keyset.page(rows, size=size)
    yield page
    while page.next:
        page = keyset.page(rows, size=size, after=page.next)
        yield page


keys = st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab")), max_size=14)


@pytest.mark.django_db
class TestPages:
    @many
    @given(keys=keys, size=st.integers(1, 5), order=st.sampled_from(ORDERS))
    def test_walking_forwards_meets_every_row_once_and_in_order(
        self, keys: list[tuple[int, str]], size: int, order: tuple[str, ...]
    ) -> None:
        rows, keyset = entries(keys), Keyset(SearchEntry, order)
        pages = list(forwards(keyset, rows, size))
        assert [row for page in pages for row in page.rows] == list(rows.order_by(*keyset.ordering))
        assert all(len(page.rows) == size for page in pages[:-1])
        assert not pages[0].previous

    @many
    @given(keys=keys, size=st.integers(1, 5), order=st.sampled_from(ORDERS))
    def test_walking_back_shows_the_pages_that_were_seen(
        self, keys: list[tuple[int, str]], size: int, order: tuple[str, ...]
    ) -> None:
        rows, keyset = entries(keys), Keyset(SearchEntry, order)
        seen = list(forwards(keyset, rows, size))
        page = seen[-1]
        for earlier in reversed(seen[:-1]):
            page = keyset.page(rows, size=size, before=page.previous)
            assert page.rows == earlier.rows
            assert bool(page.previous) == bool(earlier.previous)
            assert page.next

    @many
    @given(keys=keys, size=st.integers(1, 5), order=st.sampled_from(ORDERS))
    def test_any_row_may_be_the_place(
        self, keys: list[tuple[int, str]], size: int, order: tuple[str, ...]
    ) -> None:
        rows, keyset = entries(keys), Keyset(SearchEntry, order)
        ordered = list(rows.order_by(*keyset.ordering))
        for number, row in enumerate(ordered):
            place = keyset.cursor(row)
            assert keyset.page(rows, size=size, after=place).rows == ordered[number + 1 :][:size]
            # With less than a page before it, page one is given whole.
            before = ordered[number - size : number] if number >= size else ordered[:size]
            assert keyset.page(rows, size=size, before=place).rows == before

    def test_equal_times_to_the_microsecond_are_told_apart(self) -> None:
        moments = [START, START, START + dt.timedelta(microseconds=1), START, START]
        User.objects.bulk_create(User(username=f"u{n}", date_joined=at) for n, at in enumerate(moments))
        keyset = Keyset(User, ("-date_joined", "-id"))
        rows = [row for page in forwards(keyset, User.objects.all(), 2) for row in page.rows]
        assert [row.username for row in rows] == ["u2", "u4", "u3", "u1", "u0"]

    def test_a_row_that_arrives_meanwhile_shifts_nothing(self) -> None:
        rows = entries([(n, "a") for n in range(4)])
        keyset = Keyset(SearchEntry, ("-object_id", "-id"))
        first = keyset.page(rows, size=2)
        SearchEntry.objects.create(reference="9" * 18, object_id=99, kind="a", text="")
        second = keyset.page(rows, size=2, after=first.next)
        assert [row.object_id for row in second.rows] == [1, 0]

    def test_the_end_of_a_list_that_shrank_leads_back(self) -> None:
        rows = entries([(n, "a") for n in range(3)])
        keyset = Keyset(SearchEntry, ("object_id", "id"))
        first = keyset.page(rows, size=2)
        SearchEntry.objects.filter(object_id=2).delete()
        beyond = keyset.page(rows, size=2, after=first.next)
        assert beyond.rows == []
        assert keyset.page(rows, size=2, before=beyond.previous).rows == first.rows

    def test_a_related_column_can_be_sorted_by(self) -> None:
        for number, name in enumerate(["b", "a", "b"]):
            author, _new = User.objects.get_or_create(username=name)
            Note.objects.create(reference="1" * 18, author=author, text=str(number))
        keyset = Keyset(Note, ("author__username",))
        rows = [
            row for page in forwards(keyset, Note.objects.select_related("author"), 1) for row in page.rows
        ]
        assert [row.text for row in rows] == ["1", "0", "2"]

    def test_a_page_is_one_query_without_offset_or_count(self) -> None:
        rows, keyset = entries([(n, "a") for n in range(9)]), Keyset(SearchEntry, ("-object_id", "-id"))
        page = keyset.page(rows, size=3)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            keyset.page(rows, size=3, after=page.next)
        assert len(queries) == 1
        assert "OFFSET" not in queries[0]["sql"]
        assert "COUNT" not in queries[0]["sql"]

    def test_the_index_is_entered_at_the_place(self) -> None:
        keyset = Keyset(AuditEntry, ("-at", "-id"))
        place = keyset._beyond([START, 7])
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        plan = AuditEntry.objects.filter(place).order_by(*keyset.ordering)[:50].explain()
        assert "Index Scan using audit_at" in plan
        assert "Index Cond: (at <= " in plan
        assert "Sort" not in plan


@pytest.mark.django_db
class TestCursors:
    @many
    @given(text=st.text(max_size=60))
    def test_garbage_gives_the_first_page_with_a_hint(self, text: str) -> None:
        rows, keyset = entries([(1, "a"), (2, "a")]), Keyset(SearchEntry, ("-object_id", "-id"))
        for page in (keyset.page(rows, size=5, after=text), keyset.page(rows, size=5, before=text)):
            assert len(page.rows) == 2
            assert page.lost == bool(text)

    def test_a_cursor_of_another_order_is_not_believed(self) -> None:
        rows = entries([(1, "a"), (2, "b"), (3, "a")])
        place = Keyset(SearchEntry, ("-object_id", "-id")).page(rows, size=1).next
        assert Keyset(SearchEntry, ("object_id", "id")).page(rows, size=1, after=place).lost

    def test_one_letter_changed_is_not_believed(self) -> None:
        rows, keyset = entries([(1, "a"), (2, "b")]), Keyset(SearchEntry, ("object_id",))
        place = keyset.page(rows, size=1).next
        for number, letter in itertools.product(range(0, len(place), 7), "Ab"):
            if place[number] != letter:
                assert keyset.page(rows, size=1, after=place[:number] + letter + place[number + 1 :]).lost


class TestOrder:
    def test_a_column_that_may_be_null_is_refused(self) -> None:
        with pytest.raises(ImproperlyConfigured, match="may be empty"):
            Keyset(User, ("-last_login", "-id"))

    def test_a_way_over_a_relation_that_may_be_null_is_refused(self) -> None:
        with pytest.raises(ImproperlyConfigured, match="may be empty"):
            Keyset(AuditEntry, ("actor__username", "id"))

    @every("name", ["nonsense", "id__nonsense", "author__nonsense"])
    def test_an_unknown_column_is_refused(self, name: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="no such column"):
            Keyset(Note, (name,))

    def test_a_unique_column_of_a_relation_is_not_unique_here(self) -> None:
        assert Keyset(Note, ("-author__username",)).ordering == ("-author__username", "-pk")


@pytest.mark.django_db
class TestCappedCount:
    def test_counts_to_one_over_the_cap_and_no_further(self) -> None:
        rows = entries([(n, "a") for n in range(9)])
        with CaptureQueriesContext(connection) as queries:
            assert capped_count(rows.order_by("object_id"), cap=5) == 6
        assert "LIMIT 6" in queries[0]["sql"]
        assert "ORDER BY" not in queries[0]["sql"]
        assert capped_count(rows, cap=50) == 9
