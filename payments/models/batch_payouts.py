"""One BTC deposit paid out to several addresses. Written only by services.batch_payouts (one door per state change)."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.kit.fields import MoneyField

from .exceptions import ExceptionItem
from .references import Reference, Tracked
from .withdrawals import Withdrawal

CURRENCY = "BTC"


class BatchPayoutQuerySet(models.QuerySet["BatchPayout"]):
    """Which of them."""

    def unpaid(self) -> BatchPayoutQuerySet:
        """Those that wait for a deposit which nobody is paying, while there is time: what was to pay it never left."""
        gone = ["rejected", "canceled", "failed"]
        nobody = models.Q(withdrawal__isnull=True) | models.Q(withdrawal__status__in=gone)
        return self.filter(
            nobody,
            status=BatchPayout.Status.AWAITING_DEPOSIT,
            paid_outside_at__isnull=True,
            reference__held_at__isnull=True,
            pay_until__gt=timezone.now(),
        )

    def in_trouble(self) -> BatchPayoutQuerySet:
        """Those whose deposit we paid for nothing so far: expired after it, or the provider does not see it."""
        kinds = [ExceptionItem.Kind.EXPIRED_PAID, ExceptionItem.Kind.DEPOSIT_UNSEEN]
        items = ExceptionItem.objects.filter(kind__in=kinds, status=ExceptionItem.Status.OPEN)
        return self.filter(reference__in=items.values("reference"))


class BatchPayout(Tracked):
    """`total` is what all payees get together; `deposit_amount` (total and fee) and `deposit_address` are the provider's.

    Nothing moves until the deposit is paid: by `withdrawal`, one of ours, or from outside. `differs` names where the
    provider's newest word is not what was asked for: while it names anything, nothing is paid.
    """

    class Status(models.TextChoices):
        AWAITING_APPROVAL = "awaiting_approval", _("Awaiting approval")
        APPROVED = "approved", _("Approved")
        CREATING = "creating", _("Creating")
        UNKNOWN = "unknown", _("Unknown")
        AWAITING_DEPOSIT = "awaiting_deposit", _("Awaiting deposit")
        CONFIRMING = "confirming", _("Confirming")
        PROCESSING = "processing", _("Processing")
        COMPLETE = "complete", _("Complete")
        EXPIRED = "expired", _("Expired")
        FAILED = "failed", _("Failed")
        REJECTED = "rejected", _("Rejected")
        CANCELED = "canceled", _("Canceled")

    _SEEN = frozenset(
        {Status.AWAITING_DEPOSIT, Status.CONFIRMING, Status.PROCESSING, Status.COMPLETE, Status.EXPIRED}
    )
    TRANSITIONS = {
        Status.AWAITING_APPROVAL: {Status.APPROVED, Status.REJECTED, Status.CANCELED},
        Status.APPROVED: {Status.CREATING, Status.AWAITING_APPROVAL, Status.CANCELED},
        Status.CREATING: _SEEN | {Status.UNKNOWN, Status.FAILED, Status.APPROVED},
        Status.UNKNOWN: _SEEN | {Status.FAILED},
        Status.AWAITING_DEPOSIT: _SEEN - {Status.AWAITING_DEPOSIT},
        Status.CONFIRMING: {Status.PROCESSING, Status.COMPLETE, Status.EXPIRED},
        Status.PROCESSING: {Status.COMPLETE, Status.EXPIRED},
        Status.COMPLETE: set(),
        Status.EXPIRED: set(),
        Status.FAILED: set(),
        Status.REJECTED: set(),
        Status.CANCELED: set(),
    }
    TONES = {
        Status.AWAITING_APPROVAL: "warn",
        Status.APPROVED: "info",
        Status.CREATING: "info",
        Status.UNKNOWN: "warn",
        Status.AWAITING_DEPOSIT: "warn",
        Status.CONFIRMING: "info",
        Status.PROCESSING: "info",
        Status.COMPLETE: "ok",
        Status.EXPIRED: "bad",
        Status.FAILED: "bad",
        Status.REJECTED: "muted",
        Status.CANCELED: "muted",
    }

    class Signature(models.TextChoices):
        NONE = "", _("no answer yet")
        SIGNED = "signed", _("signed")
        UNSIGNED = "unsigned", _("unsigned")
        WRONG = "wrong", _("wrong signature")

    SIGNATURE_TONES = {"signed": "ok", "unsigned": "muted", "wrong": "bad", "": "muted"}

    reference = models.OneToOneField(
        Reference, models.PROTECT, related_name="batch_payout", verbose_name=_("reference")
    )
    status = models.CharField(
        _("status"), max_length=20, choices=Status.choices, default=Status.AWAITING_APPROVAL
    )
    provider_id = models.CharField(_("provider's number"), max_length=100, blank=True)
    currency = models.CharField(_("currency"), max_length=16, default=CURRENCY, editable=False)
    network = models.CharField(_("Bitcoin network"), max_length=8)
    total = MoneyField(_("payees get"))
    row_count = models.PositiveIntegerField(_("payees"))
    delay = models.PositiveIntegerField(_("delay (hours)"))
    ref_code = models.CharField(_("affiliate code"), max_length=64, blank=True)
    max_fee = MoneyField(_("the most that the fee may be"), null=True, blank=True)
    purpose = models.CharField(_("what for"), max_length=300, blank=True)
    # Of the rows and the delay: equal requests of ours are equal here.
    fingerprint = models.CharField(max_length=64)

    # --- What the provider says ---
    deposit_address = models.CharField(_("deposit address"), max_length=100, blank=True)
    deposit_amount = MoneyField(_("deposit"), null=True, blank=True)
    fee = MoneyField(_("fee"), null=True, blank=True)
    signed = models.CharField(
        _("signature"), max_length=8, choices=Signature.choices, default=Signature.NONE, blank=True
    )
    signature_form = models.CharField(_("numbers signed as"), max_length=8, blank=True)
    deposit_txid = models.CharField(_("deposit transaction"), max_length=120, blank=True)
    txid = models.CharField(_("payout transaction"), max_length=120, blank=True)
    differs = models.JSONField(_("differs in"), default=list)
    # IDs of theirs that may be this one, after a lost answer: people choose.
    candidates = models.JSONField(_("may be one of"), default=list)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires (assumed)"), null=True, blank=True)
    pay_until = models.DateTimeField(_("to be paid until"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    # --- What pays its deposit ---
    withdrawal = models.OneToOneField(
        Withdrawal,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="pays_batch",
        verbose_name=_("paid by"),
    )
    paid_outside_at = models.DateTimeField(_("paid from outside"), null=True, blank=True)
    paid_outside_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    paid_outside_note = models.CharField(_("how it was paid"), max_length=300, blank=True)
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    objects = BatchPayoutQuerySet.as_manager()

    class Meta:
        verbose_name = _("batch payout")
        verbose_name_plural = _("batch payouts")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    status__in=[
                        "awaiting_approval",
                        "approved",
                        "creating",
                        "unknown",
                        "awaiting_deposit",
                        "confirming",
                        "processing",
                        "complete",
                        "expired",
                        "failed",
                        "rejected",
                        "canceled",
                    ]
                ),
                name="batch_payout_status",
            ),
            models.CheckConstraint(condition=models.Q(total__gt=0), name="batch_payout_total"),
            # Paid once: by one withdrawal of ours, or from outside, never by both.
            models.CheckConstraint(
                condition=models.Q(withdrawal__isnull=True) | models.Q(paid_outside_at__isnull=True),
                name="batch_payout_paid_once",
            ),
            models.UniqueConstraint(fields=["created_by", "form_token"], name="batch_payout_form_token"),
            # One of theirs belongs to one of ours: no two adopt the same.
            models.UniqueConstraint(
                fields=["account", "provider_id"],
                condition=~models.Q(provider_id=""),
                name="batch_payout_provider_id",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="batch_payout_created"),
            models.Index(fields=["status", "-created_at", "-id"], name="batch_payout_status_created"),
            models.Index(fields=["account", "fingerprint", "-created_at"], name="batch_payout_equal"),
            models.Index(
                fields=["deposit_address"],
                name="batch_payout_deposit",
                condition=~models.Q(deposit_address=""),
            ),
            models.Index(
                fields=["next_check_at"],
                name="batch_payout_due",
                condition=models.Q(next_check_at__isnull=False),
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("payments:batchpayout", kwargs={"pk": self.pk})


class BatchRow(models.Model):
    """Who gets how much. `is_valid`: the provider's word on the address; None: not asked yet."""

    batch = models.ForeignKey(BatchPayout, models.CASCADE, related_name="rows")
    position = models.PositiveIntegerField(_("line"))
    address = models.CharField(_("address"), max_length=100)
    amount = MoneyField(_("amount"))
    is_valid = models.BooleanField(_("the provider knows it as valid"), null=True)

    class Meta:
        verbose_name = _("row of a batch payout")
        verbose_name_plural = _("rows of batch payouts")
        ordering = ["batch", "position"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "position"], name="batch_row_position"),
            models.UniqueConstraint(fields=["batch", "address"], name="batch_row_address"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="batch_row_amount"),
        ]
        indexes = [models.Index(fields=["address"], name="batch_row_to")]

    def __str__(self) -> str:
        return self.address
