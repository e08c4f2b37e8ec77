"""The one search table: what can be found, as text. Written only by backoffice.services.search.

No secret, voucher code or card number may enter it.
"""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _


class SearchEntry(models.Model):
    """One findable transaction, by our 18 digits. `text` joins what people type: ids, names, addresses."""

    reference = models.CharField(_("reference"), max_length=18, unique=True)
    kind = models.CharField(max_length=32)
    object_id = models.BigIntegerField()
    text = models.TextField()

    class Meta:
        verbose_name = _("search entry")
        verbose_name_plural = _("search entries")
        indexes = [GinIndex(OpClass(Upper("text"), name="gin_trgm_ops"), name="search_text")]

    def __str__(self) -> str:
        return self.reference
