"""The form and the keys of coinjoin, as data. Parameter names are the document's, sentences are ours."""

from __future__ import annotations

from payments.providers.base import Field
from payments.providers.words import gettext_noop as _

CREDENTIALS = (
    Field(
        "api_key",
        _("API key"),
        required=True,
        secret=True,
        help=_("The service's support gives it out. It is sent with every call that needs it."),
    ),
    Field(
        "secret_key",
        _("Secret key"),
        required=True,
        secret=True,
        help=_("The service's support gives it out. It is never sent: it proves that an answer is theirs."),
    ),
)

BATCH = (
    Field(
        "delay",
        _("Delay in hours"),
        required=True,
        help=_("Whole hours that the service waits before it pays out. 0: at once."),
        max_length=5,
    ),
    Field(
        "payouts",
        _("Payouts"),
        "textarea",
        required=True,
        help=_("One line per payee: the address, a space, the amount in BTC. Each address once."),
    ),
    Field(
        "refCode",
        _("Affiliate code"),
        help=_("Of the service's affiliate programme. Usually empty."),
        max_length=64,
    ),
)
