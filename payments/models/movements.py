"""Changes of balances, written once, never changed: history and every report are made of these.

Written only by services.movements; the database refuses updates and deletes.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import MoneyField
from backoffice.models import AppendOnly, AuditEntry

from .accounts import ProviderAccount
from .references import Reference


class Movement(AppendOnly):
    """`amount` is signed, in `currency`. `key` is unique: what is booked twice under one key is booked once."""

    class Kind(models.TextChoices):
        INVOICE = "invoice", _("Invoice paid")
        WITHDRAWAL = "withdrawal", _("Withdrawal")
        VOUCHER = "voucher", _("Voucher made")
        REDEMPTION = "redemption", _("Voucher redeemed")
        DEPOSIT = "deposit", _("Deposit")
        CONVERSION = "conversion", _("Conversion")
        BID_GIVE = "bid_give", _("Exchange: given")
        BID_GET = "bid_get", _("Exchange: got")
        BATCH_DEPOSIT = "batch_deposit", _("Batch payout: deposited")
        BATCH_PAYOUT = "batch_payout", _("Batch payout: paid out")
        PARTNER_REWARD = "partner_reward", _("Partner reward")
        PARTNER_PAYOUT = "partner_payout", _("Partner payout")
        FEE = "fee", _("Fee")
        REVERSAL = "reversal", _("Reversal")
        ADJUSTMENT = "adjustment", _("Adjustment")

    account = models.ForeignKey(
        ProviderAccount, models.PROTECT, related_name="+", db_index=False, verbose_name=_("account")
    )
    reference = models.ForeignKey(
        Reference,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="movements",
        verbose_name=_("reference"),
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    currency = models.CharField(_("currency"), max_length=16)
    amount = MoneyField(_("amount"))
    on_balance = models.BooleanField(_("on balance"), default=True)
    key = models.CharField(max_length=80, unique=True)
    label = models.CharField(_("label"), max_length=120, blank=True)
    # What compliance wants to see apart, in every list and file. Not the provider's words.
    tag = models.CharField(_("tag"), max_length=16, blank=True, default="")
    corrects = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="corrections")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    way = models.CharField(_("way"), max_length=16, choices=AuditEntry.Way.choices)
    booked_at = models.DateTimeField(_("booked"))

    class Meta:
        verbose_name = _("movement")
        verbose_name_plural = _("movements")
        constraints = [models.CheckConstraint(condition=~models.Q(amount=0), name="movement_not_zero")]
        indexes = [
            models.Index(fields=["-booked_at", "-id"], name="movement_booked"),
            models.Index(fields=["account", "currency", "-booked_at", "-id"], name="movement_account"),
            models.Index(fields=["kind", "-booked_at", "-id"], name="movement_kind"),
            # Pages of an account or a currency that has been quiet for years must not walk all that came since.
            models.Index(fields=["account", "-booked_at", "-id"], name="movement_account_booked"),
            models.Index(fields=["currency", "-booked_at", "-id"], name="movement_currency"),
            models.Index(
                fields=["-booked_at", "-id"],
                condition=models.Q(on_balance=False),
                name="movement_off_balance",
            ),
            # Compliance looks at few among many.
            models.Index(
                fields=["tag", "-booked_at", "-id"], condition=~models.Q(tag=""), name="movement_tagged"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
