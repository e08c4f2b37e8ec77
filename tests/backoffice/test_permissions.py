"""Who may do what (DESIGN section 8): the table, written out a second time, and every service under it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import PermissionDenied

from backoffice import permissions
from backoffice.permissions import ROLES, TABLE
from tests.every import every

SERVICES = ("backoffice.services", "payments.services", "codes.services")

# V O A F D: viewer, operator, approver, finance, admin; a small letter has the permission.
LETTERS = {"v": "viewer", "o": "operator", "a": "approver", "f": "finance", "d": "admin"}
DESIGN = {
    "backoffice.view_dashboard": "voafd",
    "backoffice.change_preference": "voafd",
    "payments.view_provideraccount": "voafd",
    "payments.view_balance": "voafd",
    "payments.view_invoice": "voafd",
    "payments.view_withdrawal": "voafd",
    "payments.view_direction": "voafd",
    "payments.view_bid": "voafd",
    "payments.view_partnerprogram": "voafd",
    "payments.view_partnerpayout": "voafd",
    "payments.view_batchpayout": "voafd",
    "payments.view_wallet": "voafd",
    "payments.view_deposit": "voafd",
    "codes.view_voucher": "voafd",
    "payments.view_freeze": "voafd",
    "payments.view_movement": "voafd",
    "payments.view_owndestination": "voafd",
    "payments.view_exceptionitem": "voafd",
    "payments.refresh_invoice": "oafd",
    "payments.refresh_withdrawal": "oafd",
    "payments.refresh_direction": "oafd",
    "payments.quote_bid": "oafd",
    "payments.refresh_bid": "oafd",
    "payments.refresh_partnerprogram": "oafd",
    "payments.refresh_partnerpayout": "oafd",
    "payments.refresh_batchpayout": "oafd",
    "payments.refresh_wallet": "oafd",
    "payments.refresh_deposit": "oafd",
    "codes.refresh_voucher": "oafd",
    "payments.refresh_balance": "oafd",
    "payments.set_freeze": "oafd",
    "backoffice.add_note": "oafd",
    "payments.create_invoice": "o",
    "payments.propose_owndestination": "o",
    "payments.create_wallet": "o",
    "payments.request_withdrawal": "o",
    "payments.create_bid": "o",
    "payments.import_bid": "o",
    "payments.complete_bid": "o",
    "payments.cancel_bid": "o",
    "payments.pay_bid": "o",
    "payments.request_partnerpayout": "o",
    "payments.request_batchpayout": "o",
    "payments.pay_batchpayout": "o",
    "codes.request_voucher": "o",
    "codes.redeem_voucher": "o",
    "codes.reveal_voucher": "o",
    "payments.approve_withdrawal": "a",
    "payments.approve_partnerpayout": "a",
    "payments.approve_invoice": "a",
    "payments.approve_wallet": "a",
    "codes.approve_voucher": "a",
    "payments.cancel_withdrawal": "oa",
    "payments.cancel_partnerpayout": "oa",
    "payments.withdraw_bidact": "oa",
    "payments.approve_batchpayout": "a",
    "payments.cancel_batchpayout": "oa",
    "codes.cancel_voucher": "oa",
    "payments.confirm_withdrawal": "a",
    "payments.confirm_bid": "a",
    "payments.confirm_deposit": "a",
    "payments.confirm_partnerpayout": "a",
    "codes.confirm_voucher": "a",
    "payments.resolve_wallet": "a",
    "payments.resolve_withdrawal": "a",
    "payments.resolve_bid": "a",
    "payments.resolve_partnerpayout": "a",
    "payments.resolve_batchpayout": "a",
    "codes.resolve_voucher": "a",
    "payments.lift_freeze": "a",
    "payments.approve_owndestination": "a",
    "payments.release_hold": "a",
    "payments.resolve_invoice": "a",
    "backoffice.export": "af",
    "backoffice.view_report": "af",
    "payments.own_exceptionitem": "af",
    "payments.close_exceptionitem": "af",
    "backoffice.view_auditentry": "afd",
    "payments.view_providercall": "ad",
    "payments.view_callback": "ad",
    "payments.replay_callback": "ad",
    "payments.manage_provideraccount": "d",
    "payments.probe_provideraccount": "d",
    "payments.manage_method": "d",
    "payments.manage_currency": "d",
    "payments.set_opening": "d",
    "backoffice.manage_user": "d",
}

# Takes `actor` to write it down, and is called only by services that were closed before.
INNER = {
    "payments.services.invoices.add",
    "payments.services.invoice_reports.move",
    "payments.services.movements.book",
    "payments.services.exceptions.end_hold",
    "payments.services.withdrawal_reports.move",
    "payments.services.batch_states.move",
    "payments.services.withdrawal_bookings.book",
    "payments.services.withdrawal_bookings.book_computed",
    "payments.services.wallet_reports.move",
    "payments.services.withdrawal_bookings.take_back",
    "payments.services.bid_reports.move",
    "payments.services.bid_reports.book",
    "payments.services.bid_reports.move_act",
    "payments.services.payout_reports.move",
    "payments.services.payout_reports.book",
    "payments.services.payout_reports.take_back",
    "payments.services.decisions.propose",
    "codes.services.voucher_states.move",
    "codes.services.voucher_states.book_redeemed",
    "codes.services.redemptions.take_back",
}
# Tells whether this person may decide; writes nothing.
QUESTIONS = {
    "payments.services.approvals.check_person",
    "payments.services.approvals.why_not_person",
    "payments.services.withdrawal_decisions.why_not",
    "payments.services.bid_decisions.why_not",
    "payments.services.deposit_decisions.why_not",
    "payments.services.payout_decisions.why_not",
    "payments.services.batch_decisions.why_not",
    "payments.services.decisions.check_outsider",
    "payments.services.decisions.check_second",
    "codes.services.voucher_decisions.why_not",
}
DOORS = (
    "views/*.py",
    "admin.py",
    "admin/*.py",
    "tasks.py",
    "office.py",
    "forms/*.py",
    "management/commands/*.py",
)


def services() -> dict[str, Callable[..., Any]]:
    """Every public function of the services that takes an actor, by its full name."""
    found = {}
    for package_name in SERVICES:
        try:
            package = importlib.import_module(package_name)
        except ModuleNotFoundError as missing:
            assert missing.name == package_name.split(".")[0], missing
            continue
        for module_info in pkgutil.walk_packages(package.__path__, f"{package_name}."):
            module = importlib.import_module(module_info.name)
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if name.startswith("_") or function.__module__ != module.__name__:
                    continue
                if "actor" in inspect.signature(function).parameters:
                    found[f"{module.__name__}.{name}"] = function
    return found


CLOSED = {name: service for name, service in services().items() if name not in INNER | QUESTIONS}


def person(*roles: str, **options: Any) -> Any:
    user = get_user_model().objects.create_user(f"user-{'-'.join(roles)}", **options)
    user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
    return user


class TestTable:
    def test_equals_the_design(self) -> None:
        assert {name: set(roles) for name, roles in TABLE.items()} == {
            name: {LETTERS[letter] for letter in letters} for name, letters in DESIGN.items()
        }

    def test_knows_the_five_roles(self) -> None:
        assert list(ROLES) == list(LETTERS.values())

    def test_an_admin_neither_requests_nor_approves(self) -> None:
        money = {
            "create",
            "propose",
            "approve",
            "release",
            "resolve",
            "request",
            "redeem",
            "reveal",
            "confirm",
        }
        given = {name for name, roles in TABLE.items() if "admin" in roles}
        assert not {name for name in given if name.split(".")[1].split("_")[0] in money}


@pytest.mark.django_db
class TestRoles:
    def test_a_superuser_has_no_right_by_that(self) -> None:
        root = person(is_superuser=True, is_staff=True)
        assert not any(permissions.may(root, permission) for permission in TABLE)
        assert permissions.may_manage_users(root)

    def test_neither_has_an_inactive_or_anonymous_user(self) -> None:
        gone = person("admin", is_active=False)
        for user in (gone, AnonymousUser(), None):
            assert permissions.roles(user) == frozenset()
            assert not permissions.may(user, "backoffice.view_dashboard")
            assert not permissions.may_manage_users(user)

    def test_groups_that_are_no_role_give_nothing(self) -> None:
        assert permissions.roles(person("owner")) == frozenset()

    def test_a_role_that_was_taken_a_moment_ago_is_gone_for_services(self) -> None:
        user = person("approver")
        assert permissions.may(user, "payments.approve_owndestination")
        user.groups.clear()
        with pytest.raises(PermissionDenied):
            permissions.require(user, "payments.approve_owndestination")

    def test_groups_exist_after_migrate(self) -> None:
        permissions.sync_groups()
        assert set(Group.objects.values_list("name", flat=True)) >= ROLES.keys()


class TestServices:
    def test_there_are_some(self) -> None:
        assert len(CLOSED) >= 10

    def test_inner_ones_exist_and_no_door_leads_to_them(self) -> None:
        assert services().keys() >= INNER | QUESTIONS
        calls = [".".join(name.split(".")[-2:]) + "(" for name in INNER]
        for app in ("backoffice", "payments", "codes"):
            for pattern in DOORS:
                for path in (settings.BASE_DIR / app).glob(pattern):
                    source = path.read_text()
                    assert not [call for call in calls if call in source], path

    @every("name", sorted(CLOSED))
    def test_every_one_is_closed(self, name: str) -> None:
        assert getattr(CLOSED[name], "permission", None) in TABLE, f"{name} needs permissions.guarded(...)"

    @pytest.mark.django_db
    @pytest.mark.parametrize("name", sorted(CLOSED))
    def test_refused_roles_get_nowhere(self, name: str) -> None:
        service = CLOSED[name]
        rest = {other: None for other in inspect.signature(service).parameters if other != "actor"}
        refused = ROLES.keys() - TABLE[service.permission]
        people = [person(role) for role in sorted(refused)]
        people += [AnonymousUser(), person(*sorted(ROLES), is_active=False)]
        for user in people:
            with pytest.raises(PermissionDenied):
                service(actor=user, **rest)
        if not service.system:
            with pytest.raises(PermissionDenied):
                service(actor=None, **rest)

    @pytest.mark.django_db
    @pytest.mark.parametrize("name", sorted(CLOSED))
    def test_the_others_are_let_in(self, name: str) -> None:
        service = CLOSED[name]
        for role in sorted(TABLE[service.permission]):
            # Let in, the service finds that it was given nothing to work on.
            with pytest.raises(TypeError):
                service(actor=person(role), nothing_that_any_service_takes=None)
