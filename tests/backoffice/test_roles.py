"""Giving and taking roles, making and switching off users (services.roles, services.users)."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice import permissions
from backoffice.models import AuditEntry, RoleChange
from backoffice.permissions import ADMIN, APPROVER, OPERATOR, ROLES, VIEWER
from backoffice.services import roles, users

PASSWORD = "a-long-word-for-tests-93"
pytestmark = pytest.mark.django_db


@pytest.fixture
def superuser():
    return get_user_model().objects.create_superuser("root", password=PASSWORD)


@pytest.fixture
def admin():
    user = users.create(actor=None, username="ada", password=PASSWORD)
    roles.give(actor=None, user=user, role=ADMIN)
    return user


@pytest.fixture
def somebody():
    return users.create(actor=None, username="somebody", password=PASSWORD)


class TestGive:
    def test_is_written_with_its_line_in_the_trail(self, admin, somebody) -> None:
        roles.give(actor=admin, user=somebody, role=OPERATOR)
        assert permissions.roles(somebody) == {OPERATOR}
        change = RoleChange.objects.get(user=somebody)
        assert (change.actor, change.role, change.given) == (admin, OPERATOR, True)
        line = AuditEntry.objects.get(verb="role.given", object_id=str(somebody.pk))
        assert (line.actor, line.facts) == (admin, {"role": OPERATOR})

    def test_of_a_role_that_is_there_writes_nothing(self, admin, somebody) -> None:
        roles.give(actor=admin, user=somebody, role=OPERATOR)
        roles.give(actor=admin, user=somebody, role=OPERATOR)
        assert RoleChange.objects.filter(user=somebody).count() == 1

    def test_by_a_superuser_makes_the_first_admin(self, superuser, somebody) -> None:
        roles.give(actor=superuser, user=somebody, role=ADMIN)
        somebody.refresh_from_db()
        assert permissions.roles(somebody) == {ADMIN} and somebody.is_staff and not somebody.is_superuser

    @pytest.mark.parametrize("role", ROLES)
    def test_to_oneself_is_refused_to_admin_and_superuser(self, admin, superuser, role: str) -> None:
        for person in (admin, superuser):
            with pytest.raises(PermissionDenied):
                roles.give(actor=person, user=person, role=role)
        assert permissions.roles(superuser) == frozenset()

    def test_by_anybody_else_is_refused(self, somebody) -> None:
        for role in sorted(ROLES.keys() - {ADMIN}):
            other = users.create(actor=None, username=f"other-{role}", password=PASSWORD)
            roles.give(actor=None, user=other, role=role)
            with pytest.raises(PermissionDenied):
                roles.give(actor=other, user=somebody, role=VIEWER)

    @pytest.mark.parametrize(("first", "second"), [(ADMIN, OPERATOR), (ADMIN, APPROVER), (OPERATOR, ADMIN)])
    def test_admin_and_money_never_meet_in_one_person(self, admin, somebody, first: str, second: str) -> None:
        roles.give(actor=admin, user=somebody, role=first)
        with pytest.raises(ValidationError):
            roles.give(actor=admin, user=somebody, role=second)
        assert permissions.roles(somebody) == {first}

    def test_of_an_unknown_role_is_refused(self, admin, somebody) -> None:
        with pytest.raises(ValidationError):
            roles.give(actor=admin, user=somebody, role="owner")


class TestTake:
    def test_ends_the_right_at_once_and_the_way_into_the_admin(self, admin, superuser, somebody) -> None:
        roles.give(actor=superuser, user=somebody, role=ADMIN)
        roles.take(actor=admin, user=somebody, role=ADMIN)
        somebody.refresh_from_db()
        assert permissions.roles(somebody) == frozenset() and not somebody.is_staff
        assert [change.given for change in RoleChange.objects.filter(user=somebody)] == [False, True]

    def test_from_oneself_is_refused(self, admin) -> None:
        with pytest.raises(PermissionDenied):
            roles.take(actor=admin, user=admin, role=ADMIN)


class TestRecentlyGiven:
    def test_lasts_a_day_and_knows_who_gave_it(self, admin, superuser, somebody) -> None:
        roles.give(actor=admin, user=somebody, role=APPROVER)
        assert roles.recently_given(somebody, admin)
        assert not roles.recently_given(somebody, superuser)
        assert not roles.recently_given(admin, somebody)
        with time_machine.travel(timezone.now() + dt.timedelta(hours=24, seconds=1)):
            assert not roles.recently_given(somebody, admin)

    def test_taking_a_role_does_not_count(self, admin, somebody) -> None:
        roles.give(actor=None, user=somebody, role=APPROVER)
        roles.take(actor=admin, user=somebody, role=APPROVER)
        assert not roles.recently_given(somebody, admin)


class TestRoleChange:
    def test_cannot_be_changed_or_deleted(self, admin, somebody) -> None:
        roles.give(actor=admin, user=somebody, role=VIEWER)
        change = RoleChange.objects.get(user=somebody)
        for write in (change.save, change.delete):
            with pytest.raises(TypeError):
                write()
        for raw in (
            RoleChange.objects.filter(pk=change.pk).delete,
            lambda: RoleChange.objects.update(role=ADMIN),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                raw()


class TestUsers:
    def test_deactivating_ends_every_session_at_once(self, admin, somebody, client: Client) -> None:
        roles.give(actor=admin, user=somebody, role=VIEWER)
        client.post(reverse("account_login"), {"login": "somebody", "password": PASSWORD})
        assert client.get(reverse("usersessions_list")).status_code == 200
        users.deactivate(actor=admin, user=somebody)
        assert client.get(reverse("usersessions_list")).status_code == 302
        users.activate(actor=admin, user=somebody)
        assert client.get(reverse("usersessions_list")).status_code == 302

    def test_a_new_password_ends_every_session(self, admin, somebody, client: Client) -> None:
        client.post(reverse("account_login"), {"login": "somebody", "password": PASSWORD})
        users.set_password(actor=admin, user=somebody, password=f"{PASSWORD}-2")
        assert client.get(reverse("usersessions_list")).status_code == 302

    @pytest.mark.parametrize("service", [users.deactivate, users.activate, users.remove_second_factor])
    def test_nobody_switches_themselves(self, admin, service) -> None:
        with pytest.raises(PermissionDenied):
            service(actor=admin, user=admin)

    @pytest.mark.parametrize("weak", ["short", "1q2w3e4r5t6y", "1234567890123456", "somebody-2026"])
    def test_weak_passwords_are_refused(self, admin, somebody, weak: str) -> None:
        with pytest.raises(ValidationError):
            users.set_password(actor=admin, user=somebody, password=weak)

    def test_an_admin_leaves_superusers_alone(self, admin, superuser) -> None:
        with pytest.raises(PermissionDenied):
            users.set_password(actor=admin, user=superuser, password=f"{PASSWORD}-2")
        with pytest.raises(PermissionDenied):
            users.deactivate(actor=admin, user=superuser)

    def test_staff_superuser_and_permissions_cannot_be_set(self, admin, somebody) -> None:
        for name in ("is_superuser", "is_staff", "username", "password", "user_permissions"):
            with pytest.raises(TypeError):
                users.change(actor=admin, user=somebody, **{name: "1"})

    def test_a_lost_phone_is_forgotten(self, admin, somebody) -> None:
        TOTP.activate(somebody, "JBSWY3DPEHPK3PXP")
        assert users.remove_second_factor(actor=admin, user=somebody) == 1
        assert not Authenticator.objects.filter(user=somebody).exists()

    def test_no_password_enters_the_trail(self, admin) -> None:
        made = users.create(actor=admin, username="nina", password=f"{PASSWORD}-3", email="nina@example.org")
        users.set_password(actor=admin, user=made, password=f"{PASSWORD}-4")
        assert not any(PASSWORD in str(line.facts) for line in AuditEntry.objects.all())
        assert set(AuditEntry.objects.filter(object_id=str(made.pk)).values_list("verb", flat=True)) == {
            "user.created",
            "user.password_set",
        }
