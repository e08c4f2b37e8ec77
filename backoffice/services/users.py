"""Making, changing and switching off users: the only writer of user rows. Their roles: services.roles.

Users are never deleted: history names them.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from axes.utils import reset as reset_attempts
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit
from backoffice.permissions import guarded

FIELDS = ("first_name", "last_name", "email")
_manage = guarded("backoffice.manage_user", system=True, superuser=True)


@_manage
def create(*, actor: Any, username: str, password: str, **fields: str) -> Any:
    """Make an active user without roles. Raises ValidationError for a bad or taken name, a weak password."""
    user = get_user_model()(username=username, **_known(fields))
    user.full_clean(exclude=["password"])
    if get_user_model().objects.filter(username__iexact=username).exists():
        raise ValidationError({"username": _("A user with that name exists.")})
    validate_password(password, user)
    user.set_password(password)
    with transaction.atomic():
        user.save()
        audit.record(actor, "user.created", user, way=_way(actor))
    return user


@_manage
def change(*, actor: Any, user: Any, **fields: str) -> Any:
    """Change names or the e-mail address. Raises ValidationError at their fields."""
    with transaction.atomic():
        user = _locked(actor, user)
        before = {name: getattr(user, name) for name in fields}
        for name, value in _known(fields).items():
            setattr(user, name, value)
        user.full_clean(exclude=["password"])
        user.save(update_fields=list(fields))
        audit.record(actor, "user.changed", user, way=_way(actor), before=before, after=fields)
    return user


@_manage
def set_password(*, actor: Any, user: Any, password: str) -> None:
    """Set a new password and end all sessions. Raises ValidationError for a weak one."""
    validate_password(password, user)
    with transaction.atomic():
        user = _locked(actor, user)
        user.set_password(password)
        user.save(update_fields=["password"])
        _end_sessions(user)
        audit.record(actor, "user.password_set", user, way=_way(actor))


@_manage
def deactivate(*, actor: Any, user: Any) -> None:
    """Switch a user off and end all sessions. Raises PermissionDenied for oneself."""
    _switch(actor, user, active=False)


@_manage
def activate(*, actor: Any, user: Any) -> None:
    """Switch a user on again, with the roles they had. Raises PermissionDenied for oneself."""
    _switch(actor, user, active=True)


@_manage
def remove_second_factor(*, actor: Any, user: Any) -> int:
    """For a lost phone: remove the authenticator app and the recovery codes. Gives how many were removed."""
    with transaction.atomic():
        user = _locked(actor, user, other=True)
        removed = Authenticator.objects.filter(user=user).delete()[0]
        _end_sessions(user)
        audit.record(actor, "user.second_factor_removed", user, way=_way(actor), removed=removed)
    return removed


@_manage
def unlock(*, actor: Any, user: Any) -> int:
    """Forget the wrong passwords that locked this name out. Gives how many were forgotten."""
    with transaction.atomic():
        user = _locked(actor, user)
        forgotten = reset_attempts(username=user.get_username().lower())
        audit.record(actor, "user.unlocked", user, way=_way(actor), forgotten=forgotten)
    return forgotten


def _known(fields: dict[str, str]) -> dict[str, str]:
    """Only names and the address: what else a user has is not changed by whoever fills in a form."""
    if unknown := set(fields) - set(FIELDS):
        raise TypeError(f"{', '.join(sorted(unknown))} cannot be set here.")
    return fields


def _locked(actor: Any, user: Any, *, other: bool = False) -> Any:
    """The user's row, locked. A superuser's is changed only by a superuser; with `other` never one's own."""
    if other and actor is not None and actor.pk == user.pk:
        raise PermissionDenied(_("Another admin has to do this."))
    user = get_user_model().objects.select_for_update().get(pk=user.pk)
    if user.is_superuser and actor is not None and not actor.is_superuser:
        raise PermissionDenied(_("Only a superuser changes a superuser."))
    return user


def _switch(actor: Any, user: Any, *, active: bool) -> None:
    with transaction.atomic():
        user = _locked(actor, user, other=True)
        if user.is_active == active:
            return
        user.is_active = active
        user.save(update_fields=["is_active"])
        if not active:
            _end_sessions(user)
        audit.record(actor, "user.switched_on" if active else "user.switched_off", user, way=_way(actor))


def _end_sessions(user: Any) -> None:
    for session in UserSession.objects.filter(user=user):
        session.end()


def _way(actor: Any) -> str:
    return audit.Way.SYSTEM if actor is None else audit.Way.STAFF
