"""Our own unique ids of transactions, and what every tracked transaction has in common.

Reference rows are written only by services.references; the tracked columns by the service of each object.
"""

from __future__ import annotations

import functools

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from .accounts import ProviderAccount


class Reference(models.Model):
    """18 digits (UTC YYMMDDhhmmss + 6 random), one namespace for all kinds. A hold hangs here, not on the object."""

    class Kind(models.TextChoices):
        INVOICE = "invoice", _("Invoice")
        WITHDRAWAL = "withdrawal", _("Withdrawal")
        VOUCHER = "voucher", _("Voucher")
        WALLET = "wallet", _("Wallet")
        DEPOSIT = "deposit", _("Deposit")
        BID = "bid", _("Bid")
        BATCH_PAYOUT = "batch_payout", _("Batch payout")
        PARTNER_PAYOUT = "partner_payout", _("Partner payout")

    value = models.CharField(_("reference"), max_length=18, unique=True)
    account = models.ForeignKey(
        ProviderAccount, models.PROTECT, related_name="references", verbose_name=_("account")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    held_at = models.DateTimeField(_("held since"), null=True, blank=True)
    hold_reason = models.CharField(_("why it is held"), max_length=300, blank=True)
    # Reasons that a person has looked at and let go: the same difference does not hold it again.
    accepted = models.JSONField(default=list)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("reference")
        verbose_name_plural = _("references")
        constraints = [models.UniqueConstraint(fields=["account", "value"], name="reference_account_value")]
        indexes = [
            models.Index(fields=["held_at"], name="reference_held", condition=models.Q(held_at__isnull=False))
        ]

    def __str__(self) -> str:
        return self.value

    def get_absolute_url(self) -> str:
        """Leads on to the page of the transaction, whatever its kind."""
        before, after = _address()
        return f"{before}{self.pk}{after}"


@functools.cache
def _address() -> tuple[str, str]:
    """What stands around the number. Looked up once: a page of history leads to fifty of them."""
    before, _number, after = reverse("payments:reference", kwargs={"pk": 0}).rpartition("0")
    return before, after


class Tracked(models.Model):
    """A transaction that is sent once and asked about until it is final.

    `next_check_at`: when the beat looks at the row again (None: never). `fence` counts claims: a worker whose fence
    is old may not send. `version` grows with every visible change, so that pages know when to refresh.
    """

    reference = models.OneToOneField(
        Reference, models.PROTECT, related_name="%(class)s", verbose_name=_("reference")
    )
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="+", verbose_name=_("account"))
    # Each object has its own states here.
    status = models.CharField(_("status"), max_length=20)
    provider_status = models.CharField(_("provider's word"), max_length=64, blank=True)
    provider_id = models.CharField(_("provider's number"), max_length=64, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("created by"),
    )
    form_token = models.UUIDField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    checked_at = models.DateTimeField(_("last asked"), null=True, blank=True)
    next_check_at = models.DateTimeField(_("next asked"), null=True, blank=True)
    check_failures = models.PositiveIntegerField(default=0)
    last_error = models.CharField(_("last problem"), max_length=300, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    version = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.reference.value
