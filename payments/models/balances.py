"""What providers state about our balances, and the row that money-out will lock. Written only by services.balances."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import MoneyField
from backoffice.models import AppendOnly

from .accounts import ProviderAccount


class BalanceSnapshot(AppendOnly):
    """One balance as the provider stated it. `asked_at` is when the request began (our clock)."""

    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="+")
    currency = models.CharField(_("currency"), max_length=16)
    amount = MoneyField(_("stated"))
    asked_at = models.DateTimeField(_("asked"))
    created_at = models.DateTimeField(_("kept"), auto_now_add=True)

    class Meta:
        verbose_name = _("balance snapshot")
        verbose_name_plural = _("balance snapshots")
        indexes = [models.Index(fields=["account", "currency", "-asked_at"], name="snapshot_latest")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


#: Balances of which we know how much there is: stated by the provider, or computed from an opening that an admin entered.
KNOWN = models.Q(is_computed=False, stated__isnull=False) | models.Q(
    is_computed=True, opened_at__isnull=False
)


class Balance(models.Model):
    """The current balance of (account, currency): the lock of money-out, and what pages show with its age.

    `opening` + all on-balance movements should equal `stated`; the rest is `drift`, with the time it was first seen.
    """

    account = models.ForeignKey(
        ProviderAccount, models.PROTECT, related_name="balances", verbose_name=_("account")
    )
    currency = models.CharField(_("currency"), max_length=16)
    stated = MoneyField(_("stated by the provider"), null=True, blank=True)
    asked_at = models.DateTimeField(_("asked"), null=True, blank=True)
    missing_since = models.DateTimeField(_("not stated since"), null=True, blank=True)
    # Nobody states it: opening (typed by an admin) + movements. "computed, not confirmed by the provider" everywhere.
    is_computed = models.BooleanField(_("computed"), default=False)
    opening = MoneyField(_("opening"), default=0)
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)
    drift = MoneyField(_("not explained"), default=0)
    drift_since = models.DateTimeField(_("not explained since"), null=True, blank=True)

    class Meta:
        verbose_name = _("balance")
        verbose_name_plural = _("balances")
        ordering = ["account__name", "currency"]
        constraints = [
            models.UniqueConstraint(fields=["account", "currency"], name="balance_account_currency")
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.currency}"
