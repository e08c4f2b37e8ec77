"""What the provider's own list of codes said, account by account. Written only by services.listings."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from payments.models import ProviderAccount


class VoucherListing(models.Model):
    """The last reading of an account's list. `outstanding` is what it stated as active: {currency: [count, sum]},
    sums as text. `read_at` is when the last whole reading began; until the first there is none.
    """

    account = models.OneToOneField(
        ProviderAccount, models.CASCADE, related_name="voucher_listing", verbose_name=_("account")
    )
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    count = models.PositiveIntegerField(_("codes"), default=0)
    outstanding = models.JSONField(_("outstanding there"), default=dict)
    tried_at = models.DateTimeField(_("last tried"), null=True, blank=True)
    next_try_at = models.DateTimeField(_("next try"), null=True, blank=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    last_error = models.CharField(_("last problem"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("list of codes")
        verbose_name_plural = _("lists of codes")

    def __str__(self) -> str:
        return f"{self.account}"
