"""Money sent from an account to somebody. Written only by services.withdrawals (one door per state change)."""

from __future__ import annotations

import uuid

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import EncryptedTextField, KeyedDigestField, MoneyField

from .references import Tracked


class Withdrawal(Tracked):
    """`amount` is what the payee gets, in `currency` (of the payment system); what it costs us is in `balance_currency`.

    The purse is kept encrypted and shown as `shown` (cards masked). `fields` are the other parameters as typed.
    """

    class Status(models.TextChoices):
        AWAITING_APPROVAL = "awaiting_approval", _("Awaiting approval")
        APPROVED = "approved", _("Approved")
        SENDING = "sending", _("Sending")
        UNKNOWN = "unknown", _("Unknown")
        PENDING = "pending", _("Pending")
        COMPLETE = "complete", _("Complete")
        FAILED = "failed", _("Failed")
        REJECTED = "rejected", _("Rejected")
        CANCELED = "canceled", _("Canceled")

    TRANSITIONS = {
        Status.AWAITING_APPROVAL: {Status.APPROVED, Status.REJECTED, Status.CANCELED},
        # Back to unknown: it was to be sent again, its approval is over, and the first attempt is still in doubt.
        Status.APPROVED: {Status.SENDING, Status.AWAITING_APPROVAL, Status.CANCELED, Status.UNKNOWN},
        Status.SENDING: {Status.PENDING, Status.COMPLETE, Status.FAILED, Status.UNKNOWN, Status.APPROVED},
        Status.UNKNOWN: {Status.PENDING, Status.COMPLETE, Status.FAILED, Status.APPROVED},
        Status.PENDING: {Status.COMPLETE, Status.FAILED},
        Status.COMPLETE: set(),
        Status.FAILED: set(),
        Status.REJECTED: set(),
        Status.CANCELED: set(),
    }
    TONES = {
        Status.AWAITING_APPROVAL: "warn",
        Status.APPROVED: "info",
        Status.SENDING: "info",
        Status.UNKNOWN: "warn",
        Status.PENDING: "info",
        Status.COMPLETE: "ok",
        Status.FAILED: "bad",
        Status.REJECTED: "muted",
        Status.CANCELED: "muted",
    }
    # States in which money may leave or has left without our knowing the end: their reservation stands.
    OPEN = (Status.APPROVED, Status.SENDING, Status.UNKNOWN)

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    status = models.CharField(
        _("status"), max_length=20, choices=Status.choices, default=Status.AWAITING_APPROVAL
    )
    method = models.CharField(_("payment system"), max_length=64)
    currency = models.CharField(_("currency"), max_length=16)
    amount = MoneyField(_("amount"))
    balance_currency = models.CharField(_("paid from"), max_length=16)
    purse = EncryptedTextField(_("destination"))
    purse_digest = KeyedDigestField(of="purse", purpose="withdrawal purse")
    shown = models.CharField(_("destination"), max_length=200)
    is_card = models.BooleanField(_("card"), default=False)
    tag = models.CharField(_("tag or memo"), max_length=200, blank=True)
    payee = models.CharField(_("payee"), max_length=120, blank=True)
    purpose = models.CharField(_("what for"), max_length=300, blank=True)
    fields = models.JSONField(_("asked for"), default=dict)
    estimate = MoneyField(_("estimated debit"), null=True, blank=True)
    max_debit = MoneyField(_("the most that may be debited"))
    amount_from = MoneyField(_("debited without fee"), null=True, blank=True)
    debit = MoneyField(_("debited"), null=True, blank=True)
    transaction_id = models.CharField(_("transaction"), max_length=120, blank=True)
    # Where the provider states no debit, the fee is computed from its payment method: as requested, as approved.
    fee_payer = models.CharField(
        _("fee is taken from"),
        max_length=8,
        blank=True,
        choices=[("balance", _("our balance")), ("amount", _("the amount"))],
    )
    fee_quoted = MoneyField(_("fee, computed"), null=True, blank=True)
    fee_currency = models.CharField(_("fee is in"), max_length=16, blank=True)
    # Where only whole lists can be read: how often, well apart, all of the list did not show it; and when last.
    misses = models.PositiveSmallIntegerField(_("not in the provider's list"), default=0)
    missed_at = models.DateTimeField(_("last not in the list"), null=True, blank=True)
    counted_at = models.DateTimeField(null=True, blank=True)
    # What the provider says besides: aml (success, risk, url), order (symbol, amount, price, side, state).
    told = models.JSONField(_("said besides"), default=dict, blank=True)
    # A first "failed" of the provider counts only when a second look, a minute later, agrees.
    failed_seen_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("withdrawal")
        verbose_name_plural = _("withdrawals")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    status__in=[
                        "awaiting_approval",
                        "approved",
                        "sending",
                        "unknown",
                        "pending",
                        "complete",
                        "failed",
                        "rejected",
                        "canceled",
                    ]
                ),
                name="withdrawal_status",
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="withdrawal_amount"),
            models.CheckConstraint(condition=models.Q(max_debit__gt=0), name="withdrawal_max_debit"),
            models.UniqueConstraint(fields=["created_by", "form_token"], name="withdrawal_form_token"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="withdrawal_created"),
            models.Index(fields=["status", "-created_at", "-id"], name="withdrawal_status_created"),
            models.Index(
                fields=["account", "status", "-created_at", "-id"], name="withdrawal_account_status"
            ),
            models.Index(fields=["purse_digest", "-created_at"], name="withdrawal_purse"),
            models.Index(
                fields=["next_check_at"],
                name="withdrawal_due",
                condition=models.Q(next_check_at__isnull=False),
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("payments:withdrawal", kwargs={"pk": self.pk})

    @property
    def fee(self) -> object:
        """The provider's fee in the balance currency, once it is stated."""
        if self.debit is None or self.amount_from is None:
            return None
        return self.debit - self.amount_from
