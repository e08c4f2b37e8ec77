"""Addresses made for receiving, and what arrived there. Written only by services.wallets and services.deposits."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import MoneyField

from .references import Tracked


class Wallet(Tracked):
    """An address at a provider, made for somebody. `fields` are the provider's parameters as they were asked for.

    With a conversion it needs another person's yes first, because the provider then places orders by itself.
    """

    class Status(models.TextChoices):
        AWAITING_APPROVAL = "awaiting_approval", _("Awaiting approval")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        CREATING = "creating", _("Creating")
        UNKNOWN = "unknown", _("Unknown")
        ACTIVE = "active", _("Active")
        FAILED = "failed", _("Failed")

    TRANSITIONS = {
        Status.AWAITING_APPROVAL: {Status.APPROVED, Status.REJECTED},
        Status.APPROVED: {Status.CREATING, Status.AWAITING_APPROVAL, Status.REJECTED},
        Status.REJECTED: set(),
        # Back only while nothing has left and its yes does not hold any more.
        Status.CREATING: {Status.ACTIVE, Status.UNKNOWN, Status.FAILED, Status.AWAITING_APPROVAL},
        Status.UNKNOWN: {Status.ACTIVE, Status.FAILED},
        Status.ACTIVE: set(),
        Status.FAILED: set(),
    }
    TONES = {
        Status.AWAITING_APPROVAL: "warn",
        Status.APPROVED: "info",
        Status.REJECTED: "muted",
        Status.CREATING: "info",
        Status.UNKNOWN: "warn",
        Status.ACTIVE: "ok",
        Status.FAILED: "bad",
    }

    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.CREATING)
    method = models.CharField(_("payment system"), max_length=64)
    currency = models.CharField(_("currency"), max_length=16)
    network = models.CharField(_("network"), max_length=50)
    label = models.CharField(_("label"), max_length=120, blank=True)
    customer = models.CharField(_("customer reference"), max_length=120, blank=True)
    fields = models.JSONField(_("asked for"), default=dict)
    address = models.CharField(_("address"), max_length=300, blank=True)
    tag = models.CharField(_("tag or memo"), max_length=200, blank=True)
    made_at = models.DateTimeField(_("made at the provider"), null=True, blank=True)
    # As for withdrawals: how often, well apart, all of the provider's list did not show it.
    misses = models.PositiveSmallIntegerField(_("not in the provider's list"), default=0)
    counted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    status__in=[
                        *("awaiting_approval", "approved", "rejected"),
                        *("creating", "unknown", "active", "failed"),
                    ]
                ),
                name="wallet_status",
            ),
            models.UniqueConstraint(
                fields=["account", "provider_id"],
                condition=~models.Q(provider_id=""),
                name="wallet_provider_id",
            ),
            models.UniqueConstraint(fields=["created_by", "form_token"], name="wallet_form_token"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="wallet_created"),
            models.Index(fields=["account", "address"], name="wallet_address"),
            models.Index(fields=["customer"], name="wallet_customer"),
            models.Index(
                fields=["next_check_at"], name="wallet_due", condition=models.Q(next_check_at__isnull=False)
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("payments:wallet", kwargs={"pk": self.pk})


class Deposit(Tracked):
    """One payment to an address of ours. `amount` is what we get, after the `fee`; both in `currency`.

    The provider gives it no number: what it is made of tells it from others, `ordinal` from its equals.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        CONFIRMED = "confirmed", _("Confirmed")
        REJECTED = "rejected", _("Rejected")

    TRANSITIONS = {
        Status.PENDING: {Status.CONFIRMED, Status.REJECTED},
        Status.CONFIRMED: set(),
        Status.REJECTED: set(),
    }
    TONES = {Status.PENDING: "info", Status.CONFIRMED: "ok", Status.REJECTED: "bad"}
    IDENTITY = (
        *("account", "txid", "address", "currency", "network"),
        *("tag", "amount", "arrived_at", "ordinal"),
    )

    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.PENDING)
    wallet = models.ForeignKey(
        Wallet, models.PROTECT, null=True, blank=True, related_name="deposits", verbose_name=_("wallet")
    )
    currency = models.CharField(_("currency"), max_length=16)
    network = models.CharField(_("network"), max_length=50)
    amount = MoneyField(_("amount"))
    fee = MoneyField(_("fee"), default=0)
    address = models.CharField(_("address"), max_length=300)
    tag = models.CharField(_("tag or memo"), max_length=200, blank=True)
    txid = models.CharField(_("transaction"), max_length=200, blank=True)
    arrived_at = models.DateTimeField(_("seen by the provider"))
    happened_at = models.DateTimeField(_("paid"), null=True, blank=True)
    ordinal = models.PositiveSmallIntegerField(default=0)
    confirmations = models.PositiveIntegerField(_("confirmations"), null=True, blank=True)
    required_confirmations = models.PositiveIntegerField(_("needed"), null=True, blank=True)
    # aml: success, risk, url.
    told = models.JSONField(_("said besides"), default=dict, blank=True)
    credited_at = models.DateTimeField(_("credited"), null=True, blank=True)

    class Meta:
        verbose_name = _("deposit")
        verbose_name_plural = _("deposits")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["pending", "confirmed", "rejected"]), name="deposit_status"
            ),
            models.UniqueConstraint(
                fields=[
                    *("account", "txid", "address", "currency", "network"),
                    *("tag", "amount", "arrived_at", "ordinal"),
                ],
                name="deposit_identity",
            ),
        ]
        indexes = [
            models.Index(fields=["-arrived_at", "-id"], name="deposit_arrived"),
            models.Index(fields=["status", "-arrived_at", "-id"], name="deposit_status_arrived"),
            models.Index(fields=["account", "status", "arrived_at"], name="deposit_account_status"),
            models.Index(
                fields=["next_check_at"], name="deposit_due", condition=models.Q(next_check_at__isnull=False)
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("payments:deposit", kwargs={"pk": self.pk})

    @property
    def gross(self) -> object:
        """What the payer sent."""
        return self.amount + self.fee
