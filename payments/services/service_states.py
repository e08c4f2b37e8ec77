"""What a service says about itself where there is no balance to ask for: whether it works, its limits. Facts floor.

Asked by a worker on a schedule and kept with the account's health; it is shown, and nothing is decided by it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone

from payments.models import AccountHealth, ProviderAccount
from payments.providers import offering
from payments.providers.batches import BatchPayouts
from payments.providers.errors import NotSupported

from . import calls

ASK_EVERY = dt.timedelta(minutes=15)
KEY, TRIED = "service", "service_tried_at"


def due_accounts() -> list[int]:
    """The accounts in use whose service was not asked for a while, whether it answered or not."""
    found = ProviderAccount.objects.filter(is_active=True, provider__in=offering(BatchPayouts))
    late = timezone.now() - ASK_EVERY
    return [
        account.pk
        for account in found.select_related("health")
        if (at := account.health.facts.get(TRIED)) is None or dt.datetime.fromisoformat(at) < late
    ]


def asked_at(account: ProviderAccount) -> dt.datetime | None:
    """When the service last said how it is; None: never."""
    told = account.health.facts.get(KEY)
    return dt.datetime.fromisoformat(told["at"]) if told else None


def refresh(*, account_id: int) -> None:
    """Ask, and keep the answer. Raises ProviderError as it is; what was known stays then, with its age."""
    account = ProviderAccount.objects.get(pk=account_id)
    client = calls.client(account, priority="poll")
    if not isinstance(client, BatchPayouts):
        raise NotSupported("status")
    at = timezone.now()
    _keep(account, {TRIED: at.isoformat()})  # first: what does not answer is not asked every minute
    said = client.service_status()
    told = {"at": at.isoformat(), "ok": said.ok, "word": said.provider_status, "facts": dict(said.facts)}
    _keep(account, {KEY: told})


def _keep(account: ProviderAccount, facts: dict[str, Any]) -> None:
    with transaction.atomic():
        health = AccountHealth.objects.select_for_update().get(account=account)
        health.facts = health.facts | facts
        health.save(update_fields=["facts"])
