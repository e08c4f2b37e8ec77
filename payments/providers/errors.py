"""The closed set of what can go wrong when we talk to a provider. Holds no provider's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payments.providers.words import gettext_noop as _


class ProviderError(Exception):
    """Base of the closed set; never raised itself.

    `str(error)` is a technical line for logs. `staff` is one plain English sentence, marked for gettext, with
    `params` to interpolate (`%(limit)s`). `provider_message` is what the provider said, with secrets taken
    out. `fields` maps the provider's own parameter names to sentences with the same `params`. No attribute
    ever holds a key, a card number or a voucher code.
    """

    reason = ""
    default_staff = ""

    def __init__(
        self,
        message: str,
        *,
        provider_message: str = "",
        code: str = "",
        fields: Mapping[str, str] | None = None,
        staff: str = "",
        params: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.provider_message = provider_message
        self.code = code
        self.fields = dict(fields or {})
        self.staff = staff or self.default_staff
        self.params = dict(params or {})


class NotSupported(ProviderError):
    """This provider has no such operation. Nothing was sent."""

    default_staff = _("This provider cannot do that.")


class Invalid(ProviderError):
    """Our own mistake, found before anything was sent."""

    default_staff = _("Something on the form is not right. Nothing was sent.")


class Refused(ProviderError):
    """The provider said no, in documented words: nothing happened there.

    `reason` lets services react without provider words: "" or one of `REASONS`.
    """

    REASONS = frozenset({"exists", "not_found", "empty", "funds", "limits", "config", "wrong_password"})
    default_staff = _("The provider refused. Nothing happened there.")

    def __init__(self, message: str, *, reason: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.reason = reason


class Denied(ProviderError):
    """Keys, signature or our address are not accepted: nothing happened, and nothing will until an admin
    acts.
    """

    default_staff = _(
        "The provider does not accept our keys or our address. An admin must look at the account."
    )


class RateLimited(ProviderError):
    """Too many calls: this one was not processed. `retry_after` is in seconds, or None when nobody said."""

    default_staff = _("There were too many requests. It will be tried again.")

    def __init__(self, message: str, *, retry_after: float | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class Unavailable(ProviderError):
    """Nothing of the request left this machine: no connection, no name, no trusted certificate, breaker
    open.
    """

    default_staff = _("The provider could not be reached. Nothing was sent.")


class OutcomeUnknown(ProviderError):
    """The request may have arrived, and what became of it is not proven. Ask; never send again.

    `reason`: "" or "other": the answer to a question is about another object, whose number is `params["other"]`.
    """

    default_staff = _("We do not know what became of this. The provider will be asked. Do not send it again.")

    def __init__(self, message: str, *, reason: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.reason = reason


#: Everything a call can end with, apart from success.
CLOSED_SET = (NotSupported, Invalid, Refused, Denied, RateLimited, Unavailable, OutcomeUnknown)
