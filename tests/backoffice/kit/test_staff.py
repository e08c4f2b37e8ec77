"""The door of every page: a permission that stands in the table, asked before anything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from backoffice import permissions
from backoffice.kit.views import ListView, StaffView
from backoffice.models import AuditEntry
from tests.factories import person


class TestPermission:
    def test_a_typo_fails_at_import(self) -> None:
        with pytest.raises(LookupError, match=r"payments\.view_invoise"):

            class _Typo(StaffView):
                permission = "payments.view_invoise"

    def test_a_model_without_a_permission_in_the_table_fails_at_import(self) -> None:
        from backoffice.models import Note

        with pytest.raises(LookupError, match=r"backoffice\.view_note"):

            class _Notes(ListView):
                model = Note

    def test_a_page_of_a_model_takes_its_view_permission(self) -> None:
        class Entries(ListView):
            model = AuditEntry

        class Closed(Entries):
            permission = "payments.manage_method"

        assert Entries.permission == "backoffice.view_auditentry"
        assert Closed.permission == "payments.manage_method"

    def test_every_staff_page_of_the_url_map_has_one(self) -> None:
        found = dict(staff_pages(get_resolver()))
        assert found
        assert [route for route, view in found.items() if view.permission not in permissions.TABLE] == []


def staff_pages(resolver: Any, prefix: str = "") -> Iterator[tuple[str, type[StaffView]]]:
    for entry in resolver.url_patterns:
        route = f"{prefix}{entry.pattern}"
        if isinstance(entry, URLResolver):
            yield from staff_pages(entry, route)
        elif isinstance(entry, URLPattern):
            view = getattr(entry.callback, "view_class", None)
            if isinstance(view, type) and issubclass(view, StaffView):
                yield route, view


@pytest.mark.django_db
@pytest.mark.urls("tests.backoffice.kit.urls")
class TestDoor:
    def test_strangers_are_asked_to_log_in(self, client: Client) -> None:
        answer = client.get("/test/notes/")
        assert answer.status_code == 302
        assert answer["Location"].endswith("/login/?next=/test/notes/")

    @pytest.mark.parametrize("role", sorted(permissions.ROLES))
    def test_a_role_without_it_is_refused(self, client: Client, role: str) -> None:
        client.force_login(person(role))
        allowed = role in permissions.TABLE["payments.manage_method"]
        answer = client.get("/test/closed/")
        assert answer.status_code == (200 if allowed else 403)
        if not allowed:
            assert "Your role does not allow this" in answer.content.decode()

    def test_nobody_without_a_role_gets_in_and_is_told_what_to_do(self, client: Client) -> None:
        user = person()
        user.is_superuser = True
        user.save()
        client.force_login(user)
        answer = client.get("/")
        assert answer.status_code == 403
        assert "You have no role yet" in answer.content.decode()

    def test_methods_that_a_page_has_not_are_refused_behind_the_door(self, viewer: Client) -> None:
        assert viewer.delete("/test/notes/").status_code == 405
        assert viewer.delete("/test/closed/").status_code == 403
