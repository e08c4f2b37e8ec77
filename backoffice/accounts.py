"""How allauth behaves here: nobody signs up, names of users are not given away, TOTP secrets are encrypted.

Holds no page and no rule about roles (services.roles).
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from backoffice import permissions
from backoffice.kit.fields import seal, unseal

# allauth encrypts before it knows the row, so these are bound to their use and not to a row.
MFA_PLACE = "mfa.authenticator"


def mail_works() -> bool:
    """Whether letters leave this installation: on the console or nowhere they do not."""
    return settings.EMAIL_BACKEND.rsplit(".", 2)[1] not in {"console", "dummy"}


class AccountAdapter(DefaultAccountAdapter):
    """Admins make the users (services.roles); there is no way in from outside."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        # The superuser of a new installation has no role, and makes the first admin.
        if request.user.is_superuser and not permissions.roles_of(request.user):
            return reverse("admin:auth_user_changelist")
        return super().get_login_redirect_url(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        # An address that we do not know gets no letter from us: anybody may type any address.
        if template_prefix != "account/email/unknown_account":
            super().send_mail(template_prefix, email, context)


class MFAAdapter(DefaultMFAAdapter):
    """Keeps TOTP secrets and recovery seeds under the key ring. Raises SecretUnreadable without its key."""

    def encrypt(self, text: str) -> str:
        return seal(text, MFA_PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, MFA_PLACE)

    def get_totp_label(self, user: Any) -> str:
        return user.get_username()
