"""Django's admin: who may come in and do what; no form makes more of a user than it says (J03, J05)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client

from backoffice import permissions
from backoffice.kit.admin import CappedPaginator, OfficeAdmin, OfficeAdminSite
from backoffice.models import AuditEntry
from backoffice.permissions import ADMIN, OPERATOR, ROLES
from backoffice.services import roles, users

PASSWORD = "a-long-word-for-tests-93"
pytestmark = pytest.mark.django_db


def person(name: str, role: str = "") -> Any:
    user = users.create(actor=None, username=name, password=PASSWORD)
    if role:
        roles.give(actor=None, user=user, role=role)
    return user


@pytest.fixture
def ada(client: Client) -> Any:
    user = person("ada", ADMIN)
    client.force_login(user)
    return user


def form(user: Any, **changes: Any) -> dict[str, Any]:
    """What the form of this user posts when nothing is changed, and the changes."""
    kept = {
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "is_active": "on",
    }
    return {**kept, "roles": sorted(permissions.roles(user)), "new_password": ""} | changes


def page(user: Any) -> str:
    return f"/admin/auth/user/{user.pk}/change/"


class TestSite:
    def test_is_ours(self) -> None:
        assert isinstance(admin.site, OfficeAdminSite)

    def test_every_model_in_it_is_under_the_roles(self) -> None:
        for model, options in admin.site._registry.items():
            assert isinstance(options, OfficeAdmin), f"{model._meta.label}: its admin must extend OfficeAdmin"
            for permission in {options.view_permission, options.manage_permission} - {""}:
                assert permission in permissions.TABLE

    @pytest.mark.parametrize("role", sorted(ROLES.keys() - {ADMIN}))
    def test_nobody_but_admins_sees_any_of_it(self, client: Client, role: str) -> None:
        client.force_login(person("somebody", role))
        paths = ["/admin/", "/admin/jsi18n/", "/admin/autocomplete/", "/admin/nowhere/"]
        for model in admin.site._registry:
            stem = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            paths += [stem, f"{stem}add/", f"{stem}1/change/", f"{stem}1/history/", f"{stem}1/delete/"]
        for path in paths:
            assert client.get(path).status_code == 403, path
            assert client.post(path).status_code == 403, path

    def test_nothing_can_be_deleted_not_even_by_action(self, ada, client: Client) -> None:
        sam = person("sam")
        assert client.get(f"/admin/auth/user/{sam.pk}/delete/").status_code == 403
        assert client.post(f"/admin/auth/user/{sam.pk}/delete/", {"post": "yes"}).status_code == 403
        client.post(
            "/admin/auth/user/", {"action": "delete_selected", "_selected_action": [sam.pk], "post": "yes"}
        )
        assert get_user_model().objects.filter(pk=sam.pk).exists()

    def test_lists_count_up_to_a_limit(self, monkeypatch) -> None:
        monkeypatch.setattr(CappedPaginator, "LIMIT", 2)
        for number in range(3):
            person(f"user-{number}")
        assert CappedPaginator(get_user_model().objects.order_by("pk"), 50).count == 2


class TestUserAdmin:
    def test_a_new_user_with_roles(self, ada, client: Client) -> None:
        new = {
            "username": "nina",
            "password1": PASSWORD,
            "password2": PASSWORD,
            "roles": ["viewer", "operator"],
        }
        assert client.post("/admin/auth/user/add/", new).status_code == 302
        nina = get_user_model().objects.get(username="nina")
        assert permissions.roles(nina) == {"viewer", "operator"}
        assert nina.check_password(PASSWORD) and not nina.is_staff
        verbs = AuditEntry.objects.filter(object_id=str(nina.pk)).values_list("verb", "actor__username")
        assert sorted(verbs) == [("role.given", "ada"), ("role.given", "ada"), ("user.created", "ada")]

    def test_a_name_that_differs_by_case_only_is_refused(self, ada, client: Client) -> None:
        person("nina")
        new = {"username": "Nina", "password1": PASSWORD, "password2": PASSWORD}
        response = client.post("/admin/auth/user/add/", new)
        assert response.status_code == 200 and "username" in response.context["adminform"].form.errors

    def test_roles_are_given_and_taken(self, ada, client: Client) -> None:
        sam = person("sam", OPERATOR)
        client.post(page(sam), form(sam, roles=["approver", "finance"]))
        assert permissions.roles(sam) == {"approver", "finance"}

    def test_roles_that_exclude_each_other_are_refused_at_their_field(self, ada, client: Client) -> None:
        sam = person("sam", OPERATOR)
        response = client.post(page(sam), form(sam, roles=["operator", "admin"]))
        assert "roles" in response.context["adminform"].form.errors
        assert permissions.roles(sam) == {OPERATOR}

    def test_making_an_admin_of_an_operator_takes_the_old_role_first(self, ada, client: Client) -> None:
        sam = person("sam", OPERATOR)
        assert client.post(page(sam), form(sam, roles=["admin"])).status_code == 302
        assert permissions.roles(sam) == {ADMIN}

    def test_hidden_fields_that_are_posted_change_nothing(self, ada, client: Client) -> None:
        sam = person("sam", OPERATOR)
        extra = {
            "is_superuser": "on", "is_staff": "on", "groups": ["1", "2", "3", "4"], "user_permissions": ["1"],
            "username": "root", "password": "md5$x$y", "last_login_0": "2020-01-01", "id": "1",
        }  # fmt: skip
        assert client.post(page(sam), form(sam, first_name="Sam") | extra).status_code == 302
        sam.refresh_from_db()
        assert (sam.first_name, sam.username, sam.is_superuser, sam.is_staff) == ("Sam", "sam", False, False)
        assert permissions.roles(sam) == {OPERATOR} and sam.check_password(PASSWORD)
        assert not sam.user_permissions.exists()

    def test_ones_own_roles_switch_and_password_stay(self, ada, client: Client) -> None:
        changes = {"roles": ["viewer"], "is_active": "", "new_password": f"{PASSWORD}-2", "first_name": "Ada"}
        assert client.post(page(ada), form(ada) | changes).status_code == 302
        ada.refresh_from_db()
        assert ada.first_name == "Ada" and ada.is_active and ada.check_password(PASSWORD)
        assert permissions.roles(ada) == {ADMIN}

    def test_a_superuser_cannot_give_himself_a_role(self, client: Client) -> None:
        root = get_user_model().objects.create_superuser("root", password=PASSWORD)
        client.force_login(root)
        client.post(page(root), form(root, roles=["approver", "operator"]))
        assert permissions.roles(root) == frozenset()

    def test_a_superuser_is_out_of_an_admins_reach(self, ada, client: Client) -> None:
        root = get_user_model().objects.create_superuser("root", password=PASSWORD)
        shown = client.get(page(root))
        assert shown.status_code == 200 and b'name="new_password"' not in shown.content
        assert client.post(page(root), form(root, new_password=f"{PASSWORD}-2")).status_code == 403
        root.refresh_from_db()
        assert root.check_password(PASSWORD)

    def test_switching_off_and_on_again(self, ada, client: Client) -> None:
        sam = person("sam", OPERATOR)
        (theirs := Client()).force_login(sam)
        client.post(page(sam), {name: value for name, value in form(sam).items() if name != "is_active"})
        sam.refresh_from_db()
        assert not sam.is_active
        assert theirs.get("/preferences/").status_code == 302
        client.post(page(sam), form(sam, roles=[OPERATOR]))
        sam.refresh_from_db()
        assert sam.is_active and permissions.roles(sam) == {OPERATOR}

    def test_a_weak_new_password_is_refused_and_never_shown_again(self, ada, client: Client) -> None:
        sam = person("sam")
        response = client.post(page(sam), form(sam, new_password="canary-1"))
        assert "new_password" in response.context["adminform"].form.errors
        assert b"canary-1" not in response.content

    def test_no_page_shows_a_digest_of_a_password(self, ada, client: Client) -> None:
        sam = person("sam")
        for path in ("/admin/auth/user/", page(sam), f"/admin/auth/user/{sam.pk}/history/"):
            assert sam.password not in client.get(path).content.decode()
        response = client.get("/admin/auth/user/", {"password__startswith": "md5"})
        assert response.status_code in {302, 400}

    def test_the_history_names_fields_and_no_values(self, ada, client: Client) -> None:
        sam = person("sam")
        client.post(page(sam), form(sam, new_password=f"{PASSWORD}-canary"))
        assert "canary" not in str(list(LogEntry.objects.values()))

    @pytest.mark.parametrize("action", ["deactivate", "unlock", "remove_second_factor"])
    def test_actions_run_the_services_one_by_one(self, ada, client: Client, action: str) -> None:
        sam = person("sam")
        data = {"action": action, "_selected_action": [sam.pk, ada.pk]}
        said = [str(m) for m in client.post("/admin/auth/user/", data, follow=True).context["messages"]]
        lines = AuditEntry.objects.filter(actor=ada).values_list("object_id", flat=True)
        assert str(sam.pk) in lines
        if action != "unlock":  # which one may do for oneself
            assert any("Another admin" in message for message in said)
            ada.refresh_from_db()
            assert ada.is_active
