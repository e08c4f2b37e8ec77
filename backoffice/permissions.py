"""Who may do what: roles and permissions as one table, and the check that services and views share.

Roles are Django groups of the same names. `is_superuser` gives no right here: a superuser may only manage users,
so that a new installation can get its first admin. Holds no rule about amounts or states.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

VIEWER, OPERATOR, APPROVER, FINANCE, ADMIN = "viewer", "operator", "approver", "finance", "admin"
ROLES = {
    VIEWER: _("Viewer"),
    OPERATOR: _("Operator"),
    APPROVER: _("Approver"),
    FINANCE: _("Finance"),
    ADMIN: _("Admin"),
}
EVERYBODY = frozenset(ROLES)
WORKING = EVERYBODY - {VIEWER}

# permission: the roles that have it (DESIGN section 8, row by row)
TABLE: dict[str, frozenset[str]] = {
    # see balances and transactions; own views and columns
    "backoffice.view_dashboard": EVERYBODY,
    "backoffice.change_preference": EVERYBODY,
    "payments.view_provideraccount": EVERYBODY,
    "payments.view_balance": EVERYBODY,
    "payments.view_invoice": EVERYBODY,
    "payments.view_withdrawal": EVERYBODY,
    "payments.view_direction": EVERYBODY,
    "payments.view_bid": EVERYBODY,
    "payments.view_partnerprogram": EVERYBODY,
    "payments.view_partnerpayout": EVERYBODY,
    "payments.view_batchpayout": EVERYBODY,
    "payments.view_wallet": EVERYBODY,
    "payments.view_deposit": EVERYBODY,
    "codes.view_voucher": EVERYBODY,
    "payments.view_freeze": EVERYBODY,
    "payments.view_movement": EVERYBODY,
    "payments.view_owndestination": EVERYBODY,
    "payments.view_exceptionitem": EVERYBODY,
    # check now, notes, tags
    "payments.refresh_invoice": WORKING,
    "payments.refresh_withdrawal": WORKING,
    "payments.refresh_direction": WORKING,
    "payments.quote_bid": WORKING,
    "payments.refresh_bid": WORKING,
    "payments.refresh_partnerprogram": WORKING,
    "payments.refresh_partnerpayout": WORKING,
    "payments.refresh_batchpayout": WORKING,
    "payments.refresh_wallet": WORKING,
    "payments.refresh_deposit": WORKING,
    "codes.refresh_voucher": WORKING,
    "payments.refresh_balance": WORKING,
    "backoffice.add_note": WORKING,
    # create
    "payments.create_invoice": frozenset({OPERATOR}),
    "payments.create_wallet": frozenset({OPERATOR}),
    "payments.request_withdrawal": frozenset({OPERATOR}),
    "payments.create_bid": frozenset({OPERATOR}),
    "payments.import_bid": frozenset({OPERATOR}),
    "payments.complete_bid": frozenset({OPERATOR}),
    "payments.request_partnerpayout": frozenset({OPERATOR}),
    "payments.request_batchpayout": frozenset({OPERATOR}),
    "payments.pay_batchpayout": frozenset({OPERATOR}),
    "codes.request_voucher": frozenset({OPERATOR}),
    "codes.redeem_voucher": frozenset({OPERATOR}),
    "payments.propose_owndestination": frozenset({OPERATOR}),
    # the code or the password itself, each time on the record
    "codes.reveal_voucher": frozenset({OPERATOR}),
    # approve
    "payments.approve_withdrawal": frozenset({APPROVER}),
    "payments.approve_partnerpayout": frozenset({APPROVER}),
    "payments.approve_batchpayout": frozenset({APPROVER}),
    "payments.approve_invoice": frozenset({APPROVER}),
    "payments.approve_wallet": frozenset({APPROVER}),
    "codes.approve_voucher": frozenset({APPROVER}),
    # cancel or pay a bid: no money of ours moves by that
    "payments.cancel_bid": frozenset({OPERATOR}),
    "payments.pay_bid": frozenset({OPERATOR}),
    # the requester, or any approver: the service looks whose it is
    "payments.cancel_withdrawal": frozenset({OPERATOR, APPROVER}),
    "payments.cancel_partnerpayout": frozenset({OPERATOR, APPROVER}),
    "payments.withdraw_bidact": frozenset({OPERATOR, APPROVER}),
    "payments.cancel_batchpayout": frozenset({OPERATOR, APPROVER}),
    "codes.cancel_voucher": frozenset({OPERATOR, APPROVER}),
    "payments.confirm_withdrawal": frozenset({APPROVER}),
    "payments.confirm_bid": frozenset({APPROVER}),
    "payments.confirm_deposit": frozenset({APPROVER}),
    "payments.confirm_partnerpayout": frozenset({APPROVER}),
    "codes.confirm_voucher": frozenset({APPROVER}),
    "payments.lift_freeze": frozenset({APPROVER}),
    "payments.approve_owndestination": frozenset({APPROVER}),
    # freeze
    "payments.set_freeze": WORKING,
    "payments.release_hold": frozenset({APPROVER}),
    # resolve an unknown outcome
    "payments.resolve_invoice": frozenset({APPROVER}),
    "payments.resolve_wallet": frozenset({APPROVER}),
    "payments.resolve_withdrawal": frozenset({APPROVER}),
    "payments.resolve_bid": frozenset({APPROVER}),
    "payments.resolve_partnerpayout": frozenset({APPROVER}),
    "payments.resolve_batchpayout": frozenset({APPROVER}),
    "codes.resolve_voucher": frozenset({APPROVER}),
    # exports, reports, exceptions
    "backoffice.export": frozenset({APPROVER, FINANCE}),
    "backoffice.view_report": frozenset({APPROVER, FINANCE}),
    "payments.own_exceptionitem": frozenset({APPROVER, FINANCE}),
    "payments.close_exceptionitem": frozenset({APPROVER, FINANCE}),
    # audit trail, raw traffic
    "backoffice.view_auditentry": frozenset({APPROVER, FINANCE, ADMIN}),
    "payments.view_providercall": frozenset({APPROVER, ADMIN}),
    "payments.view_callback": frozenset({APPROVER, ADMIN}),
    "payments.replay_callback": frozenset({APPROVER, ADMIN}),
    # accounts, keys, methods, users (Django admin)
    "payments.manage_provideraccount": frozenset({ADMIN}),
    "payments.probe_provideraccount": frozenset({ADMIN}),
    "payments.manage_method": frozenset({ADMIN}),
    "payments.manage_currency": frozenset({ADMIN}),
    "payments.set_opening": frozenset({ADMIN}),
    "backoffice.manage_user": frozenset({ADMIN}),
}

Actor = AbstractBaseUser | AnonymousUser | None


def roles(user: Any) -> frozenset[str]:
    """The roles this user has in the database now. Inactive and anonymous users have none."""
    if user is None or not user.is_authenticated or not user.is_active:
        return frozenset()
    names = Group.objects.filter(user=user.pk, user__is_active=True).values_list("name", flat=True)
    return frozenset(names) & EVERYBODY


def roles_of(user: Any) -> frozenset[str]:
    """The same for pages: read once per user object, so once per request."""
    if user is None or not user.is_authenticated:
        return frozenset()
    if not hasattr(user, "_backoffice_roles"):
        user._backoffice_roles = roles(user)
    return user._backoffice_roles


def may(user: Any, permission: str) -> bool:
    """Whether pages should offer this to the user. Services ask `require`, which reads afresh."""
    return bool(TABLE[permission] & roles_of(user))


def require(actor: Any, permission: str) -> None:
    """Raise PermissionDenied unless the actor has the permission now. Reads the database each time."""
    if not TABLE[permission] & roles(actor):
        raise PermissionDenied(_("Your role does not allow this."))


def may_manage_users(user: Any) -> bool:
    """Whether this user makes users and gives roles: admins, and a superuser, who has no other right by that."""
    return may(user, "backoffice.manage_user") or bool(user and user.is_active and user.is_superuser)


def _is_superuser(actor: Any) -> bool:
    return (
        actor is not None
        and get_user_model().objects.filter(pk=actor.pk, is_active=True, is_superuser=True).exists()
    )


def guarded(
    permission: str, *, system: bool = False, superuser: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Close a service: its keyword `actor` must have the permission. `system` also admits `actor=None`,
    `superuser` a superuser (only services that manage users say so).

    The permission is kept on the function as `.permission`, so that a test can walk every service.
    """
    if permission not in TABLE:
        raise LookupError(permission)

    def close(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def closed(*, actor: Any, **arguments: Any) -> Any:
            if not (system and actor is None) and not (superuser and _is_superuser(actor)):
                require(actor, permission)
            return function(actor=actor, **arguments)

        closed.permission, closed.system = permission, system  # type: ignore[attr-defined]
        return closed

    return close


def sync_groups(**_kwargs: object) -> None:
    """Make the groups of the table. Runs after every migrate."""
    for role in ROLES:
        Group.objects.get_or_create(name=role)
