"""Filters: days in the person's zone, words of the search table, nothing listed for a value without sense."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.http import QueryDict
from django.utils import timezone

from backoffice.kit.filters import (
    ChoiceFilter,
    FilterSet,
    ModelChoiceFilter,
    SearchFilter,
    SinceFilter,
    TextFilter,
    UntilFilter,
)
from backoffice.models import Note, SearchEntry

User = get_user_model()
pytestmark = pytest.mark.django_db


class UserFilters(FilterSet):
    name = TextFilter(field_name="username", label="Name")
    active = ChoiceFilter(field_name="is_active", choices=[("True", "yes"), ("False", "no")], label="Active")
    since, until = SinceFilter("date_joined"), UntilFilter("date_joined")


class NoteFilters(FilterSet):
    q = SearchFilter("reference")
    author = ModelChoiceFilter(queryset=User.objects.all(), label="Author")


def found(query: str) -> set[str]:
    return set(
        UserFilters(QueryDict(query), queryset=User.objects.all()).qs.values_list("username", flat=True)
    )


class TestDays:
    def test_a_period_that_ends_before_it_begins_is_told_and_lists_nothing(self) -> None:
        User.objects.create(username="one")
        filters = UserFilters(QueryDict("since=2026-11-20&until=2026-11-19"), queryset=User.objects.all())
        assert filters.form.errors["until"] == ["This day is before the first one."]
        assert not filters.qs.exists()
        same = UserFilters(QueryDict("since=2026-11-20&until=2026-11-20"), queryset=User.objects.all())
        assert not same.form.errors

    def people(self, *moments: str) -> None:
        User.objects.bulk_create(
            User(username=at, date_joined=dt.datetime.fromisoformat(at)) for at in moments
        )

    def test_a_day_begins_and_ends_at_the_persons_midnight(self) -> None:
        before, first, last, after = (
            "2026-11-19T22:59:59.999999+00:00",
            "2026-11-19T23:00:00+00:00",
            "2026-11-20T22:59:59.999999+00:00",
            "2026-11-20T23:00:00+00:00",
        )
        self.people(before, first, last, after)
        with timezone.override("Europe/Berlin"):
            assert found("since=2026-11-20&until=2026-11-20") == {first, last}
            assert found("since=2026-11-20") == {first, last, after}
            assert found("until=2026-11-20") == {before, first, last}
        with timezone.override("UTC"):
            assert found("since=2026-11-20&until=2026-11-20") == {last, after}

    def test_a_day_of_23_hours_is_whole(self) -> None:
        first, last, after = (
            "2026-03-28T23:00:00+00:00",
            "2026-03-29T21:59:59+00:00",
            "2026-03-29T22:00:00+00:00",
        )
        self.people(first, last, after)
        with timezone.override("Europe/Berlin"):
            assert found("since=2026-03-29&until=2026-03-29") == {first, last}

    @pytest.mark.parametrize(
        "day", ["foo", "20.11.2026", "2026-13-01", "0001-01-01", "9999-12-31", "2200-01-01"]
    )
    @pytest.mark.parametrize("end", ["since", "until"])
    def test_a_day_that_makes_no_sense_is_said_and_lists_nothing(self, end: str, day: str) -> None:
        self.people("2026-11-20T00:00:00+00:00")
        filters = UserFilters(QueryDict(f"{end}={day}"), queryset=User.objects.all())
        assert not filters.qs.exists()
        assert list(filters.errors) == [end]


class TestFilterSet:
    def test_without_values_everything_is_there_and_no_field_is_coloured(self) -> None:
        User.objects.create(username="u")
        filters = UserFilters(QueryDict(""), queryset=User.objects.all())
        assert filters.qs.count() == 1
        assert not filters.is_active
        html = "".join(str(field) for field in filters.form)
        assert "is-valid" not in html
        assert "is-invalid" not in html
        assert 'class="form-control"' in html
        assert 'class="form-select"' in html

    def test_a_wrong_choice_is_marked_and_lists_nothing(self) -> None:
        User.objects.create(username="u")
        filters = UserFilters(QueryDict("active=maybe"), queryset=User.objects.all())
        assert not filters.qs.exists()
        assert "is-invalid" in str(filters.form["active"])
        assert "is-invalid" not in str(filters.form["name"])

    @pytest.mark.parametrize("value", ["%00", "x" * 201])
    def test_text_that_no_column_can_hold_is_refused(self, value: str) -> None:
        assert "name" in UserFilters(QueryDict(f"name={value}"), queryset=User.objects.all()).errors

    def test_active_names_what_narrows(self) -> None:
        filters = UserFilters(QueryDict("name=a&since=&active=+&page=3"), queryset=User.objects.all())
        assert filters.active == ["name"]

    def test_the_ends_of_a_period_stay_together(self) -> None:
        groups = UserFilters(QueryDict(""), queryset=User.objects.all()).groups()
        assert [[field.name for field in group] for group in groups] == [
            ["name"],
            ["active"],
            ["since", "until"],
        ]


class TestSearch:
    @pytest.fixture(autouse=True)
    def notes(self) -> None:
        author = User.objects.create(username="u")
        for number, text in enumerate(["Ada Byron TQ5n8s", "Ada Hill 100%_", "Linus Berg"]):
            reference = f"{number:018}"
            SearchEntry.objects.create(reference=reference, kind="x", object_id=number, text=text)
            Note.objects.create(reference=reference, author=author, text=text)

    def search(self, **values: Any) -> list[str]:
        query = QueryDict(mutable=True)
        query.update(values)
        return [note.text for note in NoteFilters(query, queryset=Note.objects.all()).qs]

    def test_every_word_must_occur_in_any_case_and_order(self) -> None:
        assert self.search(q="ada") == ["Ada Byron TQ5n8s", "Ada Hill 100%_"]
        assert self.search(q="  tq5N   ADA ") == ["Ada Byron TQ5n8s"]
        assert self.search(q="ada linus") == []

    def test_signs_of_patterns_are_letters_here(self) -> None:
        assert self.search(q="100%_") == ["Ada Hill 100%_"]
        assert self.search(q="_____") == []

    def test_blanks_alone_narrow_nothing(self) -> None:
        assert len(self.search(q="   ")) == 3

    def test_an_unknown_author_is_said(self) -> None:
        assert self.search(author="99999999") == []
