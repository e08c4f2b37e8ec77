"""The unguessable part of callback URLs. Written only by services.callback_tokens."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import EncryptedTextField

from .accounts import ProviderAccount
from .references import Reference


class CallbackToken(models.Model):
    """32 random bytes, found by SHA-256 `digest`. Retired tokens are accepted for 30 days and flagged."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="callback_tokens")
    reference = models.ForeignKey(Reference, models.PROTECT, null=True, blank=True, related_name="+")
    token = EncryptedTextField()
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("callback token")
        verbose_name_plural = _("callback tokens")
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(retired_at__isnull=True, reference__isnull=True),
                name="callback_token_current",
            )
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.created_at:%Y-%m-%d}"
