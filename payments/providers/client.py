"""What all clients share: their data as class attributes, their secrets out of sight. Holds no provider's
words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

from payments.providers.base import Field, Method
from payments.providers.errors import Unavailable
from payments.providers.http import Http, Transport
from payments.providers.redaction import Redactor, Secret
from payments.providers.words import gettext_noop as _

NO_KEYS = _("This account has no keys yet. An admin must enter them.")


class Client:
    """Base of all providers' clients; what one can do are its methods, as the protocols of `base` name
    them.
    """

    #: The name in the registry, and what people read.
    name: ClassVar[str]
    title: ClassVar[str]
    #: Where its live accounts are; "" where every service that speaks this API has an address of its own.
    live_base_url: ClassVar[str]
    credentials: ClassVar[tuple[Field, ...]]
    invoice_fields: ClassVar[tuple[Field, ...]] = ()
    withdrawal_fields: ClassVar[tuple[Field, ...]] = ()
    voucher_fields: ClassVar[tuple[Field, ...]] = ()
    redeem_fields: ClassVar[tuple[Field, ...]] = ()
    bid_fields: ClassVar[tuple[Field, ...]] = ()
    partner_payout_fields: ClassVar[tuple[Field, ...]] = ()
    batch_fields: ClassVar[tuple[Field, ...]] = ()
    wallet_fields: ClassVar[tuple[Field, ...]] = ()
    documented_methods: ClassVar[tuple[Method, ...]] = ()
    #: Whether balances are stated, or must be computed from our own books.
    states_balances: ClassVar[bool]
    #: How safe a repeat of a payment is: A refused by the provider, B a person decides, C never by machine.
    dedupes: ClassVar[str]
    #: The same per operation, where they differ.
    grades: ClassVar[Mapping[str, str]] = {}
    #: Calls per second, assumed: no document says.
    default_rate: ClassVar[int]
    #: For so many seconds after it left a request may still be carried out there; 0 where nobody says.
    request_lifetime: ClassVar[float] = 0
    #: What its movements are marked with (`Movement.tag`), for compliance; "" for nothing.
    report_tag: ClassVar[str] = ""
    #: Names of JSON values that no trace may show, and what to blank wherever it stands.
    hidden: ClassVar[frozenset[str]] = frozenset()
    hidden_patterns: ClassVar[tuple[re.Pattern[str], ...]] = ()
    redactor_class: ClassVar[type[Redactor]] = Redactor

    def __init__(
        self, *, base_url: str, credentials: Mapping[str, str], transport: Transport, account_key: str
    ) -> None:
        self._base_url = base_url.rstrip("/") + "/"
        self._secrets = {
            field.name: Secret(credentials.get(field.name) or "") for field in type(self).credentials
        }
        # A language is no secret: blanked, "en_US" would be missing wherever an answer says it.
        secrets = [self._secrets[field.name] for field in type(self).credentials if field.secret]
        self._redactor = self.redactor_class(self.hidden, secrets, self.hidden_patterns)
        self._http = Http(
            provider=self.name,
            base_url=self._base_url,
            account_key=account_key,
            transport=transport,
            redactor=self._redactor,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self._base_url}>"

    def redacted(self, body: bytes, secrets: Iterable[Secret] = ()) -> str:
        """The text of a request, answer or callback of this account as it may be shown and kept."""
        return self._redactor.with_secrets(secrets).body(body)

    def _secret(self, name: str) -> Secret:
        """One credential. Raises Unavailable while it is missing: then nothing is sent."""
        if not self._secrets[name]:
            raise Unavailable("the account has no keys", staff=NO_KEYS)
        return self._secrets[name]
