"""Giving and taking roles: the only writer of RoleChange and of a user's groups.

Nobody changes their own roles, not even a superuser. Holds no page; users themselves: services.users.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice import audit
from backoffice.models import RoleChange
from backoffice.permissions import ADMIN, APPROVER, OPERATOR, ROLES, guarded

# An admin neither requests nor approves money, so one person never has both sides.
NOT_WITH_ADMIN = frozenset({OPERATOR, APPROVER})
FRESH = dt.timedelta(hours=24)


@guarded("backoffice.manage_user", system=True, superuser=True)
def give(*, actor: Any, user: Any, role: str) -> None:
    """Give a role; does nothing if the user has it.

    Raises ValidationError for an unknown role or one that excludes another, PermissionDenied for one's own.
    """
    with transaction.atomic():
        user, has = _locked(actor, user, role)
        if role in has:
            return
        excluded = NOT_WITH_ADMIN if role == ADMIN else {ADMIN} if role in NOT_WITH_ADMIN else frozenset()
        if clash := sorted(has & excluded):
            raise ValidationError(
                _("%(user)s is %(has)s, not %(role)s as well: an admin neither requests nor approves money."),
                code="roles_exclude",
                params={"user": user.get_username(), "has": ROLES[clash[0]], "role": ROLES[role]},
            )
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        _record(actor, user, role, given=True)


@guarded("backoffice.manage_user", system=True, superuser=True)
def take(*, actor: Any, user: Any, role: str) -> None:
    """Take a role away; does nothing if the user lacks it. Errors as `give`."""
    with transaction.atomic():
        user, has = _locked(actor, user, role)
        if role in has:
            user.groups.remove(*Group.objects.filter(name=role))
            _record(actor, user, role, given=False)


def recently_given(user: Any, by: Any, within: dt.timedelta = FRESH) -> bool:
    """Whether `by` gave `user` any role within this time: then `user` decides nothing that `by` requested."""
    since = timezone.now() - within
    return RoleChange.objects.filter(user_id=user.pk, actor_id=by.pk, given=True, at__gt=since).exists()


def _locked(actor: Any, user: Any, role: str) -> tuple[Any, set[str]]:
    """The user's row, locked, and the roles they have."""
    if role not in ROLES:
        raise ValidationError(_("There is no role %(role)s."), code="unknown_role", params={"role": role})
    if actor is not None and actor.pk == user.pk:
        raise PermissionDenied(_("Nobody changes their own roles."))
    user = get_user_model().objects.select_for_update().get(pk=user.pk)
    return user, set(user.groups.values_list("name", flat=True)) & set(ROLES)


def _record(actor: Any, user: Any, role: str, *, given: bool) -> None:
    if role == ADMIN:
        user.is_staff = given or user.is_superuser
        user.save(update_fields=["is_staff"])
    RoleChange.objects.create(actor=actor, user=user, role=role, given=given)
    audit.record(actor, "role.given" if given else "role.taken", user, way=_way(actor), role=role)


def _way(actor: Any) -> str:
    return audit.Way.SYSTEM if actor is None else audit.Way.STAFF
