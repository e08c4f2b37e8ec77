"""How allauth behaves here: nobody signs up, names of users are not given away, TOTP secrets are encrypted.

Holds no page and no rule about roles (services.roles).
"""

from __future__ import annotations

import ipaddress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.adapter import DefaultMFAAdapter
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off
from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice import permissions
from backoffice.kit.fields import seal, unseal

# allauth encrypts before it knows the row, so these are bound to their use and not to a row.
MFA_PLACE = "mfa.authenticator"


def mail_works() -> bool:
    """Whether letters leave this installation: on the console or nowhere they do not."""
    return settings.EMAIL_BACKEND.rsplit(".", 2)[1] not in {"console", "dummy"}


def locked_out(request: HttpRequest, response: Any, credentials: dict[str, Any] | None) -> HttpResponse:
    """The answer (axes asks for it) to a name that was guessed at too often from this address."""
    wait = get_cool_off(request)
    page = render(request, "account/locked.html", {"minutes": -(-wait.seconds // 60)}, status=429)
    page.headers["Retry-After"] = str(wait.seconds)
    return page


def client_address(request: HttpRequest) -> str | None:
    """Whose request this is, by address (axes asks, and everybody who counts by it); None for nonsense.

    The PROXY_COUNT-th from the right of X-Forwarded-For: what stands left of it was written by the client itself.
    """
    given = request.META.get("REMOTE_ADDR", "")
    if settings.PROXY_COUNT:
        told = [one for one in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if one.strip()]
        if len(told) >= settings.PROXY_COUNT:
            given = told[-settings.PROXY_COUNT]
    try:
        return str(ipaddress.ip_address(given.strip()))
    except ValueError:
        return None


def name_of(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str | None:
    """The name that wrong passwords are counted under (axes asks): signing in ignores case."""
    name = (credentials or {}).get("username") or request.POST.get("login")
    return name.strip().lower() if name else None


class PersonBackend(AuthenticationBackend):
    """Reads who is here together with their preferences, which every page needs."""

    def get_user(self, user_id: Any) -> Any:
        person = get_user_model().objects.select_related("preference").filter(pk=user_id).first()
        return person if person is not None and self.user_can_authenticate(person) else None


class AccountAdapter(DefaultAccountAdapter):
    """Admins make the users (services.users); there is no way in from outside."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _("The user name or the password is wrong."),
        "too_many_login_attempts": _("That was wrong too often. Wait a minute, then try again."),
        "incorrect_password": _("This password is wrong."),
        "enter_current_password": _("This is not your password of now."),
        "rate_limited": _("That was too often. Wait a minute, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        # A name that is locked is refused by axes, with its page; allauth counts the tries of the others.
        if AxesProxyHandler.is_allowed(request, credentials):
            super().pre_authenticate(request, **credentials)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        # The superuser of a new installation has no role, and makes the first admin.
        if request.user.is_superuser and not permissions.roles_of(request.user):
            return reverse("admin:auth_user_changelist")
        return super().get_login_redirect_url(request)


class MFAAdapter(DefaultMFAAdapter):
    """Keeps TOTP secrets and recovery seeds under the key ring. Raises SecretUnreadable without its key."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This code is wrong, or was used already. Wait for the next one."),
    }

    def encrypt(self, text: str) -> str:
        return seal(text, MFA_PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, MFA_PLACE)

    def get_totp_label(self, user: Any) -> str:
        return user.get_username()
