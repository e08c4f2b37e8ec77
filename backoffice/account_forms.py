"""allauth's forms as we show them: the label says it once, the first field has the cursor. Holds no rule."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp

from backoffice.accounts import mail_works


class Plain:
    """No placeholders, which only repeat the labels, and no links beside fields; the first has the cursor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = self.fields  # type: ignore[attr-defined]
        for name, field in fields.items():
            field.widget.attrs.pop("placeholder", None)
            if name in {"password", "oldpassword"}:
                field.help_text = ""
        next(iter(fields.values())).widget.attrs["autofocus"] = True


class LoginForm(Plain, account.LoginForm):
    """User name and password. The page says below it what to do about a forgotten one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mail_works = mail_works()


class ChangePasswordForm(Plain, account.ChangePasswordForm):
    """The old password, and the new one twice."""


class ResetPasswordForm(Plain, account.ResetPasswordForm):
    """Where to send the letter."""


class ResetPasswordKeyForm(Plain, account.ResetPasswordKeyForm):
    """The new password, twice."""


class ReauthenticateForm(Plain, account.ReauthenticateForm):
    """The password once more."""


class AuthenticateForm(Plain, mfa.AuthenticateForm):
    """A code of the app, or a recovery code."""


class ReauthenticateByCodeForm(Plain, mfa.ReauthenticateForm):
    """A code once more."""


class ActivateTOTPForm(Plain, totp.ActivateTOTPForm):
    """The first code of a new app."""
