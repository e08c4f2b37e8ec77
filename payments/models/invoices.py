"""Bills that payers pay. Written only by services.invoices (through one door per state change)."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import MoneyField

from .destinations import OwnDestination
from .references import Tracked


class Invoice(Tracked):
    """A bill at a provider. Amounts are in `currency` (of the method); `pay_amount` is in the payer's method.

    `fields` are the provider's parameters as they were asked for, amounts as text; our answer never overwrites them.
    """

    class Status(models.TextChoices):
        AWAITING_APPROVAL = "awaiting_approval", _("Awaiting approval")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        CREATING = "creating", _("Creating")
        UNKNOWN = "unknown", _("Unknown")
        OPEN = "open", _("Open")
        PAID = "paid", _("Paid")
        EXPIRED = "expired", _("Expired")
        CANCELED = "canceled", _("Canceled")
        FAILED = "failed", _("Failed")

    TRANSITIONS = {
        # Only with a conversion: that is money out, and needs another person's yes.
        Status.AWAITING_APPROVAL: {Status.APPROVED, Status.REJECTED},
        Status.APPROVED: {Status.CREATING, Status.AWAITING_APPROVAL, Status.REJECTED},
        Status.REJECTED: set(),
        # Back only while nothing has left and its yes does not hold any more.
        Status.CREATING: {
            *(Status.OPEN, Status.PAID, Status.UNKNOWN, Status.FAILED, Status.CANCELED),
            Status.AWAITING_APPROVAL,
        },
        Status.UNKNOWN: {Status.OPEN, Status.PAID, Status.FAILED, Status.CANCELED},
        Status.OPEN: {Status.PAID, Status.EXPIRED, Status.CANCELED, Status.FAILED},
        Status.EXPIRED: {Status.PAID, Status.CANCELED, Status.FAILED},
        Status.CANCELED: {Status.PAID},
        Status.PAID: set(),
        Status.FAILED: set(),
    }
    TONES = {
        Status.AWAITING_APPROVAL: "warn",
        Status.APPROVED: "info",
        Status.REJECTED: "muted",
        Status.CREATING: "info",
        Status.UNKNOWN: "warn",
        Status.OPEN: "info",
        Status.PAID: "ok",
        Status.EXPIRED: "muted",
        Status.CANCELED: "muted",
        Status.FAILED: "bad",
    }

    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.CREATING)
    method = models.CharField(_("payment system"), max_length=64)
    currency = models.CharField(_("currency"), max_length=16)
    amount = MoneyField(_("amount"), null=True, blank=True)
    pay_amount = MoneyField(_("amount to pay"), null=True, blank=True)
    pay_currency = models.CharField(_("currency to pay in"), max_length=16, blank=True)
    expected = MoneyField(_("expected"), null=True, blank=True)
    received = MoneyField(_("received, as stated"), null=True, blank=True)
    # Of `received`, where the provider says so: what it kept.
    fee = MoneyField(_("provider's fee"), null=True, blank=True)
    to_balance = models.BooleanField(_("to our balance there"), default=False)
    destination = models.ForeignKey(
        OwnDestination,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("own destination"),
    )
    tag = models.CharField(_("tag or memo"), max_length=64, blank=True)
    customer = models.CharField(_("customer reference"), max_length=120, blank=True)
    description = models.CharField(_("description"), max_length=500, blank=True)
    fields = models.JSONField(_("asked for"), default=dict)
    payment_url = models.URLField(_("payer's link"), max_length=500, blank=True)
    requisites = models.JSONField(_("requisites"), default=list)
    fee_payer = models.CharField(
        _("fee paid by"), max_length=8, choices=[("payer", _("payer")), ("payee", _("us"))], default="payer"
    )
    is_forwarded = models.BooleanField(_("forwarded"), default=False)
    # As for withdrawals: how often, well apart, all of the provider's list did not show it.
    misses = models.PositiveSmallIntegerField(_("not in the provider's list"), default=0)
    counted_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)
    claimed_paid_at = models.DateTimeField(_("provider says paid"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    status__in=[
                        *("awaiting_approval", "approved", "rejected", "creating", "unknown", "open"),
                        *("paid", "expired", "canceled", "failed"),
                    ]
                ),
                name="invoice_status",
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0) | models.Q(pay_amount__gt=0), name="invoice_amount"
            ),
            models.UniqueConstraint(
                fields=["created_by", "form_token"], name="invoice_form_token", nulls_distinct=True
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="invoice_created"),
            models.Index(fields=["status", "-created_at", "-id"], name="invoice_status_created"),
            models.Index(fields=["account", "status", "-created_at", "-id"], name="invoice_account_status"),
            models.Index(
                fields=["next_check_at"], name="invoice_due", condition=models.Q(next_check_at__isnull=False)
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("payments:invoice", kwargs={"pk": self.pk})
