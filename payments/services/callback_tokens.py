"""Callback addresses: the unguessable token of each account, and of each transaction where callbacks prove nothing. Base floor.

An address is a secret: whoever has it can tell us something.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from backoffice import audit
from backoffice.permissions import guarded
from payments.models import CallbackToken, ProviderAccount, Reference
from payments.providers import PROVIDERS
from payments.providers.base import Callbacks
from payments.providers.bids import Bids
from payments.providers.errors import NotSupported
from payments.providers.wallets import WithdrawalScans


def token_digest(token: str) -> str:
    """What a token is found by."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(account: ProviderAccount, reference: Reference | None = None) -> CallbackToken | None:
    """Make the address of an account, or of one transaction; None where the provider sends no callbacks."""
    if not account.takes_callbacks:
        return None
    token = secrets.token_urlsafe(32)
    return CallbackToken.objects.create(
        account=account, reference=reference, token=token, digest=token_digest(token)
    )


def _has_object_tokens(account: ProviderAccount) -> bool:
    """Whether each transaction names a callback address of its own: where callbacks prove nothing by themselves."""
    client = PROVIDERS[account.provider]
    return issubclass(client, Callbacks) and issubclass(client, (WithdrawalScans, Bids))


def object_token(reference: Reference) -> None:
    """Give a transaction a callback address of its own, where its provider takes one. In the transaction of the intent."""
    if _has_object_tokens(reference.account):
        new_token(reference.account, reference)


def object_callback_url(reference: Reference) -> str:
    """The absolute address for callbacks about this transaction, "" where it has none. It is a secret."""
    found = CallbackToken.objects.filter(reference=reference, retired_at__isnull=True).first()
    if found is None:
        return ""
    path = reverse("payments:callback_receive", args=[reference.account.provider, found.token])
    return settings.PUBLIC_URL + path


def is_own_callback_url(reference: Reference, url: str) -> bool:
    """Whether an address that the provider names is this transaction's own: only we and they know its token."""
    token = url.rstrip("/").rpartition("/")[2]
    return (
        bool(token) and CallbackToken.objects.filter(reference=reference, digest=token_digest(token)).exists()
    )


def callback_url(account: ProviderAccount) -> str:
    """The absolute address for callbacks of this account; "" where the provider sends none.

    It is a secret: never log or show it whole.
    """
    if not account.takes_callbacks:
        return ""
    token = CallbackToken.objects.get(account=account, retired_at__isnull=True, reference__isnull=True)
    path = reverse("payments:callback_receive", args=[account.provider, token.token])
    return settings.PUBLIC_URL + path


@guarded("payments.manage_provideraccount")
@transaction.atomic
def renew_token(*, actor: Any, account: ProviderAccount) -> None:
    """Give the account a new callback address. The old one is accepted for 30 days and flagged.

    Raises NotSupported for a provider that sends no callbacks.
    """
    if not account.takes_callbacks:
        raise NotSupported("callbacks")
    CallbackToken.objects.select_for_update().filter(
        account=account, retired_at__isnull=True, reference__isnull=True
    ).update(retired_at=timezone.now())
    new_token(account)
    audit.record(actor, "account.callback_address_renewed", account)
