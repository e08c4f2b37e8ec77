"""Saved views: one's own, without cursors, without secrets, one of them opening the list."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError

from backoffice.models import SavedView
from backoffice.services import saved_views
from tests.factories import person
from tests.races.racing import lost, meet, race, without_lock

pytestmark = pytest.mark.django_db
LIST = "payments:invoice_list"


@pytest.fixture
def anna() -> Any:
    return person("viewer", name="anna")


def save(actor: Any, name: str = "Mine", query: str = "status=open", **more: Any) -> SavedView:
    return saved_views.save(actor=actor, list_name=LIST, name=name, query=query, **more)


class TestCanonical:
    def test_cursors_and_empty_filters_are_no_part_of_it(self) -> None:
        query = "status=open&after=x&before=y&q=&export=csv&view=all&account=2"
        assert saved_views.canonical(query) == "account=2&status=open"

    def test_the_order_of_filters_does_not_matter_that_of_columns_does(self) -> None:
        assert saved_views.canonical("column=b&sort=-x&column=a&a=1") == "a=1&sort=-x&column=b&column=a"


class TestSave:
    def test_a_name_that_stands_gets_the_new_content(self, anna: Any) -> None:
        first, second = save(anna, query="status=open"), save(anna, "  Mine ", query="status=paid")
        assert first.pk == second.pk
        assert second.query == "status=paid"

    def test_one_at_most_opens_the_list(self, anna: Any) -> None:
        first, second = save(anna, "a", is_default=True), save(anna, "b", is_default=True)
        other = saved_views.save(actor=anna, list_name="audit_list", name="a", query="", is_default=True)
        assert [view.is_default for view in saved_views.of(anna, LIST)] == [False, True]
        first = saved_views.open_with(actor=anna, view=first, is_default=True)
        assert first.is_default
        second.refresh_from_db()
        other.refresh_from_db()
        assert (second.is_default, other.is_default) == (False, True)

    @pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x00b", "4111 1111 1111 1111"])
    def test_names_that_cannot_be_are_refused_at_their_field(self, anna: Any, name: str) -> None:
        with pytest.raises(ValidationError) as refused:
            save(anna, name)
        assert list(refused.value.error_dict) == ["name"]

    @pytest.mark.parametrize(
        "query", ["q=4111111111111111", "q=ab3d-9fk2-0000-zzzz", "4111111111111111=q", f"q={'x' * 2001}"]
    )
    def test_secrets_and_novels_are_not_kept(self, anna: Any, query: str) -> None:
        with pytest.raises(ValidationError):
            save(anna, query=query)
        assert not SavedView.objects.exists()

    def test_there_is_an_end_to_it(self, anna: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(saved_views, "MOST", 2)
        save(anna, "a")
        save(anna, "b")
        save(anna, "b", query="status=paid")
        with pytest.raises(ValidationError):
            save(anna, "c")

    def test_without_a_role_nothing_is_kept(self) -> None:
        with pytest.raises(PermissionDenied):
            save(person())


class TestChange:
    def test_it_can_be_changed_renamed_and_deleted(self, anna: Any) -> None:
        view = save(anna)
        saved_views.update(actor=anna, view=view, query="status=paid&after=x")
        saved_views.rename(actor=anna, view=view, name="Paid ones")
        view.refresh_from_db()
        assert (view.name, view.query) == ("Paid ones", "status=paid")
        save(anna, "Other")
        with pytest.raises(ValidationError):
            saved_views.rename(actor=anna, view=view, name="Other")
        with pytest.raises(ValidationError):
            saved_views.update(actor=anna, view=view, query="q=4111111111111111")
        saved_views.delete(actor=anna, view=view)
        assert [one.name for one in saved_views.of(anna, LIST)] == ["Other"]

    def test_nobody_reaches_somebody_elses(self, anna: Any) -> None:
        view, other = save(anna), person("admin")
        for change in (
            lambda: saved_views.update(actor=other, view=view, query=""),
            lambda: saved_views.rename(actor=other, view=view, name="x"),
            lambda: saved_views.open_with(actor=other, view=view, is_default=True),
            lambda: saved_views.delete(actor=other, view=view),
        ):
            with pytest.raises(ValidationError):
                change()
        view.refresh_from_db()
        assert (view.name, view.is_default) == ("Mine", False)
        assert saved_views.of(other, LIST) == []


@pytest.mark.django_db(transaction=True)
class TestTwoWindows:
    """Of one person, each keeping a first view that opens the list."""

    def save_both(self, anna: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        meet(monkeypatch, saved_views, "_one_at_a_time", parties=2)
        calls = [functools.partial(save, anna, name, is_default=True) for name in ("A", "B")]
        return race(calls)

    def test_one_waits_for_the_other(self, anna: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        assert lost(self.save_both(anna, monkeypatch)) == []
        assert SavedView.objects.filter(is_default=True).count() == 1
        assert SavedView.objects.count() == 2

    def test_control_without_the_lock_one_fails(self, anna: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        without_lock(monkeypatch, get_user_model(), SavedView)
        assert [type(error) for error in lost(self.save_both(anna, monkeypatch))] == [IntegrityError]
